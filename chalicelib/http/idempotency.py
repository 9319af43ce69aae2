"""The `Idempotency-Key` header: what a POST makes is made once, however often it is sent with the same key."""

from __future__ import annotations

from typing import TypeVar

from chalicelib.flows.context import Context
from chalicelib.flows.idempotent import Effect, IdempotencyScope, Once, once
from chalicelib.http.auth import Caller
from chalicelib.http.exchange import Answer, Request

Made = TypeVar("Made")

HEADER = "idempotency-key"


def made_once(ctx: Context, request: Request, caller: Caller, effect: Effect[Made]) -> Once[Made]:
    """Without a key, every request makes one. Raises what `once` and the effect raise, and InvalidKeyError."""
    if HEADER not in request.headers:
        return Once(effect.make(effect.plan()), replayed=False)
    path = request.route.format(**{name: value.lower() for name, value in request.path.items()})
    scope = IdempotencyScope(caller.client_id, f"{request.method} {path}", request.header(HEADER))
    return once(ctx, scope, request.body, effect)


def with_replay(answer: Answer, made: Once[Made]) -> Answer:
    return answer.with_headers({"Idempotent-Replayed": "true"}) if made.replayed else answer
