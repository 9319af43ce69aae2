"""Stripe for the domain alone: it keeps what is true, answers truthfully, and writes down what it would tell.

No HTTP, no parameters, no accounts: those are the stand-in's. Whatever happens here happens for good, whether or not
anybody is told; `news` holds what the webhooks would say, for the test to deliver, lose or deliver again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from chalicelib.domain.facts import (
    ActFailed,
    ActSucceeded,
    Attempt,
    AttemptLooked,
    AttemptState,
    AttemptVoid,
    Charge,
    ChargeSeen,
    CheckoutSeen,
    Dispute,
    DisputeSeen,
    DisputeStatus,
    PaymentHistory,
    Refund,
    RefundAsked,
    RefundSeen,
    RefundStatus,
    Seen,
)
from chalicelib.domain.obligations import (
    AskAboutRefund,
    ExpireCheckout,
    FetchCharge,
    FetchDispute,
    ListRefunds,
    LookAtCheckout,
    MakeRefund,
    Obligation,
)
from chalicelib.domain.troubles import trouble_with

_STANDING = {RefundStatus.PENDING, RefundStatus.SUCCEEDED}


class RefusedError(Exception):
    """Stripe will not do it."""


@dataclass
class Checkout:
    """One Checkout Session with its payment. `submitted_at` is the charge's `created`."""

    attempt: Attempt
    state: AttemptState = AttemptState.OPEN
    submitted_at: datetime | None = None

    @property
    def payment_intent_id(self) -> str:
        return f"pi-{self.attempt.attempt_id}"

    def seen(self) -> CheckoutSeen:
        return CheckoutSeen(
            checkout_session_id=f"cs-{self.attempt.attempt_id}",
            attempt_id=self.attempt.attempt_id,
            stripe_account_id=self.attempt.stripe_account_id,
            state=self.state,
            amount=self.attempt.amount,
            currency=self.attempt.currency,
            livemode=self.attempt.livemode,
            expires_at=self.attempt.expires_at,
            url=f"https://pay.example/{self.attempt.attempt_id}" if self.state is AttemptState.OPEN else None,
            payment_intent_id=self.payment_intent_id if self.submitted_at else None,
        )


@dataclass
class TinyStripe:
    """`forgetful`: it does not find by our own id what it made (a promise that Stripe keeps; see I2)."""

    forgetful: bool = False
    checkouts: dict[str, Checkout] = field(default_factory=dict)
    refunds: list[Refund] = field(default_factory=list)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    news: list[Seen] = field(default_factory=list)

    # --- what the world does -------------------------------------------------------------------------------------

    def payable(self, now: datetime) -> list[Checkout]:
        """Those on which a client could pay now."""
        for one in self.checkouts.values():
            if one.state is AttemptState.OPEN and now >= one.attempt.expires_at:
                self._move(one, AttemptState.EXPIRED)
        return [one for one in self.checkouts.values() if one.state is AttemptState.OPEN]

    def submit(self, one: Checkout, now: datetime, *, delayed: bool) -> None:
        one.submitted_at = now.replace(microsecond=0)
        self._move(one, AttemptState.PROCESSING if delayed else AttemptState.PAID)

    def bank_answers(self, one: Checkout, *, good: bool) -> None:
        self._move(one, AttemptState.PAID if good else AttemptState.FAILED)

    def _move(self, one: Checkout, state: AttemptState) -> None:
        one.state = state
        self.news += [one.seen(), *self._charges(one)]

    def refund_in_dashboard(self, one: Checkout, amount: int) -> None:
        amount = min(amount, self.left(one))
        if amount > 0 and not self._is_disputed(one):
            self._make(one, amount, None)

    def fail_refund(self) -> None:
        """The bank sends back the latest refund that stands."""
        for index in reversed(range(len(self.refunds))):
            if self.refunds[index].status in _STANDING:
                self.refunds[index] = replace(self.refunds[index], status=RefundStatus.FAILED)
                self.news.append(RefundSeen(self.refunds[index]))
                return

    def dispute(self, one: Checkout, status: DisputeStatus) -> None:
        pi = one.payment_intent_id
        known = self.disputes.get(pi)
        opens = status is DisputeStatus.OPEN
        if (known is None) is not opens or (known and known.status is not DisputeStatus.OPEN) or not self.left(one):
            return
        self.disputes[pi] = Dispute(f"dp-{pi}", pi, self.left(one) if known is None else known.amount, status)
        self.news.append(DisputeSeen(self.disputes[pi], asked=False))

    # --- what is true -------------------------------------------------------------------------------------------

    def paid(self) -> list[Checkout]:
        return [one for one in self.checkouts.values() if one.state is AttemptState.PAID]

    def left(self, one: Checkout) -> int:
        """What the clinic holds of it, not counting disputes."""
        back = [refund for refund in self.refunds if refund.payment_intent_id == one.payment_intent_id]
        return one.attempt.amount - sum(refund.amount for refund in back if refund.status in _STANDING)

    def held(self, one: Checkout) -> int:
        dispute = self.disputes.get(one.payment_intent_id)
        return self.left(one) - (dispute.amount if dispute and dispute.status is DisputeStatus.LOST else 0)

    def _is_disputed(self, one: Checkout) -> bool:
        dispute = self.disputes.get(one.payment_intent_id)
        return dispute is not None and dispute.status is not DisputeStatus.WON

    def _charges(self, one: Checkout) -> list[Seen]:
        if one.state is not AttemptState.PAID or one.submitted_at is None:
            return []
        attempt, pi = one.attempt, one.payment_intent_id
        charge = Charge(f"ch-{pi}", attempt.amount, attempt.currency, one.submitted_at, attempt.application_fee, None)
        back = attempt.amount - self.left(one)
        return [ChargeSeen(pi, attempt.attempt_id, attempt.stripe_account_id, charge, back)]

    # --- what it is asked to do ---------------------------------------------------------------------------------

    def create(self, attempt: Attempt, now: datetime) -> list[Seen]:
        """As an idempotency key does it: the same attempt gives the first answer again."""
        one = self.checkouts.get(attempt.attempt_id)
        if one is None:
            if not now + timedelta(minutes=30) <= attempt.expires_at <= now + timedelta(hours=24):
                return [AttemptVoid(attempt.attempt_id)]
            one = self.checkouts[attempt.attempt_id] = Checkout(attempt)
        return [Checkout(one.attempt).seen()]

    def look(self, attempt: Attempt, now: datetime) -> list[Seen]:
        self.payable(now)
        one = self.checkouts.get(attempt.attempt_id)
        if one is None or (self.forgetful and attempt.checkout_session_id is None):
            return [AttemptVoid(attempt.attempt_id)]
        return [one.seen(), *self._charges(one)]

    def expire(self, attempt: Attempt, now: datetime) -> list[Seen]:
        for one in self.payable(now):
            if one.attempt.attempt_id == attempt.attempt_id:
                self._move(one, AttemptState.EXPIRED)
        return self.look(attempt, now)

    def carry_out(self, owed: Obligation, history: PaymentHistory, now: datetime) -> list[Seen]:
        """What `flows/carry_out.py` would bring back."""
        try:
            seen = self._act(owed, history, now)
        except RefusedError:
            return [failed(owed, now)]
        return [*seen, ActSucceeded(owed.key)]

    def _act(self, owed: Obligation, history: PaymentHistory, now: datetime) -> list[Seen]:
        match owed:
            case LookAtCheckout(attempt=attempt):
                return [*self.look(attempt, now), AttemptLooked(attempt.attempt_id, now)]
            case ExpireCheckout(attempt=attempt):
                return self.expire(attempt, now)
            case FetchCharge(payment=payment):
                return self._charges(self.checkouts[payment.attempt_id])
            case ListRefunds(payment=payment):
                return self._listed(self.checkouts[payment.attempt_id])
            case AskAboutRefund(refund=refund, payment=payment):
                return [*self._listed(self.checkouts[payment.attempt_id]), RefundAsked(refund.refund_id, now)]
            case FetchDispute(payment=payment):
                return [DisputeSeen(self.disputes[payment.payment_intent_id], asked=True)]
            case MakeRefund():
                return self._refund(owed, history)
            case _:
                assert_never(owed)

    def _refund(self, owed: MakeRefund, history: PaymentHistory) -> list[Seen]:
        """As the flow does it: after trouble the refunds that are there are listed first."""
        one = self.checkouts[owed.payment.attempt_id]
        listed = self._listed(one) if trouble_with(history, owed.key) else []
        if any(seen.refund not in history.refunds for seen in listed if isinstance(seen, RefundSeen)):
            return listed
        if any(refund.decision_id == owed.decision_id for refund in self.refunds):
            return self._listed(one)
        if owed.amount > self.left(one) or self._is_disputed(one):
            raise RefusedError
        return [RefundSeen(self._make(one, owed.amount, owed.decision_id))]

    def _make(self, one: Checkout, amount: int, decision_id: str | None) -> Refund:
        name = f"re-{len(self.refunds)}"
        self.refunds.append(Refund(name, one.payment_intent_id, amount, RefundStatus.PENDING, decision_id))
        self.news += [RefundSeen(self.refunds[-1]), *self._charges(one)]
        return self.refunds[-1]

    def _listed(self, one: Checkout) -> list[Seen]:
        return [RefundSeen(refund) for refund in self.refunds if refund.payment_intent_id == one.payment_intent_id]


def failed(owed: Obligation, now: datetime) -> ActFailed:
    """An act that Stripe did not answer, or refused."""
    return ActFailed(owed.key, now, "It did not succeed at Stripe; it is tried again.", 0.5)
