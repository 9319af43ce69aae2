"""The API core: one request in, one answer out. Who asks, idempotency, faults, parameters, then the route's handler.

Speaks bytes and headers only, so that it serves a test in process and a web server alike.
"""

import base64
import binascii
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.stripe_standin import checkout, errors, oauth, refunds
from sandbox.stripe_standin.answers import Answer, Headers
from sandbox.stripe_standin.errors import JsonObject, NoAnswer, StripeError
from sandbox.stripe_standin.expansion import expanded
from sandbox.stripe_standin.faults import FaultKind, Faults
from sandbox.stripe_standin.forms import decoded
from sandbox.stripe_standin.idempotency import IdempotencyKeys
from sandbox.stripe_standin.parameters import read
from sandbox.stripe_standin.routes import Call, Route, find_route
from sandbox.stripe_standin.world import Books, Cause, World

Observer = Callable[[str, str], None]


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    encoded: bytes  # the form: the body of a POST, else the query string
    headers: Headers
    request_id: str

    @property
    def is_oauth(self) -> bool:
        """For the host beside the API, which is the same server here."""
        return self.path.startswith("/oauth/")

    @property
    def idempotency_key(self) -> str | None:
        return self.headers.get("Idempotency-Key") if self.method == "POST" and not self.is_oauth else None


class Api:
    """Answers API requests about a world, one at a time under its lock; `on_request` is called outside of it."""

    def __init__(self, world: World, secret_key: str, faults: Faults, lock: threading.RLock) -> None:
        self.world = world
        self.secret_key = secret_key
        self.faults = faults
        self.lock = lock
        self.keys = IdempotencyKeys(world.clock)
        self.on_request: Observer = lambda _method, _path: None

    def request(self, method: str, path_and_query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request; raises NoAnswer when a fault lets it time out."""
        path, _, query = path_and_query.partition("?")
        with self.lock:
            encoded = body if method == "POST" else query.encode()
            request = Request(method, path, encoded, Headers(headers), self.world.new_id("req", 14))
            fault = self.faults.next_for(method, path)
        if fault is FaultKind.TIMEOUT_BEFORE:
            self.on_request(method, path)
            raise NoAnswer
        try:
            answer = self._admitted(request, fault)
        except StripeError as refusal:  # not let in: the handler was never reached
            self.on_request(method, path)
            answer = self._answer(request, refusal.status, refusal.body())
        if fault is FaultKind.TIMEOUT_AFTER:
            raise NoAnswer
        return answer

    def _admitted(self, request: Request, fault: FaultKind | None) -> Answer:
        """Check who asks, and let a key be answered once. The observer is called while the key is reserved."""
        with self.lock:
            checkout.expire_overdue(self.world)
            refunds.mature(self.world)
            books = self._authenticated(request)
            self._require_version(request)
            if fault is FaultKind.RATE_LIMIT:
                raise errors.rate_limited()
            replay = self._begin(request, books)
        if replay is not None:
            self.on_request(request.method, request.path)
            return replay
        return self._once(request, books, fault)

    def _authenticated(self, request: Request) -> Books:
        """Give the books of the account that the key and `Stripe-Account` name; raises StripeError 401 or 403."""
        key = secret_key_of(request.headers)
        if request.is_oauth:
            oauth.require_key(key, self.secret_key)
            return self.world.platform
        if key is None:
            raise errors.no_api_key()
        if key != self.secret_key:
            raise errors.invalid_api_key(key)
        account_id = account_named_in(request)
        books = self.world.platform if account_id is None else self.world.books.get(account_id)
        if books is None or not books.authorized:
            raise errors.account_invalid(key, str(account_id))
        return books

    def _require_version(self, request: Request) -> None:
        """Refuse another version than the one that is played, which Stripe would serve: raises StripeError 400."""
        asked, played = request.headers.get("Stripe-Version"), self.world.api_version
        if asked not in {None, played}:
            raise errors.version_not_simulated(str(asked), played)

    def _begin(self, request: Request, books: Books) -> Answer | None:
        key = request.idempotency_key
        if key is None:
            return None
        kept = self.keys.begin(books.account_id, key, request.path, request.encoded, request.request_id)
        if kept is None or kept.answer is None:
            return None
        replayed = {
            "Idempotent-Replayed": "true",
            "Original-Request": kept.request_id,
            "Request-Id": request.request_id,
        }
        return Answer(kept.answer.status, Headers({**kept.answer.headers, **replayed}), kept.answer.body)

    def _once(self, request: Request, books: Books, fault: FaultKind | None) -> Answer:
        key, kept = request.idempotency_key, False
        try:
            self.on_request(request.method, request.path)
            with self.lock:
                answer, kept = self._outcome(request, books, fault)
                if key is not None and kept:
                    self.keys.finish(books.account_id, key, answer)
            return answer
        finally:
            if key is not None and not kept:
                self.keys.forget(books.account_id, key)

    def _outcome(self, request: Request, books: Books, fault: FaultKind | None) -> tuple[Answer, bool]:
        """Give the answer, and whether an idempotency key keeps it."""
        try:
            if fault is FaultKind.SERVER_ERROR:
                raise errors.internal_error()
            found = self._handled(request, books)
            if fault is FaultKind.SERVER_ERROR_AFTER:
                raise errors.internal_error()
            return self._answer(request, 200, found), True
        except StripeError as refusal:
            return self._answer(request, refusal.status, refusal.body()), refusal.sticks

    def _handled(self, request: Request, books: Books) -> JsonObject:
        self.world.cause = Cause(request.request_id, request.idempotency_key)
        try:
            return self._of_oauth(request) if request.is_oauth else self._routed(request, books)
        finally:
            self.world.cause = Cause()

    def _of_oauth(self, request: Request) -> JsonObject:
        endpoint = oauth.ENDPOINTS.get((request.method, request.path))
        if endpoint is None:
            raise errors.unrecognized_url(request.method, request.path)
        return endpoint(self.world, oauth.read_form(request.encoded))

    def _routed(self, request: Request, books: Books) -> JsonObject:
        found = find_route(request.method, request.path)
        if found is None:
            raise errors.unrecognized_url(request.method, request.path)
        route, object_id = found
        params = read_parameters(route, request)
        return self._called(route, Call(self.world, books, params, request.path, object_id, self.secret_key))

    def _called(self, route: Route, call: Call) -> JsonObject:
        return expanded(self.world, call.books, route.handler(call), call.params.get("expand", []))

    def _answer(self, request: Request, status: int, body: JsonObject) -> Answer:
        fields = {
            "Content-Type": "application/json",
            "Request-Id": request.request_id,
            "Stripe-Version": self.world.api_version,
        }
        for name in ("Idempotency-Key", "Stripe-Account"):
            if name in request.headers:
                fields[name] = request.headers[name]
        if status >= 500 and request.idempotency_key is not None:
            fields["Stripe-Should-Retry"] = "false"  # the key would only replay it
        return Answer(status, Headers(fields), json.dumps(body, indent=2).encode())


def read_parameters(route: Route, request: Request) -> JsonObject:
    params: JsonObject = read(route.parameters, decoded(request.encoded), "")
    return params


def account_named_in(request: Request) -> str | None:
    """Give the account a request is about: of `/v1/accounts/{id}`, else of the header, else None for the platform's."""
    if request.path.startswith("/v1/accounts/"):
        return request.path.split("/")[3]
    return request.headers.get("Stripe-Account") or None


def secret_key_of(headers: Headers) -> str | None:
    """Give the key of a Bearer or Basic `Authorization`, as Stripe takes both."""
    scheme, _, credentials = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0] or None
    except (binascii.Error, UnicodeDecodeError):
        return ""
