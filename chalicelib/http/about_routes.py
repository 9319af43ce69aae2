"""What the deployment says about itself: its reference, for machines and people; whether it is up. Asks no store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from chalicelib.flows.context import Context
from chalicelib.http.exchange import HTML, JSON, Answer, Handler, Request, json_answer
from chalicelib.http.operations import Access, Operation, Parameter, operation
from chalicelib.http.pages.headers import reference_headers
from chalicelib.http.pages.render import render_reference
from chalicelib.http.routing import Routes

_FRESH = {"Cache-Control": "public, max-age=300"}
_IF_NONE_MATCH = Parameter("If-None-Match", "The `ETag` of what you have.", {"type": "string"}, "header")


class HealthOut(Struct):
    """The deployment is up, and configured."""

    status: str
    stage: str


def add_routes(routes: Routes) -> None:
    reference = Reference(routes)
    as_json = _described("Read this reference as OpenAPI", dict[str, Any])
    as_page = _described("Read this reference", None, (HTML,))
    routes.add("/openapi.json", GET=as_json(reference.read_openapi))
    routes.add("/docs", GET=as_page(reference.read_docs))
    routes.add("/health", GET=health)


def _described(summary: str, answer: Any, kinds: tuple[str, ...] = ()) -> Callable[[Handler], Operation]:  # noqa: ANN401 (a shape)
    return operation(
        summary,
        tag="About",
        access=Access.OPEN,
        answers={200: answer},
        parameters=(_IF_NONE_MATCH,),
        kinds=kinds,
    )


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is the same for everybody, and its version."""

    body: str
    etag: str


class Reference:
    """The reference of these routes, made when it is first asked for and kept: most processes are never asked."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._kept: dict[tuple[str, date | None], Text] = {}

    def read_openapi(self, ctx: Context, request: Request) -> Answer:
        """The OpenAPI 3.1 document, made from the schemas that validate the requests."""
        key = (ctx.settings.public_url, None)
        text = self._kept.get(key) or self._keep(key, msgspec.json.encode(self._document(ctx)).decode())
        return _cacheable(request, text, {"Content-Type": JSON, "X-Content-Type-Options": "nosniff"})

    def read_docs(self, ctx: Context, request: Request) -> Answer:
        """The same for people, with examples that can be pasted: their dates are tomorrow's."""
        key = (ctx.settings.public_url, ctx.clock().date())
        return _cacheable(request, self._kept.get(key) or self._keep(key, self._page(ctx)), reference_headers())

    def _document(self, ctx: Context) -> dict[str, Any]:
        from chalicelib.http.openapi import document  # noqa: PLC0415 (no other cold start pays its 10 ms)

        return document(self._routes.paths(), ctx.settings.public_url)

    def _page(self, ctx: Context) -> str:
        from chalicelib.http.docs_page import reference_view  # noqa: PLC0415 (as above)

        base = urlsplit(ctx.settings.public_url).path
        return render_reference(reference_view(self._document(ctx), ctx.clock().date(), base))

    def _keep(self, key: tuple[str, date | None], body: str) -> Text:
        """Yesterday's page goes."""
        text = Text(body, f'"{hashlib.sha256(body.encode()).hexdigest()[:16]}"')
        self._kept = {other: kept for other, kept in self._kept.items() if (other[1] is None) != (key[1] is None)}
        self._kept[key] = text
        return text


def _cacheable(request: Request, text: Text, headers: Mapping[str, str]) -> Answer:
    """RFC 9110, section 13.1.2: a cache that has this version is told so."""
    versions = {one.strip().removeprefix("W/") for one in request.header("if-none-match").split(",")}
    fresh = {**headers, **_FRESH, "ETag": text.etag}
    if text.etag in versions or "*" in versions:
        return Answer(304, fresh)
    return Answer(200, fresh, text.body)


@operation("Ask whether the deployment is up", tag="About", access=Access.OPEN, answers={200: HealthOut})
def health(ctx: Context, request: Request) -> Answer:
    """Up, and configured; asks nobody."""
    del request
    return json_answer(200, HealthOut("ok", ctx.settings.stage), {"Cache-Control": "no-store"})
