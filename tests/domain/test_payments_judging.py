"""Judging: which money counts for the fee, which goes back and why, and what it all adds up to for the client."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.admission import Door, admit
from chalicelib.domain.concerns import attention
from chalicelib.domain.facts import AttemptState, DisputeStatus, PaymentHistory, RefundReason, RefundStatus, Seen
from chalicelib.domain.obligations import has_strange_payment
from chalicelib.domain.payments import PaymentStatus, Standing, judge
from chalicelib.domain.sessions import Fee, Session, owing
from tests.support.histories import (
    END,
    FEE,
    HOUR,
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
    keys,
    noon,
    owed,
    paid,
    refund,
    refunds_owed,
    session_of,
    settled,
    standing_of,
    waived,
)


def returns(session: Session) -> dict[str, RefundReason | None]:
    """Why each payment goes back."""
    guest = guest_of(session)
    return {one.payment.payment_intent_id: one.return_because for one in judge(owing(session, guest), guest.history)}


def door(session: Session, now: datetime = START) -> Door:
    return admit(session, guest_of(session), TEAM, now).door


# --- money that is not the one that was asked for (I7) ------------------------------------------------------------

STRANGE: dict[str, list[Seen]] = {
    "another amount": [checkout(amount=7999), charge()],
    "another currency": [checkout(currency="nzd"), charge()],
    "the other mode": [checkout(livemode=True), charge()],
    "another account": [checkout(stripe_account_id="acct_other"), replace(charge(), stripe_account_id="acct_other")],
    "another Checkout Session": [checkout(AttemptState.OPEN), checkout(checkout_session_id="cs_other"), charge()],
    "an unknown attempt": [
        checkout(attempt_id="attempt-9"),
        replace(charge(), attempt_id="attempt-9"),
    ],
    "a charge of another amount": [checkout(), charge(amount=8001)],
    "a charge in another currency": [checkout(), charge(currency="usd")],
    "a charge alone, of an unknown attempt": [replace(charge(), attempt_id="attempt-9")],
    "a charge alone, on another account": [replace(charge(), stripe_account_id="acct_other")],
    "a charge alone, of another amount": [charge(amount=1)],
    "a second charge of an attempt already paid": [*paid(), replace(charge(2), attempt_id="attempt-1")],
}
strange = pytest.mark.parametrize("facts", list(STRANGE.values()), ids=list(STRANGE))


@strange
def test_strange_money_is_never_given_back_by_itself_and_needs_a_person(facts: list[Seen]) -> None:
    session = session_of(folded(*facts))
    assert has_strange_payment(guest_of(session).history)
    assert refunds_owed(session) == []
    assert attention(session, guest_of(session), NOON) == (
        "A payment arrived that is not the one that was asked for; look at it in Stripe."
    )


@pytest.mark.parametrize(
    "facts",
    [facts for name, facts in STRANGE.items() if "already paid" not in name],
    ids=[name for name in STRANGE if "already paid" not in name],
)
def test_strange_money_admits_nobody_and_nobody_is_asked_a_second_time(facts: list[Seen]) -> None:
    session = session_of(folded(*facts))
    assert door(session) is Door.OFFER_REFUSED
    assert standing_of(session) == Standing(PaymentStatus.UNPAID, None)


@strange
def test_an_offer_still_open_is_closed_when_strange_money_came(facts: list[Seen]) -> None:
    session = session_of(folded(*facts, checkout(AttemptState.OPEN, 2), count=2))
    assert [one.due_at for one in owed(session) if one.key == "expire:attempt-2"] == [NOON]


@strange
def test_strange_money_that_a_person_settled_needs_nobody(facts: list[Seen]) -> None:
    session = session_of(settled(folded(*facts), "payment:pi_1", "payment:pi_2", "payment:pi_other"))
    assert not has_strange_payment(guest_of(session).history)
    assert attention(session, guest_of(session), NOON) is None


def test_strange_money_does_not_shut_out_who_has_paid_besides() -> None:
    session = session_of(folded(*paid(), replace(charge(2), attempt_id="attempt-1")))
    assert door(session) is Door.JOIN


@pytest.mark.parametrize("account", [None, "acct_clinic"])
def test_the_money_of_an_offer_counts_on_the_account_it_was_made_with(account: str | None) -> None:
    made = PaymentHistory(attempts=(attempt(stripe_account_id=account),))
    facts = checkout(stripe_account_id=account), replace(charge(), stripe_account_id=account)
    assert standing_of(session_of(folded(*facts, history=made))).status is PaymentStatus.PAID


# --- one payment counts -------------------------------------------------------------------------------------------


def test_a_payment_counts_with_its_amount() -> None:
    session = session_of(folded(*paid()))
    stands = standing_of(session)
    assert (stands.status, stands.amount_paid, stands.amount_refunded) == (PaymentStatus.PAID, 8000, 0)
    assert returns(session) == {"pi_1": None}
    assert keys(session) == set()


TWICE = [*paid(1, noon(plus=9)), *paid(2, noon(plus=5))]


def test_of_two_charges_the_first_by_stripes_time_counts_and_the_later_goes_back_once() -> None:
    for order in itertools.permutations(TWICE):
        session = session_of(folded(*order, count=2))
        counted = standing_of(session).counted
        assert counted is not None
        assert counted.payment_intent_id == "pi_2"
        assert refunds_owed(session) == [("auto-ch_1", 8000, "duplicate")]
    after = folded(*TWICE, refund("1", of=1, decision_id="auto-ch_1"), count=2)
    assert refunds_owed(session_of(after)) == []


def test_of_two_charges_in_the_same_second_one_counts_and_one_goes_back() -> None:
    facts = [*paid(1), *paid(2)]
    for order in itertools.permutations(facts):
        assert returns(session_of(folded(*order, count=2))) == {"pi_1": None, "pi_2": RefundReason.DUPLICATE}


@pytest.mark.parametrize("of", [1, 2])
@pytest.mark.parametrize("status", [RefundStatus.PENDING, RefundStatus.SUCCEEDED])
def test_pretix_343_after_two_charges_and_a_refund_of_either_the_fee_is_still_paid(
    of: int, status: RefundStatus
) -> None:
    for order in itertools.permutations([*TWICE, refund("1", status=status, of=of)]):
        session = session_of(folded(*order, count=2))
        assert standing_of(session).status is PaymentStatus.PAID
        assert refunds_owed(session) == []
        assert door(session) is Door.JOIN


def test_when_both_charges_went_back_the_fee_is_refunded() -> None:
    session = session_of(folded(*TWICE, refund("1", of=1), refund("2", of=2), count=2))
    assert standing_of(session).status is PaymentStatus.REFUNDED


def test_while_a_competing_charge_is_unknown_nothing_is_a_duplicate() -> None:
    session = session_of(folded(*paid(1, noon(plus=9)), checkout(number=2), count=2))
    assert returns(session) == {"pi_1": None, "pi_2": None}
    assert keys(session) == {"charge:pi_2"}
    known = folded(charge(2, noon(plus=5)), history=guest_of(session).history)
    assert returns(session_of(known)) == {"pi_1": RefundReason.DUPLICATE, "pi_2": None}


def test_of_three_payments_none_goes_back_until_the_charge_of_each_is_known() -> None:
    history = folded(*paid(1, noon(plus=9)), *paid(2, noon(plus=5)), checkout(number=3), count=3)
    assert returns(session_of(history)) == {"pi_1": None, "pi_2": None, "pi_3": None}
    known = folded(charge(3, noon(plus=7)), history=history)
    duplicate = RefundReason.DUPLICATE
    assert returns(session_of(known)) == {"pi_1": duplicate, "pi_2": None, "pi_3": duplicate}


def test_a_charge_whose_checkout_is_not_yet_known_as_paid_waits_and_offers_nothing() -> None:
    session = session_of(folded(checkout(AttemptState.OPEN), charge()))
    assert standing_of(session).status is PaymentStatus.PROCESSING
    assert door(session) is Door.PROCESSING
    assert not has_strange_payment(guest_of(session).history)


def test_a_superseded_attempt_that_was_paid_is_honoured() -> None:
    facts = [checkout(AttemptState.OPEN), checkout(AttemptState.EXPIRED), checkout(AttemptState.OPEN, 2), *paid(1)]
    session = session_of(folded(*facts, count=2))
    assert standing_of(session).status is PaymentStatus.PAID
    assert "expire:attempt-2" in keys(session)
    assert door(session) is Door.JOIN


def test_the_old_offer_paid_after_the_newer_one_goes_back() -> None:
    session = session_of(folded(*paid(2, noon(plus=5)), *paid(1, noon(plus=6)), count=2))
    assert returns(session) == {"pi_1": RefundReason.DUPLICATE, "pi_2": None}


# --- in time is judged by Stripe's time (I8) ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "because"),
    [(END - SECOND, None), (END, RefundReason.AFTER_END), (END + SECOND, RefundReason.AFTER_END)],
)
def test_money_paid_before_the_end_counts_and_from_the_end_on_goes_back(
    at: datetime, because: RefundReason | None
) -> None:
    assert returns(session_of(folded(*paid(at=at)))) == {"pi_1": because}


def test_elizaos_18862_a_payment_told_three_days_late_but_made_in_time_is_honoured() -> None:
    session = session_of(folded(*paid(at=END - SECOND)))
    assert refunds_owed(session) == []
    assert attention(session, guest_of(session), END + timedelta(days=3)) is None


def test_a_delayed_payment_submitted_in_time_is_in_time_however_late_the_bank_is() -> None:
    facts = [checkout(AttemptState.OPEN), checkout(AttemptState.PROCESSING)]
    waiting = session_of(folded(*facts))
    assert standing_of(waiting).status is PaymentStatus.PROCESSING
    assert door(waiting) is Door.PROCESSING
    # The charge was created when the client submitted it; the money came days after the session.
    assert returns(session_of(folded(*facts, *paid(at=END - SECOND)))) == {"pi_1": None}


def test_late_money_beside_money_in_time_does_not_count() -> None:
    session = session_of(folded(*paid(1, END + SECOND), *paid(2, END - SECOND), count=2))
    assert returns(session) == {"pi_1": RefundReason.AFTER_END, "pi_2": None}


@pytest.mark.parametrize("closing", [{}, {"canceled_at": noon(plus=60)}, {"guest_deleted_at": noon(plus=60)}])
def test_while_the_charge_is_unknown_no_return_is_decided(closing: dict[str, Any]) -> None:
    session = session_of(folded(checkout()), **closing)
    assert returns(session) == {"pi_1": None}
    assert keys(session) == {"charge:pi_1"}
    assert standing_of(session).status is PaymentStatus.PAID


def test_while_the_charge_is_unknown_no_return_is_decided_for_a_fee_waived_or_changed_either() -> None:
    for session in (session_of(waived(folded(checkout()))), session_of(folded(checkout()), fee=Fee(9000, "aud"))):
        assert returns(session) == {"pi_1": None}
        assert keys(session) == {"charge:pi_1"}


# --- cancelled, removed, waived, changed --------------------------------------------------------------------------

CANCELED_AT = noon(plus=60)


@pytest.mark.parametrize("keeps", [False, True])
@pytest.mark.parametrize("at", [CANCELED_AT, CANCELED_AT + SECOND, END + HOUR])
def test_money_paid_after_the_cancellation_goes_back_even_if_the_clinic_keeps_what_came_before(
    at: datetime, *, keeps: bool
) -> None:
    session = session_of(folded(*paid(at=at)), canceled_at=CANCELED_AT, keeps_payments=keeps)
    assert refunds_owed(session) == [("auto-ch_1", 8000, "canceled")]


@pytest.mark.parametrize(("keeps", "because"), [(False, RefundReason.CANCELED), (True, None)])
def test_money_paid_before_the_cancellation_goes_back_unless_the_clinic_keeps_it(
    *, keeps: bool, because: RefundReason | None
) -> None:
    session = session_of(folded(*paid(at=CANCELED_AT - SECOND)), canceled_at=CANCELED_AT, keeps_payments=keeps)
    assert returns(session) == {"pi_1": because}


@pytest.mark.parametrize(
    ("at", "keeps", "because"),
    [
        (CANCELED_AT - SECOND, False, RefundReason.REMOVED),
        (CANCELED_AT - SECOND, True, None),
        (CANCELED_AT, False, RefundReason.REMOVED),
        (CANCELED_AT, True, RefundReason.REMOVED),
    ],
)
def test_the_same_holds_for_a_participant_who_is_removed(
    at: datetime, *, keeps: bool, because: RefundReason | None
) -> None:
    session = session_of(folded(*paid(at=at)), guest_deleted_at=CANCELED_AT, guest_keeps_payment=keeps)
    assert returns(session) == {"pi_1": because}


def test_removed_first_and_cancelled_later_is_judged_by_the_removal() -> None:
    closing: dict[str, Any] = {
        "guest_deleted_at": noon(plus=50),
        "guest_keeps_payment": True,
        "canceled_at": CANCELED_AT,
    }
    assert returns(session_of(folded(*paid(at=noon(plus=49))), **closing)) == {"pi_1": None}
    assert returns(session_of(folded(*paid(at=noon(plus=55))), **closing)) == {"pi_1": RefundReason.REMOVED}


def test_of_two_charges_kept_after_a_cancellation_the_second_still_goes_back() -> None:
    session = session_of(folded(*TWICE, count=2), canceled_at=CANCELED_AT, keeps_payments=True)
    assert returns(session) == {"pi_1": RefundReason.DUPLICATE, "pi_2": None}


def test_both_of_two_charges_go_back_after_a_cancellation() -> None:
    session = session_of(folded(*TWICE, count=2), canceled_at=CANCELED_AT)
    assert refunds_owed(session) == [("auto-ch_1", 8000, "canceled"), ("auto-ch_2", 8000, "canceled")]


def test_money_for_a_waived_fee_goes_back_and_the_client_still_enters() -> None:
    session = session_of(waived(folded(*paid())))
    assert refunds_owed(session) == [("auto-ch_1", 8000, "waived")]
    assert standing_of(session) == Standing(PaymentStatus.WAIVED, None)
    assert door(session) is Door.JOIN


@pytest.mark.parametrize("fee", [Fee(9000, "aud"), Fee(8000, "nzd"), None], ids=["amount", "currency", "none"])
def test_money_for_a_fee_that_was_changed_goes_back(fee: Fee | None) -> None:
    session = session_of(folded(*paid()), fee=fee)
    assert refunds_owed(session) == [("auto-ch_1", 8000, "fee_changed")]
    assert standing_of(session).counted is None


def test_after_the_fee_changed_the_new_fee_is_asked_for() -> None:
    session = session_of(folded(*paid()), fee=Fee(9000, "aud"))
    assert door(session) is Door.PAY


# --- what the client and the clinic see ---------------------------------------------------------------------------

STATUSES: dict[str, tuple[list[Seen], Fee | None, PaymentStatus, int]] = {
    "no fee": ([], None, PaymentStatus.NOT_REQUIRED, 0),
    "nothing yet": ([], FEE, PaymentStatus.UNPAID, 0),
    "an open offer": ([checkout(AttemptState.OPEN)], FEE, PaymentStatus.UNPAID, 0),
    "an expired offer": ([checkout(AttemptState.EXPIRED)], FEE, PaymentStatus.UNPAID, 0),
    "the bank is at work": ([checkout(AttemptState.PROCESSING)], FEE, PaymentStatus.PROCESSING, 0),
    "the bank said no": ([checkout(AttemptState.FAILED)], FEE, PaymentStatus.UNPAID, 0),
    "paid, charge unknown": ([checkout()], FEE, PaymentStatus.PAID, 0),
    "paid": ([*paid()], FEE, PaymentStatus.PAID, 0),
    "partly refunded": ([*paid(), refund(amount=1)], FEE, PaymentStatus.PARTIALLY_REFUNDED, 1),
    "partly on its way back": (
        [*paid(), refund(amount=7999, status=RefundStatus.PENDING)],
        FEE,
        PaymentStatus.PARTIALLY_REFUNDED,
        7999,
    ),
    "refunded in parts": (
        [*paid(), refund("1", 5000), refund("2", 3000)],
        FEE,
        PaymentStatus.REFUNDED,
        8000,
    ),
    "a refund failed": ([*paid(), refund(status=RefundStatus.FAILED)], FEE, PaymentStatus.PAID, 0),
    "a refund was cancelled": ([*paid(), refund(status=RefundStatus.CANCELED)], FEE, PaymentStatus.PAID, 0),
    "disputed": ([*paid(), dispute(DisputeStatus.OPEN)], FEE, PaymentStatus.DISPUTED, 0),
    "dispute won": ([*paid(), dispute(DisputeStatus.WON)], FEE, PaymentStatus.PAID, 0),
    "dispute won after a part was refunded": (
        [*paid(), refund(amount=500), dispute(DisputeStatus.WON)],
        FEE,
        PaymentStatus.PARTIALLY_REFUNDED,
        500,
    ),
    "dispute lost": ([*paid(), dispute(DisputeStatus.LOST)], FEE, PaymentStatus.REFUNDED, 0),
}


@pytest.mark.parametrize(("facts", "fee", "status", "back"), list(STATUSES.values()), ids=list(STATUSES))
def test_what_the_facts_add_up_to(facts: list[Seen], fee: Fee | None, status: PaymentStatus, back: int) -> None:
    stands = standing_of(session_of(folded(*facts), fee=fee))
    assert (stands.status, stands.amount_refunded) == (status, back)
    assert stands.amount_paid == (8000 if stands.counted else 0)
