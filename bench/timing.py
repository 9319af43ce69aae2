"""CPU time of one call, so that the machine's other work counts less. Measures; prints nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

ROUNDS = 7


def cpu(act: Callable[[], object], times: int) -> float:
    """Microseconds of CPU for one, the best of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(times):
            act()
        rounds.append(time.process_time() - began)
    return min(rounds) / times * 1e6
