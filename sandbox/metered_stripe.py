"""Counts the product's requests to Stripe where they leave, each try apart; changes nothing about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import stripe
from typing_extensions import override

from sandbox.meter import Meter


class MeteredHTTPClient(stripe.HTTPClient):
    """Another client of Stripe's library, with a counter before it."""

    name = "metered"

    def __init__(self, inner: stripe.HTTPClient, meter: Meter) -> None:
        super().__init__()
        self._inner = inner
        self._meter = meter

    @override
    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        self._meter.count_stripe()
        return self._inner.request(method, url, headers, post_data)

    @override
    def close(self) -> None:
        self._inner.close()  # type: ignore[no-untyped-call] # the library leaves it untyped
