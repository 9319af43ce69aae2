"""Bring a history to rest, as time does: faults end, banks answer, the clock runs on, and the sweep comes round.

Then everything that holds at rest is held; and after a crash, what each way of recovery must bring.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.absences import unseen_since
from chalicelib.domain.obligations import due, due_at
from chalicelib.flows.nightly import STILL_ON_ITS_WAY_FOR
from chalicelib.flows.park import FAILURES_UNTIL_PARKED
from tests.simulation import invariants
from tests.simulation.account_deeds import Connect, NightComes
from tests.simulation.books import audit_is_whole, books_of, fees_go_back, ledger_is_right
from tests.simulation.deeds import Step
from tests.simulation.money_deeds import ReplayParked, connected_accounts, reconciled
from tests.simulation.orders import any_order, same_again
from tests.simulation.stage import ACCOUNTS, Stage
from tests.simulation.stripe_deeds import DeliverAll, note_bank
from tests.simulation.time_deeds import Sweep
from tests.simulation.truth import truths

if TYPE_CHECKING:
    from tests.simulation.play import Play

MOST_TICKS = 400
"""Moments at which something is due, of one history; more is a sweep that never comes to an end."""

AFTER_END = timedelta(hours=1, minutes=1)
TRIES_LAST = timedelta(days=8)
ASKED_AGAIN_WITHIN = timedelta(days=2)
"""By when an account that was away for long is asked again, if it comes back when everything is over."""

ROUNDS = 3


# --- recovery -----------------------------------------------------------------------------------------------------


def recover(play: Play, step: Step, how: str) -> None:
    """I10: after a crash between any two I/O calls, each of (the same request again, the webhook again, the scheduled
    sweep) brings the right state within three rounds.

    Right is: the money that Stripe was paid is known, no page can be paid that is not known, nothing is overdue. What
    a round cannot bring in principle (a webhook of what never happened) is no part of it.
    """
    if how == "request":
        outcome = [play.again(step) for _ in range(ROUNDS)][-1]
        assert not outcome.startswith("told to try again"), f"I10: three requests later: {step.deed}: {outcome}"
    elif how == "webhook" and not play.temper.webhooks_lost:
        for _ in range(ROUNDS):
            play.again(Step(DeliverAll()))
        left = [one.event_type for one in play.stage.undelivered() if one.event_id not in play.stage.notes.poisoned]
        assert not left, f"I10: webhooks are refused after a crash: {left}"
    elif how == "sweep":
        for _ in range(ROUNDS):
            play.again(Step(Sweep()))
        _nothing_overdue(play.stage)
    play.tell(f"recovered by {how}")
    play.hold()


def _nothing_overdue(stage: Stage) -> None:
    for place, session in stage.places():
        overdue = [one.key for _, one in due(session, stage.now())]
        assert not overdue, f"I10: three sweeps later, {overdue} of {place} is still due"


# --- rest ---------------------------------------------------------------------------------------------------------


def come_to_rest(play: Play) -> None:
    """Raises AssertionError."""
    stage = play.stage
    bank_answers(play)
    returned = come_back(play) if play.temper.comes_back else []
    if not play.temper.webhooks_lost:
        deliver_everything(play)
    catch_up(play, returned)
    run_out(play, until=last_end(stage) + AFTER_END)
    hold_pending(play)
    run_out(play, until=max(last_end(stage) + TRIES_LAST, stage.now() + ASKED_AGAIN_WITHIN))
    if play.temper.webhooks_lost:
        night_comes(play)
        stage.notes.knows_all = True
        run_out(play, until=stage.now() + TRIES_LAST)
    play.tell("at rest")
    hold_at_rest(play)
    if play.temper.checks_order and not play.temper.webhooks_lost:
        same_again(stage)
        any_order(stage)


def come_back(play: Play) -> list[str]:
    """The owner connects again what is away; those accounts. A goodbye that nobody has delivered comes later."""
    stage, returned = play.stage, []
    for account in ACCOUNTS:
        known = stage.team_at("h").account(account)
        if known is not None and stage.is_away(account):
            outcome = play.again(Step(Connect(account)))
            assert outcome == "done", f"{account} cannot be connected again: {outcome}"
            play.tell(f"{account} is connected again")
            returned.append(account)
    return returned


def catch_up(play: Play, returned: list[str]) -> None:
    """What happened while an account was away was never told; the next night finds it in Stripe's lists."""
    stage = play.stage
    for account in returned:
        assert not stage.is_away(account), f"I4: a goodbye that came late ended the newer connection of {account}"
    if stage.notes.missed and not play.temper.webhooks_lost:
        night_comes(play)


def night_comes(play: Play) -> None:
    """As in production: nobody asks for more of Stripe's lists than the night does by itself."""
    stage = play.stage
    stage.clock.advance(seconds=STILL_ON_ITS_WAY_FOR.total_seconds() + 1)
    play.again(Step(NightComes()))
    for account in stage.team_at("h").accounts:
        told = unseen_since(account)
        assert stage.is_away(str(account.stripe_account_id)) or told is None, f"the night left it owed since {told}"
    stage.notes.missed = {one for one in stage.notes.missed if stage.is_away(one)}


def bank_answers(play: Play) -> None:
    """Every debit that is on its way comes to its end; refunds that are pending, too."""
    stripe, chance = play.stage.stripe, random.Random(len(play.told))
    stripe.set_refunds_pending(pending=False)
    for books in stripe.all_books:
        for intent in books.of_kind("payment_intent"):
            if intent["status"] == "processing":
                succeeded = chance.random() < 0.7
                stripe.settle_delayed(intent["id"], succeeded=succeeded)
                for guest, _, _ in play.stage.guests():
                    if any(page["payment_intent"] == intent["id"] for page in play.stage.checkouts_of(guest)):
                        note_bank(play.stage, guest.place, succeeded=succeeded)
                play.tell(f"a bank debit {'succeeds' if succeeded else 'fails'} in the end")
        for refund in books.of_kind("refund"):
            if refund["status"] == "pending":
                stripe.settle_refund(refund["id"])


def deliver_everything(play: Play) -> None:
    for _ in range(FAILURES_UNTIL_PARKED):
        play.again(Step(DeliverAll()))
    left = [one.event_type for one in play.stage.undelivered()]
    assert not left, f"webhooks are refused without a fault: {left}"
    _parked_are_replayed(play)
    play.stage.notes.knows_all = True


def _parked_are_replayed(play: Play) -> None:
    """What cannot be read is parked, and nothing else; once it can be read, nothing of it is lost."""
    stage = play.stage
    parked = {one.event_id for one in stage.parked_events.all() if one.is_parked}
    assert parked <= stage.notes.poisoned, f"events are parked that can be read: {parked - stage.notes.poisoned}"
    if parked:
        stage.reach("a webhook parked")
        play.again(Step(ReplayParked()))
        # Stripe shows an event for 30 days (https://docs.stripe.com/api/events): it is to be replayed before.
        since = stage.now() - timedelta(days=30)
        shown = {one.event_id for one in stage.stripe.mailroom.deliveries if one.posted_at > since}
        waiting = [one for one in stage.parked_events.all() if one.is_parked and one.event_id in shown]
        left = [one for one in waiting if not _is_away(stage, one.account)]
        assert not left, f"{len(left)} parked events cannot be replayed"


def _is_away(stage: Stage, account: str) -> bool:
    return account in ACCOUNTS and stage.is_away(account)


def last_end(stage: Stage) -> datetime:
    return max((session.end_time for _, session in stage.places()), default=stage.now())


def run_out(play: Play, until: datetime) -> None:
    """Sweep at every moment at which something is due, and at `until`."""
    stage = play.stage
    for _ in range(MOST_TICKS):
        moments = [due_at(session) for _, session in stage.places()]
        moment = min((one for one in moments if one is not None), default=None)
        if moment is None or moment > until:
            break
        # A tick later than due, and never twice at one moment: what cannot be done must be put off.
        # While an account is away it is asked after every hour; a sweep may be skipped for hours, too.
        stride = timedelta(hours=4) if any(map(stage.is_away, stage.notes.missed)) else timedelta(minutes=1)
        stage.clock.set(max(moment, stage.now() + stride))
        play.again(Step(Sweep()))
        if not play.temper.webhooks_lost:
            play.again(Step(DeliverAll()))
        play.hold()
    else:
        raise AssertionError(f"I11: the sweep found something to do {MOST_TICKS} times in a row")
    if stage.now() < until:
        stage.clock.set(until)
        play.again(Step(Sweep()))


def hold_pending(play: Play) -> None:
    """An hour after the end: nothing is pending in silence."""
    for truth in truths(play.stage):
        invariants.i11_nothing_pending(play.stage, truth)


def nothing_to_reconcile(stage: Stage) -> None:
    """I3, told by Stripe's own lists: whatever happened, the nightly run finds no difference."""
    for account in connected_accounts(stage):
        if account is not None and stage.is_away(account):
            continue
        tally = reconciled(stage, account, repairs=False)
        assert tally.is_clean, f"I3: the accounts at rest: {tally}"


def hold_at_rest(play: Play) -> None:
    stage = play.stage
    play.hold()
    kept = books_of(stage)
    for truth in truths(stage):
        invariants.i3_kept_is_owed(stage, truth)
        invariants.i7_nothing_of_others_goes_back(stage)
        invariants.i8_late_by_stripes_time(stage, truth)
        invariants.i11_nothing_pending(stage, truth)
        invariants.attention_is_deserved(stage, truth)
        ledger_is_right(stage, truth, kept)
        audit_is_whole(truth, kept)
    fees_go_back(stage)
    if play.temper.reconciles or play.temper.webhooks_lost:
        nothing_to_reconcile(stage)
    invariants.i9_canaries(stage)
