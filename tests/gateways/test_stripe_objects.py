"""Stripe's objects as facts: paid only where Stripe says paid, and nothing is guessed where a field is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.facts import (
    AttemptState,
    Charge,
    ChargeSeen,
    CheckoutSeen,
    Dispute,
    DisputeSeen,
    DisputeStatus,
    PendingReason,
    Refund,
    RefundSeen,
    RefundStatus,
)
from chalicelib.gateways.stripe_objects import (
    Place,
    StrangeObjectError,
    account_seen,
    charge_seen,
    checkout_seen,
    dispute_seen,
    id_of,
    place_of,
    refund_seen,
)

TEAM = "11111111-1111-4111-8111-111111111111"
SESSION = "019cae6b-6600-75b1-a522-4a58b791d800"
PARTICIPANT = "019cae6b-6600-75b1-a522-4a58b791d802"
ATTEMPT = "22222222-2222-4222-8222-222222222222"
OURS = {"anteroom_team": TEAM, "anteroom_participant": PARTICIPANT, "anteroom_attempt": ATTEMPT}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
AT_NOON = 1_772_452_800

CHECKOUT: dict[str, Any] = {
    "id": "cs_1",
    "object": "checkout.session",
    "client_reference_id": ATTEMPT,
    "amount_total": 8000,
    "currency": "aud",
    "livemode": False,
    "expires_at": AT_NOON,
    "url": None,
    "payment_intent": "pi_1",
    "status": "complete",
    "payment_status": "paid",
    "metadata": OURS,
}
CHARGE: dict[str, Any] = {
    "id": "ch_1",
    "object": "charge",
    "amount": 8000,
    "amount_captured": 8000,
    "amount_refunded": 0,
    "currency": "aud",
    "created": AT_NOON,
    "application_fee_amount": None,
    "receipt_url": "https://pay.example/r",
    "payment_intent": "pi_1",
    "status": "succeeded",
    "paid": True,
    "metadata": OURS,
}
REFUND: dict[str, Any] = {
    "id": "re_1",
    "object": "refund",
    "amount": 500,
    "payment_intent": "pi_1",
    "status": "succeeded",
    "metadata": {"anteroom_refund": "decision-1"},
}
DISPUTE: dict[str, Any] = {
    "id": "dp_1",
    "object": "dispute",
    "amount": 8000,
    "payment_intent": "pi_1",
    "status": "needs_response",
    "currency": "aud",
    "is_charge_refundable": False,
}


def test_a_paid_checkout_tells_what_was_paid_and_where() -> None:
    assert checkout_seen(CHECKOUT, "acct_1") == CheckoutSeen(
        checkout_session_id="cs_1",
        attempt_id=ATTEMPT,
        stripe_account_id="acct_1",
        state=AttemptState.PAID,
        amount=8000,
        currency="aud",
        livemode=False,
        expires_at=NOON,
        payment_intent_id="pi_1",
    )


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"status": "open", "payment_status": "unpaid"}, AttemptState.OPEN),
        ({"status": "expired", "payment_status": "unpaid"}, AttemptState.EXPIRED),
        ({"status": "complete", "payment_status": "unpaid"}, AttemptState.PROCESSING),
        (
            {"payment_status": "unpaid", "payment_intent": {"id": "pi_1", "status": "processing"}},
            AttemptState.PROCESSING,
        ),
        ({"payment_status": "unpaid", "payment_intent": {"id": "pi_1", "status": "canceled"}}, AttemptState.FAILED),
        (
            {"payment_status": "unpaid", "payment_intent": {"id": "pi_1", "status": "requires_payment_method"}},
            AttemptState.FAILED,
        ),
        ({"payment_intent": {"id": "pi_1", "status": "succeeded"}}, AttemptState.PAID),
    ],
)
def test_paid_is_what_stripe_calls_paid_and_complete_alone_is_not(changes: dict[str, Any], state: AttemptState) -> None:
    seen = checkout_seen({**CHECKOUT, **changes}, None)
    assert (seen.state, seen.payment_intent_id) == (state, "pi_1")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": None},
        {"status": "frozen"},
        {"payment_status": "no_payment_required"},
        {"payment_status": None},
        {"payment_intent": None},
        {"payment_intent": ""},
        {"livemode": None},
        {"livemode": "false"},
        {"amount_total": None},
        {"amount_total": "8000"},
        {"amount_total": 8000.0},
        {"amount_total": True},
        {"currency": ""},
        {"id": None},
        {"client_reference_id": None},
        {"expires_at": None},
        {"expires_at": 10**20},
        {"expires_at": -(10**20)},
    ],
)
def test_a_checkout_that_is_not_as_documented_is_strange(changes: dict[str, Any]) -> None:
    with pytest.raises(StrangeObjectError) as raised:
        checkout_seen({**CHECKOUT, **changes}, None)
    assert str(raised.value).startswith("checkout.session of Stripe's has a strange ")


def test_a_charge_tells_when_and_with_which_fee() -> None:
    assert charge_seen({**CHARGE, "application_fee_amount": 120}, None) == ChargeSeen(
        payment_intent_id="pi_1",
        attempt_id=ATTEMPT,
        stripe_account_id=None,
        charge=Charge("ch_1", 8000, "aud", NOON, 120, "https://pay.example/r"),
        amount_refunded=0,
    )


@pytest.mark.parametrize("changes", [{"status": "pending"}, {"status": "failed"}, {"paid": False}, {"metadata": {}}])
def test_a_charge_that_moved_no_money_of_ours_tells_nothing(changes: dict[str, Any]) -> None:
    assert charge_seen({**CHARGE, **changes}, None) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"created": None},
        {"amount_captured": None},
        {"amount_refunded": None},
        {"payment_intent": None},
        {"application_fee_amount": "120"},
    ],
)
def test_a_charge_that_is_not_as_documented_is_strange(changes: dict[str, Any]) -> None:
    with pytest.raises(StrangeObjectError):
        charge_seen({**CHARGE, **changes}, None)


def test_a_charge_that_does_not_mention_a_fee_at_all_is_strange() -> None:
    """Taken for no fee, its refund would keep the platform's share from the client's clinic."""
    without = {name: value for name, value in CHARGE.items() if name != "application_fee_amount"}
    with pytest.raises(StrangeObjectError):
        charge_seen(without, None)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pending", RefundStatus.PENDING),
        ("succeeded", RefundStatus.SUCCEEDED),
        ("failed", RefundStatus.FAILED),
        ("canceled", RefundStatus.CANCELED),
    ],
)
def test_a_refund_tells_how_far_it_is_and_whose_decision_it_was(status: str, expected: RefundStatus) -> None:
    refund = Refund("re_1", "pi_1", 500, expected, "decision-1")
    assert refund_seen({**REFUND, "status": status}) == RefundSeen(refund)


def test_a_refund_that_waits_for_the_payer_is_pending_and_says_so() -> None:
    refund = refund_seen({**REFUND, "status": "requires_action"}).refund
    assert (refund.status, refund.requires_action) == (RefundStatus.PENDING, True)
    assert not refund_seen({**REFUND, "status": "pending"}).refund.requires_action


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"pending_reason": "processing"}, PendingReason.PROCESSING),
        ({"pending_reason": "charge_pending"}, PendingReason.CHARGE_PENDING),
        ({"pending_reason": "insufficient_funds"}, PendingReason.INSUFFICIENT_FUNDS),
        ({"pending_reason": "weather"}, None),
        ({"pending_reason": None}, None),
        ({"pending_reason": []}, None),
        ({}, None),
    ],
)
def test_why_a_refund_is_pending_is_kept_where_it_is_known(told: dict[str, Any], kept: PendingReason | None) -> None:
    assert refund_seen({**REFUND, "status": "pending", **told}).refund.pending_reason is kept


def test_since_when_a_refund_is_pending_is_kept_where_stripe_says_so() -> None:
    pending = {**REFUND, "status": "pending"}
    assert refund_seen({**pending, "created": 1772452800}).refund.created_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert refund_seen(pending).refund.created_at is None
    assert refund_seen({**REFUND, "status": "succeeded", "created": 1772452800}).refund.created_at is None


@pytest.mark.parametrize("metadata", [None, {}, {"anteroom_refund": 7}])
def test_a_refund_without_our_id_was_made_in_the_dashboard(metadata: dict[str, Any] | None) -> None:
    assert refund_seen({**REFUND, "metadata": metadata}).refund.decision_id is None


@pytest.mark.parametrize(
    "changes", [{"status": "x"}, {"status": None}, {"status": []}, {"amount": None}, {"metadata": []}]
)
def test_a_refund_that_is_not_as_documented_is_strange(changes: dict[str, Any]) -> None:
    with pytest.raises(StrangeObjectError):
        refund_seen({**REFUND, **changes})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("warning_needs_response", DisputeStatus.OPEN),
        ("warning_under_review", DisputeStatus.OPEN),
        ("warning_closed", DisputeStatus.WON),
        ("needs_response", DisputeStatus.OPEN),
        ("under_review", DisputeStatus.OPEN),
        ("prevented", DisputeStatus.WON),
        ("won", DisputeStatus.WON),
        ("lost", DisputeStatus.LOST),
    ],
)
def test_a_dispute_is_open_until_there_is_a_verdict(status: str, expected: DisputeStatus) -> None:
    dispute = dispute_seen({**DISPUTE, "status": status}, asked=True).dispute
    assert (dispute.dispute_id, dispute.payment_intent_id, dispute.amount) == ("dp_1", "pi_1", 8000)
    assert (dispute.status, dispute.is_inquiry) == (expected, status.startswith("warning_"))


@pytest.mark.parametrize("refundable", [True, False])
def test_a_dispute_says_its_currency_and_whether_its_charge_can_be_refunded(*, refundable: bool) -> None:
    seen = dispute_seen({**DISPUTE, "currency": "usd", "is_charge_refundable": refundable}, asked=True)
    told = Dispute("dp_1", "pi_1", 8000, DisputeStatus.OPEN, False, "usd", False, refundable)  # noqa: FBT003 (a row)
    assert seen == DisputeSeen(told, asked=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": None},
        {"payment_intent": None},
        {"amount": None},
        {"id": 7},
        {"currency": None},
        {"is_charge_refundable": None},
    ],
)
def test_a_dispute_that_is_not_as_documented_is_strange(changes: dict[str, Any]) -> None:
    with pytest.raises(StrangeObjectError):
        dispute_seen({**DISPUTE, **changes}, asked=False)


def test_our_ids_say_where_an_object_belongs() -> None:
    assert place_of({"metadata": OURS}) == Place(TEAM, SESSION, 2, ATTEMPT)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        "text",
        ["anteroom_team"],
        {**OURS, "anteroom_team": "x"},
        {**OURS, "anteroom_team": TEAM.upper().replace("1", "A")},
        {**OURS, "anteroom_participant": SESSION},
        {**OURS, "anteroom_participant": None},
        {**OURS, "anteroom_attempt": 7},
        {name: value for name, value in OURS.items() if name != "anteroom_attempt"},
    ],
)
def test_an_object_without_all_of_our_ids_belongs_nowhere(metadata: object) -> None:
    assert place_of({"metadata": metadata}) is None


def test_an_id_is_read_from_an_id_or_an_expanded_object() -> None:
    found = [id_of(thing) for thing in ("pi_1", {"id": "pi_1"}, "", None, {}, {"id": 1}, 1)]
    assert found == ["pi_1", "pi_1", None, None, None, None, None]


def test_what_is_strange_is_named_and_never_quoted() -> None:
    with pytest.raises(StrangeObjectError) as raised:
        refund_seen({"object": "refund", "status": "Xanthippe"})
    assert str(raised.value) == "refund of Stripe's has a strange status"


# --- accounts -------------------------------------------------------------------------------------------------------

ACCOUNT = {"id": "acct_1", "charges_enabled": True, "details_submitted": True}


@pytest.mark.parametrize(
    ("capabilities", "active"),
    [
        ({"card_payments": "active", "us_bank_account_ach_payments": "active"}, ("card", "us_bank_account")),
        ({"sepa_debit_payments": "pending", "bacs_debit_payments": "inactive", "klarna_payments": "active"}, ()),
        ({}, ()),
        (None, ()),
    ],
)
def test_the_ways_of_paying_that_are_active_at_an_account_are_known_by_our_names(
    capabilities: object, active: tuple[str, ...]
) -> None:
    assert account_seen({**ACCOUNT, "capabilities": capabilities}, "acct_1").active_methods == active
    assert account_seen(ACCOUNT, "acct_1").active_methods == ()
