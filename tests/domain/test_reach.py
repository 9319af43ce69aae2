"""Offers on an account that is not connected any more: who is asked to pay beside one, and how it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.admission import Door, admit
from chalicelib.domain.by_hand import By, settle_by_hand, waive
from chalicelib.domain.edits import BeingPaidError, OpenOffersError
from chalicelib.domain.facts import (
    ActFailed,
    ActSucceeded,
    AttemptGivenUp,
    AttemptLooked,
    AttemptState,
    AttemptVoid,
    PaymentHistory,
    Trouble,
)
from chalicelib.domain.folding import fold
from chalicelib.domain.obligations import obligations, whatever_is_owed
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.reach import out_of_reach, within_reach
from chalicelib.domain.sessions import Session, owing
from chalicelib.domain.troubles import OFFER_KEY, expire_key, look_key, trouble_with
from tests.support.histories import (
    HOUR,
    MINUTE,
    NOON,
    TEAM,
    attempt,
    charge,
    checkout,
    folded,
    guest_of,
    needs,
    noon,
    of_attempt,
    session_of,
    settled,
    standing_of,
    told_keys,
    with_history,
)

LOOK, EXPIRE = look_key(attempt()), expire_key(attempt())
GONE = "Asking how far a payment has come did not succeed at Stripe (its Stripe account is not connected any more)."
BY = By("operator:pat", NOON + MINUTE, "looked in Stripe")
FOR_THE_BANK: dict[str, Any] = {"start_time": NOON + 14 * 24 * HOUR, "end_time": NOON + 14 * 24 * HOUR + HOUR}
"""So far ahead that a bank has time to answer."""


def failed(key: str = LOOK, *, out: bool = True, at: int = 0) -> ActFailed:
    return ActFailed(key, noon(plus=at), GONE, 0.0, out_of_reach=out)


def open_offer(*beside: ActFailed) -> PaymentHistory:
    return folded(checkout(AttemptState.OPEN), *beside)


def door(session: Session) -> Door:
    return admit(session, guest_of(session), TEAM, NOON).door


LIVE = [AttemptState.PLANNED, AttemptState.OPEN, AttemptState.PROCESSING]


@pytest.mark.parametrize("state", list(AttemptState))
def test_an_offer_that_may_be_paid_is_out_of_reach_where_its_account_is_gone(state: AttemptState) -> None:
    history = replace(folded(failed()), attempts=(attempt(state=state),))
    is_lost = state in LIVE
    assert list(out_of_reach(history)) == ([attempt(state=state)] if is_lost else [])
    assert within_reach(history).attempts == (() if is_lost else (attempt(state=state),))


@pytest.mark.parametrize(
    "trouble", [failed(out=False), failed("refund:decision-1"), failed("look:attempt-2"), failed(EXPIRE)]
)
def test_other_trouble_leaves_it_within_reach(trouble: ActFailed) -> None:
    history = open_offer(trouble)
    assert list(out_of_reach(history)) == []
    assert within_reach(history) == history


def test_nobody_is_asked_to_pay_beside_it_and_a_person_is_told_at_once() -> None:
    session = session_of(open_offer(failed()))
    assert door(session) is Door.OFFER_REFUSED
    assert needs(session) == f"{GONE} It is tried again."
    assert door(session_of(open_offer())) is Door.PAY


def test_it_is_over_when_stripe_answers_again() -> None:
    session = session_of(fold(open_offer(failed()), ActSucceeded(LOOK)))
    assert door(session) is Door.PAY
    assert needs(session) is None


def test_no_answer_at_all_does_not_say_that_the_account_is_there_again() -> None:
    session = session_of(open_offer(failed(), failed(out=False, at=1)))
    assert door(session) is Door.OFFER_REFUSED
    assert told_keys(session) == [LOOK]


def test_a_refusal_of_another_kind_says_so_of_an_offer() -> None:
    trouble = trouble_with(folded(failed(OFFER_KEY), failed(OFFER_KEY, out=False, at=1)), OFFER_KEY)
    assert trouble is not None
    assert not trouble.out_of_reach


@pytest.mark.parametrize("minutes", [0, 30, 300])
def test_it_is_looked_for_at_its_own_hours_and_nothing_else_is_done_with_it(minutes: int) -> None:
    history = folded(checkout(AttemptState.OPEN), AttemptLooked("attempt-1", noon(plus=minutes)), failed(at=minutes))
    over = session_of(history, start_time=NOON - 3 * HOUR, end_time=NOON - 2 * HOUR)
    assert [(one.key, one.due_at) for _, one in obligations(over)] == [(LOOK, noon(plus=minutes + 1))]


def test_one_that_was_settled_before_its_account_went_is_looked_for_and_told() -> None:
    history = settled(open_offer(failed()), LOOK)
    session = session_of(history)
    assert [one.key for one in whatever_is_owed(owing(session, guest_of(session)), history)] == [LOOK]
    assert told_keys(session) == [LOOK]


@pytest.mark.parametrize("state", [AttemptState.OPEN, AttemptState.PROCESSING])
def test_a_person_who_has_looked_ends_it(state: AttemptState) -> None:
    session = session_of(folded(checkout(state), failed()), **FOR_THE_BANK)
    assert told_keys(session) == [LOOK]
    after = settle_by_hand(session, guest_of(session), LOOK, BY)
    assert of_attempt(guest_of(after).history).state is AttemptState.EXPIRED
    assert door(after) is Door.PAY
    assert told_keys(after) == []


def test_what_a_person_settles_of_an_offer_within_reach_leaves_it_as_it_is() -> None:
    history = open_offer(*(failed(out=False, at=minute) for minute in range(3)))
    session = session_of(history)
    after = settle_by_hand(session, guest_of(session), LOOK, BY)
    assert of_attempt(guest_of(after).history).state is AttemptState.OPEN


def test_what_a_person_settles_of_another_thing_leaves_a_lost_offer_as_it_is() -> None:
    history = fold(open_offer(failed()), failed(OFFER_KEY))
    session = session_of(history)
    after = settle_by_hand(session, guest_of(session), OFFER_KEY, BY)
    assert of_attempt(guest_of(after).history).state is AttemptState.OPEN


def test_what_stripe_refuses_anew_after_a_person_settled_it_is_refused_and_needs_a_person_again() -> None:
    session = session_of(folded(AttemptVoid("attempt-1"), failed(OFFER_KEY)))
    after = settle_by_hand(session, guest_of(session), OFFER_KEY, BY)
    assert (door(after), told_keys(after)) == (Door.PAY, [])
    refused = with_history(after, fold(guest_of(after).history, failed(OFFER_KEY, at=1)))
    assert (door(refused), told_keys(refused)) == (Door.OFFER_REFUSED, [OFFER_KEY])


def test_what_stripe_refuses_is_not_settled_with_something_else() -> None:
    session = session_of(fold(open_offer(failed()), failed(OFFER_KEY)))
    after = settle_by_hand(session, guest_of(session), LOOK, BY)
    assert (door(after), told_keys(after)) == (Door.OFFER_REFUSED, [OFFER_KEY])


@pytest.mark.parametrize("state", LIVE[1:])
def test_what_is_given_up_and_turns_out_paid_is_paid_in_any_order(state: AttemptState) -> None:
    given_up = AttemptGivenUp("attempt-1")
    before = folded(checkout(state), given_up, checkout(), charge())
    after = folded(checkout(), charge(), checkout(state), given_up)
    assert before == after
    assert standing_of(session_of(before)).status is PaymentStatus.PAID


def test_an_attempt_that_was_never_sent_can_be_given_up() -> None:
    assert of_attempt(folded(AttemptGivenUp("attempt-1"))).state is AttemptState.EXPIRED


# --- the waiver ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", LIVE)
def test_a_clinic_lets_them_in_whatever_became_of_it(state: AttemptState) -> None:
    history = replace(folded(failed()), attempts=(attempt(state=state),))
    session = session_of(history)
    after = waive(session, guest_of(session), BY)
    assert guest_of(after).history.waiver is not None
    assert of_attempt(guest_of(after).history).state is state, "it is still looked at: what was paid goes back"


def test_an_offer_within_reach_beside_it_is_closed_first() -> None:
    history = folded(checkout(AttemptState.OPEN), checkout(AttemptState.OPEN, 2), failed(), count=2)
    session = session_of(history)
    with pytest.raises(OpenOffersError) as raised:
        waive(session, guest_of(session), BY)
    assert [one.attempt_id for one in raised.value.attempts] == ["attempt-2"]


def test_a_bank_at_work_within_reach_bars_the_waiver_as_ever() -> None:
    session = session_of(folded(checkout(AttemptState.PROCESSING), failed(out=False)), **FOR_THE_BANK)
    with pytest.raises(BeingPaidError):
        waive(session, guest_of(session), BY)


# --- when it is tried again ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "out", "minutes"),
    [(LOOK, True, 60), (LOOK, False, 360), (OFFER_KEY, True, 1), (OFFER_KEY, False, 360)],
)
def test_what_is_out_of_reach_is_tried_again_sooner_since_people_wait_for_it(
    key: str, minutes: int, *, out: bool
) -> None:
    history = folded(*(failed(key, out=out, at=0) for _ in range(12)))
    trouble = trouble_with(history, key)
    assert trouble is not None
    assert trouble.retry_at == noon(plus=minutes)
    assert trouble.out_of_reach is out


@pytest.mark.parametrize(("days", "hours"), [(6, 1), (7, 24), (300, 24)])
def test_after_a_week_it_is_tried_once_a_day_and_without_an_end(days: int, hours: int) -> None:
    history = folded(
        *(failed(at=day * 24 * 60) for day in range(days + 1)), *(failed(at=days * 24 * 60) for _ in "12345")
    )
    trouble = trouble_with(history, LOOK)
    assert trouble is not None
    assert trouble.retry_at == noon(plus=(days * 24 + hours) * 60)


def test_a_failure_that_was_kept_before_accounts_could_leave_is_not_out_of_reach() -> None:
    assert not Trouble("look:1", 1, NOON, None, "Stripe did not answer.").out_of_reach
