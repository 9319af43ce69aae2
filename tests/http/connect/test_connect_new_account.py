"""An account that the platform makes for a clinic: its staff fill it in on Stripe's pages, leave, come back, go on."""

from __future__ import annotations

from urllib.parse import urlsplit

from chalicelib.domain.accounts import disconnected
from chalicelib.domain.teams import Team
from tests.http.connect.connecting import begun, come_back, query_of, start, team_of
from tests.support.clinic import Clinic, fingerprint
from tests.support.edge import Edge, Reply
from tests.support.platform import Platform
from tests.support.world import PUBLIC_URL

RETURN, REFRESH = "/stripe/connect/return", "/stripe/connect/refresh"


def new(clinic: Clinic) -> str:
    """Stripe's page for the staff."""
    reply = start(clinic, {"account": "new"})
    assert reply.status == 200, reply.body
    return str(reply.json()["url"])


def account_of(clinic: Clinic) -> str:
    (account,) = team_of(clinic).accounts
    return str(account.stripe_account_id)


def state_of(url: str) -> str:
    return query_of(url)["state"]


def back(edge: Edge, url: str) -> Reply:
    parts = urlsplit(url)
    assert url.startswith(f"{PUBLIC_URL}/stripe/connect/")
    return edge.get(f"{parts.path}?{parts.query}", Accept="text/html")


def test_an_account_is_made_claimed_and_cannot_charge_yet(clinic: Clinic, platform: Platform) -> None:
    assert new(clinic).startswith("https://pay.example/setup/")
    account = account_of(clinic)
    (shown,) = clinic.ask("GET", "/v1/stripe/account").json()["accounts"]
    assert (shown["connected"], shown["charges_enabled"], shown["details_submitted"]) == (True, False, False)
    assert shown["attention"] == "Stripe still needs details of the clinic; go on connecting it."
    claim = platform.stripe_accounts.find(account)
    assert claim is not None
    assert claim.team_id == clinic.team.team_id
    made = platform.books_of(account)["account"]
    assert made["metadata"] == {"anteroom_team": clinic.team.team_id}
    assert made["controller"]["is_controller"] is True


def test_asking_again_goes_on_with_the_same_account(clinic: Clinic) -> None:
    first, second = new(clinic), new(clinic)
    assert first != second, "each of Stripe's pages is good once"
    assert len(team_of(clinic).accounts) == 1


def test_a_process_that_died_after_stripe_made_it_makes_no_second(clinic: Clinic, platform: Platform) -> None:
    before = len(platform.stripe.snapshot()["accounts"])
    platform.stripe.fail_next("timeout_after", 2, path_prefix="/v1/accounts")
    assert start(clinic, {"account": "new"}).status == 503
    new(clinic)
    assert len(platform.stripe.snapshot()["accounts"]) == before + 1


def test_an_error_that_stripe_repeats_under_its_key_is_over_within_the_hour(clinic: Clinic, platform: Platform) -> None:
    """https://docs.stripe.com/api/idempotent_requests: a 500 is replayed, too."""
    platform.stripe.fail_next("500", 1, path_prefix="/v1/accounts")
    assert start(clinic, {"account": "new"}).status == 503
    platform.clock.advance(hours=1)
    clinic.access_token = str(clinic.ask_token().json()["access_token"])
    assert start(clinic, {"account": "new"}).status == 200


def returned(edge: Edge, clinic: Clinic) -> tuple[str, str]:
    """The addresses that Stripe's page leads back to: when its reader is done or leaves, and when it is too old."""
    new(clinic)
    page = list(edge.world.stripe._world.setups.values())[-1]
    return page.return_url, page.refresh_url


def test_who_has_filled_it_in_can_be_paid(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    return_url, _ = returned(edge, clinic)
    platform.stripe.set_webhooks("drop")
    platform.stripe.finish_onboarding(account_of(clinic))
    page = back(edge, return_url)
    assert (page.status, "The clinic can take payments from now on." in page.body) == (200, True)
    assert team_of(clinic).can_charge()


def test_who_leaves_before_the_end_is_told_and_can_go_on(edge: Edge, clinic: Clinic) -> None:
    return_url, refresh_url = returned(edge, clinic)
    page = back(edge, return_url)
    assert (page.status, "Almost done" in page.body) == (200, True)
    assert f"{PUBLIC_URL}{REFRESH}?state=" in page.body
    onwards = back(edge, refresh_url)
    assert onwards.status == 303
    assert onwards.headers["location"].startswith("https://pay.example/setup/")
    assert not team_of(clinic).can_charge()


def test_what_the_webhook_tells_first_is_what_the_page_says(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    return_url, _ = returned(edge, clinic)
    platform.stripe.finish_onboarding(account_of(clinic))
    edge.deliver_webhooks()
    assert team_of(clinic).can_charge()
    assert "Your Stripe account is connected" in back(edge, return_url).body


def test_a_page_of_stripes_that_is_too_old_is_replaced_for_a_day_and_no_longer(
    edge: Edge, clinic: Clinic, platform: Platform
) -> None:
    return_url, refresh_url = returned(edge, clinic)
    platform.clock.advance(hours=23, minutes=59)
    assert back(edge, refresh_url).status == 303
    newest = list(platform.stripe._world.setups.values())[-1].refresh_url
    platform.clock.advance(minutes=1)
    for url in (return_url, refresh_url, newest):
        assert back(edge, url).status == 410


def gone(team: Team, account: str, platform: Platform) -> Team:
    return disconnected(team, account, platform.clock())


def test_the_way_back_to_an_account_that_is_gone_is_closed(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    return_url, refresh_url = returned(edge, clinic)
    account = account_of(clinic)
    before = team_of(clinic)
    platform.teams.save(before, gone(before, account, platform))
    for url in (return_url, refresh_url):
        assert back(edge, url).status == 400


def test_looking_at_the_way_back_changes_nothing_by_head(edge: Edge, clinic: Clinic, platform: Platform) -> None:
    return_url, refresh_url = returned(edge, clinic)
    platform.stripe.set_webhooks("drop")
    platform.stripe.finish_onboarding(account_of(clinic))
    before = fingerprint(platform)
    for url in (return_url, refresh_url):
        parts = urlsplit(url)
        assert edge.request("HEAD", f"{parts.path}?{parts.query}").status == 400
    assert fingerprint(platform) == before


def test_the_two_kinds_of_state_are_not_taken_for_each_other(edge: Edge, clinic: Clinic) -> None:
    return_url, _ = returned(edge, clinic)
    assert come_back(edge, state=state_of(return_url), code="ac_1").status == 400
    oauth = begun(clinic)
    for path in (RETURN, REFRESH):
        assert come_back(edge, path, state=oauth).status == 400


def test_its_owner_cannot_disconnect_it_and_the_clinic_can(clinic: Clinic, platform: Platform) -> None:
    new(clinic)
    account = account_of(clinic)
    reply = clinic.ask("DELETE", "/v1/stripe/account")
    assert reply.status == 200
    (shown,) = reply.json()["accounts"]
    assert (shown["account_id"], shown["connected"]) == (account, False)
    assert not platform.books_of(account)["authorized"]
