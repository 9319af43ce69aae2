"""Routes: one table of paths and methods, registered with Chalice so that every path answers every method.

HEAD is answered as GET, OPTIONS and unknown methods here, since API Gateway says "Missing Authentication Token" for
what it does not know. The request comes through middleware and a context variable: Chalice's own `current_request` is
shared by all threads of a local server.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from chalice.app import Blueprint, Chalice, Response
from chalice.app import Request as ChaliceRequest

from chalicelib.flows.context import REQUEST_SECONDS, Context
from chalicelib.http.cors import preflight, with_sharing
from chalicelib.http.exchange import Answer, Handler, Request
from chalicelib.http.preferences import with_preference_applied
from chalicelib.http.problems import HttpError, Trouble, log_trouble, problem_answer, trouble_of

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

Shape = Callable[[Context, Request, Trouble], Answer]
"""How a route shows trouble: as a problem detail, or as a page."""

_current: ContextVar[ChaliceRequest] = ContextVar("current_request")
log = logging.getLogger("anteroom.http")


class Routes:
    """Paths and their handlers, collected before they are registered."""

    def __init__(self) -> None:
        self._table: dict[str, tuple[Mapping[str, Handler], Shape]] = {}

    def add(self, path: str, *, shape: Shape | None = None, **handlers: Handler) -> None:
        """`routes.add("/x", GET=read, POST=make)`; `shape` None: trouble is a problem detail."""
        self._table[path] = (handlers, shape or _as_problem)

    def paths(self) -> Mapping[str, Mapping[str, Handler]]:
        """Every path with its methods and handlers."""
        return {path: handlers for path, (handlers, _) in self._table.items()}

    def register(self, app: Chalice, context: Callable[[], Context]) -> None:
        """Register every path with every method. `context()` is asked at each request, never before."""
        blueprint = Blueprint(__name__)
        for number, (path, (handlers, shape)) in enumerate(self._table.items()):
            view = _view(path, handlers, shape, context)
            # Chalice keeps views by name, and one of two with the same name would vanish.
            blueprint.route(path, methods=list(METHODS), content_types=["*/*"], name=f"route_{number}")(view)
        app.register_blueprint(blueprint)


def remember_request(request: ChaliceRequest, get_response: Callable[[ChaliceRequest], Response]) -> Response:
    """Middleware: keep the request for the handler of this very call."""
    token = _current.set(request)
    try:
        return get_response(request)
    finally:
        _current.reset(token)


def _as_problem(ctx: Context, request: Request, trouble: Trouble) -> Answer:
    del ctx
    return problem_answer(request, trouble)


def _view(
    path: str, handlers: Mapping[str, Handler], shape: Shape, context: Callable[[], Context]
) -> Callable[..., Response]:
    def view(**_path: str) -> Response:
        started = time.perf_counter()
        request = _request(path, _current.get())
        answer = _answered(context, request, handlers, shape)
        took = round((time.perf_counter() - started) * 1000)
        fields = {"route": path, "method": request.method, "status": answer.status, "ms": took}
        log.info("request", extra={**fields, "request_id": request.request_id})
        body = "" if request.method == "HEAD" else answer.body
        return Response(body=body, headers=dict(answer.headers), status_code=answer.status)

    return view


def _answered(
    context: Callable[[], Context], request: Request, handlers: Mapping[str, Handler], shape: Shape
) -> Answer:
    """The one place where an error becomes an answer; a problem detail where nothing can be shaped."""
    try:
        ctx = context().within(REQUEST_SECONDS)
        try:
            answer = _handler(request, handlers)(ctx, request)
        except Exception as error:  # noqa: BLE001 (the table of problems says what each one means)
            answer = shape(ctx, request, _trouble(request, error))
        return with_sharing(ctx, request, with_preference_applied(request, answer))
    except Exception as error:  # noqa: BLE001 (no settings, or a page that cannot be made)
        return problem_answer(request, _trouble(request, error))


def _trouble(request: Request, error: Exception) -> Trouble:
    trouble = trouble_of(error)
    log_trouble(request, error, trouble)
    return trouble


def _handler(request: Request, handlers: Mapping[str, Handler]) -> Handler:
    handler = handlers.get("GET" if request.method == "HEAD" else request.method)
    if handler is not None:
        return handler
    methods = [*handlers, *(["HEAD"] if "GET" in handlers else []), "OPTIONS"]
    allowed = ", ".join(methods)
    if request.method == "OPTIONS":
        return lambda _ctx, _request: Answer(204, {"Allow": allowed, **preflight(request, methods)})
    raise HttpError(405, f"this address answers {allowed} only", headers={"Allow": allowed})


def _request(route: str, request: ChaliceRequest) -> Request:
    context: dict[str, Any] = request.context
    body = request.raw_body
    identity = context.get("requestId") or getattr(request.lambda_context, "aws_request_id", "")
    return Request(
        method=request.method,
        route=route,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body.encode() if isinstance(body, str) else body,
        path=request.uri_params or {},
        query=dict(request.query_params or {}),
        request_id=str(identity),
        source=str(context.get("identity", {}).get("sourceIp", "")),
    )
