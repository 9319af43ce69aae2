"""What the clinic's front-end reads and may do once money went back: another fee, a payment of another amount."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.clinic import Clinic, path_of

FEE = {"amount": 8000, "currency": "aud"}
OTHER = {"amount": 9000, "currency": "aud"}
EVENING = {"start_time": "2026-03-02T18:00:00Z", "end_time": "2026-03-02T18:30:00Z"}
TOMORROW = {"start_time": "2026-03-03T18:00:00Z", "end_time": "2026-03-03T18:30:00Z"}


class Booking:
    """A guest who owes 80.00 AUD for a session of this evening, and the clinic that asked for it."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic, self.world = clinic, clinic.edge.world
        session = clinic.schedule({"role": "HOST"}, {"fee": FEE}, **EVENING).json()
        guest = session["participants"][1]
        self.session_path = f"/v1/sessions/{session['session_id']}"
        self.path = f"/v1/participants/{guest['participant_id']}"
        self.link = path_of(guest["entry_url"])

    def open_page(self) -> str:
        return self.clinic.edge.post(f"{self.link}/checkout").headers["location"].rpartition("/")[2]

    def pay(self, page: str, amount: int = 8000) -> str:
        """Stripe's page takes that much; the id of the charge."""
        self.world.stripe._world.platform.objects[page]["amount_total"] = amount
        charge_id = self.world.stripe.pay(page).charge_id
        self.clinic.edge.deliver_webhooks()
        return str(charge_id)

    def payment(self) -> dict[str, Any]:
        return dict(self.clinic.ask("GET", self.path).json()["payment"])

    def refused_fee(self) -> str:
        reply = self.clinic.ask("PUT", self.path, {"fee": OTHER})
        assert reply.status == 409
        return str(reply.json()["detail"])

    def door(self) -> str:
        return str(self.clinic.edge.get(self.link, Accept="application/json").json()["status"])

    def page_text(self) -> str:
        return self.clinic.edge.get(self.link).body


@pytest.fixture
def booking(clinic: Clinic) -> Booking:
    return Booking(clinic)


def test_a_fee_is_changed_once_the_payment_is_back_and_until_then_the_refusal_says_what_to_do(booking: Booking) -> None:
    booking.pay(booking.open_page())
    assert booking.refused_fee() == (
        "a payment is held, so the fee stays as it is; give a part back with a refund, or all of it to ask for another "
        "fee"
    )
    assert booking.clinic.ask("POST", f"{booking.path}/refund").status == 200
    assert booking.clinic.ask("PUT", booking.path, {"fee": OTHER}).status == 200
    payment = booking.payment()
    assert (payment["status"], payment["amount_paid"], payment["attention"]) == ("unpaid", 0, None)
    assert [(one["goes_back"], len(one["refunds"])) for one in payment["charges"]] == [("fee_changed", 1)]
    assert booking.door() == "pay"
    assert "Your payment of 80.00 AUD has been returned." in booking.page_text()


def test_money_of_another_amount_is_given_back_by_its_charge_and_then_the_fee_is_paid(booking: Booking) -> None:
    charge_id = booking.pay(booking.open_page(), 8800)
    assert booking.door() == "offer_refused"
    assert booking.refused_fee() == (
        "a payment came that is not the one that was asked for, so the fee stays as it is; give it back by its `charge`"
    )
    unnamed = booking.clinic.ask("POST", f"{booking.path}/refund")
    assert unnamed.status == 422
    assert unnamed.json()["errors"] == [
        {
            "field": "charge",
            "message": f"what was paid is not what was asked for; to give it back, name its charge: {charge_id}",
        }
    ]
    named = booking.clinic.ask("POST", f"{booking.path}/refund", {"charge": charge_id})
    assert named.status == 200
    payment = named.json()["payment"]
    assert (payment["status"], payment["amount_paid"], payment["attention"]) == ("unpaid", 0, None)
    [charge] = payment["charges"]
    assert (charge["charge_id"], charge["amount"], charge["goes_back"]) == (charge_id, 8800, None)
    assert [(one["amount"], one["status"], one["reason"]) for one in charge["refunds"]] == [
        (8800, "succeeded", "requested")
    ]
    assert booking.door() == "pay"
    assert "Your payment of 88.00 AUD has been returned." in booking.page_text()
    booking.pay(booking.open_page())
    assert (booking.payment()["status"], booking.door()) == ("paid", "early")
    day = "from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z"
    rows = booking.clinic.ask("GET", f"/v1/payments?{day}").json()["content"]
    told = [(one["amount"], one["refunded"], one["is_accepted"]) for one in rows]
    assert sorted(told) == [(8000, 0, True), (8800, 8800, False)]
    assert booking.clinic.ask("POST", f"{booking.path}/refund", {"charge": charge_id}).status == 409


def test_whoever_paid_too_late_reads_that_it_went_back_and_pays_for_the_moved_session(booking: Booking) -> None:
    page = booking.open_page()
    booking.world.stripe._world.platform.objects[page]["expires_at"] += 86400
    booking.world.clock.advance(hours=6, minutes=30)
    booking.pay(page)
    booking.world.sweep()
    booking.clinic.edge.deliver_webhooks()
    booking.clinic.access_token = str(booking.clinic.ask_token().json()["access_token"])
    assert booking.payment()["status"] == "refunded"
    assert booking.clinic.ask("PUT", booking.session_path, TOMORROW).status == 200
    payment = booking.payment()
    assert (payment["status"], payment["amount_paid"], payment["attention"]) == ("unpaid", 0, None)
    [charge] = payment["charges"]
    assert (charge["goes_back"], [one["reason"] for one in charge["refunds"]]) == (None, ["after_end"])
    assert booking.door() == "pay"
    text = booking.page_text()
    assert "Your payment of 80.00 AUD has been returned." in text
    assert "Pay for your consultation" in text
    booking.pay(booking.open_page())
    assert (booking.payment()["status"], booking.door()) == ("paid", "early")
    reasons = [(one["amount"], one["metadata"]["anteroom_reason"]) for one in booking.world.refunds()]
    assert reasons == [(8000, "after_end")]
