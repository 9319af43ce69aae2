"""A fee that was given back or lost is charged again: what counts then, what is refused, and what comes after."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.admission import Door, admit
from chalicelib.domain.books import AuditEntry, records
from chalicelib.domain.by_hand import (
    By,
    NotGivenBackError,
    PaidTooOftenError,
    RefundWish,
    charge_again,
    decide_refund,
    waive,
)
from chalicelib.domain.concerns import PAID_TOO_OFTEN
from chalicelib.domain.edits import CanceledError, EndedError
from chalicelib.domain.erasure import erased
from chalicelib.domain.facts import AttemptState, ChargedAgain, DisputeStatus, PaymentHistory, RefundStatus
from chalicelib.domain.obligations import ExpireCheckout
from chalicelib.domain.payments import PaymentStatus, was_charged_again
from chalicelib.domain.returns import returnings
from chalicelib.domain.sessions import InvalidSessionError, Session, owing
from tests.support.histories import (
    CANCELED,
    END,
    NOON,
    SECOND,
    TEAM,
    attempt,
    charge,
    checkout,
    decided,
    dispute,
    folded,
    guest_of,
    needs,
    noon,
    owed,
    paid,
    refund,
    refunds_owed,
    session_of,
    settled,
    standing_of,
    told_keys,
    waived,
    with_decisions,
    with_history,
)

BY = By("api_client:1", noon(plus=45), "refunded in error")
UNPAID, REFUNDED, PAID = PaymentStatus.UNPAID, PaymentStatus.REFUNDED, PaymentStatus.PAID
BACK = with_decisions(folded(*paid(), refund(decision_id="decision-1")), decided("1", 8000))
"""Paid at 12:01, and given back because the clinic asked for it."""

LOST = folded(*paid(), dispute(DisputeStatus.LOST))


def again(session: Session, by: By = BY) -> Session:
    return charge_again(session, guest_of(session), by)


def asked_again(history: PaymentHistory = BACK) -> PaymentHistory:
    """Charged again at 12:45, and offered once more."""
    history = guest_of(again(session_of(history))).history
    return replace(history, attempts=(*history.attempts, attempt(2)))


def status_of(history: PaymentHistory) -> PaymentStatus:
    return standing_of(session_of(history)).status


def door_of(session: Session) -> Door:
    return admit(session, guest_of(session), TEAM, noon(plus=46)).door


# --- it is asked for once more ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "history",
    [
        BACK,
        LOST,
        folded(*paid(), refund()),
        folded(*paid(), refund(status=RefundStatus.PENDING)),
        folded(*paid(), refund("1", 3000), refund("2", 5000)),
        settled(with_decisions(folded(*paid()), decided("1", 8000)), "refund:decision-1", amount=8000),
    ],
)
def test_what_is_back_or_lost_pays_nothing_any_more_and_the_fee_is_offered_again(history: PaymentHistory) -> None:
    before = session_of(history)
    assert (standing_of(before).status, door_of(before)) == (REFUNDED, Door.REFUNDED)
    after = again(before)
    assert guest_of(after).history.charged_again == ChargedAgain(noon(plus=45), "api_client:1", "refunded in error")
    stands = standing_of(after)
    assert (stands.status, stands.counted, stands.amount_paid, door_of(after)) == (UNPAID, None, 0, Door.PAY)
    assert refunds_owed(after) == []
    assert needs(after) is None


def test_the_payment_that_comes_then_counts_and_nothing_goes_back_twice() -> None:
    session = session_of(folded(*paid(2, noon(plus=50)), history=asked_again()))
    stands = standing_of(session)
    assert (stands.status, stands.amount_paid, stands.amount_refunded) == (PAID, 8000, 0)
    assert stands.counted is not None
    assert stands.counted.payment_intent_id == "pi_2"
    assert refunds_owed(session) == []


def test_what_went_back_before_is_not_called_the_duplicate_of_what_is_paid_then() -> None:
    before, after = asked_again(), folded(*paid(2, noon(plus=50)), history=asked_again())
    assert [one.what for one in entries(session_of(before), session_of(after))] == ["paid", "charged"]
    assert [one.because for one in returnings(owing(session_of(after), guest_of(session_of(after))), after)] == [
        None
    ] * 2


def test_the_open_page_for_it_is_the_one_to_pay() -> None:
    session = session_of(folded(checkout(AttemptState.OPEN, 2), history=asked_again()))
    [closing] = [one for one in owed(session) if isinstance(one, ExpireCheckout)]
    assert closing.due_at == END


@pytest.mark.parametrize(("paid_at", "status"), [(45, UNPAID), (46, REFUNDED)])
def test_what_was_paid_later_and_went_back_is_an_answer_again(paid_at: int, status: PaymentStatus) -> None:
    later = folded(*paid(2, noon(plus=paid_at)), refund("2", of=2), history=asked_again())
    assert status_of(later) is status


def test_it_can_be_asked_for_again_and_again() -> None:
    later = folded(*paid(2, noon(plus=50)), refund("2", of=2), history=asked_again())
    session = again(session_of(later), replace(BY, at=noon(plus=55), why="once more"))
    assert standing_of(session).status is UNPAID
    assert guest_of(session).history.charged_again == ChargedAgain(noon(plus=55), "api_client:1", "once more")


def test_what_is_asked_for_already_stays_as_it_is() -> None:
    once = again(session_of(BACK))
    assert again(once, replace(BY, at=noon(plus=46), why="again")) == once


def test_a_payment_whose_charge_is_not_known_counts_until_it_is() -> None:
    undated = guest_of(again(session_of(folded(checkout(), refund())))).history
    assert status_of(undated) is REFUNDED
    assert status_of(folded(charge(), history=undated)) is UNPAID


def test_in_any_order_the_same_is_told() -> None:
    facts = (*paid(), refund(decision_id="decision-1"))
    for told in (facts, facts[::-1], (*facts, *facts)):
        assert folded(*told, history=asked_again()) == asked_again()


# --- what it was is not so after all ----------------------------------------------------------------------------------


def test_a_refund_that_fails_leaves_the_first_payment_counted_and_closes_the_page() -> None:
    failed = refund(status=RefundStatus.FAILED, decision_id="decision-1")
    session = session_of(folded(checkout(AttemptState.OPEN, 2), failed, history=asked_again()))
    assert (standing_of(session).status, door_of(session)) == (PAID, Door.EARLY)
    [closing] = [one for one in owed(session) if isinstance(one, ExpireCheckout)]
    assert closing.due_at == NOON
    assert told_keys(session) == ["refund:re_1"]


def test_a_refund_that_fails_after_they_paid_again_is_a_persons_and_the_second_counts() -> None:
    failed = refund(status=RefundStatus.FAILED, decision_id="decision-1")
    session = session_of(folded(*paid(2, noon(plus=50)), failed, history=asked_again()))
    counted = standing_of(session).counted
    assert counted is not None
    assert counted.payment_intent_id == "pi_2"
    assert refunds_owed(session) == []
    assert told_keys(session) == ["refund:re_1"]


def test_a_dispute_that_is_won_after_all_leaves_the_first_counted_and_the_second_goes_back() -> None:
    won = dispute(DisputeStatus.WON, asked=True)
    session = session_of(folded(*paid(2, noon(plus=50)), won, history=asked_again(LOST)))
    counted = standing_of(session).counted
    assert counted is not None
    assert counted.payment_intent_id == "pi_1"
    assert refunds_owed(session) == [("auto-ch_2", 8000, "duplicate")]


def test_only_what_is_back_or_lost_and_was_paid_until_then_was_charged_again() -> None:
    [payment] = BACK.payments
    assert was_charged_again(asked_again(), payment)
    assert not was_charged_again(BACK, payment)
    at_once = replace(BACK, charged_again=ChargedAgain(noon(plus=1), "x", "x"))
    assert was_charged_again(at_once, payment)
    assert not was_charged_again(replace(BACK, charged_again=ChargedAgain(noon(plus=1) - SECOND, "x", "x")), payment)
    assert not was_charged_again(replace(at_once, refunds=()), payment)
    assert not was_charged_again(at_once, replace(payment, charge=None))


def test_a_waiver_stands_above_it() -> None:
    once = again(session_of(BACK))
    assert standing_of(waive(once, guest_of(once), BY)).status is PaymentStatus.WAIVED
    assert status_of(waived(asked_again())) is PaymentStatus.WAIVED


def test_what_was_charged_again_need_not_be_named_when_the_next_payment_goes_back() -> None:
    session = session_of(folded(*paid(2, noon(plus=50)), history=asked_again()))
    after = decide_refund(
        session, guest_of(session), RefundWish(), decision_id="decision-2", who="api_client:1", now=noon(plus=55)
    )
    assert refunds_owed(after) == [("decision-2", 8000, "requested")]
    held = with_history(session, replace(guest_of(session).history, charged_again=None))
    with pytest.raises(InvalidSessionError):
        decide_refund(
            held, guest_of(held), RefundWish(), decision_id="decision-2", who="api_client:1", now=noon(plus=55)
        )


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "status"),
    [
        (folded(), UNPAID),
        (folded(checkout(AttemptState.PROCESSING)), PaymentStatus.PROCESSING),
        (folded(*paid()), PAID),
        (with_decisions(folded(*paid()), decided("1", 8000)), PAID),
        (folded(*paid(), refund("1", 7999)), PaymentStatus.PARTIALLY_REFUNDED),
        (folded(*paid(), dispute(DisputeStatus.OPEN)), PaymentStatus.DISPUTED),
        (waived(BACK), PaymentStatus.WAIVED),
    ],
)
def test_only_what_is_wholly_back_or_lost_is_charged_again(history: PaymentHistory, status: PaymentStatus) -> None:
    with pytest.raises(NotGivenBackError, match=f"the fee is {status.value}") as refused:
        again(session_of(history))
    assert refused.value.status is status


def test_after_they_paid_again_it_is_refused_as_paid() -> None:
    with pytest.raises(NotGivenBackError) as refused:
        again(session_of(folded(*paid(2, noon(plus=50)), history=asked_again())))
    assert refused.value.status is PAID


def test_it_needs_a_fee_a_session_to_come_and_a_reason() -> None:
    with pytest.raises(NotGivenBackError):
        again(session_of(fee=None))
    with pytest.raises(CanceledError):
        again(session_of(BACK, **CANCELED))
    with pytest.raises(EndedError):
        again(session_of(BACK), By("a", END, "why"))
    assert again(session_of(BACK), By("a", END - SECOND, "why")) != session_of(BACK)
    for reason in ("", "  ", "x" * 256):
        with pytest.raises(InvalidSessionError):
            again(session_of(BACK), By("a", noon(plus=45), reason))


# --- as often as can be kept ------------------------------------------------------------------------------------------


def rounds(count: int) -> PaymentHistory:
    """So many offers that were paid, each given back by the clinic."""
    facts = [
        fact
        for number in range(1, count + 1)
        for fact in (*paid(number, noon(plus=number)), refund(str(number), of=number))
    ]
    return folded(*facts, count=count)


def test_the_eighth_payment_is_the_last() -> None:
    assert standing_of(again(session_of(rounds(7)))).status is UNPAID
    with pytest.raises(PaidTooOftenError):
        again(session_of(rounds(8)))


def test_who_has_paid_as_often_as_is_kept_is_offered_nothing_and_the_clinic_is_told() -> None:
    """As after payments that went back by rule, of which nobody asks whether there is room for another."""
    full = replace(rounds(8), charged_again=ChargedAgain(noon(plus=45), "x", "x"))
    session = session_of(full)
    assert (standing_of(session).status, door_of(session)) == (UNPAID, Door.OFFER_REFUSED)
    assert (needs(session), told_keys(session)) == (PAID_TOO_OFTEN, ["again"])
    seven = session_of(replace(rounds(7), charged_again=full.charged_again))
    assert (door_of(seven), needs(seven)) == (Door.PAY, None)


def test_that_they_paid_too_often_is_told_while_it_matters_and_nobody_has_seen_to_it() -> None:
    full = replace(rounds(8), charged_again=ChargedAgain(noon(plus=45), "x", "x"))
    assert needs(session_of(settled(full, "again"))) is None
    assert needs(session_of(full, **CANCELED)) is None
    assert needs(session_of(waived(full))) is None
    assert needs(session_of(rounds(8))) is None


# --- the books, and what is forgotten ---------------------------------------------------------------------------------


def entries(before: Session, after: Session) -> tuple[AuditEntry, ...]:
    made = records(before, after, by="nobody", at=noon(), audit_id="audit-1")
    return made.audit.entries if made.audit else ()


def test_each_time_is_audited_once_with_who_and_why() -> None:
    once = again(session_of(BACK))
    expected = AuditEntry("charged_again", "api_client:1", 2, why="refunded in error")
    assert entries(session_of(BACK), once) == (expected,)
    assert entries(once, once) == ()
    later = folded(*paid(2, noon(plus=50)), refund("2", of=2), history=asked_again())
    twice = again(session_of(later), By("operator:ada", noon(plus=55), "once more"))
    assert entries(session_of(later), twice) == (AuditEntry("charged_again", "operator:ada", 2, why="once more"),)


def test_of_an_erased_session_the_reason_is_forgotten_and_who_is_not() -> None:
    once = again(session_of(BACK))
    left = erased(once, END)
    assert guest_of(left).history.charged_again == ChargedAgain(noon(plus=45), "api_client:1", "")
    assert entries(once, left) == ()
