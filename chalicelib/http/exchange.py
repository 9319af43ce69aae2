"""One request and one answer, as our handlers see them: nothing of Chalice goes further in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from chalicelib.flows.context import Context

JSON = "application/json"
HTML = "text/html; charset=utf-8"
PROBLEM_JSON = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Request:
    """Header names are lower case. `route` is the pattern of the path, which may be logged; the path may not."""

    method: str
    route: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    path: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    request_id: str
    source: str = ""
    """The address that the request came from."""

    def header(self, name: str) -> str:
        """The header's value, empty where there is none."""
        return self.headers.get(name, "")

    @property
    def wants_json(self) -> bool:
        """A browser names text/html; a script that names JSON alone wants JSON."""
        accept = self.header("accept").lower()
        return "json" in accept and "text/html" not in accept


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` may hold Set-Cookie; `body` is text already."""

    status: int
    headers: Mapping[str, str]
    body: str = field(default="", repr=False)

    def with_headers(self, headers: Mapping[str, str]) -> Answer:
        return replace(self, headers={**self.headers, **headers})


Handler = Callable[[Context, Request], Answer]


def json_answer(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Answer:  # noqa: ANN401 (any shape)
    """An answer in JSON; `content` is anything msgspec encodes."""
    return Answer(status, {"Content-Type": JSON, **(headers or {})}, msgspec.json.encode(content).decode())


def html_answer(status: int, page: str, headers: Mapping[str, str]) -> Answer:
    return Answer(status, {"Content-Type": HTML, **headers}, page)


def see_other(url: str, headers: Mapping[str, str]) -> Answer:
    """RFC 9110, section 15.4.4: go there with GET."""
    return Answer(303, {"Content-Type": HTML, **headers, "Location": url})
