"""Change one session: load, decide, save under the version read; on a conflict load and decide again, a few times.

What the change means for the ledger and the audit is saved with it, in one transaction; what needs a person is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from chalicelib.domain.books import records
from chalicelib.domain.concerns import concerns
from chalicelib.domain.sessions import Session
from chalicelib.flows.context import Context
from chalicelib.storage.stores import ConflictError

TRIES = 8
FIRST_WAIT_SECONDS = 0.03
_AUDIT_ID_BYTES = 6

Decide = Callable[[Session], Session]

log = logging.getLogger("anteroom.change")


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
            return _saved(ctx, session, decided)
        except ConflictError:
            # Full jitter: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
            ctx.sleep(ctx.deadline.at_most(ctx.jitter() * FIRST_WAIT_SECONDS * 2**tries))
    message = f"session {loaded.session_id} is being written by too many at once"
    raise ContendedError(message)


def _saved(ctx: Context, before: Session, after: Session) -> Session:
    now, audit_id = ctx.clock(), ctx.entropy(_AUDIT_ID_BYTES).hex()
    saved = ctx.sessions.save(after, records(before, after, by=ctx.by, at=now, audit_id=audit_id))
    for participant in saved.participants:
        if participant != before.participant(participant.number):
            for concern in concerns(saved, participant, now):
                # The metric and its alarm are made of this line.
                fields = {"session_id": saved.session_id, "participant": participant.number, "key": concern.key}
                log.warning("needs_attention", extra=fields)
    return saved
