"""What Stripe holds for one guest, and what of it the clinic may keep: judged by Stripe's objects and by what the
clinic decided, never by what the product believes.

A second telling of the rules in FAILURES.md's terms, in another shape than the product's, so that a slip in one shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.sessions import Participant, Session
from sandbox.stripe_standin.errors import JsonObject
from tests.simulation.stage import Guest, Stage, participant_id

STANDING = frozenset({"succeeded", "pending"})
ENDED_DISPUTES = frozenset({"won", "lost", "warning_closed", "prevented"})
OURS = "anteroom_refund"


LATE_AFTER_SECONDS = 10 * 86_400


@dataclass(frozen=True, slots=True)
class Charged:
    """One charge that took money on a page that the product made for this guest. `account`: at Stripe."""

    account: str
    charge: JsonObject
    refunds: tuple[JsonObject, ...]
    disputes: tuple[JsonObject, ...]

    @property
    def paid_at(self) -> int:
        return int(self.charge["created"])

    @property
    def amount(self) -> int:
        return int(self.charge["amount"])

    @property
    def back(self) -> int:
        """What went back or is on its way."""
        return sum(one["amount"] for one in self.refunds if one["status"] in STANDING)

    @property
    def lost(self) -> int:
        """What the bank took; of a dispute in another currency, all that was left."""
        lost = [one for one in self.disputes if one["status"] == "lost"]
        if any(one["currency"] != self.charge["currency"] for one in lost):
            return self.amount - self.back
        return sum(one["amount"] for one in lost)

    @property
    def held(self) -> int:
        """What the clinic has of it."""
        return self.amount - self.back - self.lost

    @property
    def automatic(self) -> list[JsonObject]:
        """The refunds that the rules, not a person, made of it."""
        return [one for one in self.refunds if str(one["metadata"].get(OURS, "")).startswith("auto-")]

    @property
    def requested(self) -> int:
        """What the clinic asked for through the product."""
        mine = [one for one in self.refunds if OURS in one["metadata"] and one not in self.automatic]
        return sum(one["amount"] for one in mine if one["status"] in STANDING)

    @property
    def parts(self) -> int:
        """Refunds beyond the first."""
        return len([one for one in self.refunds if one["status"] in STANDING]) - 1

    @property
    def given_up(self) -> bool:
        """The clinic gave all of it back itself, or the bank took what it did not."""
        by_people = sum(one["amount"] for one in self.refunds if one["status"] in STANDING) - sum(
            one["amount"] for one in self.automatic if one["status"] in STANDING
        )
        return bool(by_people + self.lost >= self.amount)

    @property
    def is_disputed(self) -> bool:
        return any(one["status"] not in ENDED_DISPUTES for one in self.disputes)

    def refund_is_late(self, now: datetime) -> bool:
        """Stripe made a refund more than ten days ago. That it ended since may never have been heard here."""
        return any(now.timestamp() > one["created"] + LATE_AFTER_SECONDS for one in self.refunds)

    @property
    def refund_failed(self) -> bool:
        return any(one["status"] in {"failed", "canceled"} for one in self.refunds)


@dataclass(frozen=True, slots=True)
class Truth:
    """All of one guest. `goes_back`: charges that must go back whatever else was paid."""

    guest: Guest
    session: Session
    participant: Participant
    checkouts: tuple[JsonObject, ...]
    charged: tuple[Charged, ...]
    processing: frozenset[str]
    forged: bool

    @property
    def payable(self) -> list[JsonObject]:
        """The pages on which money can still come."""
        return [
            one for one in self.checkouts if one["status"] == "open" or (one["payment_intent"] or "") in self.processing
        ]

    def is_seen_to(self, one: Charged) -> bool:
        """A person took on themselves what this charge, its refunds or its disputes would be found by."""
        keys = {settled.key for settled in self.participant.history.settled if not settled.key.startswith("refund:")}
        mine = {one.charge["payment_intent"], *(dispute["id"] for dispute in one.disputes)}
        about = {key.partition(":")[2] for key in keys if not key.startswith("excess:")}
        return bool(about & mine) or any(key.startswith(("look:", "expire:", "overflow")) for key in keys)

    def goes_back(self, one: Charged) -> bool:
        session, participant = self.session, self.participant
        fee = participant.fee
        if participant.history.waiver is not None or fee is None:
            return True
        if (one.amount, one.charge["currency"]) != (fee.amount, fee.currency):
            return True
        if one.paid_at >= seconds(session.end_time):
            return True
        closings = [
            (at, keeps)
            for at, keeps in (
                (session.canceled_at, session.keeps_payments),
                (participant.deleted_at, participant.keeps_payment),
            )
            if at is not None
        ]
        if not closings:
            return False
        closed_at, keeps = min(closings, key=lambda closing: closing[0])
        return not keeps or one.paid_at >= seconds(closed_at)

    @property
    def candidates(self) -> list[Charged]:
        """The charges that can be the fee, the first paid first."""
        found = [one for one in self.charged if not self.goes_back(one)]
        return sorted(found, key=lambda one: (one.paid_at, one.charge["payment_intent"]))


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def truths(stage: Stage) -> list[Truth]:
    """Of every guest there is."""
    return [truth_of(stage, guest, session, participant) for guest, session, participant in stage.guests()]


def truth_of(stage: Stage, guest: Guest, session: Session, participant: Participant) -> Truth:
    """The same object as long as nothing has changed here or at Stripe."""
    known = stage.known.get(guest)
    if known is not None and known[0] is session and known[1] == stage.moment:
        found: Truth = known[2]
        return found
    found = _truth_of(stage, guest, session, participant)
    stage.known[guest] = (session, stage.moment, found)
    return found


def _truth_of(stage: Stage, guest: Guest, session: Session, participant: Participant) -> Truth:
    checkouts = tuple(stage.checkouts_of(guest))
    books = stage.books_at(guest.place)
    intents = {one["payment_intent"] for one in checkouts if one["payment_intent"]}
    about: dict[str, list[JsonObject]] = {
        kind: [one for one in stage.of_kind(guest.place, kind) if one["payment_intent"] in intents] if intents else []
        for kind in ("charge", "refund", "dispute")
    }
    charged = tuple(
        Charged(
            stage.account_of(charge["id"]),
            charge,
            tuple(one for one in about["refund"] if one["charge"] == charge["id"]),
            tuple(one for one in about["dispute"] if one["charge"] == charge["id"]),
        )
        for charge in about["charge"]
        if charge["status"] == "succeeded"
    )
    return Truth(
        guest=guest,
        session=session,
        participant=participant,
        checkouts=checkouts,
        charged=charged,
        processing=frozenset(intent for intent in intents if books[intent]["status"] == "processing"),
        forged=is_forged_for(stage, guest),
    )


def is_forged_for(stage: Stage, guest: Guest) -> bool:
    """Whether somebody paid under this guest's ids on a page of their own."""
    mine = participant_id(stage.sessions_at[guest.place][1], guest.number)
    return any(
        books.objects[forged]["metadata"].get("anteroom_participant") == mine
        for books in stage.stripe.all_books
        for forged in stage.notes.forged
        if forged in books.objects
    )
