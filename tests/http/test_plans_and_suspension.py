"""What a change by the operator does to a clinic's sessions: what is new is refused, what is there goes on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.facts import Attempt
from chalicelib.domain.teams import PayeeAccount
from tests.http.doors import Visitor
from tests.ops.desk import Desk
from tests.support.clinic import Clinic
from tests.support.edge import Edge
from tests.support.world import World

FEE = {"amount": 8000, "currency": "aud"}
IN_A_WEEK = {"start_time": "2026-03-09T12:00:00Z", "end_time": "2026-03-09T12:30:00Z"}


@pytest.fixture
def desk(edge: Edge) -> Desk:
    return Desk(edge.world)


def change(desk: Desk, clinic: Clinic, command: str, *options: str) -> None:
    assert desk.run("team", command, clinic.team.team_id, *options) == 0, desk.complained


def suspend(desk: Desk, clinic: Clinic) -> None:
    change(desk, clinic, "suspend", "--why", "unpaid bills")


def downgrade(desk: Desk, clinic: Clinic) -> None:
    change(desk, clinic, "change", "--plan", "essentials")


def guest_of(clinic: Clinic, **times: str) -> Visitor:
    """A guest with a fee; at noon, unless at other times."""
    made = clinic.schedule({"role": "HOST"}, {"fee": FEE}, **times)
    assert made.status == 200, made.body
    session = clinic.edge.world.context.sessions.get(clinic.team.team_id, made.json()["session_id"])
    return Visitor(clinic.edge, session)


def pays(visitor: Visitor) -> None:
    visitor.edge.world.stripe.pay(visitor.checkout_session_id())
    visitor.edge.deliver_webhooks()


def paid(clinic: Clinic, **times: str) -> Visitor:
    visitor = guest_of(clinic, **times)
    visitor.pay()
    pays(visitor)
    return visitor


def state(visitor: Visitor) -> dict[str, Any]:
    content: dict[str, Any] = visitor.open("application/json").json()
    return content


# --- suspended --------------------------------------------------------------------------------------------------------


def test_a_suspended_clinic_schedules_nothing_until_it_is_resumed(clinic: Clinic, desk: Desk) -> None:
    suspend(desk, clinic)
    reply = clinic.schedule({"fee": FEE})
    assert (reply.status, reply.json()["detail"]) == (
        403,
        "this clinic is suspended and cannot schedule; please write to support",
    )
    assert clinic.schedule({}).status == 403
    change(desk, clinic, "resume")
    assert clinic.schedule({"fee": FEE}).status == 200


def test_its_unpaid_client_reads_so_and_is_offered_nothing(clinic: Clinic, desk: Desk) -> None:
    visitor = guest_of(clinic)
    suspend(desk, clinic)
    page = visitor.open()
    assert page.status == 200
    assert "The clinic can’t take payments just now." in page.body
    assert (state(visitor)["status"], state(visitor)["can_pay"]) == ("cannot_charge", False)
    refused = visitor.pay("application/json")
    assert refused.status == 409
    assert visitor.pay().headers["location"].endswith(visitor.path)
    assert clinic.edge.world.checkouts() == []
    assert clinic.edge.world.participant(visitor.session).history.attempts == ()


def test_an_offer_that_was_made_is_not_offered_again(clinic: Clinic, desk: Desk) -> None:
    visitor = guest_of(clinic)
    visitor.pay()
    suspend(desk, clinic)
    assert visitor.pay("application/json").status == 409


def test_its_paid_client_enters_and_so_does_the_host(clinic: Clinic, desk: Desk) -> None:
    visitor = paid(clinic)
    suspend(desk, clinic)
    assert (visitor.open().status, visitor.join().status) == (200, 303)
    assert Visitor(clinic.edge, visitor.session, 1).join().status == 303


def test_who_pays_on_a_page_that_was_open_when_it_was_suspended_enters(clinic: Clinic, desk: Desk) -> None:
    visitor = guest_of(clinic)
    visitor.pay()
    suspend(desk, clinic)
    pays(visitor)
    assert (state(visitor)["status"], visitor.join().status) == ("join", 303)
    assert clinic.edge.world.refunds() == []


def test_a_suspended_clinic_still_reads_edits_refunds_and_cancels(clinic: Clinic, desk: Desk) -> None:
    visitor = paid(clinic, **IN_A_WEEK)
    suspend(desk, clinic)
    path = f"/v1/sessions/{visitor.session.session_id}"
    assert clinic.ask("GET", path).status == 200
    assert clinic.ask("PUT", path, {"session_name": "Moved"}).status == 200
    assert clinic.ask("DELETE", path).status == 200
    assert [one["amount"] for one in clinic.edge.world.refunds()] == [8000]


# --- deleted ----------------------------------------------------------------------------------------------------------


def test_a_deleted_clinics_keys_and_links_are_those_of_nobody(clinic: Clinic, desk: Desk, tmp_path: Path) -> None:
    visitor = paid(clinic)
    return_path = visitor.return_path()
    clinic.edge.world.clock.advance(minutes=40)
    change(desk, clinic, "delete", "--export", str(tmp_path / "export.jsonl"), "--yes")
    unknown = clinic.edge.get("/session/" + "A" * len(visitor.token))
    opened = visitor.open()
    assert (opened.status, opened.body) == (404, unknown.body)
    assert (visitor.join().status, visitor.pay().status) == (404, 404)
    assert clinic.edge.get(f"{visitor.path}/calendar.ics").status == 404
    assert clinic.edge.get(return_path).status == 404
    assert clinic.read(visitor.session.session_id).status == 401
    assert clinic.ask_token().status == 401


# --- a plan without scheduled sessions --------------------------------------------------------------------------------


def test_after_a_downgrade_nothing_new_is_scheduled_and_it_says_what_to_buy(clinic: Clinic, desk: Desk) -> None:
    downgrade(desk, clinic)
    reply = clinic.schedule({"fee": FEE})
    assert reply.status == 403
    assert reply.json()["detail"].endswith("buy the add-on, or the standard or a higher plan")
    change(desk, clinic, "change", "--scheduling-add-on")
    assert clinic.schedule({"fee": FEE}).status == 200


def test_sessions_scheduled_before_are_edited_paid_entered_and_refunded_as_before(clinic: Clinic, desk: Desk) -> None:
    visitor = guest_of(clinic, **IN_A_WEEK)
    downgrade(desk, clinic)
    path = f"/v1/sessions/{visitor.session.session_id}"
    participant_id = visitor.session.participant_id(2)
    assert clinic.ask("PUT", path, {"session_name": "Review"}).json()["session_name"] == "Review"
    fee = {"fee": {"amount": 9000, "currency": "aud"}}
    assert clinic.ask("PUT", f"/v1/participants/{participant_id}", fee).status == 200
    added = clinic.ask("POST", f"{path}/participants", {"display_name": "Jim"})
    assert added.status == 200
    assert visitor.pay().status == 303
    pays(visitor)
    moved = {"start_time": "2026-03-02T12:00:00Z", "end_time": "2026-03-02T12:30:00Z"}
    assert clinic.ask("PUT", path, moved).status == 200
    assert visitor.join().status == 303
    refund = clinic.ask("POST", f"/v1/participants/{participant_id}/refund")
    assert (refund.status, refund.json()["payment"]["status"]) == (200, "refunded")


# --- the platform's fee -----------------------------------------------------------------------------------------------


def attempts(visitor: Visitor) -> tuple[Attempt, ...]:
    return visitor.edge.world.participant(visitor.session).history.attempts


def on_an_account_of_its_own(clinic: Clinic, world: World) -> Visitor:
    clinic.change_team(accounts=(PayeeAccount(world.stripe.create_account()),))
    return guest_of(clinic, **IN_A_WEEK)


def test_an_offer_that_was_made_keeps_its_platform_fee_and_the_next_one_has_the_new(clinic: Clinic, desk: Desk) -> None:
    world = clinic.edge.world
    visitor = on_an_account_of_its_own(clinic, world)
    first_page = visitor.pay().headers["location"]
    downgrade(desk, clinic)
    assert visitor.pay().headers["location"] == first_page
    assert [one.application_fee for one in attempts(visitor)] == [120]
    world.clock.advance(hours=24)
    clinic.edge.run_schedule()
    assert visitor.pay().headers["location"] != first_page
    assert [one.application_fee for one in attempts(visitor)] == [120, 200]


def test_what_is_paid_for_a_former_offer_costs_what_that_said(clinic: Clinic, desk: Desk) -> None:
    world = clinic.edge.world
    visitor = on_an_account_of_its_own(clinic, world)
    visitor.pay()
    change(desk, clinic, "change", "--fee-basis-points", "1000")
    world.stripe.pay(visitor.checkout_session_id())
    world.clock.advance(minutes=3)
    clinic.edge.run_schedule()
    (payment,) = world.participant(visitor.session).history.payments
    assert payment.charge is not None
    assert payment.charge.application_fee == 120
    (row,) = world.ledger.between(clinic.team.team_id, world.clock() - timedelta(days=1), world.clock())
    assert row.application_fee == 120


def test_a_change_between_the_offer_and_its_sending_again_changes_no_byte(clinic: Clinic, desk: Desk) -> None:
    """Saved, and nobody knows whether Stripe made it: the retry is the same request."""
    world = clinic.edge.world
    visitor = on_an_account_of_its_own(clinic, world)
    world.stripe.fail_next("timeout_after", 9, path_prefix="/v1/checkout/sessions")
    assert visitor.pay().status == 503
    world.stripe.clear_faults()
    change(desk, clinic, "change", "--plan", "essentials", "--name", "Bay Road", "--fee-basis-points", "0")
    assert visitor.pay().status == 303
    assert [one.application_fee for one in attempts(visitor)] == [120]
    assert len(world.stripe.snapshot()["accounts"][1]["checkout_sessions"]) == 1
