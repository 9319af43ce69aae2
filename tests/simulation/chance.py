"""Draw a history: each step is chosen by chance, with an eye on what would be interesting now, and kept as a value.

The temper of a history (how lossy, how fast, which deeds at all) is drawn first, so that histories differ in kind and
not by their steps alone (swarm testing: https://www.cs.utah.edu/~regehr/papers/swarm12.pdf).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.domain.admission import admit
from sandbox.stripe_standin.errors import JsonObject
from tests.simulation.client_deeds import CARD, DECLINED_CARD, ComeBack, Join, Look, Pay, PressPay
from tests.simulation.clinic_deeds import AddGuest, Cancel, ChangeFee, Remove, Rename, RenewLink, Reschedule, Schedule
from tests.simulation.deeds import Deed, Step
from tests.simulation.dispute_deeds import Dispute, DisputeMoves
from tests.simulation.faults import Fault, FaultKind
from tests.simulation.money_deeds import Reconcile, Refund, ReplayParked, Retry, SettleByHand, Waive
from tests.simulation.platform_chance import PlatformChooser
from tests.simulation.play import Temper
from tests.simulation.stage import DEBITS, PLACES, Guest, Stage
from tests.simulation.stripe_chance import Kind, StripeChooser
from tests.simulation.stripe_deeds import (
    BankAnswers,
    DashboardRefund,
    Deliver,
    DeliverAll,
    Forge,
    PayDespiteExpiry,
    Poison,
    RefundEnds,
    RefundsTakeTime,
    StaysOpen,
    about_charges,
    charges_of,
    is_at_the_bank,
)
from tests.simulation.time_deeds import Sweep, Wait, WaitUntil, WaitUntilDue

MINUTE, HOUR, DAY = 60, 3600, 86_400
FEES = (8000, 8000, 5000)
FAULTS = tuple(kind for kind in FaultKind if kind not in {FaultKind.MEANWHILE, FaultKind.MEANWHILE_INSIDE})
DEEPEST = 2
"""Steps inside steps."""

DULL = 0.1
"""How often somebody's turn comes who can't come in any more and never was offered anything to pay."""

CLOSE = 0.6
"""How often what happens inside of something is done by the very client that it is about."""


@dataclass(frozen=True, slots=True)
class Nature:
    """How this history is drawn: chances in [0, 1], and how eager each kind of deed is."""

    steps: int
    faults: float
    races: float
    promises_broken: bool
    pays: float
    """How soon clients pay on a page that is open."""
    starts_in: tuple[int, ...]
    eager: dict[str, float]


def nature_of(chance: random.Random, temper: Temper, of_platform: random.Random) -> Nature:
    kinds = ("client", "clinic", "money", "stripe", "webhooks", "time", "sweep", "bank", "dispute", "forge", "operator")
    eager = {kind: chance.choice((0.3, 1.0, 1.0, 2.0)) for kind in kinds}
    eager["forge"] *= chance.choice((0, 0, 0, 1))
    eager["dispute"] *= chance.choice((0, 1, 1))
    eager["poison"] = chance.choice((0, 0, 1))
    # Of chance of its own, so that a history in which nothing of the kind happens is what it was without.
    eager["accounts"] = of_platform.choice((0, 0, 0, 0, 0, 1, 2, 4))
    eager["plans"] = of_platform.choice((0, 0, 0, 0, 0, 0, 1, 3))
    is_calm = not (eager["accounts"] or eager["plans"])
    more, races = (0, 0.0) if is_calm else (of_platform.randrange(12), of_platform.choice((0.0, 0.2)))
    return Nature(
        steps=chance.randint(10, 36) + more,
        faults=chance.choice((0.0, 0.0, 0.15, 0.4)),
        races=max(races, chance.choice((0.0, 0.1, 0.3))),
        promises_broken=not temper.webhooks_lost and chance.random() < 0.35,
        pays=chance.choice((0.15, 0.4, 0.7)),
        starts_in=chance.choice(
            ((0, 10 * MINUTE), (20 * MINUTE, HOUR), (2 * HOUR, 6 * HOUR), (DAY, 3 * DAY), (10 * DAY, 14 * DAY))
        ),
        eager=eager,
    )


def widened(nature: Nature, wider: StripeChooser) -> Nature:
    """With time and room for what the history is about beside."""
    eager = dict(nature.eager)
    if Kind.AWAY in wider.kinds:
        eager["accounts"] = max(eager["accounts"], 1)
    return replace(nature, steps=nature.steps + wider.steps, starts_in=wider.starts_in(nature.starts_in), eager=eager)


def temper_of(chance: random.Random, of_platform: random.Random) -> Temper:
    return Temper(
        webhooks_lost=chance.random() < 0.2,
        recovery=chance.choice(("request", "webhook", "sweep")),
        checks_order=chance.random() < 0.2,
        reconciles=chance.random() < 0.3,
        comes_back=of_platform.random() < 0.75,
        remembers=of_platform.random() < 0.5,
    )


def place_of(deed: Deed) -> str | None:
    """Where it happens; None: everywhere, or nowhere."""
    return getattr(deed, "place", None) or getattr(getattr(deed, "guest", None), "place", None)


class Chooser:
    """Chooses one step after the other, looking at the stage."""

    def __init__(
        self, chance: random.Random, temper: Temper, of_platform: random.Random, of_stripe: random.Random
    ) -> None:
        self._chance = chance
        self._temper = temper
        self._wider = StripeChooser(of_stripe)
        self.nature = widened(nature_of(chance, temper, of_platform), self._wider)
        self._platform = PlatformChooser(of_platform, hears=not temper.webhooks_lost)

    def opening(self) -> list[Step]:
        """What every history begins with: somebody has an appointment."""
        places = self._chance.sample(PLACES, self._chance.choice((1, 1, 2, 3)))
        if self.nature.eager["accounts"] and not {"h1", "h2"} & {*places}:
            places.append("h1")
        return [Step(self._schedule(place)) for place in places]

    def step(self, stage: Stage, depth: int = 0, near: str | None = None) -> Step:
        """`near`: the place that whatever it happens inside of is about."""
        deed = self._deed(stage, depth, near)
        faults = self._faults(stage, depth, place_of(deed))
        if isinstance(deed, PressPay) and not depth and not any(fault.other for fault in faults):
            between = self._platform.mid_payment(stage, deed.guest.place, self.nature.eager)
            faults = (*faults, between) if between else faults
        return Step(deed, faults)

    # --- which deed ---------------------------------------------------------------------------------------------------

    def _deed(self, stage: Stage, depth: int, near: str | None) -> Deed:
        chance, eager = self._chance, self.nature.eager
        guests = [guest for guest, _, _ in stage.guests()]
        if not guests:
            return self._schedule(chance.choice(PLACES))
        neighbours = [guest for guest in guests if guest.place == near]
        if neighbours and chance.random() < CLOSE:
            return self._of_client(stage, chance.choice(neighbours), pays=CLOSE)
        if depth and (between := self._platform.in_between(stage, eager)):
            return between
        guest = self._somebody(stage)
        pages, paid = stage.checkouts_of(guest), charges_of(stage, guest)
        hears = not self._temper.webhooks_lost and bool(stage.stripe.mailroom.deliveries)
        makers: list[tuple[float, Callable[[], Deed]]] = [
            (6 * eager["client"], lambda: self._of_client(stage, guest)),
            (2 * eager["clinic"], lambda: self._of_clinic(guest)),
            ((2.0 if paid else 0.2) * eager["money"], lambda: self._of_money(stage, guest)),
            (self._is_stuck(stage, guest) * eager["operator"], lambda: self._of_operator(stage, guest)),
            ((3.0 if pages else 0.2) * eager["stripe"], lambda: self._at_stripe(stage, guest)),
            (3 * eager["webhooks"] * hears, self._webhook),
            # Days must not pass inside a request.
            (2 * eager["time"] * (depth == 0), lambda: self._time(stage, guest)),
            (1.5 * eager["sweep"], Sweep),
            (eager["accounts"], lambda: self._platform.of_accounts(stage, depth)),
            (eager["plans"], lambda: self._platform.of_plans(stage)),
            (self._wider.eager, lambda: self._wider.deed(stage, guest, depth)),
        ]
        weights = [weight for weight, _ in makers]
        return chance.choices([make for _, make in makers], weights)[0]()

    def _somebody(self, stage: Stage) -> Guest:
        """Rather one with whom something can still happen."""
        guests, weights = [], []
        for guest, session, participant in stage.guests():
            over = session.canceled_at or participant.deleted_at or session.end_time <= stage.now()
            guests.append(guest)
            weights.append(DULL if over and not stage.checkouts_of(guest) else self._of_interest(guest))
        return self._chance.choices(guests, weights)[0]

    def _of_interest(self, guest: Guest) -> float:
        """Where accounts come and go, rather the clinic whose accounts they are."""
        return 0.3 if self.nature.eager["accounts"] and guest.place.startswith("r") else 1.0

    def _schedule(self, place: str) -> Schedule:
        chance = self._chance
        fees = tuple(chance.choice((*FEES, None)) for _ in range(chance.choice((1, 1, 1, 2, 3))))
        lasts = chance.choice((10 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, DAY))
        schedule = Schedule(place, chance.choice(self.nature.starts_in), lasts, (8000, *fees[1:]))
        return self._wider.scheduled(schedule)

    def _of_client(self, stage: Stage, guest: Guest, pays: float | None = None) -> Deed:
        chance = self._chance
        pages = stage.checkouts_of(guest)
        if self.nature.promises_broken and any(page["status"] == "expired" for page in pages) and chance.random() < 0.4:
            page = chance.choice([index for index, page in enumerate(pages) if page["status"] == "expired"])
            return chance.choice((PayDespiteExpiry(guest, page), StaysOpen(guest, page)))
        unpaid = [index for index, page in enumerate(pages) if page["status"] == "open"]
        if self._platform.presses_pay(stage, pages):
            return PressPay(guest)
        if unpaid and chance.random() < (pays or self.nature.pays):
            page = chance.choice(unpaid)
            return Pay(guest, page, self._card(pages[page]))
        if not charges_of(stage, guest) and self._may_pay(stage, guest) and chance.random() < (0.3 if unpaid else 0.8):
            return PressPay(guest)
        deeds: list[Deed] = [PressPay(guest), Look(guest), Join(guest)]
        deeds += [ComeBack(guest, chance.choice((-1, -1, 0))) for _ in pages[:2]]
        return chance.choice(deeds)

    def _may_pay(self, stage: Stage, guest: Guest) -> bool:
        """By what the door says; nobody but the chooser asks the product so."""
        session, participant = stage.session_at(guest.place), stage.participant_at(guest)
        if session is None or participant is None:
            return False
        return admit(session, participant, stage.team_at(guest.place), stage.now()).may_pay

    def _card(self, page: JsonObject) -> str:
        debits = [one for one in page["payment_method_types"] if one in DEBITS]
        if debits and self._chance.random() < 0.7:
            return str(debits[0])
        return DECLINED_CARD if self._chance.random() < 0.1 else CARD

    def _of_clinic(self, guest: Guest) -> Deed:
        chance, place = self._chance, guest.place
        keep = chance.random() < 0.3
        starts_in = chance.choice((5 * MINUTE, HOUR, DAY, 8 * DAY, -5 * MINUTE))
        return chance.choice(
            (
                Cancel(place, keep),
                Remove(guest, keep),
                ChangeFee(guest, chance.choice((8000, 5000))),
                ChangeFee(guest, chance.choice((8000, 5000))),
                Reschedule(place, starts_in, chance.choice((10 * MINUTE, HOUR))),
                Reschedule(place, starts_in, 30 * MINUTE),
                AddGuest(place, chance.choice((*FEES, None))),
                RenewLink(guest),
                Rename(guest),
                Schedule(chance.choice(PLACES), starts_in=max(0, starts_in), lasts=HOUR, fees=(8000,)),
            )
        )

    def _of_money(self, stage: Stage, guest: Guest) -> Deed:
        """What the clinic decides about a payment; three requests to refund, so that some are repeated."""
        chance = self._chance
        if not charges_of(stage, guest) and chance.random() < 0.6:
            return Waive(guest)
        if chance.random() < 0.15:
            return Waive(guest)
        amount = chance.choice((None, None, 3000, 3000, 5000, 9000))
        return Refund(guest, amount, chance.choice((None, None, 0, 1)), chance.randrange(3))

    def _is_stuck(self, stage: Stage, guest: Guest) -> float:
        """How much there seems to be for an operator."""
        failed = any(one["status"] in {"failed", "canceled"} for one in about_charges(stage, guest, "refund"))
        participant = stage.participant_at(guest)
        troubled = participant is not None and bool(participant.history.troubles)
        return 3.0 if failed or troubled else 1.0 if stage.notes.poisoned else 0.15

    def _of_operator(self, stage: Stage, guest: Guest) -> Deed:
        chance = self._chance
        if chance.random() < 0.15:
            return Reconcile()
        if stage.notes.poisoned and chance.random() < 0.3:
            return ReplayParked()
        if chance.random() < 0.6:
            return Retry(guest, chance.randrange(3))
        return SettleByHand(guest, chance.randrange(3), is_given=chance.random() < 0.7)

    def _at_stripe(self, stage: Stage, guest: Guest) -> Deed:
        """Something that can happen to this guest's money; else somebody asks in vain, which is a deed, too."""
        chance, eager = self._chance, self.nature.eager
        charges, refunds = charges_of(stage, guest), about_charges(stage, guest, "refund")
        disputes = about_charges(stage, guest, "dispute")
        makers: list[tuple[float, Callable[[], Deed]]] = [
            (8 * eager["bank"] * self._is_processing(stage, guest), lambda: BankAnswers(guest, chance.random() < 0.6)),
            (0.15, lambda: RefundsTakeTime(chance.random() < 0.7)),
            (0.1, lambda: Pay(guest, -1)),
            (0.5 * eager["forge"] * bool(stage.checkouts_of(guest)), lambda: self._forged(guest)),
            (1.5 * bool(charges), lambda: DashboardRefund(guest, chance.randrange(3), chance.choice((None, 3000, 50)))),
            (1.5 * eager["dispute"] * bool(charges), lambda: self._dispute(guest)),
            (
                4 * bool(refunds),
                lambda: RefundEnds(guest, chance.randrange(3), chance.choice(("settle", "fail", "fail", "cancel"))),
            ),
            (3 * bool(disputes), lambda: self._dispute_moves(guest)),
        ]
        return chance.choices([make for _, make in makers], [weight for weight, _ in makers])[0]()

    def _is_processing(self, stage: Stage, guest: Guest) -> bool:
        return any(map(is_at_the_bank, stage.checkouts_of(guest)))

    def _forged(self, guest: Guest) -> Forge:
        return Forge(guest, self._chance.choice((8000, 4000)), elsewhere=self._chance.random() < 0.5)

    def _dispute(self, guest: Guest) -> Dispute:
        chance = self._chance
        return Dispute(guest, chance.randrange(2), chance.choice((None, None, 3000)), inquiry=chance.random() < 0.3)

    def _dispute_moves(self, guest: Guest) -> DisputeMoves:
        to = ("won", "lost", "under_review", "warning_closed", "warning_under_review", "needs_response")
        return DisputeMoves(guest, self._chance.choice(to))

    def _webhook(self) -> Deed:
        chance = self._chance
        if chance.random() < 0.15 * self.nature.eager["poison"]:
            return Poison(chance.randrange(8))
        if chance.random() < 0.3:
            return DeliverAll(chance.choice((0, chance.randrange(1, 1000))))
        return Deliver(chance.randrange(8), again=chance.random() < 0.2)

    def _time(self, stage: Stage, guest: Guest) -> Deed:
        chance, place = self._chance, guest.place
        if any(page["status"] == "open" for page in stage.checkouts_of(guest)) and chance.random() < 0.2:
            return WaitUntil(place, "end", chance.choice((0, 0, 1, 30)))
        return chance.choice(
            (
                Wait(chance.choice((1, 20, 45))),
                Wait(chance.choice((2 * MINUTE, 16 * MINUTE, 40 * MINUTE))),
                Wait(chance.choice((HOUR, 7 * HOUR, 25 * HOUR))),
                WaitUntil(place, "start", chance.choice((-1, 0, 1, 60))),
                WaitUntilDue(place),
                WaitUntil(place, "start", chance.choice((-20 * MINUTE, 0))),
                WaitUntil(place, "end", chance.choice((-1, 0, 1, -5 * MINUTE, 5 * MINUTE))),
                WaitUntilDue(place),
            )
        )

    # --- what goes wrong ----------------------------------------------------------------------------------------------

    def _faults(self, stage: Stage, depth: int, place: str | None) -> tuple[Fault, ...]:
        chance, faults = self._chance, list[Fault]()
        if depth < DEEPEST and chance.random() < self.nature.races:
            kind = chance.choice((FaultKind.MEANWHILE, FaultKind.MEANWHILE, FaultKind.MEANWHILE_INSIDE))
            faults.append(Fault(kind, chance.randrange(6), other=self.step(stage, depth + 1, place)))
        while chance.random() < self.nature.faults and len(faults) < 3:
            faults.append(Fault(chance.choice(FAULTS), chance.randrange(8), chance.choice((1, 2, 2))))
        return tuple(faults)
