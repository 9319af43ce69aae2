"""One team's key never reaches another's session: not by its id, nor by any text in its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.sessions import Revision
from tests.support.clinic import Clinic, fingerprint
from tests.support.edge import Edge

UNKNOWN = "019cae6b-6600-7d99-bf35-8c2e07187c00"


@pytest.fixture
def neighbour(edge: Edge) -> Clinic:
    return Clinic(edge, "Hill Street Practice")


def without_request_id(body: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name != "request_id"}


def test_another_teams_id_an_unknown_one_and_no_id_are_the_same_404(clinic: Clinic, neighbour: Clinic) -> None:
    theirs = neighbour.schedule({"display_name": "Their Client"}).json()
    before = fingerprint(clinic.edge.world)
    strange = [
        theirs["session_id"],
        theirs["participants"][0]["participant_id"],
        UNKNOWN,
        "x",
        "%00",
        "..",
        "%2e%2e",
        "{session_id}",
        f"{{{UNKNOWN}}}",
        UNKNOWN.replace("-", ""),
        f"urn:uuid:{UNKNOWN}",
        f"{neighbour.team.team_id}#{theirs['session_id']}",
        "\u0130" * 36,
        "0" * 3000,
    ]
    for session_id in strange:
        for query in ("", "?include_canceled=true", f"?team_id={neighbour.team.team_id}"):
            reply = clinic.read(session_id, query)
            assert reply.status == 404
            assert without_request_id(reply.json()) == {
                "type": "about:blank",
                "title": "Not Found",
                "status": 404,
                "detail": "there is no such thing here",
                "error": {"message": "there is no such thing here"},
            }
            assert reply.headers == clinic.read(UNKNOWN).headers
    assert fingerprint(clinic.edge.world) == before


def test_two_teams_may_have_a_session_of_the_same_id(clinic: Clinic, neighbour: Clinic) -> None:
    mine = clinic.schedule({"display_name": "Mine"}).json()
    world = clinic.edge.world
    stored = world.sessions.get(clinic.team.team_id, mine["session_id"])
    world.sessions.create(replace(stored, team_id=neighbour.team.team_id, name="Theirs", revision=Revision()))
    assert clinic.read(mine["session_id"]).json()["session_name"] is None
    theirs = neighbour.read(mine["session_id"]).json()
    assert (theirs["session_name"], theirs["team_id"]) == ("Theirs", neighbour.team.team_id)
    assert theirs["participants"][0]["entry_url"] != mine["participants"][0]["entry_url"]


def test_a_session_belongs_to_the_team_of_the_token_whatever_the_body_says(clinic: Clinic, neighbour: Clinic) -> None:
    session = clinic.schedule(team_id=neighbour.team.team_id, client_id=neighbour.client_id).json()
    assert session["team_id"] == clinic.team.team_id
    assert session["client_id"] == clinic.client_id
    assert neighbour.read(session["session_id"]).status == 404
