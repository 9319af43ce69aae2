"""What each endpoint of the stand-in takes, as tables. No logic: parameters.py reads them.

They are made from the types of Stripe's library (library_types.py). What stands here is which of Stripe's parameters
the stand-in simulates, and the limits that types cannot tell, which follow Stripe's OpenAPI document
(https://github.com/stripe/openapi). To simulate one more, write its name into its table: `AS_TYPED` takes it as the
library's type has it, `Fields` goes into it, `Only` names the values of an enumeration.
"""

from stripe import params
from stripe.params import checkout

from sandbox.stripe_standin.library_types import AS_TYPED, Fields, Only, Simulated, table
from sandbox.stripe_standin.parameters import Email, Integer, Metadata, Text, Url

# Delayed bank debits, and the currencies they take: https://docs.stripe.com/payments/bank-debits
BANK_DEBITS = {
    "acss_debit": ("cad", "usd"),
    "au_becs_debit": ("aud",),
    "bacs_debit": ("gbp",),
    "nz_bank_account": ("nzd",),
    "sepa_debit": ("eur",),
    "us_bank_account": ("usd",),
}
PAYMENT_METHOD_TYPES = ("card", "link", *BANK_DEBITS)

EVENT_TYPES = (
    "account.application.authorized", "account.application.deauthorized", "account.updated",
    "application_fee.created", "application_fee.refunded",
    "charge.dispute.closed", "charge.dispute.created", "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn", "charge.dispute.updated", "charge.failed", "charge.pending",
    "charge.refund.updated", "charge.refunded", "charge.succeeded", "charge.updated",
    "checkout.session.async_payment_failed", "checkout.session.async_payment_succeeded",
    "checkout.session.completed", "checkout.session.expired",
    "payment_intent.canceled", "payment_intent.created", "payment_intent.payment_failed",
    "payment_intent.processing", "payment_intent.requires_action", "payment_intent.succeeded",
    "refund.created", "refund.failed", "refund.updated",
)  # fmt: skip
"""All that the stand-in sends; a test holds it against what is announced."""

EXPAND: dict[str, Simulated] = {"expand": AS_TYPED}
RETRIEVE = table(params.EventRetrieveParams, EXPAND)
CURSOR: dict[str, Simulated] = {
    "ending_before": AS_TYPED,
    "limit": Integer(least=1, most=100),
    "starting_after": AS_TYPED,
    **EXPAND,
}
PAGE: dict[str, Simulated] = {**CURSOR, "created": AS_TYPED}

PRODUCT_DATA = Fields(
    {
        "name": AS_TYPED,
        "description": Text(40000),
        "images": Url(),
        "metadata": AS_TYPED,
        "tax_code": AS_TYPED,
    },
)
PRICE_DATA = Fields(
    {
        "currency": Text(3),
        "product_data": PRODUCT_DATA,
        "tax_behavior": AS_TYPED,
        "unit_amount": Integer(least=0),
    },
    required=("product_data", "unit_amount"),  # since what may stand in their place is not simulated
)

CHECKOUT_SESSION_CREATE = table(
    checkout.SessionCreateParams,
    {
        "adaptive_pricing": Fields({"enabled": AS_TYPED}),
        "billing_address_collection": AS_TYPED,
        "cancel_url": Url(),
        "client_reference_id": Text(200),
        "customer_creation": AS_TYPED,
        "customer_email": Email(),
        "expires_at": AS_TYPED,
        "integration_identifier": Text(200),
        "line_items": Fields(
            {"price_data": PRICE_DATA, "quantity": Integer(least=1), "metadata": AS_TYPED},
            required=("price_data", "quantity"),
        ),
        "locale": AS_TYPED,
        "metadata": AS_TYPED,
        "mode": AS_TYPED,
        "payment_intent_data": Fields(
            {
                "application_fee_amount": Integer(least=1),
                "description": Text(1000),
                "metadata": AS_TYPED,
                "receipt_email": Email(),
                "statement_descriptor": Text(22),
                "statement_descriptor_suffix": Text(22),
                "transfer_group": AS_TYPED,
            }
        ),
        "payment_method_options": Fields(
            {
                "acss_debit": Fields(
                    {
                        "mandate_options": Fields(
                            {
                                "interval_description": Text(500),
                                "payment_schedule": AS_TYPED,
                                "transaction_type": AS_TYPED,
                            }
                        )
                    }
                )
            }
        ),
        "payment_method_types": Only(PAYMENT_METHOD_TYPES),
        "phone_number_collection": Fields({"enabled": AS_TYPED}),
        "submit_type": AS_TYPED,
        "success_url": Url(),
        "ui_mode": Only(("hosted_page",)),
        **EXPAND,
    },
    required=("mode", "line_items", "success_url"),  # in prose: of a hosted page that takes a payment
)

CHECKOUT_SESSION_LIST = table(checkout.SessionListParams, {**PAGE, "payment_intent": AS_TYPED, "status": AS_TYPED})
CHECKOUT_SESSION_EXPIRE = table(checkout.SessionExpireParams, EXPAND)
LINE_ITEM_LIST = table(checkout.SessionListLineItemsParams, CURSOR)

PAYMENT_INTENT_RETRIEVE = table(params.PaymentIntentRetrieveParams, EXPAND)
PAYMENT_INTENT_LIST = table(params.PaymentIntentListParams, PAGE)
CHARGE_LIST = table(params.ChargeListParams, {**PAGE, "payment_intent": AS_TYPED})

REFUND_CREATE = table(
    params.RefundCreateParams,
    {
        "amount": Integer(least=1),
        "charge": AS_TYPED,
        "metadata": AS_TYPED,
        "payment_intent": AS_TYPED,
        "reason": AS_TYPED,
        "refund_application_fee": AS_TYPED,
        "reverse_transfer": AS_TYPED,
        **EXPAND,
    },
)
REFUND_LIST = table(params.RefundListParams, {**PAGE, "charge": AS_TYPED, "payment_intent": AS_TYPED})
DISPUTE_LIST = table(params.DisputeListParams, {**PAGE, "charge": AS_TYPED, "payment_intent": AS_TYPED})
APPLICATION_FEE_LIST = table(params.ApplicationFeeListParams, {**PAGE, "charge": AS_TYPED})
BALANCE_TRANSACTION_LIST = table(
    params.BalanceTransactionListParams, {**PAGE, "currency": Text(3), "source": AS_TYPED, "type": AS_TYPED}
)
EVENT_LIST = table(params.EventListParams, {**PAGE, "type": AS_TYPED, "types": AS_TYPED})

# --- accounts and webhook endpoints: of the platform alone ------------------------------------------------------------

ACCOUNT_CREATE = table(
    params.AccountCreateParams,
    {
        "business_profile": Fields({"name": AS_TYPED}),
        "controller": Fields(
            {
                "fees": Fields({"payer": AS_TYPED}),
                "losses": Fields({"payments": AS_TYPED}),
                "requirement_collection": AS_TYPED,
                "stripe_dashboard": Fields({"type": AS_TYPED}),
            }
        ),
        "country": AS_TYPED,
        "default_currency": AS_TYPED,
        "email": Email(),
        "metadata": AS_TYPED,
        **EXPAND,
    },
)
ACCOUNT_LINK_CREATE = table(
    params.AccountLinkCreateParams,
    {"account": AS_TYPED, "refresh_url": Url(), "return_url": Url(), "type": AS_TYPED, **EXPAND},
    required=("refresh_url", "return_url"),  # in prose: of the types that are simulated
)

WEBHOOK_ENDPOINT: dict[str, Simulated] = {
    "description": AS_TYPED,
    "enabled_events": Only(("*", *EVENT_TYPES)),
    "url": Url(),
    **EXPAND,
}
WEBHOOK_ENDPOINT_CREATE = table(
    params.WebhookEndpointCreateParams,
    {**WEBHOOK_ENDPOINT, "api_version": AS_TYPED, "connect": AS_TYPED, "metadata": AS_TYPED},
)
WEBHOOK_ENDPOINT_UPDATE = table(
    params.WebhookEndpointUpdateParams,
    {**WEBHOOK_ENDPOINT, "disabled": AS_TYPED, "metadata": Metadata(unsets=True)},
)
WEBHOOK_ENDPOINT_LIST = table(params.WebhookEndpointListParams, CURSOR)
