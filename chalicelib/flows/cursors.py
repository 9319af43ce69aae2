"""What all cursors have in common: bytes as opaque text with one spelling, and how one is refused. Knows no list."""

from __future__ import annotations

import base64


class InvalidCursorError(ValueError):
    """The cursor is not one of ours, or was made for another list. The cursor is not repeated.

    `filters`: the names of what must be as it was.
    """

    def __init__(self, *filters: str) -> None:
        super().__init__(
            "is not a cursor of this list; send `next` of the answer before, unchanged, with the same filters "
            f"({', '.join(filters)}), or leave it out to begin anew"
        )


def to_text(packed: bytes) -> str:
    """base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """Raises ValueError, also for another spelling of the same bytes."""
    packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if to_text(packed) != text:
        message = "not as it was written"
        raise ValueError(message)
    return packed
