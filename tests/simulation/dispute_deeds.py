"""What banks do on behalf of who paid: they ask about a charge, dispute it or a part of it, and decide.

https://docs.stripe.com/disputes/how-disputes-work
"""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from sandbox.stripe_standin.deeds import Asked, PaymentDeed
from sandbox.stripe_standin.errors import JsonObject
from tests.simulation.client_deeds import OfGuest
from tests.simulation.deeds import NOTHING, nth
from tests.simulation.stage import Stage
from tests.simulation.stripe_deeds import AtStripeOnly, about_charges, charges_of, note_if_away


@dataclass(frozen=True, slots=True)
class Dispute(AtStripeOnly, OfGuest):
    """`currency`: what the bank tells it in, where that is not the charge's own."""

    charge: int = 0
    amount: int | None = None
    inquiry: bool = False
    currency: str | None = None

    @override
    def __str__(self) -> str:
        kind = "asks about" if self.inquiry else "disputes"
        how_much = f"{self.amount or 'all'}{f' {self.currency}' if self.currency else ''}"
        return f"the bank of {self.guest} {kind} {how_much} of charge {self.charge}"

    def do(self, stage: Stage) -> str:
        charge = nth(charges_of(stage, self.guest), self.charge)
        if charge is None:
            return NOTHING
        left = charge["amount"] - charge["amount_refunded"]
        amount = self.amount if self.currency else min(self.amount or left, left)
        deed = PaymentDeed.INQUIRY if self.inquiry else PaymentDeed.DISPUTE
        stage.stripe.do(Asked(deed, charge=charge["id"], amount=amount or None, currency=self.currency))
        stage.reach("disputed")
        self._note(stage, charge, is_part=bool(amount and amount < charge["amount"]))
        return "done"

    def _note(self, stage: Stage, charge: JsonObject, *, is_part: bool) -> None:
        note_if_away(stage, charge, "disputed")
        if self.inquiry:
            stage.reach("asked about by the bank")
        if self.currency:
            stage.reach("disputed in another currency")
        elif is_part:
            stage.reach("a part disputed")


@dataclass(frozen=True, slots=True)
class DisputeMoves(AtStripeOnly, OfGuest):
    """The newest dispute; what was lost was a dispute, whatever it was before."""

    to: str

    @override
    def __str__(self) -> str:
        return f"the dispute of {self.guest} moves to {self.to}"

    def do(self, stage: Stage) -> str:
        dispute = nth(about_charges(stage, self.guest, "dispute"), -1)
        if dispute is None:
            return NOTHING
        before = str(dispute["status"])
        if self.to in {"won", "lost", "warning_closed"}:
            stage.stripe.dispute_close(dispute["id"], self.to)
            stage.reach(f"dispute {self.to.removeprefix('warning_')}")
        else:
            stage.stripe.dispute_update(dispute["id"], self.to)
        self._note(stage, dispute, before)
        return "done"

    def _note(self, stage: Stage, dispute: JsonObject, before: str) -> None:
        charge = stage.books_at(self.guest.place)[dispute["charge"]]
        if before.startswith("warning_") and self.to == "needs_response":
            stage.reach("an inquiry became a dispute")
        if self.to == "lost":
            note_if_away(stage, charge, "a dispute lost")
            if dispute["currency"] != charge["currency"]:
                stage.reach("a dispute in another currency lost")
            elif dispute["amount"] < charge["amount"]:
                stage.reach("a dispute over a part lost")
