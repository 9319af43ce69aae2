"""The largest session there can be: texts, participants, attempts and facts at every limit, of seeded chance.

Of chance, since a long item is kept packed, and what repeats itself takes no room.
"""

from __future__ import annotations

import random
import string
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

from chalicelib.domain.bounds import (
    DECISIONS_KEPT,
    DISPUTES_KEPT,
    PAID_AGAIN_KEPT,
    PAYERS,
    PAYMENTS_KEPT,
    STRAYS_KEPT,
)
from chalicelib.domain.facts import (
    Attempt,
    AttemptState,
    Charge,
    CheckoutPaid,
    Dispute,
    DisputeStatus,
    OfferedTerms,
    Payment,
    PaymentHistory,
    PendingReason,
    Refund,
    RefundDecision,
    RefundStatus,
    Trouble,
)
from chalicelib.domain.folding import DEAD_ATTEMPTS_KEPT
from chalicelib.domain.payment_methods import DELAYED
from chalicelib.domain.refunds import REFUNDS_KEPT
from chalicelib.domain.refusals import Refusal
from chalicelib.domain.sessions import (
    MAX_NAME,
    MAX_PARTICIPANTS,
    MAX_STATE,
    Fee,
    Participant,
    Role,
    Session,
    with_participant,
)
from chalicelib.domain.troubles import OFFER_KEY
from chalicelib.flows.size_limit import FULL, check_size
from chalicelib.storage.codec import stored_size
from tests.storage.samples import NOON, a_session

_LETTERS = string.ascii_letters + string.digits
_PRINTABLE = _LETTERS + "!#$%&'()*+,-./:;<=>?@[]^_`{|}~ "
_REASON = "Asking how far a payment has come did not succeed at Stripe (status 500)."
_AT_ONCE = 6
"""Decisions between two measurements."""

_PRESENT = range(1, MAX_PARTICIPANTS + 1)
_REMOVED = range(MAX_PARTICIPANTS + 1, PAYERS + 1)


@cache
def largest_session() -> Session:
    """Before the facts, as full as requests may make it; then all is told of every payer that is kept."""
    chance, asked = _Chance(seed=2), before_the_facts()
    again = [PAYMENTS_KEPT - 1] * (PAID_AGAIN_KEPT // (PAYMENTS_KEPT - 1))
    again += [PAID_AGAIN_KEPT - sum(again)] + [0] * PAYERS
    told = (_told(chance, one, more) for one, more in zip(asked.participants, again, strict=False))
    return replace(asked, participants=tuple(told))


@cache
def before_the_facts() -> Session:
    """Fifty guests with about all the texts that are taken, and thirty payers who were removed.

    Then the clinic decides refunds, each with a reason as long as may be, until no more is taken.
    """
    chance = _Chance(seed=1)
    present = [_guest(chance, number) for number in _PRESENT]
    session = replace(
        a_session(name=chance.text(255)),
        participants=(*present, *(_guest(chance, number, removed=True) for number in _REMOVED)),
    )
    check_size(session)
    payers = DECISIONS_KEPT * (*_PRESENT, *_REMOVED)
    for first in range(0, len(payers), _AT_ONCE):
        decided = session
        for number in payers[first : first + _AT_ONCE]:
            decided = with_participant(decided, number, lambda one: _decided(chance, one))
        if stored_size(decided) > FULL:
            return session
        session = decided
    message = "there is room for more decisions than this makes"
    raise ValueError(message)


def _decided(chance: _Chance, one: Participant) -> Participant:
    return replace(one, history=replace(one.history, decisions=(*one.history.decisions, chance.decision())))


def _told(chance: _Chance, one: Participant, again: int) -> Participant:
    """`again`: how many offers they paid beside the first, and were given back."""
    if one.fee is None:
        return one
    told = chance.history(again)
    history = replace(told, decisions=one.history.decisions)
    return replace(one, history=replace(history, troubles=chance.troubles(history)))


def _guest(chance: _Chance, number: int, *, removed: bool = False) -> Participant:
    return Participant(
        number=number,
        role=Role.GUEST,
        created_at=chance.moment(),
        key_id=1,
        display_name=None if removed else chance.text(MAX_NAME),
        email=None if removed else chance.text(MAX_NAME),
        phone=None if removed else chance.text(MAX_NAME),
        state=None if removed else chance.text(MAX_STATE),
        picture=None if removed else chance.text(450),
        fee=Fee(8000, "aud", payee=chance.account),
        deleted_at=NOON if removed else None,
    )


class _Chance:
    """Ids, texts and times by chance, as long as Stripe's and as people may write them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.account = self._id("acct_", 16)

    def text(self, length: int) -> str:
        """What deflates least: characters of one byte."""
        return "".join(self._random.choices(_PRINTABLE, k=length))

    def moment(self) -> datetime:
        return NOON + timedelta(microseconds=self._random.getrandbits(36))

    def decision(self) -> RefundDecision:
        return RefundDecision(self._uuid(), self._id("pi_", 24), 100, self.moment(), "api_client:1", self.text(255))

    def history(self, again: int) -> PaymentHistory:
        """With one payment for each offer that was paid, for the one that is open, and those that are nobody's."""
        url = self._id("https://checkout.stripe.com/c/pay/cs_live_", 300)
        paid = [self._attempt(AttemptState.PAID) for _ in range(1 + again)]
        payable = (*paid, replace(self._attempt(AttemptState.OPEN), url=url))
        dead = [self._attempt(AttemptState.EXPIRED) for _ in range(DEAD_ATTEMPTS_KEPT)]
        made = tuple(self._payment(one.attempt_id) for one in (*payable, *dead[:STRAYS_KEPT]))
        return PaymentHistory(
            attempts=(*dead, *payable),
            closed_attempts=7,
            payments=made,
            refunds=tuple(self._refund(self._random.choice(made)) for _ in range(REFUNDS_KEPT)),
            disputes=tuple(self._dispute(self._random.choice(made)) for _ in range(DISPUTES_KEPT)),
        )

    def _id(self, prefix: str, length: int) -> str:
        return prefix + "".join(self._random.choices(_LETTERS, k=length))

    def _uuid(self) -> str:
        return f"{self._random.getrandbits(32):08x}-0000-4000-8000-{self._random.getrandbits(48):012x}"

    def _attempt(self, state: AttemptState) -> Attempt:
        return Attempt(
            attempt_id=self._uuid(),
            made_at=self.moment(),
            amount=8000,
            currency="aud",
            stripe_account_id=self.account,
            livemode=True,
            application_fee=120,
            expires_at=self.moment(),
            state=state,
            checkout_session_id=self._id("cs_live_", 58),
            looked_at=self.moment(),
        )

    def _payment(self, attempt_id: str) -> Payment:
        receipt = self._id("https://pay.stripe.com/receipts/payment/", 110)
        charge = Charge(self._id("ch_", 24), 8000, "aud", self.moment(), 120, receipt)
        paid = CheckoutPaid(self._id("cs_live_", 58), 8000, "aud", livemode=True)
        return Payment(self._id("pi_", 24), attempt_id, self.account, paid, charge)

    def _refund(self, payment: Payment) -> Refund:
        """Pending, of which the most is kept."""
        amount, since = self._random.randrange(8000), self.moment().replace(microsecond=0)
        refund = Refund(self._id("re_", 24), payment.payment_intent_id, amount, RefundStatus.PENDING, None)
        reason = self._random.choice(list(PendingReason))
        return replace(
            refund, pending_reason=reason, created_at=since, asked_at=self.moment().replace(second=0, microsecond=0)
        )

    def _dispute(self, payment: Payment) -> Dispute:
        dispute = Dispute(self._id("du_", 24), payment.payment_intent_id, 8000, DisputeStatus.OPEN)
        return replace(dispute, currency="usd", is_inquiry=False, is_refundable=False)

    def troubles(self, history: PaymentHistory) -> tuple[Trouble, ...]:
        """With every act that there can be."""
        keys = [
            *(f"{act}:{one.attempt_id}" for one in history.attempts for act in ("look", "expire")),
            *(f"{act}:{one.payment_intent_id}" for one in history.payments for act in ("charge", "refunds")),
            *(f"dispute:{one.dispute_id}" for one in history.disputes),
            *(f"refund:{one.decision_id}" for one in history.decisions),
            *(f"refund:auto-{one.charge.charge_id}" for one in history.payments if one.charge),
        ]
        methods = ("card", *DELAYED)
        terms = OfferedTerms(self._id("acct_", 16), self.moment(), 99_999_999, "aud", methods, "enterprise", 10_000)
        return (*(self._trouble(key) for key in keys), replace(self._trouble(OFFER_KEY), terms=terms))

    def _trouble(self, key: str) -> Trouble:
        refusal = Refusal("resource_missing", "payment_intent", "invalid_request_error", self._id("req_", 14))
        return Trouble(key, 9, self.moment(), self.moment(), _REASON, refusal=refusal, spent=27)
