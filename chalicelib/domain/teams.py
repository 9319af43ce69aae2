"""A team: the clinic. What it may do, where its money goes, how its links behave.

Who changes a team and where it is kept is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.fees_abroad import takes_fee
from chalicelib.domain.payment_methods import DELAYED


class Plan(StrEnum):
    ESSENTIALS = "essentials"
    STANDARD = "standard"
    PREMIUM = "premium"
    ENTERPRISE = "enterprise"


OLDER_NAMES = {"starter": Plan.ESSENTIALS, "professional": Plan.STANDARD, "clinic": Plan.PREMIUM}


class UnknownPlanError(ValueError):
    """No plan has that name. The message lists those there are."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no plan {name!r}; choose one of: {', '.join(Plan)}")


def plan_named(name: str) -> Plan:
    """The plan of that name, older names included, in any case. Raises UnknownPlanError."""
    lowered = name.lower()
    if lowered in OLDER_NAMES:
        return OLDER_NAMES[lowered]
    try:
        return Plan(lowered)
    except ValueError:
        raise UnknownPlanError(name) from None


_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = rf"https://{_LABEL}(?:\.{_LABEL})*|http://(?:localhost|127\.0\.0\.1)"
_ORIGIN = re.compile(rf"(?:{_HOST})(?::[1-9][0-9]{{0,4}})?", re.ASCII)


class InvalidOriginError(ValueError):
    """The text is no origin of a page. The message does not repeat it."""

    def __init__(self) -> None:
        super().__init__("an origin is https://host[:port] without a path, or http://localhost[:port]")


def web_origin(text: str) -> str:
    """The origin as browsers write it: lower case, no default port (RFC 6454, 6.2). Raises InvalidOriginError."""
    lowered = text.lower()
    if not _ORIGIN.fullmatch(lowered):
        raise InvalidOriginError
    return lowered.removesuffix(":443" if lowered.startswith("https:") else ":80")


def frame_ancestor(text: str) -> str:
    """The origin of a site that may show links in a frame, in lower case; `https://*.host` stands for every name below.

    Raises InvalidOriginError. https://www.w3.org/TR/CSP3/#directive-frame-ancestors
    """
    lowered, every = text.lower(), "https://*."
    if not lowered.startswith(every):
        return web_origin(lowered)
    return every + web_origin(f"https://{lowered.removeprefix(every)}").removeprefix("https://")


MAX_TEAM_NAME = 200
"""Characters. Checkout shows "Appointment with NAME"; Stripe keeps product names to 250."""

MOST_BASIS_POINTS = 10_000
"""All of the fee."""

LONGEST_LEAD = timedelta(hours=24)

DELAYED_METHODS = tuple(DELAYED)
"""Bank debits that Checkout takes: https://docs.stripe.com/payments/payment-methods/integration-options."""


class TeamSettingError(ValueError):
    """A team cannot be set so. The message says what may be."""


class TeamNameError(TeamSettingError):
    """The name cannot be a team's."""


def checked_name(name: str) -> str:
    """The name without spaces around it. Raises TeamNameError."""
    stripped = name.strip()
    if not stripped or len(stripped) > MAX_TEAM_NAME or not stripped.isprintable():
        message = f"a team's name is 1 to {MAX_TEAM_NAME} printable characters"
        raise TeamNameError(message)
    return stripped


def checked_basis_points(rate: int | None) -> int | None:
    """A platform fee as agreed; None is the plan's. Raises TeamSettingError."""
    if rate is not None and not 0 <= rate <= MOST_BASIS_POINTS:
        message = f"a platform fee is 0 to {MOST_BASIS_POINTS} basis points"
        raise TeamSettingError(message)
    return rate


def checked_lead(lead: timedelta) -> timedelta:
    """How long before the start somebody may enter. Raises TeamSettingError."""
    if not timedelta(0) <= lead <= LONGEST_LEAD:
        message = f"people enter 0 to {LONGEST_LEAD // timedelta(minutes=1)} minutes before the start"
        raise TeamSettingError(message)
    return lead


def checked_methods(methods: Iterable[str]) -> tuple[str, ...]:
    """Delayed payment methods, each once. Raises TeamSettingError."""
    asked = tuple(dict.fromkeys(methods))
    if not set(asked) <= set(DELAYED_METHODS):
        message = f"delayed payment methods are: {', '.join(DELAYED_METHODS)}"
        raise TeamSettingError(message)
    return asked


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """Where a team's rooms are. Nothing is checked until a room is entered, so a bad setting closes rooms only."""

    kind: str
    """`template` or `jitsi`."""
    url: str
    """template: the address with `{token}`, and `{room}` if it is part of it. jitsi: `https://domain[/tenant]`."""
    key: str = field(repr=False)
    """The secret shared with the provider, at least 32 bytes."""
    app_id: str = ""
    """jitsi: the application id (`app_id` of its Prosody configuration). template: the token's `iss`, if wanted."""
    audience: str = "jitsi"
    """jitsi: the token's `aud`, one of its `asap_accepted_audiences`."""


class ChargeBar(StrEnum):
    """Why no offer to pay can be made for a fee."""

    SUSPENDED = "suspended"
    NO_ACCOUNT = "no_account"
    DISCONNECTED = "disconnected"
    """The account is connected no more."""
    RESTRICTED = "restricted"
    """Stripe does not let the account charge just now."""
    FEE_ABROAD = "fee_abroad"
    """The account cannot pay the platform's fee. Bars scheduling alone, where the operator wants it so."""


@dataclass(frozen=True, slots=True)
class RefusedMethod:
    """A way of paying that Stripe did not take on an account: it is not activated there, or does not fit."""

    method: str
    refused_at: datetime


@dataclass(frozen=True, slots=True)
class PayeeAccount:
    """A Stripe account the team is paid on; `stripe_account_id` None is the deployment's own account.

    One that was disconnected is kept, since attempts were made on it. What Stripe says of it: `charges_enabled`, and
    its code why not (`disabled_reason`); whether its owner has filled in what Stripe asks for; whether the platform
    made it (`is_controlled`: its owner cannot disconnect it at Stripe); its country (ISO 3166-1 alpha-2) and currency
    (https://docs.stripe.com/api/accounts/object), and which ways of paying are active (`capabilities`). `changed_at`:
    since when Stripe says this. `refused_methods` are left out of offers until Stripe says that they are active.
    `platform_country`: that of the deployment's own account, kept here so that an offer needs no further read;
    `fee_refused`: Stripe refused the platform's fee, although by our table it should not. `reconciled_until`: until
    when all that happened on it is known, by Stripe's own lists (`absences.py`); None: not compared since this is kept.
    """

    stripe_account_id: str | None
    charges_enabled: bool = True
    is_default: bool = True
    details_submitted: bool = True
    is_controlled: bool = False
    disabled_reason: str | None = None
    country: str | None = None
    default_currency: str | None = None
    connected_at: datetime | None = None
    disconnected_at: datetime | None = None
    platform_country: str | None = None
    fee_refused: bool = False
    active_methods: tuple[str, ...] = ()
    changed_at: datetime | None = None
    refused_methods: tuple[RefusedMethod, ...] = ()
    reconciled_until: datetime | None = None

    @property
    def since(self) -> datetime | None:
        """Since when it stands as it does: what was refused before may be taken now."""
        return self.changed_at or self.connected_at

    @property
    def is_connected(self) -> bool:
        return self.disconnected_at is None

    @property
    def is_abroad_for_fees(self) -> bool:
        """Whether it is connected across a border that no platform fee crosses, by our table."""
        return not takes_fee(self.platform_country, self.country)

    @property
    def pays_platform_fee(self) -> bool:
        """Whether a platform fee can be taken on it; never on the deployment's own account."""
        return self.stripe_account_id is not None and not self.is_abroad_for_fees and not self.fee_refused


@dataclass(frozen=True, slots=True)
class Team:
    """`fee_basis_points` None: the plan's rate. `lead_*`: how long before the start each side may enter."""

    team_id: str
    name: str
    created_at: datetime
    plan: Plan = Plan.STANDARD
    subdomain: str | None = None
    scheduling_add_on: bool = False
    suspended: bool = False
    fee_basis_points: int | None = None
    default_currency: str = "aud"
    more_currencies: tuple[str, ...] = ()
    delayed_methods: tuple[str, ...] = ()
    host_lead: timedelta = timedelta(0)
    guest_lead: timedelta = timedelta(0)
    accounts: tuple[PayeeAccount, ...] = ()
    frame_ancestors: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    """Whose pages may call the API (CORS), each as browsers write it."""
    room: RoomSettings | None = None
    deleted_at: datetime | None = None
    """Since when only its books are kept."""

    @property
    def may_schedule(self) -> bool:
        """Whether the plan includes scheduled sessions, or they were bought beside it."""
        return self.plan is not Plan.ESSENTIALS or self.scheduling_add_on

    @property
    def currencies(self) -> frozenset[str]:
        return frozenset({self.default_currency, *self.more_currencies})

    def takes(self, currency: str) -> bool:
        return currency in self.currencies

    def account(self, stripe_account_id: str | None) -> PayeeAccount | None:
        """The account of exactly that id, connected or not; None is the deployment's own."""
        return next((one for one in self.accounts if one.stripe_account_id == stripe_account_id), None)

    def has_account(self, stripe_account_id: str | None) -> bool:
        """Whether the team is paid on that account, None being the deployment's own."""
        account = self.account(stripe_account_id)
        return account is not None and account.is_connected

    def payee(self, stripe_account_id: str | None) -> PayeeAccount | None:
        """The account of that id, connected or not; for None the default one."""
        if stripe_account_id is not None:
            return self.account(stripe_account_id)
        return next((one for one in self.accounts if one.is_default), None)

    def charged_on(self, payee: str | None) -> str | None:
        """The connected account that a fee with that payee is charged on; None: the deployment's own."""
        account = self.payee(payee)
        return account.stripe_account_id if account else payee

    def charge_bar(self, payee: str | None = None) -> ChargeBar | None:
        """Why no offer to pay may be made for a fee with that payee (None: the default account); None: one may."""
        account = self.payee(payee)
        if self.suspended:
            return ChargeBar.SUSPENDED
        if account is None:
            return ChargeBar.NO_ACCOUNT
        if not account.is_connected:
            return ChargeBar.DISCONNECTED
        return None if account.charges_enabled else ChargeBar.RESTRICTED

    def scheduling_bar(self, payee: str | None, basis_points: int) -> ChargeBar | None:
        """Why no fee with that payee may be scheduled where none is wanted that pays the platform nothing.

        Only a new fee is asked: whoever was scheduled before is offered to pay without the platform's fee.
        """
        account = self.payee(payee)
        if account is None or account.stripe_account_id is None or not basis_points:
            return None
        return None if account.pays_platform_fee else ChargeBar.FEE_ABROAD

    def can_charge(self, payee: str | None = None) -> bool:
        """Whether an offer to pay may be made for a fee with that payee (None: the default account)."""
        return self.charge_bar(payee) is None
