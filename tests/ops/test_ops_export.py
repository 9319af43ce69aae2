"""An export holds everything of one clinic, nothing of another and no secret, and is whole or not there."""

from __future__ import annotations

import stat
from collections import Counter
from pathlib import Path

import pytest

from chalicelib.domain.books import operator
from chalicelib.flows.edit_team import suspend_team
from tests.ops.desk import Desk
from tests.support.crashes import ProcessDied
from tests.support.leaving import PRIVATE, exported, leaving
from tests.support.seam import Io
from tests.support.world import OTHER_TEAM_ID, ROOM_KEY, TEAM_ID, World


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "export.jsonl"


def export(desk: Desk, file: Path, team_id: str = TEAM_ID) -> int:
    return desk.run("team", "export", team_id, str(file))


def test_everything_of_the_team_is_there_and_counted(desk: Desk, world: World, file: Path) -> None:
    free, paid = leaving(world)
    suspend_team(world.ctx.acting_for(operator("pat")), TEAM_ID, "it leaves")
    assert export(desk, file) == 0, desk.complained
    records = exported(file)
    assert records[0]["kind"] == "team"
    assert records[-1] == {
        "kind": "end",
        "counts": {"team": 1, "api_client": 1, "session": 2, "entry": 1, "ledger": 1, "audit": 2},
    }
    assert Counter(one["kind"] for one in records[:-1]) == records[-1]["counts"]
    assert [one["session_id"] for one in records if one["kind"] == "session"] == [free.session_id, paid.session_id]
    session = next(one for one in records if one.get("session_id") == paid.session_id and one["kind"] == "session")
    guest = session["participants"][1]
    assert (guest["display_name"], guest["email"]) == (PRIVATE, f"{PRIVATE}@example")
    assert guest["history"]["payments"][0]["paid"]["amount"] == 8000
    (entry,) = [one for one in records if one["kind"] == "entry"]
    assert (entry["session_id"], entry["number"]) == (paid.session_id, 2)
    (row,) = [one for one in records if one["kind"] == "ledger"]
    assert (row["amount"], row["session_id"]) == (8000, paid.session_id)
    whys = [entry["why"] for one in records if one["kind"] == "audit" for entry in one["entries"]]
    assert "it leaves" in whys
    assert desk.printed.startswith(f"{file}: 1 team, 1 api_client, 2 session, 1 entry, 1 ledger, 2 audit\n")


def test_of_another_team_and_of_secrets_nothing_is_there(desk: Desk, world: World, file: Path) -> None:
    leaving(world)
    (client,) = [one for one in world.api_clients.all() if one.team_id == TEAM_ID]
    assert export(desk, file) == 0
    text = file.read_text("utf-8")
    assert OTHER_TEAM_ID not in text
    assert "Of the other clinic" not in text
    assert ROOM_KEY not in text
    assert client.secret_hashes[0] not in text
    team, kept = exported(file)[:2]
    assert "key" not in team["room"]
    assert team["room"]["url"].startswith("https://private.example/")
    assert (kept["client_id"], kept["secrets"]) == (client.client_id, 1)
    assert "secret_hashes" not in kept


def test_its_owner_alone_may_read_it(desk: Desk, file: Path) -> None:
    assert export(desk, file) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["export.jsonl"]


def test_it_is_never_written_over_another_file(desk: Desk, file: Path) -> None:
    file.write_text("mine")
    assert export(desk, file) == 1
    assert desk.complained == f"{file} exists already; nothing was written over it. Name another file\n"
    assert file.read_text() == "mine"


def test_one_that_was_cut_does_not_have_its_name_and_the_next_one_is_whole(
    desk: Desk, world: World, file: Path
) -> None:
    leaving(world)

    def dead(io: Io) -> None:
        if io.name == "ledger.between":
            raise ProcessDied

    with world.seam.armed(before=dead), pytest.raises(ProcessDied):
        export(desk, file)
    assert not file.exists()
    file.with_name("export.jsonl.partial").write_text("what a process left that had no time to tidy up")
    assert export(desk, file) == 0
    assert exported(file)[-1]["kind"] == "end"
    assert [path.name for path in file.parent.iterdir()] == ["export.jsonl"]


def test_nothing_is_left_of_a_file_that_could_not_be_named(desk: Desk, world: World, file: Path) -> None:
    """Somebody else took the name meanwhile."""

    def taken(io: Io) -> None:
        if io.name == "ledger.between":
            file.write_text("theirs")

    with world.seam.armed(before=taken):
        assert export(desk, file) == 1
    assert "exists already and holds something else" in desk.complained
    assert file.read_text() == "theirs"
    assert [path.name for path in file.parent.iterdir()] == ["export.jsonl"]


@pytest.mark.parametrize("name", ["nowhere/export.jsonl", "."])
def test_where_no_file_can_be_it_says_so(desk: Desk, tmp_path: Path, name: str) -> None:
    assert export(desk, tmp_path / name) == 1
    assert "name a file in a directory that is there" in desk.complained


def test_what_the_system_refuses_is_said_in_its_words(desk: Desk, tmp_path: Path) -> None:
    assert export(desk, tmp_path / ("x" * 300)) == 1
    assert "cannot be written: File name too long" in desk.complained


def test_a_session_that_cannot_be_read_is_told_by_its_id(desk: Desk, world: World, file: Path) -> None:
    session = world.schedule()
    world.sessions.unreadable(TEAM_ID, session.session_id)
    assert export(desk, file) == 0
    told = {"kind": "session", "team_id": TEAM_ID, "session_id": session.session_id, "unreadable": True}
    assert told in exported(file)


def test_more_sessions_than_one_read_brings_are_all_there(desk: Desk, world: World, file: Path) -> None:
    world.sessions.read_at_most(3000)
    made = sorted(world.schedule().session_id for _ in range(7))
    with world.seam.counted() as spent:
        assert export(desk, file) == 0
    assert spent().queries > 7 + 4
    assert [one["session_id"] for one in exported(file) if one["kind"] == "session"] == made


def test_an_unknown_team_is_not_exported(desk: Desk, file: Path) -> None:
    assert export(desk, file, "0197b3c4-d5e6-7788-99aa-bbccddeeff00") == 1
    assert list(file.parent.iterdir()) == []
