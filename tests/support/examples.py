"""How many examples a random test draws: a sample, or all that was meant with ANTEROOM_LONG=1. Sets no globals."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., None])

IS_LONG = os.environ.get("ANTEROOM_LONG") == "1"


def examples(sample: int, whole: int) -> Callable[[Test], Test]:
    """Decorates a Hypothesis test that has a longer form; no deadline, since the machines of CI are shared."""
    bounds = settings(
        max_examples=whole if IS_LONG else sample,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )

    def decorate(test: Test) -> Test:
        bounded: Test = bounds(test)
        marked: Test = pytest.mark.long(bounded)
        return marked

    return decorate
