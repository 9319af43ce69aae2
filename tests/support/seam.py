"""The seam between the product and the outside: every store call and every request to Stripe passes here, and is told.

What a test does with it (count, stop, let another flow go first) is the test's; nothing here decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar, cast

from typing_extensions import override

from sandbox.stripe_standin import StripeStandIn
from sandbox.stripe_standin.answers import Headers
from sandbox.stripe_standin.client import InProcessHTTPClient

Store = TypeVar("Store")
Result = TypeVar("Result")


class Kind(StrEnum):
    READ = "read"
    QUERY = "query"
    WRITE = "write"
    STRIPE = "stripe"


KINDS = {
    "get": Kind.READ,
    "newest": Kind.READ,
    "find": Kind.READ,
    "of": Kind.QUERY,
    "between": Kind.QUERY,
    "due": Kind.QUERY,
    "stretch": Kind.QUERY,
    "all": Kind.QUERY,
    "create": Kind.WRITE,
    "save": Kind.WRITE,
    "push_back": Kind.WRITE,
    "remove": Kind.WRITE,
    "begin": Kind.WRITE,
    "add": Kind.WRITE,
}
"""Of every method of every store."""


@dataclass(frozen=True, slots=True)
class Io:
    """One call to the outside: `sessions.save`, or `POST /v1/refunds`."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Spent:
    """What something cost, in calls."""

    reads: int = 0
    writes: int = 0
    stripe: int = 0
    queries: int = 0


NOTHING_SPENT = Spent()


def untouched(io: Io) -> None:
    """What a seam does that nobody has armed."""


@dataclass
class Seam:
    """`before` is called with every I/O before its effect, `after` with its effect done and its answer on the way."""

    before: Callable[[Io], None] = untouched
    after: Callable[[Io], None] = untouched
    done: list[Io] = field(default_factory=list)

    def watched(self, store: Store, name: str) -> Store:
        """The same store, with every call told."""
        return cast("Store", WatchedStore(store, name, self))

    def around(self, io: Io, act: Callable[[], Result]) -> Result:
        self.begin(io)
        result = act()
        self.after(io)
        return result

    def begin(self, io: Io) -> None:
        self.done.append(io)
        self.before(io)

    def stripe_client(self, standin: StripeStandIn) -> InProcessHTTPClient:
        """The way to Stripe. `before` is called while the request's idempotency key is held, as at Stripe."""
        standin.on_request = lambda method, path: self.begin(Io(Kind.STRIPE, f"{method} {path}"))
        return WatchedHTTPClient(standin, self)

    @contextmanager
    def armed(
        self, *, before: Callable[[Io], None] = untouched, after: Callable[[Io], None] = untouched
    ) -> Iterator[None]:
        """For the time of a block, call these."""
        self.before, self.after = before, after
        try:
            yield
        finally:
            self.before, self.after = untouched, untouched

    @contextmanager
    def counted(self) -> Iterator[Callable[[], Spent]]:
        """Gives a function that says what was spent since the block began."""
        mark = len(self.done)
        yield lambda: spent_on(self.done[mark:])


def spent_on(calls: list[Io]) -> Spent:
    kinds = [io.kind for io in calls]
    return Spent(
        reads=kinds.count(Kind.READ),
        writes=kinds.count(Kind.WRITE),
        stripe=kinds.count(Kind.STRIPE),
        queries=kinds.count(Kind.QUERY),
    )


class WatchedStore:
    """Any store; its methods are those of the store behind it."""

    def __init__(self, store: object, name: str, seam: Seam) -> None:
        self._store = store
        self._name = name
        self._seam = seam

    def __getattr__(self, method: str) -> Any:  # noqa: ANN401 (whatever the store has)
        call, io = getattr(self._store, method), Io(KINDS[method], f"{self._name}.{method}")
        return lambda *args, **named: self._seam.around(io, partial(call, *args, **named))


class WatchedHTTPClient(InProcessHTTPClient):
    """Stripe's answers pass the seam; the requests are told by the stand-in itself."""

    def __init__(self, standin: StripeStandIn, seam: Seam) -> None:
        super().__init__(standin)
        self._seam = seam

    @override
    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Headers]:
        answer = super().request(method, url, headers, post_data, _usage=_usage)
        self._seam.after(Io(Kind.STRIPE, f"{method.upper()} {url}"))
        return answer
