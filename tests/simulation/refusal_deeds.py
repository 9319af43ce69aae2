"""What Stripe refuses of an account, with and without a cure: ways of paying, platform fees, refunds, small charges."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from tests.simulation.account_deeds import NAMES, OWN, OfNoSession
from tests.simulation.deeds import NOTHING
from tests.simulation.stage import Stage


def account_named(stage: Stage, account: str) -> str:
    return stage.stripe.account_id if account == OWN else account


@dataclass(frozen=True, slots=True)
class OfAccount(OfNoSession):
    """Done at Stripe, to an account of Hill Street or to the deployment's own (`OWN`)."""

    account: str

    def account_id(self, stage: Stage) -> str:
        return account_named(stage, self.account)

    def has_open_page(self, stage: Stage) -> bool:
        books = stage.books_named(self.account_id(stage))
        return any(one["status"] == "open" for one in books.of_kind("checkout.session"))


@dataclass(frozen=True, slots=True)
class Activate(OfAccount):
    """In the owner's dashboard: a way of paying is turned on, or off."""

    method: str
    is_on: bool

    @override
    def __str__(self) -> str:
        return f"{NAMES[self.account]} turns {self.method} {'on' if self.is_on else 'off'}"

    def do(self, stage: Stage) -> str:
        account_id = self.account_id(stage)
        before = {*stage.stripe.methods(account_id)}
        after = before | {self.method} if self.is_on else before - {self.method}
        if after == before:
            return NOTHING
        stage.stripe.set_methods(account_id, sorted(after))
        if self.method == "card":
            stage.notes.barred.add(account_id)
        stage.reach("a way of paying turned on again" if self.is_on else "a way of paying turned off")
        return "done"


@dataclass(frozen=True, slots=True)
class GoAbroad(OfAccount):
    """The account is of another country, which no real one becomes: to the product, it always was."""

    country: str

    @override
    def __str__(self) -> str:
        return f"{NAMES[self.account]} is one in {self.country}"

    def do(self, stage: Stage) -> str:
        stage.notes.feeless.add(self.account_id(stage))
        stage.stripe.set_country(self.account_id(stage), self.country)
        return "done"


@dataclass(frozen=True, slots=True)
class RefuseFees(OfAccount):
    """Stripe gives the platform no fees of the account, for no reason that can be looked up."""

    @override
    def __str__(self) -> str:
        return f"Stripe gives the platform no fees of {NAMES[self.account]} any more"

    def do(self, stage: Stage) -> str:
        stage.notes.feeless.add(self.account_id(stage))
        stage.stripe.refuse_fees(self.account_id(stage))
        if self.has_open_page(stage):
            stage.reach("the platform's fees refused while a page was open")
        return "done"


@dataclass(frozen=True, slots=True)
class Balance(OfAccount):
    """Whether the account's balance covers refunds."""

    is_enough: bool

    @override
    def __str__(self) -> str:
        return f"the balance of {NAMES[self.account]} {'covers refunds again' if self.is_enough else 'is paid out'}"

    def do(self, stage: Stage) -> str:
        account_id = self.account_id(stage)
        if stage.stripe.has_balance(account_id) == self.is_enough:
            return NOTHING
        stage.stripe.set_balance(account_id, enough=self.is_enough)
        stage.notes.emptied.add(account_id)
        if self.is_enough:
            stage.reach("a balance topped up")
        return "done"


@dataclass(frozen=True, slots=True)
class SmallestCharge(OfNoSession):
    """Another settlement currency, or another rate of it, moves the smallest charge."""

    currency: str
    amount: int

    @override
    def __str__(self) -> str:
        return f"Stripe charges no less than {self.amount} {self.currency} from now on"

    def do(self, stage: Stage) -> str:
        stage.stripe.set_minimum_charge(self.currency, self.amount)
        stage.notes.barred.add(f"below {self.amount} {self.currency}")
        return "done"
