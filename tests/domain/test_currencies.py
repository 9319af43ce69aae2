"""Stripe's own table of minimums, row by row: most stand below our floor, where no fee shows that one is wrong."""

from __future__ import annotations

from chalicelib.domain.currencies import _STRIPE_MINIMUMS, CURRENCIES


def test_stripes_minimums_are_those_of_its_page() -> None:
    of_fifty = "usd ars aud brl cad chf cop eur idr ils inr jpy krw nzd php rub sgd zar"
    others = {
        "aed": 200,
        "bgn": 100,
        "czk": 1500,
        "dkk": 250,
        "gbp": 30,
        "hkd": 400,
        "huf": 17500,
        "mxn": 1000,
        "myr": 200,
        "nok": 300,
        "pln": 200,
        "ron": 200,
        "sek": 300,
        "thb": 1000,
    }
    assert dict(_STRIPE_MINIMUMS) == {**dict.fromkeys(of_fifty.split(), 50), **others}


def test_the_least_fee_is_stripes_minimum_or_one_major_unit() -> None:
    least = {code: kind.minimum for code, kind in CURRENCIES.items()}
    assert {code: least[code] for code in ("usd", "gbp", "bgn", "aed", "isk", "ugx")} == {
        "usd": 100,
        "gbp": 100,
        "bgn": 100,
        "aed": 200,
        "isk": 100,
        "ugx": 100,
    }
    assert {code: least[code] for code in ("jpy", "krw", "vnd")} == {"jpy": 50, "krw": 50, "vnd": 50}
    assert {code: least[code] for code in ("kwd", "bhd")} == {"kwd": 1000, "bhd": 1000}


def test_steps_and_maxima_follow_the_decimals_and_the_exceptions() -> None:
    codes = ("usd", "jpy", "kwd", "isk", "ugx", "cop", "idr", "inr", "lak", "lbp", "uzs")
    assert {code: (CURRENCIES[code].step, CURRENCIES[code].maximum) for code in codes} == {
        "usd": (1, 99_999_999),
        "jpy": (1, 99_999_999),
        "kwd": (10, 99_999_990),
        "isk": (100, 99_999_900),
        "ugx": (100, 99_999_900),
        "cop": (1, 9_999_999_999),
        "idr": (1, 999_999_999_999),
        "inr": (1, 999_999_999),
        "lak": (1, 999_999_999),
        "lbp": (1, 999_999_999_999),
        "uzs": (1, 999_999_999),
    }
