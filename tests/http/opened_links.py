"""Opened links for the tests of the pages: a clinic, its clinician and a client, in every state a door can be in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from chalicelib.domain.admission import admit
from chalicelib.domain.facts import (
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
from chalicelib.domain.payments import standing
from chalicelib.domain.sessions import Fee, Participant, Role, Session, owing
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.domain.troubles import OFFER_KEY
from chalicelib.flows.open_link import OpenedLink
from chalicelib.http.pages.view import PageUrls

START: Final = datetime(2030, 1, 8, 22, 0, tzinfo=UTC)
END: Final = START + timedelta(minutes=30)
CREATED: Final = START - timedelta(days=3)
PAID_AT: Final = START - timedelta(days=1)
CANCELED_AT: Final = START - timedelta(hours=20)
BEFORE: Final = START - timedelta(hours=2)
URLS: Final = PageUrls(
    self_url="/live/session/tok",
    checkout_url="/live/session/tok/checkout",
    join_url="/live/session/tok/join",
    calendar_url="/live/session/tok/calendar.ics",
    static_base="/live/static",
)

TEAM: Final = Team(
    "0190a5a0-0000-7000-8000-00000000c11c", "Harbour Street Clinic", CREATED, accounts=(PayeeAccount(None),)
)
HOST: Final = Participant(1, Role.HOST, CREATED, 1, display_name="Dr Amina Okafor", email="amina@clinic.example")
GUEST: Final = Participant(
    2,
    Role.GUEST,
    CREATED,
    1,
    display_name="Margaret Ellison",
    email="margaret@mail.example",
    phone="+61 400 000 000",
    state="opaque",
    fee=Fee(8000, "aud", "Thirty minutes"),
)
OTHER_GUEST: Final = Participant(3, Role.GUEST, CREATED, 1, display_name="Somebody Else")
SESSION: Final = Session(
    TEAM.team_id,
    "0197b3c4-d5e6-7788-99aa-bbccddeeff00",
    "a client",
    START,
    END,
    CREATED,
    name="Follow-up",
    participants=(HOST, GUEST, OTHER_GUEST),
)


def opened(
    reader: Participant = GUEST, now: datetime = BEFORE, *, team: Team = TEAM, session: Session = SESSION
) -> OpenedLink:
    """What the reader finds at `now`; their record replaces the one in the session."""
    others = tuple(reader if one.number == reader.number else one for one in session.participants)
    session = replace(session, participants=others)
    return OpenedLink(
        session=session,
        participant=reader,
        team=team,
        admission=admit(session, reader, team, now),
        standing=standing(owing(session, reader), reader.history),
        now=now,
    )


def attempt(state: AttemptState, number: int = 1) -> Attempt:
    return Attempt(
        attempt_id=f"attempt-{number}",
        made_at=PAID_AT,
        amount=8000,
        currency="aud",
        stripe_account_id=None,
        livemode=False,
        application_fee=0,
        expires_at=PAID_AT + timedelta(hours=23),
        state=state,
        checkout_session_id=f"cs_{number}",
    )


def payment(number: int = 1, paid_at: datetime | None = PAID_AT) -> Payment:
    charge = (
        Charge(f"ch_{number}", 8000, "aud", paid_at, 0, f"https://pay.stripe.com/receipts/{number}")
        if paid_at
        else None
    )
    return Payment(
        f"pi_{number}", f"attempt-{number}", None, CheckoutPaid(f"cs_{number}", 8000, "aud", livemode=False), charge
    )


def refund(status: RefundStatus, amount: int = 8000, decision_id: str | None = "auto-ch_1") -> Refund:
    return Refund(f"re_{amount}", "pi_1", amount, status, decision_id)


def dispute(status: DisputeStatus) -> Dispute:
    return Dispute("dp_1", "pi_1", 8000, status)


PAID: Final = PaymentHistory(attempts=(attempt(AttemptState.PAID),), payments=(payment(),))
PAYER: Final = replace(GUEST, history=PAID)
DEBTOR: Final = replace(
    GUEST,
    history=PaymentHistory(attempts=(replace(attempt(AttemptState.PROCESSING), made_at=START - timedelta(days=10)),)),
)
"""Whose bank debit is in time."""

FREE: Final = replace(GUEST, fee=None)
CANCELED: Final = replace(SESSION, canceled_at=CANCELED_AT)


def payer(*refunds: Refund, disputes: tuple[Dispute, ...] = (), troubles: tuple[Trouble, ...] = ()) -> Participant:
    return replace(GUEST, history=replace(PAID, refunds=refunds, disputes=disputes, troubles=troubles))


DOORS: Final[Mapping[str, OpenedLink]] = MappingProxyType({
    "removed": opened(replace(GUEST, deleted_at=CANCELED_AT)),
    "canceled": opened(session=CANCELED),
    "ended": opened(now=END),
    "cannot_charge": opened(team=replace(TEAM, suspended=True)),
    "offer_refused": opened(
        replace(GUEST, history=PaymentHistory(troubles=(Trouble(OFFER_KEY, 1, PAID_AT, None, "refused"),)))
    ),
    "pay": opened(),
    "processing": opened(DEBTOR),
    "refunded": opened(payer(refund(RefundStatus.SUCCEEDED, decision_id="asked"))),
    "early": opened(PAYER),
    "join": opened(PAYER, now=START),
})  # fmt: skip
"""One link for each door, by the door's value."""
