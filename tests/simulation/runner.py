"""Run histories by their seeds: draw and play each, and say which fails. One seed is one history, on any machine."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.simulation.chance import Chooser, temper_of
from tests.simulation.deeds import Step
from tests.simulation.play import BrokenError, History, Play, Told
from tests.simulation.stage import Stage

MakeStage = Callable[[int], Stage]


@dataclass(frozen=True, slots=True)
class Result:
    """`broken`: which invariant did not hold, and the story up to there."""

    history: History
    told: tuple[Told, ...]
    reached: Counter[str]
    broken: str | None = None

    @property
    def story(self) -> list[str]:
        """A sentence for every step, with its time and what came of it."""
        return [str(one) for one in self.told]


def drawn(seed: int, make_stage: MakeStage = Stage) -> Result:
    """Draw a history as it is played."""
    chance, of_platform = random.Random(seed), random.Random(f"platform {seed}")
    temper = temper_of(chance, of_platform)
    play = Play(seed, temper, stage=make_stage(seed))
    chooser = Chooser(chance, temper, of_platform, random.Random(f"stripe {seed}"))
    return played(play, chosen(chooser, play.stage))


def replayed(history: History, make_stage: MakeStage = Stage) -> Result:
    """Play a history that was drawn, or cut from one."""
    return played(Play(history.seed, history.temper, stage=make_stage(history.seed)), iter(history.steps))


def chosen(chooser: Chooser, stage: Stage) -> Iterator[Step]:
    """Each step is chosen when the one before it was played."""
    yield from chooser.opening()
    for _ in range(chooser.nature.steps):
        yield chooser.step(stage)


def played(play: Play, steps: Iterator[Step]) -> Result:
    done, broken = list[Step](), None
    try:
        with play.stage.recorded():
            for step in steps:
                done.append(step)
                play.step(step)
            play.end()
    except BrokenError as error:
        broken = str(error)
    history = History(play.stage.seed, play.temper, tuple(done))
    return Result(history, tuple(play.told), play.stage.notes.reached, broken)
