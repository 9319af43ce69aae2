"""What Stripe and people told us about one participant's money: the vocabulary of the payment machine.

Records only. Nothing here decides; `folding.py` folds what was seen into what is kept, `payments.py` says what it
adds up to.
Amounts are integers in the currency's minor unit, currencies lower-case ISO 4217 codes, times aware UTC datetimes.
`stripe_account_id` is None for the deployment's own Stripe account.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.refusals import Refusal


class AttemptState(StrEnum):
    """How far one offer to pay has come, as far as Stripe has told us. The table in `folding.py` orders them."""

    PLANNED = "planned"
    """Saved, perhaps sent; whether Stripe made a Checkout Session of it is not known."""
    VOID = "void"
    """Stripe made nothing of it."""
    OPEN = "open"
    PROCESSING = "processing"
    """Complete, and the money on its way (a delayed payment method)."""
    EXPIRED = "expired"
    FAILED = "failed"
    """Complete, and the delayed payment failed afterwards."""
    PAID = "paid"


LIVE = frozenset({AttemptState.PLANNED, AttemptState.OPEN, AttemptState.PROCESSING})
"""Attempts that money may still come from in the ordinary way."""


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class PendingReason(StrEnum):
    """Why a refund is pending, as Stripe says: https://docs.stripe.com/changelog/basil/2025-04-30/refund-pending-reason.

    The next one that is told absorbs the one before it (`folding.py`): what needs somebody is not lost.
    """

    PROCESSING = "processing"
    CHARGE_PENDING = "charge_pending"
    """The payment itself is not settled yet."""
    INSUFFICIENT_FUNDS = "insufficient_funds"
    """The balance of the account does not cover it."""


class DisputeStatus(StrEnum):
    OPEN = "open"
    WON = "won"
    """Also a warning that closed, or a dispute prevented: the money stays."""
    LOST = "lost"


class RefundReason(StrEnum):
    """Why money goes back; travels to Stripe in the refund's metadata."""

    REQUESTED = "requested"
    DUPLICATE = "duplicate"
    AFTER_END = "after_end"
    CANCELED = "canceled"
    REMOVED = "removed"
    WAIVED = "waived"
    FEE_CHANGED = "fee_changed"


# --- what is kept -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckoutOrder:
    """Every parameter of one Checkout Session, saved before it is sent, so that a retry sends the same bytes."""

    product_name: str
    success_url: str
    cancel_url: str
    payment_method_types: tuple[str, ...]
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One offer to pay. `order` and `url` are dropped when they can serve no more."""

    attempt_id: str
    made_at: datetime
    amount: int
    currency: str
    stripe_account_id: str | None
    livemode: bool
    application_fee: int
    expires_at: datetime
    state: AttemptState = AttemptState.PLANNED
    order: CheckoutOrder | None = None
    checkout_session_id: str | None = None
    url: str | None = None
    looked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckoutPaid:
    """That money came, how much: told by the Checkout Session alone."""

    checkout_session_id: str
    amount: int
    currency: str
    livemode: bool


@dataclass(frozen=True, slots=True)
class Charge:
    """The movement itself: told by the charge alone. `created_at` is Stripe's time of payment, in whole seconds."""

    charge_id: str
    amount: int
    currency: str
    created_at: datetime
    application_fee: int
    receipt_url: str | None


@dataclass(frozen=True, slots=True)
class Payment:
    """One PaymentIntent of one attempt. `refunded_hint` is the charge's own sum, only a hint to list its refunds."""

    payment_intent_id: str
    attempt_id: str
    stripe_account_id: str | None
    paid: CheckoutPaid | None = None
    charge: Charge | None = None
    refunded_hint: int = 0


@dataclass(frozen=True, slots=True)
class Refund:
    """`decision_id` and `reason` are ours: they tell it from an equal one made in Stripe's dashboard (None).

    Only while it is pending: `pending_reason` says why (None: Stripe does not), `requires_action` that the payer must
    say where the money should go, `created_at` since when (None: kept before this was), `asked_at` when Stripe was last
    asked how it ended.
    """

    refund_id: str
    payment_intent_id: str
    amount: int
    status: RefundStatus
    decision_id: str | None
    reason: RefundReason | None = None
    pending_reason: PendingReason | None = None
    requires_action: bool = False
    created_at: datetime | None = None
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """`doubted`: two tellings contradict each other, and Stripe must be asked which one stands.

    `currency`: what `amount` is in; `is_inquiry`: the bank only asks, and has taken nothing; `is_refundable`: the
    charge can be refunded all the same. None: kept before this was.
    """

    dispute_id: str
    payment_intent_id: str
    amount: int
    status: DisputeStatus
    doubted: bool = False
    currency: str | None = None
    is_inquiry: bool | None = None
    is_refundable: bool | None = None


@dataclass(frozen=True, slots=True)
class RefundDecision:
    """Somebody decided to give money back: saved, with its own id, before Stripe is called.

    `by_rule`: what should go back by rule and failed to is sent again; it is over with the rule.
    """

    decision_id: str
    payment_intent_id: str
    amount: int
    decided_at: datetime
    by: str
    reason: str | None = None
    by_rule: bool = False


@dataclass(frozen=True, slots=True)
class Waiver:
    """Admitted without paying (paid at the desk, insured)."""

    waived_at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChargedAgain:
    """The clinic asks for the fee once more, after all of what was paid for it went back or was lost to the bank."""

    at: datetime
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class OfferedTerms:
    """What an offer to pay was, or would be, made with, as far as Stripe may refuse it for that.

    `account_since`: since when the account stands as it does. `plan` and `fee_basis_points` stand for the platform's
    share of the fee.
    """

    stripe_account_id: str | None
    account_since: datetime | None
    amount: int
    currency: str
    methods: tuple[str, ...]
    plan: str
    fee_basis_points: int | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """An act that did not succeed: how often, why in plain words, and when it is tried again (None: no more).

    `out_of_reach`: its Stripe account is not connected any more, so that nothing on it can be seen or done. `terms`:
    of an offer that Stripe refused; it bars no offer of other terms. `refusal`: the last definite one. `spent`: tries
    spent on idempotency keys (`troubles.py`); None: kept before this was, when every failure spent one.
    """

    key: str
    failures: int
    first_failed_at: datetime
    retry_at: datetime | None
    reason: str
    out_of_reach: bool = False
    terms: OfferedTerms | None = None
    refusal: Refusal | None = None
    spent: int | None = None


@dataclass(frozen=True, slots=True)
class SettledByHand:
    """A person took what has this key on themselves; it is owed by us no more. What falls due again is settled anew.

    `is_given`: money that was to go back did, another way; else it need not any more, and stays as long as it would go
    back for the same reason (`because`; None: not by rule). `amount`: how much of it, in minor units, as it stood then.
    """

    key: str
    settled_at: datetime
    by: str
    why: str
    is_given: bool
    amount: int
    because: RefundReason | None


@dataclass(frozen=True, slots=True)
class RetriedByHand:
    """A person had an act (`key`) tried again: after trouble, or a refund that the bank sent back."""

    key: str
    retried_at: datetime
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class PaymentHistory:
    """All that is kept about one participant's money. `closed_attempts` counts those proven dead and dropped.

    `overflowed`: more was told than is kept (`bounds.py`). `charged_again`: the last time; the audit has each.
    """

    attempts: tuple[Attempt, ...] = ()
    closed_attempts: int = 0
    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    decisions: tuple[RefundDecision, ...] = ()
    waiver: Waiver | None = None
    troubles: tuple[Trouble, ...] = ()
    settled: tuple[SettledByHand, ...] = ()
    retried: tuple[RetriedByHand, ...] = ()
    overflowed: bool = False
    charged_again: ChargedAgain | None = None


NOTHING_YET = PaymentHistory()

# --- what is seen -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckoutSeen:
    """A Checkout Session as Stripe showed it, in an event or an answer."""

    checkout_session_id: str
    attempt_id: str
    stripe_account_id: str | None
    state: AttemptState
    amount: int
    currency: str
    livemode: bool
    expires_at: datetime
    url: str | None = None
    payment_intent_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChargeSeen:
    """A charge that succeeded."""

    payment_intent_id: str
    attempt_id: str
    stripe_account_id: str | None
    charge: Charge
    amount_refunded: int


@dataclass(frozen=True, slots=True)
class RefundSeen:
    refund: Refund


@dataclass(frozen=True, slots=True)
class RefundAsked:
    """Stripe was asked how this refund ended because it is late; what it said comes beside this."""

    refund_id: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class DisputeSeen:
    """`asked`: the answer to a question of ours, which stands against whatever came before."""

    dispute: Dispute
    asked: bool


@dataclass(frozen=True, slots=True)
class AttemptVoid:
    """Stripe made nothing of this attempt: it refused it, or does not know it."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class AttemptGivenUp:
    """A person has looked at an offer that is out of our reach, and says that nobody pays it any more."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class AttemptLooked:
    """Stripe was asked about this attempt because a look was due; what it said comes beside this."""

    attempt_id: str
    looked_at: datetime


@dataclass(frozen=True, slots=True)
class ActFailed:
    """An act of ours did not succeed; `jitter` in [0, 1) spreads the retry. `repeats`: it may have happened, and the
    same bytes under the same key find out (409, 429, no answer). The others: see `Trouble`.
    """

    key: str
    failed_at: datetime
    reason: str
    jitter: float
    out_of_reach: bool = False
    terms: OfferedTerms | None = None
    refusal: Refusal | None = None
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class ActSucceeded:
    """An act of ours succeeded after trouble; the trouble is over."""

    key: str


Seen = (
    CheckoutSeen
    | ChargeSeen
    | RefundSeen
    | RefundAsked
    | DisputeSeen
    | AttemptVoid
    | AttemptGivenUp
    | AttemptLooked
    | ActFailed
    | ActSucceeded
)
