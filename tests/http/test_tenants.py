"""Two clinics with a session of the same id, each paid on an account of its own: nothing of one reaches the other.

Every route is walked with the other's ids, every link is opened beside its twin, and every event is told by the other's
account. What is the other's is the same to the byte afterwards, here and at Stripe.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import app as deployed
from chalicelib.domain.links import LinkClaims, mint
from chalicelib.domain.sessions import Revision, Session
from chalicelib.gateways.stripe_events import CONNECT_EVENTS, PAYMENT_EVENTS
from sandbox.stripe_standin.deliveries import signature
from tests.support.edge import Reply
from tests.support.platform import CONNECT_WEBHOOK_SECRET, Platform
from tests.support.twins import DAY, Twins, only_theirs, twins
from tests.support.world import World


@pytest.fixture
def both() -> Twins:
    return twins()


# --- routes -------------------------------------------------------------------------------------------------------

ASKED: dict[tuple[str, str], Any] = {
    ("GET", "/v1/sessions/{session_id}"): None,
    ("PUT", "/v1/sessions/{session_id}"): {"session_name": "Mine now"},
    ("DELETE", "/v1/sessions/{session_id}"): None,
    ("GET", "/v1/sessions/{session_id}/summary"): None,
    ("GET", "/v1/sessions/{session_id}/participants"): None,
    ("POST", "/v1/sessions/{session_id}/participants"): {"display_name": "Mine now"},
    ("GET", "/v1/participants/{participant_id}"): None,
    ("PUT", "/v1/participants/{participant_id}"): {"display_name": "Mine now"},
    ("DELETE", "/v1/participants/{participant_id}"): None,
    ("POST", "/v1/participants/{participant_id}/link"): None,
    ("POST", "/v1/participants/{participant_id}/refund"): None,
    ("POST", "/v1/participants/{participant_id}/charge-again"): {"reason": "Mine now"},
    ("POST", "/v1/participants/{participant_id}/waive"): {"reason": "Mine now"},
}
"""Routes whose address names something, with a body that its own clinic could send."""

OF_ONES_OWN: dict[tuple[str, str], Callable[[Twins], Reply]] = {
    ("GET", "/v1/sessions"): lambda both: both.clinic.ask("GET", "/v1/sessions?include_canceled=1"),
    ("POST", "/v1/sessions"): lambda both: both.clinic.schedule(
        {"fee": {"amount": 8000, "currency": "aud", "payee": both.their_account}}, team_id=both.other.team.team_id
    ),
    ("GET", "/v1/user/team"): lambda both: both.clinic.ask("GET", f"/v1/user/team?team_id={both.other.team.team_id}"),
    ("GET", "/v1/fees/quote"): lambda both: both.clinic.ask(
        "GET", f"/v1/fees/quote?amount=8000&payee={both.their_account}"
    ),
    ("GET", "/v1/payments"): lambda both: both.clinic.ask("GET", f"/v1/payments?team_id={both.other.team.team_id}"),
    ("POST", "/v1/stripe/connect"): lambda both: both.clinic.ask("POST", "/v1/stripe/connect"),
    ("GET", "/v1/stripe/account"): lambda both: both.clinic.ask(
        "GET", f"/v1/stripe/account?account={both.their_account}"
    ),
    ("DELETE", "/v1/stripe/account"): lambda both: both.clinic.ask(
        "DELETE", f"/v1/stripe/account?account={both.their_account}&force=true"
    ),
}
"""Routes that act on the caller's own clinic, asked with whatever names the other."""

BY_TOKEN = {
    "/session/{token}",
    "/session/{token}/checkout",
    "/session/{token}/join",
    "/session/{token}/calendar.ics",
    "/paid/{return_token}",
    "/stripe/connect/callback",
    "/stripe/connect/return",
    "/stripe/connect/refresh",
}
"""Whoever holds the token is let in: it names its team, and is signed."""

BY_SIGNATURE = {"/stripe/webhook", "/stripe/connect/webhook"}
OF_NOBODY = {"/v1/auth/token", "/static/{name}", "/openapi.json", "/docs", "/health"}


def test_the_walk_knows_every_route() -> None:
    named = {path for _, path in (*ASKED, *OF_ONES_OWN)} | BY_TOKEN | BY_SIGNATURE | OF_NOBODY
    assert named == set(deployed.routes.paths())
    asked = {(method, path) for path, handlers in deployed.routes.paths().items() for method in handlers}
    assert {one for one in asked if one[1] not in BY_TOKEN | BY_SIGNATURE | OF_NOBODY} == {*ASKED, *OF_ONES_OWN}


@pytest.mark.parametrize(("method", "path"), ASKED, ids=str)
def test_with_the_others_id_every_route_is_404_like_an_unknown_one(method: str, path: str, both: Twins) -> None:
    session = only_theirs(both)
    before = both.theirs_kept()
    names = {"session_id": session.session_id, "participant_id": session.participant_id(2)}
    reply = both.clinic.ask(method, path.format(**names), ASKED[method, path])
    assert reply.status == 404
    assert reply.json()["detail"] == "there is no such thing here"
    assert both.theirs_kept() == before


@pytest.mark.parametrize(("method", "path"), ASKED, ids=str)
def test_with_an_id_that_both_have_every_route_touches_ones_own(method: str, path: str, both: Twins) -> None:
    before = both.theirs_kept()
    names = {"session_id": both.ours.session_id, "participant_id": both.ours.participant_id(2)}
    assert both.ours.session_id == both.theirs.session_id
    reply = both.clinic.ask(method, path.format(**names), ASKED[method, path])
    assert reply.status in {200, 409}
    assert both.other.team.team_id not in reply.body
    both.platform.clock.advance(minutes=1)
    both.platform.sweep()
    both.platform.stripe.flush()
    both.edge.deliver_webhooks()
    assert both.theirs_kept() == before


@pytest.mark.parametrize(("method", "path"), OF_ONES_OWN, ids=str)
def test_whatever_names_the_other_a_route_acts_on_ones_own(method: str, path: str, both: Twins) -> None:
    before = both.theirs_kept()
    reply = OF_ONES_OWN[method, path](both)
    assert reply.status in {200, 404, 422}
    assert both.other.team.team_id not in reply.body
    assert both.other.team.name not in reply.body
    assert both.theirs_kept() == before


# --- links --------------------------------------------------------------------------------------------------------


def door(both: Twins, session: Session) -> dict[str, Any]:
    reply = both.edge.get(f"/session/{both.platform.token(session)}", Accept="application/json")
    found: dict[str, Any] = reply.json()
    return found


def test_each_link_opens_its_own_clinics_session(both: Twins) -> None:
    assert both.platform.token(both.ours) != both.platform.token(both.theirs)
    assert door(both, both.ours)["clinic"] == "Bay Road Clinic"
    assert door(both, both.theirs)["clinic"] == "Hill Street Practice"


def test_a_refund_to_ours_leaves_theirs_paid(both: Twins) -> None:
    before = both.theirs_kept()
    assert both.clinic.ask("POST", f"/v1/participants/{both.ours.participant_id(2)}/refund").status == 200
    both.edge.deliver_webhooks()
    assert door(both, both.ours)["status"] == "refunded"
    assert door(both, both.theirs)["status"] == "early"
    assert both.theirs_kept() == before


def test_a_link_under_another_teams_name_is_no_link(both: Twins) -> None:
    """A session that only they have, named in a token of our team: even signed by us it opens nothing."""
    session = only_theirs(both)
    keys = both.platform.context.settings.link_keys
    forged = mint(keys, LinkClaims(both.clinic.team.team_id, session.session_id, 2, 0), keys.current)
    before = both.theirs_kept()
    for method, path in (("GET", ""), ("POST", "/checkout"), ("POST", "/join"), ("GET", "/calendar.ics")):
        assert both.edge.request(method, f"/session/{forged}{path}", headers={"Accept": "text/html"}).status == 404
    assert both.theirs_kept() == before


def test_paying_and_entering_by_one_link_leaves_the_other_alone() -> None:
    both = twins()
    unpaid = both.platform.schedule(team=both.clinic.team)
    twin = both.platform.sessions.create(replace(unpaid, team_id=both.other.team.team_id, revision=Revision()))
    before = both.theirs_kept()
    visit = f"/session/{both.platform.token(unpaid)}"
    page = both.edge.post(f"{visit}/checkout", Accept="text/html").headers["location"]
    both.platform.stripe.pay(page.rpartition("/")[2])
    both.edge.deliver_webhooks()
    assert both.edge.post(f"{visit}/join", Accept="text/html").status == 303
    assert door(both, twin)["status"] == "pay"
    assert both.theirs_kept() == before


def test_a_way_back_from_stripe_is_its_own_clinics(both: Twins) -> None:
    state = both.clinic.ask("POST", "/v1/stripe/connect").json()["url"].partition("state=")[2]
    code = both.platform.stripe.grant(both.their_account)
    before = both.platform.teams._texts[both.other.team.team_id]
    reply = both.edge.get(f"/stripe/connect/callback?state={state}&code={code}", Accept="text/html")
    assert reply.status == 409
    assert both.platform.teams._texts[both.other.team.team_id] == before
    claim = both.platform.stripe_accounts.find(both.their_account)
    assert claim is not None
    assert claim.team_id == both.other.team.team_id


# --- events -------------------------------------------------------------------------------------------------------


def everything_told(world: World, account: str) -> dict[str, dict[str, Any]]:
    """One event of each kind that an account with these payments can send, the newest of its kind."""
    platform = world
    assert isinstance(platform, Platform)
    charge = platform.books_of(account)["charges"][-1]["id"]
    platform.stripe.set_webhooks("hold")
    platform.stripe.set_refunds_pending(pending=True)
    platform.stripe.fail_refund(platform.stripe.refund_in_dashboard(charge, 500))
    dispute = platform.stripe.dispute(charge)
    platform.stripe.dispute_update(dispute)
    platform.stripe.dispute_close(dispute, "won")
    return {event["type"]: event for event in platform.books_of(account)["events"]}


def tell(both: Twins, event: dict[str, Any]) -> str:
    body = json.dumps(event).encode()
    header = signature(CONNECT_WEBHOOK_SECRET, body, both.platform.clock())
    reply = both.edge.request("POST", "/stripe/connect/webhook", body, {"Stripe-Signature": header})
    assert reply.status == 200, reply.body
    return str(reply.json()["settled"])


TOLD_OF_A_CARD = [kind for kind in PAYMENT_EVENTS if "async" not in kind and kind != "checkout.session.expired"]


@pytest.mark.parametrize("kind", TOLD_OF_A_CARD)
def test_what_our_account_tells_under_their_ids_is_not_believed(kind: str, both: Twins) -> None:
    """Whoever has an account can write whatever ids into it, theirs too."""
    event = everything_told(both.platform, both.our_account)[kind]
    before = both.theirs_kept()
    text = json.dumps(event).replace(both.clinic.team.team_id, both.other.team.team_id)
    assert tell(both, json.loads(text)) in {"other_account", "not_ours", "known", "kept"}
    assert both.theirs_kept() == before


@pytest.mark.parametrize("kind", TOLD_OF_A_CARD)
def test_what_their_account_tells_of_a_session_of_the_same_id_stays_theirs(kind: str, both: Twins) -> None:
    before = both.ours_kept()
    event = everything_told(both.platform, both.their_account)[kind]
    assert tell(both, event) in {"kept", "known"}
    assert both.ours_kept() == before


@pytest.mark.parametrize("kind", TOLD_OF_A_CARD)
def test_an_event_that_is_said_to_be_of_the_other_account_touches_neither(kind: str, both: Twins) -> None:
    event = everything_told(both.platform, both.our_account)[kind] | {"account": both.their_account}
    ours, theirs = both.ours_kept(), both.theirs_kept()
    tell(both, event)
    assert both.theirs_kept() == theirs
    assert both.ours_kept() == ours


def test_every_event_of_an_account_is_walked() -> None:
    elsewhere = {"account.updated", "account.application.deauthorized"}
    of_debits = {kind for kind in CONNECT_EVENTS if "async" in kind} | {"checkout.session.expired"}
    assert {*TOLD_OF_A_CARD} | elsewhere | of_debits == set(CONNECT_EVENTS)


@pytest.mark.parametrize("kind", ["account.updated", "account.application.deauthorized"])
def test_what_becomes_of_our_account_is_nothing_to_them(kind: str, both: Twins) -> None:
    before = both.theirs_kept()
    if kind == "account.updated":
        both.platform.stripe.set_charges_enabled(both.our_account, enabled=False)
    else:
        both.platform.stripe.deauthorize(both.our_account)
    both.edge.deliver_webhooks()
    assert not both.platform.teams.get(both.clinic.team.team_id).can_charge()
    assert both.theirs_kept() == before


def test_a_night_on_our_account_alone_leaves_theirs(both: Twins) -> None:
    both.edge.run_night()  # in which every account learns the platform's country
    both.platform.stripe.set_webhooks("drop")
    both.platform.pay(both.platform.schedule(starts_in=DAY, team=both.clinic.team))
    both.platform.clock.advance(hours=1)
    before = both.theirs_kept()
    both.edge.run_night()
    assert both.theirs_kept() == before
