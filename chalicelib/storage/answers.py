"""DynamoDB's failures as ours: the one place that knows PynamoDB's exceptions. Never retries, never logs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pynamodb.exceptions import DoesNotExist, PynamoDBException, TransactWriteError

from chalicelib.storage.stores import ConflictError, NotFoundError, StoreUnavailableError, UnreadableError

_CONDITION = "ConditionalCheckFailed"
_CONTENDED = frozenset({_CONDITION, "TransactionConflict"})
"""Why a transaction was cancelled, where loading and deciding again is right."""


@contextmanager
def readable(what: str) -> Iterator[None]:
    """An item with an attribute missing, or of another type than it should have, as UnreadableError."""
    try:
        yield
    except TypeError:
        message = f"{what} lacks something, or has something of another type"
        raise UnreadableError(message) from None


@contextmanager
def translated(what: str) -> Iterator[None]:
    """PynamoDB's errors as ours, naming `what` by its id; the cause is cut off, since it quotes requests."""
    try:
        yield
    except DoesNotExist:
        message = f"no such {what}"
        raise NotFoundError(message) from None
    except PynamoDBException as error:
        code = _answered_code(error)
        if code in {f"{_CONDITION}Exception", "TransactionConflictException"} or _is_contended(error):
            message = f"{what} was written by somebody else"
            raise ConflictError(message) from None
        message = f"{what}: DynamoDB did not answer well ({code or type(error.cause or error).__name__})"
        raise StoreUnavailableError(message) from None


def _is_contended(error: PynamoDBException) -> bool:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""
    if not isinstance(error, TransactWriteError):
        return False
    codes = {reason.code for reason in error.cancellation_reasons if reason is not None} - {"None"}
    return bool(codes) and codes <= _CONTENDED


def _answered_code(error: PynamoDBException) -> str | None:
    """DynamoDB's code, if there was an answer. PynamoDB's own way of asking raises after a read that timed out."""
    answer = getattr(error.cause, "response", None)
    return error.cause_response_code if isinstance(answer, dict) else None
