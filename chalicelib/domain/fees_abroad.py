"""Where a platform gets no application fees: across certain borders Stripe refuses every payment that names one.

Stripe's pages say it of Brazil alone: "platforms based outside of Brazil, with Brazilian connected accounts cannot
collect application fees" (https://docs.stripe.com/connect/direct-charges#collect-fees, as of October 2022). Of the
others Stripe told its users (https://groups.google.com/a/lists.stripe.com/g/api-discuss/c/-Ezjn3roCiI), and they report
its refusals: https://github.com/unlock-protocol/unlock/issues/12594 (all six),
https://github.com/Automattic/wp-calypso/issues/44553 (Malaysia, Mexico),
https://github.com/impress-org/givewp/pull/8001 (all six, in 2025).
"""

from __future__ import annotations

from chalicelib.domain.refusals import PARAMETER_UNKNOWN, Refusal

NO_FEES_FROM_ABROAD = frozenset({"BR", "IN", "MX", "MY", "SG", "TH"})
"""Countries (ISO 3166-1 alpha-2) of accounts that pay no application fee to a platform of another country."""

_FEE_PARAMS = frozenset({"application_fee_amount", "payment_intent_data[application_fee_amount]"})
_FEE_CODES = frozenset({"charge_invalid_parameter", "application_fees_not_allowed"})
"""Stripe refuses a fee across a border by the first of these and without a parameter, as reported; its list of codes
(https://docs.stripe.com/error-codes) tells the second."""


def takes_fee(platform_country: str | None, account_country: str | None) -> bool:
    """Whether an account pays the platform's fee. Of a country that is not known it is taken to be able to."""
    if platform_country is None or platform_country == account_country:
        return True
    return account_country not in NO_FEES_FROM_ABROAD


def names_fee(refusal: Refusal) -> bool:
    """Whether Stripe refused a payment for the platform's fee, or may have. Only of one that was asked with one."""
    if refusal.code == PARAMETER_UNKNOWN:
        return False
    return refusal.param in _FEE_PARAMS or (refusal.param is None and refusal.code in _FEE_CODES)
