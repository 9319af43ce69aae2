"""Change one session: load, decide, save under the version read; on a conflict load and decide again, a few times."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.domain.sessions import Session
from chalicelib.flows.context import Context
from chalicelib.storage.stores import ConflictError

TRIES = 8
FIRST_WAIT_SECONDS = 0.03

Decide = Callable[[Session], Session]


class ContendedError(Exception):
    """Others kept writing this session; nothing of ours was saved, and trying again is right."""


def change(ctx: Context, loaded: Session, decide: Decide) -> Session:
    """The session as `decide` makes it of the newest one, saved; not written when that changes nothing.

    `loaded` is what the caller read already. `decide` may run several times; what it raises ends the change.
    """
    for tries in range(TRIES):
        session = loaded if tries == 0 else ctx.sessions.get(loaded.team_id, loaded.session_id)
        decided = decide(session)
        if decided == session:
            return session
        try:
            return ctx.sessions.save(decided)
        except ConflictError:
            # Full jitter: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
            ctx.sleep(ctx.deadline.at_most(ctx.jitter() * FIRST_WAIT_SECONDS * 2**tries))
    message = f"session {loaded.session_id} is being written by too many at once"
    raise ContendedError(message)
