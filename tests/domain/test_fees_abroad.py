"""The platform's fee abroad: across which borders Stripe takes it, and what becomes of a fee where it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.accounts import AccountSeen, connected, refreshed, under_platform, with_fee_refused
from chalicelib.domain.fees_abroad import names_fee, takes_fee
from chalicelib.domain.offers import share_of
from chalicelib.domain.refusals import Refusal
from chalicelib.domain.sessions import Fee
from chalicelib.domain.teams import ChargeBar, PayeeAccount, Team

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TEAM = Team("team-1", "Riverside Clinic", NOON)
ABROAD = PayeeAccount("acct_1", country="BR", platform_country="US")
FEE = Fee(8000, "aud")
FEE_PARAM = "payment_intent_data[application_fee_amount]"


def paid_on(*accounts: PayeeAccount) -> Team:
    return replace(TEAM, accounts=accounts)


def seen(country: str | None, platform: str | None, account_id: str | None = "acct_1") -> AccountSeen:
    return AccountSeen(
        account_id,
        charges_enabled=True,
        details_submitted=True,
        is_controlled=False,
        disabled_reason=None,
        country=country,
        default_currency=None,
        platform_country=platform,
    )


@pytest.mark.parametrize("country", ["BR", "IN", "MX", "MY", "SG", "TH"])
def test_accounts_of_these_countries_pay_a_platform_of_their_own_country_alone(country: str) -> None:
    assert not takes_fee("US", country)
    assert takes_fee(country, country)
    assert takes_fee(None, country)
    assert takes_fee(country, "US")


@pytest.mark.parametrize("country", ["AU", "US", "NZ", "GB", "HK", None])
def test_accounts_of_other_countries_and_of_one_not_known_pay_it(country: str | None) -> None:
    assert takes_fee("US", country)
    assert takes_fee("SG", country)


@pytest.mark.parametrize(
    ("code", "param", "names"),
    [
        (None, "application_fee_amount", True),
        (None, FEE_PARAM, True),
        ("parameter_invalid_integer", FEE_PARAM, True),
        ("charge_invalid_parameter", None, True),
        ("application_fees_not_allowed", None, True),
        ("charge_invalid_parameter", "currency", False),
        ("parameter_unknown", "application_fee_amount", False),
        ("parameter_unknown", FEE_PARAM, False),
        ("amount_too_small", None, False),
        (None, None, False),
        (None, "payment_method_types", False),
    ],
)
def test_a_refusal_names_the_fee_by_its_parameter_or_by_a_code_alone(
    code: str | None, param: str | None, *, names: bool
) -> None:
    assert names_fee(Refusal(code, param)) is names


@pytest.mark.parametrize(
    ("account", "pays", "share"),
    [
        (ABROAD, False, 0),
        (replace(ABROAD, country="NZ"), True, 120),
        (replace(ABROAD, platform_country=None), True, 120),
        (replace(ABROAD, country="NZ", fee_refused=True), False, 0),
        (replace(ABROAD, stripe_account_id=None, country="NZ"), False, 0),
    ],
)
def test_the_platform_has_a_share_where_stripe_takes_one(account: PayeeAccount, share: int, *, pays: bool) -> None:
    assert account.pays_platform_fee is pays
    assert share_of(FEE, paid_on(account), 150) == share


def test_each_payee_is_judged_by_its_own_account() -> None:
    team = paid_on(ABROAD, PayeeAccount("acct_2", is_default=False, country="US", platform_country="US"))
    assert share_of(FEE, team, 150) == 0
    assert share_of(replace(FEE, payee="acct_2"), team, 150) == 120
    assert share_of(replace(FEE, payee="acct_9"), team, 150) == 120
    assert share_of(FEE, TEAM, 150) == 0


def test_scheduling_is_barred_only_where_a_share_is_wanted_and_cannot_be_had() -> None:
    assert paid_on(ABROAD).scheduling_bar(None, 150) is ChargeBar.FEE_ABROAD
    assert paid_on(ABROAD).scheduling_bar("acct_1", 1) is ChargeBar.FEE_ABROAD
    assert paid_on(ABROAD).scheduling_bar(None, 0) is None
    assert paid_on(replace(ABROAD, country="US")).scheduling_bar(None, 150) is None
    assert paid_on(PayeeAccount(None)).scheduling_bar(None, 150) is None
    assert TEAM.scheduling_bar(None, 150) is None


def test_nobody_is_turned_away_at_the_door_for_the_platforms_fee() -> None:
    assert paid_on(ABROAD).can_charge()
    assert paid_on(replace(ABROAD, fee_refused=True)).can_charge()


def test_the_platforms_country_is_kept_with_the_account_and_stays_where_it_was_not_asked() -> None:
    team = connected(TEAM, seen("BR", "US"), NOON)
    assert not team.accounts[0].pays_platform_fee
    assert refreshed(team, seen("BR", None), NOON) == team
    assert refreshed(team, seen("BR", "BR"), NOON).accounts[0].pays_platform_fee


def test_every_connected_account_learns_the_platforms_country() -> None:
    own = PayeeAccount(None, is_default=False)
    team = under_platform(paid_on(PayeeAccount("acct_1", country="BR"), own), "US")
    assert team.accounts == (ABROAD, own)
    assert under_platform(team, "US") == team
    refused = with_fee_refused(team, "acct_1")
    assert under_platform(refused, "US") == refused
    assert under_platform(refused, "GB").accounts[0] == replace(ABROAD, platform_country="GB")


def test_a_refused_fee_is_remembered_of_that_account_until_a_country_changes() -> None:
    other = PayeeAccount("acct_2", is_default=False)
    team = with_fee_refused(paid_on(replace(ABROAD, country="NZ"), other), "acct_1")
    assert [one.fee_refused for one in team.accounts] == [True, False]
    assert refreshed(team, seen("NZ", "US"), NOON).accounts[0].fee_refused
    assert refreshed(team, seen("NZ", None), NOON).accounts[0].fee_refused
    assert not refreshed(team, seen("GB", None), NOON).accounts[0].fee_refused
    assert not refreshed(team, seen("NZ", "GB"), NOON).accounts[0].fee_refused
    assert not refreshed(team, seen("NZ", "US", "acct_2"), NOON).accounts[1].fee_refused
