"""How large a session may be that a clinic asks for; what Stripe tells of it is never refused for its size."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.facts import NOTHING_YET
from chalicelib.domain.sessions import InvalidSessionError, Problem, Session
from chalicelib.storage.codec import session_size

LARGEST_REQUEST = 150 * 1024
"""Bytes of a session as a clinic asks for it; the rest up to DynamoDB's 400 KB is kept for attempts and facts."""


def check_size(session: Session) -> None:
    """Raises InvalidSessionError. Attempts and facts do not count: they must not lock the clinic out of its edits."""
    asked = tuple(replace(participant, history=NOTHING_YET) for participant in session.participants)
    size = session_size(replace(session, participants=asked))
    if size > LARGEST_REQUEST:
        message = f"the session takes {size} bytes; at most {LARGEST_REQUEST} are kept, so send shorter texts"
        raise InvalidSessionError((Problem("participants", message),))
