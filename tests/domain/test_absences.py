"""Until when all that happened on an account is known, and what people are told while it is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.absences import (
    compared,
    is_beyond_events,
    known_until,
    unseen_of,
    unseen_on,
    unseen_since,
)
from chalicelib.domain.facts import NOTHING_YET
from chalicelib.domain.teams import PayeeAccount, Team
from tests.support.histories import NOON, attempt

HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
ACCOUNT = PayeeAccount("acct_1", connected_at=NOON, reconciled_until=NOON)
OWN = PayeeAccount(None, is_default=False, reconciled_until=NOON)
TEAM = Team("11111111-1111-4111-8111-111111111111", "Riverside Clinic", NOON, accounts=(ACCOUNT, OWN))


# --- since when -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "until"),
    [
        (None, NOON + 9 * DAY),
        (ACCOUNT, NOON),
        (replace(ACCOUNT, reconciled_until=NOON + HOUR, disconnected_at=NOON + DAY), NOON + HOUR),
        (replace(ACCOUNT, reconciled_until=None, disconnected_at=NOON + DAY), NOON + DAY),
        (replace(ACCOUNT, reconciled_until=None), NOON),
        (PayeeAccount("acct_1"), NOON + 9 * DAY),
    ],
    ids=["new", "its goodbye never came", "compared before it left", "left", "connected since", "nothing is kept"],
)
def test_of_an_account_connected_again_all_is_known_until_it_was_compared_or_left(
    known: PayeeAccount | None, until: datetime
) -> None:
    assert known_until(known, NOON + 9 * DAY) == until


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ({}, None),
        ({"connected_at": NOON + TICK}, NOON),
        ({"connected_at": NOON - TICK}, None),
        ({"connected_at": NOON + DAY, "disconnected_at": NOON + 2 * DAY}, None),
        ({"connected_at": NOON + DAY, "reconciled_until": None}, None),
        ({"connected_at": None}, None),
    ],
    ids=["as known as it is old", "connected later", "compared since", "gone again", "kept nowhere", "the own account"],
)
def test_what_is_not_known_is_what_came_before_it_was_connected_as_it_is(
    changes: dict[str, datetime | None], since: datetime | None
) -> None:
    assert unseen_since(replace(ACCOUNT, **changes)) == since  # type: ignore[arg-type] # times


# --- further and further ------------------------------------------------------------------------------------------


def until(team: Team) -> list[datetime | None]:
    return [one.reconciled_until for one in team.accounts]


@pytest.mark.parametrize(
    ("start", "end", "then"),
    [
        (NOON - DAY, NOON + HOUR, NOON + HOUR),
        (NOON, NOON + HOUR, NOON + HOUR),
        (NOON + TICK, NOON + HOUR, NOON),
        (NOON - DAY, NOON - TICK, NOON),
    ],
    ids=["from before", "from there", "from behind a gap", "what was known already"],
)
def test_it_is_known_as_far_as_it_was_compared_without_a_gap(start: datetime, end: datetime, then: datetime) -> None:
    assert until(compared(TEAM, "acct_1", start, end)) == [then, NOON]
    assert until(compared(TEAM, None, start, end)) == [NOON, then]


def test_the_first_time_anything_goes_and_of_no_account_of_the_team_nothing() -> None:
    before = replace(TEAM, accounts=(replace(ACCOUNT, reconciled_until=None),))
    assert until(compared(before, "acct_1", NOON + DAY, NOON + 2 * DAY)) == [NOON + 2 * DAY]
    assert compared(TEAM, "acct_2", NOON, NOON + DAY) == TEAM


def test_events_reach_back_thirty_days() -> None:
    assert not is_beyond_events(NOON, NOON + 30 * DAY)
    assert is_beyond_events(NOON, NOON + 30 * DAY + TICK)


# --- what people are told -----------------------------------------------------------------------------------------


TOLD = (
    "Not all that happened on Stripe account acct_1 since 2026-03-02 12:00 UTC is known yet, since it may not have "
    "been connected; the coming night looks it up."
)
BEYOND = (
    "Stripe lists no event that is older than 30 days, so a refund or dispute that began 180 days before and "
    "ended then may stay unknown: look for such in Stripe."
)


def test_it_is_told_with_what_cannot_be_seen_by_the_coming_night() -> None:
    assert unseen_on(ACCOUNT) is None
    assert unseen_on(replace(ACCOUNT, connected_at=NOON + 29 * DAY)) == TOLD
    assert unseen_on(replace(ACCOUNT, connected_at=NOON + 29 * DAY + TICK)) == f"{TOLD} {BEYOND}"


def test_it_is_told_of_who_was_offered_to_pay_there() -> None:
    team = replace(TEAM, accounts=(replace(ACCOUNT, connected_at=NOON + DAY), OWN))
    there = replace(NOTHING_YET, attempts=(attempt(stripe_account_id="acct_1"), attempt(2, stripe_account_id="acct_1")))
    elsewhere = replace(NOTHING_YET, attempts=(attempt(stripe_account_id=None), attempt(2, stripe_account_id="acct_9")))
    assert list(unseen_of(team, there)) == [TOLD]
    assert list(unseen_of(team, elsewhere)) == []
    assert list(unseen_of(TEAM, there)) == []
