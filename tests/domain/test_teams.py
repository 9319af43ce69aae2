"""Teams: their plans, their currencies, and whether they can be paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.teams import (
    ChargeBar,
    InvalidOriginError,
    PayeeAccount,
    Plan,
    RoomSettings,
    Team,
    TeamNameError,
    TeamSettingError,
    UnknownPlanError,
    checked_basis_points,
    checked_lead,
    checked_methods,
    checked_name,
    frame_ancestor,
    plan_named,
    web_origin,
)

TEAM = Team("team-1", "Riverside Clinic", datetime(2026, 3, 2, tzinfo=UTC))
OWN = PayeeAccount(None)
FIRST = PayeeAccount("acct_1", is_default=False)
SECOND = PayeeAccount("acct_2")


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        ("essentials", Plan.ESSENTIALS),
        ("starter", Plan.ESSENTIALS),
        ("standard", Plan.STANDARD),
        ("professional", Plan.STANDARD),
        ("premium", Plan.PREMIUM),
        ("clinic", Plan.PREMIUM),
        ("enterprise", Plan.ENTERPRISE),
        ("Enterprise", Plan.ENTERPRISE),
        ("CLINIC", Plan.PREMIUM),
    ],
)
def test_plans_are_known_by_their_names_of_now_and_before(name: str, plan: Plan) -> None:
    assert plan_named(name) is plan


@pytest.mark.parametrize("name", ["", "free", "standard "])
def test_an_unknown_plan_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(UnknownPlanError) as refused:
        plan_named(name)
    assert str(refused.value) == (
        f"there is no plan {name!r}; choose one of: essentials, standard, premium, enterprise"
    )


@pytest.mark.parametrize(
    ("plan", "add_on", "may"),
    [
        (Plan.ESSENTIALS, False, False),
        (Plan.ESSENTIALS, True, True),
        (Plan.STANDARD, False, True),
        (Plan.PREMIUM, False, True),
        (Plan.ENTERPRISE, False, True),
    ],
)
def test_scheduled_sessions_are_in_every_plan_but_essentials_where_they_are_bought(
    plan: Plan, *, add_on: bool, may: bool
) -> None:
    assert replace(TEAM, plan=plan, scheduling_add_on=add_on).may_schedule is may


def test_the_add_on_is_not_bought_unless_it_is_said() -> None:
    assert not replace(TEAM, plan=Plan.ESSENTIALS).may_schedule


def test_a_team_takes_its_default_currency_and_those_on_its_list() -> None:
    team = replace(TEAM, default_currency="aud", more_currencies=("nzd", "aud"))
    assert team.currencies == {"aud", "nzd"}
    assert [team.takes(code) for code in ("aud", "nzd", "usd")] == [True, True, False]


def test_the_payee_is_the_account_named_or_the_default_one() -> None:
    team = replace(TEAM, accounts=(FIRST, SECOND))
    assert team.payee(None) is SECOND
    assert team.payee("acct_1") is FIRST
    assert team.payee("acct_2") is SECOND
    assert team.payee("acct_3") is None
    assert [team.has_account(account) for account in ("acct_1", "acct_2", "acct_3")] == [True, True, False]


def test_the_deployments_own_account_is_a_payee_without_an_id() -> None:
    team = replace(TEAM, accounts=(OWN,))
    assert team.payee(None) is OWN
    assert team.can_charge()
    assert not team.can_charge("acct_1")


@pytest.mark.parametrize(
    ("team", "payee", "can"),
    [
        (TEAM, None, False),
        (replace(TEAM, accounts=(OWN,)), None, True),
        (replace(TEAM, accounts=(OWN,), suspended=True), None, False),
        (replace(TEAM, accounts=(replace(OWN, charges_enabled=False),)), None, False),
        (replace(TEAM, accounts=(FIRST,)), None, False),  # none is the default
        (replace(TEAM, accounts=(FIRST, SECOND)), "acct_1", True),
        (replace(TEAM, accounts=(replace(FIRST, charges_enabled=False), SECOND)), "acct_1", False),
        (replace(TEAM, accounts=(replace(FIRST, charges_enabled=False), SECOND)), None, True),
        (replace(TEAM, accounts=(FIRST, SECOND)), "acct_3", False),
    ],
)
def test_a_team_can_charge_on_an_account_that_can_and_while_it_is_not_suspended(
    team: Team, payee: str | None, *, can: bool
) -> None:
    assert team.can_charge(payee) is can


GONE = PayeeAccount("acct_3", is_default=False, disconnected_at=datetime(2026, 3, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    ("team", "payee", "bar"),
    [
        (replace(TEAM, accounts=(SECOND,)), None, None),
        (replace(TEAM, accounts=(SECOND,), suspended=True), None, ChargeBar.SUSPENDED),
        (replace(TEAM, accounts=(), suspended=True), None, ChargeBar.SUSPENDED),
        (TEAM, None, ChargeBar.NO_ACCOUNT),
        (replace(TEAM, accounts=(SECOND,)), "acct_9", ChargeBar.NO_ACCOUNT),
        (replace(TEAM, accounts=(SECOND, GONE)), "acct_3", ChargeBar.DISCONNECTED),
        (replace(TEAM, accounts=(replace(GONE, is_default=True),)), None, ChargeBar.DISCONNECTED),
        (replace(TEAM, accounts=(replace(SECOND, charges_enabled=False),)), None, ChargeBar.RESTRICTED),
    ],
)
def test_why_a_team_cannot_charge_is_told(team: Team, payee: str | None, bar: ChargeBar | None) -> None:
    assert team.charge_bar(payee) is bar
    assert team.can_charge(payee) is (bar is None)


def test_an_account_that_was_disconnected_is_known_and_not_had() -> None:
    team = replace(TEAM, accounts=(SECOND, GONE))
    assert team.account("acct_3") is GONE
    assert team.payee("acct_3") is GONE
    assert not team.has_account("acct_3")
    assert team.account(None) is None


def test_the_key_of_a_room_does_not_show_when_a_team_is_printed() -> None:
    room = RoomSettings("template", "https://rooms.example/{token}", "a secret of at least 32 bytes ..")
    assert "secret" not in repr(replace(TEAM, room=room))


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://clinic.example", "https://clinic.example"),
        ("https://Clinic.EXAMPLE:443", "https://clinic.example"),
        ("https://clinic.example:80", "https://clinic.example:80"),
        ("https://clinic.example:8443", "https://clinic.example:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
    ],
)
def test_an_origin_is_kept_as_browsers_write_it(text: str, origin: str) -> None:
    assert web_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "clinic.example",
        "http://clinic.example",
        "https://clinic.example/",
        "https://clinic.example:0",
        "https://clinic.example:123456",
        "https://clinic.example\n",
        "https://-clinic.example",
        "https://user@clinic.example",
    ],
)
def test_what_is_no_origin_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(
        InvalidOriginError, match=r"^an origin is https://host\[:port\] without a path, or http://local"
    ):
        web_origin(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://Clinic.example", "https://clinic.example"),
        ("https://clinic.example:443", "https://clinic.example"),
        ("https://*.Clinic.example:8443", "https://*.clinic.example:8443"),
        ("http://localhost:3000", "http://localhost:3000"),
    ],
)
def test_who_may_frame_a_link_is_a_site_or_every_name_below_it(text: str, kept: str) -> None:
    assert frame_ancestor(text) == kept


@pytest.mark.parametrize(
    "text",
    ["*", "https://*", "https://*.", "http://*.localhost", "https://*.*.example", "https://a.example; img-src *"],
)
def test_what_could_be_more_than_a_site_frames_nothing(text: str) -> None:
    with pytest.raises(InvalidOriginError):
        frame_ancestor(text)


def test_a_teams_name_is_kept_without_the_spaces_around_it() -> None:
    assert checked_name("  Bay Road Clinic ") == "Bay Road Clinic"
    assert checked_name("x" * 200) == "x" * 200


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "two\nlines"])
def test_what_cannot_be_printed_is_no_name(name: str) -> None:
    with pytest.raises(TeamNameError, match=r"^a team's name is 1 to 200 printable characters$"):
        checked_name(name)


@pytest.mark.parametrize("rate", [None, 0, 1, 10_000])
def test_a_platform_fee_is_up_to_all_of_the_fee_or_the_plans(rate: int | None) -> None:
    assert checked_basis_points(rate) == rate


@pytest.mark.parametrize("rate", [-1, 10_001])
def test_a_platform_fee_beyond_the_fee_is_refused(rate: int) -> None:
    with pytest.raises(TeamSettingError, match=r"^a platform fee is 0 to 10000 basis points$"):
        checked_basis_points(rate)


@pytest.mark.parametrize("lead", [timedelta(0), timedelta(minutes=10), timedelta(hours=24)])
def test_people_may_enter_up_to_a_day_before_the_start(lead: timedelta) -> None:
    assert checked_lead(lead) == lead


@pytest.mark.parametrize("lead", [timedelta(minutes=-1), timedelta(hours=24, minutes=1)])
def test_nobody_enters_after_the_start_by_a_setting_or_days_before(lead: timedelta) -> None:
    with pytest.raises(TeamSettingError, match=r"^people enter 0 to 1440 minutes before the start$"):
        checked_lead(lead)


def test_delayed_methods_are_those_of_checkout_each_once() -> None:
    every = ["acss_debit", "au_becs_debit", "bacs_debit", "nz_bank_account", "sepa_debit", "us_bank_account"]
    assert checked_methods([*every, "acss_debit"]) == tuple(every)
    assert checked_methods([]) == ()
    with pytest.raises(TeamSettingError, match=r"^delayed payment methods are: acss_debit, au_becs_debit, bacs_debit"):
        checked_methods(["au_becs_debit", "card"])
