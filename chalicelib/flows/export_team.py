"""Everything that is kept of one team, as records to be written down: for its owner, and before it is deleted.

Left out: the secrets (the room's key, the hashes of the clients' secrets); what only the store itself needs; links,
which are made anew from keys; and what ends by itself: idempotency records, and parked events, which hold ids of
Stripe's alone. Touches no file. The same state gives the same records in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.domain.api_clients import ApiClient
from chalicelib.domain.teams import Team
from chalicelib.flows.context import Context
from chalicelib.flows.every_session import every_session
from chalicelib.storage.stores import Found

Record = dict[str, Any]
"""What JSON can say, under names; the first of them is `kind`."""

END = "end"
"""The kind of the last record, which counts the others: without it an export was cut."""

_ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))


def export_team(ctx: Context, team_id: str) -> Iterator[Record]:
    """The team, its API clients, each session with who entered it, ledger and audit; then how many there were of each.

    A session that cannot be read is told by its id, as `unreadable`. Raises NotFoundError, StoreError.
    """
    counts: Counter[str] = Counter()
    for record in _records(ctx, team_id):
        counts[record["kind"]] += 1
        yield record
    yield {"kind": END, "counts": dict(counts)}


def _records(ctx: Context, team_id: str) -> Iterator[Record]:
    yield _team(ctx.teams.get(team_id))
    yield from map(_client, clients_of(ctx, team_id))
    for found in every_session(ctx, team_id):
        yield _session(team_id, found)
        for entry in ctx.entries.of(team_id, found.position.session_id):
            yield _record("entry", entry)
    for row in ctx.ledger.between(team_id, *_ALWAYS):
        yield _record("ledger", row)
    for decided in ctx.audit.between(team_id, *_ALWAYS):
        yield _record("audit", decided)


def clients_of(ctx: Context, team_id: str) -> list[ApiClient]:
    """The team's API clients, the oldest first; reads every client of the deployment."""
    mine = (client for client in ctx.api_clients.all() if client.team_id == team_id)
    return sorted(mine, key=lambda client: (client.created_at, client.client_id))


def _team(team: Team) -> Record:
    record = _record("team", team)
    if record["room"] is not None:
        del record["room"]["key"]
    return record


def _client(client: ApiClient) -> Record:
    record = _record("api_client", client)
    del record["secret_hashes"]
    return {**record, "secrets": len(client.secret_hashes)}


def _session(team_id: str, found: Found) -> Record:
    if found.session is None:
        return {"kind": "session", "team_id": team_id, "session_id": found.position.session_id, "unreadable": True}
    record = _record("session", found.session)
    del record["revision"]
    return record


def _record(kind: str, kept: object) -> Record:
    return {"kind": kind, **msgspec.to_builtins(kept)}
