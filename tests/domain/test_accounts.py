"""The Stripe accounts of a team: which one is charged on, what Stripe says of it, and what is kept of those gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.accounts import (
    MOST_ACCOUNTS,
    AccountSeen,
    TooManyAccountsError,
    UnknownAccountError,
    check_room,
    connected,
    disconnected,
    fee_tried_again,
    made_default,
    methods_refused,
    methods_tried_again,
    refreshed,
    unfinished,
)
from chalicelib.domain.teams import ChargeBar, PayeeAccount, RefusedMethod, Team

NOON = datetime(2026, 3, 2, 12, 0, 0, 500_000, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
TEAM = Team("team-1", "Riverside Clinic", NOON)


def seen(account_id: str | None = "acct_1", **says: Any) -> AccountSeen:
    able = AccountSeen(
        account_id,
        charges_enabled=True,
        details_submitted=True,
        is_controlled=False,
        disabled_reason=None,
        country="NZ",
        default_currency="nzd",
    )
    return replace(able, **says)


def defaults(team: Team) -> dict[str | None, bool]:
    return {account.stripe_account_id: account.is_default for account in team.accounts}


# --- connecting ---------------------------------------------------------------------------------------------------


def test_the_first_account_is_the_default_and_fees_are_in_its_currency() -> None:
    team = connected(TEAM, seen(), NOON)
    account = PayeeAccount("acct_1", country="NZ", default_currency="nzd", connected_at=NOON, reconciled_until=NOON)
    assert team.accounts == (account,)
    assert team.default_currency == "nzd"
    assert team.can_charge()


def test_a_second_account_is_a_payee_beside_the_default() -> None:
    team = connected(connected(TEAM, seen(), NOON), seen("acct_2", default_currency="usd"), LATER)
    assert defaults(team) == {"acct_1": True, "acct_2": False}
    assert defaults(connected(team, seen("acct_3"), LATER)) == {"acct_1": True, "acct_2": False, "acct_3": False}
    assert team.default_currency == "nzd"
    assert team.can_charge("acct_2")


def test_an_account_connected_again_is_the_same_one_with_what_stripe_says_now() -> None:
    team = connected(TEAM, seen(), NOON)
    again = connected(team, seen(charges_enabled=False, disabled_reason="requirements.past_due"), LATER)
    assert again.accounts == (
        PayeeAccount(
            "acct_1",
            charges_enabled=False,
            disabled_reason="requirements.past_due",
            country="NZ",
            default_currency="nzd",
            connected_at=LATER,
            reconciled_until=NOON,
        ),
    )
    assert again.charge_bar() is ChargeBar.RESTRICTED


def test_an_account_connected_again_after_it_was_gone_is_connected_since_then() -> None:
    gone = disconnected(connected(TEAM, seen(), NOON), "acct_1", LATER)
    again = connected(gone, seen(), LATER + timedelta(days=1))
    (account,) = again.accounts
    assert account.is_connected
    assert account.connected_at == LATER + timedelta(days=1)
    assert account.is_default
    assert again.can_charge()


def test_another_account_takes_the_place_of_a_default_that_is_gone_and_the_old_one_is_kept() -> None:
    gone = disconnected(connected(TEAM, seen(), NOON), "acct_1", LATER)
    team = connected(gone, seen("acct_2", default_currency="aud"), LATER)
    assert defaults(team) == {"acct_1": False, "acct_2": True}
    assert team.default_currency == "aud"
    former = team.account("acct_1")
    assert former is not None
    assert not former.is_connected
    assert not team.can_charge("acct_1")
    assert team.can_charge()


def test_a_default_that_comes_back_beside_another_is_no_default_any_more() -> None:
    gone = disconnected(connected(TEAM, seen(), NOON), "acct_1", LATER)
    team = connected(connected(gone, seen("acct_2"), LATER), seen(), LATER)
    assert defaults(team) == {"acct_2": True, "acct_1": False}


def test_where_none_is_the_default_the_one_that_is_connected_again_becomes_it() -> None:
    team = replace(TEAM, accounts=(PayeeAccount("acct_1", is_default=False),))
    assert defaults(connected(team, seen(), NOON)) == {"acct_1": True}


def test_a_currency_that_we_do_not_know_leaves_the_clinics_own() -> None:
    assert connected(TEAM, seen(default_currency="xxx"), NOON).default_currency == "aud"
    assert connected(TEAM, seen(default_currency=None), NOON).default_currency == "aud"


def test_a_team_has_so_many_accounts_and_no_more() -> None:
    team = TEAM
    for number in range(MOST_ACCOUNTS):
        check_room(team)
        team = connected(team, seen(f"acct_{number}"), NOON)
    assert len(team.accounts) == MOST_ACCOUNTS
    for refused in (lambda: connected(team, seen("acct_more"), NOON), lambda: check_room(team)):
        with pytest.raises(TooManyAccountsError, match="at most 50"):
            refused()
    assert len(connected(team, seen("acct_7"), NOON).accounts) == MOST_ACCOUNTS


# --- what Stripe says later ---------------------------------------------------------------------------------------


def test_what_stripe_says_of_an_account_is_kept_and_who_is_default_stays() -> None:
    team = connected(connected(TEAM, seen(), NOON), seen("acct_2"), NOON)
    told = refreshed(
        team, seen("acct_2", charges_enabled=False, disabled_reason="listed", default_currency="usd"), LATER
    )
    assert told.charge_bar("acct_2") is ChargeBar.RESTRICTED
    assert told.charge_bar() is None
    assert defaults(told) == defaults(team)
    assert told.default_currency == "nzd"
    again = LATER + timedelta(hours=1)
    assert refreshed(told, seen("acct_2"), again).account("acct_2") == replace(team.accounts[1], changed_at=again)


def test_since_when_an_account_stands_as_it_does_is_kept() -> None:
    team = connected(TEAM, seen(), NOON)
    assert team.accounts[0].since == NOON
    assert refreshed(team, seen(), LATER) == team
    (account,) = refreshed(team, seen(active_methods=("card",)), LATER).accounts
    assert (account.since, account.active_methods) == (LATER, ("card",))
    assert PayeeAccount(None).since is None


def test_a_method_that_stripe_refused_is_left_out_until_stripe_says_that_it_is_active() -> None:
    team = connected(connected(TEAM, seen(), NOON), seen("acct_2"), NOON)
    team = methods_refused(team, "acct_2", ["au_becs_debit"], NOON)
    team = methods_refused(team, "acct_2", ["sepa_debit", "au_becs_debit"], LATER)
    refused = (RefusedMethod("au_becs_debit", NOON), RefusedMethod("sepa_debit", LATER))
    assert [one.refused_methods for one in team.accounts] == [(), refused]
    assert methods_refused(team, "acct_2", ["sepa_debit"], LATER) == team
    assert methods_refused(team, "acct_3", ["sepa_debit"], LATER) == team
    told = refreshed(team, seen("acct_2", active_methods=("card", "sepa_debit")), LATER)
    assert told.accounts[1].refused_methods == refused[:1]
    again = methods_refused(told, "acct_2", ["sepa_debit"], LATER)
    kept = refreshed(again, seen("acct_2", active_methods=("card", "sepa_debit")), LATER)
    assert [one.method for one in kept.accounts[1].refused_methods] == ["au_becs_debit", "sepa_debit"], "it was active"
    told = refreshed(team, seen("acct_1", active_methods=("au_becs_debit",)), LATER)
    assert told.accounts[1].refused_methods == refused
    assert [one.refused_methods for one in methods_tried_again(team).accounts] == [(), ()]


def test_what_stripe_says_of_a_strange_account_changes_nothing() -> None:
    team = connected(TEAM, seen(), NOON)
    assert refreshed(team, seen("acct_2", charges_enabled=False), LATER) == team
    assert refreshed(TEAM, seen(), LATER) == TEAM


def test_whether_the_owner_has_told_stripe_all_is_kept() -> None:
    (account,) = refreshed(connected(TEAM, seen(), NOON), seen(details_submitted=False), LATER).accounts
    assert account.details_submitted is False


def test_the_deployments_own_account_can_be_restricted_too() -> None:
    team = replace(TEAM, accounts=(PayeeAccount(None),))
    told = refreshed(team, seen(None, charges_enabled=False, disabled_reason="requirements.past_due"), LATER)
    assert told.charge_bar() is ChargeBar.RESTRICTED
    assert told.default_currency == "nzd"


@pytest.mark.parametrize(
    ("says", "is_unfinished"),
    [
        ({"is_controlled": True, "details_submitted": False}, True),
        ({"is_controlled": True, "details_submitted": True}, False),
        ({"is_controlled": False, "details_submitted": False}, False),
    ],
)
def test_an_account_that_the_platform_made_is_unfinished_until_its_owner_has_told_stripe_all(
    says: dict[str, Any], *, is_unfinished: bool
) -> None:
    team = connected(connected(TEAM, seen("acct_0"), NOON), seen(**says), NOON)
    assert unfinished(team) == (team.account("acct_1") if is_unfinished else None)
    assert unfinished(disconnected(team, "acct_1", LATER)) is None


# --- going --------------------------------------------------------------------------------------------------------


def test_a_disconnected_account_is_kept_and_charges_nobody() -> None:
    team = disconnected(connected(TEAM, seen(), NOON), "acct_1", LATER)
    assert team.charge_bar() is ChargeBar.DISCONNECTED
    assert team.charge_bar("acct_1") is ChargeBar.DISCONNECTED
    assert not team.has_account("acct_1")
    assert defaults(team) == {"acct_1": True}


def test_the_others_stay_when_one_goes() -> None:
    team = disconnected(connected(connected(TEAM, seen(), NOON), seen("acct_2"), NOON), "acct_2", LATER)
    assert [team.has_account(account) for account in ("acct_1", "acct_2")] == [True, False]


def test_an_account_that_is_gone_or_strange_cannot_go() -> None:
    team = disconnected(connected(TEAM, seen(), NOON), "acct_1", LATER)
    assert disconnected(team, "acct_1", LATER + timedelta(hours=1)) == team
    assert disconnected(team, "acct_2", LATER) == team


@pytest.mark.parametrize(
    ("told", "is_gone"),
    [
        (NOON - timedelta(days=1), False),
        (NOON.replace(microsecond=0) - timedelta(seconds=1), False),
        (NOON.replace(microsecond=0), True),  # Stripe's second, in which we connected half a second later
        (NOON + timedelta(seconds=1), True),
    ],
)
def test_a_late_word_of_an_older_goodbye_does_not_end_a_newer_connection(told: datetime, *, is_gone: bool) -> None:
    team = connected(TEAM, seen(), NOON)
    assert (disconnected(team, "acct_1", told) != team) is is_gone


def test_an_account_of_which_no_beginning_is_known_can_go() -> None:
    team = replace(TEAM, accounts=(PayeeAccount("acct_1"),))
    assert disconnected(team, "acct_1", NOON).charge_bar() is ChargeBar.DISCONNECTED


# --- the default --------------------------------------------------------------------------------------------------


def test_another_connected_account_can_be_made_the_default() -> None:
    team = connected(connected(TEAM, seen(), NOON), seen("acct_2", default_currency="usd"), NOON)
    changed = made_default(team, "acct_2")
    assert defaults(changed) == {"acct_1": False, "acct_2": True}
    assert changed.default_currency == "usd"


@pytest.mark.parametrize("account_id", ["acct_1", "acct_9", None])
def test_what_is_not_connected_cannot_be_made_the_default(account_id: str | None) -> None:
    team = disconnected(connected(connected(TEAM, seen(), NOON), seen("acct_2"), NOON), "acct_1", LATER)
    with pytest.raises(UnknownAccountError):
        made_default(team, account_id)


def test_a_fee_that_was_refused_is_tried_again_on_every_account() -> None:
    team = replace(TEAM, accounts=(PayeeAccount("acct_1", fee_refused=True), PayeeAccount("acct_2", fee_refused=True)))
    assert [one.fee_refused for one in fee_tried_again(team).accounts] == [False, False]
