"""What a deployment needs at Stripe is made or mended by one command, from the one list of events in the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typing_extensions import override

from chalicelib.gateways.stripe_api import API_VERSION
from chalicelib.gateways.stripe_events import CONNECT_EVENTS, EVENTS
from sandbox.stripe_standin.errors import JsonObject
from tests.ops.desk import Desk
from tests.support.platform import OAUTH_ID, Platform, platform_settings
from tests.support.world import PUBLIC_URL, World

OWN, CONNECTED = f"{PUBLIC_URL}/stripe/webhook", f"{PUBLIC_URL}/stripe/connect/webhook"
README = Path(__file__).parents[2] / "README.md"


def without_endpoints(world: World) -> World:
    """As Stripe is before anybody set it up."""
    world.stripe._world.mailroom.endpoints.clear()
    return world


@pytest.fixture
def desk() -> Desk:
    return Desk(without_endpoints(World()))


@pytest.fixture
def platform() -> Desk:
    return Desk(without_endpoints(Platform()))


def endpoints(desk: Desk) -> dict[str, JsonObject]:
    """What Stripe has, by address."""
    ctx = desk.world.ctx
    pages = ctx.stripe.pages("/v1/webhook_endpoints", None, ctx.deadline, {})
    return {str(one["url"]): dict(one) for page in pages for one in page}


def test_one_clinic_gets_one_endpoint_for_its_own_account(desk: Desk) -> None:
    assert desk.run("stripe", "setup") == 0
    (endpoint,) = endpoints(desk).values()
    assert endpoint["url"] == OWN
    assert endpoint["enabled_events"] == list(EVENTS)
    assert endpoint["api_version"] == API_VERSION
    assert endpoint["status"] == "enabled"
    assert CONNECTED not in desk.printed


def test_a_platform_gets_two(platform: Desk) -> None:
    assert platform.run("stripe", "setup") == 0
    found = endpoints(platform)
    assert {url: one["enabled_events"] for url, one in found.items()} == {
        OWN: list(EVENTS),
        CONNECTED: list(CONNECT_EVENTS),
    }
    mailroom = platform.world.stripe._world.mailroom
    assert {one.url: one.connect for one in mailroom.endpoints} == {OWN: False, CONNECTED: True}
    assert f"{PUBLIC_URL}/stripe/connect/callback" in platform.printed


def test_the_signing_secrets_go_into_the_parameter_beside_the_former_ones(platform: Desk) -> None:
    before = json.loads(platform.secrets)
    platform.run("stripe", "setup")
    after = json.loads(platform.secrets)
    signing = {one.url: one.secret for one in platform.world.stripe._world.mailroom.endpoints}
    assert after["stripe_webhook_secrets"] == [*before["stripe_webhook_secrets"], signing[OWN]]
    assert after["stripe_connect_webhook_secrets"] == [signing[CONNECTED]]
    assert {**before, **after, "stripe_webhook_secrets": 0} == {**after, "stripe_webhook_secrets": 0}
    assert signing[OWN] not in platform.printed
    assert "update-function-configuration" in platform.printed


def test_without_a_parameter_the_secret_is_shown_once(desk: Desk) -> None:
    desk.in_parameter = False
    desk.run("stripe", "setup")
    (endpoint,) = desk.world.stripe._world.mailroom.endpoints
    assert desk.printed.count(endpoint.secret) == 1
    assert desk.writes == []


class Unwritable(Desk):
    """May read its secrets, and not write them."""

    @override
    def _write(self, text: str) -> None:
        raise PermissionError


def test_a_secret_that_cannot_be_kept_is_shown() -> None:
    desk = Unwritable(without_endpoints(World()))
    with pytest.raises(PermissionError):
        desk.run("stripe", "setup")
    (endpoint,) = desk.world.stripe._world.mailroom.endpoints
    assert "could not be written" in desk.printed
    assert f"stripe_webhook_secrets  {endpoint.secret}" in desk.printed


def test_an_endpoint_without_a_secret_here_is_not_as_it_should_be() -> None:
    desk = Desk(without_endpoints(Platform(platform_settings(stripe_connect_webhook_secrets=None))))
    assert desk.run("stripe", "setup") == 0
    assert desk.run("stripe", "setup", "--check") == 1
    assert "stripe_connect_webhook_secrets is empty" in desk.printed
    assert desk.complained.startswith("1 thing")


def test_events_signed_by_what_was_made_are_taken(desk: Desk) -> None:
    desk.in_parameter = False
    desk.run("stripe", "setup")
    (endpoint,) = desk.world.stripe._world.mailroom.endpoints
    secret = desk.field("stripe_webhook_secrets")
    assert secret == endpoint.secret
    assert secret.startswith("whsec_")


def test_a_second_run_finds_all_as_it_should_be_and_makes_nothing(platform: Desk) -> None:
    platform.run("stripe", "setup")
    before, writes = endpoints(platform), list(platform.writes)
    assert platform.run("stripe", "setup") == 0
    assert platform.run("stripe", "setup", "--check") == 0
    assert endpoints(platform) == before
    assert platform.writes == writes


def test_a_check_changes_nothing_and_says_what_is_missing(platform: Desk) -> None:
    assert platform.run("stripe", "setup", "--check") == 1
    assert endpoints(platform) == {}
    assert len(platform.lines_with("there is no such endpoint")) == 2
    assert platform.complained == "2 thing(s) are not as they should be; without --check they are mended\n"


def changed(desk: Desk, **fields: object) -> None:
    """Somebody changed the endpoint in Stripe's dashboard."""
    desk.run("stripe", "setup")
    ctx, endpoint = desk.world.ctx, endpoints(desk)[OWN]
    ctx.stripe.call("post", f"/v1/webhook_endpoints/{endpoint['id']}", None, ctx.deadline, fields)


def test_events_that_an_endpoint_lacks_are_added_to_those_it_has(desk: Desk) -> None:
    changed(desk, enabled_events=["charge.succeeded", "charge.updated"])
    assert desk.run("stripe", "setup", "--check") == 1
    lacks = [one for one in EVENTS if one != "charge.succeeded"]
    assert desk.field("lacks") == ", ".join(lacks)
    assert desk.run("stripe", "setup") == 0
    assert endpoints(desk)[OWN]["enabled_events"] == ["charge.succeeded", "charge.updated", *lacks]


def test_an_endpoint_that_is_sent_everything_lacks_nothing(desk: Desk) -> None:
    changed(desk, enabled_events=["*"])
    assert desk.run("stripe", "setup", "--check") == 0
    changed_before = endpoints(desk)
    assert desk.run("stripe", "setup") == 0
    assert endpoints(desk) == changed_before


def test_an_endpoint_that_was_switched_off_is_switched_on(desk: Desk) -> None:
    changed(desk, disabled=True)
    assert desk.run("stripe", "setup", "--check") == 1
    assert "Stripe sends it nothing" in desk.printed
    assert desk.run("stripe", "setup") == 0
    assert endpoints(desk)[OWN]["status"] == "enabled"


def test_an_endpoint_made_by_hand_for_another_version_is_told_and_left(desk: Desk) -> None:
    ctx = desk.world.ctx
    asked = {"url": OWN, "enabled_events": ["*"]}
    ctx.stripe.call("post", "/v1/webhook_endpoints", None, ctx.deadline, asked)
    assert desk.run("stripe", "setup") == 1
    assert f"that of the account; what is read here is {API_VERSION}." in desk.printed
    assert "Stripe does not say whether it is for own accounts" in desk.printed


def test_an_endpoint_of_the_other_kind_is_told_and_left(platform: Desk) -> None:
    ctx = platform.world.ctx
    asked = {
        "url": CONNECTED,
        "enabled_events": ["*"],
        "api_version": API_VERSION,
        "metadata": {"anteroom_endpoint": "own"},
    }
    ctx.stripe.call("post", "/v1/webhook_endpoints", None, ctx.deadline, asked)
    assert platform.run("stripe", "setup") == 1
    assert "is for       own accounts: delete it at Stripe" in platform.printed


def test_two_endpoints_at_one_address_are_one_too_many(desk: Desk) -> None:
    desk.run("stripe", "setup")
    ctx = desk.world.ctx
    asked = {"url": OWN, "enabled_events": ["*"], "api_version": API_VERSION, "metadata": {"anteroom_endpoint": "own"}}
    ctx.stripe.call("post", "/v1/webhook_endpoints", None, ctx.deadline, asked)
    assert desk.run("stripe", "setup") == 1
    assert "one too many" in desk.printed


def test_where_stripe_does_not_answer_it_says_so(desk: Desk) -> None:
    desk.world.stripe.fail_next("timeout_before", 2)
    assert desk.run("stripe", "setup") == 3
    assert desk.complained.startswith("Stripe did not answer well")


def test_a_platform_without_oauth_is_told_what_its_clinics_cannot_do() -> None:
    desk = Desk(without_endpoints(Platform(platform_settings(stripe_client_id=None))))
    desk.run("stripe", "setup")
    assert "Clinics cannot connect accounts that they have" in desk.printed
    assert OAUTH_ID not in desk.printed


def test_the_readme_lists_the_very_events_of_the_code() -> None:
    text = README.read_text("utf-8")
    listed = [line for line in text.splitlines() if line.strip().startswith("`checkout.session.completed`")]
    assert len(listed) == 1
    start = text.index(listed[0])
    named = [one for one in text[start : start + 2000].split("`")[1::2] if one.count(".")]
    assert tuple(named[: len(CONNECT_EVENTS)]) == CONNECT_EVENTS
