"""What clinics and operators decide about money through the product: refunds, waivers, and what is stuck."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta

from typing_extensions import override

from chalicelib.domain.books import api_client, operator
from chalicelib.domain.by_hand import RefundWish, stuck_keys
from chalicelib.domain.concerns import concerns
from chalicelib.domain.facts import Attempt
from chalicelib.domain.reach import out_of_reach
from chalicelib.domain.troubles import expire_key, look_key
from chalicelib.flows.by_hand import retry_by_hand, settle_by_hand
from chalicelib.flows.charge_again import charge_again
from chalicelib.flows.park import replay
from chalicelib.flows.reconcile import Tally, reconcile
from chalicelib.flows.reconcile_session import Scope
from chalicelib.flows.refund import refund
from chalicelib.flows.waive import waive
from chalicelib.gateways.stripe_api import AccountGoneError
from chalicelib.gateways.stripe_listings import Span
from sandbox.stripe_standin import checkout as standin_checkout
from tests.simulation.canaries import REMARK
from tests.simulation.clinic_deeds import OfParticipant
from tests.simulation.deeds import NOTHING, nth
from tests.simulation.stage import ACCOUNTS, PLACES, Guest, Stage
from tests.simulation.stripe_deeds import charges_of, is_at_the_bank
from tests.support.world import NOON

Touched = frozenset[tuple[str, str]] | None

CLINIC, OPERATOR = api_client("front-end"), operator("pat")
RECONCILE_SECONDS = 600
WHY = f"{REMARK}-why"


def decision_id_of(guest: Guest, request: int) -> str:
    """What a request of that number plans under its Idempotency-Key; the same again is the same request."""
    return f"{PLACES.index(guest.place):08x}-{guest.number:04x}-4000-8000-{request:012x}"


@dataclass(frozen=True, slots=True)
class Refund(OfParticipant):
    """`amount` None: all that is left; `charge` None: of the payment that counts. `request`: its Idempotency-Key."""

    amount: int | None
    charge: int | None
    request: int

    @override
    def __str__(self) -> str:
        of = "" if self.charge is None else f" of charge {self.charge}"
        return f"the clinic asks to refund {self.amount or 'the rest'}{of} to {self.guest}, request {self.request}"

    def do(self, stage: Stage) -> str:
        key = stage.sessions_at.get(self.guest.place)
        participant_id = self.participant_id(stage)
        if key is None or participant_id is None:
            return NOTHING
        charge = None if self.charge is None else nth(charges_of(stage, self.guest), self.charge)
        decision_id = decision_id_of(self.guest, self.request)
        wish = RefundWish(self.amount, WHY, str(charge["id"]) if charge else None)
        member = refund(stage.ctx.acting_for(CLINIC), key[0], participant_id, wish, decision_id=decision_id)
        kept = {one.decision_id for one in member.participant.history.decisions}
        assert decision_id in kept, "I3: the clinic was told of a refund that is not kept"
        if decision_id in stage.notes.decided:
            stage.reach("a refund asked for twice")
        stage.notes.decided.add(decision_id)
        return "done"


@dataclass(frozen=True, slots=True)
class Waive(OfParticipant):
    @override
    def __str__(self) -> str:
        return f"the clinic waives the fee of {self.guest}"

    def do(self, stage: Stage) -> str:
        key = stage.sessions_at.get(self.guest.place)
        participant_id = self.participant_id(stage)
        if key is None or participant_id is None:
            return NOTHING
        pages = [page for page in stage.checkouts_of(self.guest) if page["status"] == "open"]
        debits = [page for page in stage.checkouts_of(self.guest) if is_at_the_bank(page)]
        member = waive(stage.ctx.acting_for(CLINIC), key[0], participant_id, WHY)
        assert member.participant.history.waiver is not None, "the clinic was told that it is waived"
        if pages:
            stage.reach("waived with an open page")
        if debits:
            stage.reach("waived while the bank was at work")
        if any(out_of_reach(member.participant.history)):
            stage.reach("waived beside an offer out of reach")
        if charges_of(stage, self.guest):
            stage.reach("waived after a refund")
        return "done"


@dataclass(frozen=True, slots=True)
class ChargeAgain(OfParticipant):
    @override
    def __str__(self) -> str:
        return f"the clinic charges {self.guest} again"

    def do(self, stage: Stage) -> str:
        key = stage.sessions_at.get(self.guest.place)
        participant_id = self.participant_id(stage)
        if key is None or participant_id is None:
            return NOTHING
        member = charge_again(stage.ctx.acting_for(CLINIC), key[0], participant_id, WHY)
        assert member.participant.history.charged_again is not None, "the clinic was told that it is charged again"
        stage.reach("charged again")
        return "done"


def stuck(stage: Stage, guest: Guest) -> tuple[str, ...]:
    """The keys of what an operator could see to."""
    session = stage.session_at(guest.place)
    participant = session.participant(guest.number) if session else None
    return stuck_keys(session, participant, stage.now()) if session and participant else ()


@dataclass(frozen=True, slots=True)
class OfStuck(OfParticipant):
    """About the so many-th of what is stuck."""

    which: int

    def by_operator(self, stage: Stage) -> tuple[str, str, str] | None:
        """Team, participant and key."""
        key, participant_id = stage.sessions_at.get(self.guest.place), self.participant_id(stage)
        about = nth(stuck(stage, self.guest), self.which)
        return (key[0], participant_id, about) if key and participant_id and about else None


@dataclass(frozen=True, slots=True)
class Retry(OfStuck):
    @override
    def __str__(self) -> str:
        return f"an operator retries what is stuck of {self.guest} ({self.which})"

    def do(self, stage: Stage) -> str:
        found = self.by_operator(stage)
        if found is None:
            return NOTHING
        retry_by_hand(stage.ctx.acting_for(OPERATOR), *found, WHY)
        stage.reach("retried by hand")
        if ":re_" in found[2] or ":pyr_" in found[2]:
            stage.reach("a refund failed, then was retried by hand")
        return f"done: {found[2].partition(':')[0]}"


@dataclass(frozen=True, slots=True)
class SettleByHand(OfStuck):
    """Of money, they give as much as the list says is missing, or say that it need not go back."""

    is_given: bool = True

    @override
    def __str__(self) -> str:
        how = "" if self.is_given else " as kept"
        return f"an operator settles what is stuck of {self.guest} ({self.which}){how}"

    def do(self, stage: Stage) -> str:
        found = self.by_operator(stage)
        if found is None:
            return NOTHING
        key, missing = found[2], self._missing(stage, found[2])
        if key.startswith("refund:") and missing is None:
            return NOTHING
        lost = self._lost_offer(stage, key)
        if lost is not None and not self._is_closed(stage, lost):
            return "they find it paid, and leave it"
        known = self._settled(stage)
        try:
            settle_by_hand(stage.ctx.acting_for(OPERATOR), *found, WHY, is_given=self.is_given)
            assert self._settled(stage) > known, "an operator was told that it is settled"
        finally:
            # Also where the process died once it was kept: the operator has done it.
            if missing is not None and self._settled(stage) > known:
                self._note(stage, *missing)
        stage.reach("settled by hand")
        if lost is not None:
            stage.reach("an offer out of reach settled by an operator")
        return f"done: {key.partition(':')[0]}"

    def _lost_offer(self, stage: Stage, key: str) -> Attempt | None:
        """The offer out of reach that they are to look for themselves."""
        participant = stage.participant_at(self.guest)
        lost = out_of_reach(participant.history) if participant else ()
        return next((one for one in lost if key in {look_key(one), expire_key(one)}), None)

    def _is_closed(self, stage: Stage, offer: Attempt) -> bool:
        """In the clinic's dashboard: a page that is open is closed there first; False where it is paid, or may be."""
        pages = [one for one in stage.checkouts_of(self.guest) if one["client_reference_id"] == offer.attempt_id]
        for page in pages:
            if page["status"] == "open":
                books = stage.books_named(stage.account_of(page["id"]))
                standin_checkout.expire(stage.stripe.world, books, page)
        return all(page["status"] == "expired" for page in pages)

    def _settled(self, stage: Stage) -> int:
        participant = stage.participant_at(self.guest)
        return len(participant.history.settled) if participant else 0

    def _missing(self, stage: Stage, key: str) -> tuple[str, int] | None:
        """The charge, and how much of it an operator is told to see to; None where they are not told."""
        session, participant = stage.session_at(self.guest.place), stage.participant_at(self.guest)
        if session is None or participant is None or not key.startswith("refund:"):
            return None
        told = [one.sentence for one in concerns(session, participant, stage.now()) if one.key == key]
        name, books = key.partition(":")[2], stage.books_at(self.guest.place)
        intents = {one.decision_id: one.payment_intent_id for one in participant.history.decisions}
        charge_id = name.removeprefix("auto-").removeprefix("rest-")
        if name in books:
            charge_id = books[name]["charge"]
        elif name in intents:
            charge_id = books[intents[name]]["latest_charge"]
        for sentence in told:
            amount = re.search(r"([0-9]+)\.([0-9]{2}) [A-Z]{3}", sentence)
            return charge_id, int(amount[1] + amount[2]) if amount else int(books[name]["amount"])
        return None

    def _note(self, stage: Stage, charge_id: str, amount: int) -> None:
        if self.is_given:
            stage.notes.given[charge_id] += amount
            stage.reach("given back by hand")
        else:
            stage.notes.let_be.add(charge_id)
            stage.reach("let be by hand")


@dataclass(frozen=True, slots=True)
class Reconcile:
    """By the command line or at night: Stripe's own lists against ours, and what differs is folded in."""

    @override
    def __str__(self) -> str:
        return "an operator reconciles every account with Stripe"

    def touches(self, stage: Stage) -> Touched:
        return None

    def do(self, stage: Stage) -> str:
        found = mended = 0
        gone = list[str]()
        for account in connected_accounts(stage):
            try:
                tally = reconciled(stage, account, repairs=True)
            except AccountGoneError as error:
                stage.recorder.failed(error)
                gone.append(str(account))
                continue
            found, mended = found + tally.found, mended + tally.mended
        if found:
            stage.reach("reconciled, and something was found")
        return f"{found} found, {mended} mended{''.join(f', {one} is gone' for one in gone)}"


def connected_accounts(stage: Stage) -> list[str | None]:
    """Those that teams are paid on, as far as the product knows."""
    team = stage.team_at("h")
    return [None, *(account for account in ACCOUNTS if team.has_account(account))]


def reconciled(stage: Stage, account: str | None, *, repairs: bool) -> Tally:
    """The whole tally of one run over all that has happened on the account."""
    scope = Scope(account, Span(NOON - timedelta(days=1), stage.now()), repairs)
    *_, tally = reconcile(stage.context.within(RECONCILE_SECONDS).acting_for(OPERATOR), scope)
    assert isinstance(tally, Tally)
    return tally


@dataclass(frozen=True, slots=True)
class ReplayParked:
    """From the command line, once the code can read such an event."""

    @override
    def __str__(self) -> str:
        return "an operator replays the parked events"

    def touches(self, stage: Stage) -> Touched:
        return None

    def do(self, stage: Stage) -> str:
        parked = [one for one in stage.parked_events.all() if one.is_parked]
        told = []
        for one in parked:
            try:
                told.append(replay(stage.ctx.acting_for(OPERATOR), one).value)
            except AccountGoneError as error:
                # It can only be asked for of an account that is gone, so it stays where it is.
                stage.recorder.failed(error)
                continue
            self._made_readable(stage, one.event_id)
            stage.notes.poisoned.discard(one.event_id)
            stage.reach("a parked event replayed")
        return ", ".join(told) or NOTHING

    def _made_readable(self, stage: Stage, event_id: str) -> None:
        """Those that Stripe still sends, too."""
        event = next(books.objects[event_id] for books in stage.stripe.all_books if event_id in books.objects)
        for delivery in stage.stripe.mailroom.deliveries:
            if delivery.event_id == event_id:
                delivery.body = json.dumps(event).encode()
