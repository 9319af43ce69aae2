"""Draw what Stripe does beyond the ordinary: disputes of a part, refusals, debits, money owed again, long absences.

One kind of such things at a time, or two, with an eye on what would be interesting next. Of chance of its own, so that
a history in which nothing of the kind happens is what it was without.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from tests.simulation.account_deeds import OWN, Connect, Restrict, TakeAway
from tests.simulation.client_deeds import CARD, Pay, PressPay
from tests.simulation.clinic_deeds import Cancel, ChangeFee, Reschedule, Schedule
from tests.simulation.deeds import Deed
from tests.simulation.dispute_deeds import Dispute, DisputeMoves
from tests.simulation.money_deeds import ChargeAgain, Refund, Retry, Waive
from tests.simulation.refusal_deeds import Activate, Balance, GoAbroad, RefuseFees, SmallestCharge
from tests.simulation.stage import ACCOUNTS, CONNECTED, CURRENCIES, DEBITS, Guest, Stage
from tests.simulation.stripe_deeds import (
    BankAnswers,
    DashboardRefund,
    DeliverAll,
    Forge,
    RefundEnds,
    RefundForged,
    about_charges,
    charges_of,
    is_at_the_bank,
)
from tests.simulation.time_deeds import Sweep, Wait, WaitUntil

MINUTE, HOUR, DAY = 60, 3600, 86_400
Maker = tuple[float, Callable[[], Deed]]


class Kind(StrEnum):
    DISPUTES = "disputes"
    REFUSALS = "refusals"
    DEBITS = "debits"
    OWED = "owed"
    """Money is owed again that went back by rule."""
    AGAIN = "again"
    """Money is asked for again that the clinic gave back, or the bank took."""
    AWAY = "away"
    """Accounts are away for a week."""


class StripeChooser:
    """Chooses one deed of the kinds that are in this history. `kinds`: often none."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.kinds: frozenset[Kind] = frozenset()
        if chance.random() < 0.4:
            self.kinds = frozenset(chance.sample(list(Kind), chance.choice((1, 1, 1, 2))))
        self.eager = chance.choice((4.0, 12.0, 30.0)) if self.kinds else 0.0
        self.steps = chance.randrange(12) if self.kinds else 0

    def starts_in(self, before: tuple[int, ...]) -> tuple[int, ...]:
        """Debits are offered, and weeks pass, well before a session; a page outlives one that ends soon."""
        if self.kinds & {Kind.DEBITS, Kind.AWAY}:
            return (9 * DAY, 12 * DAY, 15 * DAY)
        return (0, 5 * MINUTE) if Kind.OWED in self.kinds else before

    def scheduled(self, schedule: Schedule) -> Schedule:
        """With fees in other currencies, where something is done about them; short, where money is to come late."""
        if self.kinds == {Kind.OWED}:
            return replace(schedule, lasts=10 * MINUTE)
        if self.kinds & {Kind.DEBITS, Kind.REFUSALS, Kind.DISPUTES}:
            return replace(schedule, currency=self._chance.choice((*CURRENCIES, "aud")))
        return schedule

    def deed(self, stage: Stage, guest: Guest, depth: int) -> Deed:
        makers = {
            Kind.DISPUTES: self._of_disputes,
            Kind.REFUSALS: self._of_refusals,
            Kind.DEBITS: self._of_debits,
            Kind.OWED: self._owed,
            Kind.AGAIN: self._again,
            Kind.AWAY: self._of_absences,
        }
        found = [maker for kind in Kind if kind in self.kinds for maker in makers[kind](stage, guest, depth)]
        found.append((0.01, lambda: PressPay(guest)))
        return self._chance.choices([make for _, make in found], [weight for weight, _ in found])[0]()

    # --- disputes -----------------------------------------------------------------------------------------------------

    def _of_disputes(self, stage: Stage, guest: Guest, _depth: int) -> list[Maker]:
        chance, charges = self._chance, charges_of(stage, guest)
        disputes = about_charges(stage, guest, "dispute")
        is_open = any(one["status"] not in {"won", "lost", "warning_closed"} for one in disputes)
        inquiries = any(one["status"].startswith("warning_n") for one in disputes)
        return [
            *self._to_pay(stage, guest, bool(charges)),
            (3.0 * (bool(charges) and not is_open), lambda: self._dispute(guest)),
            (3.0 * is_open, lambda: DisputeMoves(guest, chance.choice(("lost", "lost", "won")))),
            (2.0 * inquiries, lambda: DisputeMoves(guest, chance.choice(("needs_response", "warning_closed")))),
            (1.0 * inquiries, lambda: DashboardRefund(guest, 0, chance.choice((None, 3000)))),
            (1.0 * inquiries, lambda: Refund(guest, None, None, chance.randrange(3))),
            (0.7 * is_open, lambda: Cancel(guest.place)),
            (0.5 * bool(charges), lambda: DashboardRefund(guest, 0, chance.choice((1000, 3000)))),
            (1.0 * bool(disputes), DeliverAll),
            (1.0 * bool(disputes), Sweep),
        ]

    def _dispute(self, guest: Guest) -> Dispute:
        chance = self._chance
        amount, inquiry = chance.choice((None, 2000, 2000, 3000, 7999, 1)), chance.random() < 0.5
        currency = chance.choice((None, None, None, "usd", "jpy"))
        if currency is not None:
            amount = chance.choice((1300, 5200, 900_000))
        return Dispute(guest, 0, amount, inquiry, currency)

    # --- refusals -----------------------------------------------------------------------------------------------------

    def _of_refusals(self, stage: Stage, guest: Guest, _depth: int) -> list[Maker]:
        chance, account = self._chance, self._account(guest)
        account_id = stage.stripe.account_id if account == OWN else account
        empty = not stage.stripe.has_balance(account_id)
        charges, refunds = charges_of(stage, guest), about_charges(stage, guest, "refund")
        return [
            *self._to_pay(stage, guest, bool(charges)),
            (1.5, lambda: Activate(account, chance.choice((*DEBITS, "card")), is_on=chance.random() < 0.5)),
            (0.7 * (account != OWN), lambda: GoAbroad(account, chance.choice(("US", "AU", "BR", "SG")))),
            (0.5 * (account != OWN), lambda: RefuseFees(account)),
            (1.0 * (not empty), lambda: Balance(account, is_enough=False)),
            (0.7 * empty, lambda: Balance(account, is_enough=True)),
            (0.7, lambda: SmallestCharge(chance.choice(CURRENCIES), chance.choice((50, 50, 6000, 10_000)))),
            (0.3, lambda: Restrict(account, enabled=chance.random() < 0.6)),
            (2.0 * (empty and bool(charges)), lambda: Cancel(guest.place)),
            (2.0 * (empty and bool(charges)), lambda: Refund(guest, chance.choice((None, 3000)), None, len(refunds))),
            (1.0 * bool(charges), lambda: Retry(guest, chance.randrange(3))),
            (1.0 * bool(charges), Sweep),
            (0.7, DeliverAll),
            (1.0, lambda: Wait(chance.choice((2 * MINUTE, HOUR, DAY)))),
        ]

    def _account(self, guest: Guest) -> str:
        return OWN if guest.place.startswith("r") else self._chance.choice((CONNECTED, CONNECTED, *ACCOUNTS))

    # --- debits -------------------------------------------------------------------------------------------------------

    def _of_debits(self, stage: Stage, guest: Guest, depth: int) -> list[Maker]:
        chance, pages = self._chance, stage.checkouts_of(guest)
        if not any(map(is_at_the_bank, pages)):
            found = self._to_pay(stage, guest, bool(charges_of(stage, guest)), by_debit=True)
            return [*found, (0.3, lambda: Reschedule(guest.place, 9 * DAY, HOUR))]
        near = chance.choice((10 * MINUTE, HOUR, DAY))
        return [
            (2.0, lambda: Reschedule(guest.place, near, HOUR)),
            (1.5, lambda: Reschedule(guest.place, 9 * DAY, HOUR)),
            (1.5, lambda: Waive(guest)),
            (1.0 * (depth == 0), lambda: WaitUntil(guest.place, "end", chance.choice((-1, 1)))),
            (1.0 * (depth == 0), lambda: Wait(chance.choice((HOUR, 2 * DAY)))),
            (2.0, lambda: BankAnswers(guest, chance.random() < 0.6)),
            (0.5, DeliverAll),
            (0.5, Sweep),
        ]

    def _to_pay(self, stage: Stage, guest: Guest, is_paid: bool, *, by_debit: bool = False) -> list[Maker]:  # noqa: FBT001 (a fact of the guest)
        """On a page that is open, or to one."""
        pages = stage.checkouts_of(guest)
        unpaid = [index for index, page in enumerate(pages) if page["status"] == "open"]
        if not unpaid:
            return [(0.0 if is_paid else 3.0, lambda: PressPay(guest))]
        debits = [one for one in pages[unpaid[-1]]["payment_method_types"] if one in DEBITS]
        how = self._chance.choice((*debits, *(() if by_debit and debits else (CARD,))))
        return [(4.0, lambda: Pay(guest, unpaid[-1], how))]

    # --- money that is owed again -------------------------------------------------------------------------------------

    def _owed(self, stage: Stage, guest: Guest, depth: int) -> list[Maker]:
        """Paid a second late, given back by rule, and moved to tomorrow; paid again, and the first refund fails."""
        session, chance = stage.session_at(guest.place), self._chance
        is_over = session is not None and session.end_time <= stage.now()
        pages, charges = stage.checkouts_of(guest), charges_of(stage, guest)
        is_open = any(page["status"] == "open" for page in pages)
        refunds = about_charges(stage, guest, "refund")
        back = [one for one in refunds if one["metadata"].get("anteroom_refund", "").startswith("auto-")]
        is_back, is_new = bool(back), len(charges) > len(back)
        waits = is_open and not is_over and depth == 0 and not is_back
        return [
            (9.0 * (not is_open and not is_over and len(charges) == len(back)), lambda: PressPay(guest)),
            (9.0 * waits, lambda: WaitUntil(guest.place, "end", chance.choice((0, 1)))),
            (20.0 * (is_open and not waits), lambda: Pay(guest, -1)),
            (9.0 * (is_over and is_new), chance.choice((DeliverAll, Sweep))),
            (20.0 * (is_over and is_back), lambda: Reschedule(guest.place, DAY, HOUR)),
            (9.0 * (is_back and is_new), lambda: RefundEnds(guest, 0, chance.choice(("fail", "fail", "settle")))),
            (1.0 * is_back, lambda: ChangeFee(guest, chance.choice((5000, 8000)))),
            (1.0 * is_back, lambda: RefundEnds(guest, 0, chance.choice(("fail", "settle")))),
            (0.3, lambda: Reschedule(guest.place, DAY, HOUR)),
            (1.0 * bool(pages), lambda: Forge(guest, 8800, elsewhere=False)),
            (2.0 * bool(stage.notes.forged), lambda: RefundForged(guest)),
        ]

    def _again(self, stage: Stage, guest: Guest, _depth: int) -> list[Maker]:
        """Given back as asked, or lost to the bank, and paid again; then the first comes back after all."""
        chance, charges = self._chance, charges_of(stage, guest)
        held = [one for one in charges if one["amount_refunded"] < one["amount"]]
        refunds, disputes = about_charges(stage, guest, "refund"), about_charges(stage, guest, "dispute")
        is_open = any(one["status"] not in {"won", "lost", "warning_closed"} for one in disputes)
        is_back = bool(charges) and (not held or any(one["status"] == "lost" for one in disputes))
        participant = stage.participant_at(guest)
        again = participant.history.charged_again if participant else None
        is_asked = again is not None and all(one["created"] <= again.at.timestamp() for one in charges)
        return [
            *self._to_pay(stage, guest, bool(charges) and not is_asked),
            (3.0 * bool(held), lambda: Refund(guest, None, None, len(refunds))),
            (1.0 * bool(held), lambda: DashboardRefund(guest, -1)),
            (1.0 * bool(held), lambda: Dispute(guest, len(charges) - 1)),
            (3.0 * is_open, lambda: DisputeMoves(guest, chance.choice(("lost", "lost", "won")))),
            (9.0 * (is_back and not is_asked), lambda: ChargeAgain(guest)),
            (0.3, lambda: ChargeAgain(guest)),
            (1.5 * (is_back and bool(refunds)), lambda: RefundEnds(guest, 0, "fail")),
            (1.0, DeliverAll),
            (0.5, Sweep),
        ]

    # --- accounts that are away ---------------------------------------------------------------------------------------

    def _of_absences(self, stage: Stage, guest: Guest, depth: int) -> list[Maker]:
        """While it is away for a week, its owner and its payers go on as ever."""
        chance, charges = self._chance, charges_of(stage, guest)
        away = stage.is_away(CONNECTED)
        disputes, refunds = about_charges(stage, guest, "dispute"), about_charges(stage, guest, "refund")
        return [
            *self._to_pay(stage, guest, bool(charges)),
            (1.5 * (not away), lambda: TakeAway(CONNECTED)),
            (1.5 * (not away), DeliverAll),
            (1.0 * (away and depth == 0), lambda: Wait(chance.choice((4 * DAY, 7 * DAY, 8 * DAY)))),
            (0.7 * (away and depth == 0), lambda: Connect(CONNECTED)),
            (1.5 * bool(charges) * away, lambda: DashboardRefund(guest, 0, chance.choice((None, 3000)))),
            (1.0 * bool(charges) * away, lambda: Dispute(guest, 0, chance.choice((None, 3000)))),
            (2.0 * bool(disputes) * away, lambda: DisputeMoves(guest, chance.choice(("lost", "lost", "won")))),
            (2.0 * bool(refunds) * away, lambda: RefundEnds(guest, 0, chance.choice(("fail", "settle")))),
            (0.7, Sweep),
        ]
