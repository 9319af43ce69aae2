"""What of the platform's fee went back: in proportion to our refunds, whole minor units, never more than there was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.books import LedgerRow, ledger_rows
from chalicelib.domain.differences import row_differences
from chalicelib.domain.facts import RefundStatus, Seen
from chalicelib.domain.refunds import fee_given_back
from tests.support.histories import END, MINUTE, NOON, charge, checkout, folded, paid, refund, session_of


def ours(name: str, amount: int, status: RefundStatus = RefundStatus.SUCCEEDED) -> Seen:
    return refund(name, amount, status, decision_id=f"decision-{name}")


@pytest.mark.parametrize(
    ("refunds", "given"),
    [
        ((), 0),
        ((ours("1", 8000),), 121),
        ((ours("1", 1000),), 15),
        ((ours("1", 1000), ours("2", 3000)), 61),
        ((ours("1", 4000),), 61),
        ((ours("1", 33),), 0),
        ((ours("1", 34),), 1),
        ((refund("1", 8000),), 0),
        ((refund("1", 4000), ours("2", 4000)), 61),
        ((ours("1", 8000, RefundStatus.PENDING),), 121),
        ((ours("1", 4000, RefundStatus.FAILED),), 61),
        ((ours("1", 8000, RefundStatus.FAILED), ours("2", 8000)), 121),
    ],
)
def test_the_fee_goes_back_in_proportion_to_refunds_of_ours(refunds: tuple[Seen, ...], given: int) -> None:
    history = folded(*paid(application_fee=121), *refunds)
    assert fee_given_back(history, history.payments[0]) == given
    (row,) = ledger_rows(session_of(history))
    assert (row.application_fee, row.application_fee_refunded) == (121, given)


def test_without_a_fee_or_a_charge_nothing_of_it_goes_back() -> None:
    for history in (
        folded(*paid(), ours("1", 8000)),
        folded(checkout(), ours("1", 8000)),
        folded(charge(amount=0, application_fee=1), ours("1", 1)),
    ):
        assert fee_given_back(history, history.payments[0]) == 0


def test_of_a_charge_of_one_minor_unit_the_fee_of_one_goes_back() -> None:
    history = folded(charge(amount=1, application_fee=1), ours("1", 1))
    assert fee_given_back(history, history.payments[0]) == 1


RIGHT = "80.00 AUD, 80.00 AUD went back, 1.20 AUD of the platform's fee given back"

# --- the ledger ---------------------------------------------------------------------------------------------------


def test_a_row_kept_before_the_fee_given_back_was_is_no_difference() -> None:
    session = session_of(folded(*paid(application_fee=120), ours("1", 8000)))
    (row,) = ledger_rows(session)
    assert _told(row, replace(row, application_fee_refunded=None)) == []
    assert _told(row, row) == []
    sentence = f"The ledger says of charge ch_1: 80.00 AUD, 0.00 AUD went back; by the facts it is: {RIGHT}."
    assert _told(row, replace(row, application_fee_refunded=None, refunded=0)) == [sentence]


def test_a_row_that_belies_the_fee_given_back_is_a_difference() -> None:
    session = session_of(folded(*paid(application_fee=120), ours("1", 8000)))
    (row,) = ledger_rows(session)
    sentence = f"The ledger says of charge ch_1: 80.00 AUD, 80.00 AUD went back; by the facts it is: {RIGHT}."
    assert _told(row, replace(row, application_fee_refunded=0)) == [sentence]


def _told(row: LedgerRow, kept: LedgerRow) -> list[str]:
    session = session_of(folded(*paid(application_fee=120), ours("1", 8000)))
    found = row_differences(session, {row.charge_id: kept}, NOON, END + MINUTE)
    return [one.sentence for one in found.values()]
