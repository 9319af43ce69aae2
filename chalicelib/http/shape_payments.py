"""The ledger's rows as a list of payments shows them, in JSON and in CSV alike: shapes them, and decides nothing."""

from __future__ import annotations

from chalicelib.domain.books import LedgerRow
from chalicelib.domain.money import Money, UnknownCurrencyError, decimal_text
from chalicelib.http import times
from chalicelib.http.schemas import PaymentRowOut
from chalicelib.http.times import TimeFormat


def payment_row_out(row: LedgerRow, form: TimeFormat) -> PaymentRowOut:
    return PaymentRowOut(
        paid_at=times.write(row.paid_at, form),
        session_id=row.session_id,
        participant_id=row.participant_id,
        client_id=row.client_id,
        charge_id=row.charge_id,
        payment_intent_id=row.payment_intent_id,
        account_id=row.stripe_account_id,
        attempt_id=row.attempt_id,
        currency=row.currency,
        amount=row.amount,
        amount_decimal=_decimal(row.amount, row.currency),
        platform_fee=row.application_fee,
        platform_fee_decimal=_decimal(row.application_fee, row.currency),
        refunded=row.refunded,
        refunded_decimal=_decimal(row.refunded, row.currency),
        charged_back=row.charged_back,
        charged_back_decimal=_decimal(row.charged_back, row.currency),
        is_disputed=row.is_disputed,
        is_accepted=row.is_accepted,
        platform_fee_refunded=row.application_fee_refunded,
        platform_fee_refunded_decimal=(
            None if row.application_fee_refunded is None else _decimal(row.application_fee_refunded, row.currency)
        ),
    )


def _decimal(amount: int, currency: str) -> str | None:
    """None for a currency that Stripe reports and we do not know: a guess at its decimals could be out by a hundred."""
    try:
        return decimal_text(Money(amount, currency))
    except UnknownCurrencyError:
        return None
