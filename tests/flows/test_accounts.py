"""What Stripe says of accounts is kept, whatever order it is told in; and an account is one team's at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.books import AuditEntry
from chalicelib.domain.erasure import tombstone
from chalicelib.domain.teams import ChargeBar
from chalicelib.flows.accounts import (
    ConnectedElsewhereError,
    UnknownStripeAccountError,
    claim,
    deauthorized,
    refresh,
    release,
)
from chalicelib.flows.change import ContendedError
from chalicelib.flows.nightly import NIGHTLY_SECONDS, Night, reconcile_nightly
from chalicelib.flows.settle import Settled
from chalicelib.gateways.stripe_api import AccountGoneError
from chalicelib.storage.stores import StripeAccount
from tests.support.platform import Platform
from tests.support.seam import Io
from tests.support.world import OTHER_TEAM_ID, TEAM_ID, World


@pytest.fixture
def world() -> Platform:
    return Platform()


def audited(world: World, team_id: str = TEAM_ID) -> list[tuple[str, str]]:
    """What was decided about the team, and by whom."""
    now = world.clock()
    rows = world.audit.between(team_id, now - timedelta(days=9), now + timedelta(days=1))
    return [(entry.what, entry.who) for row in rows for entry in row.entries if row.session_id is None]


# --- account.updated ----------------------------------------------------------------------------------------------


def test_an_account_that_stripe_restricts_charges_nobody_and_the_clinic_is_told_why(world: Platform) -> None:
    world.stripe.set_charges_enabled(world.account, enabled=False)
    assert world.settle("account.updated") is Settled.KEPT
    account = world.newest().account(world.account)
    assert account is not None
    assert (account.charges_enabled, account.disabled_reason) == (False, "requirements.past_due")
    assert world.newest().charge_bar() is ChargeBar.RESTRICTED
    assert audited(world) == [("charges_disabled", "stripe")]


def test_what_an_event_says_is_asked_again_so_that_any_order_ends_the_same(world: Platform) -> None:
    world.stripe.set_webhooks("hold")
    world.stripe.set_charges_enabled(world.account, enabled=False)
    disabled = world.event("account.updated")
    world.stripe.set_charges_enabled(world.account, enabled=True)
    enabled = world.event("account.updated")
    assert disabled.event_id != enabled.event_id
    for event in (enabled, disabled, enabled, disabled):
        assert world.settle_event(event) is Settled.KNOWN
    assert world.newest().can_charge()


def test_what_the_older_of_two_read_does_not_stand_over_what_the_newer_kept(world: Platform) -> None:
    """One reads "restricted" and stalls; meanwhile the account is let go on, and the other finds nothing new."""
    world.stripe.set_webhooks("hold")
    world.stripe.set_charges_enabled(world.account, enabled=False)
    stalled = iter([True])

    def stall(io: Io) -> None:
        if io.name == "teams.save" and next(stalled, False):
            world.stripe.set_charges_enabled(world.account, enabled=True)
            assert refresh(world.ctx, world.account) is False

    with world.seam.armed(before=stall):
        assert refresh(world.ctx, world.account) is True
    assert world.newest().can_charge()


def test_an_account_that_changes_as_fast_as_it_is_kept_is_left_to_the_next_delivery(world: Platform) -> None:
    able = [False]

    def change(io: Io) -> None:
        if io.name.startswith("GET /v1/accounts/"):
            world.stripe.set_charges_enabled(world.account, enabled=able[0])
            able[0] = not able[0]

    world.stripe.set_webhooks("drop")
    with world.seam.armed(before=change), pytest.raises(ContendedError, match=TEAM_ID):
        refresh(world.ctx, world.account)


def test_what_was_restricted_and_is_not_any_more_can_be_paid_to(world: Platform) -> None:
    for enabled in (False, True):
        world.stripe.set_charges_enabled(world.account, enabled=enabled)
        world.deliver()
        assert world.newest().can_charge() is enabled


def test_it_costs_the_account_its_team_and_one_question(world: Platform) -> None:
    world.stripe.set_charges_enabled(world.account, enabled=False)
    with world.seam.counted() as spent:
        world.settle("account.updated")
    assert (spent().reads, spent().stripe, spent().writes) == (4, 2, 1)
    with world.seam.counted() as spent:
        world.settle("account.updated")
    assert (spent().reads, spent().stripe, spent().writes) == (3, 1, 0)


def test_the_deployments_own_account_is_told_to_every_team_on_it() -> None:
    world = World()
    world.stripe.set_charges_enabled(world.stripe.account_id, enabled=False)
    assert world.settle("account.updated") is Settled.KEPT
    for team_id in (TEAM_ID, OTHER_TEAM_ID):
        assert world.teams.get(team_id).charge_bar() is ChargeBar.RESTRICTED
        assert audited(world, team_id) == [("charges_disabled", "stripe")]
    assert world.settle("account.updated") is Settled.KNOWN


def test_a_connected_account_says_nothing_of_the_deployments_own_nor_it_of_theirs(world: Platform) -> None:
    world.stripe.set_charges_enabled(world.stripe.account_id, enabled=False)
    world.deliver()
    assert world.newest().can_charge()
    assert world.newest(world.other_team).charge_bar() is ChargeBar.RESTRICTED


def test_an_account_that_nobody_connected_is_ignored(world: Platform) -> None:
    stranger = world.stripe.create_account()
    world.stripe.set_charges_enabled(stranger, enabled=False)
    with world.seam.counted() as spent:
        assert world.settle("account.updated") is Settled.UNKNOWN_ACCOUNT
    assert (spent().reads, spent().writes, spent().stripe) == (1, 0, 0)
    with pytest.raises(UnknownStripeAccountError):
        deauthorized(world.ctx, stranger, world.clock())


def test_an_account_whose_team_is_not_here_is_ignored_too(world: Platform) -> None:
    world.stripe_accounts.save(None, StripeAccount("acct_lost", "team-x", livemode=False, connected_at=world.clock()))
    with pytest.raises(UnknownStripeAccountError):
        refresh(world.ctx, "acct_lost")


@pytest.mark.parametrize("kind", ["account.updated", "account.application.deauthorized"])
def test_an_account_of_a_team_that_was_deleted_is_ignored(world: Platform, kind: str) -> None:
    if kind == "account.updated":
        world.stripe.set_charges_enabled(world.account, enabled=False)
    else:
        world.stripe.deauthorize(world.account)
    deleted = tombstone(world.team, world.clock())
    world.teams.save(world.team, deleted)
    assert world.settle(kind) is Settled.UNKNOWN_ACCOUNT
    assert world.newest() == deleted


def test_an_update_that_comes_after_the_goodbye_is_answered_and_left(world: Platform) -> None:
    world.stripe.set_webhooks("hold")
    world.stripe.set_charges_enabled(world.account, enabled=False)
    updated = world.event("account.updated")
    world.stripe.deauthorize(world.account)
    assert world.settle_event(updated) is Settled.OUT_OF_REACH
    with pytest.raises(AccountGoneError):
        refresh(world.ctx, world.account)


def test_events_of_the_other_mode_are_ignored(world: Platform) -> None:
    world.stripe.deauthorize(world.account)
    event = replace(world.event("account.application.deauthorized"), livemode=True)
    assert world.settle_event(event) is Settled.OTHER_MODE
    assert world.newest().can_charge()


# --- every night --------------------------------------------------------------------------------------------------


def test_a_lost_update_is_learnt_at_night(world: Platform, caplog: pytest.LogCaptureFixture) -> None:
    world.stripe.set_webhooks("drop")
    world.stripe.set_charges_enabled(world.account, enabled=False)
    assert reconcile_nightly(world.context.within(NIGHTLY_SECONDS)) == Night(accounts=2)
    assert world.newest().charge_bar() is ChargeBar.RESTRICTED
    changed = [getattr(one, "account", None) for one in caplog.records if one.message == "account_changed"]
    assert sorted(map(str, changed)) == [world.account, "own"]


def test_an_account_that_is_gone_is_not_asked_at_night(world: Platform) -> None:
    world.stripe.deauthorize(world.account)
    world.deliver()
    assert reconcile_nightly(world.context.within(NIGHTLY_SECONDS)) == Night(accounts=1)


def test_an_account_that_cannot_be_read_holds_up_nothing(world: Platform, caplog: pytest.LogCaptureFixture) -> None:
    world.stripe.fail_next("500", 6, path_prefix="/v1/account")
    assert reconcile_nightly(world.context.within(NIGHTLY_SECONDS)) == Night(accounts=2)
    assert caplog.messages.count("account_not_read") == 2


# --- whose it is --------------------------------------------------------------------------------------------------


def kept(world: Platform) -> StripeAccount | None:
    return world.stripe_accounts.find(world.account)


def test_an_account_is_one_teams_until_it_is_released(world: Platform) -> None:
    with pytest.raises(ConnectedElsewhereError):
        claim(world.ctx, world.account, OTHER_TEAM_ID)
    release(world.ctx, world.account, TEAM_ID, world.clock())
    world.clock.advance(minutes=1)
    claim(world.ctx, world.account, OTHER_TEAM_ID)
    assert kept(world) == StripeAccount(world.account, OTHER_TEAM_ID, livemode=False, connected_at=world.clock())


def test_a_team_may_claim_again_what_is_its_own(world: Platform) -> None:
    world.clock.advance(minutes=1)
    claim(world.ctx, world.account, TEAM_ID)
    assert kept(world) == StripeAccount(world.account, TEAM_ID, livemode=False, connected_at=world.clock())


def test_what_a_deleted_team_claimed_and_never_kept_holds_up_nobody(world: Platform) -> None:
    account = world.stripe.create_account()
    claim(world.ctx, account, TEAM_ID)
    world.teams.save(world.team, tombstone(world.team, world.clock()))
    claim(world.ctx, account, OTHER_TEAM_ID)
    known = world.stripe_accounts.find(account)
    assert known is not None
    assert known.team_id == OTHER_TEAM_ID


def test_of_two_teams_that_claim_it_at_once_one_has_it(world: Platform) -> None:
    account = world.stripe.create_account()
    others = iter([OTHER_TEAM_ID])

    def interrupt(io: Io) -> None:
        if io.name == "stripe_accounts.save" and (team_id := next(others, None)):
            claim(world.ctx, account, team_id)

    with world.seam.armed(before=interrupt), pytest.raises(ConnectedElsewhereError):
        claim(world.ctx, account, TEAM_ID)
    known = world.stripe_accounts.find(account)
    assert known is not None
    assert known.team_id == OTHER_TEAM_ID


def test_among_too_many_that_claim_it_nobody_is_told_that_it_is_theirs(world: Platform) -> None:
    def interrupt(io: Io) -> None:
        if io.name == "stripe_accounts.save":
            known = kept(world)
            assert known is not None
            world.clock.advance(seconds=1)
            world.stripe_accounts.save(known, replace(known, connected_at=world.clock()))

    with world.seam.armed(before=interrupt), pytest.raises(ContendedError):
        claim(world.context, world.account, TEAM_ID)


@pytest.mark.parametrize("team_id", [OTHER_TEAM_ID, "nobody"])
def test_nobody_else_releases_it(world: Platform, team_id: str) -> None:
    before = kept(world)
    release(world.ctx, world.account, team_id, world.clock())
    assert kept(world) == before


def test_what_is_unknown_or_released_is_released_silently(world: Platform) -> None:
    release(world.ctx, "acct_unknown", TEAM_ID, world.clock())
    release(world.ctx, world.account, TEAM_ID, world.clock())
    before = kept(world)
    world.clock.advance(minutes=1)
    release(world.ctx, world.account, TEAM_ID, world.clock())
    assert kept(world) == before


def test_a_late_goodbye_neither_ends_nor_releases_a_newer_connection(world: Platform) -> None:
    world.stripe.set_webhooks("hold")
    world.stripe.deauthorize(world.account)
    goodbye = world.event("account.application.deauthorized")
    world.clock.advance(days=2)
    world.stripe.authorize(world.account)
    world.team = world.connect(world.newest(), world.account)
    assert world.settle_event(goodbye) is Settled.KNOWN
    assert world.newest().can_charge()
    known = kept(world)
    assert known is not None
    assert known.released_at is None


def test_who_dies_between_the_team_and_the_release_is_finished_by_the_event_again(world: Platform) -> None:
    world.stripe.deauthorize(world.account)
    event = world.event("account.application.deauthorized")

    def die(io: Io) -> None:
        if io.name == "stripe_accounts.save":
            raise RuntimeError

    with world.seam.armed(before=die), pytest.raises(RuntimeError):
        world.settle_event(event)
    assert world.newest().charge_bar() is ChargeBar.DISCONNECTED
    world.clock.advance(hours=1)
    assert world.settle_event(event) is Settled.KNOWN
    known = kept(world)
    assert known is not None
    assert known.released_at is not None
    assert audited(world) == [("account_disconnected", "stripe")]


def test_an_event_that_does_not_say_when_it_happened_happened_now(world: Platform) -> None:
    world.stripe.deauthorize(world.account)
    world.clock.advance(minutes=5)
    world.settle_event(replace(world.event("account.application.deauthorized"), created_at=None))
    account = world.newest().account(world.account)
    assert account is not None
    assert account.disconnected_at == world.clock()
    assert AuditEntry("account_disconnected", "stripe", about=world.account) in [
        entry
        for row in world.audit.between(TEAM_ID, world.clock() - timedelta(days=1), world.clock() + timedelta(days=1))
        for entry in row.entries
    ]
