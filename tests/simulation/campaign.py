"""Run very many histories on all cores, block by block of seeds, and add up what they came to."""

from __future__ import annotations

import gc
import multiprocessing
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.simulation.runner import drawn

BLOCK = 50
"""Histories that a worker runs before it reports."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What some histories came to. `broken`: by seed, which invariant did not hold."""

    histories: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    broken: dict[int, str] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.histories + other.histories,
            self.reached + other.reached,
            dict(sorted((self.broken | other.broken).items())),
        )


def ran(seeds: range) -> Tally:
    """Each seed's history, one after the other."""
    reached, broken = Counter[str](), dict[int, str]()
    for seed in seeds:
        result = drawn(seed)
        reached.update(result.reached)
        if result.broken:
            broken[seed] = result.broken
    return Tally(len(seeds), reached, broken)


def blocks(first: int, histories: int, size: int = BLOCK) -> list[range]:
    """The seeds from `first` on, so many, in blocks."""
    end = first + histories
    return [range(start, min(start + size, end)) for start in range(first, end, size)]


def campaign(first: int, histories: int, workers: int) -> Iterator[Tally]:
    """The tallies of all blocks, as they come."""
    parts = blocks(first, histories)
    if workers == 1:
        yield from map(ran, parts)
        return
    with multiprocessing.get_context("spawn").Pool(workers, initializer=settle_in) as pool:
        yield from pool.imap_unordered(ran, parts)


def settle_in() -> None:
    """What was imported stays: the collector need not go through it again and again."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
