"""Carry out what a cancellation or a removal obliges to, right after it is saved: best effort, and never a failure.

Nothing depends on it: the sweep does whatever is left here, within the minute. It only lets money start going back, and
open offers be closed, while the clinic still looks.
"""

from __future__ import annotations

import logging

from chalicelib.domain.facts import Seen
from chalicelib.domain.obligations import due
from chalicelib.domain.sessions import Session, saw
from chalicelib.flows.carry_out import ACTS_PER_SAVE, carry_out
from chalicelib.flows.change import ContendedError, change
from chalicelib.flows.context import Context
from chalicelib.gateways.deadline import OutOfTimeError
from chalicelib.gateways.stripe_api import SAVE_SECONDS
from chalicelib.storage.stores import StoreError

AT_ONCE_SECONDS = 3
"""WordPress gives up a request after 5 s (https://developer.wordpress.org/reference/classes/wp_http/request/)."""

LEAST_SECONDS = 1
"""An act is begun only with this much left, lest it be cut off and count as a failure of Stripe's."""

log = logging.getLogger("anteroom.at_once")


def carry_out_at_once(ctx: Context, session: Session, numbers: frozenset[int]) -> Session:
    """The session after what is due now for these participants, as far as a few seconds go."""
    seen = _acted(ctx.within(min(AT_ONCE_SECONDS + SAVE_SECONDS, ctx.deadline.left())), session, numbers)
    if not seen:
        return session

    def folded(newest: Session) -> Session:
        for number, facts in seen:
            newest = saw(newest, number, *facts)
        return newest

    try:
        return change(ctx, session, folded)
    except (StoreError, ContendedError, OutOfTimeError) as error:
        # What was done stands at Stripe; the sweep does it again under the same keys, and keeps what it sees.
        log.warning("acts_not_kept", extra={"session_id": session.session_id, "error": type(error).__name__})
        return session


def _acted(ctx: Context, session: Session, numbers: frozenset[int]) -> list[tuple[int, list[Seen]]]:
    histories = {one.number: one.history for one in session.participants if one.number in numbers}
    acted: list[tuple[int, list[Seen]]] = []
    for number, one in due(session, ctx.clock()):
        if ctx.deadline.left() < LEAST_SECONDS + SAVE_SECONDS or len(acted) == ACTS_PER_SAVE:
            break
        if number not in histories:
            continue
        try:
            acted.append((number, carry_out(ctx, one, histories[number])))
        except OutOfTimeError:
            break
    return acted
