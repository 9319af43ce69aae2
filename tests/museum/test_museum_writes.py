"""Museum: a write that was its own rival, since its answer was lost. On PynamoDB and moto, whose wire can lose answers.

Each test is named after a report from users of another system, and holds what happened to them against this one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from chalicelib.domain.sessions import Session
from tests.storage.wire import Wire, mocked_dynamodb, tables_on_a_wire
from tests.support.clinic import END, START
from tests.support.edge import Edge, Reply
from tests.support.metered import MeteredDynamoWorld

Between = Callable[[], object]


@pytest.fixture(scope="module", autouse=True)
def dynamodb() -> Iterator[None]:
    with mocked_dynamodb():
        yield


@pytest.fixture
def wire() -> Iterator[Wire]:
    with tables_on_a_wire() as wire:
        yield wire


def _nothing(_world: MeteredDynamoWorld, _session: Session) -> None:
    """Nobody writes before the SDK tries again."""


def _somebody_else_writes(world: MeteredDynamoWorld, session: Session) -> None:
    store = world.context.sessions
    kept = store.get(session.team_id, session.session_id)
    store.save(replace(kept, picture="https://clinic.example/front.png"))


WITH_OR_WITHOUT = pytest.mark.parametrize("between", [_nothing, _somebody_else_writes])


def _renamed(world: MeteredDynamoWorld, session: Session, etag: str) -> Reply:
    headers = {"Authorization": world.bearer(), "Content-Type": "application/json", "If-Match": etag}
    body = json.dumps({"session_name": "Moved to room 2"})
    return Edge(world).request("PUT", f"/v1/sessions/{session.session_id}", body, headers)


@WITH_OR_WITHOUT
def test_aws_sdk_java_2667_a_write_whose_answer_was_lost_is_known_as_our_own(
    wire: Wire, between: Callable[[MeteredDynamoWorld, Session], None]
) -> None:
    """A conditional write took effect, its answer was lost, and the SDK's own retry reported a conflict.

    https://github.com/aws/aws-sdk-java/issues/2667
    """
    world = MeteredDynamoWorld(wire)
    session = world.schedule()
    etag = Edge(world).get(f"/v1/sessions/{session.session_id}", Authorization=world.bearer()).headers["etag"]
    wire.lose_next_put(lambda: between(world, session))
    reply = _renamed(world, session, etag)
    assert reply.status == 200
    assert reply.json()["session_name"] == "Moved to room 2"
    assert world.session(session).name == "Moved to room 2"
    assert _renamed(world, session, etag).status == 412, "by then the version is another one"


@WITH_OR_WITHOUT
def test_aws_sdk_java_2667_a_session_whose_making_was_answered_to_nobody_is_ours(
    wire: Wire, between: Callable[[MeteredDynamoWorld, Session], None]
) -> None:
    """A conditional write took effect, its answer was lost, and the SDK's own retry reported a conflict.

    https://github.com/aws/aws-sdk-java/issues/2667
    """
    world = MeteredDynamoWorld(wire)
    wire.lose_next_put(lambda: between(world, _made(wire, world)))
    headers = {"Authorization": world.bearer(), "Content-Type": "application/json"}
    body = json.dumps({"start_time": START, "end_time": END, "session_name": "First meeting"})
    reply = Edge(world).request("POST", "/v1/sessions", body, headers)
    assert reply.status == 200
    assert _made(wire, world).name == "First meeting"
    assert reply.json()["session_id"] == _made(wire, world).session_id


def _made(wire: Wire, world: MeteredDynamoWorld) -> Session:
    """The session that was put first."""
    key = wire.sent("PutItem")[-1]["Item"]
    return world.context.sessions.get(key["team_id"]["S"], key["session_id"]["S"])
