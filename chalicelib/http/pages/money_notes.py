"""What becomes of the client's money, in sentences, from the same judgement that the refunds are made by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final, assert_never

from chalicelib.domain.admission import CLOSED, Door
from chalicelib.domain.debits import is_under_way
from chalicelib.domain.disputes import disputes_of, is_disputed
from chalicelib.domain.facts import DisputeStatus, Payment, PaymentHistory, RefundReason, RefundStatus
from chalicelib.domain.money import display_any
from chalicelib.domain.obligations import has_strange_payment
from chalicelib.domain.payments import PaymentStatus, is_returned, was_charged_again
from chalicelib.domain.refunds import is_held, is_late, refunds_of
from chalicelib.domain.returns import Returning, all_returnings
from chalicelib.domain.sessions import owing
from chalicelib.domain.troubles import trouble_with
from chalicelib.flows.open_link import OpenedLink

_ON_STATEMENT: Final = "It takes 5 to 10 business days to show on your statement."
"""https://docs.stripe.com/refunds: how long a bank takes to show a refund."""


_COMES_BACK: Final = "Your bank is still working on your payment. If it goes through, it is returned to you in full."


def money_notes(link: OpenedLink) -> tuple[str, ...]:
    """Return the sentences; none for somebody whose money needs no word."""
    claim, history = owing(link.session, link.participant), link.participant.history
    counted, notes = link.standing.counted, list[str]()
    for going in all_returnings(claim, history):
        is_back = is_returned(history, going.payment)
        if going.because is not None or going.payment == counted or is_back:
            becomes = _becomes(history, going, _name(history, going, counted), link.now)
            notes.extend(becomes or _of_what_is_held(link, going))
    if counted is None:
        notes.extend(_of_nothing_paid(link))
    return tuple(notes)


def payment_line(status: PaymentStatus, *, comes_back: bool = False) -> str | None:
    """How the fee stands, in a few words; None where there is none. `comes_back`: some of it is on its way back."""
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
            return "Paid, partly being returned" if comes_back else "Paid, partly returned"
        case PaymentStatus.REFUNDED:
            return "Being returned" if comes_back else "Returned"
        case PaymentStatus.DISPUTED:
            return "Paid; your bank is looking into it"
        case _:
            assert_never(status)


# --- a payment of which something goes back -----------------------------------------------------------------------


def _name(history: PaymentHistory, going: Returning, counted: Payment | None) -> str:
    """Of two for one fee, which."""
    if was_charged_again(history, going.payment):
        return "earlier payment"
    charge, other = going.payment.charge, counted.charge if counted else None
    if going.because is not RefundReason.DUPLICATE or charge is None or other is None:
        return "payment"
    return "first payment" if charge.created_at < other.created_at else "second payment"


def _becomes(history: PaymentHistory, going: Returning, name: str, now: datetime) -> list[str]:
    """What becomes of it, sum by sum; nothing of a payment that stays."""
    whole = f"{name} of {display_any(going.money(going.amount))}"
    is_asked = any(dispute.status is DisputeStatus.OPEN for dispute in disputes_of(history, going.payment))
    if is_asked and (is_disputed(history, going.payment) or not _moves(going)):
        then = ", and decides what becomes of it" if going.because else ""
        return [f"Your bank is looking into your {whole}{then}."]
    arrived, ours = _arrived(history, going), going.ours()
    given_up = sum(amount for key, amount in ours.items() if going.is_barred or _is_given_up(history, key))
    waits, is_slow = _waits_for_payer(history, going), _is_slow(history, going, now)
    on_its_way = going.refunded - arrived - waits - is_slow + sum(ours.values()) - given_up
    sums = (
        (arrived, f"has been returned. {_ON_STATEMENT}"),
        (on_its_way, f"is being returned. {_ON_STATEMENT}"),
        (waits, "is being returned, and waits for you: you were sent an e-mail that asks where it should go."),
        (is_slow, "is being returned, which takes longer than usual. The clinic has been told."),
        (going.given, "has been given back to you by the clinic."),
        (going.taken, "went back to you through your bank."),
        (
            given_up + sum(going.peoples().values()),
            "could not be returned automatically. The clinic has been told: please contact the clinic.",
        ),
        (going.let_be, "stays with the clinic. If you have a question about it, please contact the clinic."),
    )
    told = [(amount, display_any(going.money(amount)), then) for amount, then in sums if amount]
    return [
        f"Your {whole} {then}" if amount >= going.amount else f"{text} of your {name} {then}"
        for amount, text, then in told
    ]


def _moves(going: Returning) -> bool:
    """Whether any of it went back, or is to, which it may while the bank only asks."""
    return bool(going.refunded or going.given or going.taken or going.let_be or going.parts())


def _arrived(history: PaymentHistory, going: Returning) -> int:
    """What went back for good, in minor units."""
    refunds = refunds_of(history, going.payment)
    return sum(refund.amount for refund in refunds if refund.status is RefundStatus.SUCCEEDED)


def _waits_for_payer(history: PaymentHistory, going: Returning) -> int:
    """What Stripe asked the payer about, in minor units."""
    return sum(refund.amount for refund in refunds_of(history, going.payment) if refund.requires_action)


def _is_slow(history: PaymentHistory, going: Returning, now: datetime) -> int:
    """What is held, late or refused, and waits for nobody but the clinic and Stripe, in minor units."""
    refunds = [refund for refund in refunds_of(history, going.payment) if not refund.requires_action]
    refused = sum(amount for key, amount in going.ours().items() if _is_refused(history, key) and not going.is_barred)
    return refused + sum(refund.amount for refund in refunds if is_held(refund) or is_late(refund, now))


def _is_refused(history: PaymentHistory, key: str) -> bool:
    """Whether Stripe refused it, and is asked again."""
    trouble = trouble_with(history, key)
    return trouble is not None and trouble.refusal is not None and trouble.retry_at is not None


def _is_given_up(history: PaymentHistory, key: str) -> bool:
    trouble = trouble_with(history, key)
    return trouble is not None and trouble.retry_at is None


def _of_what_is_held(link: OpenedLink, going: Returning) -> Iterator[str]:
    """Behind a closed door, what the clinic keeps."""
    paid = display_any(going.money(going.amount))
    if link.admission.door is Door.ENDED:
        yield f"You paid {paid}."
    elif link.admission.door in CLOSED and going.payment.charge is None:
        yield f"Your payment of {paid} has arrived. Open this link again in a few minutes to see what becomes of it."
    elif link.admission.door in CLOSED:
        yield f"The clinic keeps your payment of {paid}. If you have a question about it, please contact the clinic."


# --- none ------------------------------------------------------------------------------------------------------------


def _of_nothing_paid(link: OpenedLink) -> Iterator[str]:
    """At a closed door, that nothing is owed; elsewhere the headline says what there is to say.

    Who was let in while their bank is at work reads what becomes of that, wherever they stand.
    """
    if link.standing.status is PaymentStatus.WAIVED and is_under_way(link.participant.history):
        yield _COMES_BACK
    if link.admission.door not in CLOSED:
        return
    if link.standing.status is PaymentStatus.PROCESSING:
        yield _still_coming(link)
    elif has_strange_payment(link.participant.history):
        yield "Your payment did not arrive as expected. The clinic has been told: please contact the clinic."
    elif link.standing.status is PaymentStatus.UNPAID:
        is_first = not link.participant.history.payments
        yield (
            "Nothing was paid with this link, and there is nothing to pay." if is_first else "There is nothing to pay."
        )


def _still_coming(link: OpenedLink) -> str:
    if link.admission.door is not Door.ENDED and owing(link.session, link.participant).returns:
        return _COMES_BACK
    return "Your bank is still working on your payment. If you have a question about it, please contact the clinic."
