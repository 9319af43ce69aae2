"""Which ways of paying an account has, and the whole page that Stripe refuses for one that it has not."""

from __future__ import annotations

import pytest
import stripe

from chalicelib.domain import payment_methods
from sandbox.stripe_standin import ControlError, StripeStandIn
from sandbox.stripe_standin.methods import ACCOUNTS_IN, CAPABILITIES
from sandbox.stripe_standin.parameter_tables import BANK_DEBITS
from tests.standin.shop import HOMES, Shop, item, options_of


@pytest.mark.controls
def test_a_method_that_is_not_activated_is_refused_with_the_whole_page(shop: Shop, standin: StripeStandIn) -> None:
    standin.set_methods(None, ["card"])
    with pytest.raises(stripe.InvalidRequestError, match="type provided: au_becs_debit is invalid") as caught:
        shop.offer(payment_method_types=["card", "au_becs_debit"])
    assert (caught.value.http_status, caught.value.param, caught.value.code) == (400, "payment_method_types", None)
    assert shop.offer(payment_method_types=["card"])["status"] == "open"
    standin.set_methods(None, ["card", "au_becs_debit"])
    assert shop.offer(payment_method_types=["card", "au_becs_debit"])["status"] == "open"


@pytest.mark.controls
def test_a_card_can_be_inactive_too(shop: Shop, standin: StripeStandIn) -> None:
    standin.set_methods(None, ["au_becs_debit"])
    with pytest.raises(stripe.InvalidRequestError, match="type provided: card is invalid"):
        shop.offer(payment_method_types=None)


@pytest.mark.controls
def test_what_is_active_is_in_the_account_and_announced(clinic: Shop, standin: StripeStandIn) -> None:
    account = clinic.account
    assert account is not None
    assert clinic.get("/v1/account")["capabilities"]["us_bank_account_ach_payments"] == "active"
    standin.set_methods(account, ["card", "nz_bank_account"])
    told = clinic.get("/v1/events", type="account.updated")["data"][0]["data"]["object"]["capabilities"]
    assert told == {
        "acss_debit_payments": "inactive",
        "au_becs_debit_payments": "inactive",
        "bacs_debit_payments": "inactive",
        "card_payments": "active",
        "link_payments": "inactive",
        "nz_bank_account_becs_debit_payments": "active",
        "sepa_debit_payments": "inactive",
        "transfers": "active",
        "us_bank_account_ach_payments": "inactive",
    }
    standin.set_methods(account, ["nz_bank_account", "card"])
    assert len(clinic.get("/v1/events", type="account.updated")["data"]) == 1


def test_a_method_that_checkout_does_not_know_cannot_be_activated(standin: StripeStandIn) -> None:
    with pytest.raises(ControlError, match=r"^giropay: the methods are acss_debit, au_becs_debit, bacs_debit, card"):
        standin.set_methods(None, ["card", "giropay"])


@pytest.mark.controls
@pytest.mark.parametrize("method", ACCOUNTS_IN)
def test_a_debit_is_taken_only_by_accounts_of_its_countries(shop: Shop, standin: StripeStandIn, method: str) -> None:
    asked = {
        "payment_method_types": [method],
        "line_items": [item(currency=BANK_DEBITS[method][0])],
        **options_of(method),
    }
    standin.set_country(None, HOMES.get(method, "AU"))
    assert shop.offer(**asked)["payment_method_types"] == [method]
    standin.set_country(None, "JP")
    with pytest.raises(stripe.InvalidRequestError, match=f"type provided: {method} is invalid"):
        shop.offer(**asked)


@pytest.mark.controls
@pytest.mark.parametrize(
    ("mandate", "missing"),
    [
        (None, "payment_schedule"),
        ({"payment_schedule": "sporadic"}, "transaction_type"),
        ({"transaction_type": "personal"}, "payment_schedule"),
        ({"payment_schedule": "interval", "transaction_type": "personal"}, "interval_description"),
    ],
)
def test_a_canadian_debit_needs_the_terms_of_its_mandate(
    shop: Shop, standin: StripeStandIn, mandate: dict[str, str] | None, missing: str
) -> None:
    standin.set_country(None, "CA")
    options = None if mandate is None else {"acss_debit": {"mandate_options": mandate}}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shop.offer(
            payment_method_types=["acss_debit"], line_items=[item(currency="cad")], payment_method_options=options
        )
    assert caught.value.param == f"payment_method_options[acss_debit][mandate_options][{missing}]"


def test_the_product_and_the_stand_in_have_read_the_same_in_stripes_pages() -> None:
    """Two tables on purpose; here they are held against each other."""
    assert set(payment_methods.DELAYED) == set(BANK_DEBITS)
    for name, method in payment_methods.DELAYED.items():
        assert method.currencies == frozenset(BANK_DEBITS[name])
        assert method.account_countries == ACCOUNTS_IN.get(name, frozenset())
        assert method.capability == CAPABILITIES[name]
