"""What needs a person and under which key, where one fact looks like another; and what needs nobody."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.concerns import OVERFLOWED, STRANGE, Concern, concerns
from chalicelib.domain.facts import NOTHING_YET, ActFailed, AttemptState, DisputeStatus, PaymentHistory, RefundStatus
from tests.support.histories import (
    CANCELED,
    END,
    HOUR,
    NOON,
    charge,
    checkout,
    decided,
    dispute,
    folded,
    guest_of,
    needs,
    noon,
    paid,
    refund,
    session_of,
    settled,
    with_decisions,
)

OPEN, WON, LOST = DisputeStatus.OPEN, DisputeStatus.WON, DisputeStatus.LOST
BANK_DECIDES = "AUD of a disputed payment is to go back; the bank decides first, unless you accept it in Stripe."
PART_ONLY = "A payment went back in part only; give the rest back in Stripe:"
BANK_TOOK_A_PART = "AUD is to go back beside what the bank took back; see to it in Stripe."


def found(history: PaymentHistory, **changes: Any) -> list[Concern]:
    session = session_of(history, **changes)
    return concerns(session, guest_of(session), NOON)


def test_who_was_never_offered_anything_needs_nobody_however_long_ago() -> None:
    assert needs(session_of(NOTHING_YET), END + 1000 * HOUR) is None


def test_what_is_pending_for_long_is_told_in_the_order_of_its_keys() -> None:
    open_pages = (checkout(AttemptState.OPEN, number, expires_at=END + 2 * HOUR) for number in (3, 1, 2))
    history = folded(*open_pages, count=3)
    session = session_of(history)
    assert [one.key for one in concerns(session, guest_of(session), END + HOUR)] == [
        "expire:attempt-1",
        "expire:attempt-2",
        "expire:attempt-3",
        "look:attempt-1",
        "look:attempt-2",
        "look:attempt-3",
    ]


def test_trouble_that_is_over_bars_no_offer() -> None:
    trouble = ActFailed("look:attempt-1", noon(plus=1), "Stripe is down.", 0.0)
    assert needs(session_of(folded(checkout(AttemptState.EXPIRED), *[trouble] * 5))) is None


# --- disputes -----------------------------------------------------------------------------------------------------


def test_a_verdict_in_doubt_holds_back_what_is_to_go_back_as_an_open_dispute_does() -> None:
    doubted = folded(*paid(), dispute(WON), dispute(LOST))
    assert found(doubted, **CANCELED) == [Concern("refund:auto-ch_1", f"80.00 {BANK_DECIDES}")]
    assert found(folded(*paid(), dispute(OPEN)), **CANCELED) == [Concern("refund:auto-ch_1", f"80.00 {BANK_DECIDES}")]


@pytest.mark.parametrize(("verdict", "sentence"), [(OPEN, BANK_DECIDES), (LOST, BANK_TOOK_A_PART)])
def test_of_several_refunds_that_a_dispute_holds_back_each_is_told_with_its_amount(
    verdict: DisputeStatus, sentence: str
) -> None:
    history = with_decisions(folded(*paid(), dispute(verdict, amount=100)), decided("2", 2000), decided("1", 1000))
    last = "10.00" if verdict is OPEN else "9.00"
    told = [Concern("refund:decision-2", f"20.00 {sentence}"), Concern("refund:decision-1", f"{last} {sentence}")]
    assert found(history) == told, "a part that the bank took is not given once more"


def test_a_refund_of_strange_money_that_is_disputed_waits_for_the_bank() -> None:
    strange = folded(checkout(amount=100), charge(amount=100), dispute(OPEN, amount=30))
    assert found(strange) == [Concern("payment:pi_1", STRANGE)]
    told = [Concern("refund:decision-1", f"0.10 {BANK_DECIDES}"), Concern("payment:pi_1", STRANGE)]
    assert found(with_decisions(strange, decided("1", 10))) == told


def test_of_what_went_back_in_part_the_rest_waits_for_the_bank() -> None:
    history = folded(*paid(), refund("1", 3000, decision_id="auto-ch_1"), dispute(OPEN))
    assert found(history, **CANCELED) == [Concern("refund:rest-ch_1", f"50.00 {BANK_DECIDES}")]


def test_a_dispute_that_was_won_took_nothing() -> None:
    assert found(folded(*paid(), dispute(WON, amount=3000)), **CANCELED) == []


@pytest.mark.parametrize(("taken", "short"), [(7999, True), (8000, False)])
def test_a_lost_dispute_that_took_all_but_a_cent_leaves_it_to_a_person(taken: int, *, short: bool) -> None:
    expected = [Concern("refund:auto-ch_1", f"0.01 {BANK_TOOK_A_PART}")] if short else []
    assert found(folded(*paid(), dispute(LOST, amount=taken)), **CANCELED) == expected


# --- what went back in part ---------------------------------------------------------------------------------------


def test_what_fell_short_beside_a_failed_refund_that_was_settled_is_told() -> None:
    facts = (*paid(), refund("1", 3000, decision_id="auto-ch_1"), refund("2", 1000, RefundStatus.FAILED))
    given = settled(folded(*facts), "refund:re_2", amount=1000)
    assert found(given, **CANCELED) == [Concern("refund:rest-ch_1", f"{PART_ONLY} 40.00 AUD.")]


def test_what_falls_short_and_is_still_going_back_by_a_decision_needs_nobody() -> None:
    history = with_decisions(folded(*paid(), refund("1", 3000, decision_id="auto-ch_1")), decided("1", 5000))
    assert found(history, **CANCELED) == []


def test_a_decision_for_too_little_leaves_it_short() -> None:
    history = with_decisions(folded(*paid(), refund("1", 3000, decision_id="auto-ch_1")), decided("1", 4999))
    assert found(history, **CANCELED) == [Concern("refund:rest-ch_1", f"{PART_ONLY} 0.01 AUD.")]


def test_more_than_is_kept_is_told_until_somebody_settles_it() -> None:
    history = folded(*paid(), *(refund(f"{number:02d}", 1) for number in range(21)))
    assert found(history) == [Concern("overflow", OVERFLOWED)]
    assert found(settled(history, "overflow")) == []
