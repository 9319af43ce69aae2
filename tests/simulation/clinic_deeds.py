"""What clinics do through the API: schedule and reschedule, cancel, add and remove, fees, links."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from typing_extensions import override

from chalicelib.domain import ids
from chalicelib.domain.edits import ParticipantEdit, SessionEdit
from chalicelib.domain.sessions import Fee, ParticipantWish, Role, SessionWish
from chalicelib.flows import edit_participants, edit_session
from chalicelib.flows.revoke import revoke
from chalicelib.flows.schedule import schedule_session
from chalicelib.storage.stores import ConflictError
from sandbox.stripe_standin.errors import JsonObject
from tests.simulation.canaries import CANARY
from tests.simulation.deeds import NOTHING, at_place
from tests.simulation.stage import Guest, Stage, name_of
from tests.simulation.stripe_deeds import about_charges, is_at_the_bank

BANK_TAKES = 5 * 86_400
"""Seconds, at the least, until a debit's bank has answered."""

Touched = frozenset[tuple[str, str]] | None


def refunds_at(stage: Stage, guests: list[Guest]) -> list[JsonObject]:
    return [one for guest in guests for one in about_charges(stage, guest, "refund")]


def wish_of(guest: Guest, amount: int | None, currency: str = "aud") -> ParticipantWish:
    """A guest all of whose texts are marked."""
    return ParticipantWish(
        Role.GUEST,
        name_of(guest),
        state=f"{CANARY}-state",
        email=f"{CANARY}-{guest.place}@example.org",
        phone=f"+61-{CANARY}",
        fee=Fee(amount, currency, f"{CANARY}-description") if amount else None,
    )


@dataclass(frozen=True, slots=True)
class OfPlace:
    place: str

    def touches(self, stage: Stage) -> Touched:
        return at_place(stage, self.place)


@dataclass(frozen=True, slots=True)
class Schedule(OfPlace):
    """A host (number 1) and a guest for each fee, from number 2 on; again at the same place: that one is done with."""

    starts_in: int
    lasts: int
    fees: tuple[int | None, ...]
    currency: str = "aud"

    @override
    def __str__(self) -> str:
        window = f"in {spell(self.starts_in)}, for {spell(self.lasts)}"
        return f"the clinic schedules {self.place} {window}, with fees {list(self.fees)} {self.currency}"

    def do(self, stage: Stage) -> str:
        if self.place in stage.sessions_at:
            return NOTHING
        start = stage.now() + timedelta(seconds=self.starts_in)
        host = ParticipantWish(Role.HOST, f"{CANARY}-host")
        guests = [wish_of(Guest(self.place, index + 2), fee, self.currency) for index, fee in enumerate(self.fees)]
        wish = SessionWish(
            start, start + timedelta(seconds=self.lasts), f"{CANARY}-session", participants=(host, *guests)
        )
        session_id = stage.new_session_id(self.place)
        team = stage.team_at(self.place)
        key = (team.team_id, session_id)
        try:
            schedule_session(stage.ctx, team, f"client-{self.place}", wish, session_id)
        except ConflictError:
            # As under an Idempotency-Key: it was made by the request that died.
            stage.sessions.get(*key)
        stage.sessions_at[self.place] = key
        return "done"


@dataclass(frozen=True, slots=True)
class Reschedule(OfPlace):
    starts_in: int
    lasts: int

    @override
    def __str__(self) -> str:
        return f"the clinic moves {self.place} to {spell(self.starts_in)} from now, for {spell(self.lasts)}"

    def do(self, stage: Stage) -> str:
        key = stage.sessions_at.get(self.place)
        if key is None:
            return NOTHING
        stage.notes.rescheduled.add(self.place)
        self._note(stage)
        start = stage.now() + timedelta(seconds=self.starts_in)
        edit = SessionEdit(start_time=start, end_time=start + timedelta(seconds=self.lasts))
        edit_session.update_session(stage.ctx, *key, edit)
        return "done"

    def _note(self, stage: Stage) -> None:
        """What is under way as they ask."""
        guests = [guest for guest, _, _ in stage.guests() if guest.place == self.place]
        if any(is_at_the_bank(page) for guest in guests for page in stage.checkouts_of(guest)):
            time = "moved" if self.starts_in < BANK_TAKES else "moved far off"
            stage.reach(f"{time} while the bank was at work")
        if any(one["metadata"].get("anteroom_reason") == "after_end" for one in refunds_at(stage, guests)):
            stage.reach("moved after a late payment went back")


@dataclass(frozen=True, slots=True)
class Cancel(OfPlace):
    keep: bool = False

    @override
    def __str__(self) -> str:
        return f"the clinic cancels {self.place}{' and keeps the payments' if self.keep else ''}"

    def do(self, stage: Stage) -> str:
        key = stage.sessions_at.get(self.place)
        if key is None:
            return NOTHING
        guests = [guest for guest, _, _ in stage.guests() if guest.place == self.place]
        pages = [page for guest in guests for page in stage.checkouts_of(guest)]
        if any(page["status"] == "open" for page in pages):
            stage.reach("cancelled while a page was open")
        if any(map(is_at_the_bank, pages)):
            stage.reach("cancelled while the bank was at work")
        edit_session.cancel_session(stage.ctx, *key, keep_payments=self.keep)
        session = stage.session_at(self.place)
        assert session is not None
        assert session.canceled_at is not None, "the clinic was told that it is cancelled"
        return "done"


@dataclass(frozen=True, slots=True)
class AddGuest(OfPlace):
    fee: int | None

    @override
    def __str__(self) -> str:
        return f"the clinic adds a guest with a fee of {self.fee} to {self.place}"

    def do(self, stage: Stage) -> str:
        session = stage.session_at(self.place)
        if session is None:
            return NOTHING
        guest = Guest(self.place, len(session.participants) + 1)
        wish = wish_of(guest, self.fee)
        edit_participants.add_participant(stage.ctx, stage.team_at(self.place), session.session_id, wish)
        return "done"


@dataclass(frozen=True, slots=True)
class OfParticipant:
    guest: Guest

    def touches(self, stage: Stage) -> Touched:
        return at_place(stage, self.guest.place)

    def participant_id(self, stage: Stage) -> str | None:
        key = stage.sessions_at.get(self.guest.place)
        return ids.participant_id(key[1], self.guest.number) if key else None


@dataclass(frozen=True, slots=True)
class ChangeFee(OfParticipant):
    amount: int

    @override
    def __str__(self) -> str:
        return f"the clinic changes the fee of {self.guest} to {self.amount}"

    def do(self, stage: Stage) -> str:
        participant_id = self.participant_id(stage)
        if participant_id is None:
            return NOTHING
        team, edit = stage.team_at(self.guest.place), ParticipantEdit(fee=Fee(self.amount, "aud"))
        member = edit_participants.update_participant(stage.ctx, team, participant_id, edit)
        assert member.participant.fee is not None
        assert member.participant.fee.amount == self.amount
        return "done"


@dataclass(frozen=True, slots=True)
class Rename(OfParticipant):
    @override
    def __str__(self) -> str:
        return f"the clinic corrects the texts of {self.guest}"

    def do(self, stage: Stage) -> str:
        participant_id = self.participant_id(stage)
        if participant_id is None:
            return NOTHING
        edit = ParticipantEdit(display_name=f"{CANARY}-other-name", email=f"{CANARY}@example.net")
        edit_participants.update_participant(stage.ctx, stage.team_at(self.guest.place), participant_id, edit)
        return "done"


@dataclass(frozen=True, slots=True)
class Remove(OfParticipant):
    keep: bool = False

    @override
    def __str__(self) -> str:
        return f"the clinic removes {self.guest}{' and keeps the payment' if self.keep else ''}"

    def do(self, stage: Stage) -> str:
        participant_id = self.participant_id(stage)
        if participant_id is None:
            return NOTHING
        team_id = stage.team_at(self.guest.place).team_id
        edit_participants.remove_participant(stage.ctx, team_id, participant_id, keep_payment=self.keep)
        return "done"


@dataclass(frozen=True, slots=True)
class RenewLink(OfParticipant):
    @override
    def __str__(self) -> str:
        return f"the clinic renews the link of {self.guest}"

    def do(self, stage: Stage) -> str:
        key = stage.sessions_at.get(self.guest.place)
        if key is None:
            return NOTHING
        revoke(stage.ctx, *key, self.guest.number)
        return "done"


def spell(seconds: int) -> str:
    """A duration in words."""
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    return sign + (" ".join(filter(None, [*parts, f"{rest} s" if rest else ""])) or "0 s")
