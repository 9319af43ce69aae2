"""The stores in memory, made quick: a session that nobody has written since is decoded once, not at every look."""

from __future__ import annotations

from collections.abc import Callable

from typing_extensions import override

from chalicelib.domain.sessions import Session
from tests.fakes.memory import Kept, MemorySessions


class LeanSessions(MemorySessions):
    """The same promises; sessions are immutable, so that one may be handed out twice."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        super().__init__(entropy)
        self._decoded: dict[tuple[str, str], tuple[Kept, Session]] = {}

    @override
    def get(self, team_id: str, session_id: str) -> Session:
        return self.find(team_id, session_id) or super().get(team_id, session_id)

    def find(self, team_id: str, session_id: str) -> Session | None:
        """The session as it is kept; None when there is none."""
        key = (team_id, session_id)
        kept = self._items.get(key)
        if kept is None:
            return None
        known = self._decoded.get(key)
        if known is None or known[0] is not kept:
            known = self._decoded[key] = (kept, super().get(team_id, session_id))
        return known[1]
