"""Play one history: step by step, each told in a sentence, with the invariants held after every one and at rest.

A history is a seed, a temper and a list of steps. Playing it again gives the same, also with some steps left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.by_hand import (
    DisputedError,
    NotGivenBackError,
    NothingLeftError,
    NothingPaidError,
    NothingToRetryError,
    NothingToWaiveError,
    PaidTooOftenError,
    UnknownKeyError,
)
from chalicelib.domain.edits import AlreadyPaidError, BeingPaidError, CanceledError, EndedError, StartedError
from chalicelib.domain.links import InvalidLinkError
from chalicelib.domain.sessions import FeeNotPossibleError, InvalidSessionError
from chalicelib.domain.teams import Team
from chalicelib.flows.accounts import ConnectedElsewhereError
from chalicelib.flows.change import ContendedError
from chalicelib.flows.checkout import UnsettledError
from chalicelib.flows.close_offers import OfferOutOfReachError
from chalicelib.flows.connect import ConnectError
from chalicelib.flows.disconnect import MoneyHeldError, TooManySessionsError
from chalicelib.flows.schedule import NotEntitledError, SuspendedError
from chalicelib.gateways.deadline import OutOfTimeError
from chalicelib.gateways.stripe_api import StripeError
from chalicelib.gateways.stripe_objects import StrangeObjectError
from chalicelib.storage.stores import NotFoundError, StoreError
from sandbox.stripe_standin import ControlError
from sandbox.stripe_standin import StripeError as RefusedAtStripe
from sandbox.stripe_standin.errors import JsonObject
from tests.simulation import invariants, rest
from tests.simulation.client_deeds import Look
from tests.simulation.clinic_deeds import ChangeFee, OfParticipant, OfPlace
from tests.simulation.deeds import NO_TEAM, Deed, Step, teams_of
from tests.simulation.faults import OF_STRIPE, Fault, FaultKind
from tests.simulation.lean_stripe import Asked
from tests.simulation.stage import Guest, Stage
from tests.simulation.states import reached_in_the_end
from tests.simulation.stripe_deeds import charges_of
from tests.simulation.truth import Truth, truths
from tests.support.crashes import ProcessDied

REFUSALS = (
    AlreadyPaidError, BeingPaidError, CanceledError, ConnectError, ConnectedElsewhereError, ControlError,
    DisputedError, EndedError, FeeNotPossibleError, InvalidLinkError, InvalidSessionError, MoneyHeldError,
    NotEntitledError, NotFoundError, NotGivenBackError, NothingLeftError, NothingPaidError, NothingToRetryError,
    NothingToWaiveError, OfferOutOfReachError, PaidTooOftenError, RefusedAtStripe, StartedError, SuspendedError,
    UnknownKeyError,
)  # fmt: skip
"""What was asked cannot be, and nothing was done."""

TRY_AGAIN = (
    ContendedError, OutOfTimeError, StoreError, StrangeObjectError, StripeError, TooManySessionsError, UnsettledError,
)  # fmt: skip
"""What the edge answers with 503, or a sweep with its next tick."""


REMEMBERED_FOR = timedelta(seconds=61)


@dataclass(frozen=True, slots=True)
class Temper:
    """What kind of history it is, beside its steps."""

    webhooks_lost: bool = False
    """Not even in the end does one arrive that no step delivered."""
    recovery: str = "sweep"
    """What brings the right state after a crash: `request`, `webhook` or `sweep` (I10)."""
    checks_order: bool = False
    """Whether the orders of deliveries are compared at rest, which takes its time (I4, I5)."""
    reconciles: bool = False
    """Whether Stripe's own lists are compared at rest, which takes its time, too."""
    remembers: bool = False
    """Whether requests know teams from the memory of their process, which is up to 60 s old."""
    comes_back: bool = True
    """Whether the owner connects accounts again, in the end, that are away."""


@dataclass(frozen=True, slots=True)
class History:
    seed: int
    temper: Temper
    steps: tuple[Step, ...]


class BrokenError(Exception):
    """An invariant did not hold, or something was raised that no caller expects. The message says which."""


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the story; put into words only when somebody reads it."""

    depth: int
    at: datetime
    what: object
    outcome: str = ""
    wrong: tuple[str, ...] = ()

    def __str__(self) -> str:
        outcome = f": {self.outcome}" if self.outcome else ""
        wrong = f" [{'; '.join(self.wrong)}]" if self.wrong else ""
        return f"{'      ' * self.depth}{self.at:%a %d %b %H:%M:%S}  {self.what}{outcome}{wrong}"


class Play:
    """One history as it is played. `told`: a line for every step."""

    def __init__(self, seed: int, temper: Temper, *, stage: Stage | None = None) -> None:
        self.temper = temper
        self.stage = stage or Stage(seed)
        self.told: list[Told] = []
        self._depth = 0
        self._deeds: list[Deed] = []
        self._teams = NO_TEAM
        self._rates: list[tuple[datetime, str, int]] = []
        if temper.remembers:
            self.stage.remember_teams()
        self._held: dict[Guest, tuple[Truth, Team, datetime, int]] = {}
        self.stage.faults.play = self._nested
        self.stage.faults.saved = self._note_rates

    def step(self, step: Step) -> None:
        """Play it, and hold every invariant that holds at every moment. Raises BrokenError."""
        stage = self.stage
        before, asked = dict(stage.sessions._items), len(stage.notes.asked)
        teams = invariants.teams_kept(stage)
        crashed = self._played(step)
        try:
            if not any(fault.other for fault in step.faults):
                if isinstance(step.deed, Look):
                    invariants.i12_looking_changes_nothing(stage, before, asked)
                invariants.i6_nothing_crosses(stage, before, self._touched, asked)
                invariants.i6_no_team_crosses(stage, teams, self._teams)
            self._hold()
            if crashed:
                rest.recover(self, step, self.temper.recovery)
        except AssertionError as error:
            raise BrokenError(str(error)) from error

    def end(self) -> None:
        """Bring everything to rest, and hold what holds there. Raises BrokenError."""
        try:
            rest.come_to_rest(self)
            reached_in_the_end(self.stage, self.temper.webhooks_lost)
        except AssertionError as error:
            raise BrokenError(str(error)) from error

    def tell(self, what: object, outcome: str = "", wrong: Iterable[str] = ()) -> None:
        self.told.append(Told(self._depth, self.stage.now(), what, outcome, tuple(wrong)))

    def hold(self) -> None:
        """What holds at every moment."""
        self._hold()

    def again(self, step: Step) -> str:
        """The same deed once more, undisturbed; what came of it."""
        return self._outcome(Step(step.deed))[0]

    # --- inside -------------------------------------------------------------------------------------------------------

    def _nested(self, step: Step) -> None:
        self._depth += 1
        outer, charges = self._deeds[-1], self._charges(self._deeds[-1])
        try:
            self._played(step)
        finally:
            self._depth -= 1
        if len(self._charges(outer)) > len(charges):
            self.stage.reach(f"paid in the middle of: {type(outer).__name__}")

    def _charges(self, deed: Deed) -> list[JsonObject]:
        """Of whoever is at the place that the deed is about."""
        place = deed.place if isinstance(deed, OfPlace) else deed.guest.place if isinstance(deed, OfParticipant) else ""
        return [
            one for guest, _, _ in self.stage.guests() if guest.place == place for one in charges_of(self.stage, guest)
        ]

    def _played(self, step: Step) -> bool:
        """Whether the process died of it."""
        touched, teams = step.deed.touches(self.stage), teams_of(step.deed, self.stage)
        outcome, died = self._outcome(step)
        if any(fault.kind in {FaultKind.STRIPE_500, FaultKind.STRIPE_500_AFTER} for fault in step.faults):
            self._note_sticky()
        late = step.deed.touches(self.stage)
        self._touched = None if touched is None or late is None else touched | late
        self._teams = teams
        happened, self.stage.faults.happened = self.stage.faults.happened, []
        self.tell(step.deed, outcome, happened)
        return died

    def _outcome(self, step: Step) -> tuple[str, bool]:
        """What came of it in words, and whether the process died."""
        stage, asked = self.stage, len(self.stage.notes.asked)
        try:
            with self._doing(step.deed), stage.faults.armed(step.faults):
                return step.deed.do(stage), False
        except ProcessDied:
            self._note_death(step.faults, stage.notes.asked[asked:])
            return "the process died", True
        except REFUSALS as error:
            stage.recorder.failed(error)
            self._note_refusal(step, error)
            return f"refused ({type(error).__name__})", False
        except TRY_AGAIN as error:
            stage.recorder.failed(error)
            stage.reach("asked to try again")
            return f"told to try again ({type(error).__name__}: {error})", False
        except AssertionError as error:
            raise BrokenError(str(error)) from error
        except Exception as error:
            stage.recorder.failed(error)
            message = f"{step.deed} raised {type(error).__name__}: {error}"
            raise BrokenError(message) from error

    @contextmanager
    def _doing(self, deed: Deed) -> Iterator[None]:
        if not self._deeds:
            self._begin_rates()
        self._deeds.append(deed)
        try:
            yield
        finally:
            self._deeds.pop()

    def _hold(self) -> None:
        """What was held already, and could not have changed since, is not looked at again."""
        stage, now = self.stage, self.stage.now()
        for truth in truths(stage):
            held, team = self._held.get(truth.guest), stage.team_at(truth.guest.place)
            is_known = held is not None and held[0] is truth
            if held is not None and is_known and held[1] is team and held[2:] == (now, stage.heard):
                continue
            self._held[truth.guest] = (truth, team, now, stage.heard)
            if not is_known:
                invariants.i7_only_ours_count(stage, truth)
            invariants.i1_admitted_only_if_paid(stage, truth)
            invariants.i1_paid_is_admitted(stage, truth)
            invariants.i1_nobody_is_turned_away(stage, truth)
            if not is_known:
                invariants.i2_one_payable(stage, truth)
                invariants.i3_no_refund_twice(truth)
                invariants.the_fee_is_that_of_its_time(stage, truth)

    def _begin_rates(self) -> None:
        """Of each team, the rate that is in force as a deed begins, beside those that may still be remembered."""
        stage, now = self.stage, self.stage.now()
        since = now - REMEMBERED_FOR if self.temper.remembers else now
        stage.teams.written.clear()
        remembered = [one for one in self._rates if self.temper.remembers and one[0] >= since]
        self._rates = [*remembered, *((now, *rate) for rate in self._rates_of(stage.teams.all()))]

    def _note_rates(self) -> None:
        """An offer that was just saved was planned at one of the rates that were in force since then."""
        stage = self.stage
        rates = {(team_id, rate) for _, team_id, rate in self._rates} | {*self._rates_of(stage.teams.written)}
        for _, session, participant in stage.guests():
            for attempt in participant.history.attempts:
                if attempt.attempt_id not in stage.notes.rates:
                    in_force = frozenset(rate for team_id, rate in rates if team_id == session.team_id)
                    stage.notes.rates[attempt.attempt_id] = in_force

    def _rates_of(self, teams: Iterable[Team]) -> list[tuple[str, int]]:
        return [(team.team_id, self.stage.context.settings.basis_points(team)) for team in teams]

    def _note_death(self, faults: Iterable[Fault], asked: list[Asked]) -> None:
        self.stage.reach("the process died")
        if any(fault.kind is FaultKind.DIES_AFTER for fault in faults) and asked and asked[-1].method == "POST":
            self.stage.reach("died after Stripe's effect")

    def _note_sticky(self) -> None:
        if any(one.answer is not None and one.answer.status >= 500 for one in self.stage.stripe.keys):
            self.stage.reach("a 500 that sticks to its key")

    def _note_refusal(self, step: Step, error: Exception) -> None:
        if isinstance(step.deed, ChangeFee) and isinstance(error, AlreadyPaidError):
            self.stage.reach("change of fee refused, since paid")
            if any(fault.kind in OF_STRIPE or fault.other for fault in step.faults):
                self.stage.reach("change of fee races with payment")
