"""I4 and I5, end to end: all webhooks of a history once more, and then as if for the first time, in two orders."""

from __future__ import annotations

import random
from dataclasses import replace

from chalicelib.domain.facts import NOTHING_YET, Attempt, AttemptState, Payment, PaymentHistory
from chalicelib.domain.payments import PaymentStatus, standing
from chalicelib.domain.sessions import Participant, Revision, Session, owing
from chalicelib.domain.teams import PayeeAccount, Team
from chalicelib.gateways.stripe_events import ACCOUNT_EVENTS
from chalicelib.storage import codec
from tests.simulation.invariants import teams_kept
from tests.simulation.stage import Guest, Stage

OK, AGAIN = 200, 503
Outcome = tuple[PaymentStatus, tuple[object, ...]]


def same_again(stage: Stage) -> None:
    """I5: delivering any of them again, any number of times, changes nothing.

    Room for one more payment comes when an offer turns out paid that was proven expired (a broken promise): what was
    dropped before is kept then, when it is told again.
    """
    before, teams = _kept_whole(stage), teams_kept(stage)
    waiting = list(stage.stripe.mailroom.deliveries)
    random.Random(len(waiting)).shuffle(waiting)
    for delivery in waiting:
        status = stage.send(delivery)
        answers = {OK, AGAIN} if delivery.event_id in stage.notes.poisoned else {OK}
        assert status in answers, f"I5: {delivery.event_type} again: {status}"
    assert _kept_whole(stage) == before, "I5: the same webhooks again changed something"
    assert teams_kept(stage) == teams, "I5: the same webhooks again changed a team"


def _kept_whole(stage: Stage) -> dict[str, Session]:
    """The sessions, without the facts of whom more was told than is kept, and whose page was paid though expired."""

    def shown(place: str, one: Participant) -> Participant:
        is_exempt = one.history.overflowed and Guest(place, one.number) in stage.notes.promise_broken
        return replace(one, history=NOTHING_YET) if is_exempt else one

    return {
        place: replace(session, participants=tuple(shown(place, one) for one in session.participants))
        for place, session in bodies(stage).items()
    }


def bodies(stage: Stage) -> dict[str, Session]:
    """What is kept of every session, without the store's own bookkeeping."""
    return {place: replace(session, revision=Revision()) for place, session in stage.places()}


def any_order(stage: Stage) -> None:
    """I4: any order and interleaving of the same deliveries ends in the same state."""
    kept = dict(stage.sessions._items)
    sessions = [session for _, session in stage.places()]
    seen = [_told_in_order(stage, sessions, seed) for seed in (1, 2)]
    stage.sessions._items.clear()
    stage.sessions._items.update(kept)
    first, second = seen
    for guest in first.keys() & second.keys():
        assert first[guest] == second[guest], f"I4: two orders end in {first[guest]} and {second[guest]}"
    _teams_in_any_order(stage)


def _teams_in_any_order(stage: Stage) -> None:
    """The same of what accounts tell, by a product that has heard of no goodbye yet."""
    teams, accounts = dict(stage.teams.texts), dict(stage.stripe_accounts._texts)
    seen = []
    for seed in (1, 2):
        for team in stage.teams.all():
            stage.teams.keep(team.team_id, codec.team_text(replace(team, accounts=tuple(map(_back, team.accounts)))))
        told = [one for one in stage.stripe.mailroom.deliveries if one.event_type in ACCOUNT_EVENTS]
        random.Random(seed).shuffle(told)
        for delivery in told:
            stage.send(delivery)
        seen.append([_standing(team) for team in stage.teams.all()])
        stage.teams.texts.update(teams)
        stage.stripe_accounts._texts.update(accounts)
    assert seen[0] == seen[1], f"I4: two orders of what accounts tell end in {seen[0]} and {seen[1]}"


def _back(account: PayeeAccount) -> PayeeAccount:
    return replace(account, disconnected_at=None)


def _standing(team: Team) -> list[tuple[str | None, bool, bool]]:
    return [(one.stripe_account_id, one.is_connected, one.charges_enabled) for one in team.accounts]


def _told_in_order(stage: Stage, sessions: list[Session], seed: int) -> dict[Guest, Outcome]:
    """What is known after all webhooks, by somebody who knew only of the offers.

    Which of more payments than are kept is dropped depends on whether their offer is proven expired, which a broken
    promise makes untrue in the middle.
    """
    for session in sessions:
        bare = replace(session, participants=tuple(map(_untold, session.participants)))
        key = (session.team_id, session.session_id)
        kept = stage.sessions._items[key]
        stage.sessions._items[key] = replace(kept, body=codec.session_text(bare))
    deliveries = list(stage.stripe.mailroom.deliveries)
    random.Random(seed).shuffle(deliveries)
    for delivery in deliveries:
        stage.send(delivery)
    return {
        Guest(place, one.number): _outcome(session, one)
        for place, session in stage.places()
        for one in session.participants
        if not (one.history.overflowed and Guest(place, one.number) in stage.notes.promise_broken)
    }


def _untold(participant: Participant) -> Participant:
    history = participant.history
    attempts = tuple(_unsettled(attempt) for attempt in history.attempts)
    decided = replace(NOTHING_YET, waiver=history.waiver, decisions=history.decisions)
    untold = replace(decided, attempts=attempts, charged_again=history.charged_again)
    return replace(participant, history=untold)


def _unsettled(attempt: Attempt) -> Attempt:
    return replace(attempt, state=AttemptState.OPEN, looked_at=None)


def _outcome(session: Session, participant: Participant) -> Outcome:
    history: PaymentHistory = participant.history
    facts = (tuple(map(_whole, history.payments)), history.refunds, history.disputes)
    return standing(owing(session, participant), history).status, facts


def _whole(payment: Payment) -> Payment:
    """Without the sum that is only a hint."""
    return replace(payment, refunded_hint=0)
