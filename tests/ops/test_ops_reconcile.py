"""`reconcile` at the desk: what differs in sentences, what was mended, and an exit code for scripts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session
from chalicelib.domain.teams import PayeeAccount
from tests.ops.desk import Desk
from tests.support.seam import Io
from tests.support.world import NOON, TEAM_ID, World

FROM = ("reconcile", "--from", "2026-03-01")


@pytest.fixture
def session(world: World) -> Session:
    """Paid on the second of March at noon; nobody told us."""
    session = world.schedule(starts_in=timedelta(days=9))
    world.stripe.set_webhooks("drop")
    world.pay(session)
    world.clock.advance(hours=1)
    return session


def test_each_difference_is_a_sentence_with_its_place_and_the_exit_code_is_1(
    desk: Desk, world: World, session: Session
) -> None:
    charge = world.charges()[0]["id"]
    assert desk.run(*FROM) == 1
    where = f"participant 2 of session {session.session_id} of team {session.team_id}"
    assert desk.printed.splitlines() == [
        "our own account, from 2026-03-01T00:00:00Z to 2026-03-02T13:00:00Z",
        f"found   Charge {charge} of 80.00 AUD is not known here.  ({where})",
        "charges         1",
        "refunds         0",
        "disputes        0",
        "later changes   0",
        "other business  0",
        "differences     1",
        "mended          0",
        "left            1",
    ]
    assert desk.complained == "1 differences are left: --repair folds in what Stripe says\n"
    assert world.status(session) is PaymentStatus.UNPAID


def test_with_repair_it_is_mended_and_the_exit_code_is_0(desk: Desk, world: World, session: Session) -> None:
    assert desk.run(*FROM, "--repair") == 0
    assert len(desk.lines_with("mended  Charge")) == 1
    assert (desk.field("differences"), desk.field("left")) == ("1", "0")
    assert world.status(session) is PaymentStatus.PAID
    assert desk.run(*FROM) == 0
    assert desk.field("differences") == "0"


def test_who_had_a_ledger_row_written_again_is_in_the_audit(desk: Desk, world: World, session: Session) -> None:
    for kind in ("checkout.session.completed", "charge.succeeded"):
        world.settle(kind)
    world.sessions.books._ledger.clear()
    world.clock.advance(seconds=1)
    assert desk.run(*FROM, "--repair", "--by", "jo") == 0
    world.clock.advance(seconds=1)
    *_, last = world.audit.between(session.team_id, session.created_at, world.clock())
    assert [(one.what, one.who) for one in last.entries] == [("ledger_row_rewritten", "operator:jo")]


def test_what_cannot_be_mended_needs_a_person(desk: Desk, world: World, session: Session) -> None:
    world.sessions._items.clear()
    assert desk.run(*FROM, "--repair") == 1
    assert desk.complained == "1 differences are left: they need a person\n"


def test_names_are_never_said(desk: Desk, world: World, session: Session) -> None:
    desk.run(*FROM)
    assert "Mary" not in desk.printed
    assert "Riverside" not in desk.printed


@pytest.mark.parametrize(
    ("span", "charges"),
    [
        (("--from", "2026-03-02"), "1"),
        (("--from", "2026-03-02", "--to", "2026-03-02T12:00:00Z"), "0"),
        (("--from", "2026-03-02", "--to", "2026-03-02T12:00:01"), "1"),
        (("--from", "2026-03-02T13:00:00+01:00", "--to", "2026-04-06"), "1"),
        (("--from", "2026-03-02T12:00:01Z", "--to", "2026-03-03"), "0"),
    ],
)
def test_times_are_utc_and_the_end_is_left_out(
    desk: Desk, session: Session, span: tuple[str, ...], charges: str
) -> None:
    desk.run("reconcile", *span)
    assert desk.field("charges") == charges


@pytest.mark.parametrize(
    ("span", "why"),
    [
        (("--from", "2026-03-02", "--to", "2026-03-02"), "must be later than"),
        (("--from", "2026-03-09"), "must be later than"),
        (("--from", "2026-01-25", "--to", "2026-03-02"), "at most 35 days at once"),
    ],
)
def test_a_span_that_makes_no_sense_is_refused_before_stripe_is_asked(
    desk: Desk, world: World, span: tuple[str, ...], why: str
) -> None:
    with world.seam.counted() as spent:
        assert desk.run("reconcile", *span) == 2
        assert spent().stripe == 0
    assert why in desk.complained


def test_a_connected_account_is_compared_by_its_own_lists(desk: Desk, world: World, session: Session) -> None:
    account = world.stripe.create_account("Hill Street Clinic")
    assert desk.run(*FROM, "--account", account) == 0
    assert desk.printed.startswith(f"{account}, from ")
    assert desk.field("charges") == "0"


def test_a_thousand_objects_give_a_sign_of_life(desk: Desk, world: World, session: Session) -> None:
    """Nearly all of them the clinic's other business, put straight into Stripe's books."""
    books = world.stripe._world.platform
    [charge] = books.of_kind("charge")
    for number in range(930):
        books.add({**charge, "id": f"ch_other{number}", "metadata": {}})
    assert desk.run(*FROM, "--repair") == 0
    assert desk.lines_with("so far") == ["... 931 charges, 0 refunds, 0 disputes so far"]
    assert (desk.field("other business"), desk.field("left")) == ("930", "0")


def test_what_could_not_be_compared_is_said(desk: Desk, world: World, session: Session) -> None:
    def broken(io: Io) -> None:
        if io.name == "sessions.get":
            raise ZeroDivisionError

    with world.seam.armed(before=broken):
        assert desk.run(*FROM) == 1
    assert desk.complained.startswith("1 sessions or payments could not be compared")


def test_a_stripe_that_gives_no_list_is_exit_code_3(desk: Desk, world: World, session: Session) -> None:
    world.stripe.fail_next("timeout_before", 10, path_prefix="/v1/charges")
    assert desk.run(*FROM) == 3
    assert desk.complained == "Stripe did not answer well: status none\n"


def test_what_was_repaired_without_a_gap_is_known_and_what_was_only_looked_at_is_not(
    desk: Desk, world: World, session: Session
) -> None:
    """Who does not want to wait for the night has an account known again that was away."""
    account = PayeeAccount(None, reconciled_until=NOON - timedelta(days=1), connected_at=NOON)
    world.change_team(accounts=(account,))
    assert desk.run(*FROM) == 1
    assert world.teams.newest(TEAM_ID).accounts == (account,)
    assert desk.run("reconcile", "--from", "2026-03-02", "--repair") == 0
    assert world.teams.newest(TEAM_ID).accounts == (account,)
    assert desk.run(*FROM, "--repair") == 0
    assert world.teams.newest(TEAM_ID).accounts == (replace(account, reconciled_until=world.clock()),)


def test_where_events_do_not_reach_a_repair_leaves_it_to_the_night(desk: Desk, world: World) -> None:
    account = PayeeAccount(None, reconciled_until=NOON, connected_at=NOON + timedelta(days=30))
    world.change_team(accounts=(account,))
    world.clock.advance(days=30, seconds=1)
    assert desk.run("reconcile", "--from", "2026-03-02T12:00:00Z", "--repair") == 0
    assert world.teams.newest(TEAM_ID).accounts == (account,)
    world.clock.advance(seconds=-1)
    assert desk.run("reconcile", "--from", "2026-03-02T12:00:00Z", "--repair") == 0
    assert world.teams.newest(TEAM_ID).accounts == (replace(account, reconciled_until=world.clock()),)
