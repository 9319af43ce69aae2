"""Money: an integer in a currency's minor unit, what a fee may be, and the platform's share; never a float.

Errors, all of them `ValueError`s whose text is fit for the clinic's developer:

    FeeError                    the amount cannot be charged; `money` and `limit` say what and why
      FeeTooSmallError          below `limit`, the least that can be charged
      FeeTooLargeError          above `limit`, the most that can be charged
      FeeStepError              not a multiple of `limit`
    UnknownCurrencyError        Stripe charges in no such currency

Stripe's rules for amounts: https://docs.stripe.com/currencies. Its minimum is judged in the currency that the account
settles in, so a charge may still be refused as `amount_too_small` when it has to be converted.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.currencies import CURRENCIES, Currency

_BASIS_POINTS = 10_000
"""Basis points in the whole: 150 of them are 1.5 %."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the minor unit of `currency`, a lower-case ISO 4217 code.

    Holds whatever Stripe reports, so it checks nothing; `check_fee` says whether it can be a fee.
    """

    amount: int
    currency: str


class UnknownCurrencyError(ValueError):
    """Not one of the currencies that Stripe can charge in."""

    def __init__(self, code: str) -> None:
        # What was sent is repeated only if it looks like a code: anything else might be somebody's text.
        named = code if len(code) == len("aud") and code.isascii() and code.isalpha() else "that"
        super().__init__(f'{named} is not a currency we can charge; send a lower-case ISO 4217 code such as "aud"')
        self.code = code


class FeeError(ValueError):
    """The amount cannot be charged; `limit` is what it broke."""

    def __init__(self, explanation: str, money: Money, limit: Money) -> None:
        super().__init__(explanation)
        self.money = money
        self.limit = limit


class FeeTooSmallError(FeeError):
    """The fee is below the currency's minimum, which is `limit`."""

    def __init__(self, money: Money, limit: Money) -> None:
        explanation = f"the fee is {display(money)}; the least that can be charged is {display(limit)}"
        super().__init__(explanation, money, limit)


class FeeTooLargeError(FeeError):
    """The fee is above the currency's maximum, which is `limit`."""

    def __init__(self, money: Money, limit: Money) -> None:
        explanation = f"the fee is {display(money)}; the most that can be charged is {display(limit)}"
        super().__init__(explanation, money, limit)


class FeeStepError(FeeError):
    """The fee is not a multiple of the currency's step, which is `limit`."""

    def __init__(self, money: Money, limit: Money) -> None:
        explanation = f"the fee is {display(money)}; it must be a multiple of {display(limit)}"
        super().__init__(explanation, money, limit)


def currency(code: str) -> Currency:
    """Look up a lower-case ISO 4217 code. Raises UnknownCurrencyError."""
    found = CURRENCIES.get(code)
    if found is None:
        raise UnknownCurrencyError(code)
    return found


def minimum_fee(code: str) -> int:
    """Return the least fee in this currency, in its minor unit. Raises UnknownCurrencyError."""
    return currency(code).minimum


def check_fee(money: Money) -> None:
    """Refuse what cannot be a fee. Raises UnknownCurrencyError, or the FeeError that names the limit."""
    limits = currency(money.currency)
    if money.amount < limits.minimum:
        raise FeeTooSmallError(money, Money(limits.minimum, limits.code))
    if money.amount > limits.maximum:
        raise FeeTooLargeError(money, Money(limits.maximum, limits.code))
    if money.amount % limits.step:
        raise FeeStepError(money, Money(limits.step, limits.code))


def display(money: Money) -> str:
    """Write it for people, the same in every language: `80.00 AUD`, `5000 JPY`. Raises UnknownCurrencyError."""
    return f"{decimal_text(money)} {money.currency.upper()}"


def display_any(money: Money) -> str:
    """As `display`; in minor units, of a currency that Stripe reports and we do not know."""
    if money.currency not in CURRENCIES:
        return f"{money.amount} minor units of {money.currency.upper()}"
    return display(money)


def decimal_text(money: Money) -> str:
    """Write the amount in major units with the currency's own decimals: `80.00`, `5000`, `5.120`.

    ISK and UGX are written whole, as people write them, although Stripe's API counts hundredths of them.
    Raises UnknownCurrencyError.
    """
    kind = currency(money.currency)
    sign = "-" if money.amount < 0 else ""
    whole, fraction = divmod(abs(money.amount), kind.unit)
    if not kind.has_fractions and not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:0{kind.exponent}d}"


def application_fee(money: Money, basis_points: int) -> int:
    """Compute the platform's share, in the same minor unit, rounded half up to the currency's step.

    1 basis point is 0.01 %. At most the whole amount, which is also where Stripe caps it:
    https://docs.stripe.com/connect/direct-charges#collect-fees. Raises UnknownCurrencyError, and ValueError for a
    negative amount, or basis points outside 0 to 10000.
    """
    step = currency(money.currency).step
    if money.amount < 0:
        message = "an application fee is a share of an amount of 0 or more"
        raise ValueError(message)
    if not 0 <= basis_points <= _BASIS_POINTS:
        message = f"a fee rate is 0 to {_BASIS_POINTS} basis points"
        raise ValueError(message)
    divisor = _BASIS_POINTS * step
    return min(money.amount, (money.amount * basis_points + divisor // 2) // divisor * step)
