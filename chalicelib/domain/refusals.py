"""A definite refusal of Stripe's: nothing was made, and by what Stripe says it can be told whose it is to mend.

Codes, never Stripe's own texts: these may quote what was sent, and change. Where Stripe gives no code for it, nothing
is guessed: what it says is shown, with the request by which an operator finds it. Sources:
https://docs.stripe.com/api/errors and, for the codes, https://docs.stripe.com/error-codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


@dataclass(frozen=True, slots=True)
class Refusal:
    """What Stripe says of a request that it refused (400 to 404); None where it says nothing.

    `code` and `param` are Stripe's names, `kind` the error's type (`invalid_request_error`), `request_id` (`req_…`)
    finds the request in Stripe's dashboard.
    """

    code: str | None = None
    param: str | None = None
    kind: str | None = None
    request_id: str | None = None


class RefusalCause(StrEnum):
    """Why, as far as Stripe's code and parameter tell; each has a sentence that says who must do what."""

    BALANCE = "balance"
    TOO_OLD = "too_old"
    ALREADY_REFUNDED = "already_refunded"
    DISPUTED = "disputed"
    CAPABILITY = "capability"
    RESTRICTED = "restricted"
    CURRENCY = "currency"
    METHOD = "method"
    FEE = "fee"
    AMOUNT = "amount"
    SECRET_KEY = "secret_key"  # noqa: S105 - the name of a cause
    UNKNOWN = "unknown"


_BY_CODE: Final[dict[str | None, RefusalCause]] = {
    # Of transfers and payouts, and of refunds as merchants see it; we charge nobody ourselves, so that want of funds
    # is always the account's: https://github.com/Automattic/woocommerce-payments/issues/10025.
    "balance_insufficient": RefusalCause.BALANCE,
    "insufficient_balance_for_refund": RefusalCause.BALANCE,
    "insufficient_funds": RefusalCause.BALANCE,
    "charge_not_refundable": RefusalCause.TOO_OLD,
    "charge_already_refunded": RefusalCause.ALREADY_REFUNDED,
    "charge_disputed": RefusalCause.DISPUTED,
    "refund_disputed_payment": RefusalCause.DISPUTED,
    "insufficient_capabilities_for_transfer": RefusalCause.CAPABILITY,
    "transfers_not_allowed": RefusalCause.CAPABILITY,
    "testmode_charges_only": RefusalCause.RESTRICTED,
    "charge_exceeds_source_limit": RefusalCause.RESTRICTED,
    "charge_exceeds_transaction_limit": RefusalCause.RESTRICTED,
    "payment_method_currency_mismatch": RefusalCause.METHOD,
    "payment_method_not_available": RefusalCause.METHOD,
    "payment_method_unactivated": RefusalCause.METHOD,
    "payment_method_unsupported_type": RefusalCause.METHOD,
    "sepa_unsupported_account": RefusalCause.METHOD,
    "application_fees_not_allowed": RefusalCause.FEE,
    "amount_too_large": RefusalCause.AMOUNT,
    "amount_too_small": RefusalCause.AMOUNT,
    "invalid_charge_amount": RefusalCause.AMOUNT,
    "api_key_expired": RefusalCause.SECRET_KEY,
    "platform_api_key_expired": RefusalCause.SECRET_KEY,
    "secret_key_required": RefusalCause.SECRET_KEY,
}
_BY_PARAM: Final = (
    ("application_fee", RefusalCause.FEE),
    ("payment_method", RefusalCause.METHOD),
    ("currency", RefusalCause.CURRENCY),
    ("amount", RefusalCause.AMOUNT),
)
"""What a parameter has in its name, the first that it has: `payment_intent_data[application_fee_…]`."""

PARAMETER_UNKNOWN = "parameter_unknown"
"""Stripe has no such parameter: a mistake of ours, whatever the parameter is about."""

_SENTENCES: Final = {
    RefusalCause.BALANCE: "The balance of the clinic's Stripe account does not cover it: the clinic adds funds to its "
    "balance in Stripe, or waits until payments have come in.",
    RefusalCause.TOO_OLD: "Stripe does not refund this payment any more: the clinic looks at it in Stripe, and gives "
    "back another way what did not go back.",
    RefusalCause.ALREADY_REFUNDED: "Stripe says that all of the payment went back: the clinic looks at its refunds in "
    "Stripe before it gives anything more.",
    RefusalCause.DISPUTED: "The payer disputes the payment with their bank, which decides: the clinic answers the "
    "dispute in Stripe.",
    RefusalCause.CAPABILITY: "The clinic's Stripe account lacks a capability for it: the clinic turns it on in Stripe, "
    "and gives there what Stripe asks for.",
    RefusalCause.RESTRICTED: "Stripe restricts the clinic's account: the clinic gives in Stripe what Stripe asks for, "
    "or writes to Stripe's support.",
    RefusalCause.CURRENCY: "Stripe does not take this currency from the clinic's account: the clinic asks for the fee "
    "in another one.",
    RefusalCause.METHOD: "Stripe does not take a payment method that is offered: the clinic activates it in Stripe, or "
    "the operator takes it from the team.",
    RefusalCause.FEE: "Stripe does not take the platform's fee of this payment: the operator sees to the fee.",
    RefusalCause.AMOUNT: "Stripe does not take this amount: the clinic changes the fee; of a refund, it looks in "
    "Stripe at what is left of the payment.",
    RefusalCause.SECRET_KEY: "Stripe does not take the secret key of this deployment: the operator puts a valid one "
    "into its secrets.",
}


def cause_of(refusal: Refusal) -> RefusalCause:
    """Why Stripe refused: its code says it, else the parameter that it names."""
    known = _BY_CODE.get(refusal.code)
    if known is not None:
        return known
    if refusal.code != PARAMETER_UNKNOWN:
        for name, cause in _BY_PARAM:
            if name in (refusal.param or ""):
                return cause
    return RefusalCause.UNKNOWN


def sentence(refusal: Refusal) -> str:
    """Who must do what; of an unknown one, all that Stripe says of it."""
    known = _SENTENCES.get(cause_of(refusal))
    if known is not None:
        return known
    told = (("code", refusal.code), ("type", refusal.kind), ("parameter", refusal.param))
    said = ", ".join(f"{name} {value or 'none'}" for name, value in told)
    return f"Stripe says: {said}, request {refusal.request_id or 'none'}. The operator looks it up in Stripe's logs."
