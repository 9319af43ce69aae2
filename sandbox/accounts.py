"""Stripe accounts at the stand-in: how each stands, and what can happen to one. The product hears of it by webhook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sandbox.stripe_standin import ControlError, StripeStandIn
from sandbox.stripe_standin.methods import active


class Deed(StrEnum):
    """What Stripe does to an account (`restrict`, `restore`), or its owner."""

    RESTRICT = "restrict"
    RESTORE = "restore"
    FINISH = "finish"
    DEAUTHORIZE = "deauthorize"


@dataclass(frozen=True, slots=True)
class AccountAtStripe:
    """`is_own`: the deployment's. `is_connected`: the platform may act on it. `is_controlled`: the platform made it.

    `methods`: the ways of paying that are active there.
    """

    account_id: str
    name: str
    is_own: bool
    is_connected: bool
    charges_enabled: bool
    details_submitted: bool
    is_controlled: bool
    country: str
    methods: tuple[str, ...]

    @property
    def deeds(self) -> tuple[Deed, ...]:
        """What can happen to it just now."""
        if not self.details_submitted:
            return (Deed.FINISH,)
        charges = Deed.RESTRICT if self.charges_enabled else Deed.RESTORE
        can_leave = self.is_connected and not self.is_own and not self.is_controlled
        return (charges, Deed.DEAUTHORIZE) if can_leave else (charges,)


def accounts_of(stripe: Mapping[str, Any]) -> list[AccountAtStripe]:
    """The accounts of the stand-in's snapshot, the deployment's own first."""
    return [_account(one, is_own=one["account"]["id"] == stripe["account_id"]) for one in stripe["accounts"]]


def _account(books: Mapping[str, Any], *, is_own: bool) -> AccountAtStripe:
    account = books["account"]
    return AccountAtStripe(
        account_id=account["id"],
        name=account["business_profile"]["name"] or "A new account",
        is_own=is_own,
        is_connected=books["authorized"],
        charges_enabled=account["charges_enabled"],
        details_submitted=account["details_submitted"],
        is_controlled=bool(account["controller"].get("is_controller")),
        country=account["country"],
        methods=tuple(active(account)),
    )


def carry_out(standin: StripeStandIn, account_id: str, deed: Deed) -> AccountAtStripe:
    """The account afterwards. Raises ControlError for what cannot be."""
    before = _found(standin, account_id)
    match deed:
        case Deed.RESTRICT | Deed.RESTORE if not before.details_submitted:
            message = f"{account_id!r} has not told Stripe yet what it asks for: finish it first"
            raise ControlError(message)
        case Deed.RESTRICT | Deed.RESTORE:
            standin.set_charges_enabled(account_id, enabled=deed is Deed.RESTORE)
        case Deed.FINISH:
            standin.finish_onboarding(account_id)
        case Deed.DEAUTHORIZE:
            standin.deauthorize(account_id)
    return _found(standin, account_id)


def _found(standin: StripeStandIn, account_id: str) -> AccountAtStripe:
    found = (one for one in accounts_of(standin.snapshot()) if one.account_id == account_id)
    account = next(found, None)
    if account is None:
        message = f"there is no account {account_id!r} in the Stripe stand-in"
        raise ControlError(message)
    return account
