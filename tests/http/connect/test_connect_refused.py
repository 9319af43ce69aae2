"""Each way in which connecting a Stripe account is refused, and what breaks off: a page that says so, and no change."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from chalicelib.domain.accounts import MOST_ACCOUNTS
from chalicelib.domain.erasure import tombstone
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.flows.enrol import disable_client
from tests.http.connect.connecting import (
    CALLBACK,
    Kept,
    begun,
    come_back,
    come_back_as_script,
    start,
    team_of,
    unconnected,
)
from tests.support.clinic import Clinic
from tests.support.edge import Edge
from tests.support.platform import Platform, platform_settings
from tests.support.seam import Io
from tests.support.world import NOON

# --- refused ------------------------------------------------------------------------------------------------------


def refused(edge: Edge, clinic: Clinic, platform: Platform, headline: str, status: int, **query: str) -> None:
    kept = Kept(platform, clinic)
    page = come_back(edge, **query)
    assert (page.status, headline in page.body) == (status, True), page.body
    assert "start again from" in page.body
    kept.check()
    as_data = come_back_as_script(edge, **query)
    assert as_data.status == (409 if headline == "This was done already" else as_data.status)
    assert as_data.headers["content-type"] == "application/json"
    kept.check()


def test_an_owner_who_says_no_is_told_that_nothing_was_changed(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    state = begun(clinic)
    denied = {"error": "access_denied", "error_description": "The user denied your request"}
    refused(edge, clinic, platform, "At Stripe you chose not to connect", 403, state=state, **denied)
    page = come_back(edge, state=state, code=platform.stripe.grant(unconnected(platform)))
    assert page.status == 200, "they may change their mind within the hour"


def test_another_error_of_stripes_is_not_repeated(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    query = {"state": begun(clinic), "error": "<b>server_error</b>", "error_description": "<script>"}
    refused(edge, clinic, platform, "Stripe did not confirm the connection", 400, **query)
    assert "server_error" not in come_back(edge, **query).body


def test_an_error_stands_against_a_code_beside_it(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    code = platform.stripe.grant(unconnected(platform))
    query = {"state": begun(clinic), "error": "access_denied", "code": code}
    refused(edge, clinic, platform, "At Stripe you chose not to connect", 403, **query)


def test_a_page_loaded_again_changes_nothing(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    query = {"state": begun(clinic), "code": platform.stripe.grant(unconnected(platform))}
    assert come_back(edge, **query).status == 200
    refused(edge, clinic, platform, "This was done already", 409, **query)


def test_a_state_is_good_once_also_with_another_code(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    state = begun(clinic)
    come_back(edge, state=state, code=platform.stripe.grant(unconnected(platform)))
    other = platform.stripe.grant(unconnected(platform))
    refused(edge, clinic, platform, "This was done already", 409, state=state, code=other)


def test_a_state_is_good_for_an_hour(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    state = begun(clinic)
    platform.clock.advance(seconds=3600)
    code = platform.stripe.grant(unconnected(platform))
    refused(edge, clinic, platform, "This took too long", 410, state=state, code=code)


def test_a_state_is_good_until_the_last_second_of_it(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    state = begun(clinic)
    platform.clock.advance(seconds=3599)
    assert come_back(edge, state=state, code=platform.stripe.grant(unconnected(platform))).status == 200


@pytest.mark.parametrize("code", ["ac_never_given", "", "x" * 4000, "\u0000", "ac_1&code=ac_2"])
def test_a_code_that_stripe_did_not_give_connects_nothing(
    edge: Edge, clinic: Clinic, platform: Platform, code: str
) -> None:
    headline = "Stripe did not confirm" if code else "This page was not opened by your clinic"
    refused(edge, clinic, platform, headline, 400, state=begun(clinic), code=code)


def test_a_code_is_good_for_minutes(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    state, code = begun(clinic), platform.stripe.grant(unconnected(platform))
    platform.clock.advance(minutes=6)
    refused(edge, clinic, platform, "Stripe did not confirm the connection", 400, state=state, code=code)


def test_another_clinics_account_stays_theirs(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    code = platform.stripe.grant(platform.account)
    headline = "This Stripe account is another clinic"
    refused(edge, clinic, platform, headline, 409, state=begun(clinic), code=code)
    assert platform.newest().can_charge()
    assert platform.books_of(platform.account)["authorized"]


def test_an_account_that_the_other_clinic_has_left_may_be_connected(
    edge: Edge, clinic: Clinic, platform: Platform
) -> None:
    platform.stripe.deauthorize(platform.account)
    platform.deliver()
    platform.clock.advance(minutes=1)
    assert come_back(edge, state=begun(clinic), code=platform.stripe.grant(platform.account)).status == 200
    assert team_of(clinic).can_charge()
    assert not platform.newest().can_charge()


def test_an_account_of_the_other_mode_is_refused() -> None:
    platform = Platform(platform_settings(stripe_secret_key="sk_live_of_the_world"))
    clinic = Clinic(Edge(platform))
    clinic.change_team(accounts=())
    code = platform.stripe.grant(unconnected(platform))
    refused(clinic.edge, clinic, platform, "It was connected in Stripe", 409, state=begun(clinic), code=code)


def test_too_many_accounts_are_refused_before_one_is_claimed(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    clinic.change_team(accounts=full(team_of(clinic)).accounts)
    account = unconnected(platform)
    query = {"state": begun(clinic), "code": platform.stripe.grant(account)}
    refused(edge, clinic, platform, "as many Stripe accounts as can be kept", 409, **query)
    assert platform.stripe_accounts.find(account) is None
    assert start(clinic, {"account": "new"}).status == 409


def full(team: Team) -> Team:
    many = tuple(PayeeAccount(f"acct_{number}", is_default=number == 0) for number in range(MOST_ACCOUNTS))
    return replace(team, accounts=many)


@pytest.mark.parametrize(("becomes", "status"), [(full, 409), (lambda team: tombstone(team, NOON), 400)])
def test_what_becomes_impossible_meanwhile_leaves_the_account_to_others(
    edge: Edge, clinic: Clinic, platform: Platform, becomes: Callable[[Team], Team], status: int
) -> None:
    """After the account is claimed, and before it is kept with the team."""
    before = team_of(clinic)
    account = unconnected(platform)
    query = {"state": begun(clinic), "code": platform.stripe.grant(account)}

    def meanwhile(io: Io) -> None:
        if io.name == "stripe_accounts.save" and team_of(clinic) == before:
            platform.teams.save(before, becomes(before))

    with platform.seam.armed(before=meanwhile):
        assert come_back(edge, **query).status == status
    claim = platform.stripe_accounts.find(account)
    assert claim is not None
    assert claim.released_at == platform.clock()


def mixed_up(edge: Edge, clinic: Clinic, platform: Platform, state: str) -> None:
    code = platform.stripe.grant(unconnected(platform))
    refused(edge, clinic, platform, "This page was not opened by your clinic", 400, state=state, code=code)


def test_a_state_of_a_client_that_is_disabled_is_nobodys(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    state = begun(clinic)
    disable_client(platform.ctx, clinic.client_id)
    mixed_up(edge, clinic, platform, state)


def test_a_state_of_a_client_that_became_another_teams_is_nobodys(
    edge: Edge, clinic: Clinic, platform: Platform
) -> None:
    state = begun(clinic)
    client = platform.api_clients.find(clinic.client_id)
    assert client is not None
    platform.api_clients.save(client, replace(client, team_id=platform.team.team_id))
    mixed_up(edge, clinic, platform, state)


def test_a_state_of_a_team_that_was_deleted_is_nobodys(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    state = begun(clinic)
    clinic.change_team(deleted_at=NOON)
    mixed_up(edge, clinic, platform, state)


def test_other_tokens_of_ours_are_no_states(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    refresh = str(clinic.ask_token().json()["refresh_token"])
    new = start(clinic, {"account": "new"}).json()["url"]
    for token in (clinic.access_token, refresh, new.rpartition("/")[2], ""):
        mixed_up(edge, clinic, platform, token)


# --- Stripe or the database does not answer -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/oauth/token", "/v1/accounts"])
@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after", "500", "429"])
def test_where_stripe_does_not_answer_the_page_says_so_and_beginning_anew_works(
    edge: Edge, clinic: Clinic, platform: Platform, path: str, kind: str
) -> None:
    account = unconnected(platform)
    query = {"state": begun(clinic), "code": platform.stripe.grant(account)}
    platform.stripe.fail_next(kind, 2, path_prefix=path)
    page = come_back(edge, **query)
    assert page.status == 503
    assert "Stripe did not answer" in page.body
    platform.stripe.clear_faults()
    assert come_back(edge, state=begun(clinic), code=platform.stripe.grant(account)).status == 200
    assert team_of(clinic).can_charge()


def test_it_can_die_at_every_step_and_beginning_anew_connects_it(
    edge: Edge, clinic: Clinic, platform: Platform
) -> None:
    account, deaths = unconnected(platform), 0
    while True:
        steps = iter(range(99))

        def die(io: Io, dies_at: int = deaths) -> None:
            if next(steps) == dies_at:  # noqa: B023 (called before the next round)
                raise RuntimeError(io.name)

        before = team_of(clinic)
        platform.teams.save(before, replace(before, accounts=()))
        state, code = begun(clinic), platform.stripe.grant(account)
        with platform.seam.armed(after=die):
            page = come_back(edge, state=state, code=code)
        if page.status == 200:
            break
        deaths += 1
        again = come_back(edge, state=begun(clinic), code=platform.stripe.grant(account))
        assert again.status == 200
        assert team_of(clinic).can_charge()
    assert deaths >= 8


# --- every parameter, mutated -------------------------------------------------------------------------------------


def mutations(text: str) -> list[str]:
    third = len(text) // 3
    return [
        "",
        text[:-1],
        text + "x",
        text.upper(),
        text[third:],
        text[:third] + ("A" if text[third] != "A" else "B") + text[third + 1 :],
        text.replace(".", ""),
        text.replace(".", "..", 1),
        f" {text}",
        f"{text}\u0000",
        "../../" + text,
        "%00",
        "null",
        "x" * 8000,
    ]


def test_no_mutation_of_a_state_connects_anything_or_is_an_error_of_ours(
    edge: Edge, clinic: Clinic, platform: Platform
) -> None:
    state, kept = begun(clinic), Kept(platform, clinic)
    code = platform.stripe.grant(unconnected(platform))
    for mutated in mutations(state):
        for path in (CALLBACK, "/stripe/connect/return", "/stripe/connect/refresh"):
            for query in ({"state": mutated, "code": code}, {"state": mutated}, {"state": mutated, "error": "x"}):
                reply = come_back(edge, path, **query)
                assert reply.status == 400, (mutated, reply.body)
        kept.check()
    assert come_back(edge, state=state, code=code).status == 200, "none of them used it up"


def test_whose_state_it_is_cannot_be_written_into_it(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    head, body, tag = begun(clinic).split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    for name, value in (
        ("team_id", platform.team.team_id),
        ("sub", "another"),
        ("jti", "0" * 32),
        ("exp", 9_999_999_999),
        ("aud", "anteroom"),
        ("account", platform.account),
    ):
        written = base64.urlsafe_b64encode(json.dumps({**claims, name: value}).encode()).rstrip(b"=").decode()
        mixed_up(edge, clinic, platform, f"{head}.{written}.{tag}")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    mixed_up(edge, clinic, platform, f"{none}.{body}.")


def test_nothing_of_the_way_back_is_logged_or_cached(
    edge: Edge, clinic: Clinic, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    state, code = begun(clinic), platform.stripe.grant(unconnected(platform))
    with caplog.at_level("INFO"):
        page = come_back(edge, state=state, code=code)
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-robots-tag"].startswith("noindex")
    written = " ".join(str(vars(record)) for record in caplog.records)
    assert state not in written
    assert code not in written


def test_head_uses_nothing_up(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    query = {"state": begun(clinic), "code": platform.stripe.grant(unconnected(platform))}
    kept = Kept(platform, clinic)
    assert edge.request("HEAD", f"{CALLBACK}?{urlencode(query)}").status == 400
    kept.check()
    assert come_back(edge, **query).status == 200
