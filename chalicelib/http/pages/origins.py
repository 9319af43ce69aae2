"""Origins that may stand in a header: reads them out of settings and addresses, and lets nothing else through."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = rf"{_LABEL}(?:\.{_LABEL})*"
_PORT: Final = r"(?::[0-9]{1,5})?"
_ORIGIN: Final = re.compile(rf"https://{_HOST}{_PORT}|http://(?:localhost|127\.0\.0\.1){_PORT}", re.ASCII)
_ANCESTOR: Final = re.compile(rf"https://(?:\*\.)?{_HOST}{_PORT}|http://(?:localhost|127\.0\.0\.1){_PORT}", re.ASCII)
_UNSAFE: Final = re.compile(r"[^!-~]|[\"'<>\\^`{|}]")
"""What no address holds unescaped: everything outside RFC 3986's characters, spaces and line ends included."""


class InvalidOriginError(ValueError):
    """The text is not an origin (`https://host[:port]`; http only on this machine). The message does not repeat it."""

    def __init__(self) -> None:
        super().__init__("an origin is https://host[:port], or http://127.0.0.1[:port] on this machine")


def origin(text: str) -> str:
    """Return the origin in lower case, as a host-source of CSP. Raises InvalidOriginError."""
    lowered = text.lower()
    if not _ORIGIN.fullmatch(lowered):
        raise InvalidOriginError
    return lowered


def find_ancestor(text: str) -> str | None:
    """Return the origin, which may be `https://*.host`, in lower case; None for anything else."""
    lowered = text.lower()
    return lowered if _ANCESTOR.fullmatch(lowered) else None


def find_https_origin(url: str | None) -> str | None:
    """Return the origin of an https address that a page may show or link to; None for any other text."""
    if not url or _UNSAFE.search(url):
        return None
    try:
        parts = urlsplit(url)
        found = origin(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return None
    return found if found.startswith("https:") else None
