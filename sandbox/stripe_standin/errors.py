"""Stripe's error answers: what is said, in Stripe's own words and shape, when a request is refused.

Wording and codes: https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes, and messages quoted by
Stripe's users where the pages are silent. Nothing here decides when to refuse.
"""

from collections.abc import Sequence
from typing import Any

from sandbox.stripe_standin.currencies import format_amount

JsonObject = dict[str, Any]

INVALID_REQUEST = "invalid_request_error"
SUPPORT = "Please see https://stripe.com/docs or we can help at https://support.stripe.com/."


class StripeError(Exception):
    """A refusal, as Stripe would send it. `sticks` says whether an idempotency key keeps this answer."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        error_type: str = INVALID_REQUEST,
        message_code: str | None = None,
        sticks: bool = True,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.error_type = error_type
        self.message_code = message_code
        self.sticks = sticks

    def body(self) -> JsonObject:
        """Give the JSON body: only the fields that are set, as Stripe does."""
        doc_url = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}" if self.code else None
        fields = {
            "code": self.code,
            "doc_url": doc_url,
            "message": self.message,
            "message_code": self.message_code,
            "param": self.param,
            "type": self.error_type,
        }
        return {"error": {name: value for name, value in fields.items() if value is not None}}


class NoAnswer(Exception):  # noqa: N818 - not an error of ours: the network's silence, as a fault
    """The request got no answer; whether it had an effect is not known to who asked."""


# --- who asks -----------------------------------------------------------------------------------------------------


def no_api_key() -> StripeError:
    return StripeError(
        401,
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer "
        "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for "
        "details, or we can help at https://support.stripe.com/.",
        sticks=False,
    )


def invalid_api_key(key: str) -> StripeError:
    return StripeError(401, f"Invalid API Key provided: {redacted(key)}", sticks=False)


def account_invalid(key: str, account_id: str) -> StripeError:
    return StripeError(
        403,
        f"The provided key '{redacted(key)}' does not have access to account '{account_id}' (or that account does not "
        "exist). Application access may have been revoked.",
        code="account_invalid",
        sticks=False,
    )


def only_platforms() -> StripeError:
    return StripeError(
        403,
        "Only Stripe Connect platforms can work with other accounts. If you specified a client_id parameter, make sure "
        "it's correct. If you need to setup a Stripe Connect platform, you can do so at "
        "https://dashboard.stripe.com/account/applications/settings.",
        sticks=False,
    )


def no_client_application() -> StripeError:
    """Refuse an account link for the platform itself."""
    return StripeError(400, "You must have a client application set in order to make this request.")


def version_not_simulated(version: str, played: str) -> StripeError:
    message = (
        f"The Stripe stand-in plays version {played} of Stripe's API alone, and this request asks for {version} "
        "(Stripe-Version). Stripe would serve it."
    )
    return StripeError(400, message, sticks=False)


def redacted(key: str) -> str:
    """Give a key as Stripe shows it in messages: first letters and last four."""
    return f"{key[:8]}{'*' * max(len(key) - 12, 4)}{key[-4:]}" if len(key) > 12 else "*" * len(key)


def charges_disabled() -> StripeError:
    return StripeError(400, "Your account cannot currently make charges.")


# --- where and when -----------------------------------------------------------------------------------------------


def unrecognized_url(method: str, path: str) -> StripeError:
    return StripeError(404, f"Unrecognized request URL ({method}: {path}). {SUPPORT}", sticks=False)


def resource_missing(kind: str, object_id: str, param: str) -> StripeError:
    return StripeError(404, f"No such {kind}: '{object_id}'", code="resource_missing", param=param)


def rate_limited() -> StripeError:
    message = "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
    return StripeError(429, message, code="rate_limit", sticks=False)


def internal_error() -> StripeError:
    message = "An unknown error occurred. We have been notified. Please try again later."
    return StripeError(500, message, error_type="api_error")


def key_in_use(key: str) -> StripeError:
    return StripeError(
        409,
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted "
        f"twice, and the other request is still going through): {key}. Please try again later.",
        code="idempotency_key_in_use",
        sticks=False,
    )


def key_reused(key: str, paths: tuple[str, str]) -> StripeError:
    """Refuse a key that came with another request before; `paths` are the present and the first one."""
    same = paths[0] == paths[1]
    only = (
        "with the same parameters they were first used with"
        if same
        else "for the same endpoint they were first used for"
    )
    where = "" if same else f" ('{paths[0]}' vs '{paths[1]}')"
    return StripeError(
        400,
        f"Keys for idempotent requests can only be used {only}{where}. Try using a key other than '{key}' if you meant "
        "to execute a different request.",
        error_type="idempotency_error",
        sticks=False,
    )


def key_too_long() -> StripeError:
    return StripeError(
        400, "Idempotency keys can be at most 255 characters.", error_type="idempotency_error", sticks=False
    )


# --- parameters (never kept by an idempotency key: nothing was begun) ------------------------------------------------


def parameter_invalid(message: str, param: str, code: str | None = None) -> StripeError:
    return StripeError(400, message, code=code, param=param, sticks=False)


def parameters_unknown(params: Sequence[str]) -> StripeError:
    noun = "parameter" if len(params) == 1 else "parameters"
    return parameter_invalid(f"Received unknown {noun}: {', '.join(params)}", params[0], "parameter_unknown")


def parameter_missing(param: str) -> StripeError:
    return parameter_invalid(f"Missing required param: {param}.", param, "parameter_missing")


def parameter_not_simulated(param: str) -> StripeError:
    """Say that Stripe knows this parameter and the stand-in does not: never pretend that it was heeded."""
    return parameter_invalid(f"The Stripe stand-in does not simulate the parameter {param}.", param)


def not_expandable(name: str) -> StripeError:
    return parameter_invalid(f"This property cannot be expanded ({name}).", "expand")


# --- Checkout -----------------------------------------------------------------------------------------------------


def checkout_not_open(status: str) -> StripeError:
    return StripeError(
        400,
        'Only Checkout Sessions with a status in ["open"] can be expired. '
        f"This Checkout Session has a status of `{status}`.",
    )


def expires_too_soon() -> StripeError:
    message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
    return StripeError(400, message, param="expires_at")


def expires_too_late() -> StripeError:
    message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
    return StripeError(400, message, param="expires_at")


def invalid_currency(currency: str, supported: Sequence[str], param: str) -> StripeError:
    listed = ", ".join(supported)
    return StripeError(
        400, f"Invalid currency: {currency}. Stripe currently supports these currencies: {listed}", param=param
    )


def amount_too_small(minimum: int, currency: str) -> StripeError:
    shown = f"{format_amount(minimum, currency)} {currency}"
    message = f"The Checkout Session's total amount due must add up to at least {shown}"
    return StripeError(400, message, code="amount_too_small")


def amount_too_large(maximum: int, currency: str) -> StripeError:
    message = f"The Checkout Session's total amount due must be no more than {format_amount(maximum, currency)}"
    return StripeError(400, message, code="amount_too_large")


def amount_not_a_multiple(step: int, currency: str, param: str) -> StripeError:
    message = f"Invalid amount: amounts in {currency} must be divisible by {step}."
    return StripeError(400, message, code="parameter_invalid_integer", param=param)


def method_currency_mismatch(method: str, currency: str) -> StripeError:
    message = f"The currency provided ({currency}) is invalid for the payment method type {method}."
    return StripeError(400, message, param="payment_method_types")


def method_not_activated(method: str) -> StripeError:
    """As users quote it (opencollective#8564 and others): the page is refused, not the method alone."""
    return StripeError(
        400,
        f"The payment method type provided: {method} is invalid. Please ensure the provided type is activated in your "
        "dashboard (https://dashboard.stripe.com/account/payments/settings) and your account is enabled for any "
        "preview features that you are trying to use.",
        param="payment_method_types",
    )


def application_fee_without_connect() -> StripeError:
    return StripeError(
        400,
        "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an "
        "OAuth key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).",
        param="payment_intent_data[application_fee_amount]",
    )


def application_fee_abroad(platform: str, country: str) -> StripeError:
    """In the words that unlock-protocol/unlock#12594 quotes, with their code. They quote no `param`."""
    message = (
        f"Stripe doesn't currently support application fees for platforms in {platform} with connected accounts in "
        f"{country}."
    )
    return StripeError(400, message, code="charge_invalid_parameter")


def application_fee_too_large() -> StripeError:
    return StripeError(
        400,
        "The application_fee_amount cannot be greater than the total amount of the Checkout Session.",
        param="payment_intent_data[application_fee_amount]",
    )


# --- refunds --------------------------------------------------------------------------------------------------------


def refund_of_nothing() -> StripeError:
    message = "One of the following params should be provided for this request: payment_intent or charge."
    return parameter_invalid(message, "charge", "parameter_missing")


def no_successful_charge(payment_intent_id: str) -> StripeError:
    message = f"This PaymentIntent ({payment_intent_id}) does not have a successful charge to refund."
    return StripeError(400, message, code="payment_intent_unexpected_state", param="payment_intent")


def charge_not_refundable(charge: JsonObject) -> StripeError:
    message = f"Charge {charge['id']} has a status of {charge['status']}; only a succeeded charge can be refunded."
    return StripeError(400, message, param="charge")


def charge_disputed(charge_id: str) -> StripeError:
    message = f"Charge {charge_id} has been charged back; cannot issue a refund."
    return StripeError(400, message, code="charge_disputed")


def charge_already_refunded(charge_id: str) -> StripeError:
    return StripeError(400, f"Charge {charge_id} has already been refunded.", code="charge_already_refunded")


def refund_too_large(asked: int, charge: JsonObject) -> StripeError:
    left = charge["amount"] - charge["amount_refunded"]
    of_what = "charge amount" if left == charge["amount"] else "unrefunded amount on charge"
    currency = charge["currency"]
    message = (
        f"Refund amount ({format_amount(asked, currency)}) is greater than {of_what} ({format_amount(left, currency)})"
    )
    return StripeError(400, message, param="amount")


def balance_insufficient() -> StripeError:
    """As merchants are shown it: https://github.com/Automattic/woocommerce-payments/issues/10025 (no `code`)."""
    message = "Insufficient funds in your Stripe balance to refund this amount."
    return StripeError(400, message, message_code="insufficient_balance_for_refund")


def no_application_fee(charge_id: str) -> StripeError:
    message = f"Attempting to refund_application_fee on {charge_id}, but it has no application fee"
    return StripeError(400, message, param="refund_application_fee")


def no_transfer_to_reverse(charge_id: str) -> StripeError:
    return StripeError(
        400,
        f"Cannot reverse transfer on charge {charge_id} because it does not have a transfer.",
        param="reverse_transfer",
    )
