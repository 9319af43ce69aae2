"""Products with a bug planted in each, one or more for every invariant: what a simulation must find to be believed.

A bug is planted where the product is put together: another store, another gateway, another door for webhooks.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from typing_extensions import override

from chalicelib.domain.books import NO_RECORDS, Records
from chalicelib.domain.facts import Attempt, AttemptState, CheckoutSeen, Payment, Refund, RefundSeen, RefundStatus, Seen
from chalicelib.domain.obligations import MakeRefund
from chalicelib.domain.sessions import Participant, Session
from chalicelib.flows.context import Context
from chalicelib.flows.sweep import Swept
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import StripeApi, StripeUncertainError
from chalicelib.storage.stores import SessionStore
from sandbox.stripe_standin.deliveries import signature
from sandbox.stripe_standin.errors import JsonObject
from tests.fakes.memory import Kept
from tests.simulation.lean_stores import LeanSessions
from tests.simulation.stage import Stage
from tests.support.world import no_sleep

log = logging.getLogger("anteroom.planted")


# --- at Stripe's door ---------------------------------------------------------------------------------------------


class CompleteIsPaidApi(StripeApi):
    """I1: a Checkout Session that is complete is taken for a paid one (laravel/docs#9334 in another dress)."""

    @override
    def look_at_checkout(self, attempt: Attempt, deadline: Deadline) -> list[Seen]:
        seen = super().look_at_checkout(attempt, deadline)
        return [_instead(one, AttemptState.PROCESSING, AttemptState.PAID) for one in seen]


def _instead(one: Seen, state: AttemptState, other: AttemptState) -> Seen:
    """The same, but for that state."""
    return replace(one, state=other) if isinstance(one, CheckoutSeen) and one.state is state else one


class ForgetsToExpireApi(StripeApi):
    """I2: an offer is taken for closed that Stripe was never asked to close."""

    @override
    def expire_checkout(self, attempt: Attempt, deadline: Deadline) -> list[Seen]:
        seen = super().look_at_checkout(attempt, deadline)
        return [_instead(one, AttemptState.OPEN, AttemptState.EXPIRED) for one in seen]


class AnotherKeyApi(StripeApi):
    """I3: a refund's key is not made of its decision, and nobody looks what is there: a retry is another refund.

    The first answer of all is lost, so that there is a retry: with the true key, that harms nobody.
    """

    rounds = 0

    @override
    def refund(self, act: MakeRefund, round_: int, deadline: Deadline) -> RefundSeen:
        self.rounds += 1
        seen = super().refund(act, self.rounds, deadline)
        if self.rounds == 1:
            raise StripeUncertainError("no answer")
        return seen

    @override
    def list_refunds(self, payment: Payment, deadline: Deadline) -> list[RefundSeen]:
        return []


class NeverRefundsApi(StripeApi):
    """I3: a refund is noted as made that was never asked for."""

    @override
    def refund(self, act: MakeRefund, round_: int, deadline: Deadline) -> RefundSeen:
        payment_intent_id = act.payment.payment_intent_id
        refund = Refund(
            f"re_{act.decision_id}", payment_intent_id, act.amount, RefundStatus.SUCCEEDED, act.decision_id, act.reason
        )
        return RefundSeen(refund)


class OneAccountApi(StripeApi):
    """I6: whatever the clinic, the deployment's own account is asked how an offer stands."""

    @override
    def look_at_checkout(self, attempt: Attempt, deadline: Deadline) -> list[Seen]:
        return super().look_at_checkout(replace(attempt, stripe_account_id=None), deadline)


class TellsStripeTheNameApi(StripeApi):
    """I9: what an appointment is called is sent to Stripe."""

    @override
    def create_checkout(self, attempt: Attempt, deadline: Deadline) -> CheckoutSeen:
        assert attempt.order is not None
        named = replace(attempt.order, product_name=f"{attempt.order.product_name}: CANARY-session")
        return super().create_checkout(replace(attempt, order=named), deadline)


class WithApi(Stage):
    """A product with another gateway to Stripe."""

    api: type[StripeApi] = StripeApi

    @override
    def _context(self, settings: Any) -> Context:
        made = super()._context(settings)
        return replace(made, stripe=self.api(made.stripe._client, no_sleep))


class CompleteIsPaid(WithApi):
    api = CompleteIsPaidApi


class ForgetsToExpire(WithApi):
    api = ForgetsToExpireApi


class AnotherKey(WithApi):
    api = AnotherKeyApi


class NeverRefunds(WithApi):
    api = NeverRefundsApi


class OneAccount(WithApi):
    api = OneAccountApi


class TellsStripeTheName(WithApi):
    api = TellsStripeTheNameApi


# --- at the database's door ---------------------------------------------------------------------------------------


class UnconditionalSessions(LeanSessions):
    """The last writer wins, and what somebody else has learnt meanwhile is lost."""

    @override
    def save(self, session: Session, records: Records = NO_RECORDS) -> Session:
        return self._put(session, lambda _kept: True, records)


class SharedSessions(LeanSessions):
    """I6: a session is found by its id alone, whosever it is."""

    @override
    def save(self, session: Session, records: Records = NO_RECORDS) -> Session:
        saved = super().save(session, records)
        for team_id, session_id in list(self._items):
            if session_id == session.session_id and team_id != session.team_id:
                self._items[team_id, session_id] = self._items[session.team_id, session_id]
        return saved


class TalkativeSessions(LeanSessions):
    """I9: a log line says whose session was written."""

    @override
    def save(self, session: Session, records: Records = NO_RECORDS) -> Session:
        log.info("saved", extra={"who": session.participants[-1].display_name})
        return super().save(session, records)


class ForgetfulIndex(LeanSessions):
    """I10: nothing is ever found to be due."""

    @override
    def due(self, shard: int, until: datetime, limit: int) -> list[tuple[str, str]]:
        return []


class OverIsOver(LeanSessions):
    """I11: what is over is not looked at any more."""

    @override
    def due(self, shard: int, until: datetime, limit: int) -> list[tuple[str, str]]:
        return [key for key in super().due(shard, until, limit) if self.get(*key).end_time > until]


class LosesTheLedger(LeanSessions):
    """I3: the session is written, and its row of the books in another write that fails now and then."""

    @override
    def save(self, session: Session, records: Records = NO_RECORDS) -> Session:
        kept = records if self._entropy(1)[0] % 4 else replace(records, ledger=())
        return super().save(session, kept)


class WithSessions(Stage):
    """A product with another table of sessions."""

    make_sessions: type[LeanSessions] = LeanSessions


class Unconditional(WithSessions):
    make_sessions = UnconditionalSessions


class Shared(WithSessions):
    make_sessions = SharedSessions


class Talkative(WithSessions):
    make_sessions = TalkativeSessions


class Forgetful(WithSessions):
    make_sessions = ForgetfulIndex


class LooksAway(WithSessions):
    make_sessions = OverIsOver


class NotesEveryRead:
    """I12: whatever the product reads is marked as read; the test's own reads are not."""

    def __init__(self, watched: SessionStore, kept: dict[tuple[str, str], Kept]) -> None:
        self._watched = watched
        self._kept = kept

    def get(self, team_id: str, session_id: str) -> Session:
        key = (team_id, session_id)
        kept = self._kept.get(key)
        if kept is not None:
            revision = replace(kept.revision, version=kept.revision.version + 1)
            self._kept[key] = replace(kept, revision=revision)
        return self._watched.get(team_id, session_id)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (every other method is the store's own)
        return getattr(self._watched, name)


class LeavesTraces(Stage):
    """A product that writes down who looked."""

    @override
    def _context(self, settings: Any) -> Context:
        made = super()._context(settings)
        return replace(made, sessions=cast("SessionStore", NotesEveryRead(made.sessions, self.sessions._items)))


class WithoutLedger(WithSessions):
    make_sessions = LosesTheLedger


# --- at the door of webhooks --------------------------------------------------------------------------------------


class WithDoor(Stage):
    """A product that reads another event than the one that was sent."""

    @override
    def receive(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        written = self._read(json.loads(body))
        if written is None:
            return 200
        again = json.dumps(written).encode()
        secret = self.webhook_secrets(url)[0]
        return super().receive(url, {"Stripe-Signature": signature(secret, again, self.clock())}, again)

    def _read(self, event: JsonObject) -> JsonObject | None:
        """The event as it is understood; None: it is ignored."""
        return event


class DropsWhatComesEarly(WithDoor):
    """I4: a refund or dispute is ignored while the payment that it is about is not known yet."""

    @override
    def _read(self, event: JsonObject) -> JsonObject | None:
        thing = event["data"]["object"]
        payments = [payment for _, _, one in self.guests() for payment in one.history.payments]
        known = {payment.payment_intent_id for payment in payments}
        is_early = thing["object"] in {"refund", "dispute"} and thing["payment_intent"] not in known
        return None if is_early else event


class CountsDeliveries(WithDoor):
    """I5: each delivery leaves something behind, also of an event that was seen before."""

    @override
    def _read(self, event: JsonObject) -> JsonObject | None:
        for place, session in self.places():
            if place == "r1":
                self.sessions.save(replace(session, name=f"{session.name}."))
        return event


class BelievesTheIds(WithDoor):
    """I7: a payment counts for whatever its metadata names, however much it is and on whosever page it was made."""

    @override
    def _read(self, event: JsonObject) -> JsonObject | None:
        thing = event["data"]["object"]
        attempt = self._attempt_of(thing["metadata"]) if thing["object"] in {"checkout.session", "charge"} else None
        if attempt is None:
            return event
        names = {"checkout.session": ("amount_total",), "charge": ("amount", "amount_captured")}[thing["object"]]
        thing.update(dict.fromkeys(names, attempt.amount))
        if thing["object"] == "checkout.session":
            thing["id"] = attempt.checkout_session_id or thing["id"]
        event.pop("account", None)
        return event | ({"account": attempt.stripe_account_id} if attempt.stripe_account_id else {})

    def _attempt_of(self, metadata: JsonObject) -> Attempt | None:
        people: list[Participant] = [one for _, _, one in self.guests()]
        attempts = [attempt for one in people for attempt in one.history.attempts]
        return next((one for one in attempts if one.attempt_id == metadata.get("anteroom_attempt")), None)


class JudgesByArrival(WithDoor):
    """I8: a payment is as old as the webhook that told of it (elizaOS/eliza#18862)."""

    @override
    def _read(self, event: JsonObject) -> JsonObject | None:
        thing = event["data"]["object"]
        if thing["object"] == "charge":
            thing["created"] = int(self.now().timestamp())
        return event


class NeverSweeps(Stage):
    """I10 and I11: the schedule was never switched on."""

    @override
    def sweep(self) -> Swept:
        return Swept()


PLANTED: tuple[tuple[str, type[Stage], int], ...] = (
    ("I1", CompleteIsPaid, 400),
    ("I2", ForgetsToExpire, 100),
    ("I2", Unconditional, 400),
    ("I3", AnotherKey, 400),
    ("I3", NeverRefunds, 100),
    ("I3", WithoutLedger, 100),
    ("I4", DropsWhatComesEarly, 100),
    ("I5", CountsDeliveries, 100),
    ("I6", OneAccount, 100),
    ("I6", Shared, 100),
    ("I7", BelievesTheIds, 100),
    ("I8", JudgesByArrival, 400),
    ("I9", Talkative, 20),
    ("I9", TellsStripeTheName, 20),
    ("I10", Forgetful, 100),
    ("I10", NeverSweeps, 100),
    ("I11", LooksAway, 100),
    ("I12", LeavesTraces, 20),
)
"""Which invariant finds each, within how many histories."""
