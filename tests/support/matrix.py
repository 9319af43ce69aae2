"""The crash matrix: a flow about to run, every place at which the process can die, and each way to put it right.

What the right state is, is judged by what people decided and by what Stripe holds, never by what the product owes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count

from chalicelib.domain.obligations import LookAtCheckout, due, due_at
from chalicelib.domain.sessions import Session
from tests.support.crashes import Act, Crash, die, every_crash
from tests.support.examples import IS_LONG
from tests.support.invariants import AtStripe, holds, settled_in_the_end
from tests.support.seam import Seam
from tests.support.world import World

ROUNDS = 3
"""Of one recovery, in which everything must be right again (I10)."""


def all_of_it(_session: Session, captured: int) -> int:
    return captured


@dataclass(frozen=True, slots=True)
class Stage:
    """A world in which `act` is about to be done to the session. `refusals`: how it may be refused.

    `owed`: what the clinic may keep, given what was decided of the session and what was captured, in cents.
    """

    world: World
    session: Session
    act: Act
    owed: Callable[[Session, int], int] = all_of_it
    refusals: tuple[type[Exception], ...] = ()

    def asked(self) -> None:
        """Do it, or be refused."""
        with suppress(*self.refusals):
            self.act()


Story = Callable[[], Stage]
Recovery = Callable[[Stage], object]
State = Callable[[], tuple[World, Session]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the clinic's. `decided`: whether the session says that it took place.

    `finishes`: whether the same again, once decided, does what is left; else it only says how it stands.
    """

    act: Callable[[World, Session], object]
    decided: Callable[[Session], bool]
    keeps: Callable[[int], int] = lambda captured: captured
    refusals: tuple[type[Exception], ...] = ()
    finishes: bool = True

    def about_to(self, state: State) -> Story:
        def story() -> Stage:
            world, session = state()
            return Stage(world, session, partial(self.act, world, session), self._owed, self.refusals)

        return story

    def _owed(self, session: Session, captured: int) -> int:
        return self.keeps(captured) if self.decided(session) else captured


def nothing(_captured: int) -> int:
    return 0


# --- recoveries ---------------------------------------------------------------------------------------------------


def again(stage: Stage) -> None:
    """The same request, a minute later."""
    stage.world.clock.advance(minutes=1)
    stage.asked()


def webhooks(stage: Stage) -> None:
    """Whatever Stripe has to tell."""
    stage.world.stripe.flush()
    stage.world.deliver()


def sweep(stage: Stage) -> None:
    """The scheduled function, a tick or two later."""
    stage.world.clock.advance(minutes=2)
    stage.world.sweep()


RECOVERIES: dict[str, Recovery] = {"the request again": again, "the webhook": webhooks, "the sweep": sweep}


# --- crashes ------------------------------------------------------------------------------------------------------


def armed(story: Story) -> Callable[[], tuple[Seam, Act]]:
    def prepare() -> tuple[Seam, Act]:
        stage = story()
        return stage.world.seam, stage.asked

    return prepare


def crashed(story: Story, crash: Crash) -> Stage:
    """The stage after the process died there."""
    stage = story()
    die(stage.world.seam, stage.asked, crash)
    holds(stage.world, stage.session)
    return stage


def every_crashed(story: Story) -> Iterator[tuple[Crash, Stage]]:
    """The stage after each death there can be."""
    for crash in every_crash(armed(story)):
        yield crash, crashed(story, crash)


def every_crashed_twice(
    story: Story, recover: Recovery, one_in: int = 1
) -> Iterator[tuple[tuple[Crash, Crash], Stage]]:
    """The stage after each death of the act, followed by each death of what was to put it right.

    `one_in`: of how many pairs one is taken in the shorter form.
    """
    pairs = count()
    for first in every_crash(armed(story)):

        def recovering(first: Crash = first) -> tuple[Seam, Act]:
            stage = crashed(story, first)
            return stage.world.seam, partial(recover, stage)

        for second in every_crash(recovering):
            if IS_LONG or next(pairs) % one_in == 0:
                stage = crashed(story, first)
                die(stage.world.seam, partial(recover, stage), second)
                holds(stage.world, stage.session)
                yield (first, second), stage


# --- the right state ----------------------------------------------------------------------------------------------


def put_right(stage: Stage, recover: Recovery, *, in_order: Callable[[Stage], bool]) -> bool:
    """Whether this recovery alone brings the right state within three rounds."""
    for _ in range(ROUNDS):
        recover(stage)
        holds(stage.world, stage.session)
        if in_order(stage):
            return True
    return False


def done(stage: Stage) -> bool:
    """The clinic holds what it may keep, nothing is offered that nobody is to pay, and nothing is due.

    But for looks at Stripe, which fall due as time passes.
    """
    world, stored = stage.world, stage.world.session(stage.session)
    left = [one for _, one in due(stored, world.clock()) if not isinstance(one, LookAtCheckout)]
    if left or AtStripe.of(world).held != may_keep(stage):
        return False
    return not (is_over(stored) and world.open_checkouts())


def may_keep(stage: Stage) -> int:
    """What the clinic may keep, by what is decided so far."""
    return stage.owed(stage.world.session(stage.session), AtStripe.of(stage.world).captured)


def done_or_owed(stage: Stage) -> bool:
    """As `done`, or what is missing shows as an obligation, which the sweep will carry out."""
    return done(stage) or due_at(stage.world.session(stage.session)) is not None


def is_over(session: Session) -> bool:
    """Nobody is to pay for the guest any more."""
    (guest,) = [one for one in session.participants if one.number == 2]
    return bool(session.canceled_at or guest.deleted_at or guest.history.waiver)


def whole_or_not_at_all(request: Request, state: State, recover: Recovery, *, alarm: bool = False) -> int:
    """The request dies at each I/O, and this recovery leaves it done whole or not at all; how many deaths there were.

    Webhooks alone may leave what is owed to the sweep. `alarm`: who does not do it has left something to a person.
    """
    deaths = 0
    for crash, stage in every_crashed(request.about_to(state)):
        deaths += 1
        finishes = recover is sweep or (recover is again and request.finishes)
        in_order = done if finishes else done_or_owed
        assert put_right(stage, recover, in_order=in_order), f"died {crash}"
        decided = request.decided(stage.world.session(stage.session))
        assert decided or recover is not again, f"died {crash}, and asking again was of no use"
        settled_in_the_end(stage.world, stage.session, owed=may_keep(stage), alarm=alarm and not decided)
        assert request.decided(stage.world.session(stage.session)) is decided
    return deaths
