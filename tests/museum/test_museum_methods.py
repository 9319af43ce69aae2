"""Museum: nobody could pay, not by card either, for the sake of another way of paying.

Each test is named after a report from users of another system, and holds what happened to them against this one.
"""

from __future__ import annotations

from tests.museum.appointment import DAY, Appointment, book, fee_of, with_debits
from tests.support.clinic import Clinic
from tests.support.edge import Edge


def _ahead(edge: Edge, clinic: Clinic, currency: str = "aud") -> Appointment:
    """So far ahead that the bank has time."""
    return book(edge, clinic, starts_in=10 * DAY, guest=fee_of(currency=currency))


def _pages(edge: Edge) -> list[list[str]]:
    return [page["payment_method_types"] for page in edge.world.checkouts()]


def test_woocommerce_payments_3232_a_debit_of_another_currency_leaves_the_card_alone(edge: Edge) -> None:
    """A debit that takes euros alone was asked for with every currency, and the whole payment was refused.

    https://github.com/Automattic/woocommerce-payments/issues/3232
    """
    clinic = with_debits(Clinic(edge))
    clinic.change_team(more_currencies=("usd", "jpy"))
    for currency in ("usd", "jpy", "aud"):
        assert _ahead(edge, clinic, currency).pay().status == 303
    assert _pages(edge) == [["card"], ["card"], ["card", "au_becs_debit"]]


def test_opencollective_8564_a_debit_that_the_account_has_not_leaves_the_card_alone(edge: Edge) -> None:
    """The account had not activated what was asked for, Stripe refused, and contributing failed altogether.

    https://github.com/opencollective/opencollective/issues/8564
    """
    clinic = with_debits(Clinic(edge))
    edge.world.stripe.set_methods(None, ["card"])
    assert [_ahead(edge, clinic).pay().status for _ in range(2)] == [303, 303]
    assert _pages(edge) == [["card"], ["card"]]


def test_woocommerce_stripe_327_the_clinic_is_told_which_debit_to_activate(edge: Edge) -> None:
    """Where a way of paying was not activated, the shop read "Could not find payment information", and no more.

    https://github.com/woocommerce/woocommerce-gateway-stripe/issues/327
    """
    clinic = with_debits(Clinic(edge))
    edge.world.stripe.set_methods(None, ["card"])
    _ahead(edge, clinic).pay()
    (account,) = clinic.ask("GET", "/v1/stripe/account").json()["accounts"]
    assert account["refused_methods"] == ["au_becs_debit"]
    assert "activate that in Stripe's dashboard" in str(account["attention"])


def test_odoo_269307_a_canadian_debit_comes_with_the_terms_of_its_mandate(edge: Edge) -> None:
    """Canadian debits could not be offered: Stripe asks for the terms of their mandate.

    https://github.com/odoo/odoo/pull/269307
    """
    clinic = Clinic(edge)
    clinic.change_team(delayed_methods=("acss_debit",), more_currencies=("cad",))
    edge.world.stripe.set_country(None, "CA")
    assert _ahead(edge, clinic, "cad").pay().status == 303
    assert _pages(edge) == [["card", "acss_debit"]]
