"""Where Stripe and we differ: each kind at its edges, and that no difference means the same figures."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.books import LedgerRow, ledger_rows
from chalicelib.domain.differences import (
    Difference,
    DifferenceKind,
    Shown,
    differences,
    row_differences,
    row_not_at_stripe,
)
from chalicelib.domain.facts import (
    NOTHING_YET,
    AttemptLooked,
    AttemptState,
    DisputeSeen,
    DisputeStatus,
    PaymentHistory,
    RefundSeen,
    RefundStatus,
    Seen,
)
from chalicelib.domain.folding import fold
from tests.support.histories import (
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    charge,
    checkout,
    dispute,
    folded,
    noon,
    paid,
    refund,
    session_of,
    standing_of,
)

PAID = folded(*paid())


def told(history: PaymentHistory, shown: Shown, *, is_current: bool = True) -> list[tuple[str, str, str]]:
    found = differences(history, shown, is_current=is_current)
    return [(one.kind.value, one.about, one.sentence) for one in found]


def kinds(history: PaymentHistory, shown: Shown, *, is_current: bool = True) -> list[str]:
    return [one.kind.value for one in differences(history, shown, is_current=is_current)]


# --- charges --------------------------------------------------------------------------------------------------------


def test_a_charge_that_is_kept_as_it_is_shown_is_no_difference() -> None:
    assert told(PAID, charge()) == []
    assert told(PAID, charge(receipt_url="https://receipts.example/moved")) == []


def test_a_charge_that_is_not_kept_is_unknown() -> None:
    unknown = [("payment_unknown", "ch_1", "Charge ch_1 of 80.00 AUD is not known here.")]
    assert told(NOTHING_YET, charge()) == unknown
    assert told(folded(checkout()), charge()) == unknown


@pytest.mark.parametrize(
    "change",
    [
        {"charge_id": "ch_0"},
        {"amount": 8001},
        {"currency": "nzd"},
        {"created_at": noon(plus=2)},
        {"application_fee": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_charge_with_another_figure_differs(change: dict[str, Any]) -> None:
    assert kinds(PAID, charge(**change)) == ["payment_differs"]


def test_both_charges_are_named() -> None:
    sentence = "Charge ch_0 of 81.00 AUD is kept here as charge ch_1 of 80.00 AUD."
    assert told(PAID, charge(charge_id="ch_0", amount=8100)) == [("payment_differs", "ch_0", sentence)]


def test_a_charge_of_an_offer_of_ours_that_is_not_paid_here_differs() -> None:
    sentence = "Charge ch_1 of 80.00 AUD is not kept as paid here."
    assert told(folded(charge()), charge()) == [("payment_differs", "ch_1", sentence)]


def test_a_charge_that_was_asked_about_in_vain_is_strange_and_no_difference() -> None:
    asked = folded(charge(), AttemptLooked("attempt-1", NOON + MINUTE + HOUR))
    assert told(asked, charge()) == []


def test_a_charge_of_no_offer_of_ours_is_strange_once_it_is_kept() -> None:
    strange = replace(charge(), attempt_id="attempt-9")
    assert kinds(NOTHING_YET, strange) == ["payment_unknown"]
    assert told(folded(strange), strange) == []


@pytest.mark.parametrize(("shown", "kept"), [(3000, 0), (3000, 2999), (0, 3000), (2999, 3000)])
def test_another_sum_that_went_back_differs(shown: int, kept: int) -> None:
    history = folded(refund(amount=kept), history=PAID) if kept else PAID
    assert kinds(history, charge(refunded=shown)) == ["refunded_differs"]


def test_both_sums_are_told() -> None:
    sentence = "Of charge ch_1 of 80.00 AUD, 30.00 AUD went back at Stripe, and 10.00 AUD here."
    history = folded(refund(amount=1000), history=PAID)
    assert told(history, charge(refunded=3000)) == [("refunded_differs", "ch_1", sentence)]
    assert kinds(NOTHING_YET, charge(refunded=3000)) == ["payment_unknown", "refunded_differs"]


def test_a_refund_on_its_way_counts_and_one_that_failed_may_or_may_not() -> None:
    """Whether Stripe's own sum keeps a refund that failed is not documented."""
    history = folded(refund("1", 1000, RefundStatus.PENDING), refund("2", 500, RefundStatus.FAILED), history=PAID)
    assert told(history, charge(refunded=1000)) == []
    assert told(history, charge(refunded=1500)) == []
    assert kinds(history, charge(refunded=500)) == ["refunded_differs"]
    assert kinds(history, charge(refunded=1499)) == ["refunded_differs"]


# --- refunds and disputes -------------------------------------------------------------------------------------------


def test_a_refund_that_is_not_kept_is_unknown() -> None:
    sentence = "Refund re_1 of 80.00 AUD, pending at Stripe, is not known here."
    assert told(PAID, refund(status=RefundStatus.PENDING)) == [("refund_unknown", "re_1", sentence)]


def test_a_refund_of_a_payment_that_is_not_kept_tells_of_the_payment_too() -> None:
    assert told(NOTHING_YET, refund(amount=1000)) == [
        ("payment_unknown", "pi_1", "The charge of payment pi_1 is not known here."),
        ("refund_unknown", "re_1", "Refund re_1 of 1000 minor units, succeeded at Stripe, is not known here."),
    ]
    assert kinds(folded(checkout()), refund()) == ["payment_unknown", "refund_unknown"]
    assert kinds(NOTHING_YET, dispute(DisputeStatus.OPEN)) == ["payment_unknown", "dispute_unknown"]


def test_a_refund_in_another_state_differs() -> None:
    history = folded(refund(amount=1000, status=RefundStatus.PENDING), history=PAID)
    assert told(history, refund(amount=1000, status=RefundStatus.PENDING)) == []
    sentence = "Refund re_1 of 10.00 AUD is failed at Stripe; here it is 10.00 AUD, pending."
    assert told(history, refund(amount=1000, status=RefundStatus.FAILED)) == [("refund_differs", "re_1", sentence)]
    assert kinds(history, refund(amount=999, status=RefundStatus.PENDING)) == ["refund_differs"]


def test_a_refund_as_it_stood_when_an_event_was_told_may_be_older_than_what_is_kept() -> None:
    history = folded(refund(status=RefundStatus.FAILED), history=PAID)
    old = refund(status=RefundStatus.SUCCEEDED)
    assert kinds(history, old, is_current=True) == ["refund_differs"]
    assert told(history, old, is_current=False) == []
    behind = folded(refund(status=RefundStatus.PENDING), history=PAID)
    assert kinds(behind, old, is_current=False) == ["refund_differs"]


def test_a_dispute_that_is_not_kept_is_unknown() -> None:
    sentence = "Dispute dp_1 of 80.00 AUD, open at Stripe, is not known here."
    assert told(PAID, dispute(DisputeStatus.OPEN)) == [("dispute_unknown", "dp_1", sentence)]


def test_a_dispute_in_another_state_or_of_another_amount_differs() -> None:
    history = folded(dispute(DisputeStatus.OPEN), history=PAID)
    assert told(history, dispute(DisputeStatus.OPEN)) == []
    sentence = "Dispute dp_1 of 80.00 AUD is lost at Stripe; here it is 80.00 AUD, open."
    assert told(history, dispute(DisputeStatus.LOST)) == [("dispute_differs", "dp_1", sentence)]
    assert kinds(history, dispute(DisputeStatus.OPEN, amount=7999)) == ["dispute_differs"]


def test_a_dispute_as_it_stood_when_an_event_was_told_may_be_older_than_what_is_kept() -> None:
    history = folded(dispute(DisputeStatus.OPEN), dispute(DisputeStatus.WON), history=PAID)
    assert told(history, dispute(DisputeStatus.OPEN), is_current=False) == []
    assert kinds(history, dispute(DisputeStatus.OPEN), is_current=True) == ["dispute_differs"]
    # Two verdicts are a doubt, which is a fact that was not kept yet.
    assert kinds(history, dispute(DisputeStatus.LOST), is_current=False) == ["dispute_differs"]


def test_what_there_is_no_room_for_is_no_difference_a_person_is_told_of_it() -> None:
    cents = folded(*(refund(f"{number:03d}", 1) for number in range(21)), history=PAID)
    assert told(cents, refund("099", 1)) == []
    assert told(cents, charge(refunded=3000)) == []
    banks = folded(*(dispute(DisputeStatus.OPEN, dispute_id=f"dp_{number}") for number in range(5)), history=PAID)
    assert told(banks, dispute(DisputeStatus.OPEN, dispute_id="dp_9")) == []
    others = [replace(charge(), payment_intent_id=f"pi_0{number}", attempt_id="nobody") for number in range(4)]
    forged = folded(*others, history=PAID)
    assert told(forged, others[3]) == []
    assert kinds(forged, replace(refund(), refund=replace(refund().refund, payment_intent_id="pi_03"))) == [
        "refund_unknown"
    ]
    # What is kept is compared all the same, and what there is room for is missed.
    assert kinds(cents, charge(amount=8001)) == ["payment_differs"]
    assert kinds(cents, refund("001", 1, RefundStatus.FAILED)) == ["refund_differs"]
    assert kinds(cents, dispute(DisputeStatus.OPEN)) == ["dispute_unknown"]
    assert kinds(banks, refund()) == ["refund_unknown"]
    assert kinds(banks, charge(refunded=3000)) == ["refunded_differs"]


def test_each_thing_is_held_against_its_own_kind_and_id() -> None:
    """Two offers, both paid; the second one was given back and disputed."""
    more = (refund("2", 500, of=2), dispute(DisputeStatus.LOST, of=2))
    history = folded(*paid(1), *paid(2), *more, count=2)
    assert told(history, charge(2, refunded=500)) == []
    assert told(history, charge(1)) == []
    assert kinds(history, refund("1", 500)) == ["refund_unknown"]
    assert kinds(history, dispute(DisputeStatus.LOST)) == ["dispute_unknown"]
    first = folded(dispute(DisputeStatus.OPEN), history=history)
    assert told(first, dispute(DisputeStatus.LOST, of=2)) == []
    waiting = folded(checkout(AttemptState.EXPIRED, 1), checkout(AttemptState.PROCESSING, 2), count=2)
    assert "is failed at Stripe and processing here" in told(waiting, checkout(AttemptState.FAILED, 2))[0][2]
    assert "is paid at Stripe and processing here" in told(waiting, checkout(AttemptState.PAID, 2))[0][2]


# --- offers ---------------------------------------------------------------------------------------------------------


def test_a_delayed_payment_that_ended_differs_until_it_is_kept() -> None:
    waiting = folded(checkout(AttemptState.PROCESSING))
    sentence = "Checkout Session cs_1 is paid at Stripe and processing here."
    assert told(waiting, checkout(), is_current=False) == [("offer_differs", "cs_1", sentence)]
    assert kinds(waiting, checkout(AttemptState.FAILED), is_current=False) == ["offer_differs"]
    assert told(waiting, checkout(AttemptState.PROCESSING), is_current=False) == []
    assert told(PAID, checkout(), is_current=False) == []
    assert told(PAID, checkout(AttemptState.FAILED), is_current=False) == []


def test_a_payment_for_an_offer_that_was_dropped_differs_until_it_is_kept() -> None:
    sentence = "Checkout Session cs_1 is paid at Stripe and of an offer not known here."
    assert told(NOTHING_YET, checkout(), is_current=False) == [("offer_differs", "cs_1", sentence)]
    assert told(fold(NOTHING_YET, checkout()), checkout(), is_current=False) == []


# --- the ledger -----------------------------------------------------------------------------------------------------


def kept_rows(*rows: LedgerRow) -> dict[str, LedgerRow]:
    return {row.charge_id: row for row in rows}


def row_sentences(history: PaymentHistory, kept: dict[str, LedgerRow]) -> dict[str, str]:
    found = row_differences(session_of(history), kept, NOON, NOON + HOUR)
    return {charge_id: one.sentence for charge_id, one in found.items()}


def test_rows_as_the_facts_say_are_no_difference() -> None:
    assert row_sentences(PAID, kept_rows(*ledger_rows(session_of(PAID)))) == {}
    assert row_sentences(NOTHING_YET, {}) == {}


def test_a_row_that_is_missing_is_told_by_its_charge() -> None:
    assert row_sentences(PAID, {}) == {"ch_1": "Charge ch_1 of 80.00 AUD has no row in the ledger."}


def test_a_row_that_says_something_else_is_told_with_both() -> None:
    facts = folded(refund(amount=1000), dispute(DisputeStatus.LOST), history=PAID)
    [before] = ledger_rows(session_of(PAID))
    assert row_sentences(facts, kept_rows(before)) == {
        "ch_1": "The ledger says of charge ch_1: 80.00 AUD, 0.00 AUD went back; by the facts it is: "
        "80.00 AUD, 10.00 AUD went back, 80.00 AUD charged back."
    }
    disputed = replace(before, is_disputed=True, is_accepted=False)
    assert row_sentences(PAID, kept_rows(disputed)) == {
        "ch_1": "The ledger says of charge ch_1: 80.00 AUD, 0.00 AUD went back, 0.00 AUD charged back, not accepted; "
        "by the facts it is: 80.00 AUD, 0.00 AUD went back."
    }


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        (NOON + MINUTE, NOON + MINUTE + SECOND, True),
        (NOON + MINUTE + SECOND, NOON + HOUR, False),
        (NOON, NOON + MINUTE, False),
    ],
)
def test_rows_are_compared_by_the_time_of_payment(start: Any, end: Any, *, found: bool) -> None:  # noqa: ANN401 (times)
    assert bool(row_differences(session_of(PAID), {}, start, end)) is found


def test_a_row_without_a_charge_at_stripe_is_told() -> None:
    [row] = ledger_rows(session_of(PAID))
    assert row_not_at_stripe(row) == Difference(
        DifferenceKind.ROW_NOT_AT_STRIPE,
        "ch_1",
        "The ledger has charge ch_1 of 80.00 AUD; Stripe lists no such one.",
    )


def test_an_amount_in_no_currency_of_ours_is_told_in_minor_units() -> None:
    assert told(NOTHING_YET, charge(currency="xxx")) == [
        ("payment_unknown", "ch_1", "Charge ch_1 of 8000 minor units is not known here.")
    ]


# --- what no difference means ---------------------------------------------------------------------------------------

WORLD: tuple[tuple[Shown, ...], ...] = (
    (checkout(), charge(refunded=3000), refund("1", 3000)),
    (checkout(), charge(refunded=3000), refund("1", 1000), refund("2", 2000, RefundStatus.PENDING)),
    (checkout(), charge(refunded=0), refund("1", 3000, RefundStatus.FAILED)),
    (checkout(), charge(), dispute(DisputeStatus.OPEN, asked=True)),
    (checkout(), charge(), dispute(DisputeStatus.LOST, asked=True)),
    (checkout(), charge(refunded=8000), refund("1", 8000), dispute(DisputeStatus.WON, asked=True)),
)
"""All that Stripe holds of one payment, as it stands."""

FORMER: tuple[Seen, ...] = (
    checkout(AttemptState.OPEN),
    checkout(AttemptState.PROCESSING),
    refund("1", 3000, RefundStatus.PENDING),
    refund("1", 1000, RefundStatus.PENDING),
    dispute(DisputeStatus.OPEN),
)
"""What may have been told before."""


@pytest.mark.parametrize("truth", WORLD)
def test_where_nothing_differs_the_figures_are_stripes_and_where_all_is_folded_in_nothing_differs(
    truth: tuple[Shown, ...],
) -> None:
    """Whatever part of it was told before, in any order."""
    chance = random.Random(5)
    whole = folded(*truth)
    agreed = 0
    for _ in range(300):
        news = [one for one in (*FORMER, *truth) if chance.random() < 0.6 and (one in truth or _is_former(one, truth))]
        history = folded(*chance.sample(news, len(news)))
        # Offers are compared by their events alone; a charge without its paid offer is a difference by itself.
        found = [one for shown in truth for one in differences(history, shown, is_current=True)]
        if not found:
            agreed += 1
            assert standing_of(session_of(history)) == standing_of(session_of(whole))
            assert list(ledger_rows(session_of(history))) == list(ledger_rows(session_of(whole)))
        mended = history
        for one in truth:
            mended = fold(mended, one)
        assert [one for shown in truth for one in differences(mended, shown, is_current=True)] == []
    assert agreed > 0


def _is_former(one: Seen, truth: tuple[Shown, ...]) -> bool:
    """An earlier state of something that is there in the end, of the same amount."""
    if isinstance(one, RefundSeen):
        return any(isinstance(shown, RefundSeen) and shown.refund.amount == one.refund.amount for shown in truth)
    if isinstance(one, DisputeSeen):
        return any(isinstance(shown, DisputeSeen) for shown in truth)
    return True
