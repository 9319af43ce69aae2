"""What people decide about somebody's money, at the edges: refunds, waivers, retries and settlements by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.by_hand import (
    By,
    ChargedBackError,
    DisputedError,
    NothingLeftError,
    NothingPaidError,
    NothingToRetryError,
    NothingToWaiveError,
    RefundWish,
    UnknownKeyError,
    decide_refund,
    retry_by_hand,
    settle_by_hand,
    stuck_keys,
    waive,
)
from chalicelib.domain.edits import AlreadyPaidError, BeingPaidError, CanceledError, EndedError, OpenOffersError
from chalicelib.domain.facts import ActFailed, AttemptState, DisputeStatus, PaymentHistory, RefundStatus
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Fee, InvalidSessionError, Session
from tests.support.histories import (
    CANCELED,
    END,
    GUEST_NUMBER,
    SECOND,
    charge,
    checkout,
    decided,
    dispute,
    folded,
    guest_of,
    keys,
    needs,
    noon,
    paid,
    refund,
    refunds_owed,
    session_of,
    settled,
    standing_of,
    waived,
    with_decisions,
)

Act = Callable[..., Session]
LATER = noon(plus=45)
BY = By("operator:ada", LATER, "the client called")
PAID = folded(*paid())


def decide(session: Session, wish: RefundWish | None = None, name: str = "decision-9") -> Session:
    return decide_refund(
        session, guest_of(session), wish or RefundWish(), decision_id=name, who="api_client:1", now=LATER
    )


def message_of(session: Session, wish: RefundWish) -> tuple[str, str]:
    with pytest.raises(InvalidSessionError) as refused:
        decide(session, wish)
    [problem] = refused.value.problems
    return problem.field, problem.message


# --- refunds ------------------------------------------------------------------------------------------------------


def test_a_refund_of_all_is_what_is_left_and_is_owed_at_once() -> None:
    session = decide(session_of(PAID))
    assert refunds_owed(session) == [("decision-9", 8000, "requested")]
    [decision] = guest_of(session).history.decisions
    assert (decision.by, decision.decided_at, decision.payment_intent_id) == ("api_client:1", LATER, "pi_1")


@pytest.mark.parametrize("amount", [1, 7999, 8000])
def test_any_part_up_to_all_of_it_can_go_back(amount: int) -> None:
    assert refunds_owed(decide(session_of(PAID), RefundWish(amount))) == [("decision-9", amount, "requested")]


def test_the_same_decision_again_changes_nothing() -> None:
    once = decide(session_of(PAID), RefundWish(3000, "late"))
    assert decide(once, RefundWish(5000, "other")) == once


def test_what_is_decided_and_what_went_back_is_not_left() -> None:
    history = with_decisions(folded(refund("1", 1000), history=PAID), decided("1", 3000))
    session = session_of(history)
    assert message_of(session, RefundWish(4001)) == ("amount", "at most 40.00 AUD (4000) is left of this payment")
    assert ("decision-9", 4000, "requested") in refunds_owed(decide(session, RefundWish(4000)))


def test_a_refund_that_failed_is_left_again_unless_a_person_settled_it() -> None:
    failed = folded(refund("1", 8000, RefundStatus.FAILED, decision_id="decision-1"), history=PAID)
    assert ("decision-9", 8000, "requested") in refunds_owed(decide(session_of(failed)))
    with pytest.raises(NothingLeftError):
        decide(session_of(settled(failed, "refund:re_1", amount=8000)))


def test_what_goes_back_by_rule_is_not_left() -> None:
    with pytest.raises(NothingLeftError):
        decide(session_of(PAID, **CANCELED))


def test_a_payment_whose_charge_is_not_known_yet_counts_its_decisions() -> None:
    history = with_decisions(folded(checkout()), decided("1", 5000))
    assert message_of(session_of(history), RefundWish(3001))[0] == "amount"
    assert len(guest_of(decide(session_of(history), RefundWish(3000))).history.decisions) == 2


def test_without_money_there_is_nothing_to_give_back() -> None:
    for history in (folded(), folded(checkout(AttemptState.PROCESSING)), waived(folded())):
        with pytest.raises(NothingPaidError):
            decide(session_of(history))
        with pytest.raises(NothingPaidError):
            decide(session_of(history), RefundWish(charge="ch_1"))


def test_the_charge_named_is_the_one_that_goes_back() -> None:
    history = folded(*paid(1), *paid(2, at=noon(plus=9)), count=2)
    wish = RefundWish(charge="ch_1")
    assert ("decision-9", 8000, "requested") in refunds_owed(decide(session_of(history), wish))
    with pytest.raises(NothingLeftError):
        decide(session_of(history), RefundWish(charge="ch_2"))
    assert message_of(session_of(history), RefundWish(charge="ch_3")) == (
        "charge",
        "is no charge of this participant; leave it out",
    )


@pytest.mark.parametrize(
    ("status", "refused"),
    [(DisputeStatus.OPEN, DisputedError), (DisputeStatus.LOST, ChargedBackError), (DisputeStatus.WON, None)],
)
def test_only_a_dispute_that_was_won_lets_a_refund_be_made(
    status: DisputeStatus, refused: type[Exception] | None
) -> None:
    session = session_of(folded(dispute(status), history=PAID))
    if refused:
        with pytest.raises(DisputedError) as raised:
            decide(session)
        assert raised.type is refused
    else:
        assert refunds_owed(decide(session)) == [("decision-9", 8000, "requested")]


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_below_one_is_refused(amount: int) -> None:
    assert message_of(session_of(PAID), RefundWish(amount))[0] == "amount"


def test_amounts_keep_to_the_step_of_the_currency() -> None:
    money: dict[str, Any] = {"amount": 8000, "currency": "isk"}
    [planned] = PAID.attempts
    history = replace(folded(), attempts=(replace(planned, state=AttemptState.PLANNED, currency="isk"),))
    history = folded(checkout(**money), paid(currency="isk")[1], history=history)
    session = session_of(history, Fee(8000, "isk"))
    assert message_of(session, RefundWish(50)) == ("amount", "must be a multiple of 100 in ISK")
    assert refunds_owed(decide(session, RefundWish(100))) == [("decision-9", 100, "requested")]


def test_there_are_so_many_decisions_and_reasons_so_long() -> None:
    few = with_decisions(PAID, *(decided(f"former-{number}", 1) for number in range(19)))
    full = decide(session_of(few), RefundWish(1, "x" * 255), "the-last")
    assert message_of(full, RefundWish(1))[0] == "amount"
    assert "at most 20 refunds" in message_of(full, RefundWish())[1]
    assert message_of(session_of(PAID), RefundWish(1, "x" * 256)) == ("reason", "at most 255 characters; 256 were sent")


# --- waivers ------------------------------------------------------------------------------------------------------


def waive_at(session: Session, by: By = BY) -> Session:
    return waive(session, guest_of(session), by)


def test_a_waiver_admits_without_money_and_gives_back_what_comes_later() -> None:
    session = waive_at(session_of(folded(checkout(AttemptState.EXPIRED))))
    assert standing_of(session).status is PaymentStatus.WAIVED
    later = folded(*paid(), history=guest_of(session).history)
    assert refunds_owed(session_of(later)) == [("auto-ch_1", 8000, "waived")]
    assert waive_at(session, By("operator:bob", noon(plus=50), "again")) == session


def test_who_was_refunded_in_full_may_be_waived_and_gets_nothing_twice() -> None:
    session = waive_at(session_of(folded(refund(), history=PAID)))
    assert standing_of(session).status is PaymentStatus.WAIVED
    assert refunds_owed(session) == []


@pytest.mark.parametrize(
    ("history", "error"),
    [
        (PAID, AlreadyPaidError),
        (folded(refund("1", 1), history=PAID), AlreadyPaidError),
        (folded(dispute(DisputeStatus.OPEN), history=PAID), AlreadyPaidError),
        (folded(charge()), BeingPaidError),
        (folded(checkout(AttemptState.OPEN)), OpenOffersError),
        (folded(), OpenOffersError),
    ],
)
def test_what_is_held_on_its_way_or_may_come_bars_a_waiver(history: PaymentHistory, error: type[Exception]) -> None:
    with pytest.raises(error):
        waive_at(session_of(history))


def test_a_waiver_needs_a_fee_a_session_to_come_and_a_reason() -> None:
    with pytest.raises(NothingToWaiveError):
        waive_at(session_of(fee=None))
    with pytest.raises(CanceledError):
        waive_at(session_of(**CANCELED))
    with pytest.raises(EndedError):
        waive_at(session_of(), By("a", END, "why"))
    assert waive_at(session_of(), By("a", END - SECOND, "why")) != session_of()
    for reason in ("", "  ", "x" * 256):
        with pytest.raises(InvalidSessionError):
            waive_at(session_of(), By("a", LATER, reason))


# --- what is stuck ------------------------------------------------------------------------------------------------


def settle(session: Session, key: str, by: By = BY) -> Session:
    return settle_by_hand(session, guest_of(session), key, by)


def retry(session: Session, key: str, by: By = BY) -> Session:
    return retry_by_hand(session, guest_of(session), key, by, decision_id="decision-9")


def troubled(history: PaymentHistory, key: str, times: int = 1) -> PaymentHistory:
    failures = (ActFailed(key, noon(plus=30 + time), "Stripe is down.", 0.0) for time in range(times))
    return folded(*failures, history=history)


def test_what_is_in_trouble_is_tried_at_once_and_its_failures_are_not_forgotten() -> None:
    history = troubled(PAID, "refund:auto-ch_1", times=3)
    session = retry(session_of(history, **CANCELED), "refund:auto-ch_1")
    [trouble] = guest_of(session).history.troubles
    assert (trouble.failures, trouble.first_failed_at, trouble.retry_at) == (3, LATER, LATER)
    [noted] = guest_of(session).history.retried
    assert (noted.key, noted.by, noted.why, noted.retried_at) == (
        "refund:auto-ch_1",
        "operator:ada",
        "the client called",
        LATER,
    )


def test_a_failed_refund_is_retried_as_another_of_the_same_amount() -> None:
    history = folded(refund("1", 3000, RefundStatus.FAILED, decision_id="decision-1"), history=PAID)
    session = session_of(with_decisions(history, decided("1", 3000)))
    assert "failed at the bank" in (needs(session) or "")
    again = retry(session, "refund:re_1")
    assert refunds_owed(again) == [("decision-9", 3000, "requested")]
    assert needs(again) is None


def test_an_automatic_refund_that_failed_is_retried_in_full_and_no_more_is_short() -> None:
    history = folded(refund("1", 8000, RefundStatus.CANCELED, decision_id="auto-ch_1"), history=PAID)
    again = retry(session_of(history, **CANCELED), "refund:re_1")
    assert refunds_owed(again) == [("decision-9", 8000, "requested")]
    assert needs(again, noon(plus=50)) is None


def test_a_charge_not_known_as_paid_is_in_nobodys_way() -> None:
    """Found by the simulation: a charge whose page is not told to be paid, beside the one that is retried."""
    failed = folded(paid(1)[1], *paid(2), refund("1", 3000, RefundStatus.FAILED, of=2), count=2)
    assert ("decision-9", 3000, "requested") in refunds_owed(retry(session_of(failed), "refund:re_1"))


def test_of_two_charges_the_one_whose_refund_failed_is_given_back_again() -> None:
    history = folded(*paid(1, noon(plus=9)), *paid(2, noon(plus=5)), count=2)
    failed = folded(refund("1", 3000, RefundStatus.FAILED, of=2), history=history)
    assert ("decision-9", 3000, "requested") in refunds_owed(retry(session_of(failed), "refund:re_1"))


def test_what_only_went_back_in_part_is_retried_for_the_rest() -> None:
    history = folded(refund("1", 3000, decision_id="auto-ch_1"), history=PAID)
    session = session_of(history, **CANCELED)
    assert "in part only" in (needs(session) or "")
    assert refunds_owed(retry(session, "refund:rest-ch_1")) == [("decision-9", 5000, "requested")]


@pytest.mark.parametrize(
    ("status", "amount", "refused"),
    [(DisputeStatus.OPEN, 8000, DisputedError), (DisputeStatus.LOST, 1000, ChargedBackError)],
)
def test_a_failed_refund_of_a_disputed_payment_is_not_retried(
    status: DisputeStatus, amount: int, refused: type[Exception]
) -> None:
    history = folded(refund("1", 3000, RefundStatus.FAILED), dispute(status, amount=amount), history=PAID)
    with pytest.raises(DisputedError) as raised:
        retry(session_of(history), "refund:re_1")
    assert raised.type is refused


def test_what_a_person_settled_is_owed_no_more_and_needs_nobody() -> None:
    session = session_of(troubled(PAID, "refund:auto-ch_1", times=3), **CANCELED)
    assert keys(session) == {"refund:auto-ch_1"}
    done = settle(session, "refund:auto-ch_1")
    assert (keys(done), needs(done, END)) == (set(), None)
    assert settle(done, "refund:auto-ch_1") == done
    [noted] = guest_of(done).history.settled
    assert (noted.by, noted.why, noted.settled_at, noted.is_given) == ("operator:ada", "the client called", LATER, True)


@pytest.mark.parametrize("act", [settle, retry])
def test_a_key_of_nothing_stuck_is_refused_and_what_is_stuck_is_told(act: Act) -> None:
    session = session_of(troubled(PAID, "refund:auto-ch_1"), **CANCELED)
    with pytest.raises(UnknownKeyError) as refused:
        act(session, "refund:auto-ch_2")
    assert refused.value.keys == ("refund:auto-ch_1",)


def test_a_strange_payment_is_settled_and_not_retried() -> None:
    session = session_of(folded(checkout(amount=1), paid()[1]))
    [key] = stuck_keys(session, guest_of(session), LATER)
    with pytest.raises(NothingToRetryError, match="nothing to try again"):
        retry(session, key)
    assert needs(settle(session, key)) is None


@pytest.mark.parametrize("act", [settle, retry])
@pytest.mark.parametrize("why", ["", " ", "x" * 256])
def test_who_decides_says_why(act: Act, why: str) -> None:
    session = session_of(troubled(PAID, "refund:auto-ch_1"), **CANCELED)
    with pytest.raises(InvalidSessionError):
        act(session, "refund:auto-ch_1", By("operator:ada", LATER, why))


def test_a_refund_decided_before_the_bank_took_a_part_of_the_money_needs_a_person() -> None:
    history = with_decisions(folded(dispute(DisputeStatus.LOST, amount=3000), history=PAID), decided("1", 5000))
    session = session_of(history)
    assert needs(session) == "20.00 AUD is to go back beside what the bank took back; see to it in Stripe."
    assert needs(settle(session, "refund:decision-1")) is None
    covered = with_decisions(folded(dispute(DisputeStatus.LOST, amount=3000), history=PAID), decided("1", 3000))
    assert needs(session_of(covered)) is None
    whole = with_decisions(folded(dispute(DisputeStatus.LOST), history=PAID), decided("1", 2000))
    assert needs(session_of(whole)) is None


def test_only_the_guest_is_touched() -> None:
    session = decide(session_of(PAID))
    assert session.participant(1) == session_of(PAID).participant(1)
    assert guest_of(session).number == GUEST_NUMBER
