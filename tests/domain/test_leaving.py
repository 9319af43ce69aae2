"""What stands in the way of leaving a Stripe account: each reason, on that account alone, and none once it is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from chalicelib.domain.edits import OpenOffersError
from chalicelib.domain.facts import (
    AttemptState,
    CheckoutSeen,
    DisputeStatus,
    PaymentHistory,
    RefundStatus,
)
from chalicelib.domain.leaving import Held, Hold, held_on, without_offers
from chalicelib.domain.sessions import Session
from tests.support.histories import (
    CANCELED,
    END,
    NOON,
    SECOND,
    charge,
    checkout,
    decided,
    dispute,
    folded,
    noon,
    paid,
    refund,
    session_of,
    settled,
    with_decisions,
)

ACCOUNT = "acct_1"


def on_account(history: PaymentHistory, account: str | None = ACCOUNT) -> PaymentHistory:
    """The same on a connected account."""
    return replace(
        history,
        attempts=tuple(replace(one, stripe_account_id=account) for one in history.attempts),
        payments=tuple(replace(one, stripe_account_id=account) for one in history.payments),
    )


def holds(session: Session, now: datetime = NOON, account: str = ACCOUNT) -> list[Hold]:
    held = list(held_on(session, account, now))
    assert all(one == Held(session.participant_id(2), one.hold) for one in held)
    return [one.hold for one in held]


PAID = folded(*paid())


@pytest.mark.parametrize("state", [AttemptState.OPEN, AttemptState.PROCESSING])
def test_somebody_may_be_paying(state: AttemptState) -> None:
    assert holds(session_of(on_account(folded(checkout(state))))) == [Hold.OFFER_OPEN]


def test_an_offer_that_was_perhaps_sent_may_be_paid() -> None:
    assert holds(session_of(on_account(folded()))) == [Hold.OFFER_OPEN]


@pytest.mark.parametrize("state", [AttemptState.EXPIRED, AttemptState.FAILED])
def test_an_offer_that_is_closed_holds_nothing(state: AttemptState) -> None:
    assert holds(session_of(on_account(folded(checkout(state))))) == []


def test_who_was_never_offered_to_pay_holds_nothing() -> None:
    assert holds(session_of()) == []


def test_a_payment_of_what_is_to_come_might_have_to_go_back() -> None:
    session = session_of(on_account(PAID))
    assert holds(session) == [Hold.PAID_AND_TO_COME]
    assert holds(session, END - SECOND) == [Hold.PAID_AND_TO_COME]
    assert holds(session, END) == []


def test_of_what_is_cancelled_the_refund_is_owed_and_then_nothing() -> None:
    assert holds(session_of(on_account(PAID), **CANCELED)) == [Hold.REFUND_OWED]
    back = folded(refund(), history=PAID)
    assert holds(session_of(on_account(back), **CANCELED)) == []


def test_a_refund_that_people_decided_is_owed() -> None:
    history = with_decisions(PAID, decided("1", 1000))
    assert holds(session_of(on_account(history)), END) == [Hold.REFUND_OWED]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (RefundStatus.PENDING, [Hold.REFUND_PENDING]),
        (RefundStatus.SUCCEEDED, []),
        (RefundStatus.FAILED, [Hold.REFUND_OWED]),
    ],
)
def test_a_refund_on_its_way_may_fail(status: RefundStatus, expected: list[Hold]) -> None:
    history = folded(refund("1", 8000, status), history=PAID)
    assert holds(session_of(on_account(history), **CANCELED), END) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(DisputeStatus.OPEN, [Hold.DISPUTE_OPEN]), (DisputeStatus.WON, []), (DisputeStatus.LOST, [])],
)
def test_a_bank_that_has_not_decided_holds_the_account(status: DisputeStatus, expected: list[Hold]) -> None:
    assert holds(session_of(on_account(folded(dispute(status), history=PAID))), END) == expected


def test_two_verdicts_are_none() -> None:
    history = folded(dispute(DisputeStatus.WON), dispute(DisputeStatus.LOST), history=PAID)
    assert Hold.DISPUTE_OPEN in holds(session_of(on_account(history)), END)


@pytest.mark.parametrize("account", ["acct_2", None])
@pytest.mark.parametrize(
    "history",
    [
        folded(checkout(AttemptState.OPEN)),
        PAID,
        folded(refund("1", 1000, RefundStatus.PENDING), history=PAID),
        folded(dispute(DisputeStatus.OPEN), history=PAID),
        with_decisions(PAID, decided("1", 1000)),
    ],
)
def test_money_on_another_account_holds_nothing(history: PaymentHistory, account: str | None) -> None:
    assert holds(session_of(on_account(history, account))) == []


def test_each_reason_is_told_once_of_each_participant() -> None:
    history = folded(*paid(1), *paid(2, noon(plus=2)), count=2)
    assert holds(session_of(on_account(history))) == [Hold.REFUND_OWED, Hold.PAID_AND_TO_COME]
    assert holds(session_of(on_account(history), **CANCELED)) == [Hold.REFUND_OWED]


# --- what is not clear yet ----------------------------------------------------------------------------------------

UNPROVEN = folded(checkout(AttemptState.EXPIRED), charge())
STRANGE = folded(checkout(amount=1), charge())


@pytest.mark.parametrize("history", [folded(checkout()), UNPROVEN, STRANGE], ids=["no date", "unproven", "strange"])
def test_what_is_not_clear_yet_may_have_to_go_back(history: PaymentHistory) -> None:
    session = session_of(on_account(history))
    assert Hold.UNCLEAR in holds(session, END)
    assert holds(session, END, "acct_2") == []


def test_what_a_person_has_settled_is_clear() -> None:
    assert Hold.UNCLEAR not in holds(session_of(on_account(settled(STRANGE, "payment:pi_1"))), END)
    assert Hold.UNCLEAR not in holds(session_of(on_account(PAID)), END)


def test_a_refund_of_what_we_never_saw_paid_is_no_payment() -> None:
    history = on_account(replace(PAID, payments=(replace(PAID.payments[0], paid=None, charge=None),)))
    assert Hold.UNCLEAR not in holds(session_of(history), END)


# --- closing the door ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seen", [(), (checkout(AttemptState.OPEN),)])
def test_an_offer_that_may_be_begun_is_to_be_closed(seen: tuple[CheckoutSeen, ...]) -> None:
    history = on_account(folded(*seen))
    with pytest.raises(OpenOffersError) as raised:
        without_offers(session_of(history), 2, ACCOUNT)
    assert raised.value.attempts == history.attempts


@pytest.mark.parametrize("state", [AttemptState.PROCESSING, AttemptState.EXPIRED, AttemptState.FAILED])
def test_what_a_bank_is_at_or_what_is_over_is_not(state: AttemptState) -> None:
    session = session_of(on_account(folded(checkout(state))))
    assert without_offers(session, 2, ACCOUNT) == session


def test_offers_on_another_account_stay() -> None:
    for session in (session_of(on_account(folded(), None)), session_of(on_account(folded(), "acct_2"))):
        assert without_offers(session, 2, ACCOUNT) == session


def test_nobody_and_somebody_who_was_never_offered_to_pay_have_none() -> None:
    assert without_offers(session_of(), 2, ACCOUNT) == session_of()
    assert without_offers(session_of(), 99, ACCOUNT) == session_of()
