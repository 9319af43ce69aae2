"""Admission: every row of the table at every edge of the window, and no way in without a fee that is paid (I1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.admission import CLOSED, Admission, Door, admit, closes_at
from chalicelib.domain.facts import (
    NOTHING_YET,
    ActFailed,
    AttemptState,
    AttemptVoid,
    DisputeStatus,
    PaymentHistory,
    RefundStatus,
    Seen,
    Trouble,
)
from chalicelib.domain.sessions import Fee, Role, Session
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.domain.troubles import OFFER_KEY
from tests.support.examples import examples
from tests.support.histories import (
    END,
    FEE,
    HOUR,
    NOON,
    SECOND,
    START,
    TEAM,
    attempt,
    attempts,
    charge,
    checkout,
    dispute,
    folded,
    guest_of,
    noon,
    paid,
    refund,
    session_of,
    settled,
    waived,
)

LEADS = pytest.mark.parametrize("lead", [timedelta(0), timedelta(minutes=10)], ids=["no lead", "10 min"])
EDGES = [edge + SECOND * step for edge in (START - timedelta(minutes=10), START, END) for step in (-1, 0, 1)]
NOWS = pytest.mark.parametrize("now", EDGES, ids=lambda now: f"{now:%H:%M:%S}")


def door(session: Session, now: datetime, team: Team = TEAM, number: int = 2) -> Door:
    participant = session.participant(number)
    assert participant is not None
    return admit(session, participant, team, now).door


def in_time(now: datetime, lead: timedelta) -> Door:
    """Where nothing but the time bars the door."""
    if now < START - lead:
        return Door.EARLY
    return Door.JOIN if now < END else Door.ENDED


def unless_ended(now: datetime, otherwise: Door) -> Door:
    return Door.ENDED if now >= END else otherwise


ENTERING: dict[str, tuple[PaymentHistory, Fee | None]] = {
    "free": (NOTHING_YET, None),
    "paid": (folded(*paid()), FEE),
    "paid, its charge not yet known": (folded(checkout()), FEE),
    "waived": (waived(folded(checkout(AttemptState.OPEN))), FEE),
    "partly refunded": (folded(*paid(), refund(amount=7999)), FEE),
    "its refund failed": (folded(*paid(), refund(status=RefundStatus.FAILED)), FEE),
    "disputed": (folded(*paid(), dispute(DisputeStatus.OPEN)), FEE),
    "dispute won": (folded(*paid(), dispute(DisputeStatus.WON)), FEE),
}
BARRED: dict[str, tuple[PaymentHistory, Door]] = {
    "nothing paid": (NOTHING_YET, Door.PAY),
    "an offer not sent": (PaymentHistory(attempts=attempts(1)), Door.PAY),
    "an open offer": (folded(checkout(AttemptState.OPEN)), Door.PAY),
    "an expired offer": (folded(checkout(AttemptState.EXPIRED)), Door.PAY),
    "a void offer": (folded(AttemptVoid("attempt-1")), Door.PAY),
    "the bank said no": (folded(checkout(AttemptState.FAILED)), Door.PAY),
    "the bank is at work": (folded(checkout(AttemptState.PROCESSING)), Door.PROCESSING),
    "a charge to be proven": (folded(checkout(AttemptState.OPEN), charge()), Door.PROCESSING),
    "refunded": (folded(*paid(), refund()), Door.REFUNDED),
    "refund on its way": (folded(*paid(), refund(status=RefundStatus.PENDING)), Door.REFUNDED),
    "dispute lost": (folded(*paid(), dispute(DisputeStatus.LOST)), Door.REFUNDED),
    "strange money": (folded(checkout(amount=1), charge(amount=1)), Door.OFFER_REFUSED),
    "strange money, its charge not yet known": (folded(checkout(amount=1)), Door.OFFER_REFUSED),
}
entering = pytest.mark.parametrize(("history", "fee"), list(ENTERING.values()), ids=list(ENTERING))
barred = pytest.mark.parametrize(("history", "behind"), list(BARRED.values()), ids=list(BARRED))


TENTH = timedelta(milliseconds=100)


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (END - SECOND / 2, Door.JOIN),
        (END, Door.ENDED),
        (END + TENTH, Door.ENDED),
        (END + 3 * TENTH, Door.ENDED),
    ],
)
def test_the_door_closes_as_the_second_begins_in_which_the_session_ends(now: datetime, found: Door) -> None:
    session = session_of(fee=None, end_time=END + 3 * TENTH)
    assert (door(session, now), closes_at(session)) == (found, END)


@LEADS
@NOWS
@entering
def test_who_owes_nothing_any_more_enters_during_the_window(
    history: PaymentHistory, fee: Fee | None, now: datetime, lead: timedelta
) -> None:
    assert door(session_of(history, fee), now, replace(TEAM, guest_lead=lead)) is in_time(now, lead)


@LEADS
@NOWS
@barred
def test_who_owes_the_fee_finds_the_same_door_until_the_end(
    history: PaymentHistory, behind: Door, now: datetime, lead: timedelta
) -> None:
    assert door(session_of(history), now, replace(TEAM, guest_lead=lead)) is unless_ended(now, behind)


@LEADS
@NOWS
@barred
def test_a_host_enters_whatever_the_guests_owe(
    history: PaymentHistory, behind: Door, now: datetime, lead: timedelta
) -> None:
    team = replace(TEAM, host_lead=lead, accounts=(), suspended=True)
    assert door(session_of(history), now, team, number=1) is in_time(now, lead)


@NOWS
@barred
def test_the_rows_about_the_fee_are_no_hosts_business(history: PaymentHistory, behind: Door, now: datetime) -> None:
    assert door(session_of(history, guest_role=Role.HOST), now) is in_time(now, timedelta(0))


@NOWS
def test_each_side_has_its_own_lead(now: datetime) -> None:
    team = replace(TEAM, host_lead=timedelta(minutes=10))
    free = session_of(fee=None)
    assert door(free, now, team, number=1) is in_time(now, timedelta(minutes=10))
    assert door(free, now, team) is in_time(now, timedelta(0))


def test_the_first_moment_to_enter_is_told() -> None:
    team = replace(TEAM, host_lead=timedelta(minutes=10), guest_lead=timedelta(minutes=5))
    session = session_of(fee=None)
    host = session.participants[0]
    assert admit(session, guest_of(session), team, NOON) == Admission(Door.EARLY, START - timedelta(minutes=5))
    assert admit(session, host, team, NOON) == Admission(Door.EARLY, START - timedelta(minutes=10))


@NOWS
@entering
def test_a_cancelled_session_is_closed_to_everybody(history: PaymentHistory, fee: Fee | None, now: datetime) -> None:
    session = session_of(history, fee, canceled_at=noon(plus=60))
    assert door(session, now) is Door.CANCELED
    assert door(session, now, number=1) is Door.CANCELED


@NOWS
@entering
def test_who_was_removed_finds_that_told_even_after_a_cancellation(
    history: PaymentHistory, fee: Fee | None, now: datetime
) -> None:
    assert door(session_of(history, fee, guest_deleted_at=noon(plus=50)), now) is Door.REMOVED
    both = session_of(history, fee, guest_deleted_at=noon(plus=50), canceled_at=noon(plus=60))
    assert door(both, now) is Door.REMOVED
    assert door(both, now, number=1) is Door.CANCELED


def test_calcom_10121_after_a_reschedule_who_has_paid_enters_at_the_new_time() -> None:
    moved = session_of(folded(*paid()), start_time=START + 24 * HOUR, end_time=END + 24 * HOUR)
    assert door(moved, START) is Door.EARLY
    assert door(moved, START + 24 * HOUR) is Door.JOIN


# --- a clinic that cannot take payments ---------------------------------------------------------------------------

UNABLE = {
    "suspended": replace(TEAM, suspended=True),
    "no account": replace(TEAM, accounts=()),
    "charges disabled": replace(TEAM, accounts=(PayeeAccount(None, charges_enabled=False),)),
}
unable = pytest.mark.parametrize("team", list(UNABLE.values()), ids=list(UNABLE))


@NOWS
@unable
def test_open_event_server_6258_without_a_way_to_pay_nobody_enters_unpaid(team: Team, now: datetime) -> None:
    assert door(session_of(), now, team) is unless_ended(now, Door.CANNOT_CHARGE)


@NOWS
@unable
@entering
def test_who_has_paid_still_enters_when_the_clinic_cannot_charge(
    history: PaymentHistory, fee: Fee | None, team: Team, now: datetime
) -> None:
    assert door(session_of(history, fee), now, team) is in_time(now, timedelta(0))


def test_only_the_account_that_the_fee_names_must_be_able_to_charge() -> None:
    accounts = (PayeeAccount("acct_able"), PayeeAccount("acct_unable", charges_enabled=False, is_default=False))
    team = replace(TEAM, accounts=accounts)
    assert door(session_of(), START, team) is Door.PAY
    assert door(session_of(fee=replace(FEE, payee="acct_unable")), START, team) is Door.CANNOT_CHARGE


@pytest.mark.parametrize(
    ("now", "behind"),
    [
        (noon(plus=2) - SECOND, Door.OFFER_REFUSED),
        (noon(plus=2), Door.PAY),
        (noon(plus=2) + SECOND, Door.PAY),
    ],
)
def test_after_stripe_refused_an_offer_it_is_tried_again_only_when_its_wait_is_over(
    now: datetime, behind: Door
) -> None:
    refused = ActFailed(OFFER_KEY, noon(plus=1), "Stripe refuses to take this payment.", 0.0)
    session = session_of(folded(AttemptVoid("attempt-1"), refused))
    assert door(session, now) is behind


def test_an_offer_that_is_never_to_be_tried_again_is_refused_for_good() -> None:
    trouble = Trouble(OFFER_KEY, 1, NOON, None, "Refused.")
    assert door(session_of(replace(folded(), troubles=(trouble,))), END - SECOND) is Door.OFFER_REFUSED


def test_an_offer_refused_for_weeks_can_be_asked_for_again_six_hours_later() -> None:
    """The client asks, not the clock: given up after seven days, they would be locked out of a mended account."""
    refused = [ActFailed(OFFER_KEY, NOON + timedelta(days=days), "Refused.", 0.0) for days in range(19)]
    session = session_of(folded(*refused), start_time=NOON + timedelta(days=20), end_time=NOON + timedelta(days=21))
    assert door(session, NOON + timedelta(days=18, hours=5)) is Door.OFFER_REFUSED
    assert door(session, NOON + timedelta(days=18, hours=6)) is Door.PAY


def test_a_refused_offer_that_a_person_settled_can_be_asked_for_at_once() -> None:
    history = settled(folded(ActFailed(OFFER_KEY, NOON, "Refused.", 0.0)), OFFER_KEY)
    assert door(session_of(history), NOON) is Door.PAY


def test_what_stripe_refused_on_one_account_may_be_asked_for_on_another() -> None:
    void, elsewhere = AttemptState.VOID, "acct_1"
    refused = folded(ActFailed(OFFER_KEY, NOON, "Refused.", 0.0))
    behind = {
        (attempt(state=void, stripe_account_id=elsewhere),): Door.PAY,
        (attempt(state=void),): Door.OFFER_REFUSED,
        (): Door.OFFER_REFUSED,
        # The newest that was refused says where, whatever was begun after it.
        (attempt(state=void, stripe_account_id=elsewhere), attempt(2, state=void)): Door.OFFER_REFUSED,
        (attempt(state=void), attempt(2, state=void, stripe_account_id=elsewhere)): Door.PAY,
        (attempt(state=void, stripe_account_id=elsewhere), attempt(2)): Door.PAY,
        (attempt(state=void), attempt(2, stripe_account_id=elsewhere)): Door.OFFER_REFUSED,
    }
    assert {made: door(session_of(replace(refused, attempts=made)), NOON) for made in behind} == behind


def test_trouble_with_anything_else_does_not_stand_in_the_way_of_paying() -> None:
    history = folded(checkout(AttemptState.OPEN), ActFailed("look:attempt-1", noon(plus=1), "Failed.", 0.0))
    assert door(session_of(history), noon(plus=1)) is Door.PAY


def test_strange_money_that_a_person_settled_lets_the_client_pay() -> None:
    history = settled(folded(checkout(amount=1)), "payment:pi_1")
    assert door(session_of(history), START) is Door.PAY


@pytest.mark.parametrize("behind", list(Door))
def test_a_door_lets_join_or_pay_and_only_three_never_open_again(behind: Door) -> None:
    admission = Admission(behind, START)
    assert admission.may_join is (behind.value == "join")
    assert admission.may_pay is (behind.value == "pay")
    assert (behind in CLOSED) is (behind.value in {"removed", "canceled", "ended"})


# --- I1 -----------------------------------------------------------------------------------------------------------

FACTS: list[Seen] = [
    *(checkout(state, number) for state in AttemptState for number in (1, 2) if state is not AttemptState.PLANNED),
    checkout(payment_intent_id=None),
    checkout(amount=1),
    checkout(currency="nzd"),
    checkout(livemode=True),
    checkout(stripe_account_id="acct_other"),
    checkout(checkout_session_id="cs_other"),
    checkout(attempt_id="attempt-9"),
    AttemptVoid("attempt-1"),
    charge(1),
    charge(2, END),
    charge(1, amount=1),
    refund("1", 8000),
    refund("2", 8000, RefundStatus.PENDING, of=2),
    refund("3", 8000, RefundStatus.FAILED),
    refund("4", 5000),
    refund("5", 3000),
    *(dispute(status, of=number) for status in DisputeStatus for number in (1, 2)),
]


def money_for_the_fee(history: PaymentHistory) -> int:
    """What the clinic holds for an offer of ours as it was made: told by plain arithmetic over the raw facts."""
    held = 0
    for payment in history.payments:
        attempt = next((one for one in history.attempts if one.attempt_id == payment.attempt_id), None)
        told = payment.paid
        if attempt is None or told is None or payment.stripe_account_id is not None:
            continue
        if (told.amount, told.currency, told.livemode) != (8000, "aud", False):
            continue
        if told.checkout_session_id != attempt.checkout_session_id or (
            payment.charge and payment.charge.amount != 8000
        ):
            continue
        mine = [one for one in history.disputes if one.payment_intent_id == payment.payment_intent_id]
        lost = any(one.status is DisputeStatus.LOST for one in mine)
        back = sum(
            one.amount
            for one in history.refunds
            if one.payment_intent_id == payment.payment_intent_id
            and one.status in {RefundStatus.PENDING, RefundStatus.SUCCEEDED}
        )
        held += 0 if lost else max(0, 8000 - back)
    return held


@examples(150, 10_000)
@given(
    facts=st.lists(st.sampled_from(FACTS), max_size=12),
    is_waived=st.booleans(),
    closing=st.sampled_from([{}, {}, {"canceled_at": noon(plus=60)}, {"guest_deleted_at": noon(plus=60)}]),
    now=st.sampled_from(EDGES),
    team=st.sampled_from([TEAM, replace(TEAM, guest_lead=timedelta(minutes=10)), *UNABLE.values()]),
    role=st.sampled_from([Role.GUEST, Role.PARTICIPANT]),
)
def test_nobody_joins_without_a_fee_that_is_paid_or_waived_inside_the_window(
    facts: list[Seen], *, is_waived: bool, closing: dict[str, Any], now: datetime, team: Team, role: Role
) -> None:
    history = folded(*facts, count=2)
    session = session_of(waived(history) if is_waived else history, guest_role=role, **closing)
    joins = door(session, now, team) is Door.JOIN
    allowed = is_waived or money_for_the_fee(history) > 0
    assert joins is (allowed and not closing and START - team.guest_lead <= now < END)
