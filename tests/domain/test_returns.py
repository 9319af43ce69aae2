"""Money that is to go back and does not by itself: whose it is, how much of it, and what a person is told to do."""

from __future__ import annotations

import pytest

from chalicelib.domain.by_hand import (
    DisputedError,
    UnknownKeyError,
)
from chalicelib.domain.facts import (
    NOTHING_YET,
    DisputeStatus,
    PaymentHistory,
    RefundStatus,
)
from chalicelib.domain.payments import PaymentStatus
from tests.support.histories import (
    CANCELED,
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
    refunds_owed,
    retried,
    session_of,
    settled,
    standing_of,
    told_keys,
    waived,
    with_decisions,
)
from tests.support.stuck_money import (
    AUTO,
    FAILED,
    PAID,
    PENDING,
    TWICE,
    ask,
    cancel,
    facts_of,
    failure,
    give,
    keep,
    see,
    send_again,
    stuck,
    the_return,
    told,
)

# --- what a person is told of a failure ---------------------------------------------------------------------------


def test_of_a_failure_as_much_is_told_as_is_still_missing() -> None:
    assert needs(failure()) == told("80.00")
    assert needs(ask(failure(), 5000, "decision-2")) == told("30.00")
    assert needs(ask(failure(), 7999, "decision-2")) == told("0.01")
    assert needs(ask(failure(), 8000, "decision-2")) is None


def test_two_failures_are_not_told_of_the_same_money() -> None:
    again = see(ask(failure(), 5000, "decision-2"), refund("2", 5000, FAILED, decision_id="decision-2"))
    assert needs(again) == told("80.00")
    assert the_return(again).peoples() == {"refund:re_1": 8000}
    part = see(failure(3000), refund("2", 6000, FAILED))
    assert the_return(part).peoples() == {"refund:re_1": 3000, "refund:re_2": 5000}


def test_one_that_was_cancelled_is_not_blamed_on_the_bank() -> None:
    session = session_of(folded(refund("1", 3000, RefundStatus.CANCELED), history=PAID))
    assert needs(session) == "The refund of 30.00 AUD was cancelled; give the money back another way."


def test_whether_another_refund_of_as_much_was_made_for_it_a_person_knows() -> None:
    perhaps = told("30.00").replace("way.", "way, unless the other refund of as much was made for it.")
    for session in (see(failure(3000), refund("2", 3000)), ask(failure(3000), 3000, "decision-2")):
        assert needs(session) == perhaps
        assert needs(keep(session, "refund:re_1")) is None
    assert needs(see(failure(3000), refund("2", 2999))) == told("30.00")
    assert "unless" not in (needs(see(failure(3000), refund("2", 3000, FAILED))) or "")
    assert needs(cancel(see(failure(3000), refund("2", 3000), refund("3", 2000, decision_id="auto-ch_1")))) == told(
        "30.00"
    )


def test_of_two_failures_the_one_that_was_retried_is_not_told() -> None:
    history = folded(refund("1", 3000, FAILED), refund("2", 500, FAILED), history=PAID)
    assert needs(session_of(retried(history, "refund:re_1"))) == told("5.00")


@pytest.mark.parametrize("history", [NOTHING_YET, folded(), folded(checkout(amount=1), paid()[1])])
def test_a_refund_that_leads_to_no_payment_of_ours_is_told_without_an_amount(history: PaymentHistory) -> None:
    session = session_of(folded(refund("1", 3000, FAILED), history=history))
    assert "The refund of a payment failed at the bank; give the money back another way." in (needs(session) or "")
    assert "The refund of" not in (needs(give(session, "refund:re_1")) or "")
    assert facts_of(give(session, "refund:re_1")).amount == 3000


def test_what_the_bank_took_back_after_a_failed_refund_is_not_to_be_given_once_more() -> None:
    assert needs(see(failure(), dispute(DisputeStatus.LOST))) is None
    assert needs(see(failure(), dispute(DisputeStatus.LOST, amount=3000))) == told("50.00")
    assert needs(see(failure(3000), dispute(DisputeStatus.LOST, amount=2000))) == told("10.00")
    assert needs(see(failure(3000), dispute(DisputeStatus.LOST, amount=3000))) is None


def test_of_a_payment_that_goes_back_what_failed_and_what_the_bank_took_are_two_things() -> None:
    lost = cancel(see(failure(5000), dispute(DisputeStatus.LOST, amount=3000)))
    assert needs(lost) == told("50.00")
    less = cancel(see(failure(4000), dispute(DisputeStatus.LOST, amount=3000)))
    beside = "10.00 AUD is to go back beside what the bank took back; see to it in Stripe."
    assert needs(less) == f"{beside} {told('40.00')}"
    assert the_return(less).parts() == {"refund:re_1": 4000, AUTO: 1000}


def test_while_a_bank_decides_a_dispute_nobody_is_told_to_give_the_money_another_way() -> None:
    wait = "The refund of 80.00 AUD failed at the bank; wait for the bank, which decides a dispute of it."
    assert needs(see(failure(), dispute(DisputeStatus.OPEN))) == wait
    assert needs(see(failure(), dispute(DisputeStatus.OPEN, of=2))) == told("80.00")


# --- tried again --------------------------------------------------------------------------------------------------


def test_a_failure_is_sent_again_for_as_much_as_is_missing() -> None:
    assert refunds_owed(send_again(ask(failure(), 5000, "decision-2"), "refund:re_1"))[1:] == [
        ("decision-9", 3000, "requested")
    ]
    with pytest.raises(UnknownKeyError):
        send_again(ask(failure(), 8000, "decision-2"), "refund:re_1")


def test_what_is_owed_is_never_sent_under_another_name() -> None:
    session = stuck(cancel(session_of(PAID)), AUTO)
    assert refunds_owed(send_again(session, AUTO)) == [("auto-ch_1", 8000, "canceled")]


def test_what_is_owed_and_not_stuck_is_not_to_be_tried_again() -> None:
    with pytest.raises(UnknownKeyError):
        send_again(cancel(session_of(PAID)), AUTO)


def test_what_a_dispute_bars_is_not_tried_again() -> None:
    session = cancel(see(session_of(PAID), dispute(DisputeStatus.OPEN)))
    with pytest.raises(DisputedError):
        send_again(session, AUTO)
    with pytest.raises(UnknownKeyError):
        send_again(session, "refund:auto-ch_2")


def test_after_the_clinic_gave_it_back_otherwise_only_its_own_decision_goes_again() -> None:
    """The refund fell short of what had been in trouble; that it had is no reason to try nothing."""
    session = stuck(cancel(session_of(folded(refund("1", 3000, PENDING), history=PAID))), AUTO)
    session = see(session, refund("2", 4000, decision_id="auto-ch_1"))
    assert needs(session) == "A payment went back in part only; give the rest back in Stripe: 10.00 AUD."
    assert refunds_owed(send_again(session, "refund:rest-ch_1")) == [("decision-9", 1000, "requested")]


# --- what only went back in part ----------------------------------------------------------------------------------

SHORT = "A payment went back in part only; give the rest back in Stripe: 30.00 AUD."


def test_a_part_is_short_until_a_person_takes_the_rest_over() -> None:
    part = cancel(session_of(folded(refund("1", 5000, decision_id="auto-ch_1"), history=PAID)))
    assert (needs(part), told_keys(part)) == (SHORT, ["refund:rest-ch_1"])
    assert needs(give(part, "refund:rest-ch_1")) is None
    assert needs(keep(part, "refund:rest-ch_1")) is None
    failed = see(give(part, "refund:rest-ch_1"), refund("1", 5000, FAILED, decision_id="auto-ch_1"))
    assert needs(failed) == told("50.00"), "what was given was the rest"


def test_a_failure_that_was_retried_in_part_leaves_the_rest_short() -> None:
    failed = folded(refund("1", 8000, FAILED, decision_id="auto-ch_1"), history=PAID)
    again = folded(refund("2", 5000, decision_id="decision-9"), history=retried(failed, "refund:re_1"))
    assert needs(session_of(again, **CANCELED)) == SHORT


def test_what_was_given_by_hand_of_a_refund_never_made_is_not_short() -> None:
    part = folded(refund("1", 3000, decision_id="auto-ch_1"), history=with_decisions(PAID, decided("1", 5000)))
    assert needs(session_of(settled(part, "refund:decision-1", amount=5000), **CANCELED)) is None
    assert needs(session_of(settled(part, "refund:decision-1", amount=2000), **CANCELED)) == SHORT


# --- two charges --------------------------------------------------------------------------------------------------


def test_of_two_charges_one_whose_refund_failed_is_a_persons_and_the_other_pays() -> None:
    session = see(ask(session_of(TWICE), charge="ch_1"), refund("1", 8000, FAILED, decision_id="decision-1"))
    assert (refunds_owed(session), standing_of(session).status) == ([], PaymentStatus.PAID)
    assert needs(session) == told("80.00")
    assert (refunds_owed(give(session, "refund:re_1")), standing_of(give(session, "refund:re_1")).status) == (
        [],
        PaymentStatus.PAID,
    )
    assert refunds_owed(keep(session, "refund:re_1")) == [("auto-ch_2", 8000, "duplicate")]
    assert refunds_owed(send_again(session, "refund:re_1")) == [("decision-9", 8000, "requested")]


def test_of_two_charges_a_refund_settled_by_hand_counts_once_when_it_is_asked_which_is_kept() -> None:
    """Found by reading: what was given by hand counted as still to be given, too, and the wrong charge went back."""
    asked = settled(with_decisions(TWICE, decided("1", 4000)), "refund:decision-1", amount=4000)
    assert refunds_owed(session_of(asked)) == [("auto-ch_2", 8000, "duplicate")]
    kept = settled(with_decisions(TWICE, decided("1", 8000)), "refund:decision-1", amount=8000, is_given=False)
    assert refunds_owed(session_of(kept)) == [("auto-ch_2", 8000, "duplicate")]


def test_of_a_payment_without_a_charge_what_was_settled_is_left_to_ask_for_or_not() -> None:
    history = with_decisions(folded(checkout()), decided("1", 5000))
    for is_given, left in ((True, 3000), (False, 8000)):
        session = session_of(settled(history, "refund:decision-1", amount=5000, is_given=is_given))
        assert guest_of(ask(session, name="d")).history.decisions[-1].amount == left


# --- more than is kept --------------------------------------------------------------------------------------------


def test_where_not_every_refund_is_kept_a_failure_is_told_with_its_own_amount() -> None:
    cents = [refund(f"{number:02d}", 100) for number in range(21)]
    history = settled(folded(*cents, charge(refunded=2100), history=PAID), "overflow")
    session = see(session_of(history, **CANCELED), refund("00", 5900, decision_id="auto-ch_1"), charge(refunded=8000))
    failed = see(session, refund("00", 5900, FAILED, decision_id="auto-ch_1"))
    assert needs(failed) == told("59.00")
    assert (refunds_owed(failed), the_return(failed).let_be) == ([], 0)


# --- over with the rule -------------------------------------------------------------------------------------------


def test_what_was_sent_again_of_a_duplicate_is_over_once_it_pays_the_fee() -> None:
    session = see(session_of(TWICE), refund("2", 8000, FAILED, of=2, decision_id="auto-ch_2"))
    again = send_again(session, "refund:re_2")
    assert refunds_owed(again) == [("decision-9", 8000, "requested")]
    other = ask(again, name="decision-1", charge="ch_1")
    assert (refunds_owed(other), standing_of(other).status) == ([("decision-1", 8000, "requested")], PaymentStatus.PAID)
    failed = see(again, refund("3", 8000, FAILED, of=2, decision_id="decision-9"), refund("1", 8000))
    assert needs(failed) == (
        "The refund of 80.00 AUD failed at the bank; the payment counts for the fee again, so tell the payer that it "
        "does not go back."
    )


def test_what_people_asked_for_and_sent_again_is_not_over_with_a_rule() -> None:
    again = send_again(failure(), "refund:re_1")
    assert refunds_owed(again) == [("decision-9", 8000, "requested")]
    assert not guest_of(again).history.decisions[-1].by_rule
    rest = cancel(session_of(folded(refund("1", 5000, decision_id="auto-ch_1"), history=PAID)))
    assert guest_of(send_again(rest, "refund:rest-ch_1")).history.decisions[-1].by_rule


def test_what_was_let_be_of_a_waived_fee_goes_back_when_the_session_is_cancelled_later() -> None:
    waived_one = session_of(waived(PAID))
    session = keep(stuck(waived_one, AUTO), AUTO)
    assert refunds_owed(session) == []
    late = session_of(guest_of(session).history, canceled_at=noon(plus=66))
    assert refunds_owed(late) == [("auto-ch_1", 8000, "waived")]
    kept = session_of(guest_of(session).history, canceled_at=noon(plus=66), keeps_payments=True)
    assert refunds_owed(kept) == []


def test_of_two_charges_the_first_that_was_made_again_may_be_meant_though_it_now_is_the_duplicate() -> None:
    session = see(ask(session_of(TWICE), 5000, charge="ch_1"), refund("1", 5000, FAILED, decision_id="decision-1"))
    again = see(session, refund("2", 5000))
    assert "unless the other refund of as much was made for it" in (needs(again) or "")
    assert refunds_owed(keep(again, "refund:re_1")) == [("auto-ch_2", 8000, "duplicate")]
