"""Payment histories in a few words: builders of facts about one guest of one session, with everything else filled in.

The n-th attempt has the Checkout Session `cs_n`, which is paid by the PaymentIntent `pi_n` with the charge `ch_n`.
Decides nothing: what the facts add up to is what the tests ask the domain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.concerns import attention, concerns
from chalicelib.domain.facts import (
    NOTHING_YET,
    Attempt,
    AttemptState,
    Charge,
    ChargeSeen,
    CheckoutOrder,
    CheckoutSeen,
    Dispute,
    DisputeSeen,
    DisputeStatus,
    PaymentHistory,
    Refund,
    RefundDecision,
    RefundReason,
    RefundSeen,
    RefundStatus,
    RetriedByHand,
    Seen,
    SettledByHand,
    Waiver,
)
from chalicelib.domain.folding import fold
from chalicelib.domain.obligations import MakeRefund, Obligation, obligations
from chalicelib.domain.payments import Standing, standing
from chalicelib.domain.sessions import Fee, Participant, Role, Session, owing
from chalicelib.domain.teams import PayeeAccount, Team

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday. Attempts are made now; the session is from 14:00 to 14:30."""

START = NOON + timedelta(hours=2)
END = START + timedelta(minutes=30)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
FEE = Fee(8000, "aud")
GUEST_NUMBER = 2
TEAM = Team("team-1", "Riverside Clinic", NOON, accounts=(PayeeAccount(None),))


def noon(*, plus: float = 0) -> datetime:
    """`plus` minutes after noon."""
    return NOON + timedelta(minutes=plus)


# --- attempts -----------------------------------------------------------------------------------------------------


def attempt(number: int = 1, **changes: Any) -> Attempt:
    """An offer of 80.00 AUD on the deployment's own account, made at noon and not yet sent."""
    order = CheckoutOrder("Appointment with Riverside Clinic", "https://a.example/paid/x", "", ("card",), ())
    planned = Attempt(
        attempt_id=f"attempt-{number}",
        made_at=NOON,
        amount=8000,
        currency="aud",
        stripe_account_id=None,
        livemode=False,
        application_fee=0,
        expires_at=END,
        order=order,
    )
    return replace(planned, **changes)


def attempts(count: int) -> tuple[Attempt, ...]:
    return tuple(attempt(number) for number in range(1, count + 1))


def folded(*seen: Seen, history: PaymentHistory | None = None, count: int = 1) -> PaymentHistory:
    """The facts in this order, on top of a history or of `count` planned attempts."""
    whole = replace(NOTHING_YET, attempts=attempts(count)) if history is None else history
    for one in seen:
        whole = fold(whole, one)
    return whole


def of_attempt(history: PaymentHistory, number: int = 1) -> Attempt:
    return next(one for one in history.attempts if one.attempt_id == f"attempt-{number}")


# --- what is seen -------------------------------------------------------------------------------------------------


def checkout(state: AttemptState = AttemptState.PAID, number: int = 1, **changes: Any) -> CheckoutSeen:
    """The attempt's Checkout Session as Stripe shows it in that state."""
    begun = state in {AttemptState.PAID, AttemptState.PROCESSING, AttemptState.FAILED}
    seen = CheckoutSeen(
        checkout_session_id=f"cs_{number}",
        attempt_id=f"attempt-{number}",
        stripe_account_id=None,
        state=state,
        amount=8000,
        currency="aud",
        livemode=False,
        expires_at=END,
        url=f"https://pay.example/{number}" if state is AttemptState.OPEN else None,
        payment_intent_id=f"pi_{number}" if begun else None,
    )
    return replace(seen, **changes)


def charge(number: int = 1, at: datetime = NOON + MINUTE, *, refunded: int = 0, **changes: Any) -> ChargeSeen:
    """The charge that pays it. `changes` are of the charge itself."""
    money = Charge(f"ch_{number}", 8000, "aud", at, 0, f"https://receipts.example/{number}")
    return ChargeSeen(f"pi_{number}", f"attempt-{number}", None, replace(money, **changes), refunded)


def paid(number: int = 1, at: datetime = NOON + MINUTE, **changes: Any) -> tuple[Seen, Seen]:
    """All there is to see of a payment. `changes` are of the charge."""
    return checkout(number=number), charge(number, at, **changes)


def refund(
    name: str = "1",
    amount: int = 8000,
    status: RefundStatus = RefundStatus.SUCCEEDED,
    *,
    of: int = 1,
    decision_id: str | None = None,
) -> RefundSeen:
    return RefundSeen(Refund(f"re_{name}", f"pi_{of}", amount, status, decision_id))


def dispute(
    status: DisputeStatus, *, of: int = 1, asked: bool = False, amount: int = 8000, **changes: Any
) -> DisputeSeen:
    return DisputeSeen(replace(Dispute(f"dp_{of}", f"pi_{of}", amount, status), **changes), asked)


def inquiry(*, of: int = 1, asked: bool = False, amount: int = 8000) -> DisputeSeen:
    """The bank only asks, and has taken nothing."""
    told = {"currency": "aud", "is_inquiry": True, "is_refundable": True}
    return dispute(DisputeStatus.OPEN, of=of, asked=asked, amount=amount, **told)


# --- what people decide -------------------------------------------------------------------------------------------


def decided(name: str, amount: int, *, of: int = 1) -> RefundDecision:
    return RefundDecision(f"decision-{name}", f"pi_{of}", amount, noon(plus=30), "client-1")


def with_decisions(history: PaymentHistory, *decisions: RefundDecision) -> PaymentHistory:
    return replace(history, decisions=(*history.decisions, *decisions))


def waived(history: PaymentHistory) -> PaymentHistory:
    return replace(history, waiver=Waiver(noon(plus=20), "client-1", "paid at the desk"))


def settled(
    history: PaymentHistory,
    *keys: str,
    amount: int = 0,
    is_given: bool = True,
    because: RefundReason | None = None,
) -> PaymentHistory:
    """Somebody saw to it: to that much of the money, which was given, or (`is_given` False) need not go back."""
    fact = SettledByHand("", noon(plus=40), "operator", "in cash", is_given, amount, because)
    return replace(history, settled=(*history.settled, *(replace(fact, key=key) for key in keys)))


def retried(history: PaymentHistory, key: str) -> PaymentHistory:
    return replace(history, retried=(*history.retried, RetriedByHand(key, noon(plus=40), "operator", "again")))


# --- the session --------------------------------------------------------------------------------------------------


def session_of(history: PaymentHistory = NOTHING_YET, fee: Fee | None = FEE, **changes: Any) -> Session:
    """A host and the guest with this history. `changes` are of the session, or `guest_…` of the guest."""
    guest_changes = {name.removeprefix("guest_"): changes.pop(name) for name in [*changes] if name.startswith("guest_")}
    guest = Participant(GUEST_NUMBER, Role.GUEST, NOON, key_id=1, display_name="Mary Smith", fee=fee, history=history)
    session = Session(
        team_id=TEAM.team_id,
        session_id="0197b3c4-d5e6-7788-99aa-bbccddeeff00",
        client_id="client-1",
        start_time=START,
        end_time=END,
        created_at=NOON,
        participants=(Participant(1, Role.HOST, NOON, key_id=1), replace(guest, **guest_changes)),
    )
    return replace(session, **changes)


def with_history(session: Session, history: PaymentHistory) -> Session:
    """The same session, of whose guest this is kept."""
    host, guest = session.participants
    return replace(session, participants=(host, replace(guest, history=history)))


def guest_of(session: Session) -> Participant:
    guest = session.participant(GUEST_NUMBER)
    assert guest is not None
    return guest


def standing_of(session: Session) -> Standing:
    return standing(owing(session, guest_of(session)), guest_of(session).history)


def owed(session: Session) -> list[Obligation]:
    """Everything owed for the guest; nothing is ever owed for the host."""
    found = list(obligations(session))
    assert {number for number, _ in found} <= {GUEST_NUMBER}
    return [one for _, one in found]


CANCELED: dict[str, Any] = {"canceled_at": noon(plus=60)}
"""Changes that make a session cancelled at 13:00."""


def keys(session: Session) -> set[str]:
    return {one.key for one in owed(session)}


def needs(session: Session, now: datetime = NOON) -> str | None:
    """What the clinic is told that needs a person."""
    return attention(session, guest_of(session), now)


def told_keys(session: Session, now: datetime = NOON) -> list[str]:
    """The keys of what needs a person."""
    return [one.key for one in concerns(session, guest_of(session), now)]


def refunds_owed(session: Session) -> list[tuple[str, int, str]]:
    """Decision, amount and reason of every refund that is owed."""
    return [(one.decision_id, one.amount, one.reason.value) for one in makes_refund(owed(session))]


def makes_refund(found: Iterable[Obligation]) -> list[MakeRefund]:
    return [one for one in found if isinstance(one, MakeRefund)]
