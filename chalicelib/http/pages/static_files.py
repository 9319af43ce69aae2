"""The pages' own style sheet, script and icon, under names that change with their content. Serves nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FOR_EVER: Final = "public, max-age=31536000, immutable"
"""A name with its content's hash never means anything else (RFC 8246)."""

_NEVER: Final = "no-store"
_FOLDER: Final = Path(__file__).parent / "static"
_CONTENT_TYPES: Final = MappingProxyType(
    {
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    }
)
_NAMES: Final = ("page.css", "page.js", "docs.css", "icon.svg")


class StaticFileNotFoundError(LookupError):
    """The pages have no file of that name."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    body: str
    content_type: str
    cache_control: str = FOR_EVER


def static_url(base: str, name: str) -> str:
    """Return the address of `page.css` below `base`: `/static/page.3f2a91c0.css`. KeyError for a file we lack."""
    return f"{base.rstrip('/')}/{_hashed_names()[name]}"


def static_file(hashed_name: str) -> StaticFile:
    """Return the file of a name made by `static_url`. Raises StaticFileNotFoundError.

    While a new version is being deployed, a page may come from one version and its files from the other. The file as
    it is here is better than none, but must not be kept under that name.
    """
    stem, _, rest = hashed_name.partition(".")
    name = f"{stem}.{rest.rpartition('.')[2]}"
    if name not in _NAMES or hashed_name.count(".") != 2:
        raise StaticFileNotFoundError
    cache_control = FOR_EVER if hashed_name == _hashed_names()[name] else _NEVER
    return StaticFile(_bodies()[name], _CONTENT_TYPES[name.rpartition(".")[2]], cache_control)


@cache
def _hashed_names() -> Mapping[str, str]:
    return {name: _hashed(name, body) for name, body in _bodies().items()}


def _hashed(name: str, body: str) -> str:
    stem, _, kind = name.partition(".")
    return f"{stem}.{hashlib.sha256(body.encode()).hexdigest()[:8]}.{kind}"


@cache
def _bodies() -> Mapping[str, str]:
    return {name: (_FOLDER / name).read_text("utf-8") for name in _NAMES}
