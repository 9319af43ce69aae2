"""An operator mixes two clinics up: each command leaves the one that it is not about alone, and tells nothing of it.

Both clinics have a session of the same id, paid on an account of its own (`support/twins.py`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.arguments import parser
from tests.ops.desk import Desk
from tests.support.twins import DAY, Twins, only_theirs, twins

WHY = ("--why", "seen to it")

NAMING: dict[tuple[str, str], tuple[str, ...]] = {
    ("session", "show"): ("{team}", "{session}"),
    ("participant", "show"): ("{team}", "{participant}"),
    ("stuck", "retry"): ("{team}", "{participant}", "refund:re_1", *WHY),
    ("stuck", "settle"): ("{team}", "{participant}", "refund:re_1", *WHY),
    ("link", "revoke"): ("{team}", "{participant}"),
}
"""Commands that name a clinic and something of it."""

OF_ONE: dict[tuple[str, str], tuple[str, ...]] = {
    ("team", "show"): ("{team}",),
    ("team", "change"): ("{team}", "--plan", "premium", "--fee-basis-points", "1"),
    ("team", "suspend"): ("{team}", *WHY),
    ("team", "resume"): ("{team}",),
    ("team", "allow-origins"): ("{team}", "https://our.example"),
    ("team", "export"): ("{team}", "{file}"),
    ("team", "delete"): ("{team}", "--export", "{file}", "--cancel-sessions", "--yes"),
    ("client", "list"): ("{team}",),
    ("client", "add"): ("{team}",),
    ("client", "disable"): ("{client}",),
    ("client", "rotate-secret"): ("{client}",),
    ("client", "drop-secret"): ("{client}",),
    ("stuck", "list"): ("{team}",),
    ("reconcile", ""): ("--from", "2026-03-01", "--account", "{account}", "--repair"),
}
"""Commands about one clinic: its id, its API client's, or its account's."""

OF_ALL = {
    ("team", "create"),
    ("team", "list"),
    ("team", "find"),
    ("link-key", "rotate"),
    ("link-key", "use"),
    ("link-key", "retire"),
    ("stripe", "setup"),
    ("parked", "list"),
    ("parked", "replay"),
    ("sweep", ""),
}
"""Commands about the deployment, or about every clinic at once."""


@pytest.fixture
def both() -> Twins:
    return twins()


@pytest.fixture
def at(both: Twins) -> Desk:
    return Desk(both.platform)


def commands(root: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for name, one in subcommands(root).items():
        yield from ((name, action) for action in subcommands(one) or [""])


def subcommands(one: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    groups = [action for action in one._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: parser for group in groups for name, parser in group.choices.items()}


def run(at: Desk, command: tuple[str, str], argv: tuple[str, ...], names: dict[str, str]) -> int:
    return at.run(*filter(None, command), *(one.format(**names) for one in argv))


def test_the_walk_knows_every_command() -> None:
    assert {*NAMING, *OF_ONE} | OF_ALL == set(commands(parser()))
    assert not {*NAMING, *OF_ONE} & OF_ALL


@pytest.mark.parametrize("command", NAMING, ids=" ".join)
def test_with_our_clinic_and_their_session_nothing_is_found(command: tuple[str, str], both: Twins, at: Desk) -> None:
    session = only_theirs(both)
    names = {"session": session.session_id, "participant": session.participant_id(2)}
    before = both.theirs_kept()
    assert run(at, command, NAMING[command], {"team": both.clinic.team.team_id, **names}) == 1
    assert at.printed == ""
    assert "no such" in at.complained
    assert both.theirs_kept() == before


@pytest.mark.parametrize("command", NAMING, ids=" ".join)
def test_with_an_id_that_both_have_only_ours_is_touched(command: tuple[str, str], both: Twins, at: Desk) -> None:
    names = {"session": both.ours.session_id, "participant": both.ours.participant_id(2)}
    before, texts = both.theirs_kept(), both.ours_kept()
    run(at, command, NAMING[command], {"team": both.clinic.team.team_id, **names})
    assert both.their_account not in at.printed + at.complained
    assert both.theirs_kept() == before
    assert (both.ours_kept() != texts) is (command == ("link", "revoke"))


@pytest.mark.parametrize("command", OF_ONE, ids=" ".join)
def test_what_is_done_with_ours_leaves_theirs(command: tuple[str, str], both: Twins, at: Desk, tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    names = {
        "team": both.clinic.team.team_id,
        "client": both.clinic.client_id,
        "account": both.our_account,
        "file": str(file),
    }
    both.platform.clock.advance(minutes=20)
    before = both.theirs_kept()
    assert run(at, command, OF_ONE[command], names) == 0, at.complained
    both.platform.stripe.flush()
    both.edge.deliver_webhooks()
    assert run(at, command, OF_ONE[command], names) in {0, 1}
    told = at.printed + at.complained + (file.read_text() if file.exists() else "")
    for name in (both.other.team.team_id, both.other.team.name, both.other.client_id, both.their_account):
        assert name not in told
    assert both.theirs_kept() == before


def test_a_deleted_clinics_twin_session_is_paid_for_and_entered_all_the_same(
    both: Twins, at: Desk, tmp_path: Path
) -> None:
    argv = ("--export", str(tmp_path / "x.jsonl"), "--cancel-sessions", "--yes")
    at.run("team", "delete", both.clinic.team.team_id, *argv)
    both.edge.deliver_webhooks()
    assert at.run("team", "delete", both.clinic.team.team_id, *argv) == 0, at.complained
    assert both.edge.get(f"/session/{both.platform.token(both.ours)}", Accept="text/html").status == 404
    both.platform.clock.advance(hours=DAY.total_seconds() / 3600)
    assert both.edge.post(f"/session/{both.platform.token(both.theirs)}/join", Accept="text/html").status == 303


def test_another_clinics_account_is_not_made_ones_own(both: Twins, at: Desk) -> None:
    before = both.platform.teams._texts[both.clinic.team.team_id]
    assert at.run("team", "change", both.clinic.team.team_id, "--default-account", both.their_account) == 1
    assert "no such" in at.complained or "not connected" in at.complained, at.complained
    assert both.platform.teams._texts[both.clinic.team.team_id] == before


def test_a_night_by_hand_on_our_account_takes_nothing_of_theirs(both: Twins, at: Desk) -> None:
    """Their payments are missing from our account's lists; that is no difference of ours."""
    both.platform.clock.advance(minutes=20)
    assert at.run("reconcile", "--from", "2026-03-01", "--account", both.our_account) == 0, at.printed
    assert both.theirs.session_id not in at.printed
