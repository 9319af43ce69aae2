"""Disconnecting an account: not while money on it would be out of reach, unless forced; and it can die anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from chalicelib.domain.accounts import disconnected
from chalicelib.domain.admission import Admission, Door
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.leaving import Held, Hold
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import InvalidSessionError, Session
from chalicelib.domain.teams import ChargeBar, Team
from chalicelib.flows.accounts import claim
from chalicelib.flows.disconnect import (
    LOOKS_BACK_FOR,
    MOST_TOLD,
    MoneyHeldError,
    NotOursToDisconnectError,
    TooManySessionsError,
    disconnect,
)
from chalicelib.flows.edit_session import cancel_session
from chalicelib.gateways.stripe_api import StripeError
from chalicelib.storage.stores import NotFoundError
from tests.support.crashes import ProcessDied
from tests.support.platform import Platform, platform_settings
from tests.support.seam import Io, Kind
from tests.support.world import OTHER_TEAM_ID, TEAM_ID, World, checkout_id

DAY = timedelta(days=1)


@pytest.fixture
def world() -> Platform:
    return Platform()


def leave(world: World, account: str | None = None, *, force: bool = False) -> Team:
    return disconnect(world.ctx, TEAM_ID, account, force=force)


def is_gone(world: Platform) -> bool:
    """Here, at Stripe, and for others to take."""
    claim = world.stripe_accounts.find(world.account)
    here = world.newest().charge_bar() is ChargeBar.DISCONNECTED
    return here and not world.books_of(world.account)["authorized"] and bool(claim and claim.released_at)


def paid(world: Platform, starts_in: timedelta = DAY) -> Session:
    session = world.schedule(starts_in=starts_in)
    world.pay(session)
    world.deliver()
    return session


def held(world: Platform) -> tuple[Held, ...]:
    with pytest.raises(MoneyHeldError) as raised:
        leave(world)
    assert world.newest().can_charge()
    assert world.books_of(world.account)["authorized"]
    return raised.value.held


def test_an_account_without_money_on_it_is_left_here_and_at_stripe(world: Platform) -> None:
    team = leave(world)
    assert team.charge_bar() is ChargeBar.DISCONNECTED
    assert is_gone(world)


def test_what_stripe_tells_of_it_afterwards_is_known(world: Platform) -> None:
    leave(world)
    before = world.newest()
    assert world.deliver() == 1
    assert world.newest() == before


def test_leaving_again_is_silent(world: Platform) -> None:
    first = leave(world)
    world.clock.advance(minutes=1)
    assert leave(world, world.account) == first
    assert is_gone(world)


def test_a_payment_of_what_is_to_come_is_named_and_nothing_changes(world: Platform) -> None:
    session = paid(world)
    assert held(world) == (Held(session.participant_id(2), Hold.PAID_AND_TO_COME),)


def test_an_open_page_is_named(world: Platform) -> None:
    session = world.schedule(starts_in=DAY)
    world.press_pay(session)
    assert held(world) == (Held(session.participant_id(2), Hold.OFFER_OPEN),)


def test_ten_are_named_and_no_more(world: Platform) -> None:
    for _ in range(MOST_TOLD + 2):
        world.press_pay(world.schedule(starts_in=DAY))
    assert len(held(world)) == MOST_TOLD == 10


def test_of_another_account_nothing_is_in_the_way(world: Platform) -> None:
    paid(world)
    second = world.stripe.create_account()
    world.team = world.connect(world.newest(), second)
    team = leave(world, second)
    assert team.can_charge()
    assert not team.can_charge(second)
    assert not world.books_of(second)["authorized"]
    assert world.books_of(world.account)["authorized"]


def test_what_is_long_over_is_not_looked_through(world: Platform) -> None:
    session = paid(world, starts_in=timedelta(0))
    world.stripe.dispute(world.books_of(world.account)["charges"][0]["id"])
    world.deliver()
    world.clock.set(session.start_time + LOOKS_BACK_FOR)
    assert [one.hold for one in held(world)] == [Hold.DISPUTE_OPEN]
    world.clock.advance(seconds=1)
    leave(world)
    assert is_gone(world)


def test_an_item_that_cannot_be_read_is_in_nobodys_way(world: Platform) -> None:
    world.sessions.unreadable(TEAM_ID, "0197b3c4-d5e6-7788-99aa-bbccddeeff00", world.clock())
    leave(world)
    assert is_gone(world)


def test_among_too_many_sessions_it_says_so_before_anything_is_done(world: Platform) -> None:
    world.schedule(starts_in=DAY)

    def slow(io: Io) -> None:
        if io.name == "teams.newest":
            world.clock.advance(seconds=18)

    with world.seam.armed(before=slow), pytest.raises(TooManySessionsError):
        leave(world)
    assert world.newest().can_charge()


# --- forced -------------------------------------------------------------------------------------------------------


def test_forced_it_closes_open_pages_first(world: Platform) -> None:
    session = world.schedule(starts_in=DAY)
    world.press_pay(session)
    leave(world, force=True)
    assert is_gone(world)
    assert [one["status"] for one in world.books_of(world.account)["checkout_sessions"]] == ["expired"]
    assert world.attempt_states(session) == [AttemptState.EXPIRED]
    assert world.attention(session) is None


def test_forced_beside_a_client_who_pays_the_payment_is_learnt(world: Platform) -> None:
    session = world.schedule(starts_in=DAY)
    page = checkout_id(world.pay_page(session).url)
    world.stripe.pay(page)
    leave(world, force=True)
    assert world.status(session) is PaymentStatus.PAID
    assert world.open(session).admission.door is Door.EARLY


def test_forced_among_too_many_it_goes_on_all_the_same(world: Platform, caplog: pytest.LogCaptureFixture) -> None:
    session = world.schedule(starts_in=DAY)
    world.press_pay(session)

    def slow(io: Io) -> None:
        if io.name == "teams.save":
            world.clock.advance(seconds=18)

    with world.seam.armed(before=slow):
        leave(world, force=True)
    assert is_gone(world)
    assert "offers_left_open" in caplog.messages
    world.clock.advance(minutes=3)
    world.sweep()
    assert "is not connected any more" in str(world.attention(session))


def test_forced_the_door_is_closed_before_the_pages_are(world: Platform) -> None:
    session = world.schedule(starts_in=DAY)
    doors = []

    def look(io: Io) -> None:
        if io.name == "sessions.stretch":
            answered = world.press_pay(session)
            doors.append(answered.door if isinstance(answered, Admission) else None)

    with world.seam.armed(before=look):
        leave(world, force=True)
    assert doors == [Door.CANNOT_CHARGE]


# --- which --------------------------------------------------------------------------------------------------------


def test_of_several_one_must_be_named(world: Platform) -> None:
    second = world.stripe.create_account()
    world.team = world.connect(world.newest(), second)
    with pytest.raises(InvalidSessionError) as raised:
        leave(world)
    (problem,) = raised.value.problems
    assert problem.field == "account"
    assert world.account in problem.message
    assert second in problem.message


@pytest.mark.parametrize("account", ["acct_unknown", "own", "' OR 1"])
def test_an_account_that_the_team_has_not_is_not_found(world: Platform, account: str) -> None:
    with pytest.raises(NotFoundError):
        leave(world, account)


def test_a_team_with_none_has_none_to_leave(world: Platform) -> None:
    leave(world)
    with pytest.raises(NotFoundError):
        leave(world)


def test_the_deployments_own_account_is_nobodys_to_leave() -> None:
    with pytest.raises(NotOursToDisconnectError):
        leave(World())


# --- what goes wrong ----------------------------------------------------------------------------------------------


def test_stripe_does_not_answer_and_the_request_again_finishes_it(world: Platform) -> None:
    world.stripe.fail_next("timeout_before", 2, path_prefix="/oauth/deauthorize")
    with pytest.raises(StripeError):
        leave(world)
    assert world.newest().charge_bar() is ChargeBar.DISCONNECTED
    leave(world, world.account)
    assert is_gone(world)


def test_an_account_that_its_owner_took_away_meanwhile_is_left(world: Platform) -> None:
    world.stripe.deauthorize(world.account)
    leave(world)
    assert is_gone(world)


def test_it_can_die_at_every_step_and_the_request_again_finishes_it() -> None:
    deaths = 0
    while True:
        world, steps = Platform(), count()
        world.press_pay(world.schedule(starts_in=DAY))

        def die(io: Io, steps: Iterator[int] = steps, dies_at: int = deaths) -> None:
            if io.kind in {Kind.WRITE, Kind.STRIPE} and next(steps) == dies_at:
                raise ProcessDied

        try:
            with world.seam.armed(after=die):
                leave(world, force=True)
            break
        except ProcessDied:
            deaths += 1
            leave(world, world.account, force=True)
            assert is_gone(world)
    assert deaths >= 5


def test_without_oauth_it_is_left_here_alone_since_stripe_offers_no_other_way() -> None:
    world = Platform(platform_settings(stripe_client_id=None))
    leave(world)
    assert world.newest().charge_bar() is ChargeBar.DISCONNECTED
    assert world.books_of(world.account)["authorized"]


def test_a_team_that_changed_meanwhile_is_left_as_it_is_now(world: Platform) -> None:
    def rename(io: Io) -> None:
        if io.name == "sessions.stretch":
            before = world.newest()
            world.teams.save(before, replace(before, name="Newer"))

    with world.seam.armed(before=rename):
        leave(world)
    assert world.newest().name == "Newer"
    assert world.newest() == disconnected(world.newest(), world.account, world.clock())
    assert is_gone(world)


# --- whose access it is -------------------------------------------------------------------------------------------


def test_who_left_it_before_does_not_cut_off_who_has_it_now(world: Platform) -> None:
    leave(world)
    world.deliver()
    world.stripe.authorize(world.account)
    other = world.connect(world.teams.get(OTHER_TEAM_ID), world.account)
    for force in (False, True):
        disconnect(world.ctx, TEAM_ID, world.account, force=force)
    assert world.books_of(world.account)["authorized"]
    assert world.newest(other).can_charge()


def test_one_that_was_claimed_and_never_kept_can_be_left(world: Platform) -> None:
    account = world.stripe.create_account()
    claim(world.ctx, account, TEAM_ID)
    leave(world, account)
    known = world.stripe_accounts.find(account)
    assert known is not None
    assert known.released_at == world.clock()
    assert not world.books_of(account)["authorized"]
    assert world.newest().can_charge()


# --- offers that come in between, or do not close -----------------------------------------------------------------


def between(world: Platform, deed: Callable[[], object]) -> Callable[[Io], None]:
    """Do it as the door closes: after money was looked for, before offers are."""
    left = [deed]

    def before(io: Io) -> None:
        if io.name == "teams.save" and left:
            left.pop()()

    return before


def test_a_page_that_opens_meanwhile_is_closed(world: Platform) -> None:
    session = world.schedule(starts_in=DAY)
    with world.seam.armed(before=between(world, lambda: world.press_pay(session))):
        leave(world)
    assert is_gone(world)
    assert [one["status"] for one in world.books_of(world.account)["checkout_sessions"]] == ["expired"]
    assert world.attempt_states(session) == [AttemptState.EXPIRED]


def test_of_a_client_who_pays_meanwhile_the_money_can_still_be_given_back(world: Platform) -> None:
    session = world.schedule(starts_in=DAY)
    with world.seam.armed(before=between(world, lambda: world.pay(session))), pytest.raises(MoneyHeldError):
        leave(world)
    assert world.newest().charge_bar() is ChargeBar.DISCONNECTED
    assert world.books_of(world.account)["authorized"]
    cancel_session(world.ctx, TEAM_ID, session.session_id)
    assert [one["amount"] for one in world.books_of(world.account)["refunds"]] == [8000]
    leave(world, world.account)
    assert is_gone(world)


def test_forced_an_offer_whose_answer_was_lost_is_closed_too(world: Platform) -> None:
    session = world.schedule(starts_in=DAY)
    world.stripe.fail_next("timeout_after", 5, path_prefix="/v1/checkout")
    with pytest.raises(StripeError):
        world.press_pay(session)
    world.stripe.clear_faults()
    leave(world, force=True)
    assert is_gone(world)
    assert [one["status"] for one in world.books_of(world.account)["checkout_sessions"]] == ["expired"]


def test_forced_one_that_does_not_close_leaves_no_other_open(world: Platform, caplog: pytest.LogCaptureFixture) -> None:
    pages = [checkout_id(world.pay_page(world.schedule(starts_in=DAY)).url) for _ in range(3)]
    world.stripe.fail_next("500", 9, method="POST", path_prefix=f"/v1/checkout/sessions/{pages[1]}")
    leave(world, force=True)
    assert is_gone(world)
    states = {one["id"]: one["status"] for one in world.books_of(world.account)["checkout_sessions"]}
    assert [states[page] for page in pages] == ["expired", "open", "expired"]
    (record,) = [record for record in caplog.records if record.message == "offers_left_open"]
    assert vars(record)["left"] == 1


def test_unforced_one_that_does_not_close_keeps_the_access(world: Platform) -> None:
    session = world.schedule(starts_in=DAY)
    world.stripe.fail_next("500", 9, method="POST", path_prefix="/v1/checkout/sessions/")
    with world.seam.armed(before=between(world, lambda: world.press_pay(session))), pytest.raises(MoneyHeldError):
        leave(world)
    assert world.books_of(world.account)["authorized"]
    world.stripe.clear_faults()
    leave(world, world.account, force=True)
    assert is_gone(world)
