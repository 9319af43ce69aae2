"""Reconcile one session: what Stripe listed of its payments, and its rows of the ledger, against what is kept of it.

Repairing folds the same facts in as webhooks bring. A charge alone never makes a payment count: its Checkout Session is
fetched beside it. What is owed then is the sweep's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from chalicelib.domain.books import LedgerRow, ledger_rows, rewritten
from chalicelib.domain.differences import Difference, DifferenceKind, differences, payment_of, row_differences
from chalicelib.domain.facts import NOTHING_YET, ChargeSeen, Payment, PaymentHistory, Seen
from chalicelib.domain.sessions import Session, saw
from chalicelib.flows.change import change
from chalicelib.flows.context import Context
from chalicelib.gateways.stripe_listings import Listed, Span
from chalicelib.gateways.stripe_objects import Place
from chalicelib.storage.stores import ConflictError

ROWS_PER_SAVE = 50
"""A transaction holds 100 items."""

_NEXT_MILLISECOND = timedelta(milliseconds=1)
_AUDIT_ID_BYTES = 6


@dataclass(frozen=True, slots=True)
class Scope:
    """What is compared: one account, None being the deployment's own; `repairs`: fold in what differs.

    `returns_only`: refunds and disputes alone, as they stand now.
    """

    account: str | None
    span: Span
    repairs: bool = False
    returns_only: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """One object of Stripe's that is ours."""

    place: Place
    listed: Listed


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference, where it belongs, and whether it is no more."""

    difference: Difference
    team_id: str
    session_id: str
    number: int | None = None
    is_mended: bool = False


# --- the facts ------------------------------------------------------------------------------------------------------


def facts_compared(ctx: Context, scope: Scope, session: Session, told: list[Told]) -> list[Finding]:
    """Where Stripe and the session differ. Raises what `change` and Stripe raise, when it repairs."""
    found = [(one, difference) for one in told for difference in _differences(session, one)]
    left = {difference for _, difference in found}
    if found and scope.repairs:
        mended = _repaired(ctx, scope, session, found)
        left = {difference for one in told for difference in _differences(mended, one)}
    still = {(one.kind, one.about) for one in left}
    return [
        Finding(one, session.team_id, session.session_id, each.place.number, (one.kind, one.about) not in still)
        for each, one in found
    ]


def gone(told: Told) -> Difference:
    """Money came for a session that is kept no more."""
    place, object_id = told.place, told.listed.object_id
    sentence = f"{object_id} is for participant {place.number} of session {place.session_id}, which is kept no more."
    return Difference(DifferenceKind.SESSION_GONE, object_id, sentence)


def _differences(session: Session, told: Told) -> Iterable[Difference]:
    listed = told.listed
    if listed.is_strange:
        sentence = f"What Stripe shows of {listed.object_id} cannot be read."
        return [Difference(DifferenceKind.UNREADABLE, listed.object_id, sentence)]
    if listed.shown is None:
        return []
    return differences(_history(session, told), listed.shown, is_current=listed.is_current)


def _history(session: Session, told: Told) -> PaymentHistory:
    participant = session.participant(told.place.number)
    return participant.history if participant else NOTHING_YET


def _repaired(ctx: Context, scope: Scope, session: Session, found: list[tuple[Told, Difference]]) -> Session:
    differing = {id(told): told for told, _ in found}
    kinds = {difference.kind for _, difference in found}
    seen = [(told.place.number, _learnt(ctx, scope, session, told, kinds)) for told in differing.values()]

    def folded(newest: Session) -> Session:
        for number, facts in seen:
            newest = saw(newest, number, *facts)
        return newest

    return change(ctx, session, folded)


def _learnt(ctx: Context, scope: Scope, session: Session, told: Told, kinds: set[DifferenceKind]) -> list[Seen]:
    """What was shown, and what else Stripe must say of that payment for it to count."""
    shown, payment_intent_id, account = told.listed.shown, told.listed.payment_intent_id, scope.account
    if shown is None or payment_intent_id is None:
        return []
    payment = payment_of(_history(session, told), payment_intent_id)
    seen: list[Seen] = [shown]
    if not isinstance(shown, ChargeSeen) and (payment is None or payment.charge is None):
        seen += ctx.stripe.fetch_payment(payment_intent_id, account, ctx.deadline)[1]
    if payment is None or payment.paid is None:
        seen += ctx.stripe.find_checkouts_of(payment_intent_id, account, ctx.deadline)
    if DifferenceKind.REFUNDED_DIFFERS in kinds:
        payment = Payment(payment_intent_id, told.place.attempt_id, account)
        seen += ctx.stripe.list_refunds(payment, ctx.deadline)
    return seen


# --- the ledger -----------------------------------------------------------------------------------------------------


def rows_compared(ctx: Context, scope: Scope, session: Session, ledger: Mapping[str, LedgerRow]) -> list[Finding]:
    """Where the ledger and the facts differ. `ledger` is older than the session: what differs is read once more."""
    suspect = frozenset(row_differences(session, ledger, scope.span.start, scope.span.end))
    if not suspect:
        return []
    found = _row_differences(ctx, scope, session, suspect)
    left = set(found)
    if found and scope.repairs:
        session = _rewritten(ctx, session, sorted(found))
        left = set(_row_differences(ctx, scope, session, frozenset(found)))
    return [
        Finding(one, session.team_id, session.session_id, is_mended=charge_id not in left)
        for charge_id, one in found.items()
    ]


def _row_differences(ctx: Context, scope: Scope, session: Session, charge_ids: frozenset[str]) -> dict[str, Difference]:
    """Of these rows, each read by its own key."""
    kept: dict[str, LedgerRow] = {}
    for row in ledger_rows(session):
        if row.charge_id in charge_ids:
            rows = ctx.ledger.between(session.team_id, row.paid_at, row.paid_at + _NEXT_MILLISECOND)
            kept |= {one.charge_id: one for one in rows}
    every = row_differences(session, kept, scope.span.start, scope.span.end)
    return {charge_id: one for charge_id, one in every.items() if charge_id in charge_ids}


def _rewritten(ctx: Context, session: Session, charge_ids: list[str]) -> Session:
    """Written together with the session, as every row is: never by facts that are no longer the newest."""
    for first in range(0, len(charge_ids), ROWS_PER_SAVE):
        some = frozenset(charge_ids[first : first + ROWS_PER_SAVE])
        audit_id = ctx.entropy(_AUDIT_ID_BYTES).hex()
        records = rewritten(session, some, by=ctx.by, at=ctx.clock(), audit_id=audit_id)
        try:
            session = ctx.sessions.save(session, records)
        except ConflictError:
            # Somebody else wrote it this moment; the next run finds what is left.
            return ctx.sessions.get(session.team_id, session.session_id)
    return session
