"""The sandbox's pieces by themselves: what is counted, spoilt and swept, and its clock. No sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectTimeoutError

from sandbox.background import Sweeper, SweepFailedError
from sandbox.clock import Clock
from sandbox.dynamodb import Line, OneAtATime
from sandbox.faults import DatabaseFaults, FaultKind
from sandbox.meter import Meter, Origin, origin, origin_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


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
