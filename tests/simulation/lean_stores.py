"""The stores in memory, made quick: what nobody has written since is decoded once, not at every look."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from typing_extensions import override

from chalicelib.domain.books import AuditRow
from chalicelib.domain.sessions import Session
from chalicelib.domain.teams import Team
from tests.fakes.memory import Kept, MemorySessions
from tests.fakes.memory_books import MemoryBooks
from tests.fakes.memory_teams import MemoryTeams


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


class LeanTeams(MemoryTeams):
    """The same promises. `written`: every team as it was written, until somebody clears the list."""

    def __init__(self, books: MemoryBooks) -> None:
        super().__init__(books)
        self.written: list[Team] = []
        self._decoded: dict[str, tuple[str, Team]] = {}

    @override
    def newest(self, team_id: str) -> Team:
        text, known = self._texts.get(team_id), self._decoded.get(team_id)
        if text is None or known is None or known[0] is not text:
            known = self._decoded[team_id] = (text or "", super().newest(team_id))
        return known[1]

    @override
    def _put(self, before: Team | None, after: Team, audit: AuditRow | None = None) -> None:
        super()._put(before, after, audit)
        self.written.append(after)

    @override
    def all(self) -> Iterator[Team]:
        yield from [self.newest(team_id) for team_id in self._texts]

    @property
    def texts(self) -> dict[str, str]:
        """Each team as it is kept, to compare and to put back."""
        return self._texts
