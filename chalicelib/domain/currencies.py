"""Which currencies a fee can be in, and Stripe's limits for each; a table, and no arithmetic on anyone's money.

Source of every figure, unless a line says otherwise: https://docs.stripe.com/currencies (supported presentment
currencies, special cases, minimum and maximum charge amounts). What an account may really charge depends on its
country; Stripe has the last word when the Checkout Session is created.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Currency:
    """One currency. All amounts are integers in the minor unit that Stripe's API expects."""

    code: str
    """Lower-case ISO 4217 code, as Stripe wants it."""
    exponent: int
    """How many decimals the amount carries in Stripe's API: 0, 2 or 3. Not ISO 4217's for ISK and UGX."""
    step: int
    """Every charge is a multiple of this."""
    minimum: int
    maximum: int

    @property
    def has_fractions(self) -> bool:
        """Whether people pay in fractions of the major unit: false for JPY, and for ISK in spite of its `.00`."""
        return self.step < self.unit

    @property
    def unit(self) -> int:
        """One major unit (one dollar, one yen) as an amount."""
        return int(10**self.exponent)


_TWO_DECIMALS: Final = """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc
    cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs khr kyd
    kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr
    pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx uyu uzs wst xcd
    xcg yer zar zmw
""".split()  # noqa: SIM905  codes are easier to compare with Stripe's page as words than as 120 quoted literals

_ZERO_DECIMALS: Final = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()  # noqa: SIM905  as above
"""UGX stands in Stripe's list too, but its special case overrides that: 5 UGX is sent as 500, as 5 ISK is."""

_THREE_DECIMALS: Final = "bhd jod kwd omr tnd".split()  # noqa: SIM905  as above
"""Not offered in every country; the page lists them for accounts in the United Arab Emirates."""

_WHOLE_UNITS_ONLY: Final = frozenset({"isk", "ugx"})
"""Two decimals in the API that must be `00` ("You can't charge fractions"). HUF and TWD are so for payouts only."""

_STRIPE_MINIMUMS: Final[Mapping[str, int]] = {
    "usd": 50, "aed": 200, "ars": 50, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "cop": 50, "czk": 1500,
    "dkk": 250, "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "idr": 50, "ils": 50, "inr": 50, "jpy": 50, "krw": 50,
    "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "php": 50, "pln": 200, "ron": 200, "rub": 50, "sek": 300,
    "sgd": 50, "thb": 1000, "zar": 50,
}  # fmt: skip
"""For an account that settles in the same currency. Otherwise Stripe converts, and compares in the settlement one."""

_ZERO_DECIMAL_MINIMUM: Final = 50
"""What Stripe documents for both zero-decimal currencies it has a minimum for (JPY, KRW), taken for the others too."""

_MAXIMUM_DIGITS: Final[Mapping[str, int]] = {"cop": 10, "idr": 12, "inr": 9, "lak": 9, "lbp": 12, "uzs": 9}
"""IDR, COP and INR as documented for every payment method. LAK, LBP and UZS can be paid by card only, where Stripe
takes 12 digits (9 on American Express); eight digits of them would be less than 100 US dollars."""

_USUAL_MAXIMUM_DIGITS: Final = 8
"""What every payment method takes. Cards go to 12 digits, yet a fee beyond 999,999.99 is more likely a slip."""

_THREE_DECIMAL_STEP: Final = 10
"""The last digit must be 0, as not all of Stripe's partners know a third decimal. The page said so for years and has
since dropped the section; an amount that keeps to it is right either way."""


def _currency(code: str, exponent: int) -> Currency:
    step = _step(code, exponent)
    largest = 10 ** _MAXIMUM_DIGITS.get(code, _USUAL_MAXIMUM_DIGITS) - 1
    return Currency(code, exponent, step, _minimum(code, exponent), largest - largest % step)


def _step(code: str, exponent: int) -> int:
    if code in _WHOLE_UNITS_ONLY:
        return 100
    return _THREE_DECIMAL_STEP if exponent == 3 else 1


def _minimum(code: str, exponent: int) -> int:
    """Stripe's minimum, and never less than one major unit (DESIGN.md "Fee"): a consultation for 0.50 is a slip."""
    floor = 10**exponent if exponent else _ZERO_DECIMAL_MINIMUM
    return max(_STRIPE_MINIMUMS.get(code, 0), floor)


CURRENCIES: Final[Mapping[str, Currency]] = MappingProxyType(
    {
        code: _currency(code, exponent)
        for exponent, codes in ((2, _TWO_DECIMALS), (0, _ZERO_DECIMALS), (3, _THREE_DECIMALS))
        for code in codes
    }
)
"""Every currency a fee can be in, by its lower-case code."""
