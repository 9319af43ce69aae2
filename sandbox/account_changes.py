"""How a Stripe account is at the stand-in, and changing it: country, ways of paying, balance, charges."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sandbox.stripe_standin import ControlError, StripeStandIn


class Balance(StrEnum):
    """Whether the balance of an account covers refunds."""

    EMPTY = "empty"
    ENOUGH = "enough"


@dataclass(frozen=True, slots=True)
class AccountChange:
    """What changes; None stays as it is. `account` None: the deployment's own. `methods`: those that are active."""

    account: str | None
    country: str | None = None
    methods: list[str] | str | None = None
    balance: str | None = None
    charges_enabled: bool | None = None

    @property
    def active(self) -> list[str] | None:
        """A form sends one text."""
        return self.methods.replace(",", " ").split() if isinstance(self.methods, str) else self.methods


@dataclass(frozen=True, slots=True)
class AccountState:
    account_id: str
    connected: bool
    country: str
    methods: list[str]
    balance: Balance
    charges_enabled: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "account": self.account_id,
            "connected": self.connected,
            "country": self.country,
            "methods": self.methods,
            "balance": self.balance.value,
            "charges_enabled": self.charges_enabled,
        }


def change(standin: StripeStandIn, asked: AccountChange) -> AccountState:
    """The account afterwards. Raises ControlError, and changes nothing then."""
    account_id = asked.account or standin.account_id
    standin.check_account(account_id, country=asked.country, methods=asked.active)
    if asked.balance is not None and asked.balance not in set(Balance):
        message = f"{asked.balance!r} is no balance; choose one of: {', '.join(Balance)}"
        raise ControlError(message)
    if asked.country is not None:
        standin.set_country(account_id, asked.country)
    if asked.active is not None:
        standin.set_methods(account_id, asked.active)
    if asked.balance is not None:
        standin.set_balance(account_id, enough=asked.balance == Balance.ENOUGH)
    if asked.charges_enabled is not None:
        standin.set_charges_enabled(account_id, enabled=asked.charges_enabled)
    return state(standin, account_id)


def state(standin: StripeStandIn, account_id: str) -> AccountState:
    """How it is now; raises ControlError for an account that is not there."""
    account, connected = standin.account(account_id)
    return AccountState(
        account_id=account_id,
        connected=connected,
        country=account["country"],
        methods=standin.methods(account_id),
        balance=Balance.ENOUGH if standin.has_balance(account_id) else Balance.EMPTY,
        charges_enabled=account["charges_enabled"],
    )
