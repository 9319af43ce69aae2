"""What can be done to the sandbox from outside: each control call as a shape and a method. No HTTP here.

Raises ControlRefusedError for what makes no sense; the message is for whoever asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol

from msgspec import Struct, to_builtins

from chalicelib.domain.teams import TeamNameError
from sandbox.account_changes import AccountChange, change
from sandbox.accounts import Deed, carry_out
from sandbox.background import SweepFailedError
from sandbox.clinic_software import DemoFailedError
from sandbox.clinics import Clinics, UnknownClinicError
from sandbox.clock import Clock, ClockError
from sandbox.faults import DatabaseFaults, FaultKind, StripeFaults
from sandbox.meter import Meter
from sandbox.stripe_standin import ControlError, Mode, StripeStandIn
from sandbox.stripe_standin.deeds import Asked, PaymentDeed
from sandbox.stripe_standin.errors import StripeError

MOST_FAULTS = 10_000
TARGETS = ("stripe", "dynamodb")
NO_PLATFORM = "this is one clinic on the deployment's own account; a platform is started with: make run CONNECT=on"


class ControlRefusedError(Exception):
    """The call cannot be carried out. `status` is an HTTP status."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY) -> None:
        super().__init__(message)
        self.status = status


class Nothing(Struct, forbid_unknown_fields=True):
    """No fields."""


class ClockIn(Struct, forbid_unknown_fields=True):
    """`advance`: seconds ahead."""

    advance: float


class WebhooksIn(Struct, forbid_unknown_fields=True):
    """`delay`: seconds by the sandbox's clock."""

    mode: str
    delay: float = 0


class FaultsIn(Struct, forbid_unknown_fields=True):
    """`times` 0 takes back those of the target that still wait."""

    target: str
    kind: str = FaultKind.SERVER_ERROR.value
    times: int = 1


class TeamIn(Struct, forbid_unknown_fields=True):
    """`own_account`: it charges on the deployment's own Stripe account; None: as clinics of this deployment do."""

    name: str
    own_account: bool | None = None


class ConnectIn(Struct, forbid_unknown_fields=True):
    """`account`: an `existing` or a `new` one; None: as the deployment can."""

    team_id: str
    account: str | None = None


class ClinicIn(Struct, forbid_unknown_fields=True):
    """A clinic that the sandbox made."""

    team_id: str


class DeedIn(Struct, forbid_unknown_fields=True):
    """What Stripe, or an account's owner, does to that account."""

    account: str
    deed: str


class PaymentDeedIn(Struct, forbid_unknown_fields=True):
    """What a bank, a payer or the clinic's staff do to a payment: of a participant, or a charge."""

    deed: str
    participant_id: str | None = None
    charge: str | None = None
    amount: int | None = None
    currency: str | None = None
    reason: str | None = None


class StripeAccountIn(Struct, forbid_unknown_fields=True):
    """How an account is at Stripe from now on; `account` None: the deployment's own. Only what is given changes."""

    account: str | None = None
    country: str | None = None
    methods: list[str] | str | None = None
    balance: str | None = None
    charges_enabled: bool | None = None


class Sweeps(Protocol):
    """The scheduled function, and its schedule."""

    def sweep(self) -> dict[str, Any]: ...

    def postpone(self) -> None: ...


@dataclass(frozen=True, slots=True)
class StripeControls:
    """The stand-in, its faults, and the postman's `flush`. There is none with Stripe itself."""

    standin: StripeStandIn
    faults: StripeFaults
    flush: Callable[[], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Controls:
    """Everything that a control call can reach. `stripe` None: the sandbox talks to Stripe itself."""

    clock: Clock
    meter: Meter
    database_faults: DatabaseFaults
    sweeps: Sweeps
    clinics: Clinics
    stripe: StripeControls | None
    modes: tuple[str, ...] = field(default=tuple(Mode))

    def state(self) -> dict[str, Any]:
        """Everything there is to see."""
        stripe = self.stripe
        shown: dict[str, Any] = stripe.standin.snapshot() if stripe else {}
        return {
            "clock": written(self.clock.now()),
            "counters": self.meter.as_json(),
            "faults": {"stripe": stripe.faults.waiting if stripe else 0, "dynamodb": self.database_faults.waiting},
            "deliveries": shown.pop("deliveries", []),
            "webhooks": shown.pop("webhooks", None),
            "stripe": shown or None,
        }

    def move_clock(self, asked: ClockIn) -> dict[str, Any]:
        if self.stripe is None:
            raise ControlRefusedError("Stripe itself keeps its own time, so the clock stays", HTTPStatus.CONFLICT)
        try:
            return {"clock": written(self.clock.advance(asked.advance))}
        except ClockError as error:
            raise ControlRefusedError(str(error)) from None

    def sweep(self, asked: Nothing) -> dict[str, Any]:
        del asked
        try:
            return self.sweeps.sweep()
        except SweepFailedError as error:
            raise ControlRefusedError(str(error), HTTPStatus.INTERNAL_SERVER_ERROR) from None

    def set_webhooks(self, asked: WebhooksIn) -> dict[str, Any]:
        if not math.isfinite(asked.delay) or not 0 <= asked.delay <= 30 * 86_400:
            raise ControlRefusedError("delay is 0 to 2592000 seconds (30 days)")
        try:
            self._standin().standin.set_webhooks(asked.mode, delay=asked.delay)
        except ControlError:
            raise ControlRefusedError(_none_of("mode", asked.mode, self.modes)) from None
        return {"mode": asked.mode, "delay": asked.delay}

    def flush_webhooks(self, asked: Nothing) -> dict[str, Any]:
        """Deliver what is held or delayed. `released` counts deliveries, `delivered` those that were taken."""
        del asked
        released, delivered = self._standin().flush()
        return {"released": released, "delivered": delivered}

    def add_faults(self, asked: FaultsIn) -> dict[str, Any]:
        """Let the product's next requests to the target fail, `times` of them."""
        faults = self._faults_of(asked.target)
        if asked.kind not in set(FaultKind):
            raise ControlRefusedError(_none_of("kind", asked.kind, tuple(FaultKind)))
        if not 0 <= asked.times <= MOST_FAULTS:
            raise ControlRefusedError(f"times is 0 (take back those that wait) to {MOST_FAULTS}")
        if asked.times:
            faults.add(FaultKind(asked.kind), asked.times)
        else:
            faults.clear()
        return {"target": asked.target, "waiting": faults.waiting}

    def _faults_of(self, target: str) -> DatabaseFaults | StripeFaults:
        if target not in TARGETS:
            raise ControlRefusedError(_none_of("target", target, TARGETS))
        return self.database_faults if target == "dynamodb" else self._standin().faults

    def reset(self, asked: Nothing) -> dict[str, Any]:
        """Set the counters to zero, and nothing else."""
        del asked
        self.sweeps.postpone()
        self.meter.reset()
        return {"counters": self.meter.as_json()}

    def add_team(self, asked: TeamIn) -> dict[str, Any]:
        """Another clinic that may schedule; one of a platform connects an account of its own before it can charge."""
        try:
            made = self.clinics.enrol(asked.name, on_own_account=asked.own_account)
        except TeamNameError as error:
            raise ControlRefusedError(str(error)) from None
        return {"team_id": made.team.team_id, "client_id": made.client_id, "client_secret": made.client_secret}

    def connect_team(self, asked: ConnectIn) -> dict[str, Any]:
        """Where the owner of that clinic connects a Stripe account, as the product answers the clinic's software."""
        if not self.clinics.is_platform:
            raise ControlRefusedError(NO_PLATFORM, HTTPStatus.CONFLICT)
        with _asking_the_product():
            return {"url": self.clinics.software_of(asked.team_id).connect(asked.account)}

    def schedule_session(self, asked: ClinicIn) -> dict[str, Any]:
        """A session of that clinic that runs now, with a client who owes a fee, as its software would schedule it."""
        with _asking_the_product():
            return {"links": self.clinics.schedule(asked.team_id)}

    def do_to_account(self, asked: DeedIn) -> dict[str, Any]:
        """Let something happen to an account at Stripe; the product hears of it by webhook."""
        standin = self._standin().standin
        if asked.deed not in set(Deed):
            raise ControlRefusedError(_none_of("deed", asked.deed, tuple(Deed)))
        try:
            account = carry_out(standin, asked.account, Deed(asked.deed))
        except ControlError as error:
            raise ControlRefusedError(str(error)) from None
        return {
            "account": account.account_id,
            "connected": account.is_connected,
            "charges_enabled": account.charges_enabled,
        }

    def do_to_payment(self, asked: PaymentDeedIn) -> dict[str, Any]:
        """Let something happen to a payment at Stripe; the product hears of it by webhook."""
        standin = self._standin().standin
        if asked.deed not in set(PaymentDeed):
            raise ControlRefusedError(_none_of("deed", asked.deed, tuple(PaymentDeed)))
        fields = {**to_builtins(asked), "deed": PaymentDeed(asked.deed)}
        try:
            return standin.do(Asked(**fields))
        except ControlError as error:
            raise ControlRefusedError(str(error)) from None
        except StripeError as refusal:
            raise ControlRefusedError(f"Stripe refuses it: {refusal.message}") from None

    def deeds_of(self, charge_id: str) -> tuple[PaymentDeed, ...]:
        """What can be done to a charge just now."""
        return self._standin().standin.deeds_of(charge_id)

    def set_account(self, asked: StripeAccountIn) -> dict[str, Any]:
        """Change how an account is at Stripe. All of it, or nothing."""
        try:
            return change(self._standin().standin, AccountChange(**to_builtins(asked))).as_json()
        except ControlError as error:
            raise ControlRefusedError(str(error)) from None

    def _standin(self) -> StripeControls:
        if self.stripe is None:
            raise ControlRefusedError("there is no stand-in: the sandbox talks to Stripe itself", HTTPStatus.CONFLICT)
        return self.stripe


@contextmanager
def _asking_the_product() -> Iterator[None]:
    """As a clinic's software asks it; what it refuses is told."""
    try:
        yield
    except UnknownClinicError:
        raise ControlRefusedError("this sandbox made no clinic of that team_id, and has no keys of it") from None
    except DemoFailedError as error:
        raise ControlRefusedError(f"the product refused: {error}", HTTPStatus.BAD_GATEWAY) from None


def written(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as the product writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _none_of(name: str, value: str, known: tuple[str, ...]) -> str:
    return f"{value!r} is no {name}; choose one of: {', '.join(known)}"
