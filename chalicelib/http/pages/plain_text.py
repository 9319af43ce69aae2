"""Makes other people's text fit to be shown: one line, without characters that reorder the text around it."""

from __future__ import annotations

import unicodedata
from typing import Final

_REORDERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Bidirectional embeddings, overrides and isolates (Unicode Standard Annex 9, section 2): a stray one escapes <bdi>."""

_BREAKS: Final = frozenset({"Cc", "Zl", "Zp"})
_NOT_TEXT: Final = frozenset({"Cs", "Co", "Cn"})


def plain(text: str | None) -> str | None:
    """Return the text on one line, without control and reordering characters; None if nothing is left to see."""
    if text is None:
        return None
    shown = " ".join("".join(_shown(character) for character in text).split())
    return shown if any(unicodedata.category(character) not in {"Cf", "Mn", "Me"} for character in shown) else None


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    if category in _BREAKS:
        return " "
    return "" if character in _REORDERING or category in _NOT_TEXT else character
