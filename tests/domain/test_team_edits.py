"""What an operator changes of a team, what stays, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.accounts import UnknownAccountError
from chalicelib.domain.money import UnknownCurrencyError
from chalicelib.domain.team_edits import TeamEdit, edit_team, resumed, suspended
from chalicelib.domain.teams import (
    InvalidOriginError,
    PayeeAccount,
    Plan,
    RefusedMethod,
    RoomSettings,
    Team,
    TeamNameError,
    TeamSettingError,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OWN = PayeeAccount(None, is_default=False)
FIRST = PayeeAccount("acct_1")
KIWI = PayeeAccount("acct_2", is_default=False, default_currency="nzd")
TEAM = Team(
    "team-1",
    "Riverside Clinic",
    NOON,
    Plan.ENTERPRISE,
    fee_basis_points=90,
    more_currencies=("usd",),
    delayed_methods=("au_becs_debit",),
    host_lead=timedelta(minutes=15),
    guest_lead=timedelta(minutes=5),
    accounts=(OWN, FIRST, KIWI),
    frame_ancestors=("https://clinic.example",),
    allowed_origins=("https://clinic.example",),
    room=RoomSettings("template", "https://rooms.example", "r" * 32),
)


@pytest.mark.parametrize(
    ("edit", "refused"),
    [
        (TeamEdit(fee_basis_points=90), [False, False]),
        (TeamEdit(fee_basis_points=None), [False, False]),
        (TeamEdit(name="Bay Road Clinic"), [True, False]),
    ],
)
def test_whoever_sets_the_rate_has_the_fee_tried_again_where_stripe_refused_it(
    edit: TeamEdit, refused: list[bool]
) -> None:
    team = replace(TEAM, accounts=(replace(FIRST, fee_refused=True), KIWI))
    assert [one.fee_refused for one in edit_team(team, edit).accounts] == refused


@pytest.mark.parametrize(
    ("edit", "changed"),
    [
        (TeamEdit(), {}),
        (TeamEdit(name=" Bay Road Clinic "), {"name": "Bay Road Clinic"}),
        (TeamEdit(plan=Plan.ESSENTIALS), {"plan": Plan.ESSENTIALS}),
        (TeamEdit(scheduling_add_on=True), {"scheduling_add_on": True}),
        (TeamEdit(fee_basis_points=0), {"fee_basis_points": 0}),
        (TeamEdit(fee_basis_points=None), {"fee_basis_points": None}),
        (TeamEdit(default_currency="nzd"), {"default_currency": "nzd"}),
        (TeamEdit(more_currencies=("nzd", "jpy", "nzd")), {"more_currencies": ("nzd", "jpy")}),
        (TeamEdit(more_currencies=()), {"more_currencies": ()}),
        (TeamEdit(host_lead=timedelta(0)), {"host_lead": timedelta(0)}),
        (TeamEdit(guest_lead=timedelta(hours=1)), {"guest_lead": timedelta(hours=1)}),
        (TeamEdit(delayed_methods=("sepa_debit",)), {"delayed_methods": ("sepa_debit",)}),
        (TeamEdit(delayed_methods=()), {"delayed_methods": ()}),
        (
            TeamEdit(frame_ancestors=("https://A.example", "https://a.example")),
            {"frame_ancestors": ("https://a.example",)},
        ),
        (
            TeamEdit(default_account=None),
            {"accounts": (replace(OWN, is_default=True), replace(FIRST, is_default=False), KIWI)},
        ),
    ],
)
def test_what_is_named_changes_and_nothing_else(edit: TeamEdit, changed: dict[str, object]) -> None:
    assert edit_team(TEAM, edit) == replace(TEAM, **changed)  # type: ignore[arg-type]


def test_another_default_account_brings_its_currency() -> None:
    edited = edit_team(TEAM, TeamEdit(default_account="acct_2"))
    assert edited.payee(None) == replace(KIWI, is_default=True)
    assert (edited.default_currency, edited.more_currencies) == ("nzd", ("usd",))


def test_a_currency_that_the_default_account_would_take_back_is_refused() -> None:
    with pytest.raises(TeamSettingError, match=r"^the default account is paid in nzd.*; usd may be taken beside it$"):
        edit_team(TEAM, TeamEdit(default_account="acct_2", default_currency="usd"))
    assert edit_team(TEAM, TeamEdit(default_account="acct_2", default_currency="nzd")).default_currency == "nzd"


def test_an_account_that_is_gone_tells_no_currency_and_none_at_all_neither() -> None:
    gone = replace(KIWI, is_default=True, disconnected_at=NOON)
    assert edit_team(replace(TEAM, accounts=(gone,)), TeamEdit(default_currency="usd")).default_currency == "usd"
    assert edit_team(replace(TEAM, accounts=()), TeamEdit(default_currency="usd")).default_currency == "usd"


@pytest.mark.parametrize(
    ("edit", "error"),
    [
        (TeamEdit(name=" "), TeamNameError),
        (TeamEdit(fee_basis_points=10_001), TeamSettingError),
        (TeamEdit(default_currency="xxx"), UnknownCurrencyError),
        (TeamEdit(more_currencies=("nzd", "xxx")), UnknownCurrencyError),
        (TeamEdit(host_lead=timedelta(hours=25)), TeamSettingError),
        (TeamEdit(guest_lead=timedelta(hours=25)), TeamSettingError),
        (TeamEdit(delayed_methods=("card",)), TeamSettingError),
        (TeamEdit(frame_ancestors=("*",)), InvalidOriginError),
        (TeamEdit(default_account="acct_3"), UnknownAccountError),
    ],
)
def test_what_cannot_be_is_refused(edit: TeamEdit, error: type[Exception]) -> None:
    with pytest.raises(error):
        edit_team(TEAM, edit)


def test_what_stays_is_not_checked_again() -> None:
    older = replace(TEAM, host_lead=timedelta(hours=48), delayed_methods=("of_yesterday",))
    assert edit_team(older, TeamEdit(name="Newer")) == replace(older, name="Newer")


def test_a_suspension_ends_as_it_began() -> None:
    assert suspended(TEAM) == replace(TEAM, suspended=True)
    assert resumed(suspended(TEAM)) == TEAM


def test_methods_chosen_anew_are_offered_again_also_those_that_stripe_refused() -> None:
    refused = (RefusedMethod("au_becs_debit", NOON),)
    team = replace(TEAM, accounts=(OWN, replace(FIRST, refused_methods=refused)))
    assert edit_team(team, TeamEdit(name="Bay Road Clinic")).accounts == team.accounts
    assert edit_team(team, TeamEdit(delayed_methods=("au_becs_debit",))).accounts == (OWN, FIRST)
