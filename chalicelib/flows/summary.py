"""What became of a session: who entered when, and when it ended. One read and one query; nothing is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.sessions import Session
from chalicelib.flows.context import Context


@dataclass(frozen=True, slots=True)
class Summary:
    """`entries`: for every participant's number, those removed too, when they entered, the first first.

    `actual_end_time`: as it was reported, None when nobody did.
    """

    session: Session
    entries: Mapping[int, tuple[datetime, ...]]
    actual_end_time: datetime | None


def summary(ctx: Context, team_id: str, session_id: str) -> Summary:
    """Raises NotFoundError, StoreError."""
    session = ctx.sessions.get(team_id, session_id)
    entered = ctx.entries.of(team_id, session_id)
    entries = {
        participant.number: tuple(entry.entered_at for entry in entered if entry.number == participant.number)
        for participant in session.participants
    }
    return Summary(session, entries, session.actual_end_time)
