"""How large a session may be that people ask for; what Stripe tells of it is never refused for its size.

The figures, with the longest histories that `domain/bounds.py` keeps, are in docs/decisions.md; a test fills an item.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.facts import NOTHING_YET
from chalicelib.domain.sessions import InvalidSessionError, Problem, Session
from chalicelib.storage.codec import session_size, stored_size

LARGEST_REQUEST = 150 * 1024
"""Bytes of a session as a clinic asks for it; the rest up to DynamoDB's 400 KB is kept for attempts and facts."""

FULL = 144 * 1024
"""Bytes of the item with its facts, from which on nobody is added and nothing decided that takes room of its own."""


def check_size(session: Session) -> None:
    """Raises InvalidSessionError. Attempts and facts do not count: they must not lock the clinic out of its edits."""
    asked = tuple(replace(participant, history=NOTHING_YET) for participant in session.participants)
    size = session_size(replace(session, participants=asked))
    if size > LARGEST_REQUEST:
        message = f"the session takes {size} bytes; at most {LARGEST_REQUEST} are kept, so send shorter texts"
        raise InvalidSessionError((Problem("participants", message),))


def check_room(session: Session, field: str) -> None:
    """Whether what was just added to it leaves room for the facts that may come. Raises InvalidSessionError."""
    if stored_size(session) > FULL:
        message = "the session holds as many people, payments and decisions as it can"
        raise InvalidSessionError((Problem(field, message),))
