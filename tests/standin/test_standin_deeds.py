"""What a bank, a payer or the clinic's staff do to a payment, by participant or by charge."""

from typing import Any

import pytest

from sandbox.stripe_standin import ControlError, StripeStandIn
from sandbox.stripe_standin.deeds import Asked, PaymentDeed
from tests.standin.shop import Clock, Shop

pytestmark = pytest.mark.controls

ROBIN, SAM = "robin", "sam"


def paid(shop: Shop, standin: StripeStandIn, participant_id: str = ROBIN, **changes: Any) -> str:
    of_participant = {"metadata": {"anteroom_participant": participant_id}}
    return standin.pay(shop.offer(payment_intent_data=of_participant, **changes)["id"]).charge_id


def do(standin: StripeStandIn, deed: str, **asked: Any) -> dict[str, Any]:
    if "charge" not in asked:
        asked.setdefault("participant_id", ROBIN)
    return standin.do(Asked(PaymentDeed(deed), **asked))


def test_a_deed_says_what_it_was_done_to(shop: Shop, standin: StripeStandIn) -> None:
    charge = paid(shop, standin)
    done = do(standin, "refund", amount=3000)
    refund = shop.get("/v1/refunds")["data"][0]
    assert done == {
        "deed": "refund",
        "charge": charge,
        "payment_intent": refund["payment_intent"],
        "object": "refund",
        "id": refund["id"],
        "status": "succeeded",
    }
    assert (refund["amount"], refund["metadata"]) == (3000, {})


def test_it_is_done_to_the_participants_newest_charge_that_fits(
    shop: Shop, standin: StripeStandIn, clock: Clock
) -> None:
    older = paid(shop, standin)
    clock.advance(minutes=1)
    newer = paid(shop, standin)
    clock.advance(minutes=1)
    paid(shop, standin, SAM)
    assert do(standin, "dispute")["charge"] == newer
    assert do(standin, "dispute")["charge"] == older
    with pytest.raises(ControlError, match=rf"no charge fits dispute; there is {older} .*disputed: needs_response"):
        do(standin, "dispute")


def test_of_two_of_the_same_second_it_is_done_to_the_later(shop: Shop, standin: StripeStandIn) -> None:
    paid(shop, standin)
    later = paid(shop, standin)
    assert do(standin, "dispute")["charge"] == later


def test_a_deed_on_a_refund_is_done_to_the_participants_newest_refund(
    shop: Shop, standin: StripeStandIn, clock: Clock
) -> None:
    older = paid(shop, standin)
    clock.advance(minutes=1)
    newer = paid(shop, standin)
    for charge in (newer, older):
        clock.advance(minutes=1)
        shop.post("/v1/refunds", {"charge": charge})
    assert do(standin, "fail_refund")["charge"] == older


def test_it_is_done_to_the_charge_that_was_named(shop: Shop, standin: StripeStandIn) -> None:
    older, _newer = paid(shop, standin), paid(shop, standin)
    assert do(standin, "inquiry", charge=older)["charge"] == older


@pytest.mark.parametrize(
    ("deed", "status", "of_session"), [("settle_debit", "succeeded", "paid"), ("fail_debit", "failed", "unpaid")]
)
def test_a_debit_ends_well_or_badly(
    shop: Shop, standin: StripeStandIn, deed: str, status: str, of_session: str
) -> None:
    of_participant = {"metadata": {"anteroom_participant": ROBIN}}
    session = shop.offer(payment_method_types=["card", "au_becs_debit"], payment_intent_data=of_participant)
    standin.pay(session["id"], "au_becs_debit")
    assert do(standin, deed)["status"] == status
    assert shop.session(session["id"])["payment_status"] == of_session


@pytest.mark.parametrize(("deed", "status"), [("win_dispute", "won"), ("lose_dispute", "lost")])
def test_a_dispute_over_a_part_in_another_currency_is_won_or_lost(
    shop: Shop, standin: StripeStandIn, deed: str, status: str
) -> None:
    paid(shop, standin)
    do(standin, "dispute", amount=1300, currency="usd", reason="product_not_received")
    dispute = shop.get("/v1/disputes")["data"][0]
    told = (dispute["amount"], dispute["currency"], dispute["reason"], dispute["status"])
    assert told == (1300, "usd", "product_not_received", "needs_response")
    assert do(standin, deed)["status"] == status


@pytest.mark.parametrize(("deed", "status"), [("win_dispute", "warning_closed"), ("lose_dispute", "lost")])
def test_an_inquiry_comes_to_nothing_or_to_a_dispute_that_is_lost(
    shop: Shop, standin: StripeStandIn, deed: str, status: str
) -> None:
    paid(shop, standin)
    assert do(standin, "inquiry")["status"] == "warning_needs_response"
    assert do(standin, deed)["status"] == status


@pytest.mark.parametrize("amount", [0, -1, 8001])
def test_a_dispute_is_over_what_is_left(shop: Shop, standin: StripeStandIn, amount: int) -> None:
    paid(shop, standin)
    with pytest.raises(ControlError, match="amount is 1 to 8000"):
        do(standin, "dispute", amount=amount)
    assert shop.get("/v1/disputes")["data"] == []


def test_the_next_refund_is_held_until_it_is_completed(shop: Shop, standin: StripeStandIn) -> None:
    charge = paid(shop, standin)
    do(standin, "hold_refund", reason="insufficient_funds")
    held = shop.post("/v1/refunds", {"charge": charge, "amount": 1000})
    assert (held["status"], held["pending_reason"]) == ("pending", "insufficient_funds")
    assert shop.post("/v1/refunds", {"charge": charge, "amount": 500})["status"] == "succeeded"
    assert do(standin, "complete_refund") | {"status": "succeeded"} == do_told(charge, held)
    assert shop.get(f"/v1/refunds/{held['id']}")["status"] == "succeeded"


def do_told(charge: str, refund: dict[str, Any]) -> dict[str, Any]:
    return {
        "deed": "complete_refund",
        "charge": charge,
        "payment_intent": refund["payment_intent"],
        "object": "refund",
        "id": refund["id"],
        "status": "succeeded",
    }


def test_the_newest_refund_fails_pending_or_made(shop: Shop, standin: StripeStandIn) -> None:
    charge = paid(shop, standin)
    do(standin, "hold_refund")
    held = shop.post("/v1/refunds", {"charge": charge, "amount": 1000})
    made = shop.post("/v1/refunds", {"charge": charge, "amount": 500})
    assert do(standin, "fail_refund", reason="declined")["id"] == made["id"]
    assert shop.get(f"/v1/refunds/{made['id']}")["failure_reason"] == "declined"
    assert do(standin, "fail_refund")["id"] == held["id"]


def test_a_refund_waits_for_the_payer(shop: Shop, standin: StripeStandIn) -> None:
    charge = paid(shop, standin)
    do(standin, "hold_refund", reason="requires_action")
    assert shop.post("/v1/refunds", {"charge": charge})["status"] == "requires_action"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"deed": "refund", "participant_id": ROBIN, "charge": "ch_1"}, "either participant_id or charge"),
        ({"deed": "refund"}, "either participant_id or charge"),
        ({"deed": "refund", "participant_id": ROBIN, "reason": "x"}, "refund takes no reason.*it takes amount"),
        ({"deed": "settle_debit", "participant_id": ROBIN, "amount": 1}, "takes no amount.*it takes none"),
        ({"deed": "settle_debit", "participant_id": ROBIN}, "no charge fits settle_debit"),
        ({"deed": "refund", "participant_id": "nobody"}, "there is none at all"),
        ({"deed": "complete_refund", "participant_id": ROBIN}, "no charge fits complete_refund"),
        ({"deed": "win_dispute", "participant_id": ROBIN}, "no charge fits win_dispute"),
        ({"deed": "hold_refund", "participant_id": ROBIN, "reason": "x"}, "charge_pending, insufficient_funds"),
        ({"deed": "dispute", "participant_id": ROBIN, "amount": 1, "currency": "zzz"}, "currency is a lower-case code"),
        ({"deed": "dispute", "participant_id": ROBIN, "currency": "usd"}, "needs its amount"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    shop: Shop, standin: StripeStandIn, asked: dict[str, Any], says: str
) -> None:
    paid(shop, standin)
    before = standin.snapshot()
    with pytest.raises(ControlError, match=says):
        standin.do(Asked(PaymentDeed(asked.pop("deed")), **asked))
    assert standin.snapshot() == before
