"""Currencies and fees: Stripe's tables, our floor under them, and arithmetic that never leaves the integers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.currencies import CURRENCIES, Currency
from chalicelib.domain.money import (
    FeeError,
    FeeStepError,
    FeeTooLargeError,
    FeeTooSmallError,
    Money,
    UnknownCurrencyError,
    application_fee,
    check_fee,
    currency,
    decimal_text,
    display,
    minimum_fee,
)

currencies = st.sampled_from(sorted(CURRENCIES.values(), key=lambda each: each.code))


def steps(kind: Currency) -> st.SearchStrategy[int]:
    """Every amount that can be charged in this currency."""
    return st.integers(-(-kind.minimum // kind.step), kind.maximum // kind.step).map(lambda count: count * kind.step)


def test_the_table_holds_the_currencies_of_stripes_page() -> None:
    assert len(CURRENCIES) == 140
    assert {code for code, kind in CURRENCIES.items() if kind.exponent == 0} == {
        *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
    }
    assert {code for code, kind in CURRENCIES.items() if kind.exponent == 3} == {"bhd", "jod", "kwd", "omr", "tnd"}
    assert {code for code, kind in CURRENCIES.items() if kind.step == 100} == {"isk", "ugx"}


def test_codes_are_three_lower_case_letters_and_name_their_own_row() -> None:
    assert all(code == kind.code for code, kind in CURRENCIES.items())
    assert all(len(code) == 3 and code.isascii() and code.isalpha() and code.islower() for code in CURRENCIES)


@pytest.mark.parametrize("code", ["AUD", "xyz", "", "usdc", "auđ", "dollars of Jane Doe"])
def test_an_unknown_currency_is_refused_with_its_code_as_a_field(code: str) -> None:
    with pytest.raises(UnknownCurrencyError) as refused:
        currency(code)
    assert refused.value.code == code


def test_an_unknown_currency_is_named_only_if_it_looks_like_a_code() -> None:
    assert str(UnknownCurrencyError("AUD")) == (
        'AUD is not a currency we can charge; send a lower-case ISO 4217 code such as "aud"'
    )
    assert "Jane" not in str(UnknownCurrencyError("dollars of Jane Doe"))


@pytest.mark.parametrize("text", ["smith", "jo", "auđ", "a1d", "J D"])
def test_what_does_not_look_like_a_code_may_be_a_name_and_is_not_repeated(text: str) -> None:
    assert str(UnknownCurrencyError(text)).startswith("that is not a currency we can charge")


@pytest.mark.parametrize(
    ("code", "least"),
    [
        ("usd", 100),  # Stripe: 0.50
        ("aud", 100),
        ("eur", 100),
        ("gbp", 100),  # Stripe: 0.30
        ("idr", 100),
        ("aed", 200),
        ("dkk", 250),
        ("nok", 300),
        ("sek", 300),
        ("hkd", 400),
        ("mxn", 1_000),
        ("thb", 1_000),
        ("czk", 1_500),
        ("huf", 17_500),
        ("jpy", 50),
        ("krw", 50),
        ("vnd", 50),  # none documented
        ("kes", 100),  # none documented
        ("kwd", 1_000),  # none documented
        ("isk", 100),
        ("ugx", 100),
    ],
)
def test_the_least_fee_is_stripes_minimum_or_one_major_unit(code: str, least: int) -> None:
    assert minimum_fee(code) == least
    check_fee(Money(least, code))


@pytest.mark.parametrize(
    ("code", "most"),
    [
        ("usd", 99_999_999),
        ("jpy", 99_999_999),
        ("inr", 999_999_999),
        ("cop", 9_999_999_999),
        ("idr", 999_999_999_999),
        ("lbp", 999_999_999_999),
        ("isk", 99_999_900),
        ("kwd", 99_999_990),
    ],
)
def test_the_largest_fee_is_what_fits_stripes_digits_and_the_step(code: str, most: int) -> None:
    check_fee(Money(most, code))
    with pytest.raises(FeeTooLargeError):
        check_fee(Money(most + 1, code))


@pytest.mark.parametrize(
    ("fee", "kind", "text"),
    [
        (Money(99, "aud"), FeeTooSmallError, "the fee is 0.99 AUD; the least that can be charged is 1.00 AUD"),
        (Money(10, "jpy"), FeeTooSmallError, "the fee is 10 JPY; the least that can be charged is 50 JPY"),
        (Money(0, "eur"), FeeTooSmallError, "the fee is 0.00 EUR; the least that can be charged is 1.00 EUR"),
        (Money(-8000, "eur"), FeeTooSmallError, "the fee is -80.00 EUR; the least that can be charged is 1.00 EUR"),
        (Money(50, "isk"), FeeTooSmallError, "the fee is 0.50 ISK; the least that can be charged is 1 ISK"),
        (
            Money(100_000_000, "jpy"),
            FeeTooLargeError,
            "the fee is 100000000 JPY; the most that can be charged is 99999999 JPY",
        ),
        (Money(550, "isk"), FeeStepError, "the fee is 5.50 ISK; it must be a multiple of 1 ISK"),
        (Money(10_050, "ugx"), FeeStepError, "the fee is 100.50 UGX; it must be a multiple of 1 UGX"),
        (Money(5_124, "kwd"), FeeStepError, "the fee is 5.124 KWD; it must be a multiple of 0.010 KWD"),
    ],
)  # fmt: skip
def test_a_fee_that_cannot_be_charged_is_refused_with_the_limit_in_its_own_currency(
    fee: Money, kind: type[FeeError], text: str
) -> None:
    with pytest.raises(FeeError) as refused:
        check_fee(fee)
    assert type(refused.value) is kind
    assert str(refused.value) == text
    assert refused.value.money == fee
    assert display(refused.value.limit) in text


def test_a_fee_in_an_unknown_currency_is_refused() -> None:
    with pytest.raises(UnknownCurrencyError):
        check_fee(Money(8000, "xyz"))


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(-1, "aud"), "-0.01"),
        (Money(8000, "aud"), "80.00"),
        (Money(5, "aud"), "0.05"),
        (Money(-5, "aud"), "-0.05"),
        (Money(5000, "jpy"), "5000"),
        (Money(-5000, "jpy"), "-5000"),
        (Money(5120, "kwd"), "5.120"),
        (Money(500, "isk"), "5"),
        (Money(550, "isk"), "5.50"),
        (Money(17_500, "huf"), "175.00"),
        (Money(0, "twd"), "0.00"),
    ],
)
def test_amounts_are_written_with_their_currencys_own_decimals(money: Money, text: str) -> None:
    assert decimal_text(money) == text
    assert display(money) == f"{text} {money.currency.upper()}"


@given(kind=currencies, chosen=st.data())
def test_every_multiple_of_the_step_between_the_limits_is_a_fee(kind: Currency, chosen: st.DataObject) -> None:
    check_fee(Money(chosen.draw(steps(kind)), kind.code))


@given(kind=currencies, below=st.integers(1, 10**15))
def test_nothing_below_the_minimum_is_a_fee(kind: Currency, below: int) -> None:
    with pytest.raises(FeeTooSmallError):
        check_fee(Money(kind.minimum - below, kind.code))


@given(kind=currencies, above=st.integers(1, 10**15))
def test_nothing_above_the_maximum_is_a_fee(kind: Currency, above: int) -> None:
    with pytest.raises(FeeTooLargeError):
        check_fee(Money(kind.maximum + above, kind.code))


@given(kind=currencies.filter(lambda each: each.step > 1), chosen=st.data())
def test_nothing_between_two_steps_is_a_fee(kind: Currency, chosen: st.DataObject) -> None:
    amount = chosen.draw(steps(kind).filter(lambda each: each < kind.maximum)) + chosen.draw(
        st.integers(1, kind.step - 1)
    )
    with pytest.raises(FeeStepError):
        check_fee(Money(amount, kind.code))


@given(kind=currencies)
def test_the_limits_of_a_currency_can_themselves_be_charged(kind: Currency) -> None:
    check_fee(Money(kind.minimum, kind.code))
    check_fee(Money(kind.maximum, kind.code))
    assert kind.minimum >= (50 if kind.exponent == 0 else 10**kind.exponent)


@given(kind=currencies, amount=st.integers(-(10**14), 10**14))
def test_the_text_of_an_amount_says_the_amount_exactly(kind: Currency, amount: int) -> None:
    assert Fraction(decimal_text(Money(amount, kind.code))) * 10**kind.exponent == amount


@pytest.mark.parametrize(
    ("amount", "basis_points", "fee"),
    [
        (8000, 150, 120),
        (8000, 250, 200),
        (8000, 0, 0),
        (8000, 10_000, 8000),
        (0, 150, 0),
        (1, 4_999, 0),
        (1, 5_000, 1),  # half goes up
        (100, 50, 1),  # 0.5
        (100, 49, 0),
        (233, 150, 3),  # 3.495
        (300, 150, 5),  # 4.5
        (999_999_999_999, 150, 15_000_000_000),
    ],
)
def test_the_application_fee_is_rounded_half_up(amount: int, basis_points: int, fee: int) -> None:
    assert application_fee(Money(amount, "aud"), basis_points) == fee


@pytest.mark.parametrize(
    ("code", "amount", "fee"),
    [
        ("kwd", 5_130, 80),  # 76.95
        ("kwd", 5_000, 80),  # 75: half of the step goes up
        ("kwd", 4_990, 70),  # 74.85
        ("isk", 40_000, 600),
        ("ugx", 503_300, 7_500),  # 7549.5
        ("jpy", 300, 5),  # 4.5
    ],
)
def test_the_application_fee_is_an_amount_that_stripe_takes(code: str, amount: int, fee: int) -> None:
    assert application_fee(Money(amount, code), 150) == fee


@given(kind=currencies, steps=st.integers(0, 10**12), basis_points=st.integers(0, 10_000))
def test_the_application_fee_is_within_half_a_step_of_the_share_and_never_above_the_amount(
    kind: Currency, steps: int, basis_points: int
) -> None:
    amount = steps * kind.step
    fee = application_fee(Money(amount, kind.code), basis_points)
    assert 0 <= fee <= amount
    assert fee % kind.step == 0
    assert -Fraction(kind.step, 2) < fee - Fraction(amount * basis_points, 10_000) <= Fraction(kind.step, 2)


@pytest.mark.parametrize(("amount", "basis_points"), [(8000, -1), (8000, 10_001), (-1, 150)])
def test_an_impossible_rate_or_amount_has_no_application_fee(amount: int, basis_points: int) -> None:
    with pytest.raises(ValueError, match=r"basis points|0 or more"):
        application_fee(Money(amount, "aud"), basis_points)
