"""Runs flows beside each other in virtual time: each I/O takes as long as the test says, and the first ready goes on.

The scheduler of `tests/support/interleaving.py` tries orders; this one has a single order, that of the clock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

from tests.support.interleaving import Ended, Flow, Task
from tests.support.seam import Io
from tests.support.world import World


def run_in_time(
    world: World, flows: Sequence[Flow], *, apart: timedelta, takes: Callable[[Io], timedelta]
) -> list[Ended]:
    """Begin the flows one after the other, `apart` from each other, and let the world's clock go along with them."""
    tasks = [Task(flow) for flow in flows]
    ready = {task.thread: world.clock() + number * apart for number, task in enumerate(tasks)}

    def on_its_way(io: Io) -> None:
        me = next(task for task in tasks if task.thread is threading.current_thread())
        ready[me.thread] = world.clock() + takes(io)
        me.lay_down()

    with world.seam.armed(before=on_its_way):
        while waiting := [task for task in tasks if task.ended is None]:
            first = min(waiting, key=lambda task: ready[task.thread])
            world.clock.set(ready[first.thread])
            first.go()
    for task in tasks:
        task.thread.join()
    return [task.ended or Ended() for task in tasks]
