"""The charges of a participant as answers show them, each with what became of it: shapes them, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.domain.disputes import disputes_of
from chalicelib.domain.facts import PaymentHistory, Refund, RefundReason, RefundStatus
from chalicelib.domain.refunds import refunds_of, settled_of
from chalicelib.domain.returns import Returning, returnings
from chalicelib.domain.sessions import Participant, Session, owing
from chalicelib.http import times
from chalicelib.http.schemas import ChargeOut, RefundOut
from chalicelib.http.times import TimeFormat

DECIDED = "decided"
"""The status of a refund that is not made at Stripe yet."""

GIVEN = "given_by_hand"
"""Of money that a person gave back another way."""

LET_BE = "not_given"
"""Of money that, as a person said, need not go back. The others are Stripe's own."""

REQUIRES_ACTION = "requires_action"
"""Stripe's own, too: pending until the payer answers."""


def charges_out(session: Session, participant: Participant, form: TimeFormat) -> list[ChargeOut]:
    """Those that were for an offer of ours, and others of which people gave back, the first paid first."""
    history = participant.history
    found = [(one.payment.charge, one) for one in returnings(owing(session, participant), history)]
    charged = [(charge, one) for charge, one in found if charge is not None]
    charged.sort(key=lambda pair: (pair[0].created_at, pair[0].charge_id))
    return [
        ChargeOut(
            charge_id=charge.charge_id,
            amount=charge.amount,
            currency=charge.currency,
            paid_at=times.write(charge.created_at, form),
            goes_back=one.because.value if one.because else None,
            dispute=_dispute(history, one),
            refunds=list(_refunds(history, one, form)),
        )
        for charge, one in charged
    ]


def _dispute(history: PaymentHistory, going: Returning) -> str | None:
    statuses = [one.status.value for one in disputes_of(history, going.payment)]
    return statuses[-1] if statuses else None


def _refunds(history: PaymentHistory, going: Returning, form: TimeFormat) -> Iterator[RefundOut]:
    for refund in refunds_of(history, going.payment):
        yield _refund(refund, form)
    for _, amount in going.decided:
        yield RefundOut(None, amount, DECIDED, RefundReason.REQUESTED.value)
    for settled in settled_of(history, going.payment):
        if settled.is_given and settled.amount:
            yield RefundOut(None, settled.amount, GIVEN, settled.because.value if settled.because else None)
    if going.let_be:
        yield RefundOut(None, going.let_be, LET_BE, going.because.value if going.because else None)


def _refund(refund: Refund, form: TimeFormat) -> RefundOut:
    shown = RefundOut(
        refund_id=refund.refund_id,
        amount=refund.amount,
        status=REQUIRES_ACTION if refund.requires_action else refund.status.value,
        reason=refund.reason.value if refund.reason else None,
    )
    if refund.status is RefundStatus.PENDING:
        shown.pending_reason = refund.pending_reason.value if refund.pending_reason else None
        shown.pending_since = times.write(refund.created_at, form) if refund.created_at else None
    return shown
