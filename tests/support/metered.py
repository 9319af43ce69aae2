"""A deployment whose costs are counted: calls at the seam, or the requests that PynamoDB really sends to DynamoDB.

Teams and API clients are cached as in a deployed process. Nothing is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from chalicelib.domain.api_clients import ApiClient, hash_secret
from chalicelib.domain.links import LinkClaims, derive_key, mint
from chalicelib.domain.sessions import Session
from chalicelib.gateways.access_tokens import mint_access_token
from chalicelib.storage.cached import CachedApiClients, CachedTeams
from chalicelib.storage.dynamodb import DynamoEntries, DynamoIdempotency, DynamoSessions
from chalicelib.storage.dynamodb_books import DynamoAudit, DynamoLedger, DynamoParkedEvents
from chalicelib.storage.dynamodb_teams import DynamoApiClients, DynamoStripeAccounts, DynamoSubdomains, DynamoTeams
from tests.storage.wire import Wire
from tests.support.edge import Edge
from tests.support.seam import Kind, Spent, spent_on
from tests.support.world import TEAM_ID, World

CLIENT_ID = "client-1"
CLIENT_SECRET = "secret-of-client-1"
OPERATIONS = {
    "GetItem": Kind.READ,
    "Query": Kind.QUERY,
    "Scan": Kind.QUERY,
    "PutItem": Kind.WRITE,
    "UpdateItem": Kind.WRITE,
    "TransactWriteItems": Kind.WRITE,
}


class MeteredWorld(World):
    """One clinic with an API client, behind caches that are cold until `warm`; the stores are in memory."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed=seed)
        self.edge = Edge(self)
        self.prepare()
        self.context = replace(
            self.context,
            teams=CachedTeams(self.context.teams, self.clock.ticks),
            api_clients=CachedApiClients(self.context.api_clients, self.clock.ticks),
        )

    def prepare(self) -> None:
        """The clinic's API client."""
        pepper = derive_key(self.context.settings.secrets.api_key, "api client secrets")
        hashes = (hash_secret(pepper, CLIENT_SECRET),)
        self.context.api_clients.create(ApiClient(CLIENT_ID, TEAM_ID, hashes, self.clock()))

    def warm(self) -> None:
        """As in a process that has served this clinic within the minute."""
        self.context.teams.get(TEAM_ID)
        self.context.api_clients.find(CLIENT_ID)

    def bearer(self) -> str:
        signing_key = derive_key(self.context.settings.secrets.api_key, "access tokens")
        return f"Bearer {mint_access_token(signing_key, CLIENT_ID, TEAM_ID, self.clock())}"

    def path(self, session: Session, number: int = 2) -> str:
        """The client's link; minted from the session given, so that the test reads nothing."""
        claims = LinkClaims(session.team_id, session.session_id, number, 0)
        keys = self.context.settings.link_keys
        return f"/session/{mint(keys, claims, keys.current)}"

    @contextmanager
    def metered(self) -> Iterator[Callable[[], Spent]]:
        """Gives a function that says what was spent in the block, caches being warm at its start."""
        self.warm()
        with self.seam.counted() as spent:
            yield spent


class MeteredDynamoWorld(MeteredWorld):
    """The same on PynamoDB, and what is counted are the requests on the wire."""

    def __init__(self, wire: Wire, seed: int = 1) -> None:
        self._wire = wire
        super().__init__(seed)

    def prepare(self) -> None:
        retention = self.context.settings.retention
        self.context = replace(
            self.context,
            sessions=DynamoSessions(self.random.randbytes, retention, self.context.settings.books_retention),
            teams=DynamoTeams(self.context.settings.books_retention),
            api_clients=DynamoApiClients(),
            stripe_accounts=DynamoStripeAccounts(),
            subdomains=DynamoSubdomains(),
            entries=DynamoEntries(retention),
            idempotency=DynamoIdempotency(self.random.randbytes),
            ledger=DynamoLedger(),
            audit=DynamoAudit(),
            parked_events=DynamoParkedEvents(),
        )
        for team in (self.team, self.other_team):
            self.context.teams.create(team)
        super().prepare()

    @contextmanager
    def metered(self) -> Iterator[Callable[[], Spent]]:
        self.warm()
        mark, calls = len(self._wire.requests), len(self.seam.done)

        def spent() -> Spent:
            kinds = [OPERATIONS[operation] for operation, _ in self._wire.requests[mark:]]
            return replace(
                spent_on(self.seam.done[calls:]),
                reads=kinds.count(Kind.READ),
                writes=kinds.count(Kind.WRITE),
                queries=kinds.count(Kind.QUERY),
            )

        yield spent
