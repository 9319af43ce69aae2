"""What each endpoint of the stand-in takes, as tables. No logic: parameters.py reads them.

Names, limits and choices follow Stripe's OpenAPI document (https://github.com/stripe/openapi). A parameter that Stripe
knows and the stand-in does not simulate is listed as such, so that it is refused and never silently ignored.
"""

from sandbox.stripe_standin.parameters import (
    Boolean,
    Choice,
    Email,
    Integer,
    Kind,
    ListOf,
    Metadata,
    Record,
    Text,
    TimeRange,
    Url,
)

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

LOCALES = tuple(
    """
    auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru sk
    sl sv th tr vi zh zh-HK zh-TW
    """.split()  # noqa: SIM905 - a table to read
)

EVENT_TYPES = (
    "account.application.authorized", "account.application.deauthorized", "account.updated",
    "application_fee.created", "application_fee.refunded",
    "charge.dispute.closed", "charge.dispute.created", "charge.dispute.funds_reinstated",
    "charge.dispute.funds_withdrawn", "charge.dispute.updated", "charge.failed", "charge.pending",
    "charge.refund.updated", "charge.refunded", "charge.succeeded", "charge.updated",
    "checkout.session.async_payment_failed", "checkout.session.async_payment_succeeded",
    "checkout.session.completed", "checkout.session.expired",
    "payment_intent.canceled", "payment_intent.created", "payment_intent.payment_failed",
    "payment_intent.processing", "payment_intent.succeeded",
    "refund.created", "refund.failed", "refund.updated",
)  # fmt: skip
"""All that the stand-in sends; a test holds it against what is announced."""

EXPAND: dict[str, Kind] = {"expand": ListOf(Text())}
RETRIEVE = Record(EXPAND)
PAGE: dict[str, Kind] = {
    "created": TimeRange(),
    "ending_before": Text(),
    "limit": Integer(least=1, most=100),
    "starting_after": Text(),
    **EXPAND,
}

PRICE_DATA = Record(
    {
        "currency": Text(3),
        "product_data": Record(
            {
                "name": Text(),
                "description": Text(40000),
                "images": ListOf(Url()),
                "metadata": Metadata(),
                "tax_code": Text(),
            },
            required=("name",),
            not_simulated=frozenset({"unit_label"}),
        ),
        "tax_behavior": Choice(("exclusive", "inclusive", "unspecified")),
        "unit_amount": Integer(least=0),
    },
    required=("currency", "product_data", "unit_amount"),
    not_simulated=frozenset({"product", "recurring", "unit_amount_decimal"}),
)

OTHER_METHODS = """
    affirm afterpay_clearpay alipay alma amazon_pay au_becs_debit bacs_debit bancontact billie boleto
    card cashapp crypto customer_balance demo_pay eps fpx giropay grabpay ideal kakao_pay klarna konbini
    kr_card link mobilepay multibanco naver_pay oxxo p24 pay_by_bank payco paynow paypal payto pix
    revolut_pay samsung_pay satispay scalapay sepa_debit sofort sunbit swish twint upi us_bank_account
    wechat_pay
"""

CHECKOUT_SESSION_CREATE = Record(
    {
        "adaptive_pricing": Record({"enabled": Boolean()}),
        "billing_address_collection": Choice(("auto", "required")),
        "cancel_url": Url(),
        "client_reference_id": Text(200),
        "customer_creation": Choice(("always", "if_required")),
        "customer_email": Email(),
        "expires_at": Integer(),
        "integration_identifier": Text(200),
        "line_items": ListOf(
            Record(
                {"price_data": PRICE_DATA, "quantity": Integer(least=1), "metadata": Metadata()},
                required=("price_data", "quantity"),
                not_simulated=frozenset({"adjustable_quantity", "price", "tax_rates"}),
            )
        ),
        "locale": Choice(LOCALES),
        "metadata": Metadata(),
        "mode": Choice(("payment", "setup", "subscription")),
        "payment_intent_data": Record(
            {
                "application_fee_amount": Integer(least=1),
                "description": Text(1000),
                "metadata": Metadata(),
                "receipt_email": Email(),
                "statement_descriptor": Text(22),
                "statement_descriptor_suffix": Text(22),
                "transfer_group": Text(),
            },
            not_simulated=frozenset(
                {"capture_method", "on_behalf_of", "setup_future_usage", "shipping", "transfer_data"}
            ),
        ),
        "payment_method_options": Record(
            {
                "acss_debit": Record(
                    {
                        "mandate_options": Record(
                            {
                                "interval_description": Text(500),
                                "payment_schedule": Choice(("combined", "interval", "sporadic")),
                                "transaction_type": Choice(("business", "personal")),
                            },
                            not_simulated=frozenset({"custom_mandate_url", "default_for"}),
                        ),
                    },
                    not_simulated=frozenset({"currency", "setup_future_usage", "target_date", "verification_method"}),
                ),
            },
            not_simulated=frozenset(OTHER_METHODS.split()),
        ),
        "payment_method_types": ListOf(Choice(PAYMENT_METHOD_TYPES)),
        "phone_number_collection": Record({"enabled": Boolean()}, required=("enabled",)),
        "submit_type": Choice(("auto", "book", "donate", "pay", "subscribe")),
        "success_url": Url(),
        "ui_mode": Choice(("hosted_page",)),
        **EXPAND,
    },
    required=("mode", "line_items", "success_url"),
    not_simulated=frozenset(
        {
            "after_expiration", "allow_promotion_codes", "automatic_tax", "branding_settings", "consent_collection",
            "currency", "custom_fields", "custom_text", "customer", "customer_account", "customer_update", "discounts",
            "excluded_payment_method_types", "invoice_creation", "managed_payments", "name_collection",
            "optional_items", "origin_context", "payment_method_collection", "payment_method_configuration",
            "payment_method_data", "permissions", "redirect_on_completion", "return_url",
            "saved_payment_method_options", "setup_intent_data", "shipping_address_collection", "shipping_options",
            "subscription_data", "tax_id_collection", "wallet_options",
        }
    ),
)  # fmt: skip

CHECKOUT_SESSION_LIST = Record(
    {**PAGE, "payment_intent": Text(), "status": Choice(("complete", "expired", "open"))},
    not_simulated=frozenset({"customer", "customer_account", "customer_details", "payment_link", "subscription"}),
)
CHECKOUT_SESSION_EXPIRE = RETRIEVE
LINE_ITEM_LIST = Record({name: kind for name, kind in PAGE.items() if name != "created"})

PAYMENT_INTENT_RETRIEVE = Record(EXPAND, not_simulated=frozenset({"client_secret"}))
PAYMENT_INTENT_LIST = Record(PAGE, not_simulated=frozenset({"customer", "customer_account"}))
CHARGE_LIST = Record({**PAGE, "payment_intent": Text()}, not_simulated=frozenset({"customer", "transfer_group"}))

REFUND_CREATE = Record(
    {
        "amount": Integer(least=1),
        "charge": Text(),
        "metadata": Metadata(),
        "payment_intent": Text(),
        "reason": Choice(("duplicate", "fraudulent", "requested_by_customer")),
        "refund_application_fee": Boolean(),
        "reverse_transfer": Boolean(),
        **EXPAND,
    },
    not_simulated=frozenset({"currency", "customer", "instructions_email", "origin"}),
)
REFUND_LIST = Record({**PAGE, "charge": Text(), "payment_intent": Text()})
DISPUTE_LIST = Record({**PAGE, "charge": Text(), "payment_intent": Text()})
APPLICATION_FEE_LIST = Record({**PAGE, "charge": Text()})
BALANCE_TRANSACTION_LIST = Record(
    {**PAGE, "currency": Text(3), "source": Text(), "type": Text()}, not_simulated=frozenset({"payout"})
)
EVENT_LIST = Record({**PAGE, "type": Text(), "types": ListOf(Text())}, not_simulated=frozenset({"delivery_success"}))

# --- accounts and webhook endpoints: of the platform alone ------------------------------------------------------------

ACCOUNT_CREATE = Record(
    {
        "business_profile": Record(
            {"name": Text()},
            not_simulated=frozenset(
                {
                    "annual_revenue", "estimated_worker_count", "mcc", "minority_owned_business_designation",
                    "monthly_estimated_revenue", "product_description", "support_address", "support_email",
                    "support_phone", "support_url", "url",
                }
            ),
        ),
        "controller": Record(
            {
                "fees": Record({"payer": Choice(("account", "application"))}),
                "losses": Record({"payments": Choice(("application", "stripe"))}),
                "requirement_collection": Choice(("application", "stripe")),
                "stripe_dashboard": Record({"type": Choice(("express", "full", "none"))}),
            }
        ),
        "country": Text(),
        "default_currency": Text(),
        "email": Email(),
        "metadata": Metadata(),
        **EXPAND,
    },
    not_simulated=frozenset(
        {
            "account_token", "bank_account", "business_type", "capabilities", "company", "documents",
            "external_account", "groups", "individual", "settings", "tos_acceptance", "type",
        }
    ),
)  # fmt: skip
ACCOUNT_LINK_CREATE = Record(
    {
        "account": Text(),
        "refresh_url": Url(),
        "return_url": Url(),
        "type": Choice(("account_onboarding", "account_update")),
        **EXPAND,
    },
    required=("account", "type", "refresh_url", "return_url"),
    not_simulated=frozenset({"collect", "collection_options"}),
)

WEBHOOK_ENDPOINT: dict[str, Kind] = {
    "description": Text(),
    "enabled_events": ListOf(Choice(("*", *EVENT_TYPES))),
    "url": Url(),
    **EXPAND,
}
WEBHOOK_ENDPOINT_CREATE = Record(
    {**WEBHOOK_ENDPOINT, "api_version": Text(), "connect": Boolean(), "metadata": Metadata()},
    required=("enabled_events", "url"),
)
WEBHOOK_ENDPOINT_UPDATE = Record({**WEBHOOK_ENDPOINT, "disabled": Boolean(), "metadata": Metadata(unsets=True)})
WEBHOOK_ENDPOINT_LIST = LINE_ITEM_LIST
