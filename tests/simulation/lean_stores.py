"""The stores in memory, made quick: a session that nobody has written since is decoded once, not at every look."""

from __future__ import annotations

from typing_extensions import override

from chalicelib.domain.sessions import Session
from tests.fakes.memory import Kept, MemorySessions


class LeanSessions(MemorySessions):
    """The same promises; sessions are immutable, so that one may be handed out twice."""

    _decoded: dict[tuple[str, str], tuple[Kept, Session]] | None = None

    @override
    def get(self, team_id: str, session_id: str) -> Session:
        if self._decoded is None:
            self._decoded = {}
        kept = self._kept(team_id, session_id)
        known = self._decoded.get((team_id, session_id))
        if known is None or known[0] is not kept:
            known = self._decoded[team_id, session_id] = (kept, super().get(team_id, session_id))
        return known[1]
