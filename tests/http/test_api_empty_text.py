"""What typed clients send for nothing, which is empty text; and a key whose request the database failed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.teams import PayeeAccount
from chalicelib.flows.change_team import change_team
from chalicelib.storage.stores import StoreUnavailableError
from tests.fakes.failing import Failing
from tests.support.clinic import END, START, Clinic

FEE = {"amount": 8000, "currency": "aud"}


@pytest.fixture
def second_account(clinic: Clinic) -> str:
    second = PayeeAccount("acct_2", is_default=False)
    change_team(clinic.edge.world.ctx, clinic.team.team_id, lambda one: replace(one, accounts=(*one.accounts, second)))
    return "acct_2"


def fee_of(clinic: Clinic, participant_id: str) -> dict[str, Any]:
    return dict(clinic.ask("GET", f"/v1/participants/{participant_id}").json()["fee"])


def scheduled(clinic: Clinic, **fee: object) -> str:
    return str(clinic.schedule({"fee": {**FEE, **fee}}).json()["participants"][0]["participant_id"])


def changed(clinic: Clinic, participant_id: str, **fee: object) -> dict[str, Any]:
    reply = clinic.ask("PUT", f"/v1/participants/{participant_id}", {"fee": {**FEE, **fee}})
    assert reply.status == 200
    return fee_of(clinic, participant_id)


def test_a_payee_of_empty_text_is_as_absent_where_a_session_is_made(clinic: Clinic) -> None:
    assert fee_of(clinic, scheduled(clinic, payee=""))["payee"] is None


def test_a_payee_of_empty_text_is_as_absent_where_a_participant_is_added(clinic: Clinic) -> None:
    session_id = clinic.schedule({"role": "HOST"}).json()["session_id"]
    added = clinic.ask("POST", f"/v1/sessions/{session_id}/participants", {"fee": {**FEE, "payee": ""}})
    assert (added.status, added.json()["fee"]["payee"]) == (200, None)


def test_a_payee_of_empty_text_leaves_the_payee_there_is(clinic: Clinic, second_account: str) -> None:
    participant_id = scheduled(clinic, payee=second_account)
    assert changed(clinic, participant_id, payee="", amount=9000) == {
        "amount": 9000,
        "currency": "aud",
        "description": None,
        "payee": second_account,
    }


def test_a_description_may_be_empty_and_that_empties_it(clinic: Clinic) -> None:
    participant_id = scheduled(clinic, description="Consultation")
    assert changed(clinic, participant_id)["description"] == "Consultation"
    assert changed(clinic, participant_id, description="")["description"] == ""
    assert fee_of(clinic, scheduled(clinic, description=""))["description"] == ""


def test_a_create_that_the_database_failed_leaves_its_key_to_a_corrected_body(clinic: Clinic) -> None:
    world = clinic.edge.world
    down: Any = Failing(world.sessions, StoreUnavailableError("throttled"), left=1)
    world.context = replace(world.context, sessions=down)
    wishes = [{"start_time": START, "end_time": END, "session_name": name} for name in ("One", "Two", "Two", "One")]
    replies = [clinic.ask("POST", "/v1/sessions", wish, Idempotency_Key="k") for wish in wishes]
    assert [reply.status for reply in replies] == [503, 200, 200, 422]
    assert replies[2].json() == replies[1].json()
