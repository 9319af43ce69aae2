"""Refunds and waivers as a clinic's front-end asks for them, through the deployed application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.flows.edit_participants import find_participant
from tests.support.clinic import Clinic, fields_of, fingerprint, path_of
from tests.support.edge import Reply
from tests.support.world import World

FEE = {"amount": 8000, "currency": "aud"}
LATER = {"start_time": "2026-03-02T18:00:00Z", "end_time": "2026-03-02T18:30:00Z"}


@dataclass
class Money:
    """A guest who owes 80.00 AUD for a session of this evening, and the clinic that asked for it."""

    clinic: Clinic
    path: str
    link: str

    @property
    def world(self) -> World:
        return self.clinic.edge.world

    def open_page(self) -> str:
        """The Checkout Session that the client is sent to."""
        return self.clinic.edge.post(f"{self.link}/checkout").headers["location"].rpartition("/")[2]

    def pay(self) -> None:
        self.world.stripe.pay(self.open_page())
        self.clinic.edge.deliver_webhooks()

    def refund(self, content: object = None, key: str | None = "key-1") -> Reply:
        named = {} if key is None else {"Idempotency-Key": key}
        return self.clinic.ask("POST", f"{self.path}/refund", content, **named)

    def waive(self, reason: object = "Paid at the desk", **headers: str) -> Reply:
        return self.clinic.ask("POST", f"{self.path}/waive", {"reason": reason}, **headers)

    def payment(self) -> dict[str, Any]:
        return dict(self.clinic.ask("GET", f"{self.path}?deleted_participants=true").json()["payment"])

    def door(self) -> str:
        return str(self.clinic.edge.get(self.link, Accept="application/json").json()["status"])

    def made(self) -> list[tuple[int, str]]:
        """Amount and status of every refund at Stripe."""
        return [(one["amount"], one["status"]) for one in self.world.refunds()]


@pytest.fixture
def money(clinic: Clinic) -> Money:
    guest = clinic.schedule({"role": "HOST"}, {"fee": FEE}, **LATER).json()["participants"][1]
    return Money(clinic, f"/v1/participants/{guest['participant_id']}", path_of(guest["entry_url"]))


@pytest.fixture
def paid(money: Money) -> Money:
    money.pay()
    return money


# --- refunds ------------------------------------------------------------------------------------------------------


def test_without_a_body_all_goes_back_at_once_and_the_guest_is_not_let_in(paid: Money) -> None:
    reply = paid.refund(key=None)
    assert (reply.status, paid.made()) == (200, [(8000, "succeeded")])
    payment = reply.json()["payment"]
    assert (payment["status"], payment["amount_paid"], payment["amount_refunded"]) == ("refunded", 8000, 8000)
    [charge] = payment["charges"]
    [refund] = charge["refunds"]
    assert refund == {
        "refund_id": paid.world.refunds()[0]["id"],
        "amount": 8000,
        "status": "succeeded",
        "reason": "requested",
    }
    assert paid.door() == "refunded"


@pytest.mark.parametrize(
    ("held_for", "status", "pending_reason", "attention"),
    [
        ("processing", "pending", "processing", None),
        ("charge_pending", "pending", "charge_pending", None),
        (
            "insufficient_funds",
            "pending",
            "insufficient_funds",
            (
                "The refund of 80.00 AUD is held: the clinic adds funds to the balance of its Stripe account, which "
                "did not cover it."
            ),
        ),
        (
            "requires_action",
            "requires_action",
            None,
            (
                "The refund of 80.00 AUD waits for the payer, whom Stripe asked by e-mail where to send it: the clinic "
                "asks them to answer."
            ),
        ),
    ],
)
def test_a_refund_that_is_pending_says_why_and_since_when(
    paid: Money, held_for: str, status: str, pending_reason: str | None, attention: str | None
) -> None:
    paid.world.stripe.set_refunds_pending(pending=True, reason=held_for)
    payment = paid.refund().json()["payment"]
    [refund] = payment["charges"][0]["refunds"]
    assert (refund["status"], refund["pending_reason"]) == (status, pending_reason)
    assert refund["pending_since"] == paid.world.clock().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert payment["attention"] == attention
    paid.world.stripe.settle_refund(refund["refund_id"])
    paid.clinic.edge.deliver_webhooks()
    payment = paid.payment()
    assert set(payment["charges"][0]["refunds"][0]) == {"refund_id", "amount", "status", "reason"}
    assert payment["attention"] is None


def test_a_refund_that_is_pending_for_more_than_ten_days_needs_the_clinic(paid: Money) -> None:
    paid.world.stripe.set_refunds_pending(pending=True)
    paid.refund()
    paid.world.clock.advance(days=10, seconds=1)
    paid.clinic.access_token = str(paid.clinic.ask_token().json()["access_token"])
    late = "The refund of 80.00 AUD is pending for more than ten days: the clinic asks Stripe about it."
    assert paid.payment()["attention"] == late


def test_a_refund_that_stripe_refuses_says_at_once_who_must_do_what(paid: Money) -> None:
    paid.world.stripe.set_balance(None, enough=False)
    reply = paid.refund()
    assert (reply.status, paid.made()) == (200, [])
    assert "the clinic adds funds to its balance in Stripe" in reply.json()["payment"]["attention"]
    assert reply.json()["payment"]["charges"][0]["refunds"][0]["status"] == "decided"


def test_a_part_goes_back_and_the_guest_is_still_let_in(paid: Money) -> None:
    reply = paid.refund({"amount": 3000, "reason": "Came late"})
    assert (reply.status, paid.made()) == (200, [(3000, "succeeded")])
    assert reply.json()["payment"]["status"] == "partially_refunded"
    assert paid.door() == "early"
    assert paid.refund({"amount": 5000}, "key-2").json()["payment"]["status"] == "refunded"
    assert paid.made() == [(3000, "succeeded"), (5000, "succeeded")]


def test_a_part_without_a_key_is_400_that_says_so_and_nothing_goes_back(paid: Money) -> None:
    before = fingerprint(paid.world)
    reply = paid.refund({"amount": 3000}, key=None)
    assert reply.status == 400
    assert "Idempotency-Key" in reply.json()["detail"]
    assert fingerprint(paid.world) == before


def test_the_same_part_under_one_key_goes_back_once_and_under_two_keys_twice(paid: Money) -> None:
    first = paid.refund({"amount": 3000})
    again = paid.refund({"amount": 3000})
    assert (again.body, again.headers["idempotent-replayed"]) == (first.body, "true")
    assert paid.made() == [(3000, "succeeded")]
    paid.refund({"amount": 3000}, "key-2")
    assert paid.made() == [(3000, "succeeded"), (3000, "succeeded")]
    assert paid.refund({"amount": 2500}).status == 422


@pytest.mark.parametrize(
    ("content", "field", "message"),
    [
        ({"amount": 8001}, "amount", "at most 80.00 AUD (8000) is left of this payment"),
        ({"amount": 0}, "amount", "must be 1 or more"),
        ({"amount": -3000}, "amount", "must be 1 or more"),
        ({"amount": 30.5}, "amount", "Expected"),
        ({"amount": "3000"}, "amount", "Expected"),
        ({"amout": 3000}, "amout", "is not a field here"),
        ({"charge": "ch_of_somebody_else"}, "charge", "is no charge of this participant"),
        ({"reason": "x" * 256}, "reason", "at most 255 characters; 256 were sent"),
        ({"reason": "a\u0007b"}, "reason", "must not hold control characters"),
    ],
)
def test_what_cannot_be_given_back_is_422_that_names_the_field(
    paid: Money, content: object, field: str, message: str
) -> None:
    before = paid.payment()
    reply = paid.refund(content)
    assert (reply.status, fields_of(reply)) == (422, [field])
    assert message in reply.json()["errors"][0]["message"]
    assert (paid.payment(), paid.made()) == (before, [])
    assert paid.refund({"amount": 100}).status == 200


def test_more_than_is_left_after_a_refund_in_the_dashboard_is_422(paid: Money) -> None:
    paid.world.stripe.refund_in_dashboard(paid.world.charges()[0]["id"], 6000)
    paid.clinic.edge.deliver_webhooks()
    assert fields_of(paid.refund({"amount": 2001})) == ["amount"]
    assert paid.refund().json()["payment"]["amount_refunded"] == 8000
    assert paid.made() == [(6000, "succeeded"), (2000, "succeeded")]


def test_nothing_paid_and_nothing_left_are_409(money: Money) -> None:
    unpaid = money.refund()
    assert (unpaid.status, unpaid.json()["detail"]) == (409, "nothing was paid that could go back")
    money.pay()
    assert money.refund().status == 200
    reply = money.refund(key="key-2")
    assert reply.status == 409
    assert reply.json()["detail"] == "all of this payment went back already, or is on its way"
    assert money.made() == [(8000, "succeeded")]


def test_a_disputed_payment_is_409_while_the_bank_decides_and_after_it_took_the_money(paid: Money) -> None:
    stripe = paid.world.stripe
    dispute_id = stripe.dispute(paid.world.charges()[0]["id"])
    paid.clinic.edge.deliver_webhooks()
    assert paid.refund().status == 409
    stripe.dispute_close(dispute_id, "lost")
    paid.clinic.edge.deliver_webhooks()
    assert paid.refund().status == 409
    assert paid.made() == []
    assert paid.payment()["charges"][0]["dispute"] == "lost"


def test_after_a_dispute_that_the_clinic_won_it_may_give_the_money_back(paid: Money) -> None:
    stripe = paid.world.stripe
    stripe.dispute_close(stripe.dispute(paid.world.charges()[0]["id"]), "won")
    paid.clinic.edge.deliver_webhooks()
    assert paid.refund().json()["payment"]["status"] == "refunded"


def test_a_charge_is_named_by_what_the_participant_shows(paid: Money) -> None:
    [charge] = paid.payment()["charges"]
    assert paid.refund({"charge": charge["charge_id"], "amount": 100}).status == 200
    assert paid.made() == [(100, "succeeded")]


def test_a_charge_of_empty_text_is_as_absent(paid: Money) -> None:
    assert paid.refund({"charge": "", "amount": 100}).status == 200
    assert paid.made() == [(100, "succeeded")]


def test_a_kept_payment_of_a_cancelled_session_and_of_one_removed_can_still_be_given_back(paid: Money) -> None:
    paid.world.clock.advance(minutes=1)
    assert paid.clinic.ask("DELETE", f"{paid.path}?refund=none").status == 200
    assert paid.payment()["amount_refunded"] == 0
    assert paid.refund({"amount": 1000}).status == 200
    assert paid.made() == [(1000, "succeeded")]


def test_what_goes_back_by_rule_is_not_given_back_a_second_time(paid: Money) -> None:
    paid.world.stripe.fail_next("timeout_before", 10)
    session_id = paid.clinic.ask("GET", paid.path).json()["session_id"]
    assert paid.clinic.ask("DELETE", f"/v1/sessions/{session_id}").status == 200
    paid.world.stripe.clear_faults()
    assert paid.refund().status == 409
    paid.world.clock.advance(minutes=5)
    paid.world.sweep()
    assert paid.made() == [(8000, "succeeded")]


def test_when_stripe_is_silent_the_refund_is_decided_shown_and_made_by_the_sweep(paid: Money) -> None:
    paid.world.stripe.fail_next("timeout_before", 10)
    reply = paid.refund({"amount": 3000})
    assert reply.status == 200
    [charge] = reply.json()["payment"]["charges"]
    assert charge["refunds"] == [{"refund_id": None, "amount": 3000, "status": "decided", "reason": "requested"}]
    paid.world.stripe.clear_faults()
    paid.world.clock.advance(minutes=2)
    paid.world.sweep()
    assert paid.made() == [(3000, "succeeded")]
    assert paid.refund({"amount": 3000}).json()["payment"]["amount_refunded"] == 3000
    assert paid.made() == [(3000, "succeeded")]


def test_nothing_of_the_reason_reaches_stripe(paid: Money) -> None:
    paid.refund({"amount": 3000, "reason": "MARKED-REASON"})
    assert "MARKED-REASON" not in repr(paid.world.stripe.snapshot())
    assert paid.world.refunds()[0]["metadata"]["anteroom_reason"] == "requested"


# --- waivers ------------------------------------------------------------------------------------------------------


def test_who_is_waived_is_let_in_without_paying(money: Money) -> None:
    reply = money.waive()
    assert (reply.status, reply.json()["payment"]["status"]) == (200, "waived")
    assert money.door() == "early"
    money.world.clock.advance(hours=6)
    assert money.door() == "join"


def test_an_open_page_is_closed_at_stripe_before_the_fee_is_waived(money: Money) -> None:
    page = money.open_page()
    assert money.waive().status == 200
    assert [(one["id"], one["status"]) for one in money.world.checkouts()] == [(page, "expired")]


def test_a_page_that_stripe_does_not_close_leaves_the_fee_as_it_is(money: Money) -> None:
    money.open_page()
    money.world.stripe.fail_next("timeout_before", 10)
    assert money.waive().status == 503
    money.world.stripe.clear_faults()
    assert money.payment()["status"] == "unpaid"


def test_who_paid_at_that_moment_is_paid_and_not_waived(money: Money) -> None:
    money.world.stripe.set_webhooks("drop")
    money.world.stripe.pay(money.open_page())
    reply = money.waive()
    assert reply.status == 409
    assert money.payment()["status"] == "paid"
    assert money.made() == []


def test_again_and_under_a_key_is_silent_and_the_first_reason_counts(money: Money) -> None:
    first = money.waive("Insured", Idempotency_Key="key-1")
    assert money.waive("Insured", Idempotency_Key="key-1").headers["idempotent-replayed"] == "true"
    assert money.waive("Another").body == first.body
    assert money.waive("Another", Idempotency_Key="key-1").status == 422
    participant_id = money.path.rpartition("/")[2]
    member = find_participant(money.world.ctx, money.clinic.team.team_id, participant_id)
    waiver = member.participant.history.waiver
    assert waiver is not None
    assert (waiver.reason, waiver.by) == ("Insured", f"api_client:{money.clinic.client_id}")


@pytest.mark.parametrize("reason", ["", " ", None, 7, "x" * 256, "a\u0000b"])
def test_a_waiver_without_a_reason_is_422(money: Money, reason: object) -> None:
    reply = money.waive(reason)
    assert (reply.status, fields_of(reply)) == (422, ["reason"])
    assert money.payment()["status"] == "unpaid"


def test_who_was_refunded_in_full_may_be_let_in_by_a_waiver(paid: Money) -> None:
    assert paid.waive().status == 409
    paid.refund()
    assert paid.waive().json()["payment"]["status"] == "waived"
    assert paid.door() == "early"
    assert paid.made() == [(8000, "succeeded")]


def test_there_is_nothing_to_waive_without_a_fee_after_the_end_or_once_cancelled(clinic: Clinic) -> None:
    free, owing = clinic.schedule({"display_name": "Ann"}, {"fee": FEE}, **LATER).json()["participants"]
    ask = {"reason": "Insured"}
    assert clinic.ask("POST", f"/v1/participants/{free['participant_id']}/waive", ask).status == 409
    path = f"/v1/participants/{owing['participant_id']}/waive"
    assert clinic.ask("DELETE", f"/v1/sessions/{owing['session_id']}").status == 200
    cancelled = clinic.ask("POST", path, ask)
    assert (cancelled.status, cancelled.json()["detail"][:24]) == (409, "the session is cancelled")


def test_after_the_end_nothing_is_waived(money: Money) -> None:
    money.world.clock.advance(hours=6, minutes=30)
    money.clinic.access_token = str(money.clinic.ask_token().json()["access_token"])
    assert money.waive().status == 409
