"""The version that a caller's change is meant for: who read an older one is told so, and changes nothing."""

from __future__ import annotations

from chalicelib.domain.sessions import Session


class PreconditionFailedError(Exception):
    """Somebody changed it since the caller read it."""


def check_version(session: Session, if_version: int | None) -> None:
    """Raises PreconditionFailedError where that is not its version; None is any."""
    if if_version is not None and session.revision.version != if_version:
        raise PreconditionFailedError
