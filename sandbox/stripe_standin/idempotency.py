"""Idempotency keys: the first answer to a key is the only one, for 24 hours, account by account.

https://docs.stripe.com/api/idempotent_requests. An answer is kept once the endpoint has begun (500s included); a
refusal of the parameters' shape, of the caller, or of the rate is not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.stripe_standin import errors
from sandbox.stripe_standin.answers import Answer

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255


@dataclass(frozen=True)
class Kept:
    path: str
    body: bytes
    begun_at: datetime
    request_id: str
    answer: Answer | None  # None while the request is being answered


class IdempotencyKeys:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self._kept: dict[tuple[str, str], Kept] = {}

    def begin(self, account_id: str, key: str, path: str, body: bytes, request_id: str) -> Kept | None:
        """Give what a key has already been answered, or reserve it for this request and give None.

        Raises StripeError: 400 for another request under the same key, 409 while the first one is in progress.
        """
        if len(key) > LONGEST_KEY:
            raise errors.key_too_long()
        self._prune()
        known = self._kept.get((account_id, key))
        if known is None:
            self._kept[account_id, key] = Kept(path, body, self.clock(), request_id, None)
            return None
        if (known.path, known.body) != (path, body):
            raise errors.key_reused(key, (path, known.path))
        if known.answer is None:
            raise errors.key_in_use(key)
        return known

    def finish(self, account_id: str, key: str, answer: Answer) -> None:
        begun = self._kept[account_id, key]
        self._kept[account_id, key] = Kept(begun.path, begun.body, begun.begun_at, begun.request_id, answer)

    def forget(self, account_id: str, key: str) -> None:
        """Free a key whose request never began, or was not let through."""
        self._kept.pop((account_id, key), None)

    def _prune(self) -> None:
        oldest = self.clock() - KEPT_FOR
        self._kept = {place: one for place, one in self._kept.items() if one.begun_at > oldest}
