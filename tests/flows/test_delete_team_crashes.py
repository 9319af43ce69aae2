"""A deletion dies at any of its I/Os, before or after the effect; the same command again brings it to its end."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chalicelib.domain.sessions import Fee
from chalicelib.storage.stores import NotFoundError
from tests.ops.desk import Desk
from tests.support.crashes import Act, Crash, die, every_crash
from tests.support.leaving import (
    PRIVATE,
    audited,
    delete,
    exported,
    kept_texts,
    leaving,
    pay_connected,
    private_guest,
    private_host,
)
from tests.support.seam import Seam
from tests.support.world import OTHER_TEAM_ID, TEAM_ID, World

ROUNDS = 3


class Leaving:
    """A world in which the operator is about to delete a clinic, with a session to come that is paid."""

    def __init__(self, folder: Path) -> None:
        self.world = World()
        self.free, self.paid = leaving(self.world)
        fee = Fee(8000, "aud", PRIVATE)
        self.to_come = self.world.schedule(private_host(), private_guest(fee), starts_in=timedelta(hours=2))
        pay_connected(self.world, self.to_come)
        self.file = folder / "export.jsonl"
        self.desk = Desk(self.world)

    def act(self) -> int:
        return delete(self.desk, self.file, "--yes", "--cancel-sessions")

    def put_right(self) -> None:
        """The same command, with the sweep between where it says that money is on its way."""
        for _ in range(ROUNDS):
            if self.act() == 0:
                return
            self.world.clock.advance(minutes=2)
            self.world.sweep()
        raise AssertionError(self.desk.printed + self.desk.complained)

    def is_done(self) -> None:
        world, file = self.world, self.file
        assert PRIVATE not in kept_texts(world)
        assert world.teams.get(TEAM_ID).deleted_at is not None
        assert sorted(audited(world)) == [
            ("account_disconnected", "operator:pat"),
            ("deleted", "operator:pat"),
            ("suspended", "operator:pat"),
        ]
        assert [client.team_id for client in world.api_clients.all()] == [OTHER_TEAM_ID]
        (account,) = world.teams.get(TEAM_ID).accounts
        row = world.stripe_accounts.find(str(account.stripe_account_id))
        assert row is not None
        assert row.released_at is not None
        with pytest.raises(NotFoundError):
            world.session(self.free)
        assert world.entries.of(TEAM_ID, self.paid.session_id) == []
        self._has_paid_back()
        records = exported(file)
        assert records[-1]["counts"] == Counter(record["kind"] for record in records[:-1])
        assert (records[-1]["counts"]["session"], records[-1]["counts"]["entry"]) == (3, 1)
        assert [path.name for path in file.parent.iterdir()] == ["export.jsonl"]

    def _has_paid_back(self) -> None:
        books = self.world.stripe.snapshot()["accounts"][1]
        (refund,) = books["refunds"]
        assert refund["amount"] == 8000
        history = self.world.participant(self.to_come).history
        assert [one.refund_id for one in history.refunds] == [refund["id"]]


def crashes() -> list[Crash]:
    with TemporaryDirectory() as folder:

        def prepare() -> tuple[Seam, Act]:
            stage = Leaving(Path(folder))
            return stage.world.seam, stage.act

        return list(every_crash(prepare))


def test_undisturbed_it_is_done(tmp_path: Path) -> None:
    stage = Leaving(tmp_path)
    assert stage.act() == 0, stage.desk.printed
    stage.is_done()


def test_wherever_it_died_the_same_command_brings_it_to_its_end() -> None:
    every = crashes()
    assert len(every) > 70
    for crash in every:
        with TemporaryDirectory() as folder:
            stage = Leaving(Path(folder))
            die(stage.world.seam, stage.act, crash)
            stage.put_right()
            try:
                stage.is_done()
            except AssertionError as error:
                raise AssertionError(str(crash)) from error
