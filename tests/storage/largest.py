"""The largest session there can be: texts, participants, attempts and facts at every limit, of seeded chance.

Of chance, since a long item is kept packed, and what repeats itself takes no room.
"""

from __future__ import annotations

import random
import string
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.bounds import DISPUTES_KEPT, PAYMENTS_KEPT, REFUNDS_KEPT
from chalicelib.domain.facts import (
    NOTHING_YET,
    Attempt,
    AttemptState,
    Charge,
    CheckoutPaid,
    Dispute,
    DisputeStatus,
    Payment,
    PaymentHistory,
    Refund,
    RefundStatus,
    Trouble,
)
from chalicelib.domain.ids import LAST_PARTICIPANT_NUMBER
from chalicelib.domain.payments import DEAD_ATTEMPTS_KEPT
from chalicelib.domain.sessions import MAX_PARTICIPANTS, Fee, Participant, Role, Session
from tests.storage.samples import NOON, a_session

_LETTERS = string.ascii_letters + string.digits
_PRESENT = range(LAST_PARTICIPANT_NUMBER - MAX_PARTICIPANTS + 1, LAST_PARTICIPANT_NUMBER + 1)
_REMOVED = range(1, _PRESENT.start)


def largest_session() -> Session:
    """Fifty guests after 204 who paid once, were refunded and removed: as full as requests may make it.

    Then Stripe tells of each guest all that is kept: dead offers, one that is open and one that was paid, payments,
    refunds, disputes; and there is trouble with four acts.
    """
    chance = _Chance()
    removed = tuple(_guest(chance, number, chance.refunded(), removed=True) for number in _REMOVED)
    present = tuple(
        _guest(chance, number, chance.history(PAYMENTS_KEPT, REFUNDS_KEPT, DISPUTES_KEPT)) for number in _PRESENT
    )
    return replace(a_session(name=chance.text(255)), participants=(*removed, *present))


def before_the_facts(session: Session) -> Session:
    """The same when the last guest was added: nothing was told of those who are present."""
    return replace(
        session,
        participants=tuple(
            one if one.deleted_at else replace(one, history=NOTHING_YET) for one in session.participants
        ),
    )


def _guest(chance: _Chance, number: int, history: PaymentHistory, *, removed: bool = False) -> Participant:
    return Participant(
        number=number,
        role=Role.GUEST,
        created_at=chance.moment(),
        key_id=1,
        display_name=None if removed else chance.text(255),
        email=None if removed else chance.text(255),
        state=None if removed else "x" * 500,
        fee=Fee(8000, "aud", payee=chance.account),
        deleted_at=NOON if removed else None,
        history=history,
    )


class _Chance:
    """Ids, texts and times by chance, as long as Stripe's and as people may write them."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        self.account = self._id("acct_", 16)

    def text(self, length: int) -> str:
        """Characters of four bytes."""
        return "".join(chr(0x10000 + self._random.getrandbits(19)) for _ in range(length))

    def moment(self) -> datetime:
        return NOON + timedelta(microseconds=self._random.getrandbits(36))

    def refunded(self) -> PaymentHistory:
        """Of somebody who paid at the second try, and got it back."""
        history = self.history(1, 1, 0)
        return replace(history, attempts=history.attempts[1:3], closed_attempts=0, troubles=())

    def history(self, payments: int, refunds: int, disputes: int) -> PaymentHistory:
        dead = [self._attempt(AttemptState.EXPIRED) for _ in range(DEAD_ATTEMPTS_KEPT)]
        url = self._id("https://checkout.stripe.com/c/pay/cs_live_", 300)
        paid, offered = self._attempt(AttemptState.PAID), replace(self._attempt(AttemptState.OPEN), url=url)
        made = tuple(self._payment(paid.attempt_id) for _ in range(payments))
        return PaymentHistory(
            attempts=(*dead, paid, offered),
            closed_attempts=7,
            payments=made,
            refunds=tuple(self._refund(self._random.choice(made)) for _ in range(refunds)),
            disputes=tuple(self._dispute(self._random.choice(made)) for _ in range(disputes)),
            troubles=tuple(self._trouble() for _ in range(4)),
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
        amount, status = self._random.randrange(8000), self._random.choice(list(RefundStatus))
        return Refund(self._id("re_", 24), payment.payment_intent_id, amount, status, None)

    def _dispute(self, payment: Payment) -> Dispute:
        return Dispute(self._id("du_", 24), payment.payment_intent_id, 8000, DisputeStatus.OPEN)

    def _trouble(self) -> Trouble:
        return Trouble(f"refund:{self._uuid()}", 9, self.moment(), self.moment(), "A refund did not succeed at Stripe.")
