"""The arithmetic of our ids: time-ordered sessions, and participants numbered inside them; draws no chance itself.

A session's id is a UUIDv7 (RFC 9562, section 5.7) whose last byte is 00; the id of its participant number N is the
same UUID with that byte set to N, so that a participant is found without an index. Ids are lower-case UUID text.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

ENTROPY_BYTES: Final = 9
"""Random bytes a session id is made of: 66 bits of them are kept, for each millisecond."""

LAST_PARTICIPANT_NUMBER: Final = 255

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class InvalidIdError(ValueError):
    """The text is not an id of that kind. The message does not repeat it."""


def session_id_at(now: datetime, entropy: bytes) -> str:
    """Make the id of a session created `now` (aware), from at least ENTROPY_BYTES random bytes.

    Text order is the order of creation, to the millisecond. Raises ValueError for a naive time or too little entropy.
    """
    if now.tzinfo is None or len(entropy) < ENTROPY_BYTES:
        message = f"a session id takes an aware time and {ENTROPY_BYTES} random bytes"
        raise ValueError(message)
    milliseconds = (now - _EPOCH) // timedelta(milliseconds=1)
    octets = bytearray(milliseconds.to_bytes(6, "big") + entropy[:ENTROPY_BYTES] + b"\0")
    octets[6] = 0x70 | octets[6] & 0x0F  # version 7
    octets[8] = 0x80 | octets[8] & 0x3F  # variant 10
    return str(UUID(bytes=bytes(octets)))


def participant_id(session_id: str, number: int) -> str:
    """Return the id of this session's participant `number`, 1 to 255. Raises InvalidIdError."""
    octets = uuid_bytes(session_id)
    if octets[-1] or not 1 <= number <= LAST_PARTICIPANT_NUMBER:
        message = "a participant is a number from 1 to 255 in a session"
        raise InvalidIdError(message)
    return str(UUID(bytes=octets[:-1] + bytes([number])))


def split_participant_id(participant_id: str) -> tuple[str, int]:
    """Return the session's id and the participant's number. Raises InvalidIdError, also for a session's own id."""
    octets = uuid_bytes(participant_id)
    if not octets[-1]:
        message = "this is a session's id, not a participant's"
        raise InvalidIdError(message)
    return str(UUID(bytes=octets[:-1] + b"\0")), octets[-1]


def uuid_bytes(text: str) -> bytes:
    """Return the 16 bytes of a UUID written as we write it (36 characters, lower case). Raises InvalidIdError."""
    message = "not an id: a UUID of 36 lower-case characters is expected"
    try:
        uuid = UUID(text)
    except ValueError:
        raise InvalidIdError(message) from None
    # UUID() also reads braces, urn: and upper case; one id must have one spelling, since it is a key.
    if str(uuid) != text:
        raise InvalidIdError(message)
    return uuid.bytes
