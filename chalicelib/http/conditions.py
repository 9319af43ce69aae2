"""Entity tags and the conditions on them (RFC 9110, section 13): who read an older version is told so.

A tag is `"VERSION-HASH"`: the version that is stored, and a hash of the answer as it was written, since one version
has several answers (time formats, what has been paid by now). `If-None-Match` asks about the answer, so the whole tag
counts. `If-Match` asks about what is stored, so the version alone does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import TypeVar

from chalicelib.flows.preconditions import PreconditionFailedError
from chalicelib.http.exchange import Answer, Request

MOST_TAGS = 10
_TAG = re.compile(r'(W/)?"([^"]*)"')
_OURS = re.compile(r"([0-9]{1,15})-[0-9a-f]{12}", re.ASCII)

Changed = TypeVar("Changed")


def with_etag(answer: Answer, version: int) -> Answer:
    digest = hashlib.sha256(answer.body.encode()).hexdigest()[:12]
    return answer.with_headers({"ETag": f'"{version}-{digest}"'})


def unless_known(request: Request, answer: Answer) -> Answer:
    """304 without a body where the caller has this very answer (weak comparison, section 13.1.2)."""
    sent = request.header("if-none-match").strip()
    known = {opaque for _, opaque in _TAG.findall(sent)}
    if sent == "*" or answer.headers["ETag"].strip('"') in known:
        return Answer(304, {name: value for name, value in answer.headers.items() if name != "Content-Type"})
    return answer


def if_match(request: Request, change: Callable[[int | None], Changed]) -> Changed:
    """`change` for the version that the caller read: one after the other where they name several.

    None: any will do. Raises PreconditionFailedError, and what `change` raises.
    """
    sent = request.header("if-match").strip()
    if not sent or sent == "*":
        return change(None)
    for version in _versions(sent)[:MOST_TAGS]:
        try:
            return change(version)
        except PreconditionFailedError:
            continue
    raise PreconditionFailedError


def _versions(sent: str) -> list[int]:
    """Of the strong tags (section 13.1.1), the newest first; at least one, so that what is not there is 404 first."""
    ours = [_OURS.fullmatch(opaque) for weak, opaque in _TAG.findall(sent) if not weak]
    return sorted({int(one[1]) for one in ours if one}, reverse=True) or [_NEVER]


_NEVER = -1
"""No version: those are counted from 1."""
