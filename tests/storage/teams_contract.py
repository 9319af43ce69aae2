"""What the stores of teams, API clients and Stripe accounts promise, in sentences; run against every one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.books import AuditEntry, AuditRow
from chalicelib.storage.stores import (
    ApiClientStore,
    AuditStore,
    ConflictError,
    NotFoundError,
    StripeAccount,
    StripeAccountStore,
    SubdomainStore,
    TeamStore,
)
from tests.storage.samples import CLIENT, CLINIC, NOON, OTHER_TEAM_ID, TEAM_ID

LATER = NOON + timedelta(minutes=1)
SUSPENDED = AuditRow(TEAM_ID, None, NOON, "5a1b2c3d4e5f", (AuditEntry("suspended", "operator:pat"),))
# Each row has an id of its own in the whole file: DynamoDB takes it for the token of one transaction, for ten minutes.
CREATED = replace(SUSPENDED, audit_id="6a1b2c3d4e5f", entries=(AuditEntry("created", "operator:pat", why="standard"),))
ACCOUNT = StripeAccount("acct_1", TEAM_ID, livemode=False, connected_at=NOON)


class TeamContract:
    """Subclasses give the fixtures `teams`; `older_team`, which keeps CLINIC as an older release wrote it; `audit`."""

    def test_a_team_is_read_back_whole(self, teams: TeamStore) -> None:
        teams.create(CLINIC)
        assert teams.get(TEAM_ID) == teams.newest(TEAM_ID) == CLINIC

    def test_an_unknown_team_is_not_found(self, teams: TeamStore) -> None:
        for read in (teams.get, teams.newest):
            with pytest.raises(NotFoundError, match=TEAM_ID):
                read(TEAM_ID)

    def test_a_teams_id_can_be_taken_once(self, teams: TeamStore) -> None:
        teams.create(CLINIC)
        with pytest.raises(ConflictError):
            teams.create(replace(CLINIC, name="Bay Road Clinic"))
        assert teams.get(TEAM_ID).name == "Hill Street Clinic"

    def test_a_team_is_replaced_as_it_was_read(self, teams: TeamStore) -> None:
        teams.create(CLINIC)
        suspended = replace(CLINIC, suspended=True)
        teams.save(CLINIC, suspended)
        assert teams.get(TEAM_ID) == suspended

    def test_a_team_that_somebody_else_changed_is_not_replaced(self, teams: TeamStore) -> None:
        teams.create(CLINIC)
        teams.save(CLINIC, replace(CLINIC, suspended=True))
        with pytest.raises(ConflictError):
            teams.save(CLINIC, replace(CLINIC, name="Bay Road Clinic"))
        assert teams.get(TEAM_ID) == replace(CLINIC, suspended=True)

    def test_a_team_that_is_not_there_cannot_be_replaced(self, teams: TeamStore) -> None:
        with pytest.raises(NotFoundError):
            teams.save(CLINIC, replace(CLINIC, suspended=True))

    def test_a_team_kept_by_an_older_release_can_be_replaced(
        self, teams: TeamStore, older_team: Callable[[], None]
    ) -> None:
        older_team()
        before = teams.get(TEAM_ID)
        teams.save(before, replace(before, suspended=True))
        assert teams.get(TEAM_ID).suspended is True

    def test_what_decides_about_a_team_is_kept_with_it_or_neither(self, teams: TeamStore, audit: AuditStore) -> None:
        teams.create(CLINIC)
        suspended = replace(CLINIC, suspended=True)
        teams.save(CLINIC, suspended, SUSPENDED)
        assert teams.get(TEAM_ID) == suspended
        assert list(audit.between(TEAM_ID, NOON, LATER)) == [SUSPENDED]
        with pytest.raises(ConflictError):
            teams.save(CLINIC, replace(CLINIC, name="Bay Road Clinic"), replace(SUSPENDED, audit_id="another"))
        assert teams.get(TEAM_ID) == suspended
        assert list(audit.between(TEAM_ID, NOON, LATER)) == [SUSPENDED]

    def test_who_made_a_team_is_kept_with_it_or_neither(self, teams: TeamStore, audit: AuditStore) -> None:
        teams.create(CLINIC, CREATED)
        assert teams.get(TEAM_ID) == CLINIC
        with pytest.raises(ConflictError):
            teams.create(replace(CLINIC, name="Bay Road Clinic"), replace(CREATED, audit_id="second"))
        assert list(audit.between(TEAM_ID, NOON, LATER)) == [CREATED]

    def test_all_teams_are_found(self, teams: TeamStore) -> None:
        teams.create(CLINIC)
        teams.create(replace(CLINIC, team_id=OTHER_TEAM_ID))
        assert {team.team_id for team in teams.all()} == {TEAM_ID, OTHER_TEAM_ID}


class ApiClientContract:
    """Subclasses give the fixture `clients`."""

    def test_a_client_is_found_whole(self, clients: ApiClientStore) -> None:
        clients.create(CLIENT)
        assert clients.find("client-1") == CLIENT

    def test_an_unknown_client_is_none(self, clients: ApiClientStore) -> None:
        assert clients.find("client-1") is None

    def test_a_clients_id_can_be_taken_once(self, clients: ApiClientStore) -> None:
        clients.create(CLIENT)
        with pytest.raises(ConflictError):
            clients.create(replace(CLIENT, team_id=OTHER_TEAM_ID))
        assert clients.find("client-1") == CLIENT

    def test_a_client_is_replaced_as_it_was_read(self, clients: ApiClientStore) -> None:
        clients.create(CLIENT)
        disabled = replace(CLIENT, disabled_at=NOON)
        clients.save(CLIENT, disabled)
        assert clients.find("client-1") == disabled

    def test_a_client_that_somebody_else_changed_is_not_replaced(self, clients: ApiClientStore) -> None:
        clients.create(CLIENT)
        clients.save(CLIENT, replace(CLIENT, disabled_at=NOON))
        with pytest.raises(ConflictError):
            clients.save(CLIENT, replace(CLIENT, secret_hashes=()))
        assert clients.find("client-1") == replace(CLIENT, disabled_at=NOON)

    def test_a_client_that_is_not_there_cannot_be_replaced(self, clients: ApiClientStore) -> None:
        with pytest.raises(ConflictError):
            clients.save(CLIENT, replace(CLIENT, disabled_at=NOON))
        assert clients.find("client-1") is None

    def test_a_client_that_is_removed_is_gone_and_again_is_silent(self, clients: ApiClientStore) -> None:
        clients.create(CLIENT)
        clients.remove(CLIENT)
        clients.remove(CLIENT)
        assert clients.find("client-1") is None

    def test_all_clients_are_found(self, clients: ApiClientStore) -> None:
        other = replace(CLIENT, client_id="client-2", team_id=OTHER_TEAM_ID)
        clients.create(CLIENT)
        clients.create(other)
        assert sorted(clients.all(), key=lambda client: client.client_id) == [CLIENT, other]


class StripeAccountContract:
    """Subclasses give the fixture `accounts`."""

    def test_an_account_is_found_whole(self, accounts: StripeAccountStore) -> None:
        accounts.save(None, ACCOUNT)
        assert accounts.find("acct_1") == ACCOUNT

    def test_an_unknown_account_is_none(self, accounts: StripeAccountStore) -> None:
        accounts.save(None, ACCOUNT)
        assert accounts.find("acct_2") is None

    def test_of_two_teams_that_claim_one_account_the_second_loses(self, accounts: StripeAccountStore) -> None:
        accounts.save(None, ACCOUNT)
        with pytest.raises(ConflictError):
            accounts.save(None, replace(ACCOUNT, team_id=OTHER_TEAM_ID))
        assert accounts.find("acct_1") == ACCOUNT

    def test_an_account_is_replaced_as_it_was_read(self, accounts: StripeAccountStore) -> None:
        released = replace(ACCOUNT, released_at=LATER)
        accounts.save(None, ACCOUNT)
        accounts.save(ACCOUNT, released)
        assert accounts.find("acct_1") == released
        with pytest.raises(ConflictError):
            accounts.save(ACCOUNT, replace(ACCOUNT, team_id=OTHER_TEAM_ID))
        assert accounts.find("acct_1") == released

    def test_an_account_that_is_not_there_cannot_be_replaced(self, accounts: StripeAccountStore) -> None:
        with pytest.raises(ConflictError):
            accounts.save(ACCOUNT, replace(ACCOUNT, released_at=LATER))
        assert accounts.find("acct_1") is None


class SubdomainContract:
    """Subclasses give the fixture `subdomains`."""

    def test_a_subdomain_finds_its_team(self, subdomains: SubdomainStore) -> None:
        subdomains.save("hill-street", None, TEAM_ID)
        assert subdomains.find("hill-street") == TEAM_ID
        assert subdomains.find("hill-road") is None

    def test_of_two_teams_that_claim_one_subdomain_the_second_loses(self, subdomains: SubdomainStore) -> None:
        subdomains.save("hill-street", None, TEAM_ID)
        with pytest.raises(ConflictError):
            subdomains.save("hill-street", None, OTHER_TEAM_ID)
        assert subdomains.find("hill-street") == TEAM_ID

    def test_a_subdomain_is_claimed_by_the_same_team_again(self, subdomains: SubdomainStore) -> None:
        for _ in range(2):
            subdomains.save("hill-street", None, TEAM_ID)
        assert subdomains.find("hill-street") == TEAM_ID

    def test_a_subdomain_is_taken_over_from_whom_it_was_read_with(self, subdomains: SubdomainStore) -> None:
        subdomains.save("hill-street", None, TEAM_ID)
        with pytest.raises(ConflictError):
            subdomains.save("hill-street", "team-9", OTHER_TEAM_ID)
        subdomains.save("hill-street", TEAM_ID, OTHER_TEAM_ID)
        assert subdomains.find("hill-street") == OTHER_TEAM_ID

    def test_a_subdomain_of_nobody_is_not_taken_over(self, subdomains: SubdomainStore) -> None:
        with pytest.raises(ConflictError):
            subdomains.save("hill-street", TEAM_ID, OTHER_TEAM_ID)
        assert subdomains.find("hill-street") is None

    def test_a_subdomain_is_removed_by_its_team_alone_and_again_is_silent(self, subdomains: SubdomainStore) -> None:
        subdomains.save("hill-street", None, TEAM_ID)
        subdomains.remove("hill-street", OTHER_TEAM_ID)
        assert subdomains.find("hill-street") == TEAM_ID
        for _ in range(2):
            subdomains.remove("hill-street", TEAM_ID)
        assert subdomains.find("hill-street") is None
