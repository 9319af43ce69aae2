"""The sweep: carries out what is due. Admission never depends on it; run twice, late or beside itself, no harm is done.

The index is a hint: every session is read again and decided again. One that cannot be read or handled is pushed back
and reported, and holds up nobody behind it in its shard.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from chalicelib.domain.facts import Seen
from chalicelib.domain.obligations import due
from chalicelib.domain.sessions import Session, saw
from chalicelib.flows.carry_out import ACTS_PER_SAVE, carry_out
from chalicelib.flows.change import ContendedError, change
from chalicelib.flows.context import Context
from chalicelib.gateways.deadline import OutOfTimeError
from chalicelib.storage.codec import check_writable
from chalicelib.storage.stores import DUE_SHARDS, ConflictError, NotFoundError, StoreUnavailableError

SWEEP_SECONDS = 50
"""One run; the function is given 60, and the next tick goes on."""

PAGE = 50
ROUNDS = 3
"""What was seen can oblige to more at once: paid twice, so refund. The rest waits for the next tick."""

PUSHED_BACK_FOR = timedelta(minutes=15)
SECONDS_KEPT_BACK = 10
"""A session is begun only with this much time left."""

log = logging.getLogger("anteroom.sweep")


@dataclass(frozen=True, slots=True)
class Swept:
    """What one run did. `unfinished`: it ran out of time, and the next tick goes on."""

    sessions: int = 0
    acts: int = 0
    failed: int = 0
    unfinished: bool = False


def sweep(ctx: Context) -> Swept:
    """Carry out what is due in every shard, page by page, until the time is nearly up.

    Begins with another shard by chance, so that no shard is always the one for which there was no time.
    """
    swept, first = Swept(), int(ctx.jitter() * DUE_SHARDS)
    for offset in range(DUE_SHARDS):
        shard = (first + offset) % DUE_SHARDS
        try:
            swept = _sweep_shard(ctx, shard, swept)
        except StoreUnavailableError:
            log.error("shard_failed", extra={"shard": shard})
            swept = replace(swept, failed=swept.failed + 1)
    return swept


def _sweep_shard(ctx: Context, shard: int, swept: Swept) -> Swept:
    """Each session once: one that stays due (its index entry lags, say) is not taken again in this run."""
    taken: set[tuple[str, str]] = set()
    while not swept.unfinished:
        page = ctx.sessions.due(shard, ctx.clock(), PAGE)
        fresh = [key for key in page if key not in taken]
        for key in fresh:
            if ctx.deadline.left() < SECONDS_KEPT_BACK:
                return replace(swept, unfinished=True)
            taken.add(key)
            swept = _isolated(ctx, *key, swept)
        if len(page) < PAGE or not fresh:
            break
    return swept


def _isolated(ctx: Context, team_id: str, session_id: str, swept: Swept) -> Swept:
    """One session; whatever is wrong with it stays with it. What may pass by itself is due again at the next tick."""
    try:
        acts = sweep_session(ctx, team_id, session_id)
    except (NotFoundError, ConflictError):
        return swept
    except OutOfTimeError:
        return replace(swept, unfinished=True)
    except (StoreUnavailableError, ContendedError) as error:
        log.error("sweep_failed", extra={"session_id": session_id, "error": type(error).__name__})
        return replace(swept, sessions=swept.sessions + 1, failed=swept.failed + 1)
    except Exception as error:  # noqa: BLE001 (the next session must have its turn; the alarm is on this log line)
        log.error("sweep_failed", extra={"session_id": session_id, "error": type(error).__name__})
        _push_back(ctx, team_id, session_id)
        return replace(swept, sessions=swept.sessions + 1, failed=swept.failed + 1)
    return replace(swept, sessions=swept.sessions + 1, acts=swept.acts + acts)


def _push_back(ctx: Context, team_id: str, session_id: str) -> None:
    try:
        ctx.sessions.push_back(team_id, session_id, ctx.clock() + PUSHED_BACK_FOR)
    except StoreUnavailableError:
        log.error("push_back_failed", extra={"session_id": session_id})


def sweep_session(ctx: Context, team_id: str, session_id: str) -> int:
    """Carry out what is due for one session; how many acts. Always leaves an index entry that tells the truth."""
    session = ctx.sessions.get(team_id, session_id)
    check_writable(session)
    acts = 0
    for _ in range(ROUNDS):
        seen = _acted(ctx, session)
        if not seen:
            break
        acts += len(seen)
        session = change(ctx, session, partial(_folded, seen))
    if not acts:
        # The index called it due and the facts do not: write it, so that the entry is made anew.
        ctx.sessions.save(session)
    return acts


def _acted(ctx: Context, session: Session) -> list[tuple[int, list[Seen]]]:
    """Stops in time to save what was done: else a session with much to do would begin anew at every tick."""
    histories = {participant.number: participant.history for participant in session.participants}
    acted: list[tuple[int, list[Seen]]] = []
    for number, one in due(session, ctx.clock())[:ACTS_PER_SAVE]:
        if acted and ctx.deadline.left() < SECONDS_KEPT_BACK:
            break
        try:
            acted.append((number, carry_out(ctx, one, histories[number])))
        except OutOfTimeError:
            if not acted:
                raise
            break
    return acted


def _folded(seen: list[tuple[int, list[Seen]]], session: Session) -> Session:
    for number, facts in seen:
        session = saw(session, number, *facts)
    return session
