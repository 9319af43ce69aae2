"""A payment that went back by rule is no candidate for the fee: once the rule is over, the fee is unpaid and offered.

The session of these tests was moved to the next day; the payment came a second after its former end, and went back by
itself with the refund of decision `auto-ch_1`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.admission import Door, admit
from chalicelib.domain.by_hand import NothingLeftError, NothingToRetryError
from chalicelib.domain.concerns import STRANGE
from chalicelib.domain.facts import (
    AttemptLooked,
    AttemptState,
    DisputeStatus,
    PaymentHistory,
    Refund,
    RefundDecision,
    RefundReason,
    RefundSeen,
    RefundStatus,
    Seen,
)
from chalicelib.domain.obligations import is_wanted
from chalicelib.domain.payments import PaymentStatus, judge
from chalicelib.domain.sessions import Fee, Session, owing
from tests.support.histories import (
    CANCELED,
    END,
    MINUTE,
    NOON,
    SECOND,
    START,
    TEAM,
    attempt,
    charge,
    checkout,
    dispute,
    folded,
    guest_of,
    inquiry,
    needs,
    noon,
    owed,
    paid,
    refund,
    refunds_owed,
    retried,
    session_of,
    settled,
    standing_of,
    told_keys,
    waived,
    with_decisions,
)
from tests.support.stuck_money import ask, give, keep, see, send_again

PENDING, SUCCEEDED, FAILED = RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED
DAY = timedelta(days=1)
MOVED: dict[str, Any] = {"start_time": START + DAY, "end_time": END + DAY}
AUTO = "auto-ch_1"
LATE = [*paid(1, END)]
BACK = [*LATE, refund("1", decision_id=AUTO)]


def moved(*facts: Seen, count: int = 1, **changes: Any) -> Session:
    return session_of(folded(*facts, count=count), **(MOVED | changes))


def status(session: Session) -> PaymentStatus:
    return standing_of(session).status


def door(session: Session) -> Door:
    return admit(session, guest_of(session), TEAM, START + DAY).door


def returns(session: Session) -> dict[str, RefundReason | None]:
    guest = guest_of(session)
    return {one.payment.payment_intent_id: one.return_because for one in judge(owing(session, guest), guest.history)}


def counted(session: Session) -> str | None:
    found = standing_of(session).counted
    return found.payment_intent_id if found else None


# --- no candidate -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refund_status", [PENDING, SUCCEEDED])
def test_what_came_late_and_went_back_by_rule_is_not_the_fee_of_the_session_as_it_was_moved(
    refund_status: RefundStatus,
) -> None:
    session = moved(*LATE, refund("1", 8000, refund_status, decision_id=AUTO))
    assert (status(session), door(session)) == (PaymentStatus.UNPAID, Door.PAY)
    assert (returns(session), refunds_owed(session), needs(session)) == ({"pi_1": None}, [], None)


def test_the_offer_of_the_moved_session_is_the_one_to_pay_and_stays_open() -> None:
    session = moved(*BACK, checkout(AttemptState.OPEN, 2), count=2)
    guest = guest_of(session)
    assert is_wanted(owing(session, guest), guest.history, guest.history.attempts[-1])
    assert [one.due_at for one in owed(session) if one.key == "expire:attempt-2"] == [END + DAY]


def test_the_payment_of_the_moved_session_counts_and_lets_in() -> None:
    session = moved(*BACK, *paid(2, END + MINUTE), count=2)
    assert (status(session), counted(session), door(session)) == (PaymentStatus.PAID, "pi_2", Door.JOIN)
    assert (refunds_owed(session), needs(session)) == ([], None)


def test_until_the_session_is_moved_it_stays_refunded() -> None:
    assert status(session_of(folded(*BACK))) is PaymentStatus.REFUNDED
    assert returns(session_of(folded(*BACK))) == {"pi_1": RefundReason.AFTER_END}


def test_a_payment_of_the_end_itself_is_late_and_one_of_the_second_before_is_not() -> None:
    asked = refund("1", decision_id=AUTO)
    for end, expected in ((END, PaymentStatus.REFUNDED), (END + SECOND, PaymentStatus.UNPAID)):
        assert status(session_of(folded(*LATE, asked), end_time=end)) is expected


@pytest.mark.parametrize("keeps", [False, True])
def test_of_a_session_that_is_closed_since_it_stays_refunded(*, keeps: bool) -> None:
    closed: dict[str, Any] = {"canceled_at": START + DAY, "keeps_payments": keeps}
    assert status(moved(*BACK, **closed)) is PaymentStatus.REFUNDED
    removed: dict[str, Any] = {"guest_deleted_at": START + DAY, "guest_keeps_payment": keeps}
    assert status(moved(*BACK, **removed)) is PaymentStatus.REFUNDED


def test_whoever_is_let_in_free_is_not_asked_whatever_went_back() -> None:
    session = session_of(waived(folded(*BACK)), **MOVED)
    assert (status(session), door(session)) == (PaymentStatus.WAIVED, Door.JOIN)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([refund("1", 8000)], PaymentStatus.REFUNDED),
        ([refund("1", 8000, decision_id="decision-1")], PaymentStatus.REFUNDED),
        ([refund("1", 7999, decision_id=AUTO)], PaymentStatus.PARTIALLY_REFUNDED),
        ([refund("1", 7999, decision_id=AUTO), refund("2", 1)], PaymentStatus.UNPAID),
        ([refund("1", 1, decision_id=AUTO), refund("2", 7999, decision_id="decision-1")], PaymentStatus.UNPAID),
        ([refund("1", 8000, FAILED, decision_id=AUTO)], PaymentStatus.PAID),
        ([refund("1", 1, FAILED, decision_id=AUTO), refund("2", 8000)], PaymentStatus.REFUNDED),
        ([dispute(DisputeStatus.LOST)], PaymentStatus.REFUNDED),
        ([refund("1", 8000, decision_id=AUTO), dispute(DisputeStatus.LOST)], PaymentStatus.REFUNDED),
        ([refund("1", 8000, decision_id=AUTO), dispute(DisputeStatus.WON)], PaymentStatus.UNPAID),
    ],
    ids=[
        "all in the dashboard",
        "all as the clinic asked",
        "all but a cent by rule",
        "a cent in the dashboard, the rest by rule",
        "a cent by rule, the rest as the clinic asked",
        "the return failed",
        "the return failed, all in the dashboard",
        "the bank took it",
        "by rule, and the bank took it as well",
        "by rule, and the bank left it",
    ],
)
def test_what_people_asked_for_or_the_bank_took_stays_an_answer(facts: list[Seen], expected: PaymentStatus) -> None:
    assert status(moved(*LATE, *facts)) is expected


def test_what_was_sent_again_in_place_of_a_return_that_failed_went_back_by_rule_too() -> None:
    facts = (*LATE, refund("1", 8000, FAILED, decision_id=AUTO), refund("2", 8000, decision_id="decision-9"))
    again = RefundDecision("decision-9", "pi_1", 8000, noon(plus=50), "operator:ada", "again", by_rule=True)
    history = retried(with_decisions(folded(*facts), again), "refund:re_1")
    assert status(session_of(history, **MOVED)) is PaymentStatus.UNPAID
    asked = retried(with_decisions(folded(*facts), replace(again, by_rule=False)), "refund:re_1")
    assert status(session_of(asked, **MOVED)) is PaymentStatus.REFUNDED


def test_what_was_given_by_hand_beside_a_return_by_rule_is_back_as_well() -> None:
    history = folded(*LATE, refund("1", 3000, decision_id=AUTO))
    for amount, expected in ((5000, PaymentStatus.UNPAID), (4999, PaymentStatus.PARTIALLY_REFUNDED)):
        given = settled(history, "refund:rest-ch_1", amount=amount)
        assert status(session_of(given, **MOVED)) is expected
    kept = settled(history, "refund:rest-ch_1", amount=5000, is_given=False)
    assert status(session_of(kept, **MOVED)) is PaymentStatus.PARTIALLY_REFUNDED


def test_what_was_given_by_hand_alone_went_back_by_no_refund_of_ours() -> None:
    failed = folded(*LATE, refund("1", 8000, FAILED, decision_id=AUTO))
    given = settled(failed, "refund:re_1", amount=8000, because=RefundReason.AFTER_END)
    assert status(session_of(given, **MOVED)) is PaymentStatus.REFUNDED


def test_two_late_payments_that_both_went_back_leave_the_fee_to_be_paid() -> None:
    session = moved(*BACK, *paid(2, END), refund("2", of=2, decision_id="auto-ch_2"), count=2)
    assert (status(session), refunds_owed(session)) == (PaymentStatus.UNPAID, [])


def test_of_two_late_payments_the_one_that_is_not_back_yet_counts() -> None:
    session = moved(*BACK, *paid(2, END), count=2)
    assert (status(session), counted(session), refunds_owed(session)) == (PaymentStatus.PAID, "pi_2", [])


# --- another amount, and the former one again ---------------------------------------------------------------------


def test_what_went_back_since_the_fee_was_another_does_not_pay_the_former_fee_again() -> None:
    history = folded(*paid(), refund("1", decision_id=AUTO))
    assert status(session_of(history, fee=Fee(9000, "aud"))) is PaymentStatus.UNPAID
    assert status(session_of(history)) is PaymentStatus.UNPAID


def test_what_is_still_to_go_back_since_the_fee_was_another_pays_the_former_fee_again() -> None:
    assert refunds_owed(session_of(folded(*paid()), fee=Fee(9000, "aud"))) == [(AUTO, 8000, "fee_changed")]
    session = session_of(folded(*paid()))
    assert (status(session), refunds_owed(session)) == (PaymentStatus.PAID, [])


# --- two for one fee ----------------------------------------------------------------------------------------------

SECOND_BACK = [*paid(1), *paid(2, NOON + 2 * MINUTE), refund("2", of=2, decision_id="auto-ch_2")]


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (refund("1", 8000), PaymentStatus.REFUNDED),
        (refund("1", 8000, decision_id="decision-1"), PaymentStatus.REFUNDED),
        (dispute(DisputeStatus.LOST), PaymentStatus.REFUNDED),
        (refund("1", 3000), PaymentStatus.PARTIALLY_REFUNDED),
    ],
    ids=["dashboard", "asked for", "lost", "a part"],
)
def test_what_becomes_of_the_first_is_the_answer_where_the_second_went_back_as_the_duplicate(
    fact: Seen, expected: PaymentStatus
) -> None:
    session = session_of(folded(*SECOND_BACK, fact, count=2))
    assert (status(session), counted(session), refunds_owed(session)) == (expected, "pi_1", [])


def test_nothing_is_a_duplicate_where_nothing_counts() -> None:
    session = moved(*BACK, *paid(2, END), refund("2", 8000, PENDING, of=2, decision_id="auto-ch_2"), count=2)
    assert returns(session) == {"pi_1": None, "pi_2": None}


def test_while_a_charge_is_not_known_nothing_is_a_duplicate() -> None:
    session = moved(*BACK, checkout(number=2), *paid(3, END + MINUTE), count=3)
    assert returns(session) == {"pi_1": None, "pi_2": None, "pi_3": None}


# --- its refund fails after all -----------------------------------------------------------------------------------

PENDED = [*LATE, refund("1", 8000, PENDING, decision_id=AUTO)]
BOUNCED = refund("1", 8000, FAILED, decision_id=AUTO)
COUNTS = (
    "The refund of 80.00 AUD failed at the bank; the payment counts for the fee again, so tell the payer that it does "
    "not go back."
)


def test_a_payment_whose_return_failed_counts_again_and_the_new_page_is_closed() -> None:
    session = see(moved(*PENDED, checkout(AttemptState.OPEN, 2), count=2), BOUNCED)
    assert (status(session), door(session)) == (PaymentStatus.PAID, Door.JOIN)
    guest = guest_of(session)
    assert not is_wanted(owing(session, guest), guest.history, guest.history.attempts[-1])
    assert (needs(session), told_keys(session)) == (COUNTS, ["refund:re_1"])


def test_whoever_paid_the_new_page_as_well_gets_that_back_and_one_payment_is_kept() -> None:
    session = see(moved(*PENDED, *paid(2, END + MINUTE), count=2), BOUNCED)
    assert (status(session), counted(session)) == (PaymentStatus.PAID, "pi_1")
    assert (refunds_owed(session), needs(session)) == ([("auto-ch_2", 8000, "duplicate")], COUNTS)
    done = see(session, refund("2", of=2, decision_id="auto-ch_2"))
    assert (status(done), counted(done), refunds_owed(done)) == (PaymentStatus.PAID, "pi_1", [])
    assert needs(done) == COUNTS


def test_whoever_heard_of_it_settles_it_and_the_money_stays() -> None:
    session = keep(see(moved(*PENDED), BOUNCED), "refund:re_1")
    assert (status(session), needs(session), refunds_owed(session)) == (PaymentStatus.PAID, None, [])


def test_whoever_gave_it_back_all_the_same_says_so_and_the_participant_is_refunded() -> None:
    session = give(see(moved(*PENDED), BOUNCED), "refund:re_1")
    assert (status(session), needs(session), refunds_owed(session)) == (PaymentStatus.REFUNDED, None, [])


def test_what_counts_again_is_not_sent_again() -> None:
    with pytest.raises(NothingToRetryError):
        send_again(see(moved(*PENDED), BOUNCED), "refund:re_1")


def test_once_the_clinic_gives_it_back_nobody_has_to_tell_the_payer() -> None:
    session = ask(see(moved(*PENDED), BOUNCED))
    assert refunds_owed(session) == [("decision-1", 8000, "requested")]
    assert needs(session) is None
    assert needs(see(session, refund("2", decision_id="decision-1"))) is None


def test_a_cent_that_stays_is_told_and_what_went_back_besides_is_not_counted() -> None:
    session = moved(*LATE, BOUNCED, refund("2", 7999))
    assert needs(session) == COUNTS.replace("80.00", "0.01")
    assert needs(see(session, refund("3", 1))) is None
    part = moved(*LATE, refund("1", 3000, FAILED, decision_id=AUTO), refund("2", 1000))
    assert needs(part) == COUNTS.replace("80.00", "30.00")


def test_a_refund_that_was_asked_for_and_failed_is_still_to_be_given_another_way() -> None:
    session = see(ask(see(moved(*PENDED), BOUNCED)), refund("2", 8000, FAILED, decision_id="decision-1"))
    assert needs(session) == "The refund of 80.00 AUD failed at the bank; give the money back another way."


def test_while_the_rule_holds_a_return_that_failed_is_to_be_given_another_way() -> None:
    another_way = "The refund of 80.00 AUD failed at the bank; give the money back another way."
    assert needs(session_of(folded(*LATE, BOUNCED))) == another_way
    assert needs(session_of(folded(*paid(), BOUNCED), **CANCELED)) == another_way
    part = session_of(folded(*LATE, refund("1", 3000, FAILED, decision_id=AUTO)))
    assert needs(part) == (
        f"{another_way.replace('80.00', '30.00')} A payment went back in part only; give the rest back in Stripe: "
        "50.00 AUD."
    )


def test_what_a_bank_may_still_take_counts_only_where_nothing_else_does() -> None:
    """Were the second given back beside a dispute of the first, and the first lost, nothing would be left."""
    twice = [*paid(1), *paid(2, NOON + 2 * MINUTE)]
    disputed = session_of(folded(*twice, dispute(DisputeStatus.OPEN), count=2))
    assert (counted(disputed), status(disputed), refunds_owed(disputed)) == ("pi_2", PaymentStatus.PAID, [])
    lost = session_of(folded(*twice, dispute(DisputeStatus.LOST), count=2))
    assert (counted(lost), status(lost), refunds_owed(lost)) == ("pi_2", PaymentStatus.PAID, [])
    won = session_of(folded(*twice, dispute(DisputeStatus.WON), count=2))
    assert (counted(won), refunds_owed(won)) == ("pi_1", [("auto-ch_2", 8000, "duplicate")])
    asked = session_of(folded(*twice, inquiry(), count=2))
    assert (counted(asked), refunds_owed(asked)) == ("pi_1", [("auto-ch_2", 8000, "duplicate")])
    back = session_of(folded(*twice, refund("1", 8000), dispute(DisputeStatus.OPEN, of=2), count=2))
    assert (counted(back), status(back)) == ("pi_2", PaymentStatus.DISPUTED)
    alone = session_of(folded(*paid(1), dispute(DisputeStatus.OPEN)))
    assert (counted(alone), status(alone)) == ("pi_1", PaymentStatus.DISPUTED)


def test_the_charge_of_a_debit_that_came_through_is_to_be_proven_however_long_ago_it_was_submitted() -> None:
    looked = AttemptLooked("attempt-1", noon(plus=300))
    session = session_of(folded(checkout(AttemptState.PROCESSING), looked, charge()))
    assert (status(session), needs(session)) == (PaymentStatus.PROCESSING, None)
    (due,) = [one.due_at for one in owed(session)]
    assert due == noon(plus=360)
    failed = session_of(folded(checkout(AttemptState.FAILED), looked, charge()))
    assert needs(failed) == STRANGE


def test_a_return_that_was_cancelled_is_told_as_cancelled() -> None:
    session = moved(*LATE, refund("1", 8000, RefundStatus.CANCELED, decision_id=AUTO))
    assert needs(session) == COUNTS.replace("failed at the bank", "was cancelled")


@pytest.mark.parametrize("reason", [None, RefundReason.DUPLICATE, RefundReason.REQUESTED])
def test_where_people_gave_the_first_payment_back_and_the_second_did_not_go_back_it_is_told(
    reason: RefundReason | None,
) -> None:
    """Whichever of the two came first: the payer may wait for both."""
    session = session_of(folded(*_second_bounced(reason), refund("1", 8000), count=2))
    assert (status(session), counted(session), needs(session)) == (PaymentStatus.PAID, "pi_2", COUNTS)


@pytest.mark.parametrize("fact", [refund("1", 8000), refund("1", decision_id="auto-ch_1")], ids=["asked", "by rule"])
def test_where_the_second_was_to_go_back_for_another_reason_it_is_told(fact: Seen) -> None:
    session = session_of(folded(*_second_bounced(RefundReason.AFTER_END), fact, count=2))
    assert (status(session), counted(session), needs(session)) == (PaymentStatus.PAID, "pi_2", COUNTS)


def test_where_the_first_went_back_by_rule_too_it_is_told() -> None:
    facts = [*_second_bounced(RefundReason.DUPLICATE), refund("1", decision_id="auto-ch_1")]
    assert needs(session_of(folded(*facts, count=2))) == COUNTS


def test_where_the_first_is_of_another_fee_it_is_told() -> None:
    offers = (attempt(1, amount=7000), attempt(2))
    former: list[Seen] = [checkout(amount=7000), charge(amount=7000), refund("1", 7000)]
    bounced = _second_bounced(None)[2:]
    session = session_of(folded(*former, *bounced, history=PaymentHistory(attempts=offers)))
    assert (status(session), counted(session), needs(session)) == (PaymentStatus.PAID, "pi_2", COUNTS)


def test_where_the_first_is_no_offer_of_ours_it_is_told() -> None:
    strange: list[Seen] = [checkout(livemode=True), charge(), refund("1", 8000)]
    session = session_of(folded(*strange, *_second_bounced(None)[2:], count=2))
    assert (status(session), counted(session), needs(session)) == (PaymentStatus.PAID, "pi_2", COUNTS)


def test_where_the_later_payment_went_back_as_people_asked_the_first_is_told() -> None:
    facts = [*PENDED, *paid(2, END + MINUTE), refund("2", 8000, of=2)]
    assert status(moved(*facts, count=2)) is PaymentStatus.REFUNDED
    session = moved(*facts, BOUNCED, count=2)
    assert (status(session), counted(session), needs(session)) == (PaymentStatus.PAID, "pi_1", COUNTS)


def _second_bounced(reason: RefundReason | None) -> list[Seen]:
    """Two payments, and the return of the second failed."""
    failed = Refund("re_2", "pi_2", 8000, FAILED, "auto-ch_2", reason)
    return [*paid(1), *paid(2, NOON + 2 * MINUTE), RefundSeen(failed)]


def test_of_what_went_back_by_rule_nothing_is_left_to_ask_for() -> None:
    with pytest.raises(NothingLeftError):
        ask(moved(*BACK))


def test_the_order_in_which_it_is_told_changes_nothing() -> None:
    told: list[Seen] = [*PENDED, BOUNCED, *paid(2, END + MINUTE)]
    first = moved(*told, count=2)
    for turn in range(len(told)):
        turned = moved(*told[turn:], *told[:turn], *told, count=2)
        assert guest_of(turned).history == guest_of(first).history
