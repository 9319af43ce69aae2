"""Delayed ways of paying that a team may choose: with which fees, and at which accounts, each can be used.

An offer with one that does not fit is refused by Stripe as a whole, although a card would do. Cards need no row here:
Apple Pay, Google Pay and Link come with them. Where no country is named, Stripe's page names none that we rely on: an
account that cannot have the method is told apart by Stripe's refusal. Whether an account has a method activated is in
its `capabilities` (https://docs.stripe.com/api/accounts/object#account_object-capabilities).

https://docs.stripe.com/payments/payment-methods/payment-method-support, and of each method the page beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DelayedMethod:
    """`account_countries`: of the accounts that can have it (ISO 3166-1 alpha-2); empty: not held against it."""

    currencies: frozenset[str]
    account_countries: frozenset[str]
    capability: str
    """Its name in an account's `capabilities`."""

    def fits(self, currency: str, country: str | None) -> bool:
        """Whether a fee in that currency can be paid by it, to an account of that country (None: not known)."""
        return currency in self.currencies and self.fits_account(country)

    def fits_account(self, country: str | None) -> bool:
        return country is None or not self.account_countries or country in self.account_countries


_METHODS_PARAM = "payment_method_types"
_OPTIONS_PARAM = "payment_method_options"
_BACS_COUNTRIES = """
    AT AU BE BG CA CY CZ DE DK EE ES FI FR GB GR HR HU IE IT LI LT LU LV MT NL NO PL PT RO SE SG SI SK US
"""

DELAYED = {
    # https://docs.stripe.com/payments/acss-debit
    "acss_debit": DelayedMethod(frozenset({"cad", "usd"}), frozenset({"CA", "US"}), "acss_debit_payments"),
    # https://docs.stripe.com/payments/au-becs-debit
    "au_becs_debit": DelayedMethod(frozenset({"aud"}), frozenset({"AU"}), "au_becs_debit_payments"),
    # https://docs.stripe.com/payments/bacs-debit
    "bacs_debit": DelayedMethod(frozenset({"gbp"}), frozenset(_BACS_COUNTRIES.split()), "bacs_debit_payments"),
    # https://docs.stripe.com/payments/nz-bank-account
    "nz_bank_account": DelayedMethod(frozenset({"nzd"}), frozenset({"NZ"}), "nz_bank_account_becs_debit_payments"),
    # https://docs.stripe.com/payments/sepa-debit
    "sepa_debit": DelayedMethod(frozenset({"eur"}), frozenset(), "sepa_debit_payments"),
    # https://docs.stripe.com/payments/ach-direct-debit
    "us_bank_account": DelayedMethod(frozenset({"usd"}), frozenset({"US"}), "us_bank_account_ach_payments"),
}

CAPABILITIES = {"card": "card_payments", **{name: method.capability for name, method in DELAYED.items()}}
"""Of each way of paying that is ever offered: its name in an account's `capabilities`."""


def that_fit(methods: Iterable[str], currency: str, country: str | None) -> tuple[str, ...]:
    """Those that a fee in this currency can be paid by, to an account of this country; unknown ones never fit."""
    return tuple(one for one in methods if one in DELAYED and DELAYED[one].fits(currency, country))


def why_never(method: str, currencies: Collection[str], countries: Collection[str | None]) -> str | None:
    """Why a team that takes these currencies, on accounts of these countries, never uses it; None where it may."""
    known = DELAYED.get(method)
    if known is None:
        return "Stripe's Checkout is not asked for it"
    if known.currencies.isdisjoint(currencies):
        return f"it takes {_listed(known.currencies)} only"
    if countries and not any(known.fits_account(country) for country in countries):
        return f"it is for accounts in {_listed(known.account_countries)} only"
    return None


def refused_of(asked: Iterable[str], param: str | None) -> tuple[str, ...]:
    """Which delayed methods of a page Stripe may have refused it for; none where its parameter is another one.

    Of the list, it does not say which one, so all of them are in doubt; an option is of one of them.
    """
    name, _, within = (param or "").partition("[")
    delayed = tuple(one for one in asked if one in DELAYED)
    if name == _METHODS_PARAM:
        return delayed
    return tuple(one for one in delayed if name == _OPTIONS_PARAM and within.startswith(f"{one}]"))


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
