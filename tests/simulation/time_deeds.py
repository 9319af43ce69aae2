"""What time does: it passes, by seconds or by days, and the sweep comes round, or does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from typing_extensions import override

from chalicelib.domain.obligations import due_at
from tests.simulation.clinic_deeds import spell
from tests.simulation.deeds import NOTHING
from tests.simulation.stage import Stage

Touched = frozenset[tuple[str, str]] | None


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: int

    @override
    def __str__(self) -> str:
        return f"{spell(self.seconds)} pass"

    def touches(self, stage: Stage) -> Touched:
        return frozenset()

    def do(self, stage: Stage) -> str:
        stage.clock.advance(seconds=self.seconds)
        return "done"


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """`edge`: the start or the end of the session at a place, and so many seconds more or less."""

    place: str
    edge: str
    plus: int = 0

    @override
    def __str__(self) -> str:
        return f"time passes until the {self.edge} of {self.place}, {spell(self.plus)} more or less"

    def touches(self, stage: Stage) -> Touched:
        return frozenset()

    def do(self, stage: Stage) -> str:
        session = stage.session_at(self.place)
        if session is None:
            return NOTHING
        edge = session.start_time if self.edge == "start" else session.end_time
        moment = edge + timedelta(seconds=self.plus)
        if moment <= stage.now():
            return NOTHING
        stage.clock.set(moment)
        return "done"


@dataclass(frozen=True, slots=True)
class WaitUntilDue:
    """To the moment at which something must be done for a session, by the product's own reckoning."""

    place: str

    @override
    def __str__(self) -> str:
        return f"time passes until something is due for {self.place}"

    def touches(self, stage: Stage) -> Touched:
        return frozenset()

    def do(self, stage: Stage) -> str:
        session = stage.session_at(self.place)
        moment = due_at(session) if session else None
        if moment is None or moment <= stage.now():
            return NOTHING
        stage.clock.set(moment)
        return "done"


@dataclass(frozen=True, slots=True)
class Sweep:
    @override
    def __str__(self) -> str:
        return "the sweep runs"

    def touches(self, stage: Stage) -> Touched:
        return None

    def do(self, stage: Stage) -> str:
        swept = stage.sweep()
        return f"{swept.sessions} sessions, {swept.acts} acts, {swept.failed} failed"
