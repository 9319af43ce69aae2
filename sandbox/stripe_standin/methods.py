"""Ways of paying at an account: which are active there, and what Checkout refuses of them.

The table is the stand-in's own, read from Stripe's pages apart from the product's, so that a mistake in one shows:

    acss_debit       https://docs.stripe.com/payments/acss-debit/accept-a-payment?payment-ui=checkout
    au_becs_debit    https://docs.stripe.com/payments/au-becs-debit/accept-a-payment?payment-ui=checkout
    bacs_debit       https://docs.stripe.com/payments/bacs-debit
    nz_bank_account  https://docs.stripe.com/payments/nz-bank-account
    sepa_debit       https://docs.stripe.com/payments/sepa-debit
    us_bank_account  https://docs.stripe.com/payments/ach-direct-debit/accept-a-payment?payment-ui=checkout

What an account has activated is in its `capabilities`: https://docs.stripe.com/api/accounts/object.
"""

from collections.abc import Iterable

from sandbox.stripe_standin import errors
from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.parameter_tables import BANK_DEBITS, PAYMENT_METHOD_TYPES
from sandbox.stripe_standin.world import Books, ControlError, World

CAPABILITIES = {
    "acss_debit": "acss_debit_payments",
    "au_becs_debit": "au_becs_debit_payments",
    "bacs_debit": "bacs_debit_payments",
    "card": "card_payments",
    "link": "link_payments",
    "nz_bank_account": "nz_bank_account_becs_debit_payments",
    "sepa_debit": "sepa_debit_payments",
    "us_bank_account": "us_bank_account_ach_payments",
}
EUROPE_AND_MORE = """
    AT AU BE BG CA CY CZ DE DK EE ES FI FR GB GR HR HU IE IT LI LT LU LV MT NL NO PL PT RO SE SG SI SK US
"""
ACCOUNTS_IN = {
    "acss_debit": frozenset({"CA", "US"}),
    "au_becs_debit": frozenset({"AU"}),
    "bacs_debit": frozenset(EUROPE_AND_MORE.split()),
    "nz_bank_account": frozenset({"NZ"}),
    "us_bank_account": frozenset({"US"}),
}
"""Countries of the accounts that can have it; what is not here is open to all."""

MANDATE = "payment_method_options[acss_debit][mandate_options]"


def capabilities(*, active: bool) -> JsonObject:
    return {**dict.fromkeys(CAPABILITIES.values(), "active" if active else "inactive"), "transfers": "active"}


def set_active(world: World, books: Books, methods: Iterable[str]) -> None:
    """Let exactly these be active from now on; raises ControlError for what Checkout does not know."""
    asked = set(methods)
    check(asked)
    before = dict(books.account["capabilities"])
    for method, capability in CAPABILITIES.items():
        books.account["capabilities"][capability] = "active" if method in asked else "inactive"
    if books.account["capabilities"] != before:
        world.announce(books, "account.updated", books.account, previous={"capabilities": before})


def check(methods: Iterable[str]) -> None:
    """Raise ControlError for a method that Checkout does not know."""
    if unknown := sorted(set(methods) - set(PAYMENT_METHOD_TYPES)):
        message = f"{', '.join(unknown)}: the methods are {', '.join(sorted(PAYMENT_METHOD_TYPES))}"
        raise ControlError(message)


def active(account: JsonObject) -> list[str]:
    """Give the methods that an account has activated, whatever its country can have."""
    return [one for one in PAYMENT_METHOD_TYPES if account["capabilities"][CAPABILITIES[one]] == "active"]


def require(books: Books, params: JsonObject, currency: str) -> None:
    """Refuse the whole page for one method that cannot be had here; raises StripeError."""
    for method in params.get("payment_method_types", ["card"]):
        if not is_active(books.account, method):
            raise errors.method_not_activated(method)
        if method in BANK_DEBITS and currency not in BANK_DEBITS[method]:
            raise errors.method_currency_mismatch(method, currency)
        if method == "acss_debit":
            require_mandate(params.get("payment_method_options", {}).get("acss_debit", {}).get("mandate_options", {}))


def is_active(account: JsonObject, method: str) -> bool:
    """Whether the account has it; Stripe says the same of one that its country cannot have."""
    fits = method not in ACCOUNTS_IN or account["country"] in ACCOUNTS_IN[method]
    return fits and bool(account["capabilities"][CAPABILITIES[method]] == "active")


def require_mandate(options: JsonObject) -> None:
    """https://docs.stripe.com/payments/acss-debit#mandates: the payer agrees to a schedule, so it must be told."""
    for name in ("payment_schedule", "transaction_type"):
        if name not in options:
            raise errors.parameter_missing(f"{MANDATE}[{name}]")
    if options["payment_schedule"] != "sporadic" and "interval_description" not in options:
        raise errors.parameter_missing(f"{MANDATE}[interval_description]")
