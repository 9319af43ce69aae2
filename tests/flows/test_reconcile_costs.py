"""What a reconciliation costs, counted at the stores and once more on DynamoDB's wire; it repairs there, too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.flows.nightly import NIGHTLY_SECONDS, Night, reconcile_nightly
from chalicelib.storage.tables import LedgerItem
from tests.storage.wire import mocked_dynamodb, tables_on_a_wire
from tests.support.metered import MeteredDynamoWorld, MeteredWorld
from tests.support.reconciling import reconciled
from tests.support.seam import Spent

LISTS = 4
"""Charges, refunds, disputes, events: one call each, and one more for each further hundred."""

TEAMS = 1
"""One scan, for whose ledgers are compared."""

LEDGERS = 2
"""One query for each team on the account."""


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[None]:
    with mocked_dynamodb():
        yield


@pytest.fixture(params=["in memory", "on DynamoDB's wire"])
def world(request: pytest.FixtureRequest) -> Iterator[MeteredWorld]:
    if request.param == "in memory":
        yield MeteredWorld()
        return
    request.getfixturevalue("dynamodb")
    with tables_on_a_wire() as wire:
        yield MeteredDynamoWorld(wire)


@pytest.fixture
def session(world: MeteredWorld) -> Session:
    world.stripe.set_webhooks("drop")
    session = world.schedule(starts_in=timedelta(days=9))
    world.pay(session)
    return session


def told(world: MeteredWorld) -> None:
    for kind in ("checkout.session.completed", "charge.succeeded"):
        world.settle(kind)
    world.clock.advance(seconds=1)


def test_where_all_is_well_one_read_for_each_session_and_no_write(world: MeteredWorld, session: Session) -> None:
    told(world)
    with world.metered() as spent:
        assert reconciled(world).tally.is_clean
        assert spent() == Spent(reads=1, stripe=LISTS, queries=LEDGERS + TEAMS)


def test_a_lost_payment_costs_one_write_and_its_checkout_session(world: MeteredWorld, session: Session) -> None:
    world.clock.advance(seconds=1)
    with world.metered() as spent:
        assert reconciled(world, repairs=True).tally.mended == 1
        assert spent() == Spent(reads=1, writes=1, stripe=LISTS + 1, queries=LEDGERS + TEAMS)
    assert world.status(session) is PaymentStatus.PAID


def test_a_changed_refund_of_an_older_payment_costs_one_retrieve(world: MeteredWorld, session: Session) -> None:
    told(world)
    refund = world.stripe.refund_in_dashboard(world.charges()[0]["id"], 3000)
    world.settle("refund.created")
    world.clock.advance(days=9)
    world.stripe.fail_refund(refund)
    world.settle("refund.failed")
    world.clock.advance(seconds=1)
    with world.metered() as spent:
        assert reconciled(world).sentences == []
        assert spent() == Spent(reads=1, stripe=LISTS + 1, queries=LEDGERS + TEAMS)


def test_a_ledger_row_that_is_gone_is_written_again_with_its_session(world: MeteredWorld, session: Session) -> None:
    told(world)
    span = (session.team_id, session.created_at, world.clock())
    [row] = world.context.ledger.between(*span)
    if isinstance(world, MeteredDynamoWorld):
        for item in LedgerItem.query(session.team_id):
            item.delete()
    else:
        world.sessions.books._ledger.clear()
    assert list(world.context.ledger.between(*span)) == []
    facts = world.participant(session).history
    with world.metered() as spent:
        assert reconciled(world, repairs=True).kinds == ["row_missing"]
        # The row is read by itself, since it may be newer than the ledger as it was read; written; and read once more.
        assert spent() == Spent(reads=1, writes=1, stripe=LISTS, queries=LEDGERS + TEAMS + 2)
    assert list(world.context.ledger.between(*span)) == [row]
    assert world.participant(session).history == facts


# --- by night -----------------------------------------------------------------------------------------------------


@pytest.fixture
def known(world: MeteredWorld) -> None:
    """The clinics have been compared, an hour ago."""
    night(world)
    world.clock.advance(hours=1)


def night(world: MeteredWorld) -> Night:
    return reconcile_nightly(world.context.within(NIGHTLY_SECONDS))


def kept(world: MeteredWorld) -> int:
    """Reads for writing how far it has come, with both teams: DynamoDB's store looks at the item it replaces."""
    return 4 if isinstance(world, MeteredDynamoWorld) else 2


@pytest.mark.usefixtures("known")
def test_a_night_keeps_with_each_team_how_far_it_has_come(world: MeteredWorld) -> None:
    """Beside the lists each team's account is asked about."""
    with world.metered() as spent:
        assert night(world) == Night(accounts=1)
        assert spent() == Spent(reads=2 + kept(world), writes=2, stripe=LISTS + 2, queries=LEDGERS + 2 * TEAMS)


@pytest.mark.usefixtures("known")
def test_what_no_night_has_compared_costs_as_much_again_for_each_three_days(world: MeteredWorld) -> None:
    world.clock.advance(days=11)
    with world.metered() as spent:
        assert night(world) == Night(accounts=1)
        pieces = 3
        assert spent() == Spent(
            reads=2 + (1 + pieces) * kept(world),
            writes=2 + 2 * pieces,
            stripe=2 + (1 + pieces) * LISTS,
            queries=TEAMS + (1 + pieces) * (LEDGERS + TEAMS),
        )


@pytest.mark.usefixtures("known")
def test_beyond_the_events_refunds_and_disputes_of_half_a_year_are_two_lists_more(world: MeteredWorld) -> None:
    world.clock.advance(days=33)
    with world.metered() as spent:
        assert night(world) == Night(accounts=1)
        assert spent().stripe == LISTS + 2 + 2 + 11 * LISTS
