"""Draw what happens to accounts and plans: with an eye on which account is connected now, at Stripe and here."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from chalicelib.domain.teams import Plan
from chalicelib.gateways.stripe_events import DEAUTHORIZED
from sandbox.stripe_standin.errors import JsonObject
from tests.simulation.account_deeds import (
    OWN,
    AgreeOnRate,
    ChangePlan,
    Connect,
    Disconnect,
    NightComes,
    Restrict,
    StrangerActs,
    Suspend,
    TakeAway,
)
from tests.simulation.deeds import Deed, Step
from tests.simulation.faults import Fault, FaultKind
from tests.simulation.stage import ACCOUNTS, CONNECTED, SECOND, Stage
from tests.simulation.stripe_deeds import Deliver

Maker = tuple[float, Callable[[], Deed]]
BETWEEN = 0.35
"""How often what happens inside of a request is of this kind."""

MID_PAYMENT = 0.25
"""How often while an offer is made."""

TRIES_AGAIN = 0.6
"""How often who cannot be seen to pay presses Pay another time."""

RATES = (None, 0, 100, 333, 1000)


class PlatformChooser:
    """Chooses one deed about accounts, or one about plans."""

    def __init__(self, chance: random.Random, *, hears: bool) -> None:
        self._chance = chance
        self._hears = hears

    def in_between(self, stage: Stage, eager: Mapping[str, float]) -> Deed | None:
        """Something inside of a request, where accounts and plans change at all; None: something else happens there."""
        kinds = [kind for kind in ("accounts", "plans") if eager[kind]]
        if not kinds or self._chance.random() > BETWEEN:
            return None
        return self._of(kinds, stage)

    def mid_payment(self, stage: Stage, place: str, eager: Mapping[str, float]) -> Fault | None:
        """Something that happens to the clinic just as an offer is made: saved, and not sent, or not answered."""
        kinds = [kind for kind in ("accounts" if place[0] == "h" else "", "plans") if kind and eager[kind]]
        if not kinds or self._chance.random() > MID_PAYMENT:
            return None
        kind = self._chance.choice((FaultKind.MEANWHILE, FaultKind.MEANWHILE, FaultKind.MEANWHILE_INSIDE))
        return Fault(kind, self._chance.choice((2, 3, 3, 4)), other=Step(self._of(kinds, stage, place[0])))

    def _of(self, kinds: Sequence[str], stage: Stage, team: str | None = None) -> Deed:
        is_plan = self._chance.choice(kinds) == "plans"
        return self.of_plans(stage, team) if is_plan else self.of_accounts(stage, depth=1)

    def presses_pay(self, stage: Stage, pages: list[JsonObject]) -> bool:
        """Whether somebody whose page nobody can see tries another time, rather than pay on it."""
        is_lost = any(one["status"] == "open" and stage.is_away(stage.account_of(one["id"])) for one in pages)
        return is_lost and self._chance.random() < TRIES_AGAIN

    def of_accounts(self, stage: Stage, depth: int) -> Deed:
        makers = [maker for account in ACCOUNTS for maker in self._of_account(stage, account, depth)]
        makers += [
            (0.5, lambda: self._restrict(stage)),
            (0.15, lambda: StrangerActs(self._chance.random() < 0.6)),
            (0.2, NightComes),
        ]
        if self._hears:
            waiting = enumerate(stage.undelivered())
            makers += [(3.0, partial(Deliver, index)) for index, one in waiting if one.event_type == DEAUTHORIZED]
        return self._drawn(makers)

    def _of_account(self, stage: Stage, account: str, depth: int) -> list[Maker]:
        """Whoever agrees to connect is at Stripe for a minute, which must not pass inside a request."""
        is_here, is_known = stage.books_named(account).authorized, stage.team_at("h").has_account(account)
        reloads = self._chance.random() < 0.2
        wanted = 0.2 if is_here and is_known else 2.0
        if account == SECOND:
            wanted = 0.2 if stage.team_at("h").has_account(CONNECTED) else 4.0
        return [
            (1.0 * is_here, lambda: TakeAway(account)),
            (0.4 * (is_here or is_known), lambda: Disconnect(account, force=False)),
            (0.4 * (is_here or is_known), lambda: Disconnect(account, force=True)),
            (wanted * (depth == 0), lambda: Connect(account, reloads)),
        ]

    def _restrict(self, stage: Stage) -> Restrict:
        account = self._chance.choice((OWN, CONNECTED, CONNECTED, SECOND))
        books = stage.books_named(stage.stripe.account_id if account == OWN else account)
        return Restrict(account, enabled=not books.account["charges_enabled"])

    def of_plans(self, stage: Stage, of: str | None = None) -> Deed:
        chance, team = self._chance, of or self._chance.choice(("r", "h", "h"))
        return self._drawn(
            [
                (1.0, lambda: ChangePlan(team, chance.choice(tuple(Plan)))),
                (1.0, lambda: AgreeOnRate(team, chance.choice(RATES))),
                (0.5, lambda: Suspend(team, not stage.team_at(team).suspended)),
            ]
        )

    def _drawn(self, makers: list[Maker]) -> Deed:
        return self._chance.choices([make for _, make in makers], [weight for weight, _ in makers])[0]()
