"""What clients do, and the scanners that open their links for them."""

from __future__ import annotations

from dataclasses import dataclass

from typing_extensions import override

from chalicelib.domain.admission import Admission, Door
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.links import LinkClaims, mint
from chalicelib.domain.sessions import Participant
from chalicelib.flows.checkout import start_checkout
from chalicelib.flows.come_back import come_back
from chalicelib.flows.join import Joined, join
from chalicelib.flows.open_link import OpenedLink, open_link
from tests.simulation.deeds import NOTHING, at_place, nth
from tests.simulation.stage import DEBITS, Guest, Stage

CARD, DECLINED_CARD, BANK_DEBIT = "4242424242424242", "4000000000000002", "au_becs_debit"


def token_of(stage: Stage, guest: Guest, participant: Participant) -> str:
    key = stage.sessions_at[guest.place]
    claims = LinkClaims(*key, guest.number, participant.generation)
    token = mint(stage.context.settings.link_keys, claims, participant.key_id)
    stage.recorder.tokens.add(token)
    return token


def opened(stage: Stage, guest: Guest) -> OpenedLink | None:
    """Through the link that the clinic has given out last."""
    participant = stage.participant_at(guest)
    return open_link(stage.ctx, token_of(stage, guest, participant)) if participant else None


@dataclass(frozen=True, slots=True)
class OfGuest:
    guest: Guest

    def touches(self, stage: Stage) -> frozenset[tuple[str, str]] | None:
        return at_place(stage, self.guest.place)


@dataclass(frozen=True, slots=True)
class Look(OfGuest):
    """GET or HEAD of a link, by a scanner or the client."""

    @override
    def __str__(self) -> str:
        return f"a scanner opens the link of {self.guest}"

    @override
    def touches(self, stage: Stage) -> frozenset[tuple[str, str]] | None:
        return frozenset()

    def do(self, stage: Stage) -> str:
        link = opened(stage, self.guest)
        return link.admission.door.value if link else NOTHING


def _left_out(stage: Stage, guest: Guest) -> tuple[int, int]:
    """How many ways of paying, and fees of accounts, the clinic's offers are made without."""
    accounts = stage.team_at(guest.place).accounts
    return sum(len(one.refused_methods) for one in accounts), sum(one.fee_refused for one in accounts)


@dataclass(frozen=True, slots=True)
class PressPay(OfGuest):
    @override
    def __str__(self) -> str:
        return f"{self.guest} presses Pay"

    def teams(self, stage: Stage) -> frozenset[str]:
        """What Stripe refuses of the clinic's account is noted there: a way of paying, the platform's fee."""
        return frozenset({stage.team_at(self.guest.place).team_id})

    def do(self, stage: Stage) -> str:
        link = opened(stage, self.guest)
        if link is None:
            return NOTHING
        known = _left_out(stage, self.guest)
        started = start_checkout(stage.ctx, link)
        self._note_left_out(stage, known)
        if isinstance(started, Admission):
            self._note_refusal(stage, started.door)
            return f"nothing to pay: {started.door.value}"
        return f"is sent to the page of attempt {started.attempt_id[:8]}"

    def _note_left_out(self, stage: Stage, known: tuple[int, int]) -> None:
        methods, fees = _left_out(stage, self.guest)
        if methods > known[0]:
            stage.reach("offered without a way of paying that was refused")
        if fees > known[1]:
            stage.reach("offered without the platform's fee, which was refused")

    def _note_refusal(self, stage: Stage, door: Door) -> None:
        """What the product knows of, and cannot see: it must not ask for the money again on another account."""
        if door is Door.OFFER_REFUSED and stage.team_at(self.guest.place).can_charge():
            pages = [one for one in stage.checkouts_of(self.guest) if one["status"] == "open"]
            if any(stage.is_away(stage.account_of(one["id"])) for one in pages):
                stage.reach("not asked to pay beside an offer out of reach")


@dataclass(frozen=True, slots=True)
class Pay(OfGuest):
    """At Stripe, on a page that is perhaps an old one."""

    page: int = -1
    card: str = CARD

    @override
    def __str__(self) -> str:
        return f"{self.guest} pays on page {self.page} with {self.card}"

    def do(self, stage: Stage) -> str:
        page = nth(stage.checkouts_of(self.guest), self.page)
        if page is None:
            return NOTHING
        outcome = stage.stripe.pay(page["id"], self.card)
        if outcome.status == "paid" and stage.is_away(stage.account_of(page["id"])):
            stage.reach("a page paid that nobody can see")
        if outcome.status != "declined" and page["currency"] != "aud":
            stage.reach(f"paid in another currency{', by debit' if self.card in DEBITS else ''}")
        if outcome.status != "declined" and self._is_void(stage, str(page["client_reference_id"])):
            stage.reach("money for an offer that was held to be void")
        return outcome.status

    def _is_void(self, stage: Stage, attempt_id: str) -> bool:
        participant = stage.participant_at(self.guest)
        attempts = participant.history.attempts if participant else ()
        return any(one.attempt_id == attempt_id and one.state is AttemptState.VOID for one in attempts)


@dataclass(frozen=True, slots=True)
class ComeBack(OfGuest):
    page: int = -1

    @override
    def __str__(self) -> str:
        return f"{self.guest} comes back from page {self.page}"

    def do(self, stage: Stage) -> str:
        page = nth(stage.checkouts_of(self.guest), self.page)
        if page is None:
            return NOTHING
        back = come_back(stage.ctx, str(page["success_url"]).rpartition("/")[2])
        return back.attempt.state.value if back.attempt else "an offer that is dropped"


@dataclass(frozen=True, slots=True)
class Join(OfGuest):
    @override
    def __str__(self) -> str:
        return f"{self.guest} presses Join"

    def do(self, stage: Stage) -> str:
        link = opened(stage, self.guest)
        if link is None:
            return NOTHING
        entered = join(stage.ctx, link)
        if isinstance(entered, Joined):
            stage.reach("entered the room")
            return "enters"
        return f"is not let in: {entered.door.value}"
