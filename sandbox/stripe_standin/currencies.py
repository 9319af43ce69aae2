"""Stripe's currencies as the stand-in knows them: decimals, smallest and largest charge, and how an amount is shown.

Source: https://docs.stripe.com/currencies. Kept apart from the application's own tables on purpose: a stand-in that
shared them could not find a mistake in them.
"""

ZERO_DECIMAL = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split()  # noqa: SIM905 - a table to read
)
THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
TWO_DECIMAL = frozenset(
    """
    usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop
    crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr isk jmd kes kgs
    khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen
    pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah ugx
    uyu uzs wst xcd xcg yer zar zmw
    """.split()  # noqa: SIM905 - a table to read
)
SUPPORTED = tuple(sorted(ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL))

# The smallest charge by settlement currency; the stand-in settles every charge in its own currency.
MINIMUM_CHARGE = {
    "usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
    "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
    "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip
MAXIMUM_CHARGE = {
    "cop": 9_999_999_999, "idr": 999_999_999_999, "inr": 999_999_999, "lak": 999_999_999, "lbp": 999_999_999_999,
    "uzs": 999_999_999,
}  # fmt: skip
MAXIMUM_CHARGE_OTHERWISE = 99_999_999

SYMBOLS = {
    "aud": "A$", "brl": "R$", "cad": "CA$", "eur": "€", "gbp": "£", "hkd": "HK$", "inr": "₹", "jpy": "¥", "krw": "₩",
    "mxn": "MX$", "nzd": "NZ$", "usd": "$", "vnd": "₫",
}  # fmt: skip


def decimals(currency: str) -> int:
    """Give how many of an amount's last digits stand behind the decimal point."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """Give what every amount must be divisible by: 100 for ISK and UGX, 10 for three decimals, else 1."""
    if currency in {"isk", "ugx"}:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


def largest_charge(currency: str) -> int:
    return MAXIMUM_CHARGE.get(currency, MAXIMUM_CHARGE_OTHERWISE)


def format_amount(amount: int, currency: str) -> str:
    """Show an amount of minor units as Stripe's messages and its Checkout page do: `A$80.00`, `¥8,000`."""
    places = decimals(currency)
    whole, fraction = divmod(abs(amount), 10**places)
    digits = f"{whole:,}" + (f".{fraction:0{places}d}" if places else "")
    sign = "-" if amount < 0 else ""
    return f"{sign}{SYMBOLS.get(currency, currency.upper() + ' ')}{digits}"
