"""Walk through every session of one team, page by page: for operators, never for a request from outside."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.flows.context import Context
from chalicelib.storage.stores import Found, Position, Walk


def every_session(ctx: Context, team_id: str) -> Iterator[Found]:
    """The sessions in the order of their creation, with those that cannot be read. What is passed may be removed.

    Raises StoreUnavailableError.
    """
    after: Position | None = None
    while True:
        stretch = ctx.sessions.stretch(team_id, Walk(), after, None)
        yield from stretch.found
        if not stretch.more:
            return
        after = stretch.found[-1].position
