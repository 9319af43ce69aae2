"""Which of two media types a request would rather have, by its `Accept` header (RFC 9110, section 12.5.1)."""

from __future__ import annotations

import re
from typing import NamedTuple

_QUALITY = re.compile(r";\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*(?:;|$)", re.ASCII | re.IGNORECASE)


class _Wish(NamedTuple):
    """How much a type is wanted; what is equal is decided by how exactly it is named, and then by how early."""

    quality: float
    exactness: int
    earliness: int


def prefers(accept: str, kind: str, usual: str) -> bool:
    """Whether `kind` is wanted, and more than `usual`, which is what is sent to who has no preference."""
    wish = _wish(accept, kind)
    return wish.quality > 0 and wish > _wish(accept, usual)


def _wish(accept: str, kind: str) -> _Wish:
    """By the range that names it most exactly; the first of several."""
    names = ("*/*", f"{kind.partition('/')[0]}/*", kind)
    found = [_Wish(0.0, -1, 0)]
    for place, one in enumerate(accept.split(",")):
        name = one.partition(";")[0].strip().lower()
        if name in names:
            found.append(_Wish(_quality(one), names.index(name), -place))
    return max(found, key=lambda wish: (wish.exactness, wish.earliness))


def _quality(media_range: str) -> float:
    named = _QUALITY.search(media_range)
    return float(named[1]) if named else 1.0
