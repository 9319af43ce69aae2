"""The charges of a participant as answers show them, each with what became of it: shapes them, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.facts import Charge, Payment, PaymentHistory, RefundReason
from chalicelib.domain.payments import Judged, disputes_of, judge
from chalicelib.domain.refunds import refunds_of, still_to_make, unmade_of
from chalicelib.domain.sessions import Participant, Session, owing
from chalicelib.http import times
from chalicelib.http.schemas import ChargeOut, RefundOut
from chalicelib.http.times import TimeFormat

DECIDED = "decided"
"""The status of a refund that is not made at Stripe yet."""

SETTLED = "settled"
"""Of one that never was, and that a person has seen to. The others are Stripe's own."""


def charges_out(session: Session, participant: Participant, form: TimeFormat) -> list[ChargeOut]:
    """Those that were for an offer of ours, the first paid first."""
    judged = judge(owing(session, participant), participant.history)
    found = [(one.payment.charge, one) for one in judged if one.accepted and one.payment.charge]
    found.sort(key=lambda pair: (pair[0].created_at, pair[0].charge_id))
    return [_charge(charge, one, participant.history, form) for charge, one in found]


def _charge(charge: Charge, judged: Judged, history: PaymentHistory, form: TimeFormat) -> ChargeOut:
    disputes = [one.status.value for one in disputes_of(history, judged.payment)]
    return ChargeOut(
        charge_id=charge.charge_id,
        amount=charge.amount,
        currency=charge.currency,
        paid_at=times.write(charge.created_at, form),
        goes_back=judged.return_because.value if judged.return_because else None,
        dispute=disputes[-1] if disputes else None,
        refunds=list(_refunds(judged.payment, history)),
    )


def _refunds(payment: Payment, history: PaymentHistory) -> Iterator[RefundOut]:
    for refund in refunds_of(history, payment):
        yield RefundOut(
            refund_id=refund.refund_id,
            amount=refund.amount,
            status=refund.status.value,
            reason=refund.reason.value if refund.reason else None,
        )
    owed = still_to_make(history, payment)
    for decision in unmade_of(history, payment):
        status = DECIDED if decision in owed else SETTLED
        yield RefundOut(None, decision.amount, status, RefundReason.REQUESTED.value)
