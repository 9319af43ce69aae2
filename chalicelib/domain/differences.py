"""Where Stripe and we differ: what Stripe shows of a payment, held against what is kept of it. Repairs nothing.

What is kept as strange, or as more than is kept, is no difference: a person is told of it already (`concerns.py`).
Sentences hold ids and amounts, never what people wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from chalicelib.domain.books import LedgerRow, ledger_rows
from chalicelib.domain.facts import (
    Attempt,
    Charge,
    ChargeSeen,
    CheckoutSeen,
    Dispute,
    DisputeSeen,
    DisputeStatus,
    Payment,
    PaymentHistory,
    RefundSeen,
)
from chalicelib.domain.folding import fold
from chalicelib.domain.money import Money, UnknownCurrencyError, display
from chalicelib.domain.payments import is_unproven
from chalicelib.domain.refunds import is_failed, lacks_refunds, refunded, refunds_of
from chalicelib.domain.sessions import Session

Shown = ChargeSeen | RefundSeen | DisputeSeen | CheckoutSeen


class DifferenceKind(StrEnum):
    PAYMENT_UNKNOWN = "payment_unknown"
    PAYMENT_DIFFERS = "payment_differs"
    OFFER_DIFFERS = "offer_differs"
    REFUNDED_DIFFERS = "refunded_differs"
    REFUND_UNKNOWN = "refund_unknown"
    REFUND_DIFFERS = "refund_differs"
    DISPUTE_UNKNOWN = "dispute_unknown"
    DISPUTE_DIFFERS = "dispute_differs"
    SESSION_GONE = "session_gone"
    """Money came for a session that is kept no more."""
    UNREADABLE = "unreadable"
    """What Stripe shows, or what is kept, cannot be read."""
    ROW_MISSING = "row_missing"
    ROW_DIFFERS = "row_differs"
    ROW_NOT_AT_STRIPE = "row_not_at_stripe"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which Stripe and we do not agree; `about` is the id of it, Stripe's where Stripe has one."""

    kind: DifferenceKind
    about: str
    sentence: str


def differences(history: PaymentHistory, shown: Shown, *, is_current: bool) -> Iterator[Difference]:
    """Where what Stripe shows and what is kept differ.

    `is_current`: as it stands now; else as it stood when an event was told, and newer facts may be kept already.
    """
    match shown:
        case ChargeSeen():
            yield from _of_charge(history, shown)
        case RefundSeen():
            yield from _of_refund(history, shown, is_current=is_current)
        case DisputeSeen():
            yield from _of_dispute(history, shown, is_current=is_current)
        case CheckoutSeen():
            yield from _of_checkout(history, shown)
        case _:
            assert_never(shown)


# --- charges ------------------------------------------------------------------------------------------------------


def _of_charge(history: PaymentHistory, shown: ChargeSeen) -> Iterator[Difference]:
    charge, payment = shown.charge, payment_of(history, shown.payment_intent_id)
    if payment is None and history.overflowed:
        return
    what = f"Charge {charge.charge_id} of {_money(charge.amount, charge.currency)}"
    if payment is None or payment.charge is None:
        yield Difference(DifferenceKind.PAYMENT_UNKNOWN, charge.charge_id, f"{what} is not known here.")
    elif _figures(payment.charge) != _figures(charge):
        kept = f"{payment.charge.charge_id} of {_money(payment.charge.amount, payment.charge.currency)}"
        yield Difference(DifferenceKind.PAYMENT_DIFFERS, charge.charge_id, f"{what} is kept here as charge {kept}.")
    elif is_unproven(payment, history):
        yield Difference(DifferenceKind.PAYMENT_DIFFERS, charge.charge_id, f"{what} is not kept as paid here.")
    yield from _of_sum(history, payment, shown, what)


def _of_sum(history: PaymentHistory, payment: Payment | None, shown: ChargeSeen, what: str) -> Iterator[Difference]:
    """Whether the charge's own sum counts a refund that failed is not documented, so it may or may not."""
    back = refunded(history, payment) if payment else 0
    refunds = refunds_of(history, payment) if payment else ()
    failed = sum(one.amount for one in refunds if is_failed(one))
    if lacks_refunds(history) or shown.amount_refunded in {back, back + failed}:
        return
    currency = shown.charge.currency
    sums = f"{_money(shown.amount_refunded, currency)} went back at Stripe, and {_money(back, currency)} here"
    yield Difference(DifferenceKind.REFUNDED_DIFFERS, shown.charge.charge_id, f"Of {_lower(what)}, {sums}.")


def _figures(charge: Charge) -> tuple[str, int, str, datetime, int]:
    """All but the receipt's address, which Stripe may change."""
    return charge.charge_id, charge.amount, charge.currency, charge.created_at, charge.application_fee


def _is_kept(history: PaymentHistory, shown: Shown) -> bool:
    """Whether it is news, and there is room for it."""
    return fold(history, shown) != history


# --- refunds, disputes, offers --------------------------------------------------------------------------------------


def _of_refund(history: PaymentHistory, shown: RefundSeen, *, is_current: bool) -> Iterator[Difference]:
    refund = shown.refund
    yield from _of_payment(history, refund.payment_intent_id)
    what = f"Refund {refund.refund_id} of {_amount(history, refund.payment_intent_id, refund.amount)}"
    known = next((one for one in history.refunds if one.refund_id == refund.refund_id), None)
    if known is None:
        if _is_kept(history, shown):
            sentence = f"{what}, {refund.status} at Stripe, is not known here."
            yield Difference(DifferenceKind.REFUND_UNKNOWN, refund.refund_id, sentence)
        return
    moves = (known.status, known.amount) != (refund.status, refund.amount)
    if moves and (is_current or fold(history, shown) != history):
        kept = _amount(history, refund.payment_intent_id, known.amount)
        sentence = f"{what} is {refund.status} at Stripe; here it is {kept}, {known.status}."
        yield Difference(DifferenceKind.REFUND_DIFFERS, refund.refund_id, sentence)


def _of_dispute(history: PaymentHistory, shown: DisputeSeen, *, is_current: bool) -> Iterator[Difference]:
    dispute = shown.dispute
    yield from _of_payment(history, dispute.payment_intent_id)
    what = f"Dispute {dispute.dispute_id} of {_disputed(history, dispute)}"
    known = next((one for one in history.disputes if one.dispute_id == dispute.dispute_id), None)
    if known is None:
        if _is_kept(history, shown):
            sentence = f"{what}, {dispute.status} at Stripe, is not known here."
            yield Difference(DifferenceKind.DISPUTE_UNKNOWN, dispute.dispute_id, sentence)
        return
    moves = (known.status, known.amount) != (dispute.status, dispute.amount) or _escalates(known, dispute)
    if moves and (is_current or fold(history, shown) != history):
        sentence = f"{what} is {dispute.status} at Stripe; here it is {_disputed(history, known)}, {known.status}."
        yield Difference(DifferenceKind.DISPUTE_DIFFERS, dispute.dispute_id, sentence)


def _of_payment(history: PaymentHistory, payment_intent_id: str) -> Iterator[Difference]:
    """Money went back of a payment: then it must have come."""
    payment = payment_of(history, payment_intent_id)
    if history.overflowed or (payment is not None and payment.charge is not None):
        return
    sentence = f"The charge of payment {payment_intent_id} is not known here."
    yield Difference(DifferenceKind.PAYMENT_UNKNOWN, payment_intent_id, sentence)


def _of_checkout(history: PaymentHistory, shown: CheckoutSeen) -> Iterator[Difference]:
    folded = fold(history, shown)
    known, told = _attempt(history, shown.attempt_id), _attempt(folded, shown.attempt_id)
    paid_before, paid_after = ([one.paid for one in each.payments] for each in (history, folded))
    if (known and known.state) != (told and told.state) or paid_before != paid_after:
        here = f"{known.state} here" if known else "of an offer not known here"
        sentence = f"Checkout Session {shown.checkout_session_id} is {shown.state} at Stripe and {here}."
        yield Difference(DifferenceKind.OFFER_DIFFERS, shown.checkout_session_id, sentence)


def _escalates(known: Dispute, shown: Dispute) -> bool:
    """Whether what only was asked about here is disputed at Stripe: no refund of it can be made any more."""
    return shown.status is DisputeStatus.OPEN and known.is_refundable is True and shown.is_refundable is False


# --- the ledger -----------------------------------------------------------------------------------------------------


def row_differences(
    session: Session, kept: Mapping[str, LedgerRow], start: datetime, end: datetime
) -> dict[str, Difference]:
    """By charge paid in [start, end): where the ledger (`kept`, by charge) is not what the facts say."""
    found = {}
    for row in ledger_rows(session):
        there = kept.get(row.charge_id)
        if start <= row.paid_at < end and _whole(there, row) != row:
            found[row.charge_id] = _row_difference(row, there)
    return found


def _whole(kept: LedgerRow | None, row: LedgerRow) -> LedgerRow | None:
    """What is kept, with what was not kept yet when it was written."""
    if kept is None or kept.application_fee_refunded is not None:
        return kept
    return replace(kept, application_fee_refunded=row.application_fee_refunded)


def _row_difference(row: LedgerRow, kept: LedgerRow | None) -> Difference:
    if kept is None:
        sentence = f"Charge {row.charge_id} of {_money(row.amount, row.currency)} has no row in the ledger."
        return Difference(DifferenceKind.ROW_MISSING, row.charge_id, sentence)
    sentence = f"The ledger says of charge {row.charge_id}: {_told(kept)}; by the facts it is: {_told(row)}."
    return Difference(DifferenceKind.ROW_DIFFERS, row.charge_id, sentence)


def row_not_at_stripe(row: LedgerRow) -> Difference:
    """The ledger has a charge that Stripe does not list."""
    sentence = f"The ledger has charge {row.charge_id} of {_money(row.amount, row.currency)}; Stripe lists no such one."
    return Difference(DifferenceKind.ROW_NOT_AT_STRIPE, row.charge_id, sentence)


def _told(row: LedgerRow) -> str:
    words = [_money(row.amount, row.currency), f"{_money(row.refunded, row.currency)} went back"]
    if row.charged_back or row.is_disputed:
        words.append(f"{_money(row.charged_back, row.currency)} charged back")
    if row.application_fee_refunded:
        words.append(f"{_money(row.application_fee_refunded, row.currency)} of the platform's fee given back")
    return ", ".join(words) + ("" if row.is_accepted else ", not accepted")


# --- words ----------------------------------------------------------------------------------------------------------


def payment_of(history: PaymentHistory, payment_intent_id: str) -> Payment | None:
    return next((one for one in history.payments if one.payment_intent_id == payment_intent_id), None)


def _attempt(history: PaymentHistory, attempt_id: str) -> Attempt | None:
    return next((one for one in history.attempts if one.attempt_id == attempt_id), None)


def _amount(history: PaymentHistory, payment_intent_id: str, amount: int) -> str:
    payment = payment_of(history, payment_intent_id)
    if payment is None or payment.charge is None:
        return f"{amount} minor units"
    return _money(amount, payment.charge.currency)


def _disputed(history: PaymentHistory, dispute: Dispute) -> str:
    """In the currency that the bank told it in; of one kept before that was kept, the payment's."""
    if dispute.currency is None:
        return _amount(history, dispute.payment_intent_id, dispute.amount)
    return _money(dispute.amount, dispute.currency)


def _money(amount: int, currency: str) -> str:
    try:
        return display(Money(amount, currency))
    except UnknownCurrencyError:
        return f"{amount} minor units"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
