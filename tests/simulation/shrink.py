"""Make a failing history short: leave out steps, then faults, as long as it still breaks the same invariant.

Delta debugging (https://www.st.cs.uni-saarland.de/papers/tse2002/): halves first, single steps last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.deeds import Step
from tests.simulation.play import History
from tests.simulation.runner import MakeStage, Result, replayed
from tests.simulation.stage import Stage

MOST_TRIES = 3000


def shrunk(result: Result, make_stage: MakeStage = Stage, most_tries: int = MOST_TRIES) -> Result:
    """The shortest history found that breaks the same way. `result` must be of one that is broken."""
    best, tries = result, 0
    is_shorter = True
    while is_shorter:
        is_shorter = False
        for steps in shorter(best.history.steps):
            tries += 1
            if tries > most_tries:
                return best
            again = replayed(replace(best.history, steps=steps), make_stage)
            if again.broken and kind_of(again.broken) == kind_of(result.broken):
                best, is_shorter = again, True
                break
    return best


def kind_of(broken: str | None) -> str:
    """Which invariant, whoever it was broken for: the words before the first colon."""
    return (broken or "").partition(":")[0]


def shorter(steps: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Histories with less in them: large pieces left out first, then single faults."""
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield steps[:start] + steps[start + size :]
        size //= 2
    for index, step in enumerate(steps):
        for simpler in simpler_steps(step):
            yield (*steps[:index], simpler, *steps[index + 1 :])


def simpler_steps(step: Step) -> Iterator[Step]:
    """The same deed with less going wrong, also inside of what goes first."""
    for index, fault in enumerate(step.faults):
        others = step.faults[:index] + step.faults[index + 1 :]
        yield replace(step, faults=others)
        if isinstance(fault.other, Step):
            for simpler in simpler_steps(fault.other):
                yield replace(step, faults=(*step.faults[:index], replace(fault, other=simpler), *others[index:]))


__all__ = ["Callable", "History", "shrunk"]
