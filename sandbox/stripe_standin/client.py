"""Stripe's own library, talking to a stand-in in the same process: an HTTP client without a network.

    StripeClient(standin.secret_key, http_client=InProcessHTTPClient(standin))

The library's retries stay in force; only their waiting is the caller's to say.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe
from typing_extensions import override

from sandbox.stripe_standin.answers import Headers
from sandbox.stripe_standin.errors import NoAnswer
from sandbox.stripe_standin.standin import StripeStandIn


def no_wait(_retries: int) -> float:
    return 0.0


class InProcessHTTPClient(stripe.HTTPClient):
    """Hands requests to the stand-in; no answer becomes the APIConnectionError that a timeout is."""

    name = "in_process"

    def __init__(self, standin: StripeStandIn, wait_before_retry: Callable[[int], float] = no_wait) -> None:
        """Take the stand-in, and how many seconds to wait before the n-th retry."""
        super().__init__()
        self._standin = standin
        self._wait_before_retry = wait_before_retry

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
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            answer = self._standin.request(method.upper(), target, headers or {}, body)
        except NoAnswer as silence:
            message = "Unexpected error communicating with Stripe.\n\n(Network error: the stand-in gave no answer)"
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call] # the library leaves it untyped
                message, should_retry=True
            ) from silence
        return answer.body.decode(), answer.status, answer.headers

    @override
    def _sleep_time_seconds(self, num_retries: int) -> float:
        return self._wait_before_retry(num_retries)

    @override
    def close(self) -> None:
        """Nothing is open."""
