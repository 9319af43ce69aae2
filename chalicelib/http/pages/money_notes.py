"""What becomes of the client's money, in sentences, from the same judgement that the refunds are made by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, assert_never

from chalicelib.domain.admission import CLOSED, Door
from chalicelib.domain.facts import DisputeStatus, Payment, PaymentHistory, RefundReason, RefundStatus
from chalicelib.domain.money import Money, display
from chalicelib.domain.obligations import has_strange_payment
from chalicelib.domain.payments import Judged, PaymentStatus, disputes_of, judge
from chalicelib.domain.refunds import automatic_refund_id, given_by_hand, refunded, refunds_of, went_back
from chalicelib.domain.sessions import owing
from chalicelib.domain.troubles import trouble_with
from chalicelib.flows.open_link import OpenedLink

_ON_STATEMENT: Final = "It takes 5 to 10 business days to show on your statement."
"""https://docs.stripe.com/refunds: how long a bank takes to show a refund."""


def money_notes(link: OpenedLink) -> tuple[str, ...]:
    """Return the sentences; none for somebody whose money needs no word."""
    history, counted = link.participant.history, link.standing.counted
    judged = judge(owing(link.session, link.participant), history)
    going_back = [one for one in judged if one.return_because is not None]
    notes = [_going_back(history, one) for one in going_back]
    if counted is None:
        notes.extend(_of_nothing_paid(link))
    elif counted not in [one.payment for one in going_back]:
        notes.extend(_of_what_counts(link, counted))
    return tuple(notes)


def payment_line(status: PaymentStatus) -> str | None:
    """How the fee stands, in a few words; None where there is none."""
    match status:
        case PaymentStatus.NOT_REQUIRED:
            return None
        case PaymentStatus.UNPAID:
            return "Not paid yet"
        case PaymentStatus.PROCESSING:
            return "Your bank is working on it"
        case PaymentStatus.PAID:
            return "Paid"
        case PaymentStatus.WAIVED:
            return "Nothing to pay"
        case PaymentStatus.PARTIALLY_REFUNDED:
            return "Paid, partly returned"
        case PaymentStatus.REFUNDED:
            return "Returned"
        case PaymentStatus.DISPUTED:
            return "Paid; your bank is looking into it"
        case _:
            assert_never(status)


# --- payments that go back whole ----------------------------------------------------------------------------------


def _going_back(history: PaymentHistory, judged: Judged) -> str:
    """How far the return of this payment has come."""
    payment = judged.payment
    what = "second payment" if judged.return_because is RefundReason.DUPLICATE else "payment"
    subject = f"{what} of {display(_money(payment))}"
    verdicts = _verdicts(history, payment)
    if DisputeStatus.LOST in verdicts:
        return f"Your {subject} went back to you through your bank."
    if DisputeStatus.OPEN in verdicts:
        return f"Your bank is looking into your {subject}, and decides what becomes of it."
    if _succeeded(history, payment) >= _money(payment).amount:
        return f"Your {subject} has been returned. {_ON_STATEMENT}"
    if went_back(history, payment) >= _money(payment).amount > refunded(history, payment):
        return f"Your {subject} has been given back to you by the clinic."
    if _needs_the_clinic(history, payment):
        return (
            f"Your {subject} could not be returned automatically. The clinic has been told: please contact the clinic."
        )
    return f"Your {subject} is being returned. {_ON_STATEMENT}"


def _needs_the_clinic(history: PaymentHistory, payment: Payment) -> bool:
    """Whether the automatic refund failed, was given up, or was taken over by a person."""
    decision_id = automatic_refund_id(payment.charge.charge_id) if payment.charge else ""
    trouble = trouble_with(history, f"refund:{decision_id}")
    failed = any(
        refund.decision_id == decision_id and refund.status in {RefundStatus.FAILED, RefundStatus.CANCELED}
        for refund in refunds_of(history, payment)
    )
    taken_over = any(one.key == f"refund:{decision_id}" for one in history.settled)
    return failed or taken_over or (trouble is not None and trouble.retry_at is None)


# --- the payment that counts ---------------------------------------------------------------------------------------


def _of_what_counts(link: OpenedLink, counted: Payment) -> Iterator[str]:
    """What stays with the clinic, and what was returned on request."""
    history = link.participant.history
    given = given_by_hand(history, counted)
    back = link.standing.amount_refunded - given
    paid, verdicts = display(_money(counted)), _verdicts(history, counted)
    arrived = "has been returned" if _succeeded(history, counted) >= back else "is being returned"
    if DisputeStatus.LOST in verdicts:
        yield f"Your payment of {paid} went back to you through your bank."
    elif DisputeStatus.OPEN in verdicts:
        yield f"Your bank is looking into your payment of {paid}."
    elif back >= link.standing.amount_paid:
        yield f"Your payment of {paid} {arrived}. {_ON_STATEMENT}"
    elif back or given:
        currency = _money(counted).currency
        if back:
            yield f"{display(Money(back, currency))} of your payment {arrived}. {_ON_STATEMENT}"
        if given:
            yield f"The clinic has given {display(Money(given, currency))} of your payment back to you another way."
    elif link.admission.door in CLOSED:
        yield _kept(link, counted)


def _kept(link: OpenedLink, counted: Payment) -> str:
    paid = display(_money(counted))
    if link.admission.door is Door.ENDED:
        return f"You paid {paid}."
    if counted.charge is None:
        return f"Your payment of {paid} has arrived. Open this link again in a few minutes to see what becomes of it."
    return f"The clinic keeps your payment of {paid}. If you have a question about it, please contact the clinic."


# --- none ------------------------------------------------------------------------------------------------------------


def _of_nothing_paid(link: OpenedLink) -> Iterator[str]:
    """At a closed door, that nothing is owed; elsewhere the headline says what there is to say."""
    if link.admission.door not in CLOSED:
        return
    if link.standing.status is PaymentStatus.PROCESSING:
        yield _still_coming(link)
    elif has_strange_payment(link.participant.history):
        yield "Your payment did not arrive as expected. The clinic has been told: please contact the clinic."
    elif link.standing.status is PaymentStatus.UNPAID:
        yield "Nothing was paid with this link, and there is nothing to pay."


def _still_coming(link: OpenedLink) -> str:
    if link.admission.door is not Door.ENDED and owing(link.session, link.participant).returns:
        return "Your bank is still working on your payment. If it goes through, it is returned to you in full."
    return "Your bank is still working on your payment. If you have a question about it, please contact the clinic."


# --- amounts ---------------------------------------------------------------------------------------------------------


def _money(payment: Payment) -> Money:
    assert payment.paid is not None, "a payment that counts or goes back is one that was paid"
    return Money(payment.paid.amount, payment.paid.currency)


def _succeeded(history: PaymentHistory, payment: Payment) -> int:
    """What went back for good, in minor units."""
    return sum(refund.amount for refund in refunds_of(history, payment) if refund.status is RefundStatus.SUCCEEDED)


def _verdicts(history: PaymentHistory, payment: Payment) -> set[DisputeStatus]:
    return {dispute.status for dispute in disputes_of(history, payment)}
