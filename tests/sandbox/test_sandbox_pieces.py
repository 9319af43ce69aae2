"""The sandbox's pieces by themselves: what is counted, spoilt, swept, told and kept out. No sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectTimeoutError

from chalicelib.config import fetch_secrets, load
from sandbox import announcement
from sandbox.background import Sweeper, SweepFailedError
from sandbox.clock import Clock
from sandbox.dynamodb import Line, OneAtATime
from sandbox.environment import (
    Addresses,
    EnvironmentUnusableError,
    StripeChoice,
    settings_environment,
    shut_out,
    stripe_choice,
)
from sandbox.faults import DatabaseFaults, FaultKind
from sandbox.meter import Meter, Origin, origin, origin_of
from sandbox.stack import Running
from sandbox.start_page import Demo, jumps
from sandbox.stripe_standin import Mode
from tests.sandbox.script import ROOT

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADDRESSES = Addresses("http://127.0.0.1:8000", "http://127.0.0.1:8001", "http://127.0.0.1:9000")
STAND_IN = StripeChoice("sk_test_made_up", "whsec_made_up", is_real=False)
DEMO = Demo(
    clinic="Riverside Clinic",
    team_id="team-1",
    client_id="client-1",
    client_secret="secret-1",
    app_url=ADDRESSES.app,
    links={name: f"{ADDRESSES.app}/session/{name}" for name in ("pay_now", "pay_tomorrow", "free", "host")},
    today_ends_at=NOON + timedelta(minutes=45),
    tomorrow_starts_at=NOON + timedelta(days=1),
)


def zeros(size: int) -> bytes:
    return bytes(size)


# --- counting -------------------------------------------------------------------------------------------------------


def test_requests_are_counted_apart_for_each_origin() -> None:
    meter = Meter()
    with meter.request_from(Origin.HTTP):
        meter.count_database("GetItem")
        meter.count_database("PutItem")
        meter.count_database("TransactWriteItems")
        meter.count_stripe()
    with meter.request_from(Origin.SWEEP):
        meter.count_database("Query")
    assert meter.as_json() == {
        "http": {"requests": 1, "dynamodb": {"reads": 1, "writes": 2}, "stripe": 1},
        "webhooks": {"requests": 0, "dynamodb": {"reads": 0, "writes": 0}, "stripe": 0},
        "sweep": {"requests": 1, "dynamodb": {"reads": 1, "writes": 0}, "stripe": 0},
    }


def test_what_has_no_origin_is_not_counted() -> None:
    meter = Meter()
    meter.count_database("PutItem")
    meter.count_stripe()
    assert {name: tally["requests"] for name, tally in meter.as_json().items()} == {
        "http": 0,
        "webhooks": 0,
        "sweep": 0,
    }
    assert origin() is None


@pytest.mark.parametrize(
    ("path", "counts_as"),
    [
        ("/stripe/webhook", Origin.WEBHOOKS),
        ("/stripe/connect/webhook", Origin.WEBHOOKS),
        ("/stripe/webhook?x=1", Origin.WEBHOOKS),
        ("/stripe/connect/callback?code=x", Origin.HTTP),
        ("/v1/sessions", Origin.HTTP),
        ("/session/x/webhook", Origin.HTTP),
    ],
)
def test_a_request_counts_by_its_path(path: str, counts_as: Origin) -> None:
    assert origin_of(path) is counts_as


# --- the line to DynamoDB -------------------------------------------------------------------------------------------


def request() -> AWSPreparedRequest:
    return AWSPreparedRequest("POST", "http://127.0.0.1:9000/", {}, b"", stream_output=False)


def test_a_request_passes_and_is_counted_while_no_fault_waits() -> None:
    meter = Meter()
    line = Line(meter, DatabaseFaults())
    with meter.request_from(Origin.HTTP):
        assert line.before_send(request(), "before-send.dynamodb.GetItem") is None
    assert meter.as_json()["http"]["dynamodb"] == {"reads": 1, "writes": 0}


def test_a_fault_spoils_one_request_of_the_product_and_none_of_the_sandbox() -> None:
    meter, faults = Meter(), DatabaseFaults()
    line = Line(meter, faults)
    faults.add(FaultKind.TIMEOUT_BEFORE, 1)
    assert line.before_send(request(), "before-send.dynamodb.PutItem") is None
    with meter.request_from(Origin.HTTP):
        with pytest.raises(ConnectTimeoutError):
            line.before_send(request(), "before-send.dynamodb.PutItem")
        assert line.before_send(request(), "before-send.dynamodb.PutItem") is None


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (FaultKind.SERVER_ERROR, 500, "InternalServerError"),
        (FaultKind.RATE_LIMIT, 400, "ProvisionedThroughputExceededException"),
        (FaultKind.THROTTLE, 400, "ProvisionedThroughputExceededException"),
    ],
)
def test_a_fault_answers_as_dynamodb_does(kind: FaultKind, status: int, code: str) -> None:
    meter, faults = Meter(), DatabaseFaults()
    faults.add(kind, 1)
    with meter.request_from(Origin.WEBHOOKS):
        answer = Line(meter, faults).before_send(request(), "before-send.dynamodb.GetItem")
    assert answer is not None
    assert answer.status_code == status
    assert json.loads(answer.content)["__type"].endswith(f"#{code}")


def start_response(
    _status: str, _headers: list[tuple[str, str]], _error: object = None, /
) -> Callable[[bytes], object]:
    return bytearray().extend


def test_requests_to_the_database_come_one_at_a_time() -> None:
    second_is_inside = threading.Event()
    came_in_between: list[bool] = []

    def application(environ: dict[str, Any], start_response: object) -> Iterator[bytes]:
        if environ["number"] == 2:
            second_is_inside.set()
            return iter([])
        second.start()
        came_in_between.append(second_is_inside.wait(0.2))
        return iter([b"first"])

    served = OneAtATime(application)
    second = threading.Thread(target=served, args=({"number": 2}, start_response))
    assert served({"number": 1}, start_response) == [b"first"]
    second.join()
    assert came_in_between == [False]
    assert second_is_inside.is_set()


# --- the schedule ---------------------------------------------------------------------------------------------------


@dataclass
class Handler:
    """Stands in for the product's scheduled function."""

    meter: Meter
    events: list[Mapping[str, Any]] = field(default_factory=list)
    fails: bool = False

    def __call__(self, event: Mapping[str, Any], context: object) -> dict[str, Any]:
        assert origin() is Origin.SWEEP
        self.events.append(event)
        if self.fails:
            raise RuntimeError
        return {"sessions": 0}


def test_the_sweeper_hands_over_a_scheduled_event_and_answers_what_the_handler_did() -> None:
    handler = Handler(Meter())
    assert Sweeper(handler, handler.meter, lambda: 0).sweep() == {"sessions": 0}
    assert handler.events[0]["source"] == "aws.events"
    assert handler.meter.as_json()["sweep"]["requests"] == 1


def test_a_handler_that_raises_is_named_by_its_errors_class() -> None:
    handler = Handler(Meter(), fails=True)
    with pytest.raises(SweepFailedError, match="RuntimeError"):
        Sweeper(handler, handler.meter, lambda: 0).sweep()


def test_the_schedule_sweeps_again_and_again_until_it_is_told_to_stop() -> None:
    stopping = threading.Event()
    handler = Handler(Meter())

    def waiting() -> int:
        if len(handler.events) == 2:
            stopping.set()
        return len(handler.events) // 2

    Sweeper(handler, handler.meter, waiting, every=0).run(stopping)
    assert len(handler.events) == 2


def test_the_schedule_waits_while_a_fault_waits() -> None:
    stopping = threading.Event()
    handler = Handler(Meter())

    def waiting() -> int:
        stopping.set()
        return 1

    Sweeper(handler, handler.meter, waiting, every=0).run(stopping)
    assert handler.events == []


# --- time -----------------------------------------------------------------------------------------------------------


def test_the_clock_runs_on_from_where_it_was_moved_to() -> None:
    real = [NOON]
    clock = Clock(lambda: real[0])
    clock.advance(3600)
    real[0] += timedelta(seconds=5)
    assert clock.now() == datetime(2026, 3, 2, 13, 0, 5, tzinfo=UTC)


def test_the_start_page_jumps_only_ahead() -> None:
    assert jumps(DEMO, NOON) == [("After today’s session", 2702), ("Start of tomorrow’s session", 86402)]
    assert jumps(DEMO, NOON + timedelta(hours=1)) == [("Start of tomorrow’s session", 82802)]
    assert jumps(DEMO, NOON + timedelta(days=2)) == []
    assert jumps(None, NOON) == []


# --- environment ----------------------------------------------------------------------------------------------------


def test_without_a_key_the_stand_in_is_used_with_keys_made_up() -> None:
    choice = stripe_choice({}, zeros)
    assert (choice.secret_key, choice.is_real) == ("sk_test_" + "00" * 16, False)


def test_a_test_key_means_stripe_itself_and_its_webhook_secret_may_be_given() -> None:
    choice = stripe_choice({"STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": "whsec_x"}, zeros)
    assert choice == StripeChoice("sk_test_x", "whsec_x", is_real=True)


@pytest.mark.parametrize("key", ["sk_live_secret", "rk_live_secret", "pk_test_secret", "secret"])
def test_any_other_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(EnvironmentUnusableError) as refused:
        stripe_choice({"STRIPE_SECRET_KEY": key}, zeros)
    assert key not in str(refused.value)


def test_the_settings_reach_the_stand_ins() -> None:
    settings = load(settings_environment(ADDRESSES, STAND_IN, "k" * 32, zeros), fetch_secrets)
    assert settings.stripe_api == settings.checkout_origin == "http://127.0.0.1:8001"
    assert settings.dynamodb_endpoint == "http://127.0.0.1:9000"
    assert settings.secrets.room.url == "http://127.0.0.1:8001/room/{room}?token={token}"
    assert not settings.livemode


def test_the_settings_reach_stripe_itself_with_a_test_key() -> None:
    real = StripeChoice("sk_test_x", "whsec_x", is_real=True)
    settings = load(settings_environment(ADDRESSES, real, "k" * 32, zeros), fetch_secrets)
    assert (settings.stripe_api, settings.checkout_origin) == ("https://api.stripe.com", "https://checkout.stripe.com")


def test_the_process_reaches_no_aws_account_and_no_proxy() -> None:
    environment = {"AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "AKIAREAL", "NO_PROXY": "example.com"}
    shut_out(environment)
    assert "AWS_PROFILE" not in environment
    assert environment["AWS_ACCESS_KEY_ID"] == "sandbox"
    assert environment["NO_PROXY"] == "example.com,127.0.0.1"


# --- what is told ---------------------------------------------------------------------------------------------------


def running(stripe: StripeChoice = STAND_IN) -> Running:
    return Running(ADDRESSES, stripe, DEMO, NOON, {"ANTEROOM_PUBLIC_URL": ADDRESSES.app})


def test_the_files_are_there_while_it_runs_and_gone_afterwards(tmp_path: Path) -> None:
    with announcement.files(running(), tmp_path / "local"):
        told = json.loads((tmp_path / "local" / "sandbox.json").read_text())
        assert told["stripe_url"] == "http://127.0.0.1:8001"
        ops = json.loads((tmp_path / "local" / "ops.json").read_text())
        assert ops["ANTEROOM_SANDBOX_CONTROL_URL"] == "http://127.0.0.1:8001"
        assert ops["AWS_ACCESS_KEY_ID"] == "sandbox"
    assert list((tmp_path / "local").iterdir()) == []


def test_the_files_of_a_sandbox_that_was_started_later_stay(tmp_path: Path) -> None:
    with announcement.files(running(), tmp_path):
        (tmp_path / "sandbox.json").write_text("{}")
    assert (tmp_path / "sandbox.json").read_text() == "{}"


def test_the_page_for_scripts_names_every_key_call_kind_and_mode() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text()
    told = announcement.for_scripts(running())
    calls = ("/state", "/clock", "/sweep", "/webhooks", "/webhooks/flush", "/faults", "/reset", "/teams")
    assert [name for name in (*told, *told["links"]) if f'"{name}"' not in page] == []
    assert [name for name in (*FaultKind, *Mode) if f"`{name}`" not in page] == []
    assert [call for call in calls if f"POST {call}" not in page and f"GET {call}" not in page] == []


def test_the_printed_session_starts_tomorrow() -> None:
    line = announcement.session_line("http://127.0.0.1:8000/v1", NOON)
    assert '"start_time": "2026-03-03T12:00:00Z", "end_time": "2026-03-03T12:30:00Z"' in line
    assert line.count("'") == 4


def test_with_stripe_itself_the_text_says_how_webhooks_are_forwarded(tmp_path: Path) -> None:
    text = announcement.for_people(running(StripeChoice("sk_test_x", "whsec_x", is_real=True)), tmp_path)
    assert "stripe listen --forward-to http://127.0.0.1:8000/stripe/webhook" in text
    assert "sk_test_x" not in text
