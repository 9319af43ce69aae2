"""Edits of those who take part: adding, changing, removing; and which fee may still become another."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.admission import Door, admit
from chalicelib.domain.edits import (
    AlreadyPaidError,
    BeingPaidError,
    CanceledError,
    EndedError,
    FeeWaivedError,
    OpenOffersError,
    ParticipantEdit,
    StrangePaymentError,
    UnprovenPaymentError,
    add_participant,
    edit_participant,
    live_attempts,
    remove_participant,
)
from chalicelib.domain.facts import ActFailed, AttemptState, AttemptVoid, DisputeStatus, PaymentHistory, RefundStatus
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import (
    Fee,
    FeeNotPossibleError,
    InvalidSessionError,
    Participant,
    ParticipantWish,
    Role,
    Session,
)
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.domain.troubles import OFFER_KEY
from tests.support.histories import (
    CANCELED,
    END,
    FEE,
    HOUR,
    NOON,
    START,
    TEAM,
    charge,
    checkout,
    decided,
    dispute,
    folded,
    guest_of,
    needs,
    noon,
    paid,
    refund,
    refunds_owed,
    session_of,
    settled,
    standing_of,
    waived,
    with_decisions,
)

MICROSECOND = timedelta(microseconds=1)
PAYEES = replace(
    TEAM,
    more_currencies=("nzd",),
    accounts=(PayeeAccount(None), PayeeAccount("acct_1", is_default=False), PayeeAccount("acct_2", is_default=False)),
)


def added(session: Session, wish: ParticipantWish, team: Team = TEAM, now: datetime = NOON) -> Participant:
    return add_participant(session, wish, team, key_id=7, now=now).participants[-1]


def edited(session: Session, edit: ParticipantEdit, team: Team = TEAM, now: datetime = NOON) -> Participant:
    changed = edit_participant(session, guest_of(session), edit, team, now=now)
    assert replace(changed, participants=session.participants) == session
    assert changed.participants[0] == session.participants[0]
    return guest_of(changed)


def problems(session: Session, edit: ParticipantEdit, team: Team = TEAM) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSessionError) as refused:
        edited(session, edit, team)
    return [(problem.field, problem.message) for problem in refused.value.problems]


# --- adding -------------------------------------------------------------------------------------------------------


def test_who_is_added_comes_last_under_the_next_number() -> None:
    session = session_of(folded(*paid()))
    wish = ParticipantWish(Role.PARTICIPANT, "Jim", "p", "s", "jim@example.com", "+61 2", FEE)
    grown = add_participant(session, wish, TEAM, key_id=7, now=noon(plus=1), planned_id="plan-1")
    assert grown.participants[:2] == session.participants
    assert grown.participants[2] == Participant(
        3,
        Role.PARTICIPANT,
        noon(plus=1),
        key_id=7,
        display_name="Jim",
        picture="p",
        state="s",
        email="jim@example.com",
        phone="+61 2",
        fee=FEE,
        planned_id="plan-1",
    )


def test_the_first_of_a_session_without_anybody_is_number_1() -> None:
    assert added(session_of(participants=()), ParticipantWish()).number == 1


def test_the_number_of_one_who_was_removed_is_not_used_again() -> None:
    session = session_of(guest_deleted_at=noon(plus=1))
    assert added(session, ParticipantWish()).number == 3


def _many(live: int, removed: int) -> Session:
    crowd = [Participant(number, Role.GUEST, NOON, key_id=1) for number in range(1, live + removed + 1)]
    gone = [replace(one, deleted_at=NOON) for one in crowd[:removed]]
    return session_of(participants=(*gone, *crowd[removed:]))


def refused_room(session: Session) -> list[tuple[str, str]]:
    with pytest.raises(InvalidSessionError) as refused:
        added(session, ParticipantWish())
    return [(problem.field, problem.message) for problem in refused.value.problems]


def test_fifty_take_part_at_most_not_counting_those_removed() -> None:
    assert added(_many(49, 0), ParticipantWish()).number == 50
    assert added(_many(49, 100), ParticipantWish()).number == 150
    assert refused_room(_many(50, 0)) == [("participants", "at most 50; there are as many already")]


def test_there_is_no_number_256() -> None:
    assert added(_many(1, 253), ParticipantWish()).number == 255
    assert refused_room(_many(1, 254)) == [("participants", "at most 255 with those removed; schedule another session")]


def test_every_problem_of_one_added_is_told_at_once_under_their_own_fields() -> None:
    wish = ParticipantWish(Role.HOST, "x" * 256, fee=Fee(99, "aud"))
    with pytest.raises(InvalidSessionError) as refused:
        added(_many(50, 0), wish)
    assert [problem.field for problem in refused.value.problems] == [
        "participants",
        "display_name",
        "fee",
        "fee.amount",
    ]


def test_who_comes_with_a_fee_is_not_added_while_the_clinic_cannot_charge() -> None:
    unable = replace(TEAM, accounts=())
    with pytest.raises(FeeNotPossibleError):
        added(session_of(), ParticipantWish(fee=FEE), unable)
    assert added(session_of(), ParticipantWish(), unable).fee is None


def test_people_are_added_until_the_end_and_not_from_then_on() -> None:
    assert added(session_of(), ParticipantWish(), now=END - MICROSECOND).number == 3
    with pytest.raises(EndedError):
        added(session_of(), ParticipantWish(), now=END)


def test_nobody_is_added_to_a_cancelled_session() -> None:
    with pytest.raises(CanceledError):
        added(session_of(**CANCELED), ParticipantWish(), now=noon(plus=61))


# --- changing -----------------------------------------------------------------------------------------------------

TEXTS: dict[str, Any] = {
    "display_name": "Mary",
    "picture": "p",
    "state": "s",
    "email": "mary@example.com",
    "phone": "+61 1",
}
FULL = session_of(folded(*paid()), **{f"guest_{name}": text for name, text in TEXTS.items()})


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("text", ["new", "", None])
def test_a_text_that_is_sent_is_changed_and_no_other(name: str, text: str | None) -> None:
    changes: dict[str, Any] = {name: text}
    assert edited(FULL, ParticipantEdit(**changes)) == replace(guest_of(FULL), **changes)


def test_an_edit_without_anything_and_one_with_all_that_is_there_change_nothing() -> None:
    assert edited(FULL, ParticipantEdit()) == guest_of(FULL)
    same = ParticipantEdit(role=Role.GUEST, fee=FEE, **TEXTS)
    assert edited(FULL, same, now=END + HOUR) == guest_of(FULL)


def test_a_text_can_be_changed_when_the_session_is_over() -> None:
    assert edited(FULL, ParticipantEdit(state="seen"), now=END + HOUR).state == "seen"


def test_every_problem_of_a_change_is_told_at_once() -> None:
    limits = {"display_name": 255, "picture": 2048, "state": 1024, "email": 255, "phone": 255}
    changes: dict[str, Any] = {name: "x" * (limit + 1) for name, limit in limits.items()}
    edit = ParticipantEdit(role=Role.HOST, fee=Fee(1, "aud", "d" * 256, "acct_9"), **changes)
    assert problems(session_of(), edit) == [
        *((name, f"at most {limit} characters; {limit + 1} were sent") for name, limit in limits.items()),
        ("fee.description", "at most 255 characters; 256 were sent"),
        ("fee", "a HOST carries no fee; attach it to a GUEST"),
        ("fee.payee", "is not one of the team's connected Stripe accounts"),
        ("fee.amount", "the fee is 0.01 AUD; the least that can be charged is 1.00 AUD"),
        ("role", "a guest with a fee cannot become a HOST; remove them and add a HOST"),
    ]


@pytest.mark.parametrize("fee", [None, FEE])
def test_a_guest_with_a_fee_does_not_become_a_host_since_hosts_pay_nothing(fee: Fee | None) -> None:
    assert problems(session_of(), ParticipantEdit(role=Role.HOST, fee=fee)) == [
        ("role", "a guest with a fee cannot become a HOST; remove them and add a HOST")
    ]


def test_roles_change_where_no_fee_is_in_the_way() -> None:
    free = session_of(fee=None)
    assert edited(free, ParticipantEdit(role=Role.HOST)).role is Role.HOST
    assert edited(session_of(), ParticipantEdit(role=Role.PARTICIPANT)).role is Role.PARTICIPANT
    host = session_of(fee=None, guest_role=Role.HOST)
    assert edited(host, ParticipantEdit(role=Role.GUEST, fee=FEE)).fee == FEE


def test_a_host_is_given_no_fee() -> None:
    host = session_of(fee=None, guest_role=Role.HOST)
    assert problems(host, ParticipantEdit(fee=FEE)) == [("fee", "a HOST carries no fee; attach it to a GUEST")]


def test_nobody_is_changed_in_a_cancelled_session() -> None:
    with pytest.raises(CanceledError):
        edited(session_of(**CANCELED), ParticipantEdit(), now=noon(plus=61))


# --- the fee ------------------------------------------------------------------------------------------------------

OTHER = Fee(9000, "aud")


def test_a_fee_is_changed_while_nothing_was_offered_or_paid() -> None:
    assert edited(session_of(), ParticipantEdit(fee=OTHER)).fee == OTHER
    assert edited(session_of(fee=None), ParticipantEdit(fee=FEE)).fee == FEE
    assert edited(session_of(), ParticipantEdit(fee=Fee(8000, "nzd")), PAYEES).fee == Fee(8000, "nzd")


def test_what_a_fee_does_not_say_stays_its_description_and_its_payee() -> None:
    session = session_of(fee=Fee(8000, "aud", "Follow-up", "acct_1"))
    assert edited(session, ParticipantEdit(fee=OTHER), PAYEES).fee == Fee(9000, "aud", "Follow-up", "acct_1")
    assert edited(session, ParticipantEdit(fee=Fee(8000, "aud")), PAYEES) == guest_of(session)
    moved = edited(session, ParticipantEdit(fee=Fee(8000, "aud", "", "acct_2")), PAYEES)
    assert moved.fee == Fee(8000, "aud", "", "acct_2")


@pytest.mark.parametrize(
    ("fee", "field", "message"),
    [
        (Fee(99, "aud"), "fee.amount", "the fee is 0.99 AUD; the least that can be charged is 1.00 AUD"),
        (Fee(8000, "usd"), "fee.currency", "is not one this clinic takes; send one of: aud, nzd"),
        (Fee(8000, "aud", payee="acct_9"), "fee.payee", "is not one of the team's connected Stripe accounts"),
    ],
)
def test_another_fee_is_bound_by_the_rules_for_fees(fee: Fee, field: str, message: str) -> None:
    assert problems(session_of(), ParticipantEdit(fee=fee), PAYEES) == [(field, message)]


def test_the_same_fee_again_is_bound_by_no_rule_that_came_later() -> None:
    session = session_of(fee=Fee(8000, "usd", payee="acct_9"))
    unable = replace(TEAM, accounts=(), suspended=True)
    assert edited(session, ParticipantEdit(fee=Fee(8000, "usd", payee="acct_9")), unable) == guest_of(session)


@pytest.mark.parametrize(
    "unable",
    [
        replace(TEAM, accounts=()),
        replace(TEAM, suspended=True),
        replace(TEAM, accounts=(PayeeAccount(None, charges_enabled=False),)),
    ],
)
def test_another_fee_is_refused_while_the_clinic_cannot_charge(unable: Team) -> None:
    with pytest.raises(FeeNotPossibleError):
        edited(session_of(), ParticipantEdit(fee=OTHER), unable)


def test_another_payee_that_cannot_charge_is_refused() -> None:
    team = replace(TEAM, accounts=(PayeeAccount(None), PayeeAccount("acct_1", charges_enabled=False, is_default=False)))
    with pytest.raises(FeeNotPossibleError):
        edited(session_of(), ParticipantEdit(fee=replace(FEE, payee="acct_1")), team)


PROCESSING = folded(checkout(AttemptState.PROCESSING))
MONEY_CAME: dict[str, tuple[PaymentHistory, type[Exception]]] = {
    "paid": (folded(*paid()), AlreadyPaidError),
    "paid, charge not known": (folded(checkout()), AlreadyPaidError),
    "charge seen alone": (folded(checkout(AttemptState.OPEN), charge()), UnprovenPaymentError),
    "partly refunded": (folded(*paid(), refund("1", 100)), AlreadyPaidError),
    "refunded but for a cent": (folded(*paid(), refund("1", 7999)), AlreadyPaidError),
    "to be refunded": (with_decisions(folded(*paid()), decided("1", 8000)), AlreadyPaidError),
    "disputed": (folded(*paid(), dispute(DisputeStatus.OPEN)), AlreadyPaidError),
    "paid twice, one refunded": (folded(*paid(), *paid(2), refund(), count=2), AlreadyPaidError),
    "refund failed": (folded(*paid(), refund("1", 8000, RefundStatus.FAILED)), AlreadyPaidError),
    "paid something else": (folded(checkout(amount=7000)), StrangePaymentError),
    "paid something else, a part of it refunded": (
        folded(checkout(amount=8800), charge(amount=8800), refund("1", 8799)),
        StrangePaymentError,
    ),
    "processing": (PROCESSING, BeingPaidError),
    "waived": (waived(folded()), FeeWaivedError),
}


@pytest.mark.parametrize(("history", "error"), MONEY_CAME.values(), ids=MONEY_CAME)
def test_a_fee_that_was_paid_or_waived_does_not_become_another(history: PaymentHistory, error: type[Exception]) -> None:
    for fee in (OTHER, Fee(8000, "nzd"), replace(FEE, payee="acct_1")):
        with pytest.raises(error) as refused:
            edited(session_of(history), ParticipantEdit(display_name="Jane", fee=fee), PAYEES)
        assert type(refused.value) is error
    assert edited(session_of(history), ParticipantEdit(display_name="Jane", fee=FEE)).display_name == "Jane"


STRANGE = folded(checkout(amount=8800), charge(amount=8800))
ALL_BACK: dict[str, PaymentHistory] = {
    "refunded": folded(*paid(), refund()),
    "being refunded": folded(*paid(), refund("1", 8000, RefundStatus.PENDING)),
    "refunded by rule": folded(*paid(), refund("1", 8000, decision_id="auto-ch_1")),
    "given by hand": settled(folded(*paid(), refund("1", 8000, RefundStatus.FAILED)), "refund:re_1", amount=8000),
    "charged back": folded(*paid(), dispute(DisputeStatus.LOST)),
    "paid twice, both refunded": folded(*paid(), *paid(2), refund(), refund("2", of=2), count=2),
    "something else, refunded": folded(refund("1", 8800), history=STRANGE),
    "something else, seen to": settled(STRANGE, "payment:pi_1"),
}


@pytest.mark.parametrize("history", ALL_BACK.values(), ids=ALL_BACK)
def test_once_all_is_back_another_fee_may_be_asked_for(history: PaymentHistory) -> None:
    changed = edited(session_of(history), ParticipantEdit(fee=OTHER))
    assert changed.fee == OTHER
    session = session_of(history, fee=OTHER)
    assert standing_of(session).status is PaymentStatus.UNPAID
    assert admit(session, guest_of(session), TEAM, START).door is Door.PAY
    assert refunds_owed(session) == []


def test_a_refund_that_fails_once_the_fee_is_another_is_a_persons() -> None:
    history = folded(*paid(), refund("1", 8000, RefundStatus.FAILED))
    session = session_of(history, fee=OTHER)
    assert standing_of(session).status is PaymentStatus.UNPAID
    assert needs(session) == "The refund of 80.00 AUD failed at the bank; give the money back another way."


def test_the_description_of_a_fee_is_only_a_text() -> None:
    session = session_of(folded(*paid()))
    described = edited(session, ParticipantEdit(fee=replace(FEE, description="Follow-up")), now=END + HOUR)
    assert described == replace(guest_of(session), fee=Fee(8000, "aud", "Follow-up"))


def test_a_fee_is_changed_until_the_end_and_not_from_then_on() -> None:
    assert edited(session_of(), ParticipantEdit(fee=OTHER), now=END - MICROSECOND).fee == OTHER
    with pytest.raises(EndedError):
        edited(session_of(), ParticipantEdit(fee=OTHER), now=END)


@pytest.mark.parametrize("state", [AttemptState.PLANNED, AttemptState.OPEN])
def test_an_offer_that_may_still_be_taken_is_to_be_closed_first(state: AttemptState) -> None:
    session = session_of(folded() if state is AttemptState.PLANNED else folded(checkout(state)))
    for fee in (OTHER, replace(FEE, payee="acct_1")):
        with pytest.raises(OpenOffersError) as refused:
            edited(session, ParticipantEdit(fee=fee), PAYEES)
        assert [one.attempt_id for one in refused.value.attempts] == ["attempt-1"]
    assert edited(session, ParticipantEdit(fee=replace(FEE, description="x"))).fee == replace(FEE, description="x")


@pytest.mark.parametrize("state", [AttemptState.EXPIRED, AttemptState.FAILED, AttemptState.VOID])
def test_an_offer_that_is_closed_is_not_in_the_way(state: AttemptState) -> None:
    seen = AttemptVoid("attempt-1") if state is AttemptState.VOID else checkout(state)
    session = session_of(folded(seen))
    assert live_attempts(guest_of(session)) == ()
    assert edited(session, ParticipantEdit(fee=OTHER)).fee == OTHER


def test_another_fee_is_a_new_start_where_stripe_refused_the_former_one() -> None:
    refused = folded(AttemptVoid("attempt-1"), ActFailed(OFFER_KEY, NOON, "refused", 0), ActFailed("x", NOON, "y", 0))
    changed = edited(session_of(refused), ParticipantEdit(fee=OTHER))
    assert [trouble.key for trouble in changed.history.troubles] == ["x"]
    assert edited(session_of(refused), ParticipantEdit(fee=FEE)).history == refused


# --- removing -----------------------------------------------------------------------------------------------------


def test_who_is_removed_gets_their_money_back_unless_it_is_to_be_kept() -> None:
    session, now = session_of(folded(*paid())), START
    removed = remove_participant(session, guest_of(session), now=now)
    assert guest_of(removed).deleted_at == now
    assert refunds_owed(removed) == [("auto-ch_1", 8000, "removed")]
    assert refunds_owed(remove_participant(session, guest_of(session), now=now, keep_payment=True)) == []


def test_who_is_removed_after_the_end_loses_texts_and_keeps_what_the_money_did() -> None:
    session = session_of(folded(*paid()))
    last = remove_participant(session, guest_of(session), now=END - MICROSECOND)
    assert refunds_owed(last) == [("auto-ch_1", 8000, "removed")]
    after = remove_participant(session, guest_of(session), now=END)
    assert guest_of(after).display_name is None
    assert refunds_owed(after) == []


def test_money_paid_after_the_end_goes_back_also_when_the_guest_is_removed_later() -> None:
    session = session_of(folded(checkout(), charge(at=END)))
    removed = remove_participant(session, guest_of(session), now=END + HOUR)
    assert refunds_owed(removed) == [("auto-ch_1", 8000, "after_end")]


def test_removing_again_changes_nothing() -> None:
    removed = remove_participant(session_of(), guest_of(session_of()), now=START)
    assert remove_participant(removed, guest_of(removed), now=END, keep_payment=True) == removed


def test_people_are_removed_from_a_cancelled_session_and_the_cancellation_decides_about_the_money() -> None:
    session = session_of(folded(*paid()), keeps_payments=True, **CANCELED)
    removed = remove_participant(session, guest_of(session), now=noon(plus=61))
    assert guest_of(removed).display_name is None
    assert refunds_owed(removed) == []
