"""`make simulate HISTORIES=… SEED=…`: any number of histories, with a bar, the table of states, and what broke.

Exits with 1 when an invariant did not hold in one of them, or when so many histories never came by a state.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence

from tests.simulation.campaign import Tally, campaign, settle_in
from tests.simulation.runner import drawn
from tests.simulation.shrink import shrunk
from tests.simulation.states import never_reached, table

ENOUGH = 5000
"""Histories after which a state that was never reached is a defect of the simulation."""

STORIES = 3
"""Broken histories that are shrunk and told; of the others the seed is named."""

BAR = 40
LINES = 20
"""Of progress, where there is no terminal."""


def main(arguments: Sequence[str]) -> int:
    asked = _asked(arguments)
    began = time.monotonic()
    tally = Tally()
    for part in campaign(asked.seed, asked.histories, asked.workers):
        before, tally = tally, tally + part
        _progress(before, tally, asked.histories, time.monotonic() - began)
    _say("\n" if sys.stdout.isatty() else "")
    return _verdict(tally, time.monotonic() - began)


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="of the first history; the next has the next number")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    return parser.parse_args(arguments)


def _progress(before: Tally, tally: Tally, histories: int, seconds: float) -> None:
    for seed in tally.broken.keys() - before.broken.keys():
        _say(f"\nseed {seed} broke: {tally.broken[seed]}\n")
    left = seconds / tally.histories * (histories - tally.histories)
    told = f"{tally.histories:,} of {histories:,} histories, {len(tally.broken)} broken, {left:.0f} s left"
    if sys.stdout.isatty():
        filled = BAR * tally.histories // histories
        _say(f"\r[{'#' * filled}{'.' * (BAR - filled)}] {told}  ")
    elif LINES * before.histories // histories != LINES * tally.histories // histories:
        _say(f"{told}\n")


def _verdict(tally: Tally, seconds: float) -> int:
    _say(f"{table(tally.reached, tally.histories)}\n")
    _say(f"\n{tally.histories:,} histories in {seconds:.0f} s, {len(tally.broken)} broken\n")
    for line in _told(tally):
        _say(f"{line}\n")
    missing = never_reached(tally.reached) if tally.histories >= ENOUGH else []
    if missing:
        _say(f"never reached, which is a defect of the simulation: {', '.join(missing)}\n")
    return 1 if tally.broken or missing else 0


def _told(tally: Tally) -> Iterator[str]:
    """The first that broke, made short, as stories; then all of them by seed."""
    for seed in list(tally.broken)[:STORIES]:
        short = shrunk(drawn(seed))
        yield f"\nseed {seed}: {short.broken}"
        yield from (f"  {sentence}" for sentence in short.story)
    for seed, broken in tally.broken.items():
        yield f"broken: make simulate HISTORIES=1 SEED={seed}  ({broken})"


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    settle_in()
    sys.exit(main(sys.argv[1:]))
