"""Which payment, how much of it, and under which key: what people decide about money where there is more than one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.by_hand import (
    By,
    NothingLeftError,
    NothingToRetryError,
    RefundWish,
    UnknownKeyError,
    UnnamedPaymentError,
    decide_refund,
    retry_by_hand,
    stuck_keys,
)
from chalicelib.domain.facts import ActFailed, AttemptState, PaymentHistory, RefundDecision, RefundStatus, Seen
from chalicelib.domain.sessions import Fee, InvalidSessionError, Problem, Session
from tests.support.histories import (
    CANCELED,
    charge,
    checkout,
    decided,
    folded,
    guest_of,
    noon,
    paid,
    refund,
    session_of,
    settled,
    with_decisions,
)

BY = By("operator:ada", noon(plus=45), "the client called")
FAILED = RefundStatus.FAILED
OPEN = AttemptState.OPEN


def newest(session: Session) -> RefundDecision:
    return guest_of(session).history.decisions[-1]


def decide(session: Session, wish: RefundWish | None = None) -> tuple[str, int]:
    """The payment and the amount that are decided to go back."""
    changed = decide_refund(
        session, guest_of(session), wish or RefundWish(), decision_id="decision-9", who="api_client:1", now=BY.at
    )
    return newest(changed).payment_intent_id, newest(changed).amount


def retry(session: Session, key: str = "refund:re_1") -> tuple[str, int]:
    changed = retry_by_hand(session, guest_of(session), key, BY, decision_id="decision-9")
    return newest(changed).payment_intent_id, newest(changed).amount


def stuck(session: Session) -> tuple[str, ...]:
    return stuck_keys(session, guest_of(session), BY.at)


def failing(*keys: str, history: PaymentHistory) -> PaymentHistory:
    return folded(*(ActFailed(key, noon(plus=30), "Stripe is down.", 0.0) for key in keys), history=history)


# --- refunds ------------------------------------------------------------------------------------------------------


def test_the_last_cent_can_go_back() -> None:
    assert decide(session_of(folded(*paid(), refund("1", 7999)))) == ("pi_1", 1)


def test_money_that_is_not_what_was_asked_for_goes_back_by_its_name_alone() -> None:
    session = session_of(folded(checkout(amount=100), charge(amount=100)))
    with pytest.raises(UnnamedPaymentError) as refused:
        decide(session)
    assert str(refused.value) == "what was paid is not what was asked for; to give it back, name its charge: ch_1"
    assert decide(session, RefundWish(charge="ch_1")) == ("pi_1", 100)


def test_the_payment_that_counts_goes_back_not_the_first_by_id() -> None:
    history = folded(*paid(1, noon(plus=9)), *paid(2, noon(plus=1)), refund("1", decision_id="auto-ch_1"), count=2)
    assert decide(session_of(history)) == ("pi_2", 8000)


NAME_THE_ONE = "there is more than one payment; name the one: ch_1, ch_2"


@pytest.mark.parametrize(
    "more",
    [
        [],
        [refund("1", 7999, decision_id="auto-ch_1")],
        [refund("1", 8000, FAILED, decision_id="auto-ch_1")],
        [refund("1", 8000, decision_id="decision-1")],
    ],
    ids=["held", "a cent held", "its return failed", "given back by the clinic"],
)
def test_of_two_payments_the_one_must_be_named_since_the_same_request_again_would_give_back_the_other(
    more: list[Seen],
) -> None:
    asked = [decided("1", 8000)] if more and "decision-1" in str(more) else []
    history = with_decisions(folded(*paid(1, noon(plus=9)), *paid(2, noon(plus=1)), *more, count=2), *asked)
    with pytest.raises(InvalidSessionError) as refused:
        decide(session_of(history))
    assert refused.value.problems == (Problem("charge", NAME_THE_ONE),)
    assert decide(session_of(history), RefundWish(charge="ch_2")) == ("pi_2", 8000)


def test_of_two_payments_only_those_are_named_whose_charge_is_known() -> None:
    with pytest.raises(InvalidSessionError) as refused:
        decide(session_of(folded(checkout(), *paid(2), count=2)))
    assert refused.value.problems == (Problem("charge", "there is more than one payment; name the one: ch_2"),)


def test_where_none_pays_the_fee_it_is_the_first_by_id() -> None:
    history = folded(*paid(1), *paid(2, noon(plus=9)), refund("2", of=2, decision_id="auto-ch_2"), count=2)
    with pytest.raises(NothingLeftError):
        decide(session_of(history, fee=Fee(9000, "aud")))


def test_of_a_payment_that_does_not_count_any_more_nothing_is_left_since_it_goes_back_already() -> None:
    with pytest.raises(NothingLeftError):
        decide(session_of(folded(*paid()), fee=Fee(9000, "aud")))


def test_a_charge_cannot_be_named_before_it_is_known() -> None:
    with pytest.raises(InvalidSessionError) as refused:
        decide(session_of(folded(checkout())), RefundWish(charge="ch_1"))
    assert refused.value.problems == (Problem("charge", "is no charge of this participant; leave it out"),)


def test_what_was_decided_of_one_payment_is_still_left_of_another() -> None:
    facts = (*paid(), *paid(2), refund("1", 8000, of=2, decision_id="decision-1"))
    history = with_decisions(folded(*facts, count=2), decided("1", 8000, of=2))
    assert decide(session_of(history), RefundWish(charge="ch_1")) == ("pi_1", 8000)


# --- what is stuck ------------------------------------------------------------------------------------------------


def test_trouble_with_what_is_not_owed_is_not_stuck_and_is_not_tried_again() -> None:
    session = session_of(failing("refund:auto-ch_1", history=folded(*paid())))
    assert stuck(session) == ()
    with pytest.raises(UnknownKeyError):
        retry(session, "refund:auto-ch_1")


def test_a_refusal_names_the_keys_there_are() -> None:
    told = "nothing of that key needs a person; what does: "
    assert str(UnknownKeyError(("overflow", "refund:re_1"))) == f"{told}overflow, refund:re_1"
    assert str(UnknownKeyError(())) == f"{told}nothing"


def test_what_a_person_took_on_themselves_is_not_stuck() -> None:
    history = settled(failing("refund:auto-ch_1", history=folded(*paid())), "refund:auto-ch_1", amount=8000)
    assert stuck(session_of(history, **CANCELED)) == ()


def test_what_is_stuck_is_told_in_the_order_of_its_keys() -> None:
    opened = folded(*(checkout(OPEN, number) for number in (1, 2, 3)), count=3)
    history = failing(
        *(f"{act}:attempt-{number}" for number in (3, 1, 2) for act in ("look", "expire")), history=opened
    )
    assert stuck(session_of(history)) == (
        "expire:attempt-1",
        "expire:attempt-2",
        "expire:attempt-3",
        "look:attempt-1",
        "look:attempt-2",
        "look:attempt-3",
    )


# --- refunds that failed ------------------------------------------------------------------------------------------


def test_a_failed_refund_of_strange_money_is_not_retried() -> None:
    session = session_of(folded(checkout(amount=100), charge(amount=100), refund("1", 100, FAILED)))
    with pytest.raises(NothingToRetryError):
        retry(session)


def test_no_more_is_sent_again_than_is_left_down_to_the_last_cent() -> None:
    history = folded(*paid(), refund("1", 3000, FAILED))
    assert retry(session_of(with_decisions(history, decided("1", 7000)))) == ("pi_1", 1000)
    assert retry(session_of(with_decisions(history, decided("1", 7999)))) == ("pi_1", 1)


def test_a_failed_refund_is_retried_before_its_charge_is_known() -> None:
    assert retry(session_of(folded(checkout(), refund("1", 3000, FAILED)))) == ("pi_1", 3000)


def test_of_two_failed_refunds_the_one_that_is_named_is_retried() -> None:
    history = folded(*paid(), refund("1", 3000, FAILED), refund("2", 2000, FAILED))
    assert retry(session_of(history), "refund:re_2") == ("pi_1", 2000)


def test_the_trouble_of_one_act_is_tried_anew_and_no_other() -> None:
    history = failing("refund:auto-ch_1", "charge:pi_2", history=folded(*paid(), checkout(number=2), count=2))
    changed = retry_by_hand(
        session_of(history, **CANCELED), guest_of(session_of(history)), "charge:pi_2", BY, decision_id="decision-9"
    )
    troubles = guest_of(changed).history.troubles
    assert [(one.key, one.retry_at) for one in troubles] == [
        ("charge:pi_2", BY.at),
        ("refund:auto-ch_1", noon(plus=31)),
    ]
    assert replace(guest_of(changed).history, troubles=history.troubles, retried=()) == history
