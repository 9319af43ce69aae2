"""Why Stripe refused, by its codes and parameters alone: who must do what, or all that Stripe says of it."""

from __future__ import annotations

import pytest

from chalicelib.domain.refusals import Refusal, RefusalCause, cause_of, sentence

FEE = "payment_intent_data[application_fee_amount]"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("balance_insufficient", RefusalCause.BALANCE),
        ("insufficient_balance_for_refund", RefusalCause.BALANCE),
        ("insufficient_funds", RefusalCause.BALANCE),
        ("charge_not_refundable", RefusalCause.TOO_OLD),
        ("charge_already_refunded", RefusalCause.ALREADY_REFUNDED),
        ("charge_disputed", RefusalCause.DISPUTED),
        ("refund_disputed_payment", RefusalCause.DISPUTED),
        ("insufficient_capabilities_for_transfer", RefusalCause.CAPABILITY),
        ("transfers_not_allowed", RefusalCause.CAPABILITY),
        ("testmode_charges_only", RefusalCause.RESTRICTED),
        ("charge_exceeds_source_limit", RefusalCause.RESTRICTED),
        ("charge_exceeds_transaction_limit", RefusalCause.RESTRICTED),
        ("payment_method_currency_mismatch", RefusalCause.METHOD),
        ("payment_method_not_available", RefusalCause.METHOD),
        ("payment_method_unactivated", RefusalCause.METHOD),
        ("payment_method_unsupported_type", RefusalCause.METHOD),
        ("sepa_unsupported_account", RefusalCause.METHOD),
        ("application_fees_not_allowed", RefusalCause.FEE),
        ("amount_too_large", RefusalCause.AMOUNT),
        ("amount_too_small", RefusalCause.AMOUNT),
        ("invalid_charge_amount", RefusalCause.AMOUNT),
        ("api_key_expired", RefusalCause.SECRET_KEY),
        ("platform_api_key_expired", RefusalCause.SECRET_KEY),
        ("secret_key_required", RefusalCause.SECRET_KEY),
        ("resource_missing", RefusalCause.UNKNOWN),
        (None, RefusalCause.UNKNOWN),
    ],
)
def test_a_code_that_is_known_says_why(code: str | None, cause: RefusalCause) -> None:
    assert cause_of(Refusal(code)) is cause


@pytest.mark.parametrize(
    ("param", "cause"),
    [
        (FEE, RefusalCause.FEE),
        ("refund_application_fee", RefusalCause.FEE),
        ("payment_method_types", RefusalCause.METHOD),
        ("payment_method_options[acss_debit][mandate_options]", RefusalCause.METHOD),
        ("line_items[0][price_data][currency]", RefusalCause.CURRENCY),
        ("amount", RefusalCause.AMOUNT),
        ("line_items[0][price_data][unit_amount]", RefusalCause.AMOUNT),
        ("expires_at", RefusalCause.UNKNOWN),
        (None, RefusalCause.UNKNOWN),
    ],
)
def test_where_the_code_says_nothing_the_parameter_does(param: str | None, cause: RefusalCause) -> None:
    assert cause_of(Refusal(None, param)) is cause
    assert cause_of(Refusal("parameter_invalid_integer", param)) is cause


def test_a_code_says_more_than_a_parameter() -> None:
    assert cause_of(Refusal("amount_too_small", "payment_method_types")) is RefusalCause.AMOUNT


@pytest.mark.parametrize("param", [FEE, "payment_method_types", "currency", "amount"])
def test_a_parameter_that_stripe_does_not_have_is_our_mistake(param: str) -> None:
    assert cause_of(Refusal("parameter_unknown", param)) is RefusalCause.UNKNOWN


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (
            Refusal("insufficient_balance_for_refund"),
            (
                "The balance of the clinic's Stripe account does not cover it: the clinic adds funds to its balance in "
                "Stripe, or waits until payments have come in."
            ),
        ),
        (
            Refusal("charge_not_refundable"),
            (
                "Stripe does not refund this payment any more: the clinic looks at it in Stripe, and gives "
                "back another way what did not go back."
            ),
        ),
        (
            Refusal("charge_already_refunded"),
            (
                "Stripe says that all of the payment went back: the clinic looks at its refunds in Stripe before "
                "it gives anything more."
            ),
        ),
        (
            Refusal("charge_disputed"),
            "The payer disputes the payment with their bank, which decides: the clinic answers the dispute in Stripe.",
        ),
        (
            Refusal("transfers_not_allowed"),
            (
                "The clinic's Stripe account lacks a capability for it: the clinic turns it on in Stripe, and "
                "gives there what Stripe asks for."
            ),
        ),
        (
            Refusal("testmode_charges_only"),
            (
                "Stripe restricts the clinic's account: the clinic gives in Stripe what Stripe asks for, or writes to "
                "Stripe's support."
            ),
        ),
        (
            Refusal(None, "currency"),
            "Stripe does not take this currency from the clinic's account: the clinic asks for the fee in another one.",
        ),
        (
            Refusal(None, "payment_method_types"),
            (
                "Stripe does not take a payment method that is offered: the clinic activates it in Stripe, or "
                "the operator takes it from the team."
            ),
        ),
        (
            Refusal(None, FEE),
            "Stripe does not take the platform's fee of this payment: the operator sees to the fee.",
        ),
        (
            Refusal("amount_too_small"),
            (
                "Stripe does not take this amount: the clinic changes the fee; of a refund, it looks in Stripe at "
                "what is left of the payment."
            ),
        ),
        (
            Refusal("api_key_expired"),
            "Stripe does not take the secret key of this deployment: the operator puts a valid one into its secrets.",
        ),
        (
            Refusal("weather", "sky", "invalid_request_error", "req_1"),
            (
                "Stripe says: code weather, type invalid_request_error, parameter sky, request req_1. The "
                "operator looks it up in Stripe's logs."
            ),
        ),
        (
            Refusal(),
            (
                "Stripe says: code none, type none, parameter none, request none. The operator looks it up in Stripe's "
                "logs."
            ),
        ),
    ],
)
def test_each_cause_says_who_must_do_what(refusal: Refusal, said: str) -> None:
    assert sentence(refusal) == said
