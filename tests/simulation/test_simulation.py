"""The simulation itself: one seed is one history, a bug for every invariant is found, a broken history is cut short.

CI runs very many more by `make simulate`; here are a few, so that a change shows at once.
"""

from __future__ import annotations

import pytest

from tests.simulation.account_deeds import Connect, TakeAway
from tests.simulation.campaign import ran
from tests.simulation.client_deeds import Pay, PressPay
from tests.simulation.clinic_deeds import Schedule
from tests.simulation.deeds import Deed, Step
from tests.simulation.money_deeds import SettleByHand
from tests.simulation.planted import PLANTED
from tests.simulation.planted_platform import PLANTED_ON_THE_PLATFORM
from tests.simulation.planted_stripe import PLANTED_AT_STRIPE
from tests.simulation.play import History, Temper
from tests.simulation.runner import Result, drawn, replayed
from tests.simulation.shrink import kind_of, shrunk
from tests.simulation.stage import CONNECTED, SECOND, Guest, Stage
from tests.simulation.states import STATES, never_reached, table
from tests.simulation.stripe_deeds import DeliverAll
from tests.simulation.time_deeds import Sweep, Wait
from tests.support.examples import IS_LONG

ALL_PLANTED = (*PLANTED, *PLANTED_ON_THE_PLATFORM, *PLANTED_AT_STRIPE)
FIRST = 900_760
"""Seeds of its own, beside those of `make simulate`; from here the planted bugs are found soonest."""


def found_in(make_stage: type[Stage], within: int, invariant: str) -> Result:
    """The first history in which the product of this stage breaks the invariant."""
    for seed in range(FIRST, FIRST + within):
        result = drawn(seed, make_stage)
        if kind_of(result.broken) == invariant:
            return result
    pytest.fail(f"{make_stage.__name__} was not found by {invariant} in {within} histories")


@pytest.mark.long
def test_no_history_breaks_an_invariant() -> None:
    tally = ran(range(FIRST, FIRST + (3000 if IS_LONG else 300)))
    assert tally.broken == {}


def test_one_seed_is_one_history_told_in_the_same_words() -> None:
    first, again = drawn(FIRST), drawn(FIRST)
    assert len(first.story) > len(first.history.steps) > 5
    assert (first.story, first.reached) == (again.story, again.reached)
    assert replayed(first.history).story == first.story


@pytest.mark.parametrize(
    ("invariant", "make_stage", "within"), ALL_PLANTED, ids=[one.__name__ for _, one, _ in ALL_PLANTED]
)
def test_a_bug_planted_for_an_invariant_is_found_by_it(invariant: str, make_stage: type[Stage], within: int) -> None:
    assert found_in(make_stage, within, invariant).story


def test_every_invariant_has_a_bug_that_breaks_it() -> None:
    invariants = {*(f"I{number}" for number in range(1, 13)), "the platform's fee"}
    assert {invariant for invariant, _, _ in ALL_PLANTED} == invariants


def test_a_broken_history_is_cut_to_what_breaks_it() -> None:
    make_stage = next(one for _, one, _ in PLANTED if one.__name__ == "NeverRefunds")
    long = found_in(make_stage, 100, "I3")
    short = shrunk(long, make_stage)
    assert kind_of(short.broken) == "I3"
    assert len(short.history.steps) < len(long.history.steps)
    assert len(short.history.steps) <= 8
    assert replayed(short.history, make_stage).broken == short.broken


def test_a_history_may_be_written_by_hand() -> None:
    steps = (Step(Wait(60)), Step(DeliverAll()))
    result = replayed(History(1, Temper(), steps))
    assert result.broken is None
    assert "1 min pass: done" in result.story[0]


def test_a_page_paid_that_nobody_can_see_is_left_to_its_operator_and_counts_once_it_is_seen() -> None:
    guest, day = Guest("h1", 2), 86_400
    deeds: list[Deed] = [
        Schedule("h1", starts_in=day, lasts=1800, fees=(8000,)),
        PressPay(guest),
        TakeAway(CONNECTED),
        DeliverAll(),
        Pay(guest),
        Connect(SECOND),
        Wait(180),
        Sweep(),
        PressPay(guest),
        SettleByHand(guest, 0),
        PressPay(guest),
    ]
    result = replayed(History(1, Temper(), tuple(map(Step, deeds))))
    assert result.broken is None
    told = [line.rpartition(": ")[2] for line in result.story]
    assert told[8:11] == ["offer_refused", "they find it paid, and leave it", "offer_refused"]
    assert result.reached["paid"] == result.reached["a page paid that nobody can see"] == 1
    assert result.reached["needs attention"] == 0


def test_the_table_names_every_state_and_what_was_never_reached() -> None:
    reached = ran(range(FIRST, FIRST + 3)).reached
    missing = never_reached(reached)
    assert 0 < len(missing) < len(STATES)
    assert all(state in table(reached, 3) for state in STATES)


def test_guests_are_told_by_their_place() -> None:
    assert str(Guest("r1", 2)) == "r1/2"
