"""A clinic asks again for a fee that was given back or lost, as its front-end does, at the deployed application."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.http.test_routes_money import FEE, LATER, Money
from tests.support.clinic import Clinic, fields_of, path_of
from tests.support.edge import Reply
from tests.support.world import NOON


@pytest.fixture
def money(clinic: Clinic) -> Money:
    guest = clinic.schedule({"role": "HOST"}, {"fee": FEE}, **LATER).json()["participants"][1]
    return Money(clinic, f"/v1/participants/{guest['participant_id']}", path_of(guest["entry_url"]))


@pytest.fixture
def refunded(money: Money) -> Money:
    pays(money)
    assert money.refund(key=None).status == 200
    return money


def pays(money: Money) -> None:
    """A minute after whatever was before."""
    money.world.clock.advance(minutes=1)
    money.pay()
    money.world.clock.advance(minutes=1)


def again(money: Money, reason: object = "Refunded in error", **headers: str) -> Reply:
    return money.clinic.ask("POST", f"{money.path}/charge-again", {"reason": reason}, **headers)


def refusal(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json()["detail"]


def charges(money: Money) -> list[tuple[int, list[str]]]:
    """Of each charge the amount, and how its refunds stand."""
    return [(one["amount"], [back["status"] for back in one["refunds"]]) for one in money.payment()["charges"]]


# --- what was given back or lost --------------------------------------------------------------------------------------


def test_who_was_refunded_is_asked_again_and_let_in_once_they_have_paid(refunded: Money) -> None:
    assert refunded.door() == "refunded"
    reply = again(refunded)
    payment = reply.json()["payment"]
    assert (reply.status, payment["status"], payment["amount_paid"]) == (200, "unpaid", 0)
    assert refunded.door() == "pay"
    pays(refunded)
    assert (refunded.payment()["status"], refunded.door()) == ("paid", "early")
    assert charges(refunded) == [(8000, ["succeeded"]), (8000, [])]
    assert len(refunded.made()) == 1


def test_a_key_whose_request_changed_nothing_is_answered_the_same_once_they_have_paid(refunded: Money) -> None:
    assert again(refunded, Idempotency_Key="k1").status == 200
    refunded.world.clock.advance(minutes=1)
    assert again(refunded, Idempotency_Key="k2").status == 200
    pays(refunded)
    for key in ("k1", "k2"):
        reply = again(refunded, Idempotency_Key=key)
        assert (reply.status, reply.json()["payment"]["status"]) == (200, "paid")
    assert refunded.refund(key=None).status == 200
    assert again(refunded, Idempotency_Key="k2").json()["payment"]["status"] == "refunded"


def test_after_a_refund_in_stripes_dashboard_too(money: Money) -> None:
    pays(money)
    money.world.stripe.refund_in_dashboard(money.world.charges()[0]["id"], 8000)
    money.clinic.edge.deliver_webhooks()
    assert money.door() == "refunded"
    assert again(money).status == 200
    assert money.door() == "pay"


def test_a_refund_that_is_pending_counts_as_given_back(money: Money) -> None:
    pays(money)
    money.world.stripe.set_refunds_pending(pending=True)
    money.refund(key=None)
    assert again(money).json()["payment"]["status"] == "unpaid"


def test_after_a_dispute_that_was_lost(money: Money) -> None:
    pays(money)
    dispute_id = money.world.stripe.dispute(money.world.charges()[0]["id"])
    money.clinic.edge.deliver_webhooks()
    assert refusal(again(money))[1].startswith(
        "the payer's bank is looking into this payment: a refund ends an inquiry"
    )
    money.world.stripe.dispute_close(dispute_id, "lost")
    money.clinic.edge.deliver_webhooks()
    assert money.door() == "refunded"
    assert again(money).json()["payment"]["status"] == "unpaid"
    pays(money)
    assert (money.payment()["status"], len(money.made())) == ("paid", 0)


def test_round_after_round_each_payment_counts_and_each_goes_back_once(money: Money) -> None:
    for _ in range(7):
        pays(money)
        assert money.payment()["status"] == "paid"
        assert money.refund(key=None).status == 200
        assert again(money).status == 200
    pays(money)
    assert money.refund(key=None).status == 200
    assert refusal(again(money)) == (
        409,
        "this fee was paid and given back as often as can be kept; waive it, or schedule another session",
    )
    assert money.made() == 8 * [(8000, "succeeded")]
    assert charges(money) == 8 * [(8000, ["succeeded"])]
    assert money.payment()["attention"] is None
    assert money.waive().json()["payment"]["status"] == "waived"


def test_the_room_for_payments_is_shared_by_the_whole_session(clinic: Clinic) -> None:
    people = clinic.schedule({"role": "HOST"}, *(4 * [{"fee": FEE}]), **LATER).json()["participants"][1:]
    guests = [Money(clinic, f"/v1/participants/{one['participant_id']}", path_of(one["entry_url"])) for one in people]
    assert [rounds(guest) for guest in guests] == [7, 7, 6, 0]


def rounds(money: Money) -> int:
    """How often they can pay, get it back, and be asked again, seven times at most; they pay once more then."""
    pays(money)
    for number in range(7):
        assert money.refund(key=None).status == 200
        if again(money).status != 200:
            assert money.door() == "refunded"
            return number
        pays(money)
    return 7


# --- its refund fails, or the dispute is won after all ----------------------------------------------------------------


def test_a_refund_that_fails_before_they_pay_again_leaves_the_first_payment_and_closes_the_page(
    refunded: Money,
) -> None:
    again(refunded)
    refunded.world.clock.advance(minutes=1)
    page = refunded.open_page()
    refunded.world.stripe.fail_refund(refunded.world.refunds()[0]["id"])
    refunded.clinic.edge.deliver_webhooks()
    refunded.world.clock.advance(minutes=1)
    refunded.clinic.edge.run_schedule()
    payment = refunded.payment()
    assert (payment["status"], refunded.door()) == ("paid", "early")
    assert "failed at the bank" in payment["attention"]
    assert {one["id"]: one["status"] for one in refunded.world.checkouts()}[page] == "expired"


def test_a_refund_that_fails_after_they_paid_again_is_a_persons_and_one_payment_counts(refunded: Money) -> None:
    again(refunded)
    pays(refunded)
    refunded.world.stripe.fail_refund(refunded.world.refunds()[0]["id"])
    refunded.clinic.edge.deliver_webhooks()
    refunded.clinic.edge.run_schedule()
    payment = refunded.payment()
    assert (payment["status"], payment["amount_paid"]) == ("paid", 8000)
    assert "failed at the bank" in payment["attention"]
    assert charges(refunded) == [(8000, ["failed"]), (8000, [])]


# --- what is refused --------------------------------------------------------------------------------------------------


def test_what_is_unpaid_already_is_not_charged_again(money: Money) -> None:
    expected = 409, "the fee is unpaid, so their link asks for it already; send it to them"
    assert refusal(again(money)) == expected


def test_what_is_paid_and_held_is_refunded_first(money: Money) -> None:
    pays(money)
    expected = (
        409,
        (
            "the fee is paid, and not all of it is back; "
            "give back what is left, here or in Stripe, and charge it again then"
        ),
    )
    assert refusal(again(money)) == expected
    money.refund({"amount": 3000})
    assert refusal(again(money)) == expected


def test_while_a_bank_is_at_work_nothing_is_charged_again(clinic: Clinic) -> None:
    clinic.change_team(delayed_methods=("au_becs_debit",))
    far = {"start_time": "2026-03-22T18:00:00Z", "end_time": "2026-03-22T18:30:00Z"}
    guest = clinic.schedule({"role": "HOST"}, {"fee": FEE}, **far).json()["participants"][1]
    money = Money(clinic, f"/v1/participants/{guest['participant_id']}", path_of(guest["entry_url"]))
    money.world.stripe.pay(money.open_page(), "au_becs_debit")
    money.clinic.edge.deliver_webhooks()
    assert refusal(again(money)) == (409, "a bank is at work on the payment of this fee; wait until it has decided")


def test_what_was_waived_stays_waived(refunded: Money) -> None:
    refunded.waive()
    assert refusal(again(refunded)) == (
        409,
        "the fee was waived, and that is for good; to be paid, schedule another session",
    )


def test_without_a_fee_there_is_none_to_charge(clinic: Clinic) -> None:
    free = clinic.schedule({"display_name": "Ann"}, **LATER).json()["participants"][0]
    reply = clinic.ask("POST", f"/v1/participants/{free['participant_id']}/charge-again", {"reason": "x"})
    assert refusal(reply) == (409, "there is no fee to charge; set one by a change of the participant")


def test_nothing_is_charged_again_of_a_cancelled_session_or_of_who_was_removed(refunded: Money) -> None:
    session_id = refunded.clinic.ask("GET", refunded.path).json()["session_id"]
    assert refunded.clinic.ask("DELETE", f"/v1/sessions/{session_id}").status == 200
    assert refusal(again(refunded)) == (409, "the session is cancelled, and that is for good; schedule another one")
    assert refunded.clinic.ask("DELETE", refunded.path).status == 200
    assert again(refunded).status == 404


def test_after_the_end_nothing_is_charged_again(refunded: Money) -> None:
    refunded.world.clock.advance(hours=6, minutes=30)
    refunded.clinic.access_token = str(refunded.clinic.ask_token().json()["access_token"])
    assert refusal(again(refunded)) == (409, "the session is over")


@pytest.mark.parametrize("reason", ["", " ", None, 7, "x" * 256, "a\u0000b"])
def test_without_a_reason_it_is_422(refunded: Money, reason: object) -> None:
    reply = again(refunded, reason)
    assert (reply.status, fields_of(reply)) == (422, ["reason"])
    assert refunded.payment()["status"] == "refunded"


# --- again, and under a key -------------------------------------------------------------------------------------------


def audited(money: Money) -> list[tuple[str, str | None]]:
    """Who charged again, and why."""
    rows = money.world.sessions.books.audit().between(money.clinic.team.team_id, NOON, NOON + timedelta(days=1))
    return [(one.who, one.why) for row in rows for one in row.entries if one.what == "charged_again"]


def test_again_is_silent_and_the_first_reason_counts(refunded: Money) -> None:
    first = again(refunded, "Refunded in error")
    refunded.world.clock.advance(minutes=1)
    assert again(refunded, "Another").body == first.body
    assert audited(refunded) == [(f"api_client:{refunded.clinic.client_id}", "Refunded in error")]


def test_under_one_key_it_is_done_once_whatever_was_paid_and_refunded_since(refunded: Money) -> None:
    assert again(refunded, Idempotency_Key="key-7").status == 200
    assert again(refunded, "Another", Idempotency_Key="key-7").status == 422
    pays(refunded)
    replay = again(refunded, Idempotency_Key="key-7")
    assert (replay.headers["idempotent-replayed"], replay.json()["payment"]["status"]) == ("true", "paid")
    assert refunded.refund(key="key-8").status == 200
    replay = again(refunded, Idempotency_Key="key-7")
    assert (replay.headers["idempotent-replayed"], replay.json()["payment"]["status"]) == ("true", "refunded")
    assert again(refunded, Idempotency_Key="key-9").json()["payment"]["status"] == "unpaid"
    assert [why for _, why in audited(refunded)] == 2 * ["Refunded in error"]
