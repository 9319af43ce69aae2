"""Whole lives of one payment, at random: clients, banks, clinics, lost answers and lost webhooks, and what must hold.

Each life ends with the sweep carrying out whatever falls due until an hour past the end. A failure found here is kept
as a plain test in the file of the rule that it broke.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.facts import DisputeStatus, Seen, Waiver
from chalicelib.domain.obligations import MakeRefund, Obligation, due, due_at
from chalicelib.domain.offers import Close, GoTo, Look, NothingToPay, OfferTerms, Plan, Send, next_step, plan
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Session, cancel, saw, with_attempt, with_participant
from tests.support.examples import examples
from tests.support.histories import (
    END,
    GUEST_NUMBER,
    HOUR,
    NOON,
    SECOND,
    TEAM,
    decided,
    guest_of,
    needs,
    session_of,
    standing_of,
)
from tests.support.tiny_stripe import Checkout, TinyStripe, failed

ROUNDS = 4
"""More than one payment needs to come to rest: look, fetch, refund, and see that it is done."""


@dataclass
class Life:
    """One session, one Stripe, one clock; and everything that may happen to them."""

    session: Session = field(default_factory=session_of)
    stripe: TinyStripe = field(default_factory=TinyStripe)
    now: datetime = NOON
    attempts: int = 0

    def see(self, *seen: Seen) -> None:
        self.session = saw(self.session, GUEST_NUMBER, *seen)

    # --- the client -----------------------------------------------------------------------------------------------

    def click(self, answer: str) -> None:
        """Start paying, as `flows/checkout.py` does; the first answer may be lost before or after its effect."""
        looked: frozenset[str] = frozenset()
        for _ in range(12):
            step = next_step(self.session, guest_of(self.session), TEAM, self.now, looked=looked)
            match step:
                case NothingToPay() | GoTo():
                    return
                case Plan():
                    self._plan()
                case Look(attempt=attempt):
                    self.see(*self.stripe.look(attempt, self.now))
                    looked |= {attempt.attempt_id}
                case Close(attempt=attempt):
                    self.see(*self.stripe.expire(attempt, self.now))
                case Send(attempt=attempt):
                    if answer == "lost before":
                        return
                    seen = self.stripe.create(attempt, self.now)
                    if answer == "lost after":
                        return
                    self.see(*seen)
        message = "starting to pay did not come to an end"
        raise AssertionError(message)

    def _plan(self) -> None:
        self.attempts += 1
        terms = OfferTerms(f"a{self.attempts}", livemode=False, basis_points=150, return_url="https://a.example/paid/x")
        attempt = plan(self.session, guest_of(self.session), TEAM, self.now, terms)
        self.session = with_attempt(self.session, GUEST_NUMBER, attempt)

    def pay(self, how: str) -> None:
        for one in self.stripe.payable(self.now)[:1]:
            self.stripe.submit(one, self.now, delayed=how == "by bank")

    # --- banks and the clinic -------------------------------------------------------------------------------------

    def bank(self, answer: str) -> None:
        for one in self.stripe.checkouts.values():
            if one.state == "processing":
                self.stripe.bank_answers(one, good=answer == "good")

    def dispute(self, status: DisputeStatus) -> None:
        self._with_paid(lambda one: self.stripe.dispute(one, status))

    def dashboard(self, amount: int) -> None:
        self._with_paid(lambda one: self.stripe.refund_in_dashboard(one, amount))

    def _with_paid(self, act: Callable[[Checkout], None]) -> None:
        for one in self.stripe.paid()[:1]:
            act(one)

    def fail_refund(self, _: None) -> None:
        self.stripe.fail_refund()

    def decide(self, amount: int) -> None:
        counted = standing_of(self.session).counted
        if counted is None:
            return
        number = len(guest_of(self.session).history.decisions)
        one = replace(decided(f"{number}", amount), payment_intent_id=counted.payment_intent_id, decided_at=self.now)
        self._change_history(decisions=(*guest_of(self.session).history.decisions, one))

    def waive(self, _: None) -> None:
        if standing_of(self.session).counted is None:
            self._change_history(waiver=Waiver(self.now, "client-1", "paid at the desk"))

    def _change_history(self, **changes: Any) -> None:
        self.session = with_participant(
            self.session, GUEST_NUMBER, lambda guest: replace(guest, history=replace(guest.history, **changes))
        )

    def cancel(self, keep: str) -> None:
        if self.now < END:
            self.session = cancel(self.session, now=self.now, keep_payments=keep == "keep")

    # --- time, webhooks, the sweep --------------------------------------------------------------------------------

    def wait(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)
        self.stripe.payable(self.now)

    def deliver(self, number: int) -> None:
        """Some piece of news, which stays to be delivered again."""
        if self.stripe.news:
            self.see(self.stripe.news[number % len(self.stripe.news)])

    def lose(self, number: int) -> None:
        """Only news of Checkout Sessions and charges: of those Stripe is asked, so that nothing waits for a webhook."""
        news = self.stripe.news
        if news and type(news[number % len(news)]).__name__ in {"CheckoutSeen", "ChargeSeen"}:
            del news[number % len(news)]

    def sweep(self, answer: str) -> None:
        """Carry out what is due. Whatever comes of it, nothing stays due at the same moment."""
        acts: list[Obligation] = []
        for _ in range(ROUNDS):
            acts = [one for _, one in due(self.session, self.now)]
            history = guest_of(self.session).history
            for one in acts:
                if answer == "lost before":
                    self.see(failed(one, self.now))
                    continue
                seen = self.stripe.carry_out(one, history, self.now)
                self.see(*([failed(one, self.now)] if answer == "lost after" else seen))
        left = due_at(self.session)
        assert left is None or left > self.now, acts


ANSWERS = st.sampled_from(["heard", "heard", "heard", "lost before", "lost after"])
MOVES: dict[str, st.SearchStrategy[Any]] = {
    "click": ANSWERS,
    "pay": st.sampled_from(["by card", "by card", "by bank"]),
    "bank": st.sampled_from(["good", "bad"]),
    "wait": st.sampled_from([0.2, 1, 3, 20, 40, 70, 115]),
    "deliver": st.integers(0, 9),
    "lose": st.integers(0, 9),
    "sweep": ANSWERS,
    "decide": st.sampled_from([1, 3000, 8000]),
    "dashboard": st.sampled_from([1, 3000, 8000]),
    "fail_refund": st.none(),
    "dispute": st.sampled_from(DisputeStatus),
}
OFTEN = ["click", "pay", "click", "pay", "wait", "deliver", "sweep"]
Move = tuple[str, Any]
moves = st.sampled_from([*MOVES, *OFTEN, *OFTEN]).flatmap(lambda name: st.tuples(st.just(name), MOVES[name]))
closings = st.sampled_from([("cancel", "return"), ("cancel", "keep"), ("waive", None)])


@st.composite
def lives(draw: st.DrawFn) -> list[Move]:
    """A client who starts to pay, whatever may happen then, and in every other life an end to the obligation."""
    later = draw(st.lists(moves, min_size=3, max_size=22))
    for closing in draw(st.lists(closings, max_size=1)):
        later.insert(draw(st.integers(0, len(later))), closing)
    return [("click", draw(ANSWERS)), *later]


def come_to_rest(life: Life) -> None:
    """All news arrives, and the sweep runs whenever something is due, until an hour past the end."""
    life.now = max(life.now, NOON)
    closing = END + HOUR
    for _ in range(200):
        life.see(*life.stripe.news)
        life.sweep("heard")
        following = due_at(life.session)
        if following is None or following > max(closing, life.now):
            break
        life.now = max(life.now + SECOND, following)
        life.stripe.payable(life.now)
    life.now = max(life.now, closing)
    life.see(*life.stripe.news)
    life.sweep("heard")


TWICE_OPEN: list[Move] = [("click", "lost after"), ("wait", 3), ("sweep", "heard"), ("click", "heard")]
"""With a forgetful Stripe: the first attempt is held to be void, and a second one is made beside it."""


def lived(steps: list[Move], *, forgetful: bool = False) -> Life:
    life = Life(stripe=TinyStripe(forgetful=forgetful))
    for name, argument in steps:
        getattr(life, name)(argument)
        assert forgetful or len(life.stripe.payable(life.now)) <= 1, "two Checkout Sessions can be paid (I2)"
    come_to_rest(life)
    return life


@examples(150, 8_000)
@given(lives())
def test_every_life_comes_to_rest_with_the_money_where_it_belongs_or_a_person_told(steps: list[Move]) -> None:
    life = lived(steps)
    assert_at_rest(life)
    assert life.stripe.payable(life.now) == []


@examples(100, 8_000)
@given(lives())
def test_so_does_every_life_in_which_stripe_forgets_what_it_made_and_two_can_be_paid(steps: list[Move]) -> None:
    # What Stripe does not find and no webhook tells, nobody can know.
    told = [step for step in steps if step[0] != "lose"]
    assert_at_rest(lived([*TWICE_OPEN, *told], forgetful=True))


def test_a_forgetful_stripe_lets_a_client_pay_twice_and_the_second_goes_back() -> None:
    life = lived([*TWICE_OPEN, ("pay", "by card"), ("wait", 1), ("pay", "by card")], forgetful=True)
    assert [life.stripe.held(one) for one in life.stripe.paid()] == [8000, 0]
    assert needs(life.session, life.now) is None


def assert_at_rest(life: Life) -> None:
    """I11: an hour past the end nothing is pending, or it is told."""
    told = needs(life.session, life.now)
    assert due_at(life.session) is None or told is not None
    if told is None:
        assert_money_is_where_it_belongs(life)


def assert_money_is_where_it_belongs(life: Life) -> None:
    """I3, told by Stripe's books and the session alone."""
    history, session = guest_of(life.session).history, life.session
    held = {one.payment_intent_id: life.stripe.held(one) for one in life.stripe.paid()}
    assert all(0 <= amount <= 8000 for amount in held.values())
    kept = [pi for pi, amount in held.items() if amount > 0]
    assert len(kept) <= 1
    stands = standing_of(session)
    if history.waiver is not None or (session.canceled_at is not None and not session.keeps_payments):
        assert kept == []
    if kept:
        (one,) = [one for one in life.stripe.paid() if one.payment_intent_id in kept]
        assert one.submitted_at is not None
        assert one.submitted_at < (session.canceled_at or END)
        assert stands.counted is not None
        assert stands.counted.payment_intent_id == one.payment_intent_id
    elif held:
        assert stands.status in {PaymentStatus.REFUNDED, PaymentStatus.WAIVED, PaymentStatus.UNPAID}
    asked = {one.decision_id for one in history.decisions}
    made = [refund.decision_id for refund in life.stripe.refunds if refund.decision_id]
    assert len(made) == len(set(made)), "one decision, one refund"
    assert {one for one in made if not one.startswith("auto-")} <= asked
    assert not [one for _, one in due(session, life.now) if isinstance(one, MakeRefund)]
