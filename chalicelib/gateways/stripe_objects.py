"""Stripe's JSON objects as facts of ours: the one place that knows their field names. Never calls, never decides.

Works on the plain JSON of events and answers alike. What lacks a field it needs raises StrangeObjectError, since a new
API version or an object that is not ours must never become a wrong fact.
Source: https://docs.stripe.com/api/checkout/sessions/object and the pages of charge, refund and dispute beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.accounts import AccountSeen
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
    RefundReason,
    RefundSeen,
    RefundStatus,
)
from chalicelib.domain.ids import InvalidIdError, split_participant_id, uuid_bytes
from chalicelib.domain.payment_methods import CAPABILITIES

StripeObject = Mapping[str, Any]

TEAM, PARTICIPANT, ATTEMPT, DECISION = "anteroom_team", "anteroom_participant", "anteroom_attempt", "anteroom_refund"
"""The names of our opaque ids in Stripe's metadata."""

REASON = "anteroom_reason"
"""The name of a refund's reason there."""

_REFUND_STATUSES = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELED,
}
_DISPUTES_WON = frozenset({"won", "warning_closed", "prevented"})


class StrangeObjectError(Exception):
    """The object is not as Stripe documents it. Names the kind of object and the field, never a value."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object of ours belongs, told by its metadata."""

    team_id: str
    session_id: str
    number: int
    attempt_id: str


def place_of(thing: StripeObject) -> Place | None:
    """None when it carries no ids of ours: then it is the clinic's other business."""
    metadata = thing.get("metadata") or {}
    try:
        team_id, attempt_id = metadata[TEAM], metadata[ATTEMPT]
        uuid_bytes(team_id)
        uuid_bytes(attempt_id)
        return Place(team_id, *split_participant_id(metadata[PARTICIPANT]), attempt_id)
    except (KeyError, TypeError, AttributeError, InvalidIdError):
        return None


def checkout_seen(checkout: StripeObject, account: str | None) -> CheckoutSeen:
    """How far a Checkout Session has come; an expanded PaymentIntent tells a delayed payment that failed."""
    state, payment_intent_id = _state(checkout), id_of(checkout.get("payment_intent"))
    if checkout.get("status") == "complete":
        # Else money would have come under no name to find it by, as if it had not come at all.
        _required(checkout, "payment_intent", payment_intent_id)
    return CheckoutSeen(
        checkout_session_id=text(checkout, "id"),
        attempt_id=text(checkout, "client_reference_id"),
        stripe_account_id=account,
        state=state,
        amount=_whole(checkout, "amount_total"),
        currency=text(checkout, "currency"),
        livemode=flag(checkout, "livemode"),
        expires_at=_moment(checkout, "expires_at"),
        url=checkout.get("url"),
        payment_intent_id=payment_intent_id,
    )


def _state(checkout: StripeObject) -> AttemptState:
    """Paid means `payment_status=paid`, never `status=complete` alone."""
    match checkout.get("status"), checkout.get("payment_status"):
        case "complete", "paid":
            return AttemptState.PAID
        case "complete", "unpaid":
            return AttemptState.FAILED if _has_failed(checkout.get("payment_intent")) else AttemptState.PROCESSING
        case "expired", _:
            return AttemptState.EXPIRED
        case "open", _:
            return AttemptState.OPEN
        case _:
            raise _strange(checkout, "status or payment_status")


def _has_failed(payment_intent: object) -> bool:
    waiting = {"requires_payment_method", "canceled"}
    return isinstance(payment_intent, Mapping) and payment_intent.get("status") in waiting


def charge_seen(charge: StripeObject, account: str | None) -> ChargeSeen | None:
    """A charge that moved money for an attempt of ours; None for any other."""
    place = place_of(charge)
    if place is None or charge.get("status") != "succeeded" or not charge.get("paid"):
        return None
    return ChargeSeen(
        payment_intent_id=_required(charge, "payment_intent", id_of(charge.get("payment_intent"))),
        attempt_id=place.attempt_id,
        stripe_account_id=account,
        charge=Charge(
            charge_id=text(charge, "id"),
            amount=_whole(charge, "amount_captured"),
            currency=text(charge, "currency"),
            created_at=_moment(charge, "created"),
            application_fee=_whole_or_none(charge, "application_fee_amount") or 0,
            receipt_url=charge.get("receipt_url"),
        ),
        amount_refunded=_whole(charge, "amount_refunded"),
    )


def refund_seen(refund: StripeObject) -> RefundSeen:
    status = _REFUND_STATUSES.get(text(refund, "status"))
    if status is None:
        raise _strange(refund, "status")
    return RefundSeen(
        Refund(
            refund_id=text(refund, "id"),
            payment_intent_id=_required(refund, "payment_intent", id_of(refund.get("payment_intent"))),
            amount=_whole(refund, "amount"),
            status=status,
            decision_id=_decision_id(refund),
            reason=_reason(refund),
            pending_reason=_pending_reason(refund),
            requires_action=refund.get("status") == "requires_action",
            created_at=_moment(refund, "created") if status is RefundStatus.PENDING and "created" in refund else None,
        )
    )


def _pending_reason(refund: StripeObject) -> PendingReason | None:
    """None where Stripe says none, or one that a newer version has."""
    told = _text_or_none(refund.get("pending_reason"))
    return PendingReason(told) if told in set(PendingReason) else None


def _decision_id(refund: StripeObject) -> str | None:
    """None: made in the dashboard. Were metadata that is missing taken for that, our own would be made again."""
    metadata = refund.get("metadata", "missing")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise _strange(refund, "metadata")
    decision_id = (metadata or {}).get(DECISION)
    return decision_id if isinstance(decision_id, str) else None


def _reason(refund: StripeObject) -> RefundReason | None:
    """Why we made it; None for one that is not ours, or of a reason that a newer version had."""
    written = (refund.get("metadata") or {}).get(REASON)
    return RefundReason(written) if written in set(RefundReason) else None


def dispute_seen(dispute: StripeObject, *, asked: bool) -> DisputeSeen:
    status = text(dispute, "status")
    return DisputeSeen(
        Dispute(
            dispute_id=text(dispute, "id"),
            payment_intent_id=_required(dispute, "payment_intent", id_of(dispute.get("payment_intent"))),
            amount=_whole(dispute, "amount"),
            status=_dispute_status(status),
            currency=text(dispute, "currency"),
            is_inquiry=status.startswith("warning_"),
            # https://docs.stripe.com/api/disputes/object#dispute_object-is_charge_refundable
            is_refundable=flag(dispute, "is_charge_refundable"),
        ),
        asked=asked,
    )


def account_seen(account: StripeObject, stripe_account_id: str | None) -> AccountSeen:
    """What Stripe says of an account (https://docs.stripe.com/api/accounts/object); None is the deployment's own."""
    requirements, controller = account.get("requirements"), account.get("controller")
    capabilities = account.get("capabilities")
    reason = requirements.get("disabled_reason") if isinstance(requirements, Mapping) else None
    return AccountSeen(
        stripe_account_id=stripe_account_id,
        charges_enabled=flag(account, "charges_enabled"),
        details_submitted=flag(account, "details_submitted"),
        is_controlled=isinstance(controller, Mapping) and controller.get("is_controller") is True,
        disabled_reason=_text_or_none(reason),
        country=_text_or_none(account.get("country")),
        default_currency=_text_or_none(account.get("default_currency")),
        active_methods=_active(capabilities) if isinstance(capabilities, Mapping) else (),
    )


def _active(capabilities: Mapping[str, object]) -> tuple[str, ...]:
    """Our names of the ways of paying that are active; others are none of ours."""
    return tuple(name for name, capability in CAPABILITIES.items() if capabilities.get(capability) == "active")


def _dispute_status(status: str) -> DisputeStatus:
    if status in _DISPUTES_WON:
        return DisputeStatus.WON
    return DisputeStatus.LOST if status == "lost" else DisputeStatus.OPEN


def has_payment_intent(thing: StripeObject) -> bool:
    """Whether this refund or dispute is of a payment made as ours are."""
    return thing.get("payment_intent") is not None


def id_of(thing: object) -> str | None:
    """The id of what Stripe gives as an id or, expanded, as an object."""
    if isinstance(thing, Mapping):
        thing = thing.get("id")
    return thing if isinstance(thing, str) and thing else None


def text(thing: StripeObject, name: str) -> str:
    value = thing.get(name)
    return _required(thing, name, value if isinstance(value, str) and value else None)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(thing: StripeObject, name: str) -> int:
    value = thing.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _strange(thing, name)
    return value


def _whole_or_none(thing: StripeObject, name: str) -> int | None:
    """A field that Stripe always sends, and leaves null where there is nothing to say."""
    return None if thing.get(name, "missing") is None else _whole(thing, name)


def flag(thing: StripeObject, name: str) -> bool:
    value = thing.get(name)
    if not isinstance(value, bool):
        raise _strange(thing, name)
    return value


def _moment(thing: StripeObject, name: str) -> datetime:
    try:
        return datetime.fromtimestamp(_whole(thing, name), tz=UTC)
    except (OverflowError, ValueError, OSError):
        raise _strange(thing, name) from None


def _required(thing: StripeObject, name: str, value: str | None) -> str:
    if value is None:
        raise _strange(thing, name)
    return value


def _strange(thing: StripeObject, name: str) -> StrangeObjectError:
    kind = thing.get("object")
    return StrangeObjectError(f"{kind if isinstance(kind, str) else 'an object'} of Stripe's has a strange {name}")
