"""Offers: one step at a time towards one page to pay on, and never two of them (I2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.admission import Door
from chalicelib.domain.facts import (
    LIVE,
    NOTHING_YET,
    ActFailed,
    Attempt,
    AttemptState,
    AttemptVoid,
    CheckoutOrder,
    DisputeStatus,
    PaymentHistory,
    Seen,
)
from chalicelib.domain.offers import (
    Close,
    GoTo,
    Look,
    NothingToPay,
    OfferTerms,
    Send,
    Step,
    expires_at,
    next_step,
    plan,
)
from chalicelib.domain.offers import Plan as PlanAnew
from chalicelib.domain.sessions import Fee, Session
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.domain.troubles import OFFER_KEY
from tests.support.examples import examples
from tests.support.histories import (
    END,
    FEE,
    HOUR,
    MINUTE,
    NOON,
    SECOND,
    START,
    TEAM,
    attempt,
    charge,
    checkout,
    dispute,
    folded,
    guest_of,
    noon,
    of_attempt,
    paid,
    refund,
    session_of,
    waived,
)

OPEN, PROCESSING, EXPIRED = AttemptState.OPEN, AttemptState.PROCESSING, AttemptState.EXPIRED


def step(session: Session, now: datetime = NOON, *looked: str, team: Team = TEAM) -> Step:
    return next_step(session, guest_of(session), team, now, looked=frozenset(looked))


# --- the next step ------------------------------------------------------------------------------------------------


def test_with_nothing_to_pay_on_an_attempt_is_planned() -> None:
    assert step(session_of()) == PlanAnew()


@pytest.mark.parametrize(
    "dead",
    [AttemptVoid("attempt-1"), checkout(EXPIRED), checkout(AttemptState.FAILED)],
    ids=["void", "expired", "failed"],
)
def test_after_a_dead_attempt_another_is_planned(dead: Seen) -> None:
    assert step(session_of(folded(dead))) == PlanAnew()


NOTHING: dict[str, tuple[Session, datetime, Door]] = {
    "free": (session_of(fee=None), START, Door.JOIN),
    "free, early": (session_of(fee=None), NOON, Door.EARLY),
    "paid": (session_of(folded(*paid())), START, Door.JOIN),
    "processing": (session_of(folded(checkout(PROCESSING))), NOON, Door.PROCESSING),
    "a charge to be proven": (session_of(folded(checkout(OPEN), charge())), NOON, Door.PROCESSING),
    "waived": (session_of(waived(NOTHING_YET)), START, Door.JOIN),
    "refunded": (session_of(folded(*paid(), refund())), NOON, Door.REFUNDED),
    "dispute lost": (session_of(folded(*paid(), dispute(DisputeStatus.LOST))), NOON, Door.REFUNDED),
    "strange money": (session_of(folded(checkout(amount=1))), NOON, Door.OFFER_REFUSED),
    "refused just now": (
        session_of(folded(ActFailed(OFFER_KEY, NOON, "Refused.", 0.0))),
        NOON,
        Door.OFFER_REFUSED,
    ),
    "cancelled": (session_of(canceled_at=NOON), NOON, Door.CANCELED),
    "removed": (session_of(guest_deleted_at=NOON), NOON, Door.REMOVED),
    "ended": (session_of(), END, Door.ENDED),
}


@pytest.mark.parametrize(("session", "now", "behind"), list(NOTHING.values()), ids=list(NOTHING))
def test_where_there_is_nothing_to_pay_the_door_says_why(session: Session, now: datetime, behind: Door) -> None:
    found = step(session, now)
    assert isinstance(found, NothingToPay)
    assert found.admission.door is behind


def test_a_clinic_that_cannot_charge_offers_nothing() -> None:
    found = step(session_of(folded(checkout(OPEN))), team=replace(TEAM, suspended=True))
    assert isinstance(found, NothingToPay)
    assert found.admission.door is Door.CANNOT_CHARGE


def test_a_planned_attempt_is_sent_again_while_its_key_is_kept_and_looked_for_afterwards() -> None:
    far: dict[str, Any] = {"start_time": NOON + timedelta(days=3), "end_time": NOON + timedelta(days=3, minutes=30)}
    session = session_of(PaymentHistory(attempts=(attempt(),)), **far)
    assert step(session, NOON) == Send(attempt())
    assert step(session, NOON + 24 * HOUR - SECOND) == Send(attempt())
    assert step(session, NOON + 24 * HOUR) == Look(attempt())


PAGE = GoTo("https://pay.example/1", "attempt-1")


def test_an_open_attempt_younger_than_30_seconds_is_offered_without_asking_stripe() -> None:
    session = session_of(folded(checkout(OPEN)))
    assert step(session, NOON + 29 * SECOND) == PAGE
    assert step(session, NOON + 30 * SECOND) == Look(of_attempt(guest_of(session).history))


def test_an_older_attempt_is_offered_once_stripe_was_asked_about_it_in_this_request() -> None:
    session = session_of(folded(checkout(OPEN)))
    assert step(session, noon(plus=60), "attempt-1") == PAGE
    assert isinstance(step(session, noon(plus=60), "attempt-2"), Look)


def test_an_open_attempt_without_an_address_is_looked_at() -> None:
    session = session_of(folded(checkout(OPEN, url=None)))
    assert isinstance(step(session, NOON), Look)


@pytest.mark.parametrize(
    ("left", "closed"),
    [(10 * MINUTE, False), (10 * MINUTE - SECOND, True), (SECOND, True), (-SECOND, True)],
)
def test_an_open_attempt_with_under_10_minutes_to_live_is_replaced(left: timedelta, *, closed: bool) -> None:
    session = session_of(folded(checkout(OPEN, expires_at=noon(plus=60))))
    found = step(session, noon(plus=60) - left, "attempt-1")
    assert found == (Close(of_attempt(guest_of(session).history)) if closed else PAGE)


@pytest.mark.parametrize(("ends", "closed"), [(noon(plus=60), False), (noon(plus=60) + SECOND, True)])
def test_it_is_not_replaced_when_the_consultation_ends_no_later(ends: datetime, *, closed: bool) -> None:
    session = session_of(folded(checkout(OPEN, expires_at=noon(plus=60))), start_time=noon(plus=30), end_time=ends)
    assert isinstance(step(session, noon(plus=55), "attempt-1"), Close if closed else GoTo)


@pytest.mark.parametrize("fee", [Fee(9000, "aud"), Fee(8000, "nzd")])
def test_an_offer_of_another_fee_is_closed_before_anything_is_planned(fee: Fee) -> None:
    session = session_of(folded(checkout(OPEN)), fee=fee)
    assert step(session) == Close(of_attempt(guest_of(session).history))


def test_an_unsent_offer_of_another_fee_is_looked_for_before_anything_is_planned() -> None:
    session = session_of(folded(), fee=Fee(9000, "aud"))
    assert step(session) == Look(attempt())


def test_an_older_attempt_that_turns_up_open_is_closed_before_the_newest_is_offered() -> None:
    session = session_of(folded(AttemptVoid("attempt-1"), checkout(OPEN, 1), checkout(OPEN, 2), count=2))
    assert step(session) == Close(of_attempt(guest_of(session).history, 1))
    closed = folded(checkout(EXPIRED, 1), history=guest_of(session).history)
    assert step(session_of(closed)) == GoTo("https://pay.example/2", "attempt-2")


STATES: list[Seen] = [
    *(checkout(state, number) for number in (1, 2, 3) for state in AttemptState if state is not AttemptState.PLANNED),
    *(AttemptVoid(f"attempt-{number}") for number in (1, 2, 3)),
    *(charge(number) for number in (1, 2, 3)),
]


@examples(150, 10_000)
@given(
    facts=st.lists(st.sampled_from(STATES), max_size=8),
    fee=st.sampled_from([FEE, Fee(9000, "aud")]),
    minutes=st.integers(0, 200),
    looked=st.frozensets(st.sampled_from(["attempt-1", "attempt-2", "attempt-3"])),
)
def test_nothing_is_planned_while_any_attempt_may_still_be_paid_and_only_the_newest_is_offered(
    facts: list[Seen], fee: Fee, minutes: int, looked: frozenset[str]
) -> None:
    history = folded(*facts, count=3)
    session = session_of(history, fee)
    found = next_step(session, guest_of(session), TEAM, noon(plus=minutes), looked=looked)
    live = [one for one in history.attempts if one.state in LIVE]
    if isinstance(found, PlanAnew):
        assert live == []
    if isinstance(found, GoTo | Send):
        assert [one.attempt_id for one in live] == ["attempt-3"]
        assert (live[0].amount, live[0].currency) == (fee.amount, fee.currency)


# --- the attempt that is planned ----------------------------------------------------------------------------------

TERMS = OfferTerms("attempt-7", livemode=True, basis_points=150, return_url="https://a.example/paid/token")
CONNECTED = replace(TEAM, accounts=(PayeeAccount("acct_1"), PayeeAccount("acct_2", is_default=False)))


RESTRICTED = PayeeAccount("acct_1", charges_enabled=False, is_default=False)
ON_RESTRICTED = replace(
    folded(checkout(AttemptState.OPEN)),
    attempts=(
        attempt(
            state=AttemptState.OPEN, stripe_account_id="acct_1", checkout_session_id="cs_1", url="https://pay.example/1"
        ),
    ),
)


def test_an_offer_on_an_account_that_is_restricted_is_closed_where_another_can_be_paid_on() -> None:
    team = replace(TEAM, accounts=(RESTRICTED, PayeeAccount("acct_2")))
    assert step(session_of(ON_RESTRICTED), team=team) == Close(ON_RESTRICTED.attempts[0])


@pytest.mark.parametrize(
    "accounts",
    [
        (replace(RESTRICTED, charges_enabled=True), PayeeAccount("acct_2")),
        (replace(RESTRICTED, charges_enabled=True, is_default=True),),
        (PayeeAccount("acct_2"),),
    ],
    ids=["it can charge", "it is the one", "it is not the team's any more"],
)
def test_else_the_client_goes_on_where_they_began(accounts: tuple[PayeeAccount, ...]) -> None:
    assert isinstance(step(session_of(ON_RESTRICTED), team=replace(TEAM, accounts=accounts)), GoTo)


def planned(session: Session | None = None, team: Team = TEAM, now: datetime = NOON) -> Attempt:
    session = session or session_of()
    return plan(session, guest_of(session), team, now, TERMS)


def test_the_attempt_holds_every_parameter_that_is_sent() -> None:
    assert planned() == Attempt(
        attempt_id="attempt-7",
        made_at=NOON,
        amount=8000,
        currency="aud",
        stripe_account_id=None,
        livemode=True,
        application_fee=0,
        expires_at=END,
        state=AttemptState.PLANNED,
        order=CheckoutOrder(
            product_name="Appointment with Riverside Clinic",
            success_url="https://a.example/paid/token",
            cancel_url="https://a.example/paid/token",
            payment_method_types=("card",),
            metadata=(
                ("anteroom_team", "team-1"),
                ("anteroom_participant", "0197b3c4-d5e6-7788-99aa-bbccddeeff02"),
                ("anteroom_attempt", "attempt-7"),
            ),
        ),
    )


def test_the_same_request_plans_the_same_bytes() -> None:
    assert planned() == planned()


def test_nothing_personal_is_in_what_is_sent() -> None:
    secretive = session_of(name="Therapy of Mary Smith", guest_email="mary@example.com", guest_phone="+61 1")
    assert planned(secretive) == planned()


def test_the_platform_takes_no_fee_on_the_deployments_own_account() -> None:
    assert planned().application_fee == 0


def test_the_platform_takes_its_share_on_connected_accounts() -> None:
    one = planned(team=CONNECTED)
    assert (one.stripe_account_id, one.application_fee) == ("acct_1", 120)
    other = planned(session_of(fee=replace(FEE, payee="acct_2")), CONNECTED)
    assert (other.stripe_account_id, other.application_fee) == ("acct_2", 120)


def test_a_payee_that_is_connected_no_more_keeps_the_money_from_another_account() -> None:
    assert planned(session_of(fee=replace(FEE, payee="acct_gone")), CONNECTED).stripe_account_id == "acct_gone"


def test_only_a_fee_can_be_offered() -> None:
    with pytest.raises(ValueError, match="only a fee can be offered"):
        planned(session_of(fee=None))


@pytest.mark.parametrize(
    "minutes", [1, 29, 30, 31, 34, 35, 36, 37, 60, 23 * 60 + 54, 23 * 60 + 55, 23 * 60 + 56, 99_999]
)
def test_the_offer_ends_with_the_window_but_in_35_minutes_at_the_earliest_and_23_h_55_at_the_latest(
    minutes: int,
) -> None:
    clamped = {1: 35, 29: 35, 30: 35, 31: 35, 34: 35, 23 * 60 + 56: 23 * 60 + 55, 99_999: 23 * 60 + 55}
    assert expires_at(noon(plus=minutes), NOON) == noon(plus=clamped.get(minutes, minutes))


@examples(50, 500)
@given(st.integers(-60, 10**6), st.integers(0, 999_999))
def test_stripe_takes_every_expiry_that_is_planned(seconds: int, microseconds: int) -> None:
    now = NOON + timedelta(microseconds=microseconds)
    ends = expires_at(NOON + timedelta(seconds=seconds), now)
    assert ends.microsecond == 0
    assert now + 34 * MINUTE < ends <= now + 24 * HOUR - 5 * MINUTE


@pytest.mark.parametrize(
    ("starts", "methods"),
    [
        (NOON, ("card",)),
        (datetime(2026, 3, 9, 12, tzinfo=NOON.tzinfo), ("card",)),  # Monday to Monday: five business days
        (datetime(2026, 3, 9, 23, 59, tzinfo=NOON.tzinfo), ("card",)),
        (datetime(2026, 3, 10, 0, 0, tzinfo=NOON.tzinfo), ("card", "au_becs_debit")),
        (datetime(2026, 6, 1, 12, tzinfo=NOON.tzinfo), ("card", "au_becs_debit")),
    ],
)
def test_delayed_methods_are_offered_only_more_than_five_business_days_ahead(
    starts: datetime, methods: tuple[str, ...]
) -> None:
    session = session_of(start_time=starts, end_time=starts + HOUR)
    order = planned(session, replace(TEAM, delayed_methods=("au_becs_debit",))).order
    assert order is not None
    assert order.payment_method_types == methods


def test_days_of_the_weekend_do_not_count_as_business_days() -> None:
    friday = datetime(2026, 3, 6, 12, tzinfo=NOON.tzinfo)
    team = replace(TEAM, delayed_methods=("au_becs_debit",))
    for ahead, methods in [(7, 1), (9, 1), (10, 2)]:
        starts = friday + timedelta(days=ahead)
        order = planned(session_of(start_time=starts, end_time=starts + HOUR), team, friday).order
        assert order is not None
        assert len(order.payment_method_types) == methods
