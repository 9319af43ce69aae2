"""Tries that failed: how they are put off, when they end, and when a person is told (I11)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.facts import (
    ActFailed,
    ActSucceeded,
    AttemptState,
    AttemptVoid,
    Seen,
)
from chalicelib.domain.obligations import due_at
from chalicelib.domain.troubles import OFFER_KEY
from tests.support.examples import examples
from tests.support.histories import (
    CANCELED,
    END,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    charge,
    checkout,
    decided,
    folded,
    keys,
    needs,
    noon,
    owed,
    paid,
    refund,
    session_of,
    settled,
    told_keys,
    waived,
    with_decisions,
)

OPEN, PROCESSING = AttemptState.OPEN, AttemptState.PROCESSING


def failed(key: str, at: datetime, jitter: float = 0.0, reason: str = "A refund did not succeed.") -> ActFailed:
    return ActFailed(key, at, reason, jitter)


REFUND_KEY = "refund:auto-ch_1"
TO_GO = "80.00 AUD is still to go back. A refund did not succeed."


@pytest.mark.parametrize(
    ("failures", "minutes"),
    [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 64), (8, 128), (9, 256), (10, 360), (11, 360), (100, 360)],
)
def test_the_wait_doubles_from_a_minute_to_six_hours(failures: int, minutes: int) -> None:
    history = folded(*([failed(REFUND_KEY, NOON)] * failures), history=folded(*paid()))
    (trouble,) = history.troubles
    assert (trouble.failures, trouble.retry_at) == (failures, noon(plus=minutes))


@examples(50, 500)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 20))
def test_chance_adds_up_to_a_quarter_to_the_wait(jitter: float, failures: int) -> None:
    history = folded(*([failed(REFUND_KEY, NOON)] * (failures - 1)), failed(REFUND_KEY, NOON, jitter))
    retry_at = history.troubles[0].retry_at
    assert retry_at is not None
    shortest = min(MINUTE * 2 ** (failures - 1), 6 * HOUR)
    assert shortest <= retry_at - NOON <= shortest * 1.25


def test_chance_of_a_half_adds_an_eighth() -> None:
    (trouble,) = folded(failed(REFUND_KEY, NOON, jitter=0.5)).troubles
    assert trouble.retry_at == NOON + timedelta(seconds=67.5)


def test_failures_of_one_act_are_not_counted_for_another() -> None:
    history = folded(failed("look:x", NOON), failed("look:x", NOON), failed(REFUND_KEY, noon(plus=5)))
    assert [(one.key, one.failures, one.first_failed_at) for one in history.troubles] == [
        ("look:x", 2, NOON),
        (REFUND_KEY, 1, noon(plus=5)),
    ]


def test_a_failed_try_is_put_off_and_a_success_ends_the_trouble() -> None:
    history = folded(*paid(), failed(REFUND_KEY, noon(plus=61)))
    assert due_at(session_of(history, **CANCELED)) == noon(plus=62)
    assert due_at(session_of(folded(ActSucceeded(REFUND_KEY), history=history), **CANCELED)) == noon(plus=1)


def test_trouble_with_one_act_puts_off_no_other() -> None:
    history = folded(*paid(), failed("refund:auto-ch_2", noon(plus=61)), failed("look:x", noon(plus=61)))
    assert due_at(session_of(history, **CANCELED)) == noon(plus=1)


def test_trouble_does_not_bring_a_later_obligation_forward() -> None:
    history = folded(checkout(OPEN), failed("expire:attempt-1", noon(plus=1)))
    assert [one.due_at for one in owed(session_of(history)) if one.key == "expire:attempt-1"] == [END]


@pytest.mark.parametrize(
    ("after", "again"), [(timedelta(days=7) - MINUTE - SECOND, True), (timedelta(days=7) - MINUTE, False)]
)
def test_tries_end_seven_days_after_the_first_failure(after: timedelta, *, again: bool) -> None:
    history = folded(*paid(), failed(REFUND_KEY, NOON), failed(REFUND_KEY, NOON + after - MINUTE))
    session = session_of(history, **CANCELED)
    assert (due_at(session) is not None) is again


def test_when_the_tries_have_ended_a_person_is_told_even_after_few_of_them() -> None:
    history = folded(*paid(), failed(REFUND_KEY, NOON), failed(REFUND_KEY, NOON + timedelta(days=8)))
    session = session_of(history, start_time=NOON + timedelta(days=30), end_time=NOON + timedelta(days=31), **CANCELED)
    assert needs(session, NOON + timedelta(days=9)) == (f"{TO_GO} It is no longer tried: see to it in Stripe.")


@pytest.mark.parametrize(("failures", "sentence"), [(1, None), (2, None), (3, f"{TO_GO} It is tried again.")])
def test_three_failures_need_a_person(failures: int, sentence: str | None) -> None:
    history = folded(*paid(), *([failed(REFUND_KEY, noon(plus=61))] * failures))
    assert needs(session_of(history, **CANCELED), noon(plus=62)) == sentence


@pytest.mark.parametrize(("late", "shown"), [(HOUR - SECOND, False), (HOUR, True), (HOUR + SECOND, True)])
def test_an_hour_after_the_end_any_trouble_needs_a_person(late: timedelta, *, shown: bool) -> None:
    history = folded(*paid(), failed(REFUND_KEY, noon(plus=61)))
    assert (needs(session_of(history, **CANCELED), END + late) == f"{TO_GO} It is tried again.") is shown


@pytest.mark.parametrize(("late", "shown"), [(HOUR - SECOND, False), (HOUR, True)])
@pytest.mark.parametrize(
    "seen", [[], [checkout(OPEN)], [checkout(PROCESSING)], [checkout()], [charge()]], ids=lambda seen: str(len(seen))
)
def test_an_hour_after_the_end_whatever_is_pending_needs_a_person(
    seen: list[Seen], late: timedelta, *, shown: bool
) -> None:
    sentence = "A payment of this session is not settled with Stripe yet; it is being retried."
    assert (needs(session_of(folded(*seen)), END + late) == sentence) is shown


def test_trouble_with_what_is_not_owed_any_more_needs_nobody() -> None:
    history = folded(*paid(), *([failed(REFUND_KEY, noon(plus=61))] * 5))
    told = folded(refund(decision_id="auto-ch_1"), history=history)
    assert needs(session_of(told, **CANCELED), END + 2 * HOUR) is None


def test_trouble_that_a_person_settled_needs_nobody() -> None:
    history = settled(folded(*paid(), *([failed(REFUND_KEY, noon(plus=61))] * 5)), REFUND_KEY, amount=8000)
    assert needs(session_of(history, **CANCELED), END + 2 * HOUR) is None


def test_a_look_that_was_settled_is_neither_owed_nor_told_and_silences_nothing_else() -> None:
    history = folded(*([failed("look:attempt-1", noon(plus=1))] * 3), count=2)
    assert "look:attempt-1" in told_keys(session_of(history))
    done = session_of(settled(history, "look:attempt-1"))
    assert (keys(done), told_keys(done)) == ({"look:attempt-2"}, [])


def test_closing_an_offer_that_was_settled_is_not_owed() -> None:
    offers = folded(checkout(AttemptState.OPEN), *paid(2), count=2)
    history = folded(*([failed("expire:attempt-1", noon(plus=1))] * 3), history=offers)
    assert "expire:attempt-1" in keys(session_of(history))
    assert keys(session_of(settled(history, "expire:attempt-1"))) == {"look:attempt-1"}


def test_a_sentence_is_said_once() -> None:
    trouble = [failed("refund:decision-1", NOON), failed("refund:decision-2", NOON)] * 3
    history = with_decisions(folded(*paid(), *trouble), decided("1", 1000), decided("2", 1000))
    assert needs(session_of(history)) == "10.00 AUD is still to go back. A refund did not succeed. It is tried again."


REFUSED = failed(OFFER_KEY, noon(plus=1), reason="Stripe refuses to take this payment.")


def test_an_offer_that_stripe_refuses_needs_a_person_at_once_until_it_is_made() -> None:
    history = folded(AttemptVoid("attempt-1"), REFUSED)
    assert needs(session_of(history)) == "Stripe refuses to take this payment."
    assert needs(session_of(history), END - SECOND) == "Stripe refuses to take this payment."
    assert needs(session_of(folded(ActSucceeded(OFFER_KEY), history=history))) is None
    assert due_at(session_of(history)) is None


@pytest.mark.parametrize(
    "changes",
    [{"canceled_at": noon(plus=60)}, {"guest_deleted_at": noon(plus=60)}, {"fee": None}],
    ids=["cancelled", "removed", "no fee"],
)
def test_a_refused_offer_that_nobody_wants_any_more_needs_nobody(changes: dict[str, Any]) -> None:
    history = folded(AttemptVoid("attempt-1"), REFUSED)
    assert needs(session_of(history, **changes)) is None


def test_a_refused_offer_needs_nobody_once_waived_paid_or_settled() -> None:
    history = folded(AttemptVoid("attempt-1"), REFUSED)
    assert needs(session_of(waived(history))) is None
    assert needs(session_of(settled(history, OFFER_KEY))) is None
    assert needs(session_of(folded(*paid(), history=history))) is None
