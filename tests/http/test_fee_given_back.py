"""The platform's fee that went back, as the clinic's books show it, held against what Stripe's stand-in gave back."""

from __future__ import annotations

import pytest

from chalicelib.domain.teams import PayeeAccount
from tests.museum.appointment import Appointment, book
from tests.support.clinic import Clinic
from tests.support.edge import Edge

FEE, BASIS_POINTS = 8000, 151


@pytest.fixture
def one(edge: Edge) -> Appointment:
    """Paid on the clinic's own account, of which the platform keeps 1.21."""
    clinic = Clinic(edge)
    clinic.change_team(accounts=(PayeeAccount(edge.world.stripe.create_account()),), fee_basis_points=BASIS_POINTS)
    booked = book(edge, clinic)
    booked.pay_at_stripe()
    booked.come_back()
    return booked


def given_back(one: Appointment) -> list[tuple[int, int, str]]:
    """The gross fee and what the list of payments says went back of it."""
    start, end = "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
    rows = one.clinic.ask("GET", f"/v1/payments?from={start}&to={end}").json()["content"]
    names = ("platform_fee", "platform_fee_refunded", "platform_fee_refunded_decimal")
    return [tuple(row[name] for name in names) for row in rows]


def at_stripe(one: Appointment) -> list[int]:
    return [fee["amount_refunded"] for fee in one.world.books()["application_fees"]]


def refund(one: Appointment, amount: int) -> None:
    path = f"/v1/participants/{one.session.participant_id(one.number)}/refund"
    assert one.clinic.ask("POST", path, {"amount": amount}, Idempotency_Key=f"key-{amount}").status == 200


def test_parts_give_their_part_of_the_fee_back_as_stripe_does(one: Appointment) -> None:
    assert (given_back(one), at_stripe(one)) == ([(121, 0, "0.00")], [0])
    refund(one, 1000)
    assert (given_back(one), at_stripe(one)) == ([(121, 15, "0.15")], [15])
    refund(one, 3000)
    assert (given_back(one), at_stripe(one)) == ([(121, 61, "0.61")], [61])
    assert one.ask("DELETE").status == 200
    assert (given_back(one), at_stripe(one)) == ([(121, 121, "1.21")], [121])


def test_a_refund_in_the_dashboard_gives_nothing_of_the_fee_back(one: Appointment) -> None:
    account = one.world.stripe
    [row] = one.clinic.ask("GET", "/v1/payments?from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z").json()["content"]
    account.refund_in_dashboard(row["charge_id"], 4000)
    one.edge.deliver_webhooks()
    assert (given_back(one), at_stripe(one)) == ([(121, 0, "0.00")], [0])
