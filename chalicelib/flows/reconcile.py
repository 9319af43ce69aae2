"""Reconcile Stripe's own lists of one account and span with what is kept, both ways; repair what differs on request.

Nothing waits for it. It shows that nothing was lost, and finds what only a webhook would have told: a refund made in
Stripe's dashboard, a dispute.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.domain.books import LedgerRow
from chalicelib.domain.differences import Difference, DifferenceKind, row_not_at_stripe
from chalicelib.domain.facts import ChargeSeen
from chalicelib.domain.ids import split_participant_id
from chalicelib.flows.context import Context
from chalicelib.flows.reconcile_session import Finding, Scope, Told, facts_compared, gone, rows_compared
from chalicelib.flows.settle import UNKNOWN, is_of_its_account
from chalicelib.gateways.deadline import OutOfTimeError
from chalicelib.gateways.stripe_api import StripeError, StripeRefusedError
from chalicelib.gateways.stripe_listings import Listed, StripeListings
from chalicelib.gateways.stripe_objects import Place, StrangeObjectError
from chalicelib.storage.stores import NotFoundError, UnreadableError

SECONDS_KEPT_BACK = 20
"""A session is begun only with this much time left."""

log = logging.getLogger("anteroom.reconcile")


@dataclass(frozen=True, slots=True)
class Tally:
    """What was compared so far. `others`: objects of the account that are not ours. `failed`: sessions not compared.

    `unfinished`: the time was up.
    """

    charges: int = 0
    refunds: int = 0
    disputes: int = 0
    changes: int = 0
    others: int = 0
    found: int = 0
    mended: int = 0
    failed: int = 0
    unfinished: bool = False

    @property
    def left(self) -> int:
        """Differences that are still there."""
        return self.found - self.mended

    @property
    def is_whole(self) -> bool:
        """Whether everything was compared, whatever came of it."""
        return not (self.failed or self.unfinished)

    @property
    def is_clean(self) -> bool:
        return self.is_whole and not self.left


def reconcile(ctx: Context, scope: Scope) -> Iterator[Finding | Tally]:
    """Each difference as it is found, and after each page of a list how far it has come; the last is the whole tally.

    Raises StripeError where a list cannot be read, StoreUnavailableError where the ledger or the teams can't.
    """
    comparing = _Comparing(ctx, replace(scope, span=scope.span.until(ctx.clock())))
    try:
        yield from comparing.run()
    except OutOfTimeError:
        comparing.count(unfinished=1)
    yield comparing.tally


class _Comparing:
    def __init__(self, ctx: Context, scope: Scope) -> None:
        self.tally = Tally()
        self._ctx = ctx
        self._scope = scope
        self._charge_ids: set[str] = set()
        self._places: dict[str, Place | None] = {}
        self._ledgers: dict[str, dict[str, LedgerRow]] = {}
        self._reported: set[tuple[DifferenceKind, str]] = set()

    def count(self, **more: int) -> None:
        counted = {name: getattr(self.tally, name) + number for name, number in more.items()}
        self.tally = replace(self.tally, **counted)

    def run(self) -> Iterator[Finding | Tally]:
        scope, ctx = self._scope, self._ctx
        lists = StripeListings(ctx.stripe, scope.account, scope.span, ctx.deadline)
        if not scope.returns_only:
            for page in lists.charges():
                self._charge_ids |= {listed.object_id for listed in page}
                yield from self._page(page, "charges")
        for page in lists.refunds():
            yield from self._page(page, "refunds")
        for page in lists.disputes():
            yield from self._page(page, "disputes")
        if not scope.returns_only:
            for page in lists.later_changes():
                yield from self._page(page, "changes")
            yield from self._rows_not_at_stripe()

    def _page(self, page: list[Listed], name: str) -> Iterator[Finding | Tally]:
        self.count(**{name: len(page)})
        for (team_id, session_id), told in self._by_session(page).items():
            if self._ctx.deadline.left() < SECONDS_KEPT_BACK:
                raise OutOfTimeError
            for finding in self._isolated(team_id, session_id, told):
                self.count(found=1, mended=int(finding.is_mended))
                yield finding
        yield self.tally

    # --- whose it is --------------------------------------------------------------------------------------------------

    def _by_session(self, page: list[Listed]) -> dict[tuple[str, str], list[Told]]:
        grouped: dict[tuple[str, str], list[Told]] = {}
        for listed in page:
            if listed.place is not None and not listed.tells:
                continue
            try:
                ours = self._placed(listed)
            except (StripeError, StrangeObjectError) as error:
                log.error("reconcile_failed", extra={"about": listed.object_id, "error": type(error).__name__})
                self.count(failed=1)
                continue
            self.count(others=0 if ours else 1)
            for told in ours:
                grouped.setdefault((told.place.team_id, told.place.session_id), []).append(told)
        return grouped

    def _placed(self, listed: Listed) -> list[Told]:
        """With its place, and where that had to be asked for, with the charge that came with the answer."""
        payment_intent_id = listed.payment_intent_id
        if listed.place is not None:
            if isinstance(listed.shown, ChargeSeen):
                self._places[listed.shown.payment_intent_id] = listed.place
            return [Told(listed.place, listed)]
        if payment_intent_id is None:
            return []
        charges = [] if payment_intent_id in self._places else self._asked(payment_intent_id)
        place = self._places[payment_intent_id]
        return [Told(place, one) for one in (*charges, listed)] if place else []

    def _asked(self, payment_intent_id: str) -> list[Listed]:
        ctx, account = self._ctx, self._scope.account
        try:
            place, seen = ctx.stripe.fetch_payment(payment_intent_id, account, ctx.deadline)
        except StripeRefusedError as error:
            if error.code != UNKNOWN:
                raise
            place, seen = None, []
        self._places[payment_intent_id] = place
        charges = [one for one in seen if isinstance(one, ChargeSeen)]
        return [Listed(one.charge.charge_id, place, payment_intent_id, one) for one in charges]

    # --- one session --------------------------------------------------------------------------------------------------

    def _isolated(self, team_id: str, session_id: str, told: list[Told]) -> list[Finding]:
        """One session; whatever is wrong with it stays with it."""
        try:
            found = self._compared(team_id, session_id, told)
        except OutOfTimeError:
            raise
        except Exception as error:  # noqa: BLE001 (the next session must have its turn; the alarm is on this log line)
            log.error("reconcile_failed", extra={"session_id": session_id, "error": type(error).__name__})
            self.count(failed=1)
            return []
        return [one for one in found if self._is_news(one.difference)]

    def _is_news(self, difference: Difference) -> bool:
        """Each difference is told once, and that of a payment by its charge where that was listed."""
        if difference.kind is DifferenceKind.PAYMENT_UNKNOWN and difference.about in self._places:
            return False
        key = (difference.kind, difference.about)
        is_news = key not in self._reported
        self._reported.add(key)
        return is_news

    def _compared(self, team_id: str, session_id: str, told: list[Told]) -> list[Finding]:
        ctx = self._ctx
        try:
            team = ctx.teams.get(team_id)
        except NotFoundError:
            # Another deployment's, in test mode say: its ids look like ours.
            self.count(others=len(told))
            return []
        try:
            session = ctx.sessions.get(team_id, session_id)
        except NotFoundError:
            lost = told if team.has_account(self._scope.account) else []
            self.count(others=len(told) - len(lost))
            return [Finding(gone(one), team_id, session_id, one.place.number) for one in lost]
        except UnreadableError:
            self.count(failed=1)
            sentence = f"Session {session_id} is kept and cannot be read."
            return [Finding(Difference(DifferenceKind.UNREADABLE, session_id, sentence), team_id, session_id)]
        ours = [one for one in told if is_of_its_account(ctx, self._scope.account, session, one.place)]
        self.count(others=len(told) - len(ours))
        if not ours:
            return []
        is_whole = not self._scope.returns_only
        rows = rows_compared(ctx, self._scope, session, self._ledger(team_id)) if is_whole else []
        return [*facts_compared(ctx, self._scope, session, ours), *rows]

    def _ledger(self, team_id: str) -> dict[str, LedgerRow]:
        if team_id not in self._ledgers:
            span = self._scope.span
            rows = self._ctx.ledger.between(team_id, span.start, span.end)
            self._ledgers[team_id] = {row.charge_id: row for row in rows}
        return self._ledgers[team_id]

    def _rows_not_at_stripe(self) -> Iterator[Finding | Tally]:
        account = self._scope.account
        teams = {team.team_id for team in self._ctx.teams.all() if team.has_account(account)}
        for team_id in sorted(teams | set(self._ledgers)):
            for row in self._ledger(team_id).values():
                if row.stripe_account_id == account and row.charge_id not in self._charge_ids:
                    self.count(found=1)
                    number = split_participant_id(row.participant_id)[1]
                    yield Finding(row_not_at_stripe(row), team_id, row.session_id, number)
