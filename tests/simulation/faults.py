"""What goes wrong at the n-th I/O of a deed: each fault is a value of its own, so that a history can be told and cut.

The faults are carried out at the seam between the product and the outside. `Meanwhile` lets another deed go first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.storage.stores import StoreUnavailableError
from sandbox.stripe_standin import StripeStandIn
from tests.fakes.memory import MemorySessions
from tests.support.crashes import ProcessDied
from tests.support.seam import Io, Kind, Seam, untouched
from tests.support.world import Clock


class FaultKind(StrEnum):
    DIES_BEFORE = "the process dies before"
    DIES_AFTER = "the process dies after"
    THROTTLED = "the database refuses"
    TIMES_OUT_AFTER = "the database does it and never answers"
    RESPONSE_LOST = "the answer is lost, and the SDK tries again, of"
    STRIPE_SILENT = "Stripe does nothing and never answers"
    STRIPE_SILENT_AFTER = "Stripe does it and never answers"
    STRIPE_500 = "Stripe answers 500 and does nothing at"
    STRIPE_500_AFTER = "Stripe answers 500 and has done it at"
    STRIPE_429 = "Stripe answers 429 at"
    SLOW = "nine seconds pass before"
    MEANWHILE = "somebody else goes first before"
    MEANWHILE_INSIDE = "somebody else comes while Stripe is at"


OF_STRIPE = {
    FaultKind.STRIPE_SILENT: "timeout_before",
    FaultKind.STRIPE_SILENT_AFTER: "timeout_after",
    FaultKind.STRIPE_500: "500",
    FaultKind.STRIPE_500_AFTER: "500_after",
    FaultKind.STRIPE_429: "429",
}
SLOW_SECONDS = 9
STORES = frozenset({Kind.READ, Kind.WRITE, Kind.QUERY})
BEFORE = frozenset({*OF_STRIPE, FaultKind.DIES_BEFORE, FaultKind.THROTTLED, FaultKind.RESPONSE_LOST, FaultKind.SLOW,
                    FaultKind.MEANWHILE, FaultKind.MEANWHILE_INSIDE})  # fmt: skip
"""These are made to happen before the I/O; the others after its effect."""


@dataclass(frozen=True, slots=True)
class Fault:
    """At the I/O of that index of a deed; `times`: how often in a row Stripe does so; `other` is a deed's step."""

    kind: FaultKind
    at: int
    times: int = 1
    other: Any = None

    def __str__(self) -> str:
        often = f" {self.times} times" if self.times > 1 else ""
        other = f": [{self.other}]" if self.other is not None else ""
        return f"{self.kind.value} I/O {self.at}{often}{other}"


@dataclass
class _Armed:
    faults: tuple[Fault, ...]
    begun: int = 0
    ended: int = 0


class Faults:
    """Arms the seam for one deed at a time; deeds that happen inside another have faults of their own."""

    def __init__(self, clock: Clock, seam: Seam, stripe: StripeStandIn, sessions: MemorySessions) -> None:
        self._clock = clock
        self._seam = seam
        self._stripe = stripe
        self._sessions = sessions
        self._armed = _Armed(())
        self.happened: list[str] = []
        self.play: Callable[[Any], object] = lambda _step: None
        """How another step is played; the runner says."""
        self.saved: Callable[[], None] = _nobody_looks
        """Called once a session is written."""
        seam.before, seam.after = self._before, self._after

    @contextmanager
    def armed(self, faults: tuple[Fault, ...]) -> Iterator[None]:
        outer, self._armed = self._armed, _Armed(faults)
        try:
            yield
        finally:
            self._armed = outer
            self._stripe.clear_faults()
            self._stripe.on_request = ignore

    def _before(self, io: Io) -> None:
        armed, index = self._armed, self._armed.begun
        armed.begun += 1
        for fault in armed.faults:
            if fault.at == index and fault.kind in BEFORE:
                self._happen(fault, io)

    def _after(self, io: Io) -> None:
        armed, index = self._armed, self._armed.ended
        armed.ended += 1
        if io.name == "sessions.save":
            self.saved()
        for fault in armed.faults:
            if fault.at == index and fault.kind not in BEFORE:
                self._happen(fault, io)

    def _happen(self, fault: Fault, io: Io) -> None:
        if not fits(fault.kind, io):
            return
        self.happened.append(f"{fault.kind.value} {io.name}")
        match fault.kind:
            case FaultKind.DIES_BEFORE | FaultKind.DIES_AFTER:
                raise ProcessDied
            case FaultKind.THROTTLED | FaultKind.TIMES_OUT_AFTER:
                raise StoreUnavailableError("the simulated database does not answer")
            case FaultKind.RESPONSE_LOST:
                self._sessions.lose_next_response()
            case FaultKind.SLOW:
                self._clock.advance(seconds=SLOW_SECONDS)
            case FaultKind.MEANWHILE:
                self._let(fault.other)
            case FaultKind.MEANWHILE_INSIDE:
                self._let_inside(fault.other)
            case _:
                self._stripe.fail_next(OF_STRIPE[fault.kind], fault.times)

    def _let(self, other: Any) -> None:  # noqa: ANN401 (a step, of a module above this one)
        outer = self.happened
        self.happened = []
        self.play(other)
        self.happened = outer

    def _let_inside(self, other: Any) -> None:  # noqa: ANN401 (as above)
        """Once the request is at Stripe, and its key is held."""

        def once(_method: str, _path: str) -> None:
            self._stripe.on_request = ignore
            self._let(other)

        self._stripe.on_request = once


def fits(kind: FaultKind, io: Io) -> bool:
    """Whether that can happen to this I/O."""
    if kind in OF_STRIPE or kind is FaultKind.MEANWHILE_INSIDE:
        return io.kind is Kind.STRIPE
    if kind is FaultKind.RESPONSE_LOST:
        return io.name == "sessions.save"
    if kind in {FaultKind.THROTTLED, FaultKind.TIMES_OUT_AFTER}:
        return io.kind in STORES
    return True


def _nobody_looks() -> None:
    pass


def ignore(_method: str, _path: str) -> None:
    """Nobody waits inside a request."""


__all__ = ["BEFORE", "Fault", "FaultKind", "Faults", "fits", "untouched"]
