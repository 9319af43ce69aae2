"""Teams, their API clients and their Stripe accounts on DynamoDB: each one document, read and written whole.

Each is recognised by its text: a conditional write whose answer was lost, and whose retry fails its own condition, is
ours if the text that is there is ours. What decides about a team's money or access is audited in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.domain.api_clients import ApiClient
from chalicelib.domain.books import AuditRow
from chalicelib.domain.teams import Team
from chalicelib.storage import codec
from chalicelib.storage.answers import translated
from chalicelib.storage.dynamodb_books import audit_item
from chalicelib.storage.stores import ConflictError, NotFoundError, StripeAccount
from chalicelib.storage.tables import ApiClientItem, StripeAccountItem, SubdomainItem, TeamItem


class DynamoTeams:
    """Teams. `books_retention` is that of audit rows, counted from their own time."""

    def __init__(self, books_retention: timedelta) -> None:
        self._books_retention = books_retention

    def get(self, team_id: str) -> Team:
        return self.newest(team_id)

    def newest(self, team_id: str) -> Team:
        return codec.team_from(self._text(team_id))

    def _text(self, team_id: str) -> str:
        with translated(f"team {team_id}"):
            return TeamItem.get(team_id, consistent_read=True).body

    def create(self, team: Team, audit: AuditRow | None = None) -> None:
        self._put(team, TeamItem.team_id.does_not_exist(), audit)

    def save(self, before: Team, after: Team, audit: AuditRow | None = None) -> None:
        """The condition is on the text as it is kept: an older release may have written it with fewer fields."""
        text = self._text(after.team_id)
        if codec.team_from(text) != before:
            message = f"team {after.team_id} was written by somebody else"
            raise ConflictError(message)
        self._put(after, TeamItem.body == text, audit)

    def _put(self, team: Team, condition: Condition, audit: AuditRow | None = None) -> None:
        item = TeamItem(team.team_id, body=codec.team_text(team))
        try:
            with translated(f"team {team.team_id}"):
                if audit is None:
                    item.save(condition=condition)
                else:
                    self._transact(item, condition, audit)
        except ConflictError:
            if self.newest(team.team_id) != team:
                raise

    def _transact(self, item: TeamItem, condition: Condition, audit: AuditRow) -> None:
        """The audit row's id is the transaction's token, which makes the SDK's own retries harmless."""
        connection = TeamItem._get_connection().connection  # noqa: SLF001 (that of the models, with their limits)
        with TransactWrite(connection=connection, client_request_token=audit.audit_id) as transaction:
            transaction.save(item, condition=condition)
            transaction.save(audit_item(audit, self._books_retention))

    def all(self) -> Iterator[Team]:
        with translated("teams"):
            yield from (codec.team_from(item.body) for item in TeamItem.scan(consistent_read=True))


class DynamoApiClients:
    """API clients, which hold hashes only."""

    def find(self, client_id: str) -> ApiClient | None:
        text = self._text(client_id)
        return None if text is None else codec.client_from(text)

    def _text(self, client_id: str) -> str | None:
        try:
            with translated("api client"):
                return ApiClientItem.get(client_id, consistent_read=True).body
        except NotFoundError:
            return None

    def create(self, client: ApiClient) -> None:
        self._put(client, ApiClientItem.client_id.does_not_exist())

    def save(self, before: ApiClient, after: ApiClient) -> None:
        """The condition is on the text as it is kept: an older release may have written it with fewer fields."""
        text = self._text(after.client_id)
        if text is None or codec.client_from(text) != before:
            message = "api client was written by somebody else"
            raise ConflictError(message)
        self._put(after, ApiClientItem.body == text)

    def _put(self, client: ApiClient, condition: Condition) -> None:
        try:
            with translated("api client"):
                ApiClientItem(client.client_id, body=codec.client_text(client)).save(condition=condition)
        except ConflictError:
            if self.find(client.client_id) != client:
                raise

    def remove(self, client: ApiClient) -> None:
        with translated("api client"):
            ApiClientItem(client.client_id).delete()

    def all(self) -> Iterator[ApiClient]:
        with translated("api clients"):
            yield from (codec.client_from(item.body) for item in ApiClientItem.scan(consistent_read=True))


class DynamoStripeAccounts:
    """Whose the connected accounts are."""

    def find(self, account_id: str) -> StripeAccount | None:
        text = self._text(account_id)
        return None if text is None else codec.account_from(text)

    def _text(self, account_id: str) -> str | None:
        try:
            with translated(f"account {account_id}"):
                return StripeAccountItem.get(account_id, consistent_read=True).body
        except NotFoundError:
            return None

    def save(self, before: StripeAccount | None, after: StripeAccount) -> None:
        """The condition is on the text as it is kept, as for teams."""
        text = self._text(after.account_id)
        if (None if text is None else codec.account_from(text)) != before:
            message = f"account {after.account_id} was written by somebody else"
            raise ConflictError(message)
        was: Condition = StripeAccountItem.account_id.does_not_exist()
        if text is not None:
            was = StripeAccountItem.body == text
        try:
            with translated(f"account {after.account_id}"):
                StripeAccountItem(after.account_id, body=codec.account_text(after)).save(condition=was)
        except ConflictError:
            if self.find(after.account_id) != after:
                raise


class DynamoSubdomains:
    """Whose each subdomain is. Nothing but the key and the team: one that is there is recognised by its team."""

    def find(self, subdomain: str) -> str | None:
        try:
            with translated(f"subdomain {subdomain}"):
                return SubdomainItem.get(subdomain, consistent_read=True).team_id
        except NotFoundError:
            return None

    def save(self, subdomain: str, before: str | None, team_id: str) -> None:
        was: Condition = SubdomainItem.subdomain.does_not_exist()
        if before is not None:
            was = SubdomainItem.team_id == before
        try:
            with translated(f"subdomain {subdomain}"):
                SubdomainItem(subdomain, team_id=team_id).save(condition=was)
        except ConflictError:
            if self.find(subdomain) != team_id:
                raise

    def remove(self, subdomain: str, team_id: str) -> None:
        with suppress(ConflictError), translated(f"subdomain {subdomain}"):
            SubdomainItem(subdomain).delete(condition=SubdomainItem.team_id == team_id)
