"""Obligations at attempts and payments: when Stripe is asked, about what, and which offers are closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from chalicelib.domain.facts import (
    AttemptLooked,
    AttemptState,
    AttemptVoid,
    CheckoutSeen,
    DisputeStatus,
    PaymentHistory,
    RefundStatus,
    Seen,
)
from chalicelib.domain.obligations import (
    ExpireCheckout,
    FetchCharge,
    FetchDispute,
    ListRefunds,
    LookAtCheckout,
    due,
    due_at,
)
from chalicelib.domain.sessions import Fee, Session
from tests.support.histories import (
    END,
    HOUR,
    NOON,
    SECOND,
    START,
    attempt,
    charge,
    checkout,
    dispute,
    folded,
    keys,
    noon,
    owed,
    paid,
    refund,
    session_of,
    waived,
)

OPEN, PROCESSING, EXPIRED = AttemptState.OPEN, AttemptState.PROCESSING, AttemptState.EXPIRED


def look_due(session: Session) -> datetime:
    (look,) = [one for one in owed(session) if isinstance(one, LookAtCheckout)]
    return look.due_at


def looked(at: datetime) -> AttemptLooked:
    return AttemptLooked("attempt-1", at)


# --- looks --------------------------------------------------------------------------------------------------------

FAR: dict[str, Any] = {"start_time": noon(plus=6000), "end_time": noon(plus=6030)}
"""A session days ahead, so that nothing but the rhythm of looks is due."""


@pytest.mark.parametrize("seen", [[], [checkout(OPEN)], [checkout(PROCESSING)]], ids=["planned", "open", "processing"])
@pytest.mark.parametrize(
    ("last", "following"),
    [
        (None, 2),
        (2, 15),
        (3, 15),
        (15, 60),
        (60, 60 + 360),
        (61, 60 + 360),
        (60 + 360, 60 + 720),
        (60 + 3600, 60 + 3960),
    ],
)
def test_looks_are_due_after_2_and_15_minutes_an_hour_and_then_every_6_hours(
    seen: list[CheckoutSeen], last: int | None, following: int
) -> None:
    made = PaymentHistory(attempts=(attempt(expires_at=noon(plus=100_000)),))
    seen = [replace(one, expires_at=noon(plus=100_000)) for one in seen]
    history = folded(*seen, *([looked(noon(plus=last))] if last else []), history=made)
    assert look_due(session_of(history, **FAR)) == noon(plus=following)


def test_a_look_is_due_a_minute_after_the_offer_expires() -> None:
    history = folded(checkout(OPEN, expires_at=noon(plus=35)), looked(noon(plus=15)))
    assert look_due(session_of(history, **FAR)) == noon(plus=36)


def test_a_look_is_due_when_the_window_opens() -> None:
    history = folded(checkout(OPEN, expires_at=noon(plus=200)), looked(noon(plus=60)))
    assert look_due(session_of(history)) == START
    assert look_due(session_of(folded(looked(START), history=history))) == noon(plus=201)


@pytest.mark.parametrize("state", [AttemptState.VOID, EXPIRED, AttemptState.FAILED, AttemptState.PAID])
def test_no_look_is_due_at_an_attempt_that_has_come_to_its_end(state: AttemptState) -> None:
    seen: list[Seen] = [AttemptVoid("attempt-1")] if state is AttemptState.VOID else [checkout(state), charge()]
    if state is not AttemptState.PAID:
        seen = seen[:1]
    assert keys(session_of(folded(*seen))) == set()


@pytest.mark.parametrize("state", [OPEN, PROCESSING, EXPIRED, AttemptState.FAILED])
def test_a_charge_of_an_attempt_not_known_as_paid_makes_a_look_due_at_once(state: AttemptState) -> None:
    assert look_due(session_of(folded(checkout(state), charge()))) == NOON
    assert look_due(session_of(folded(AttemptVoid("attempt-1"), charge()))) == NOON


def test_a_charge_makes_no_look_due_at_any_other_attempt() -> None:
    history = folded(checkout(OPEN), checkout(OPEN, 2), charge(2), count=2)
    looks = {one.key: one.due_at for one in owed(session_of(history)) if isinstance(one, LookAtCheckout)}
    assert looks == {"look:attempt-1": noon(plus=2), "look:attempt-2": NOON}


def test_when_stripe_does_not_show_it_paid_yet_it_is_asked_again_two_minutes_later() -> None:
    assert look_due(session_of(folded(checkout(OPEN), charge(), looked(noon(plus=5))))) == noon(plus=7)


def test_nothing_is_due_when_nothing_is_left() -> None:
    assert due_at(session_of()) is None
    assert due_at(session_of(folded(*paid()))) is None


def test_the_earliest_obligation_says_when_the_session_is_due() -> None:
    session = session_of(folded(checkout(OPEN, 1), checkout(OPEN, 2), looked(noon(plus=15)), count=2))
    assert {one.key: one.due_at for one in owed(session)} == {
        "look:attempt-1": noon(plus=60),
        "expire:attempt-1": NOON,
        "look:attempt-2": noon(plus=2),
        "expire:attempt-2": END,
    }
    assert due_at(session) == NOON


def test_what_is_due_by_now_comes_longest_due_first() -> None:
    session = session_of(folded(checkout(OPEN, 1), checkout(OPEN, 2), looked(noon(plus=15)), count=2))
    assert [one.key for _, one in due(session, noon(plus=2) - SECOND)] == ["expire:attempt-1"]
    assert [one.key for _, one in due(session, noon(plus=60))] == [
        "expire:attempt-1",
        "look:attempt-2",
        "look:attempt-1",
    ]
    assert [number for number, _ in due(session, NOON)] == [2]


# --- closing offers -----------------------------------------------------------------------------------------------


def closes(session: Session) -> dict[str, datetime]:
    return {one.attempt.attempt_id: one.due_at for one in owed(session) if isinstance(one, ExpireCheckout)}


def test_the_offer_to_pay_is_closed_at_the_end_of_the_window() -> None:
    assert closes(session_of(folded(checkout(OPEN)))) == {"attempt-1": END}


def test_after_a_reschedule_it_is_closed_at_the_new_end() -> None:
    assert closes(session_of(folded(checkout(OPEN)), end_time=END + HOUR)) == {"attempt-1": END + HOUR}


@pytest.mark.parametrize(
    "changes",
    [
        {"canceled_at": noon(plus=5)},
        {"guest_deleted_at": noon(plus=5)},
        {"fee": Fee(9000, "aud")},
        {"fee": Fee(8000, "nzd")},
        {"fee": None},
    ],
    ids=["cancelled", "removed", "other amount", "other currency", "no fee"],
)
def test_an_offer_that_nobody_wants_any_more_is_closed_at_once(changes: dict[str, Any]) -> None:
    assert closes(session_of(folded(checkout(OPEN)), **changes)) == {"attempt-1": NOON}


def test_an_offer_is_closed_at_once_when_the_fee_is_waived() -> None:
    assert closes(session_of(waived(folded(checkout(OPEN))))) == {"attempt-1": NOON}


def test_an_offer_is_closed_at_once_when_another_was_paid_or_is_newer() -> None:
    assert closes(session_of(folded(*paid(1), checkout(OPEN, 2), count=2))) == {"attempt-2": NOON}
    assert closes(session_of(folded(checkout(OPEN, 1), count=2))) == {"attempt-1": NOON}


@pytest.mark.parametrize("state", [PROCESSING, EXPIRED, AttemptState.FAILED, AttemptState.PAID])
def test_only_an_open_offer_is_closed(state: AttemptState) -> None:
    assert closes(session_of(folded(checkout(state)), canceled_at=noon(plus=5))) == {}


# --- charges, hints, disputes -------------------------------------------------------------------------------------


def test_the_charge_of_a_payment_is_fetched_at_once() -> None:
    (one,) = owed(session_of(folded(checkout())))
    assert isinstance(one, FetchCharge)
    assert (one.key, one.due_at, one.payment.payment_intent_id) == ("charge:pi_1", NOON, "pi_1")


def test_a_charge_is_due_since_the_attempt_that_it_pays_was_made() -> None:
    made = replace(folded(), attempts=(attempt(1), attempt(2, made_at=noon(plus=7))))
    (one,) = [one for one in owed(session_of(folded(checkout(number=2), history=made))) if isinstance(one, FetchCharge)]
    assert (one.key, one.due_at) == ("charge:pi_2", noon(plus=7))


def test_while_the_charge_is_unknown_nothing_else_is_asked_about_the_payment() -> None:
    doubted = folded(checkout(), dispute(DisputeStatus.WON), dispute(DisputeStatus.LOST))
    assert keys(session_of(doubted)) == {"charge:pi_1"}


def test_refunds_are_listed_when_the_charge_speaks_of_more_than_were_seen() -> None:
    (one,) = owed(session_of(folded(*paid(), refund("1", 3000), charge(refunded=3001))))
    assert isinstance(one, ListRefunds)
    assert (one.key, one.due_at) == ("refunds:pi_1", noon(plus=1))


@pytest.mark.parametrize("status", [RefundStatus.SUCCEEDED, RefundStatus.FAILED])
def test_refunds_are_not_listed_again_once_all_were_seen(status: RefundStatus) -> None:
    assert keys(session_of(folded(*paid(), refund("1", 3000, status), charge(refunded=3000)))) == set()


DOUBT = (*paid(), dispute(DisputeStatus.WON), dispute(DisputeStatus.LOST))


def test_a_dispute_with_two_verdicts_is_asked_about() -> None:
    (one,) = owed(session_of(folded(*DOUBT)))
    assert isinstance(one, FetchDispute)
    assert (one.key, one.due_at, one.dispute.dispute_id) == ("dispute:dp_1", noon(plus=1), "dp_1")


def test_nothing_goes_back_while_the_verdict_is_in_doubt() -> None:
    canceled = session_of(folded(*DOUBT), canceled_at=noon(plus=60))
    assert keys(canceled) == {"dispute:dp_1"}


@pytest.mark.parametrize("answer", list(DisputeStatus))
def test_whatever_stripe_answers_it_is_not_asked_again(answer: DisputeStatus) -> None:
    assert keys(session_of(folded(*DOUBT, dispute(answer, asked=True)))) == set()
