"""What people say became of money that was to go back: given another way, or let be; and what follows from it.

Each story was shown by a reader who looked for ways to pay twice or to lose money.
"""

from __future__ import annotations

import pytest

from chalicelib.domain.by_hand import (
    By,
    NothingToRetryError,
    UnknownKeyError,
    settle_by_hand,
)
from chalicelib.domain.facts import (
    AttemptState,
    DisputeStatus,
    RefundReason,
)
from chalicelib.domain.payments import PaymentStatus
from tests.support.histories import (
    CANCELED,
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
    with_decisions,
    with_history,
)
from tests.support.stuck_money import (
    AUTO,
    BY,
    FAILED,
    PAID,
    PENDING,
    TWICE,
    ask,
    cancel,
    facts_of,
    failing,
    failure,
    give,
    keep,
    see,
    send_again,
    stuck,
    the_return,
    to_go,
    told,
)

# --- given by hand ------------------------------------------------------------------------------------------------


def test_as_much_counts_as_given_as_was_missing_then() -> None:
    session = ask(failure(), 5000, "decision-2")
    session = give(see(session, refund("2", 5000, PENDING, decision_id="decision-2")), "refund:re_1")
    assert (facts_of(session).amount, facts_of(session).because) == (3000, None)
    assert (standing_of(session).amount_refunded, needs(session)) == (8000, None)
    failed = see(session, refund("2", 5000, FAILED, decision_id="decision-2"))
    assert (standing_of(failed).status, needs(failed)) == (PaymentStatus.PARTIALLY_REFUNDED, told("50.00"))


def test_what_was_given_leaves_a_decision_that_is_not_made_yet_to_us() -> None:
    session = ask(cancel(session_of(folded(refund("1", 8000, FAILED), history=PAID))), 5000)
    assert refunds_owed(give(session, "refund:re_1")) == [("decision-1", 5000, "requested")]


@pytest.mark.parametrize(
    ("key", "left"), [(AUTO, ("decision-1", 3000, "requested")), ("refund:decision-1", ("auto-ch_1", 5000, "canceled"))]
)
def test_of_two_stuck_refunds_the_one_that_was_given_leaves_the_other(key: str, left: tuple[str, int, str]) -> None:
    session = cancel(ask(session_of(PAID), 3000))
    session = stuck(stuck(session, "refund:decision-1"), AUTO)
    assert needs(session) == f"{to_go('50.00')} {to_go('30.00')}"
    assert refunds_owed(give(session, key)) == [left]


def test_what_was_given_in_place_of_the_automatic_refund_does_not_cover_one_that_fails_later() -> None:
    session = stuck(cancel(session_of(folded(refund("1", 3000, PENDING), history=PAID))), AUTO)
    session = give(session, AUTO)
    assert (facts_of(session).amount, needs(session), refunds_owed(session)) == (5000, None, [])
    assert needs(see(session, refund("1", 3000, FAILED))) == told("30.00")


def test_what_was_given_and_then_made_after_all_is_told() -> None:
    session = give(stuck(ask(session_of(PAID)), "refund:decision-1"), "refund:decision-1")
    made = see(session, refund("1", 8000, decision_id="decision-1"))
    assert needs(made) == "80.00 AUD of a payment of 80.00 AUD went back twice; ask for it, or let it be."
    done = give(made, "excess:pi_1")
    assert (needs(done), facts_of(done).amount) == (None, 8000)
    lost = see(session, dispute(DisputeStatus.LOST, amount=1))
    assert needs(lost) == "0.01 AUD of a payment of 80.00 AUD went back twice; ask for it, or let it be."


def test_what_the_bank_took_beside_a_refund_is_told_unless_nobody_knows_how_much_it_was() -> None:
    twice = session_of(folded(dispute(DisputeStatus.LOST), refund("1", 3000), history=PAID))
    assert needs(twice) == "30.00 AUD of a payment of 80.00 AUD went back twice; ask for it, or let it be."
    assert needs(give(twice, "excess:pi_1")) is None
    part = session_of(folded(dispute(DisputeStatus.LOST, amount=5000), refund("1", 3000), history=PAID))
    assert needs(part) is None
    abroad = folded(dispute(DisputeStatus.LOST, currency="usd"), refund("1", 3000), history=PAID)
    given = settled(abroad, "refund:auto-ch_1", amount=8000)
    assert "went back twice" not in (needs(session_of(given)) or "")


def test_what_was_given_and_is_not_missing_any_more_can_still_be_said() -> None:
    session = see(session_of(TWICE), refund("2", 8000, FAILED, of=2, decision_id="auto-ch_2"), refund("1", 8000))
    assert "the payment counts for the fee again" in (needs(session) or "")
    assert standing_of(session).status is PaymentStatus.PAID, "the second pays the fee now"
    done = give(session, "refund:re_2")
    assert (facts_of(done).amount, standing_of(done).status) == (8000, PaymentStatus.REFUNDED)
    assert standing_of(keep(session, "refund:re_2")).status is PaymentStatus.PAID


def test_what_was_said_wrongly_can_be_said_again() -> None:
    session = failure()
    kept = keep(session, "refund:re_1")
    assert standing_of(kept).status is PaymentStatus.PAID
    given = give(kept, "refund:re_1")
    assert (standing_of(given).status, len(guest_of(given).history.settled)) == (PaymentStatus.REFUNDED, 1)
    assert keep(given, "refund:re_1") == kept
    another = By("operator:bob", noon(plus=70), "as ada said")
    assert settle_by_hand(given, guest_of(given), "refund:re_1", another) == given
    beside = with_history(given, settled(guest_of(given).history, "offer", is_given=False))
    assert give(beside, "refund:re_1") == beside


def test_who_did_not_give_it_after_all_can_say_so_when_it_was_made() -> None:
    session = give(stuck(ask(session_of(PAID)), "refund:decision-1"), "refund:decision-1")
    made = see(session, refund("1", 8000, decision_id="decision-1"))
    assert needs(keep(made, "refund:decision-1")) is None


def test_what_did_not_fail_cannot_be_settled() -> None:
    session = see(session_of(PAID), refund("1", 3000))
    for act in (give, keep):
        with pytest.raises(UnknownKeyError):
            act(session, "refund:re_1")


def test_what_went_back_twice_is_not_taken_from_anything() -> None:
    session = give(stuck(ask(session_of(PAID), 5000), "refund:decision-1"), "refund:decision-1")
    made = cancel(see(session, refund("1", 5000, decision_id="decision-1")))
    assert (refunds_owed(made), the_return(made).automatic, the_return(made).excess) == ([], 0, 5000)


def test_nothing_is_let_be_where_too_much_went_back() -> None:
    history = folded(refund("1", 5000, decision_id="auto-ch_1"), refund("2", 1, FAILED), history=PAID)
    history = settled(history, "refund:auto-ch_1", amount=5000)
    history = settled(history, "refund:re_2", amount=1, is_given=False, because=RefundReason.CANCELED)
    assert the_return(session_of(history, **CANCELED)).let_be == 0


def test_what_the_bank_took_is_not_left() -> None:
    session = session_of(folded(dispute(DisputeStatus.LOST, amount=3000), refund("1", 1000), history=PAID))
    assert (the_return(session).left, the_return(session).currency) == (4000, "aud")


# --- let be -------------------------------------------------------------------------------------------------------


def test_what_need_not_go_back_stays_though_it_would_by_rule() -> None:
    session = keep(cancel(failure()), "refund:re_1")
    assert (facts_of(session).amount, facts_of(session).because) == (8000, "canceled")
    assert (refunds_owed(session), needs(session)) == ([], None)
    at_once = keep(session_of(guest_of(failure()).history, canceled_at=BY.at), "refund:re_1")
    assert refunds_owed(at_once) == []
    assert the_return(session).let_be == 8000
    part = keep(cancel(failure(3000)), "refund:re_1")
    assert refunds_owed(part) == [("auto-ch_1", 5000, "canceled")]
    stays = see(part, refund("2", 5000, decision_id="auto-ch_1"))
    assert (needs(stays), the_return(stays).let_be, the_return(stays).rest) == (None, 3000, 0)


def test_a_later_cancellation_gives_back_what_was_let_be_before() -> None:
    assert refunds_owed(cancel(keep(failure(), "refund:re_1"))) == [("auto-ch_1", 8000, "canceled")]
    asked = keep(stuck(ask(session_of(PAID), 3000), "refund:decision-1"), "refund:decision-1")
    assert (refunds_owed(asked), the_return(asked).let_be) == ([], 0)
    assert refunds_owed(cancel(asked)) == [("auto-ch_1", 8000, "canceled")]


def test_a_duplicate_that_was_let_be_goes_back_when_the_session_is_cancelled() -> None:
    session = keep(stuck(session_of(TWICE), "refund:auto-ch_2"), "refund:auto-ch_2")
    assert (refunds_owed(session), needs(session)) == ([], None)
    given_back = see(session, refund("1", 8000))
    assert standing_of(given_back).status is PaymentStatus.PAID
    assert refunds_owed(cancel(given_back)) == [("auto-ch_2", 8000, "canceled")]


def test_the_automatic_refund_that_was_let_be_may_still_be_asked_for() -> None:
    session = keep(stuck(cancel(session_of(PAID)), AUTO), AUTO)
    assert refunds_owed(session) == []
    assert refunds_owed(ask(session)) == [("decision-1", 8000, "requested")]


# --- a charge that a person looked for ----------------------------------------------------------------------------

CHARGE = "charge:pi_1"
SETTLED_AT = noon(plus=40)
UNDATED = settled(folded(checkout()), CHARGE)


def test_a_charge_that_a_person_saw_to_is_not_asked_for_again() -> None:
    assert keys(session_of(UNDATED)) == set()
    assert keys(session_of(UNDATED, canceled_at=SETTLED_AT)) == set()
    assert keys(session_of(UNDATED, canceled_at=noon(plus=60), keeps_payments=True)) == set()


def test_it_is_asked_for_again_once_it_matters() -> None:
    assert keys(session_of(UNDATED, canceled_at=SETTLED_AT + SECOND)) == {CHARGE}
    another = folded(*paid(2), history=settled(folded(checkout(), count=2), CHARGE))
    assert keys(session_of(another)) == {CHARGE}, "until it is known, nobody can say which of two pays the fee"
    assert keys(session_of(folded(refund("2", of=2), history=another))) == set()
    strange = folded(checkout(number=2, amount=1), history=settled(folded(checkout(), count=2), CHARGE))
    assert keys(session_of(strange)) == set()


def test_what_is_to_go_back_of_it_is_a_persons() -> None:
    session = session_of(with_decisions(UNDATED, decided("1", 3000)))
    assert needs(session) == "30.00 AUD is to go back of a payment whose charge is not known; see to it in Stripe."
    assert (needs(give(session, "refund:decision-1")), facts_of(give(session, "refund:decision-1")).amount) == (
        None,
        3000,
    )
    with pytest.raises(NothingToRetryError):
        send_again(session, "refund:decision-1")
    assert needs(session_of(with_decisions(folded(checkout()), decided("1", 3000)))) is None, "it is being fetched"
    assert needs(see(session, charge())) is None, "it is known now"


def test_a_charge_that_was_seen_to_again_is_let_be_again() -> None:
    session = see(session_of(UNDATED, canceled_at=noon(plus=50)), *failing(CHARGE))
    done = give(session, CHARGE)
    assert (keys(session), keys(done), facts_of(done).amount) == ({CHARGE}, set(), 0)


def test_a_look_that_was_seen_to_stays_so_whatever_else_is_paid() -> None:
    history = folded(checkout(AttemptState.PROCESSING), *paid(2), count=2)
    assert keys(session_of(history)) == {"look:attempt-1"}
    assert keys(session_of(settled(history, "look:attempt-1"))) == set()


def test_refunds_that_a_person_saw_to_are_listed_again_once_stripe_tells_of_more() -> None:
    session = see(session_of(PAID), charge(refunded=3000), *failing("refunds:pi_1"))
    done = give(session, "refunds:pi_1")
    assert (facts_of(done).amount, keys(done)) == (3000, set())
    more = see(done, charge(refunded=3001))
    assert keys(more) == {"refunds:pi_1"}
    assert keys(give(more, "refunds:pi_1")) == set()


# --- said more than once --------------------------------------------------------------------------------------------


def test_what_falls_due_again_is_settled_anew() -> None:
    twice = see(session_of(TWICE), refund("1", 3000, FAILED, of=2))
    session = keep(twice, "refund:re_1")
    session = give(stuck(session, "refund:auto-ch_2"), "refund:auto-ch_2")
    assert (facts_of(session).amount, refunds_owed(session)) == (5000, [])
    canceled = stuck(cancel(see(session, refund("2", 8000))), "refund:auto-ch_2")
    assert refunds_owed(canceled) == [("auto-ch_2", 3000, "canceled")]
    done = give(canceled, "refund:auto-ch_2")
    assert ([one.amount for one in guest_of(done).history.settled], refunds_owed(done)) == ([3000, 5000, 3000], [])
    kept = keep(canceled, "refund:auto-ch_2")
    assert (refunds_owed(kept), needs(kept)) == ([], None)
    corrected = keep(done, "refund:auto-ch_2")
    assert [(one.amount, one.is_given) for one in guest_of(corrected).history.settled] == [
        (3000, False),
        (5000, True),
        (3000, False),
    ]
    made = see(canceled, refund("3", 3000, of=2, decision_id="auto-ch_2"))
    assert needs(made) is None, "what is made now is not what was given then"


def test_a_correction_changes_no_amount() -> None:
    session = see(give(failure(), "refund:re_1"), refund("2", 5000))
    assert needs(session) == "50.00 AUD of a payment of 80.00 AUD went back twice; ask for it, or let it be."
    again = give(keep(session, "refund:re_1"), "refund:re_1")
    assert (facts_of(again).amount, needs(again)) == (8000, needs(session))


def test_what_was_covered_when_it_was_let_be_and_was_given_all_the_same_is_all_of_it() -> None:
    covered = keep(ask(failure(), 8000, "decision-2"), "refund:re_1")
    assert (facts_of(covered).because, needs(covered)) == (None, None)
    assert facts_of(give(covered, "refund:re_1")).amount == 8000


def test_what_went_back_twice_is_told_again_when_it_is_more() -> None:
    session = see(give(failure(), "refund:re_1"), refund("2", 1000))
    let_be = keep(session, "excess:pi_1")
    assert needs(let_be) is None
    more = see(let_be, refund("3", 7000))
    assert needs(more) == "80.00 AUD of a payment of 80.00 AUD went back twice; ask for it, or let it be."


def test_a_part_that_was_given_and_made_after_all_went_back_twice() -> None:
    session = give(stuck(ask(session_of(PAID), 3000), "refund:decision-1"), "refund:decision-1")
    made = see(session, refund("1", 3000, PENDING, decision_id="decision-1"))
    assert needs(made) == "30.00 AUD of a payment of 80.00 AUD went back twice; ask for it, or let it be."
    assert needs(see(session, refund("1", 3000, FAILED, decision_id="decision-1"))) is None
    assert needs(see(session, refund("2", 3000))) is None, "that is another"
    less = see(session, refund("1", 2000, decision_id="decision-1"))
    assert the_return(less).excess == 2000
    beside = see(ask(made, 2000, "decision-2"), refund("2", 2000, decision_id="decision-2"))
    assert the_return(beside).excess == 3000
    let_be = keep(stuck(ask(session, 1000, "decision-2"), "refund:decision-2"), "refund:decision-2")
    assert the_return(see(let_be, refund("2", 1000, decision_id="decision-2"))).excess == 0
    assert the_return(session_of(PAID)).excess == 0
