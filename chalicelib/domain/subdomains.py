"""What a team may be called in addresses: one label of a host name, made of the team's name where nobody chose it.

A label is RFC 1035 (2.3.1) as RFC 1123 (2.1) widened it: letters, digits and hyphens, not at its ends, up to 63.
"""

from __future__ import annotations

import re
import unicodedata

from chalicelib.domain.teams import TeamSettingError

SHORTEST = 3
LONGEST = 63

RESERVED = frozenset(
    {"admin", "anteroom", "api", "app", "auth", "billing", "docs", "help", "localhost", "login", "mail", "smtp"}
    | {"status", "support", "www"}
)
"""What a deployment calls its own."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.ASCII)
_TAGGED = re.compile(r"..--")
"""`xn--` and its like mean another thing (RFC 5890, 2.3.1)."""
_BETWEEN = re.compile(r"[^a-z0-9]+", re.ASCII)


class SubdomainError(TeamSettingError):
    """The text cannot be a team's subdomain. The message says what may be."""

    def __init__(self) -> None:
        super().__init__(
            f"a subdomain is {SHORTEST} to {LONGEST} of a-z, 0-9 and -, not at its ends, "
            "no name that the deployment uses itself, and not xn--…"
        )


def checked_subdomain(text: str) -> str:
    """The subdomain in lower case. Raises SubdomainError."""
    lowered = text.lower()
    if not SHORTEST <= len(lowered) <= LONGEST or not _LABEL.fullmatch(lowered):
        raise SubdomainError
    if lowered in RESERVED or _TAGGED.match(lowered):
        raise SubdomainError
    return lowered


def made_of(name: str) -> str:
    """A subdomain that tells that name: accents are left away, and all that no label holds becomes a hyphen."""
    bare = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    label = _BETWEEN.sub("-", bare).strip("-")[:LONGEST].strip("-")
    if len(label) >= SHORTEST and label not in RESERVED:
        return label
    return f"clinic-{label}".strip("-")


def beside(subdomain: str, suffix: str) -> str:
    """Another one for a team whose first choice is taken."""
    return f"{subdomain[: LONGEST - len(suffix) - 1].rstrip('-')}-{suffix}"
