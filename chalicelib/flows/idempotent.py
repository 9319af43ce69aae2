"""Do once what a caller asks for several times under one Idempotency-Key; knows nothing of what that is.

What is made has an id that is drawn, and kept in a record, before it is made. So the record needs no outcome: whether
the thing was made is asked of the thing. A request with a key is answered by the top row that applies:

    no record, or one that expired       begin the record, make the thing: two writes
    of another body, lease still runs    refuse
    of another body, the thing is there  refuse
    of another body, and no thing        take the record over for this body, and make the thing under the same id
    the thing is there                   answer it as it is now: a replay, also while the lease runs
    the first one's lease still runs     refuse for now: it may be made at any moment
    else the first one died              take the record over, and make the thing under the same id

Whoever dies between the record and the thing is finished by the next request with the key, and two that try at once
make one thing, since an id can be made once. A key is free again after 24 h, or at once when the request was refused.
A request that failed otherwise ends its lease: if nothing was made, the key is free for a corrected body, which keeps
the id that was planned, so that the first one's write, should it come late, does not make a second thing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from chalicelib.flows.context import Context
from chalicelib.storage.stores import Begun, ConflictError, IdempotencyRecord, StoreError

KEPT_FOR = timedelta(hours=24)
"""As long as Stripe keeps keys at least: https://docs.stripe.com/api/idempotent_requests."""

LONGEST_KEY = 255
LEASE_MARGIN = timedelta(seconds=5)
"""Beyond the request's deadline: the function is stopped 3 s after it (`lambda_timeout` in .chalice/config.json)."""

Made = TypeVar("Made")


class InvalidKeyError(ValueError):
    """The Idempotency-Key is not one. The message does not repeat it."""


class IdempotencyMismatchError(Exception):
    """The key was used for another body."""


class InProgressError(Exception):
    """The first request with this key may still be at work. `retry_after`: seconds, at least 1."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("a request with this key is at work")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class IdempotencyScope:
    """Where a key means what it means. Raises InvalidKeyError.

    `route`: method and path as requested, ids and all, so that one key for two participants is two requests. The key:
    1 to 255 printable ASCII characters, since other ones change on their way through a header.
    """

    client_id: str
    route: str
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.key) <= LONGEST_KEY:
            message = f"1 to {LONGEST_KEY} characters; {len(self.key)} were sent"
            raise InvalidKeyError(message)
        if not (self.key.isascii() and self.key.isprintable()):
            message = "printable ASCII characters only"
            raise InvalidKeyError(message)

    @property
    def record_key(self) -> str:
        """Hashed, since paths and keys may be long, and keys may be made of names."""
        named = f"{len(self.route)}:{self.route}{self.key}"
        return f"{self.client_id}#{hashlib.sha256(named.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Effect(Generic[Made]):
    """A thing that can be made once. `plan` draws an id for it and makes nothing.

    `find` answers the thing of that id, whatever became of it since, or None when it was never made. `make` makes it
    under that id; where it is there already it answers it, or raises ConflictError. `refusals`: errors of `make` that
    are the caller's to correct, and that are raised before anything is made. `finds_only`: `find` makes nothing, so it
    may be asked for another body.
    """

    plan: Callable[[], str]
    find: Callable[[str], Made | None]
    make: Callable[[str], Made]
    refusals: tuple[type[Exception], ...] = ()
    finds_only: bool = True


@dataclass(frozen=True, slots=True)
class Once(Generic[Made]):
    """`replayed`: it was made by an earlier request with the key."""

    result: Made
    replayed: bool


def once(ctx: Context, scope: IdempotencyScope, body: bytes, effect: Effect[Made]) -> Once[Made]:
    """The thing, made by this request or an earlier one with the same key and body.

    Raises IdempotencyMismatchError, InProgressError, StoreError, and whatever `effect` raises.
    """
    now = ctx.clock()
    record = IdempotencyRecord(
        record_key=scope.record_key,
        body_hash=hashlib.sha256(body).hexdigest(),
        planned_id=effect.plan(),
        lease_until=_lease(ctx, now),
        created_at=now,
        expires_at=now + KEPT_FOR,
    )
    begun = ctx.idempotency.begin(record, now)
    if begun.is_new:
        return _made(ctx, begun.record, effect, is_first=True)
    return _again(ctx, begun, record.body_hash, effect)


def _again(ctx: Context, begun: Begun, body_hash: str, effect: Effect[Made]) -> Once[Made]:
    first, now = begun.record, ctx.clock()
    if first.body_hash != body_hash:
        return _corrected(ctx, first, body_hash, effect)
    found = effect.find(first.planned_id)
    if found is not None:
        return Once(found, replayed=True)
    if now < first.lease_until:
        raise InProgressError(math.ceil((first.lease_until - now).total_seconds()))
    return _made(ctx, _taken(ctx, first, body_hash), effect, is_first=False)


def _corrected(ctx: Context, first: IdempotencyRecord, body_hash: str, effect: Effect[Made]) -> Once[Made]:
    """Made with another body than the first one's, which is known to have made nothing."""
    if ctx.clock() < first.lease_until or not effect.finds_only or effect.find(first.planned_id) is not None:
        raise IdempotencyMismatchError
    taken = _taken(ctx, first, body_hash)
    made = _made(ctx, taken, effect, is_first=False)
    if made.replayed:
        # The first one's write came late: the record must not say that it was of this body.
        with suppress(StoreError):
            ctx.idempotency.save(taken, replace(taken, body_hash=first.body_hash))
        raise IdempotencyMismatchError
    return made


def _taken(ctx: Context, first: IdempotencyRecord, body_hash: str) -> IdempotencyRecord:
    try:
        return ctx.idempotency.save(first, replace(first, body_hash=body_hash, lease_until=_lease(ctx, ctx.clock())))
    except ConflictError:
        # Another one took it over at this moment.
        raise InProgressError(1) from None


def _lease(ctx: Context, now: datetime) -> datetime:
    return now + timedelta(seconds=ctx.deadline.left()) + LEASE_MARGIN


def _made(ctx: Context, record: IdempotencyRecord, effect: Effect[Made], *, is_first: bool) -> Once[Made]:
    """After a refusal of the first request the key is as new: nobody else may be making anything of it.

    Where the record was taken over from another one, that one's write may still come, under the id planned for it; so
    whoever has the key next goes on with that id.
    """
    try:
        return Once(effect.make(record.planned_id), replayed=False)
    except ConflictError:
        found = effect.find(record.planned_id)
        if found is None:
            _let_go(ctx, record, frees_key=False)
            raise
        # One who was thought dead was not, and was faster; or one with a corrected body.
        _check_is_of(ctx, record)
        return Once(found, replayed=True)
    except Exception as error:
        _let_go(ctx, record, frees_key=is_first and isinstance(error, effect.refusals))
        raise


def _check_is_of(ctx: Context, record: IdempotencyRecord) -> None:
    """Raises IdempotencyMismatchError where the key was taken over for another body meanwhile."""
    if ctx.idempotency.begin(record, ctx.clock()).record.body_hash != record.body_hash:
        raise IdempotencyMismatchError


def _let_go(ctx: Context, record: IdempotencyRecord, *, frees_key: bool) -> None:
    """The next try need not wait for the lease; `frees_key`: nor go on with this record.

    Best effort: if it fails, the lease ends by itself.
    """
    now = ctx.clock()
    expires_at = now if frees_key else record.expires_at
    with suppress(StoreError):
        ctx.idempotency.save(record, replace(record, lease_until=now, expires_at=expires_at))
