"""The stand-in's own table of currencies agrees with the product's, which it must not import."""

import pytest

from chalicelib.domain.currencies import CURRENCIES
from sandbox.stripe_standin import currencies


def test_both_know_the_same_currencies() -> None:
    assert set(currencies.SUPPORTED) == set(CURRENCIES)


@pytest.mark.parametrize("code", sorted(CURRENCIES))
def test_decimals_steps_and_largest_charges_agree(code: str) -> None:
    ours, step = CURRENCIES[code], currencies.step(code)
    largest = currencies.largest_charge(code)
    theirs = (currencies.decimals(code), step, largest - largest % step)
    assert (ours.exponent, ours.step, ours.maximum) == theirs


@pytest.mark.parametrize(("code", "smallest"), sorted(currencies.MINIMUM_CHARGE.items()))
def test_the_product_asks_for_no_less_than_stripe_takes(code: str, smallest: int) -> None:
    assert CURRENCIES[code].minimum >= smallest
