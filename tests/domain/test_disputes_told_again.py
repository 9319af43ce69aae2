"""A telling of a dispute that is older than what is known, heard again, changes nothing, whoever told the newer one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.disputes import charged_back
from chalicelib.domain.facts import DisputeSeen, DisputeStatus
from chalicelib.domain.folding import fold
from tests.support.histories import dispute, folded, inquiry, paid, settled

OPEN, WON, LOST = DisputeStatus.OPEN, DisputeStatus.WON, DisputeStatus.LOST
BEGUN = dispute(OPEN, currency="aud", is_inquiry=False, is_refundable=False)
OVER = dispute(WON, currency="aud", is_inquiry=False, is_refundable=True)
CLOSED = dispute(WON, currency="aud", is_inquiry=True, is_refundable=True)


@pytest.mark.parametrize("seen", [BEGUN, OVER])
def test_what_stripe_was_asked_about_a_dispute_that_was_won_stands_against_every_older_telling(
    seen: DisputeSeen,
) -> None:
    asked = folded(BEGUN, replace(OVER, asked=True), history=folded(*paid()))
    assert fold(asked, seen) == asked


@pytest.mark.parametrize(
    ("tellings", "is_inquiry", "is_refundable"),
    [
        ((BEGUN, OVER), False, True),
        ((inquiry(), BEGUN), False, False),
        ((inquiry(), CLOSED), True, True),
        ((BEGUN, dispute(LOST, is_inquiry=False, is_refundable=False)), False, False),
        ((BEGUN, dispute(LOST)), False, False),
        ((OVER, replace(OVER, dispute=replace(OVER.dispute, is_refundable=False))), False, False),
    ],
)
def test_the_later_stage_of_a_dispute_is_believed_in_either_order(
    *, tellings: tuple[DisputeSeen, DisputeSeen], is_inquiry: bool, is_refundable: bool
) -> None:
    first, last = tellings
    for order in ((first, last), (last, first), (last, first, first, last)):
        (known,) = folded(*order, history=folded(*paid())).disputes
        assert (known.is_inquiry, known.is_refundable) == (is_inquiry, is_refundable)


def test_a_doubt_stays_also_where_a_later_word_says_more_of_the_dispute() -> None:
    doubted = folded(dispute(WON), dispute(LOST), history=folded(*paid()))
    (known,) = folded(dispute(WON, is_inquiry=False), history=doubted).disputes
    assert (known.doubted, known.is_inquiry) == (True, False)


def test_what_people_gave_back_another_way_is_not_taken_from_what_the_bank_took_in_another_currency() -> None:
    lost = folded(dispute(LOST, amount=5200, currency="usd"), history=folded(*paid()))
    given = settled(lost, "refund:auto-ch_1", amount=8000)
    assert charged_back(lost, lost.payments[0]) == charged_back(given, given.payments[0]) == 8000
