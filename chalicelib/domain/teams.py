"""A team: the clinic. What it may do, where its money goes, how its links behave.

Who changes a team and where it is kept is not decided here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class PayeeAccount:
    """A Stripe account the team is paid on; `stripe_account_id` None is the deployment's own account."""

    stripe_account_id: str | None
    charges_enabled: bool = True
    is_default: bool = True


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

    @property
    def may_schedule(self) -> bool:
        """Whether the plan includes scheduled sessions, or they were bought beside it."""
        return self.plan is not Plan.ESSENTIALS or self.scheduling_add_on

    @property
    def currencies(self) -> frozenset[str]:
        return frozenset({self.default_currency, *self.more_currencies})

    def takes(self, currency: str) -> bool:
        return currency in self.currencies

    def has_account(self, stripe_account_id: str | None) -> bool:
        """Whether that account, None being the deployment's own, is one of the team's."""
        return any(account.stripe_account_id == stripe_account_id for account in self.accounts)

    def payee(self, stripe_account_id: str | None) -> PayeeAccount | None:
        """The account of that id; for None the default one."""
        for account in self.accounts:
            wanted = account.is_default if stripe_account_id is None else account.stripe_account_id == stripe_account_id
            if wanted:
                return account
        return None

    def can_charge(self, payee: str | None = None) -> bool:
        """Whether an offer to pay may be made for a fee with that payee (None: the default account)."""
        account = self.payee(payee)
        return not self.suspended and account is not None and account.charges_enabled
