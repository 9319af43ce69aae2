"""Races of processes on Amazon's engine: a hundred requests at once for one session, and nothing is lost or doubled.

Each process has a context of its own, as a function of Lambda has; Stripe is the stand-in behind HTTP. What may be
answered to whoever loses too often is 503 (or 409 while a first request is at work) with Retry-After, and a caller who
heeds it ends well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from chalicelib.domain.facts import AttemptState
from chalicelib.domain.payments import PaymentStatus, standing
from chalicelib.domain.sessions import Session, owing
from tests.engines.conftest import made_up_credentials
from tests.engines.racer import Sent
from tests.engines.races import Shared, shared_deployment
from tests.support.edge import Reply

pytestmark = [pytest.mark.engine, pytest.mark.allow_hosts(["127.0.0.1"])]

GUEST = 2
"""The first guest's number; the host has 1."""


@pytest.fixture(scope="module")
def shared(dynamodb_address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    with made_up_credentials(), shared_deployment(dynamodb_address, tmp_path_factory.mktemp("racers")) as shared:
        yield shared


def statuses(replies: Sequence[Reply]) -> set[int]:
    return {reply.status for reply in replies}


def presses(shared: Shared, session: Session, number: int = GUEST) -> list[Sent]:
    """Fifty looks at the link, fifty presses of Pay."""
    link = shared.link(session, number)
    return [Sent("GET", link), Sent("POST", f"{link}/checkout")] * 50


def paid(shared: Shared, session: Session, number: int = GUEST) -> str:
    """That guest pays; no webhook arrives. The charge."""
    pressed = shared.race_until_answered([Sent("POST", f"{shared.link(session, number)}/checkout")])
    return shared.stripe.pay(pressed[0].headers["location"].rpartition("/")[2]).charge_id


def payment_events(shared: Shared) -> list[Sent]:
    """A hundred deliveries of one payment: two facts, and two events that are of no interest."""
    return [
        shared.webhook("checkout.session.completed"),
        shared.webhook("charge.succeeded"),
        shared.webhook("payment_intent.succeeded"),
        shared.webhook("charge.updated"),
    ] * 25


def status(shared: Shared, session: Session, number: int = GUEST) -> PaymentStatus:
    newest = shared.session(session)
    participant = newest.participant(number)
    assert participant is not None
    return standing(owing(newest, participant), participant.history).status


def payable(shared: Shared, session: Session, number: int = GUEST) -> list[str]:
    """The addresses of the Checkout Sessions of this guest that can be paid."""
    participant_id = session.participant_id(number)
    ours = [one for one in shared.checkouts() if one["metadata"]["anteroom_participant"] == participant_id]
    return [str(one["url"]) for one in ours if one["status"] == "open"]


def test_of_a_hundred_opens_and_presses_one_page_to_pay_on_comes(shared: Shared) -> None:
    session = shared.schedule()
    answers = shared.race_until_answered(presses(shared, session))
    opened, pressed = answers[0::2], answers[1::2]
    assert statuses(opened) == {200}
    assert statuses(pressed) == {303}
    assert payable(shared, session) == [pressed[0].headers["location"]]
    assert {reply.headers["location"] for reply in pressed} == {pressed[0].headers["location"]}
    newest = shared.session(session).participant(GUEST)
    assert newest is not None
    assert [attempt.state for attempt in newest.history.attempts] == [AttemptState.OPEN]
    assert newest.history.closed_attempts == 0


def test_a_hundred_webhooks_of_one_payment_are_one_payment(shared: Shared) -> None:
    session = shared.schedule()
    charge = paid(shared, session)
    before = shared.session(session).revision.version
    assert statuses(shared.race_until_answered(payment_events(shared))) == {200}
    assert status(shared, session) is PaymentStatus.PAID
    assert shared.session(session).revision.version == before + 2, "each fact was written once, and no replay of it"
    assert [(row.charge_id, row.amount, row.refunded) for row in shared.ledger(session)] == [(charge, 8000, 0)]
    assert [shared.decided(session, what) for what in ("paid", "charged", "goes_back")] == [1, 1, 0]


def test_a_hundred_edits_beside_presses_and_webhooks_are_all_there(shared: Shared) -> None:
    session = shared.schedule(guests=12)
    payer, presser = 2, 3
    charge = paid(shared, session, payer)
    edits = Edits(shared, session)
    answers = shared.race_until_answered(
        mixed(edits.requests, payment_events(shared), presses(shared, session, presser))
    )
    assert statuses(answers) <= {200, 303}
    edits.are_all_there()
    assert status(shared, session, payer) is PaymentStatus.PAID
    assert [(row.charge_id, row.amount) for row in shared.ledger(session)] == [(charge, 8000)]
    assert [shared.decided(session, what) for what in ("paid", "charged", "added")] == [1, 1, Edits.ADDED]
    assert len(payable(shared, session, presser)) == 1
    assert status(shared, session, presser) is PaymentStatus.UNPAID


class Edits:
    """A hundred, each of something of its own: whatever is missing at the end, another edit has written over."""

    ADDED = 25

    def __init__(self, shared: Shared, session: Session) -> None:
        self._shared = shared
        self._session = session
        self._people = range(2, 14)
        self._fields = ("display_name", "email", "state")
        people, session_url = f"/v1/sessions/{session.session_id}/participants", f"/v1/sessions/{session.session_id}"
        renamed = [
            shared.api("PUT", f"/v1/participants/{session.participant_id(number)}", {field: self._text(number, field)})
            for number in self._people
            for field in self._fields
        ]
        # Each is sent twice under its key, as after an answer that was lost.
        added = [
            shared.api(
                "POST", people, {"role": "GUEST", "display_name": f"New {number}"}, key=f"{session_url}-{number}"
            )
            for number in range(self.ADDED)
        ]
        others = [{"session_name": "Moved"}, {"feature_flags": ["waiting-room"]}]
        self.requests = [*renamed, *added, *added, *(shared.api("PUT", session_url, other) for other in others * 6)]
        self.requests += [shared.api("GET", session_url)] * 2
        assert len(self.requests) == 100

    @staticmethod
    def _text(number: int, field: str) -> str:
        return f"{field}-{number}@example.org"

    def are_all_there(self) -> None:
        newest = self._shared.session(self._session)
        assert (newest.name, newest.feature_flags) == ("Moved", ("waiting-room",))
        for number in self._people:
            participant = newest.participant(number)
            for field in self._fields:
                assert getattr(participant, field) == self._text(number, field)
        names = Counter(one.display_name for one in newest.participants)
        assert {name: names[name] for name in names if name and name.startswith("New")} == {
            f"New {number}": 1 for number in range(self.ADDED)
        }


def mixed(*kinds: Sequence[Sent]) -> list[Sent]:
    """One of each in turn, so that every process has some of all."""
    return [one for turn in zip(*kinds, strict=True) for one in turn]


def test_a_cancellation_among_the_webhooks_gives_the_money_back_once(shared: Shared) -> None:
    session = shared.schedule()
    charge = paid(shared, session)
    cancellations = [shared.api("DELETE", f"/v1/sessions/{session.session_id}")] * 10
    requests = [*payment_events(shared)[:90], *cancellations]
    answers = shared.race_until_answered(requests[::-1])
    assert statuses(answers) <= {200, 204}
    shared.sweep_until_rest()
    assert [refund["amount"] for refund in shared.refunds() if refund["charge"] == charge] == [8000]
    assert status(shared, session) is PaymentStatus.REFUNDED
    assert [(row.charge_id, row.amount, row.refunded) for row in shared.ledger(session)] == [(charge, 8000, 8000)]
    assert shared.decided(session, "canceled") == 1
    assert payable(shared, session) == []


def test_a_hundred_requests_for_four_partial_refunds_make_four(shared: Shared) -> None:
    session = shared.schedule()
    charge = paid(shared, session)
    shared.race_until_answered(payment_events(shared)[:2])
    url = f"/v1/participants/{session.participant_id(GUEST)}/refund"
    asked = [shared.api("POST", url, {"amount": 100 + number}, key=f"{charge}-{number}") for number in range(4)]
    assert statuses(shared.race_until_answered(asked * 25)) == {200}
    shared.sweep_until_rest()
    made = sorted(refund["amount"] for refund in shared.refunds() if refund["charge"] == charge)
    assert made == [100, 101, 102, 103]
    assert status(shared, session) is PaymentStatus.PARTIALLY_REFUNDED
    assert [(row.charge_id, row.refunded) for row in shared.ledger(session)] == [(charge, 406)]
