"""Connecting a clinic's Stripe account as its staff and its software do it; and each way in which it is refused."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from chalicelib.domain.accounts import MOST_ACCOUNTS
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.flows.enrol import disable_client
from tests.support.clinic import Clinic, fields_of, fingerprint
from tests.support.edge import Edge, Reply
from tests.support.platform import OAUTH_ID, Platform, platform_settings
from tests.support.seam import Io
from tests.support.world import NOON, PUBLIC_URL, World

CALLBACK = "/stripe/connect/callback"


@pytest.fixture
def world() -> Platform:
    return Platform()


@pytest.fixture
def platform(world: Platform) -> Platform:
    return world


@pytest.fixture
def clinic(edge: Edge) -> Clinic:
    """One that has just been made: it has no account."""
    made = Clinic(edge)
    made.change_team(accounts=())
    return made


def start(clinic: Clinic, content: object = None) -> Reply:
    return clinic.ask("POST", "/v1/stripe/connect", content)


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def begun(clinic: Clinic) -> str:
    """The state that the clinic's staff take to Stripe."""
    return query_of(start(clinic).json()["url"])["state"]


def come_back(edge: Edge, path: str = CALLBACK, **query: str) -> Reply:
    return edge.get(f"{path}?{urlencode(query)}", Accept="text/html")


def come_back_as_script(edge: Edge, **query: str) -> Reply:
    return edge.get(f"{CALLBACK}?{urlencode(query)}", Accept="application/json")


def team_of(clinic: Clinic) -> Team:
    return clinic.edge.world.teams.get(clinic.team.team_id)


def unconnected(platform: Platform, name: str = "Bay Road Pty Ltd") -> str:
    """An account that somebody has at Stripe."""
    return platform.stripe.create_account(name, connected=False)


@dataclass
class Kept:
    """All that a refused callback must leave as it is."""

    platform: Platform
    clinic: Clinic

    def __post_init__(self) -> None:
        self.before = self.now()

    def now(self) -> tuple[str, list[tuple[str, str]]]:
        texts = sorted(self.platform.teams._texts.items())
        return repr(texts), sorted(self.platform.stripe_accounts._texts.items())

    def check(self) -> None:
        assert self.now() == self.before


# --- the way there ------------------------------------------------------------------------------------------------


def test_the_clinics_software_is_told_where_its_staff_go(clinic: Clinic) -> None:
    reply = start(clinic)
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    url = reply.json()["url"]
    assert url.startswith("https://connect.stripe.com/oauth/authorize?")
    asked = query_of(url)
    assert asked.pop("state").count(".") == 2
    assert asked == {
        "response_type": "code",
        "client_id": OAUTH_ID,
        "scope": "read_write",
        "redirect_uri": f"{PUBLIC_URL}{CALLBACK}",
    }


def test_under_a_key_a_repetition_is_another_way_to_the_same_and_another_body_is_refused(clinic: Clinic) -> None:
    replies = [clinic.ask("POST", "/v1/stripe/connect", {"account": "existing"}, Idempotency_Key="k") for _ in "ab"]
    assert [reply.status for reply in replies] == [200, 200]
    assert [reply.headers.get("idempotent-replayed") for reply in replies] == [None, "true"]
    assert clinic.ask("POST", "/v1/stripe/connect", {"account": "new"}, Idempotency_Key="k").status == 422


def test_asking_for_it_keeps_nothing_and_asks_nobody(clinic: Clinic, platform: Platform) -> None:
    before = fingerprint(platform)
    with platform.seam.counted() as spent:
        states = {begun(clinic) for _ in range(3)}
    assert len(states) == 3
    assert (spent().writes, spent().stripe) == (0, 0)
    assert fingerprint(platform) == before


@pytest.mark.parametrize("content", [None, {}, {"account": None}, {"account": "existing"}])
def test_an_account_that_the_clinic_has_is_the_usual_one(clinic: Clinic, content: object) -> None:
    assert "/oauth/authorize" in start(clinic, content).json()["url"]


@pytest.mark.parametrize("named", ["old", "", "NEW", 1, ["new"]])
def test_another_kind_of_account_is_422(clinic: Clinic, named: object) -> None:
    reply = start(clinic, {"account": named})
    assert (reply.status, fields_of(reply)) == (422, ["account"])


def test_a_misspelt_field_is_refused_since_it_is_about_money(clinic: Clinic) -> None:
    assert fields_of(start(clinic, {"acount": "new"})) == ["acount"]


def test_without_oauth_an_existing_account_is_409_and_a_new_one_the_usual() -> None:
    clinic = Clinic(Edge(Platform(platform_settings(stripe_client_id=None))))
    assert "/setup/" in start(clinic).json()["url"]
    reply = start(clinic, {"account": "existing"})
    assert reply.status == 409
    assert '{"account": "new"}' in reply.json()["detail"]


def test_one_clinics_own_deployment_connects_nothing() -> None:
    clinic = Clinic(Edge(World()))
    for content in (None, {"account": "new"}):
        reply = start(clinic, content)
        assert reply.status == 409
        assert "on its own Stripe account" in reply.json()["detail"]


# --- the way back -------------------------------------------------------------------------------------------------


def test_a_granted_account_is_connected_and_the_page_says_what_is_next(
    edge: Edge, clinic: Clinic, platform: Platform
) -> None:
    account = unconnected(platform)
    page = come_back(edge, state=begun(clinic), code=platform.stripe.grant(account), scope="read_write")
    assert page.status == 200
    assert "Your Stripe account is connected" in page.body
    assert "The clinic can take payments from now on." in page.body
    assert clinic.team.name in page.body
    assert account not in page.body
    assert team_of(clinic).accounts == (PayeeAccount(account, country="AU", default_currency="aud", connected_at=NOON),)
    assert clinic.schedule({"fee": {"amount": 8000, "currency": "aud"}}).status == 200


def test_the_clinics_software_sees_it_at_once(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    assert clinic.ask("GET", "/v1/stripe/account").json() == {"accounts": []}
    account = unconnected(platform)
    shown = come_back_as_script(edge, state=begun(clinic), code=platform.stripe.grant(account)).json()
    expected = {
        "account_id": account,
        "is_default": True,
        "connected": True,
        "charges_enabled": True,
        "details_submitted": True,
        "disabled_reason": None,
        "country": "AU",
        "default_currency": "aud",
        "connected_at": "2026-03-02T12:00:00.000Z",
        "disconnected_at": None,
        "attention": None,
    }
    assert shown == expected
    assert clinic.ask("GET", "/v1/stripe/account").json() == {"accounts": [expected]}


def test_it_is_audited_by_the_client_who_began_it(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    account = unconnected(platform)
    come_back(edge, state=begun(clinic), code=platform.stripe.grant(account))
    rows = platform.audit.between(clinic.team.team_id, NOON, NOON + timedelta(hours=1))
    told = [(entry.what, entry.who, entry.about) for row in rows for entry in row.entries]
    assert ("account_connected", f"api_client:{clinic.client_id}", account) in told


def test_a_restricted_account_is_connected_and_the_page_says_that_stripe_looks_at_it(
    edge: Edge, clinic: Clinic, platform: Platform
) -> None:
    account = unconnected(platform)
    platform.stripe.set_charges_enabled(account, enabled=False)
    page = come_back(edge, state=begun(clinic), code=platform.stripe.grant(account))
    assert "Stripe is still checking it" in page.body
    (shown,) = clinic.ask("GET", "/v1/stripe/account").json()["accounts"]
    assert (shown["connected"], shown["charges_enabled"]) == (True, False)
    assert shown["disabled_reason"] == "requirements.past_due"
    assert "does not let it take payments" in shown["attention"]
    reply = clinic.schedule({"fee": {"amount": 8000, "currency": "aud"}})
    assert (reply.status, "see in Stripe what it asks for" in reply.json()["detail"]) == (409, True)


def test_what_it_costs(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    state, code = begun(clinic), platform.stripe.grant(unconnected(platform))
    with platform.seam.counted() as spent:
        come_back(edge, state=state, code=code)
    assert (spent().writes, spent().stripe, spent().queries) == (3, 2, 0)


def test_a_second_account_is_a_payee_and_a_fee_can_name_it(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    first, second = unconnected(platform), unconnected(platform)
    for account in (first, second):
        come_back(edge, state=begun(clinic), code=platform.stripe.grant(account))
    shown = clinic.ask("GET", "/v1/stripe/account").json()["accounts"]
    assert [(one["account_id"], one["is_default"]) for one in shown] == [(first, True), (second, False)]
    reply = clinic.schedule({"fee": {"amount": 8000, "currency": "aud", "payee": second}})
    assert reply.json()["participants"][0]["fee"]["payee"] == second


# --- refused ------------------------------------------------------------------------------------------------------


def refused(edge: Edge, clinic: Clinic, platform: Platform, headline: str, status: int, **query: str) -> None:
    kept = Kept(platform, clinic)
    page = come_back(edge, **query)
    assert (page.status, headline in page.body) == (status, True), page.body
    assert "Nothing was changed. To connect your Stripe account, start again from your own software." in page.body
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
    many = tuple(PayeeAccount(f"acct_{number}", is_default=number == 0) for number in range(MOST_ACCOUNTS))
    clinic.change_team(accounts=many)
    account = unconnected(platform)
    query = {"state": begun(clinic), "code": platform.stripe.grant(account)}
    refused(edge, clinic, platform, "as many Stripe accounts as can be kept", 409, **query)
    assert platform.stripe_accounts.find(account) is None
    assert start(clinic, {"account": "new"}).status == 409


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
