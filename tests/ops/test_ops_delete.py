"""A clinic is deleted only when nothing of it is to come or owed, after everything of it was exported, and whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from chalicelib.domain.facts import PaymentHistory
from chalicelib.domain.links import InvalidLinkError
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.flows.delete_team import survey
from chalicelib.flows.schedule import SuspendedError
from chalicelib.storage.stores import NotFoundError, StripeAccount
from tests.ops.desk import Desk
from tests.ops.test_ops_teams import token_status
from tests.support.leaving import PRIVATE, audited, delete, exported, kept_texts, leaving
from tests.support.seam import Io
from tests.support.world import NOON, OTHER_TEAM_ID, TEAM_ID, World, guest, host

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "export.jsonl"


# --- what forbids it ------------------------------------------------------------------------------------------------


def refused(desk: Desk, world: World, file: Path, *options: str) -> list[str]:
    """What it says, having changed nothing."""
    before, team = kept_texts(world), world.teams.get(TEAM_ID)
    assert delete(desk, file, *options) == 1
    assert (kept_texts(world), world.teams.get(TEAM_ID)) == (before, team)
    assert not file.exists()
    return desk.printed.splitlines()


def test_what_is_to_come_forbids_it_with_up_to_ten_ids(desk: Desk, world: World, file: Path) -> None:
    made = sorted(world.schedule(starts_in=HOUR).session_id for _ in range(12))
    world.schedule(starts_in=HOUR, team=world.other_team)
    lines = refused(desk, world, file, "--yes")
    why = "to come: wait for the end, or cancel with --cancel-sessions, which gives what was paid back"
    assert lines == [f"12 sessions are {why}", *(f"  {one}" for one in made[:10]), "  and 2 more"]
    assert desk.complained == "the team cannot be deleted yet; nothing was erased\n"


def test_what_is_under_way_is_waited_for_even_if_the_rest_is_cancelled(desk: Desk, world: World, file: Path) -> None:
    session = world.schedule(starts_in=-timedelta(minutes=5))
    lines = refused(desk, world, file, "--yes", "--cancel-sessions")
    assert lines == [
        "sessions cancelled: 0",
        "1 session is under way, and cannot be cancelled any more: wait for the end",
        f"  {session.session_id}",
    ]


def test_what_is_owed_forbids_it_until_the_sweep_has_seen_to_it(desk: Desk, world: World, file: Path) -> None:
    session = world.schedule(lasts=timedelta(minutes=20))
    page = world.pay_page(session)
    world.clock.advance(minutes=25)
    world.stripe.pay(page.url.rpartition("/")[2])
    world.deliver()
    lines = refused(desk, world, file, "--yes")
    assert lines[0].startswith("1 session is still owing something at Stripe: the sweep sees to it")
    world.sweep()
    world.deliver()
    assert delete(desk, file, "--yes") == 0, desk.printed


def test_a_refund_on_its_way_and_one_that_failed_forbid_it(desk: Desk, world: World, file: Path) -> None:
    session = world.schedule(lasts=timedelta(minutes=20))
    page = world.pay_page(session)
    world.clock.advance(minutes=25)
    world.stripe.set_refunds_pending(pending=True)
    world.stripe.pay(page.url.rpartition("/")[2])
    world.deliver()
    world.sweep()
    assert refused(desk, world, file, "--yes")[0].startswith("1 session is with a refund that its bank has not settled")
    refund_id = world.refunds()[0]["id"]
    world.stripe.fail_refund(refund_id)
    world.deliver()
    needs = refused(desk, world, file, "--yes")
    assert needs == [
        "1 session is in need of a person about money: python -m ops stuck list TEAM",
        f"  {session.session_id}",
    ]
    key = f"refund:{refund_id}"
    desk.run("stuck", "settle", TEAM_ID, session.participant_id(2), key, "--why", "in cash")
    assert delete(desk, file, "--yes") == 0, desk.printed


def test_what_nobody_can_judge_forbids_it(desk: Desk, world: World, file: Path) -> None:
    one, two = world.schedule(), world.schedule()
    world.clock.advance(hours=1)
    world.sessions.unreadable(TEAM_ID, one.session_id)
    world.sessions.written_by_newer_code(TEAM_ID, two.session_id)
    lines = refused(desk, world, file, "--yes")
    assert f"  {one.session_id}" in lines
    assert "1 session is kept and not to be read: nobody can tell what of it is owed" in lines
    assert "1 session is written by a newer version of the code: run that version" in lines


def test_without_yes_it_says_what_it_would_do_and_does_nothing(desk: Desk, world: World, file: Path) -> None:
    leaving(world)
    world.schedule(starts_in=HOUR)
    lines = refused(desk, world, file, "--cancel-sessions")
    assert lines == [
        "would cancel what is to come (1), and give back what was paid for it",
        "would suspend the team, and disable its API clients",
        f"would export everything to {file}",
        "would erase 3 sessions; 1 of them, with money, stay without what people wrote",
        "would keep ledger and audit for as long as they are kept, and remove the rest; this cannot be undone",
    ]
    assert desk.complained == "nothing was done; if you mean it, add --yes\n"


def test_a_file_that_is_there_is_no_export_of_this(desk: Desk, world: World, file: Path) -> None:
    file.write_text("mine")
    assert delete(desk, file, "--yes") == 1
    assert desk.complained == f"{file} exists already, and is not of this deletion. Name another file\n"
    world.change_team(suspended=True)
    assert delete(desk, file, "--yes") == 1
    assert "exists already and holds something else" in desk.complained
    assert file.read_text() == "mine"
    assert world.teams.get(TEAM_ID).deleted_at is None


# --- cancelled first --------------------------------------------------------------------------------------------------


def test_what_is_to_come_is_cancelled_first_and_paid_back_in_full(desk: Desk, world: World, file: Path) -> None:
    paid, offered = (world.schedule(starts_in=HOUR) for _ in range(2))
    world.pay(paid)
    world.pay_page(offered)
    world.deliver()
    assert delete(desk, file, "--yes", "--cancel-sessions") == 0, desk.printed
    assert desk.printed.startswith("sessions cancelled: 2\n")
    assert [one["amount"] for one in world.refunds()] == [8000]
    assert world.open_checkouts() == []
    rows = [row for row in exported(file) if row["kind"] == "audit"]
    canceled = [one for row in rows for one in row["entries"] if one["what"] == "canceled"]
    assert [one["who"] for one in canceled] == ["operator:pat", "operator:pat"]


def test_until_the_money_is_back_it_is_run_again(desk: Desk, world: World, file: Path) -> None:
    paid = world.schedule(starts_in=HOUR)
    world.pay(paid)
    world.deliver()
    world.stripe.fail_next("timeout_before", 9, path_prefix="/v1/refunds")
    assert delete(desk, file, "--yes", "--cancel-sessions") == 1
    lines = desk.printed.splitlines()
    assert lines[0] == "sessions cancelled: 1"
    assert lines[1].startswith("1 session is still owing something at Stripe")
    assert not world.teams.get(TEAM_ID).suspended
    world.stripe.clear_faults()
    world.clock.advance(minutes=2)
    world.sweep()
    assert delete(desk, file, "--yes", "--cancel-sessions") == 0, desk.printed
    assert [one["amount"] for one in world.refunds()] == [8000]


# --- deleted ----------------------------------------------------------------------------------------------------------


def test_nothing_that_people_wrote_is_left_and_the_books_are(desk: Desk, world: World, file: Path) -> None:
    free, paid = leaving(world)
    (account,) = world.teams.get(TEAM_ID).accounts
    (before,) = world.ledger.between(TEAM_ID, NOON, NOON + DAY)
    assert PRIVATE in kept_texts(world)
    assert delete(desk, file, "--yes") == 0, desk.printed + desk.complained
    assert PRIVATE not in kept_texts(world)
    assert world.teams.get(TEAM_ID) == Team(
        TEAM_ID,
        "",
        NOON,
        suspended=True,
        accounts=(PayeeAccount(account.stripe_account_id, disconnected_at=world.clock()),),
        deleted_at=world.clock(),
    )
    with pytest.raises(NotFoundError):
        world.session(free)
    assert world.session(paid).participants[1].history == paid_history(file)
    assert world.entries.of(TEAM_ID, paid.session_id) == []
    assert [one.team_id for one in world.api_clients.all()] == [OTHER_TEAM_ID]
    row = world.stripe_accounts.find(str(account.stripe_account_id))
    assert row is not None
    assert row.released_at == world.clock()
    assert list(world.ledger.between(TEAM_ID, NOON, NOON + DAY)) == [before]
    assert sorted(audited(world)) == [
        ("account_disconnected", "operator:pat"),
        ("deleted", "operator:pat"),
        ("suspended", "operator:pat"),
    ]
    kinds = [one["kind"] for one in exported(file)]
    assert (kinds.count("session"), kinds.count("entry"), kinds[-1]) == (2, 1, "end")


def paid_history(file: Path) -> PaymentHistory:
    """As it was exported."""
    sessions = [one for one in exported(file) if one["kind"] == "session"]
    return msgspec.convert(sessions[1]["participants"][1]["history"], PaymentHistory)


def test_it_says_what_was_done_and_what_ends_by_itself(desk: Desk, world: World, file: Path) -> None:
    leaving(world)
    assert delete(desk, file, "--yes") == 0
    assert desk.printed.splitlines()[:2] == [
        "The team is suspended, and its API clients are disabled.",
        "Waiting 90 s, until no running function takes anything from them any more.",
    ]
    assert "removed: 1 API clients, 1 entries; Stripe accounts released: 1" in desk.printed
    assert "sessions removed: 1; sessions with money, kept without what people wrote: 1" in desk.printed
    assert "Idempotency records end by themselves" in desk.printed


def test_the_other_clinic_is_not_touched(desk: Desk, world: World, file: Path) -> None:
    leaving(world)
    mine = world.teams.get(OTHER_TEAM_ID), survey(world.ctx, OTHER_TEAM_ID).sessions
    assert delete(desk, file, "--yes") == 0
    assert (world.teams.get(OTHER_TEAM_ID), survey(world.ctx, OTHER_TEAM_ID).sessions) == mine


def test_its_links_and_return_pages_open_no_more_and_its_keys_get_no_token(
    desk: Desk, world: World, file: Path
) -> None:
    desk.run("client", "add", TEAM_ID)
    client_id, secret = desk.field("client_id"), desk.field("client_secret")
    session = world.schedule()
    started = world.pay_page(session)
    world.stripe.pay(started.url.rpartition("/")[2])
    world.deliver()
    world.clock.advance(hours=1)
    world.open(session)
    world.come_back(started)
    assert delete(desk, file, "--yes") == 0, desk.printed
    with pytest.raises(InvalidLinkError):
        world.open(session)
    with pytest.raises(InvalidLinkError):
        world.come_back(started)
    assert token_status(world, client_id, secret) == 401


def test_money_that_moves_later_is_still_kept_and_reaches_the_ledger(desk: Desk, world: World, file: Path) -> None:
    session = world.schedule()
    world.pay(session)
    world.deliver()
    world.clock.advance(hours=1)
    assert delete(desk, file, "--yes") == 0, desk.printed
    world.clock.advance(days=3)
    world.stripe.refund_in_dashboard(world.charges()[0]["id"], 3000)
    world.deliver()
    (row,) = world.ledger.between(TEAM_ID, NOON, NOON + DAY)
    assert (row.amount, row.refunded) == (8000, 3000)
    world.stripe.dispute_close(str(world.stripe.dispute(world.charges()[0]["id"])), "lost")
    world.deliver()
    (row,) = world.ledger.between(TEAM_ID, NOON, NOON + DAY)
    assert row.charged_back > 0


def test_deleted_again_it_has_nothing_left_to_erase_and_needs_no_new_export(
    desk: Desk, world: World, file: Path
) -> None:
    leaving(world)
    delete(desk, file, "--yes")
    before, text = kept_texts(world), file.read_text()
    assert delete(desk, file, "--yes") == 0
    assert "removed: 0 API clients, 0 entries; Stripe accounts released: 0" in desk.printed
    assert (kept_texts(world), file.read_text()) == (before, text)


# --- beside others ----------------------------------------------------------------------------------------------------


def test_what_came_before_everybody_knew_of_the_suspension_is_found(desk: Desk, world: World, file: Path) -> None:
    """A running function remembers the team for a minute; the second look comes after that."""
    leaving(world)
    late = []

    def schedule_late(io: Io) -> None:
        if io.name == "api_clients.save":
            late.append(world.schedule(starts_in=HOUR))

    with world.seam.armed(after=schedule_late):
        assert delete(desk, file, "--yes") == 1
    assert f"  {late[0].session_id}" in desk.printed.splitlines()
    assert desk.complained.endswith("nothing was erased, and it stays suspended, with its API clients disabled\n")
    assert not file.exists()
    assert world.teams.get(TEAM_ID).deleted_at is None
    with pytest.raises(SuspendedError):
        world.schedule(host(), guest(), team=world.teams.get(TEAM_ID))
    assert delete(desk, file, "--yes", "--cancel-sessions") == 0, desk.printed


def test_between_closing_and_the_second_look_it_waits(desk: Desk, world: World, file: Path) -> None:
    leaving(world)
    slept: list[float] = []
    world.context = replace(world.context, sleep=slept.append)
    assert delete(desk, file, "--yes") == 0
    assert slept == [90]


def test_run_again_later_it_waits_for_nothing(desk: Desk, world: World, file: Path) -> None:
    leaving(world)
    for client in list(world.api_clients.all()):
        desk.run("client", "disable", client.client_id)
    world.clock.advance(seconds=90)
    assert delete(desk, file, "--yes") == 0
    assert "Waiting" not in desk.printed


def test_an_account_that_another_clinic_has_by_now_stays_theirs(desk: Desk, world: World, file: Path) -> None:
    theirs = StripeAccount("acct_1", OTHER_TEAM_ID, livemode=False, connected_at=NOON)
    world.stripe_accounts.save(None, theirs)
    world.change_team(accounts=(PayeeAccount("acct_1", disconnected_at=NOON), PayeeAccount("acct_2", is_default=False)))
    assert delete(desk, file, "--yes") == 0
    assert world.stripe_accounts.find("acct_1") == theirs
    assert "Stripe accounts released: 0" in desk.printed


def test_a_walk_of_minutes_leaves_time_to_lose_a_race(desk: Desk, world: World, file: Path) -> None:
    """Each change of the team has a time of its own, however long it took to look at every session."""
    leaving(world)
    saves: list[Io] = []

    def disturb(io: Io) -> None:
        if io.name == "sessions.stretch":
            world.clock.advance(minutes=1)
        if io.name == "teams.save":
            saves.append(io)
            if len(saves) in {1, 3}:
                before = world.teams.get(TEAM_ID)
                world.teams.save(before, replace(before, name=f"Name {len(saves)}"))

    with world.seam.armed(before=disturb):
        assert delete(desk, file, "--yes") == 0, desk.complained
    assert len(saves) == 4
    assert world.teams.get(TEAM_ID).name == ""


def test_a_session_that_changes_while_it_is_erased_is_erased_as_it_is_then(
    desk: Desk, world: World, file: Path
) -> None:
    session = world.schedule()
    world.pay(session)
    world.deliver()
    world.clock.advance(hours=1)
    world.stripe.refund_in_dashboard(world.charges()[0]["id"], 3000)
    delivered: list[object] = []

    def deliver_meanwhile(io: Io) -> None:
        if io.name == "sessions.save" and not delivered:
            delivered.append(world.session(session).revision)
            world.sessions.save(world.session(session))

    with world.seam.armed(before=deliver_meanwhile):
        assert delete(desk, file, "--yes") == 0, desk.complained
    kept = world.session(session)
    assert delivered
    assert kept.participants[1].display_name is None
    world.deliver()
    (row,) = world.ledger.between(TEAM_ID, NOON, NOON + DAY)
    assert row.refunded == 3000


def test_a_session_to_come_that_turns_up_while_all_is_erased_is_cancelled_and_paid_back(
    desk: Desk, world: World, file: Path
) -> None:
    """It cannot come, short of a clock that is minutes wrong; if it does, nobody pays for a door that is shut."""
    session = world.schedule(starts_in=HOUR)
    world.pay(session)
    world.deliver()
    key = (TEAM_ID, session.session_id)
    hidden = world.sessions._items.pop(key)

    def turn_up(io: Io) -> None:
        if io.name == "teams.save":
            world.sessions._items[key] = hidden

    with world.seam.armed(after=turn_up):
        world.change_team(suspended=True)
        world.sessions._items.pop(key)
        assert delete(desk, file, "--yes") == 0, desk.printed
    world.sweep()
    assert world.session(session).canceled_at == world.clock()
    assert [one["amount"] for one in world.refunds()] == [8000]
