"""Delayed ways of paying: which fees and which accounts each is for."""

from __future__ import annotations

import pytest

from chalicelib.domain.payment_methods import CAPABILITIES, DELAYED, refused_of, that_fit, why_never

EVERY = tuple(DELAYED)


@pytest.mark.parametrize(
    ("currency", "country", "fitting"),
    [
        ("aud", "AU", ("au_becs_debit",)),
        ("aud", "NZ", ()),
        ("cad", "CA", ("acss_debit",)),
        ("eur", "JP", ("sepa_debit",)),
        ("gbp", "AU", ("bacs_debit",)),
        ("gbp", "GB", ("bacs_debit",)),
        ("gbp", "JP", ()),
        ("jpy", "JP", ()),
        ("nzd", "NZ", ("nz_bank_account",)),
        ("nzd", "AU", ()),
        ("usd", "CA", ("acss_debit",)),
        ("usd", "US", ("acss_debit", "us_bank_account")),
        ("usd", "AU", ()),
        ("usd", None, ("acss_debit", "us_bank_account")),
    ],
)
def test_a_method_goes_with_its_currencies_and_its_countries(
    currency: str, country: str | None, fitting: tuple[str, ...]
) -> None:
    assert that_fit(EVERY, currency, country) == fitting


def test_those_that_fit_keep_their_order_and_unknown_ones_never_fit() -> None:
    assert that_fit(("us_bank_account", "of_yesterday", "acss_debit"), "usd", "US") == ("us_bank_account", "acss_debit")


def test_every_method_has_its_name_among_the_capabilities() -> None:
    assert CAPABILITIES == {
        "card": "card_payments",
        "acss_debit": "acss_debit_payments",
        "au_becs_debit": "au_becs_debit_payments",
        "bacs_debit": "bacs_debit_payments",
        "nz_bank_account": "nz_bank_account_becs_debit_payments",
        "sepa_debit": "sepa_debit_payments",
        "us_bank_account": "us_bank_account_ach_payments",
    }


@pytest.mark.parametrize(
    ("method", "currencies", "countries", "why"),
    [
        ("au_becs_debit", {"aud", "usd"}, ["AU"], None),
        ("au_becs_debit", {"aud"}, ["NZ", "AU"], None),
        ("au_becs_debit", {"aud"}, ["NZ", None], None),
        ("au_becs_debit", {"aud"}, [], None),
        ("au_becs_debit", {"aud"}, ["NZ"], "it is for accounts in AU only"),
        ("au_becs_debit", {"usd", "jpy"}, ["AU"], "it takes aud only"),
        ("acss_debit", {"aud"}, ["CA"], "it takes cad, usd only"),
        ("acss_debit", {"cad"}, ["AU"], "it is for accounts in CA, US only"),
        ("sepa_debit", {"eur"}, ["JP"], None),
        ("of_yesterday", {"aud"}, ["AU"], "Stripe's Checkout is not asked for it"),
    ],
)
def test_what_a_team_will_never_use_is_known_with_its_reason(
    method: str, currencies: set[str], countries: list[str | None], why: str | None
) -> None:
    assert why_never(method, currencies, countries) == why


@pytest.mark.parametrize(
    ("param", "refused"),
    [
        ("payment_method_types", ("au_becs_debit", "sepa_debit")),
        ("payment_method_types[1]", ("au_becs_debit", "sepa_debit")),
        ("payment_method_options[sepa_debit][mandate_options]", ("sepa_debit",)),
        ("payment_method_options[acss_debit][mandate_options]", ()),
        ("payment_method_options[card][installments]", ()),
        ("payment_method_options", ()),
        ("payment_method_data[sepa_debit]", ()),
        ("payment_method_typ", ()),
        ("line_items[0][price_data][currency]", ()),
        ("", ()),
        (None, ()),
    ],
)
def test_a_page_refused_for_its_methods_may_be_so_for_each_delayed_one(
    param: str | None, refused: tuple[str, ...]
) -> None:
    """Stripe's parameter decides, never its text: woocommerce-gateway-stripe#327."""
    assert refused_of(("card", "au_becs_debit", "sepa_debit"), param) == refused


def test_a_page_with_cards_alone_is_refused_for_no_delayed_method() -> None:
    assert refused_of(("card",), "payment_method_types") == ()
