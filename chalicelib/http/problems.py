"""Every error as a problem detail (RFC 9457): the one table from what was raised to what the caller is told.

No text of an exception goes out unless its class is made to be read by a caller; a stack trace never does.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from chalicelib.config import SettingsError
from chalicelib.domain.accounts import TooManyAccountsError
from chalicelib.domain.by_hand import (
    ChargedBackError,
    DisputedError,
    NotGivenBackError,
    NothingLeftError,
    NothingPaidError,
    NothingToWaiveError,
    PaidTooOftenError,
    UnnamedPaymentError,
)
from chalicelib.domain.edits import (
    AlreadyPaidError,
    BeingPaidError,
    CanceledError,
    EndedError,
    FeeWaivedError,
    StartedError,
    StrangePaymentError,
    UnprovenPaymentError,
)
from chalicelib.domain.links import InvalidLinkError
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import FeeNotPossibleError, InvalidSessionError, Problem
from chalicelib.domain.teams import ChargeBar
from chalicelib.flows.change import ContendedError
from chalicelib.flows.checkout import UnsettledError
from chalicelib.flows.close_offers import OfferOutOfReachError
from chalicelib.flows.connect import NoOAuthError, NoPlatformError
from chalicelib.flows.cursors import InvalidCursorError
from chalicelib.flows.disconnect import NotOursToDisconnectError, TooManySessionsError
from chalicelib.flows.idempotent import IdempotencyMismatchError, InProgressError, InvalidKeyError
from chalicelib.flows.list_sessions import PageTooFarError
from chalicelib.flows.preconditions import PreconditionFailedError
from chalicelib.flows.revoke import NoMoreLinksError
from chalicelib.flows.schedule import NotEntitledError, SuspendedError
from chalicelib.gateways.deadline import OutOfTimeError
from chalicelib.gateways.rooms import RoomUnavailableError
from chalicelib.gateways.stripe_api import StripeError
from chalicelib.gateways.stripe_events import BadSignatureError
from chalicelib.gateways.stripe_objects import StrangeObjectError
from chalicelib.http.exchange import JSON, PROBLEM_JSON, Answer, Request, json_answer
from chalicelib.storage.stores import (
    ConflictError,
    NewerSchemaError,
    NotFoundError,
    StoreError,
    StoreUnavailableError,
    UnreadableError,
)

RETRY_AFTER_SECONDS = 3
MOST_ERRORS = 100
"""A body of 256 KB can be wrong in 130,000 places, and Lambda answers at most 6 MB."""

log = logging.getLogger("anteroom.http")


class HttpError(Exception):
    """An error of the edge itself, with its own status and words."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: tuple[Problem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a caller is told. `detail` says what to do."""

    status: int
    detail: str
    errors: tuple[Problem, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


_FOR_OPERATORS = (SettingsError, StoreError, StripeError, RoomUnavailableError)
"""Errors whose text is made to be logged: it names variables, ids and codes, never what people wrote."""

_FIELDS: tuple[tuple[type[Exception], str], ...] = (
    (InvalidKeyError, "Idempotency-Key"),
    (InvalidCursorError, "cursor"),
    (PageTooFarError, "page"),
    (UnnamedPaymentError, "charge"),
)
"""Errors about one field, whose text is made to be read by a caller."""

UNUSABLE = "some fields cannot be used as they are"
_AGAIN = "nothing was lost; please try again in a moment"
_GIVE_BACK = "the fee stays as it is; give a part back with a refund, or all of it to ask for another fee"
_NOT_ASKED_FOR = "is not the one that was asked for, so the fee stays as it is; give it back by its `charge`"
_TABLE: tuple[tuple[type[Exception], int, str], ...] = (
    (PreconditionFailedError, 412, "this was changed since you read it; read it again and repeat your change"),
    (IdempotencyMismatchError, 422, "this Idempotency-Key was used for another body; use a new key for a new request"),
    (InProgressError, 409, "the first request with this Idempotency-Key is still at work; ask again in a moment"),
    (CanceledError, 409, "the session is cancelled, and that is for good; schedule another one"),
    (StartedError, 409, "the session has started, so it cannot be cancelled any more"),
    (EndedError, 409, "the session is over"),
    (NothingPaidError, 409, "nothing was paid that could go back"),
    (NothingLeftError, 409, "all of this payment went back already, or is on its way"),
    (
        ChargedBackError,
        409,
        "the payer's bank took this payment, or a part of it; see in Stripe whether anything is left to give back",
    ),
    (
        DisputedError,
        409,
        "the payer disputes this payment with their bank, which decides; answer the dispute in Stripe",
    ),
    (NothingToWaiveError, 409, "there is no fee to waive; they are let in as they are"),
    (
        PaidTooOftenError,
        409,
        "this fee was paid and given back as often as can be kept; waive it, or schedule another session",
    ),
    (FeeWaivedError, 409, "the fee was waived, so it cannot be changed any more"),
    (BeingPaidError, 409, "a bank is at work on the payment of this fee, so it stays as it is for now"),
    (
        UnprovenPaymentError,
        409,
        "a payment is being looked up at Stripe, so the fee stays as it is for now; ask again in a few minutes",
    ),
    (StrangePaymentError, 409, f"a payment came that {_NOT_ASKED_FOR}"),
    (AlreadyPaidError, 409, f"a payment is held, so {_GIVE_BACK}"),
    (
        OfferOutOfReachError,
        409,
        "this fee may have been paid on a Stripe account that is not connected any more; look in Stripe, and waive it",
    ),
    (NoMoreLinksError, 409, "this link was renewed as often as it can be; remove the participant and add them anew"),
    (InvalidLinkError, 404, "this link is not valid"),
    (NotFoundError, 404, "there is no such thing here"),
    (ConflictError, 409, "somebody else changed this at the same moment; read it again and repeat your change"),
    (ContendedError, 503, f"others are changing this at the same moment; {_AGAIN}"),
    (
        NotEntitledError,
        403,
        "scheduled sessions are not part of the essentials plan; buy the add-on, or the standard or a higher plan",
    ),
    (SuspendedError, 403, "this clinic is suspended and cannot schedule; please write to support"),
    (NoPlatformError, 409, "this deployment takes payments on its own Stripe account; there is nothing to connect"),
    (NoOAuthError, 409, 'existing accounts cannot be connected here; send {"account": "new"}'),
    (TooManyAccountsError, 409, "this clinic has as many Stripe accounts as can be kept; ask support to help"),
    (NotOursToDisconnectError, 409, "payments are taken on the deployment's own Stripe account; nothing is connected"),
    (
        TooManySessionsError,
        409,
        "there are too many sessions to look through for money on this account; send force=true if you have looked",
    ),
    (BadSignatureError, 400, "the signature does not prove that Stripe sent this"),
    (RoomUnavailableError, 503, "the video room cannot be reached just now; your payment is safe, please try again"),
    (StripeError, 503, f"Stripe does not answer just now; {_AGAIN}"),
    (StrangeObjectError, 503, f"Stripe answered in a way that is not understood; {_AGAIN}"),
    (StoreUnavailableError, 503, f"the database does not answer just now; {_AGAIN}"),
    (NewerSchemaError, 503, f"a newer version is being rolled out; {_AGAIN}"),
    (UnreadableError, 500, "what is stored cannot be read; we have been told"),
    (OutOfTimeError, 503, f"this took too long; {_AGAIN}"),
    (UnsettledError, 503, f"this is still being settled with Stripe; {_AGAIN}"),
)


_CANNOT_CHARGE = {
    ChargeBar.SUSPENDED: "this clinic is suspended, so nobody can be asked to pay; write to support, or send no fee",
    ChargeBar.NO_ACCOUNT: "this clinic cannot take payments yet: connect its Stripe account, or send no fee",
    ChargeBar.DISCONNECTED: (
        "the Stripe account that this fee is paid to is not connected any more: connect it again or another one, or "
        "send no fee"
    ),
    ChargeBar.RESTRICTED: (
        "Stripe does not let the account that this fee is paid to take payments just now: see in Stripe what it asks "
        "for, or send no fee"
    ),
    ChargeBar.FEE_ABROAD: (
        "Stripe takes no platform fee from the account that this fee is paid to, and this platform schedules no fees "
        "without one: connect an account of the platform's country, write to support, or send no fee"
    ),
}


_REFUND_FIRST = (
    "the fee is paid, and not all of it is back; give back what is left, here or in Stripe, and charge it again then"
)
_NOT_GIVEN_BACK = {
    PaymentStatus.NOT_REQUIRED: "there is no fee to charge; set one by a change of the participant",
    PaymentStatus.UNPAID: "the fee is unpaid, so their link asks for it already; send it to them",
    PaymentStatus.PROCESSING: "a bank is at work on the payment of this fee; wait until it has decided",
    PaymentStatus.PAID: _REFUND_FIRST,
    PaymentStatus.PARTIALLY_REFUNDED: _REFUND_FIRST,
    PaymentStatus.DISPUTED: (
        "the payer's bank is looking into this payment: a refund ends an inquiry, and a dispute the bank decides; once "
        "all of it is back or lost, the fee can be charged again"
    ),
    PaymentStatus.WAIVED: "the fee was waived, and that is for good; to be paid, schedule another session",
}


def trouble_of(error: Exception) -> Trouble:
    """What the caller is told of this error; 500 for what nobody foresaw."""
    if isinstance(error, HttpError):
        return Trouble(error.status, error.detail, error.errors, error.headers)
    if isinstance(error, InvalidSessionError):
        return Trouble(422, UNUSABLE, error.problems)
    for refused, field_name in _FIELDS:
        if isinstance(error, refused):
            return Trouble(422, UNUSABLE, (Problem(field_name, str(error)),))
    if isinstance(error, FeeNotPossibleError):
        return Trouble(409, _CANNOT_CHARGE[error.bar])
    if isinstance(error, NotGivenBackError):
        return Trouble(409, _NOT_GIVEN_BACK[error.status])
    for kind, status, detail in _TABLE:
        if isinstance(error, kind):
            return Trouble(status, detail, headers=_again(error, status))
    return Trouble(500, "something went wrong on our side; it has been logged, please try again")


def _again(error: Exception, status: int) -> dict[str, str]:
    if isinstance(error, InProgressError):
        return {"Retry-After": str(error.retry_after)}
    return {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}


def problem_answer(request: Request, trouble: Trouble) -> Answer:
    """The problem as JSON. `error.message` is what older clients read."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(trouble.status).phrase,
        "status": trouble.status,
        "detail": trouble.detail,
        "error": {"message": trouble.detail},
        "request_id": request.request_id,
    }
    if trouble.errors:
        content["errors"] = [{"field": one.field, "message": one.message} for one in trouble.errors[:MOST_ERRORS]]
    named = PROBLEM_JSON if PROBLEM_JSON in request.header("accept").lower() else JSON
    return json_answer(trouble.status, content, {**trouble.headers, "Cache-Control": "no-store", "Content-Type": named})


def log_trouble(request: Request, error: Exception, trouble: Trouble) -> None:
    """Log what is ours to mend: with its stack when nobody foresaw it, since that holds no values."""
    if trouble.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    fields = {"route": request.route, "request_id": request.request_id, "error": type(error).__name__}
    if isinstance(error, _FOR_OPERATORS):
        fields["reason"] = str(error)
    log.error("request_failed", extra=fields, exc_info=trouble.status == HTTPStatus.INTERNAL_SERVER_ERROR)
