"""The Stripe stand-in and the way to it, made quick: the same checks, without pretty JSON and without an HTTP library.

`DirectClient` stands where Stripe's library stands (`raw_request`) and fails as that does; `test_lean_stripe.py` holds
the two against each other. Nothing here decides what Stripe would do.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote_plus

import msgspec
import stripe
from stripe import oauth_error
from typing_extensions import override

from sandbox.stripe_standin import Answer, NoAnswer, StripeStandIn
from sandbox.stripe_standin.answers import Headers
from sandbox.stripe_standin.api import Api, Request
from sandbox.stripe_standin.deliveries import Delivery, DeliveryState, Mailroom, Mode
from sandbox.stripe_standin.errors import JsonObject
from sandbox.stripe_standin.idempotency import Kept
from sandbox.stripe_standin.routes import Call, Route
from sandbox.stripe_standin.standin import API_VERSION
from sandbox.stripe_standin.world import Books, World
from tests.support.seam import Io, Kind, Seam

OAUTH_ERRORS: dict[str, type[oauth_error.OAuthError]] = {
    "invalid_client": oauth_error.InvalidClientError,
    "invalid_grant": oauth_error.InvalidGrantError,
    "invalid_request": oauth_error.InvalidRequestError,
    "unsupported_grant_type": oauth_error.UnsupportedGrantTypeError,
}
RATE_LIMITED = 429
SERVER_ERROR = 500
REFUSED = 400

_quoted = lru_cache(maxsize=4096)(quote_plus)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode

Watch = Callable[["Asked"], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to Stripe, as it left us."""

    method: str
    path: str
    form: str
    stripe_account: str | None
    idempotency_key: str | None


class LeanMailroom(Mailroom):
    """Writes an event down once, and only where somebody wants it."""

    @override
    def post(self, event: JsonObject, *, connect: bool) -> None:
        wanting = [one for one in self.endpoints if one.wants(event["type"], connect=connect)]
        if not wanting:
            return
        event["pending_webhooks"] = len(wanting)
        body, now = _encode(event), self.clock()
        state = DeliveryState.HELD if self.mode is Mode.HOLD else DeliveryState.PENDING
        for endpoint in wanting:
            self.deliveries.append(Delivery(event["id"], event["type"], endpoint, body, now, now + self.delay, state))


class LeanWorld(World):
    """`changes` counts what has changed: every change of an object is announced."""

    changes = 0

    @override
    def new_id(self, prefix: str, length: int = 24) -> str:
        return f"{prefix}_{self.entropy.getrandbits(4 * length):0{length}x}"

    @override
    def announce(
        self,
        books: Books,
        event_type: str,
        about: JsonObject,
        *,
        previous: JsonObject | None = None,
        created: int | None = None,
    ) -> JsonObject:
        self.changes += 1
        connect = not books.is_platform
        if not any(one.wants(event_type, connect=connect) for one in self.mailroom.endpoints):
            return {}
        event: JsonObject = {
            "id": self.new_id("evt"),
            "object": "event",
            **({} if books.is_platform else {"account": books.account_id}),
            "api_version": self.api_version,
            "created": self.timestamp() if created is None else created,
            "data": {
                "object": _decode(_encode(about)),
                **({} if previous is None else {"previous_attributes": previous}),
            },
            "livemode": self.livemode,
            "pending_webhooks": 0,
            "request": {"id": self.cause.request_id, "idempotency_key": self.cause.idempotency_key},
            "type": event_type,
        }
        books.add(event)
        if books.authorized:
            self.mailroom.post(event, connect=connect)
        return event


class LeanApi(Api):
    @override
    def _answer(self, request: Request, status: int, body: JsonObject) -> Answer:
        fields = {"Request-Id": request.request_id}
        if status >= SERVER_ERROR and request.idempotency_key is not None:
            fields["Stripe-Should-Retry"] = "false"
        return Answer(status, Headers(fields), _encode(body))

    @override
    def _called(self, route: Route, call: Call) -> JsonObject:
        """Without a copy where nothing is put into it: it is written down at once."""
        return super()._called(route, call) if "expand" in call.params else route.handler(call)


class LeanStandIn(StripeStandIn):
    """The same Stripe; only what carries its answers and events is quicker."""

    def __init__(self, clock: Callable[[], datetime], entropy: random.Random, public_url: str, secret_key: str) -> None:
        super().__init__(clock, entropy, public_url, secret_key=secret_key)
        world = LeanWorld(clock, entropy, public_url=public_url, livemode=False, api_version=API_VERSION)
        world.books, world.mailroom = self._world.books, LeanMailroom(clock)
        self._world: LeanWorld = world
        self._api = LeanApi(world, secret_key, self._faults, self._lock)

    @property
    def all_books(self) -> list[Books]:
        """Every account with all that it holds, to look at without a copy."""
        return list(self._world.books.values())

    @property
    def mailroom(self) -> Mailroom:
        return self._world.mailroom

    @property
    def world(self) -> LeanWorld:
        return self._world

    @property
    def keys(self) -> list[Kept]:
        """What every idempotency key that was not pruned stands for."""
        return list(self._api.keys._kept.values())


class DirectClient:
    """`raw_request` of Stripe's library, without the library: its errors as its own. Its retries are off."""

    def __init__(self, standin: StripeStandIn, seam: Seam, watch: Watch) -> None:
        self._standin = standin
        self._seam = seam
        self._watch = watch

    def raw_request(self, method: str, path: str, **params: Any) -> stripe.StripeResponse:
        account, key = params.pop("stripe_account", None), params.pop("idempotency_key", None)
        params.pop("base", None)  # the stand-in is both hosts
        form = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in flat(params))
        asked = Asked(method.upper(), path, form, account, key)
        return response_of(self._once(asked))

    def _once(self, asked: Asked) -> Answer | None:
        self._watch(asked)
        io = Io(Kind.STRIPE, f"{asked.method} {asked.path}")
        self._seam.begin(io)
        headers = {"Authorization": f"Bearer {self._standin.secret_key}"}
        if asked.stripe_account:
            headers["Stripe-Account"] = asked.stripe_account
        if asked.idempotency_key:
            headers["Idempotency-Key"] = asked.idempotency_key
        is_post = asked.method == "POST"
        target = asked.path if is_post or not asked.form else f"{asked.path}?{asked.form}"
        try:
            answer = self._standin.request(asked.method, target, headers, asked.form.encode() if is_post else b"")
        except NoAnswer:
            return None
        self._seam.after(io)
        return answer


def flat(params: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """The bracketed names of a form, as Stripe's library writes them."""
    for name, value in params.items():
        path = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, Mapping):
            yield from flat(value, path)
        elif isinstance(value, list):
            yield from flat({str(index): one for index, one in enumerate(value)}, path)
        else:
            yield path, str(value).lower() if isinstance(value, bool) else str(value)


def response_of(answer: Answer | None) -> stripe.StripeResponse:
    """What the library gives, or raises."""
    if answer is None:
        raise stripe.APIConnectionError("no answer", should_retry=True)  # type: ignore[no-untyped-call]
    body = _decode(answer.body)
    if answer.status < REFUSED:
        return cast("stripe.StripeResponse", _Response(body))
    error = body["error"]
    if isinstance(error, str):
        raise oauth_error_of(answer.status, body)
    raise error_of(answer.status, error, {name.lower(): value for name, value in answer.headers.items()})


def oauth_error_of(status: int, body: JsonObject) -> stripe.StripeError:
    """Of the host beside the API, where `error` is a word."""
    kind = OAUTH_ERRORS[body["error"]]
    return kind(body["error"], "", http_status=status, json_body=body)


def error_of(status: int, error: JsonObject, headers: Mapping[str, str]) -> stripe.StripeError:
    told: dict[str, Any] = {"http_status": status, "json_body": {"error": error}, "code": error.get("code")}
    told["headers"] = headers
    if status == RATE_LIMITED or error.get("code") == "rate_limit":
        return stripe.RateLimitError("", **told)
    if error["type"] == "idempotency_error":
        return stripe.IdempotencyError("", **told)
    if status in {400, 404}:
        return stripe.InvalidRequestError("", error.get("param"), **told)  # type: ignore[no-untyped-call]
    if status == 401:
        return stripe.AuthenticationError("", **told)
    if status == 403:
        return stripe.PermissionError("", **told)
    return stripe.APIError("", **told)


@dataclass(frozen=True, slots=True)
class _Response:
    data: JsonObject
