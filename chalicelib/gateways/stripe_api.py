"""Stripe's API, through its own library: each call asks for one thing, and answers with facts of ours.

No Stripe object leaves this module. How it fails:

    StripeError
      StripeRefusedError       400 to 404: nothing was made; `code` and `param` are Stripe's
        AccountGoneError       the account is not, or no longer, connected to us: no call on it works
      StripeUncertainError     409, 429, no answer or an unreadable one: it may have happened, ask again with the
                               same bytes and key
      StripeBrokenError        5xx also when asked again, or the key stands for other parameters: look for the result

Messages hold Stripe's codes only: its texts may quote what was sent.
Source: https://docs.stripe.com/error-low-level and https://docs.stripe.com/api/idempotent_requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Final, cast

import requests
import stripe
from typing_extensions import override

from chalicelib.domain.facts import Attempt, CheckoutSeen, Dispute, DisputeSeen, Payment, RefundSeen, Seen
from chalicelib.domain.obligations import MakeRefund
from chalicelib.domain.refusals import Refusal
from chalicelib.gateways import stripe_objects as objects
from chalicelib.gateways.deadline import Deadline, OutOfTimeError
from chalicelib.gateways.stripe_events import Event, event_of
from chalicelib.gateways.stripe_objects import Place, StripeObject

CALL_SECONDS = 8
"""The library's own default, 80 s, outlives every request."""

CONNECT_SECONDS = 2
OAUTH = "https://connect.stripe.com"
RETRIES = 1
RATE_LIMITED_WAIT_SECONDS = 0.5
"""Before the one more try that a 429 is given."""

RETRY_WAIT_SECONDS = 0.25
"""The same after silence, 409 and 5xx."""

SAVE_SECONDS = 4
"""Kept back from every call, so that what Stripe answered can still be saved before the request's time is up."""

API_VERSION = "2026-08-26.dahlia"
"""Pinned, so that an upgrade of the library does not change what we read."""

LONGEST_NAME = 64
"""Of a code, parameter or id in a refusal, which is kept with what it held up."""

_LISTING_SLACK = timedelta(minutes=5)
_PAGE = 100
_PAGES = 40
_REFUSALS = range(400, 405)
_NO_ACCESS = frozenset({401, 403})
_CONFLICT = 409
_SERVER_ERROR = 500
_seconds_left: ContextVar[Callable[[], float]] = ContextVar("seconds_left")


class StripeError(Exception):
    """A call that did not do what was asked."""


class StripeRefusedError(StripeError):
    """Nothing was made. `refusal` holds what Stripe says of it; `code` and `param` are its, or None."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"Stripe refused: code {refusal.code or 'none'}, parameter {refusal.param or 'none'}")
        self.refusal = refusal

    @property
    def code(self) -> str | None:
        return self.refusal.code

    @property
    def param(self) -> str | None:
        return self.refusal.param


class AccountGoneError(StripeRefusedError):
    """Nothing was made: we have no access to the account any more (https://docs.stripe.com/error-codes)."""

    CODE: Final = "account_invalid"

    def __init__(self, param: str | None = None) -> None:
        super().__init__(Refusal(self.CODE, param))

    @override
    def __str__(self) -> str:
        return "its Stripe account is not connected any more"


class StripeUncertainError(StripeError):
    """It may have happened or not."""


class StripeBrokenError(StripeError):
    """It may have happened or not, and asking again with this key is of no use."""


class _DeadlineSession(requests.Session):
    """Gives every request the seconds that its flow has left, retries included."""

    @override
    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        left = _seconds_left.get()()
        connecting = min(CONNECT_SECONDS, left / 2)
        # Requests counts connecting and the wait for the answer apart, and the latter anew for every piece of it.
        kwargs["timeout"] = (connecting, left - connecting)
        return super().request(*args, **kwargs)


def stripe_client(
    secret_key: str, api: str, http_client: stripe.HTTPClient | None = None, *, connect: str = OAUTH
) -> stripe.StripeClient:
    """The library's client, with our time limits and API version, for Stripe's API and its OAuth host.

    `http_client` for a stand-in in process.
    """
    return stripe.StripeClient(
        secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": api, "connect": connect},
        max_network_retries=0,
        http_client=http_client or deadline_client(),
    )


def deadline_client() -> stripe.HTTPClient:
    """HTTP for the library, each request within the seconds that its flow has left."""
    return stripe.RequestsClient(timeout=CALL_SECONDS, session=_DeadlineSession())


class StripeApi:
    """One deployment's access to Stripe. A call ends in 8 s, or 4 s before the deadline if that comes first."""

    def __init__(self, client: stripe.StripeClient, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._sleep = sleep

    def create_checkout(self, attempt: Attempt, deadline: Deadline) -> CheckoutSeen:
        """Make the attempt's Checkout Session; again with the same bytes and key if need be. Raises StripeError."""
        answer = self.call(
            "post",
            "/v1/checkout/sessions",
            attempt.stripe_account_id,
            deadline,
            checkout_parameters(attempt),
            idempotency_key=f"attempt-{attempt.attempt_id}",
        )
        return objects.checkout_seen(answer, attempt.stripe_account_id)

    def look_at_checkout(self, attempt: Attempt, deadline: Deadline) -> list[Seen]:
        """How far it has come, with its charge when there is one. The attempt must be known to Stripe."""
        answer = self.call(
            "get",
            f"/v1/checkout/sessions/{attempt.checkout_session_id}",
            attempt.stripe_account_id,
            deadline,
            {"expand": ["payment_intent.latest_charge"]},
        )
        return _with_charge(answer, attempt.stripe_account_id)

    def expire_checkout(self, attempt: Attempt, deadline: Deadline) -> list[Seen]:
        """Close it, and say what it was when it could not be closed: paid, complete or expired already.

        https://docs.stripe.com/api/checkout/sessions/expire: only an open one can be expired.
        """
        path = f"/v1/checkout/sessions/{attempt.checkout_session_id}/expire"
        try:
            answer = self.call("post", path, attempt.stripe_account_id, deadline, {})
        except StripeRefusedError:
            return self.look_at_checkout(attempt, deadline)
        return [objects.checkout_seen(answer, attempt.stripe_account_id)]

    def find_checkout(self, attempt: Attempt, deadline: Deadline) -> CheckoutSeen | None:
        """Look for an attempt whose outcome is unknown, by its own id; None when Stripe made nothing of it.

        Sessions cannot be listed by metadata, so this reads those created since the attempt was.
        """
        created = {
            "gte": int((attempt.made_at - _LISTING_SLACK).timestamp()),
            "lte": int((attempt.made_at + timedelta(hours=25)).timestamp()),
        }
        for checkout in self._listed(
            "/v1/checkout/sessions", attempt.stripe_account_id, deadline, {"created": created}
        ):
            if checkout.get("client_reference_id") == attempt.attempt_id:
                return objects.checkout_seen(checkout, attempt.stripe_account_id)
        return None

    def fetch_payment(
        self, payment_intent_id: str, account: str | None, deadline: Deadline
    ) -> tuple[Place | None, list[Seen]]:
        """Where a PaymentIntent belongs, and its charge when that succeeded."""
        answer = self.call(
            "get", f"/v1/payment_intents/{payment_intent_id}", account, deadline, {"expand": ["latest_charge"]}
        )
        return objects.place_of(answer), _charges(answer.get("latest_charge"), account)

    def refund(self, act: MakeRefund, round_: int, deadline: Deadline) -> RefundSeen:
        """Give money back. The key is made of the decision, the amount and the round, so a retry is the same refund.

        A later round is another request to Stripe, which replays even its own 500 under one key for a day.
        """
        parameters: dict[str, Any] = {
            "payment_intent": act.payment.payment_intent_id,
            "amount": act.amount,
            "metadata": {objects.DECISION: act.decision_id, objects.REASON: act.reason.value},
        }
        if act.with_application_fee:
            parameters["refund_application_fee"] = True
        answer = self.call(
            "post",
            "/v1/refunds",
            act.payment.stripe_account_id,
            deadline,
            parameters,
            idempotency_key=f"refund-{act.decision_id}-{act.amount}-{round_}",
        )
        return objects.refund_seen(answer)

    def list_refunds(self, payment: Payment, deadline: Deadline) -> list[RefundSeen]:
        """Every refund of this payment, whoever made it."""
        query = {"payment_intent": payment.payment_intent_id}
        listed = self._listed("/v1/refunds", payment.stripe_account_id, deadline, query)
        return [objects.refund_seen(refund) for refund in listed]

    def fetch_dispute(self, dispute: Dispute, account: str | None, deadline: Deadline) -> DisputeSeen:
        answer = self.call("get", f"/v1/disputes/{dispute.dispute_id}", account, deadline, {})
        return objects.dispute_seen(answer, asked=True)

    def find_checkouts_of(self, payment_intent_id: str, account: str | None, deadline: Deadline) -> list[Seen]:
        """The Checkout Session that this PaymentIntent was made by, if one was."""
        query = {"payment_intent": payment_intent_id}
        listed = self._listed("/v1/checkout/sessions", account, deadline, query)
        return [objects.checkout_seen(one, account) for one in listed if one.get("client_reference_id")]

    def fetch_event(self, event_id: str, account: str | None, deadline: Deadline) -> Event:
        """One of the last 30 days: https://docs.stripe.com/api/events/retrieve."""
        return event_of(self.call("get", f"/v1/events/{event_id}", account, deadline, {}), account)

    def pages(
        self, path: str, account: str | None, deadline: Deadline, query: Mapping[str, Any]
    ) -> Iterator[list[StripeObject]]:
        """A list of Stripe's, the newest first, one call for each page of 100, however long it is."""
        after: dict[str, str] = {}
        more = True
        while more:
            answer = self.call("get", path, account, deadline, {**query, "limit": _PAGE, **after})
            page, more = answer["data"], bool(answer.get("has_more"))
            yield page
            after = {"starting_after": page[-1]["id"]} if more else {}

    def _listed(
        self, path: str, account: str | None, deadline: Deadline, query: Mapping[str, Any]
    ) -> Iterator[StripeObject]:
        """What a request can wait for; raises StripeBrokenError rather than give up silently on a very long list."""
        for number, page in enumerate(self.pages(path, account, deadline, query)):
            if number == _PAGES:
                message = f"more than {_PAGE * _PAGES} entries to look through"
                raise StripeBrokenError(message)
            yield from page

    def call(
        self,
        method: str,
        path: str,
        account: str | None,
        deadline: Deadline,
        parameters: Mapping[str, Any],
        *,
        repeats: bool = True,
        **options: Any,
    ) -> StripeObject:
        """One request, repeated once within its time as may be. `options`: the library's. Raises StripeError."""
        if account is not None:
            options["stripe_account"] = account
        with _bounded(deadline) as seconds_left, _translated():

            def tried() -> StripeObject:
                return cast("StripeObject", self._client.raw_request(method, path, **parameters, **options).data)

            try:
                return tried()
            except stripe.StripeError as error:
                is_limited = isinstance(error, stripe.RateLimitError)
                if not is_limited and not (repeats and _may_be_repeated(error)):
                    raise
                try:
                    left = seconds_left()
                except OutOfTimeError:
                    raise error from None
                self._sleep(min(RATE_LIMITED_WAIT_SECONDS if is_limited else RETRY_WAIT_SECONDS, left))
                return _after(error, tried)


def _may_be_repeated(error: stripe.StripeError) -> bool:
    """After silence, a conflict or an error of Stripe's own, unless Stripe says no.

    https://docs.stripe.com/error-low-level. The library's own retries are off, since they hide what came of the first.
    """
    if (error.headers or {}).get("stripe-should-retry") == "false":
        return False
    status = error.http_status
    if status is None:
        return isinstance(error, stripe.APIConnectionError) and error.should_retry
    return status in {_CONFLICT, *range(_SERVER_ERROR, 600)}


def _after(first: stripe.StripeError, tried: Callable[[], StripeObject]) -> StripeObject:
    """The second try. Where we have no access any more by then, nobody can say what came of the first one."""
    try:
        return tried()
    except stripe.StripeError as error:
        if error.http_status in _NO_ACCESS and not isinstance(first, stripe.RateLimitError):
            raise first from None
        raise


def checkout_parameters(attempt: Attempt) -> dict[str, Any]:
    """Stripe's parameters of this attempt; the same attempt always gives the same.

    https://docs.stripe.com/api/checkout/sessions/create. Metadata goes to the PaymentIntent too, since that is what
    charges, refunds and disputes lead back to.
    """
    order = attempt.order
    if order is None:
        message = "an attempt is sent only while its outcome is unknown"
        raise ValueError(message)
    metadata = dict(order.metadata)
    payment_intent: dict[str, Any] = {"metadata": metadata}
    if attempt.application_fee:
        payment_intent["application_fee_amount"] = attempt.application_fee
    price = {
        "currency": attempt.currency,
        "unit_amount": attempt.amount,
        "product_data": {"name": order.product_name},
    }
    checkout = {
        "mode": "payment",
        "client_reference_id": attempt.attempt_id,
        "line_items": [{"quantity": 1, "price_data": price}],
        "payment_method_types": list(order.payment_method_types),
        "metadata": metadata,
        "payment_intent_data": payment_intent,
        "adaptive_pricing": {"enabled": False},
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
        "expires_at": int(attempt.expires_at.timestamp()),
    }
    options = {method: _METHOD_OPTIONS[method] for method in order.payment_method_types if method in _METHOD_OPTIONS}
    return {**checkout, "payment_method_options": options} if options else checkout


_METHOD_OPTIONS = {
    "acss_debit": {"mandate_options": {"payment_schedule": "sporadic", "transaction_type": "personal"}},
}
"""What Stripe must be told of a method beside its name. The client agrees to be debited once, as a private person.

https://docs.stripe.com/payments/acss-debit/accept-a-payment?payment-ui=checkout
"""


def _with_charge(checkout: StripeObject, account: str | None) -> list[Seen]:
    payment_intent = checkout.get("payment_intent")
    charge = payment_intent.get("latest_charge") if isinstance(payment_intent, Mapping) else None
    return [objects.checkout_seen(checkout, account), *_charges(charge, account)]


def _charges(charge: object, account: str | None) -> list[Seen]:
    seen = objects.charge_seen(charge, account) if isinstance(charge, Mapping) else None
    return [seen] if seen else []


@contextmanager
def _bounded(deadline: Deadline) -> Iterator[Callable[[], float]]:
    """Gives the seconds left to the call. Raises OutOfTimeError before one for which there is no time."""
    ours = Deadline(deadline.ticks, deadline.ends_at - SAVE_SECONDS)

    def seconds_left() -> float:
        return ours.at_most(CALL_SECONDS)

    seconds_left()
    token = _seconds_left.set(seconds_left)
    try:
        yield seconds_left
    finally:
        _seconds_left.reset(token)


@contextmanager
def _translated() -> Iterator[None]:
    """The library's errors as ours, by status and never by text; the cause is cut off, since it quotes requests."""
    try:
        yield
    except stripe.StripeError as error:
        raise _our_error(error) from None


def _our_error(error: stripe.StripeError) -> StripeError:
    status = error.http_status
    if isinstance(error, stripe.IdempotencyError):
        return StripeBrokenError("the idempotency key stands for other parameters")
    if status is not None and status >= _SERVER_ERROR:
        return StripeBrokenError(f"status {status}")
    if status not in _REFUSALS or isinstance(error, stripe.RateLimitError):
        # Also a 200 whose body was cut off on its way: the library calls that an error, and the thing is made.
        return StripeUncertainError(f"status {status or 'none'}")
    # Errors of OAuth have no code but their own name (https://docs.stripe.com/connect/oauth-reference).
    told = error.error
    # A refund without balance has no code, and says why in `message_code`, which Stripe does not document:
    # https://github.com/Automattic/woocommerce-payments/issues/10025
    refusal = Refusal(
        code=_name(getattr(told, "code", None) or error.code or getattr(told, "message_code", None)),
        param=_name(getattr(told, "param", None)),
        kind=_name(getattr(told, "type", None)),
        request_id=_name(error.request_id),
    )
    return AccountGoneError(refusal.param) if refusal.code == AccountGoneError.CODE else StripeRefusedError(refusal)


def _name(told: object) -> str | None:
    """A name of Stripe's, short enough to be kept."""
    return told[:LONGEST_NAME] if isinstance(told, str) and told else None
