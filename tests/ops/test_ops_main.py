"""What every command has in common: help, arguments that make no sense, and whatever can go wrong behind them."""

from __future__ import annotations

import io

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from chalicelib.config import SettingsError
from chalicelib.flows.change import ContendedError
from chalicelib.gateways.stripe_api import StripeUncertainError
from chalicelib.storage.stores import ConflictError, NewerSchemaError, StoreUnavailableError
from ops.arguments import parser
from ops.commands import AskedWronglyError
from ops.environment import Deployment, NoDeploymentError
from ops.main import main
from tests.ops.desk import Desk
from tests.support.seam import Io
from tests.support.world import TEAM_ID, World

SESSION_ID = "0197b3c4-d5e6-7788-99aa-bbccddeeff00"
COMMANDS = [
    ("team", "create"),
    ("team", "show"),
    ("team", "list"),
    ("team", "change"),
    ("team", "suspend"),
    ("team", "resume"),
    ("team", "allow-origins"),
    ("team", "export"),
    ("team", "delete"),
    ("client", "list"),
    ("client", "add"),
    ("client", "disable"),
    ("client", "rotate-secret"),
    ("client", "drop-secret"),
    ("session", "show"),
    ("participant", "show"),
    ("link", "revoke"),
    ("link-key", "rotate"),
    ("link-key", "use"),
    ("link-key", "retire"),
    ("sweep",),
    ("reconcile",),
    ("parked", "list"),
    ("parked", "replay"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        parser().parse_args([*command, "--help"])
    assert left.value.code == 0
    explained = capsys.readouterr().out
    assert explained.startswith(f"usage: python -m ops {' '.join(command)} ")
    assert len(explained.split("\n\n")[1]) > 20


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    explained = capsys.readouterr().out
    for command in COMMANDS:
        assert f"    {command[0]} " in explained or f"    {command[0]}\n" in explained


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (("team", "show", "not-an-id"), "not an id: a UUID of 36 lower-case characters is expected"),
        (("team", "show", TEAM_ID.upper().replace("1", "A")), "not an id"),
        (("session", "show", TEAM_ID, "not-an-id"), "not an id"),
        (("participant", "show", TEAM_ID, SESSION_ID), "this is a session's id, not a participant's"),
        (("link", "revoke", TEAM_ID, SESSION_ID), "this is a session's id, not a participant's"),
        (("link-key", "use", "256"), "a key id is a number from 0 to 255"),
        (("link-key", "retire", "-1"), "KEY"),
        (("team", "create", "Clinic", "--plan", "gold"), "there is no plan 'gold'"),
        (("team", "create", "Clinic", "--currency", "xxx"), "xxx is not a currency we can charge"),
        (("team", "create"), "NAME"),
        (("reconcile",), "--from"),
        (("reconcile", "--from", "yesterday"), "a date such as 2026-11-01"),
        (("reconcile", "--from", "2026-11-01", "--account", "mine"), "looks like acct_"),
        (("team",), "COMMAND"),
        (("nonsense",), "nonsense"),
        ((), "COMMAND"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_anything_is_reached(
    argv: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*, local: bool) -> Deployment:
        raise AssertionError

    with pytest.raises(SystemExit) as left:
        main(argv, never, io.StringIO(), io.StringIO())
    assert left.value.code == 2
    assert why in capsys.readouterr().err


def test_local_is_passed_on() -> None:
    asked: list[bool] = []

    def connect(*, local: bool) -> Deployment:
        asked.append(local)
        message = "not here"
        raise NoDeploymentError(message)

    for argv in (["team", "list"], ["--local", "team", "list"]):
        assert main(argv, connect, io.StringIO(), io.StringIO()) == 2
    assert asked == [False, True]


FAILURES = [
    (
        StoreUnavailableError("teams: DynamoDB did not answer well (NoCredentialsError)"),
        3,
        "no AWS credentials were found",
    ),
    (
        StoreUnavailableError("teams: DynamoDB did not answer well (ResourceNotFoundException)"),
        3,
        "ANTEROOM_TABLE_PREFIX",
    ),
    (StoreUnavailableError("teams: DynamoDB did not answer well (ThrottlingException)"), 3, "ThrottlingException"),
    (NoCredentialsError(), 3, "AWS cannot be reached: NoCredentialsError (no AWS credentials were found"),
    (
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "arn:aws:secret"}}, "GetParameter"),
        3,
        "AWS refused: AccessDeniedException (these AWS credentials may not do that)",
    ),
    (StripeUncertainError("status 429"), 3, "Stripe did not answer well: status 429"),
    (AskedWronglyError("name the events"), 2, "name the events"),
    (SettingsError("ANTEROOM_PUBLIC_URL is not set: where clients reach it"), 2, "start it with: make run"),
    (NoDeploymentError("the local stack is not running"), 2, "the local stack is not running"),
    (ConflictError("team 1 was written by somebody else"), 1, "nothing was changed, run the command again"),
    (ContendedError("session 1 is being written by too many at once"), 1, "run the command again"),
    (NewerSchemaError("session 1 was written by a newer version"), 1, "session 1 was written by a newer version"),
]


@pytest.mark.parametrize(("error", "code", "told"), FAILURES, ids=lambda value: type(value).__name__)
def test_what_goes_wrong_is_one_sentence_and_an_exit_code(
    desk: Desk, world: World, error: Exception, code: int, told: str
) -> None:
    with world.seam.armed(before=raising(error)):
        assert desk.run("team", "list") == code
    assert told in desk.complained
    assert desk.complained.count("\n") == 1
    assert "arn:" not in desk.complained
    assert desk.printed == ""


def test_a_fault_of_ours_is_not_hidden(desk: Desk, world: World) -> None:
    with world.seam.armed(before=raising(ZeroDivisionError())), pytest.raises(ZeroDivisionError):
        desk.run("team", "list")


class raising:  # noqa: N801 (reads as a verb)
    """Called with an I/O, raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __call__(self, _io: Io) -> None:
        raise self._error
