"""What the tests of the stores keep: sessions small, due and as large as they may be; teams and API clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from chalicelib.domain.api_clients import ApiClient
from chalicelib.domain.facts import (
    Attempt,
    AttemptState,
    Charge,
    CheckoutPaid,
    Payment,
    PaymentHistory,
    Refund,
    RefundStatus,
)
from chalicelib.domain.ids import session_id_at
from chalicelib.domain.sessions import Fee, Participant, Role, Session
from chalicelib.domain.teams import PayeeAccount, Plan, RefusedMethod, RoomSettings, Team
from chalicelib.storage.codec import due_shard, team_text

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEAM_ID = "0190a5a0-0000-4000-8000-00000000c11c"
OTHER_TEAM_ID = "0190a5a0-0000-4000-8000-00000000c11d"
CHECKOUT_URL = "https://checkout.stripe.com/c/pay/" + "x" * 290

CLINIC = Team(
    team_id=TEAM_ID,
    name="Hill Street Clinic",
    created_at=NOON,
    plan=Plan.PREMIUM,
    more_currencies=("nzd",),
    host_lead=timedelta(minutes=10),
    accounts=(
        PayeeAccount(None),
        PayeeAccount(
            "acct_1",
            is_default=False,
            active_methods=("card",),
            changed_at=NOON,
            refused_methods=(RefusedMethod("au_becs_debit", NOON),),
        ),
    ),
    room=RoomSettings("template", "https://rooms.example/{room}#{token}", "k" * 32),
)
CLIENT = ApiClient("client-1", TEAM_ID, ("aa" * 32,), NOON, name="Booking page")


def counted_entropy() -> Callable[[int], bytes]:
    """Chance for a test: 1, 2, 3, … in as many bytes as are asked for."""
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def without_a_field(team: Team) -> str:
    """The team's text as a release wrote it that knew no `frame_ancestors`."""
    written = json.loads(team_text(team))
    del written["frame_ancestors"]
    return json.dumps(written)


def session_ids(shard: int | None = None) -> Iterator[str]:
    """Ids of sessions, all of one shard if one is named."""
    made = (session_id_at(NOON, number.to_bytes(9, "big")) for number in count())
    return (one for one in made if shard is None or due_shard(one) == shard)


def a_session(session_id: str = "", *, team_id: str = TEAM_ID, name: str = "Ada's talk") -> Session:
    """A host, and a guest who owes A$80.00; nothing is due."""
    host = Participant(1, Role.HOST, NOON, key_id=1, display_name="Dr. Byron", state="{}")
    guest = Participant(
        2, Role.GUEST, NOON, key_id=1, display_name="Ada Lovelace", email="ada@example.org", fee=Fee(8000, "aud")
    )
    return Session(
        team_id=team_id,
        session_id=session_id or next(session_ids()),
        client_id="client-1",
        start_time=NOON + timedelta(days=1),
        end_time=NOON + timedelta(days=1, hours=1),
        created_at=NOON,
        name=name,
        feature_flags=("waiting-room",),
        participants=(host, guest),
    )


def due_session(session_id: str, made_at: datetime) -> Session:
    """The guest was offered to pay at `made_at`; the first look at Stripe is due two minutes after that."""
    session = a_session(session_id)
    host, guest = session.participants
    offered = replace(guest, history=PaymentHistory(attempts=(open_attempt("attempt-1", made_at),)))
    return replace(session, participants=(host, offered))


def open_attempt(attempt_id: str, made_at: datetime) -> Attempt:
    return Attempt(
        attempt_id=attempt_id,
        made_at=made_at,
        amount=8000,
        currency="aud",
        stripe_account_id=None,
        livemode=False,
        application_fee=120,
        expires_at=made_at + timedelta(hours=23),
        state=AttemptState.OPEN,
        checkout_session_id="cs_test_" + "a" * 58,
        url=CHECKOUT_URL,
    )


def paid_history(attempt_id: str) -> PaymentHistory:
    """One payment, its charge, and a partial refund."""
    attempt = replace(open_attempt(attempt_id, NOON), state=AttemptState.PAID, url=None)
    paid = CheckoutPaid("cs_test_" + "a" * 58, 8000, "aud", livemode=False)
    charge = Charge("ch_3Q", 8000, "aud", NOON, 120, "https://pay.stripe.com/receipts/" + "r" * 120)
    return PaymentHistory(
        attempts=(attempt,),
        payments=(Payment("pi_3Q", attempt_id, None, paid, charge),),
        refunds=(Refund("re_3Q", "pi_3Q", 2000, RefundStatus.SUCCEEDED, "decision-1"),),
    )
