"""What forbids that a team is deleted, what of it is erased, and what late money still needs."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.books import AuditEntry, ledger_rows
from chalicelib.domain.erasure import Hindrance, erased, hindrance, is_of_money, tombstone
from chalicelib.domain.facts import NOTHING_YET, AttemptState, DisputeStatus, PaymentHistory, RefundStatus
from chalicelib.domain.obligations import due_at
from chalicelib.domain.sessions import Fee, Session, cancel, saw
from chalicelib.domain.team_audit import team_audit
from chalicelib.domain.teams import PayeeAccount, Plan, RoomSettings, Team
from tests.support.histories import (
    CANCELED,
    END,
    GUEST_NUMBER,
    HOUR,
    NOON,
    SECOND,
    START,
    charge,
    checkout,
    decided,
    dispute,
    folded,
    guest_of,
    owed,
    paid,
    refund,
    refunds_owed,
    retried,
    session_of,
    settled,
    standing_of,
    waived,
    with_decisions,
)

PENDING, FAILED = RefundStatus.PENDING, RefundStatus.FAILED
REFUNDED = folded(*paid(), refund())
OPEN_DISPUTE = folded(*paid(), dispute(DisputeStatus.OPEN))
SOME_LEFT_OPEN = folded(checkout(AttemptState.OPEN))
BY_RULE = folded(*paid(at=END))


# --- what forbids it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session", "after", "why"),
    [
        (session_of(), START - SECOND, Hindrance.TO_COME),
        (session_of(), START, Hindrance.UNDER_WAY),
        (session_of(), END - SECOND, Hindrance.UNDER_WAY),
        (session_of(), END, None),
        (session_of(**CANCELED), NOON, None),
        (session_of(folded(*paid())), END, None),
        (session_of(folded(*paid())), START, Hindrance.UNDER_WAY),
        (session_of(folded(*paid()), **CANCELED), NOON, Hindrance.OWED),
        (session_of(REFUNDED, **CANCELED), NOON, None),
        (session_of(folded(*paid(), refund(status=PENDING)), **CANCELED), NOON, Hindrance.ON_ITS_WAY),
        (session_of(folded(*paid(), refund(status=FAILED)), **CANCELED), NOON, Hindrance.NEEDS_PERSON),
        (session_of(SOME_LEFT_OPEN), END, Hindrance.OWED),
        (session_of(SOME_LEFT_OPEN), END + HOUR, Hindrance.NEEDS_PERSON),
        (session_of(BY_RULE), END, Hindrance.OWED),
        (session_of(OPEN_DISPUTE), END, None),
    ],
)
def test_what_is_to_come_or_owed_forbids_it_and_what_is_over_and_settled_does_not(
    session: Session, after: datetime, why: Hindrance | None
) -> None:
    assert hindrance(session, after) is why


# --- what is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("history", "is_kept"),
    [
        (NOTHING_YET, False),
        (folded(checkout(AttemptState.EXPIRED)), False),
        (waived(NOTHING_YET), False),
        (SOME_LEFT_OPEN, True),
        (folded(*paid()), True),
        (REFUNDED, True),
        (folded(charge()), True),
        (replace(NOTHING_YET, refunds=(refund().refund,)), True),
        (replace(NOTHING_YET, disputes=(dispute(DisputeStatus.WON).dispute,)), True),
    ],
)
def test_a_session_with_money_is_kept_and_no_other(history: PaymentHistory, *, is_kept: bool) -> None:
    assert is_of_money(session_of(history)) is is_kept


PRIVATE = "what somebody wrote"
WRITTEN = session_of(
    with_decisions(
        retried(settled(waived(folded(*paid(), refund("a", 100, decision_id="decision-a"))), "refund:x"), "refund:y"),
        replace(decided("a", 100), reason=PRIVATE),
    ),
    Fee(8000, "aud", PRIVATE, "acct_1"),
    name=PRIVATE,
    picture=PRIVATE,
    feature_flags=(PRIVATE,),
    guest_display_name=PRIVATE,
    guest_picture=PRIVATE,
    guest_state=PRIVATE,
    guest_email=PRIVATE,
    guest_phone=PRIVATE,
    guest_planned_id=PRIVATE,
)


def _all_private(session: Session) -> Session:
    """Reasons, too, which the builders fill in themselves."""
    history = guest_of(session).history
    assert history.waiver
    private = replace(
        history,
        waiver=replace(history.waiver, reason=PRIVATE),
        settled=tuple(replace(one, why=PRIVATE) for one in history.settled),
        retried=tuple(replace(one, why=PRIVATE) for one in history.retried),
    )
    host, guest = session.participants
    return replace(session, participants=(host, replace(guest, history=private)))


@pytest.mark.parametrize("state", [AttemptState.PLANNED, AttemptState.OPEN, AttemptState.PROCESSING])
def test_an_offer_that_may_still_be_paid_forbids_it_though_a_person_has_settled_it(state: AttemptState) -> None:
    keys = ("look:attempt-1", "expire:attempt-1")
    history = settled(folded(*([checkout(state)] if state is not AttemptState.PLANNED else [])), *keys)
    session = session_of(history)
    assert due_at(session) is None
    assert hindrance(session, END) is Hindrance.OWED
    assert is_of_money(session)


def test_one_that_a_person_gave_up_may_turn_out_paid_so_it_is_kept() -> None:
    given_up = settled(folded(checkout(AttemptState.EXPIRED)), "look:attempt-1")
    assert hindrance(session_of(given_up), END) is None
    assert is_of_money(session_of(given_up))
    assert not is_of_money(session_of(folded(checkout(AttemptState.EXPIRED))))


def test_nothing_that_people_wrote_is_left_and_nothing_else_is_lost() -> None:
    written = _all_private(WRITTEN)
    assert str(asdict(written)).count(PRIVATE) == 14
    left = erased(written, END)
    assert PRIVATE not in str(asdict(left))
    guest, before = guest_of(left), guest_of(written)
    assert guest.fee == Fee(8000, "aud", None, "acct_1")
    assert (guest.number, guest.role, guest.key_id, guest.created_at) == (2, before.role, 1, NOON)
    assert guest.history.payments == before.history.payments
    assert guest.history.refunds == before.history.refunds
    assert guest.history.attempts == before.history.attempts
    assert [(one.decision_id, one.amount, one.by) for one in guest.history.decisions] == [
        ("decision-a", 100, "client-1")
    ]
    assert [(one.key, one.by) for one in guest.history.settled] == [("refund:x", "operator")]
    assert [(one.key, one.by) for one in guest.history.retried] == [("refund:y", "operator")]
    assert guest.history.waiver
    assert guest.history.waiver.by == "client-1"
    assert (left.session_id, left.client_id, left.start_time, left.end_time) == (
        written.session_id,
        "client-1",
        START,
        END,
    )


def test_erasing_again_changes_nothing() -> None:
    left = erased(_all_private(WRITTEN), END)
    assert erased(left, END + HOUR) == left
    plain = erased(session_of(fee=None), END)
    assert erased(plain, END + HOUR) == plain
    assert guest_of(plain).fee is None
    assert guest_of(plain).history is NOTHING_YET


@pytest.mark.parametrize("history", [folded(*paid()), REFUNDED, OPEN_DISPUTE, waived(folded(*paid()))])
def test_what_the_money_adds_up_to_stays_the_same(history: PaymentHistory) -> None:
    session = session_of(history)
    left = erased(session, END)
    assert standing_of(left) == standing_of(session)
    assert owed(left) == owed(session)
    assert list(ledger_rows(left)) == list(ledger_rows(session))


def test_a_refund_and_a_dispute_that_come_later_still_reach_the_ledger() -> None:
    left = erased(session_of(folded(*paid())), END)
    later = saw(left, GUEST_NUMBER, refund(amount=3000), dispute(DisputeStatus.LOST, amount=5000))
    (row,) = ledger_rows(later)
    assert (row.refunded, row.charged_back) == (3000, 5000)


def test_one_that_is_not_over_is_cancelled_so_that_what_was_paid_goes_back() -> None:
    left = erased(session_of(folded(*paid())), NOON + HOUR)
    assert left.canceled_at == NOON + HOUR
    assert [amount for _, amount, _ in refunds_owed(left)] == [8000]
    assert due_at(left) is not None


def test_one_that_is_over_or_cancelled_stays_as_it_ended() -> None:
    assert erased(session_of(folded(*paid())), END).canceled_at is None
    kept = cancel(session_of(folded(*paid())), now=NOON + HOUR, keep_payments=True)
    assert erased(kept, NOON + HOUR + SECOND).canceled_at == NOON + HOUR
    assert refunds_owed(erased(kept, NOON + HOUR + SECOND)) == []


# --- the team -------------------------------------------------------------------------------------------------------

TEAM = Team(
    "team-1",
    "Riverside Clinic",
    NOON,
    Plan.ESSENTIALS,
    subdomain="riverside",
    scheduling_add_on=True,
    fee_basis_points=90,
    default_currency="nzd",
    more_currencies=("usd",),
    delayed_methods=("au_becs_debit",),
    host_lead=timedelta(minutes=5),
    guest_lead=timedelta(minutes=5),
    accounts=(
        PayeeAccount(None, is_default=False),
        PayeeAccount("acct_1", charges_enabled=False, disabled_reason="listed", country="NZ", connected_at=NOON),
        PayeeAccount("acct_2", is_default=False, default_currency="nzd", disconnected_at=NOON),
    ),
    frame_ancestors=("https://clinic.example",),
    allowed_origins=("https://clinic.example",),
    room=RoomSettings("template", "https://rooms.example", "r" * 32),
)


def test_of_a_team_its_plan_and_terms_are_left_and_the_ids_of_its_accounts() -> None:
    assert tombstone(TEAM, END) == Team(
        "team-1",
        "",
        NOON,
        Plan.ESSENTIALS,
        scheduling_add_on=True,
        suspended=True,
        fee_basis_points=90,
        default_currency="nzd",
        more_currencies=("usd",),
        accounts=(
            PayeeAccount(None, is_default=False, disconnected_at=END),
            PayeeAccount("acct_1", charges_enabled=False, disconnected_at=END),
            PayeeAccount("acct_2", is_default=False, disconnected_at=NOON),
        ),
        deleted_at=END,
    )
    assert tombstone(tombstone(TEAM, END), END + HOUR) == tombstone(TEAM, END)


def test_a_deleted_team_can_charge_nobody_and_the_audit_says_what_happened_to_it() -> None:
    left = tombstone(TEAM, END)
    assert not any(left.has_account(one.stripe_account_id) for one in TEAM.accounts)
    row = team_audit(TEAM, left, by="operator:pat", at=END, audit_id="a1")
    assert row is not None
    assert row.entries == (
        AuditEntry("suspended", "operator:pat"),
        AuditEntry("deleted", "operator:pat", why="only the books are kept"),
        AuditEntry("account_disconnected", "operator:pat", about="own"),
        AuditEntry("account_disconnected", "operator:pat", about="acct_1"),
    )
