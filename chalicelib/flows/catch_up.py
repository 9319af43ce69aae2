"""Look up what no night has compared: of an account that was away, or since the nights themselves have failed.

From where all is known on, in spans as long as an ordinary night's, the oldest first. How far it has come is kept after
each, so that the next night goes on where the time was up. Where Stripe's events do not reach back so far, the refunds
and disputes of the half year before are listed as they stand now, and that older ones cannot be seen is told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from chalicelib.domain.absences import RETURNS_LAST, compared, is_beyond_events
from chalicelib.domain.teams import Team
from chalicelib.flows.change import ContendedError
from chalicelib.flows.change_team import TeamDeletedError, change_team
from chalicelib.flows.context import Context
from chalicelib.flows.park import account_name
from chalicelib.flows.reconcile import SECONDS_KEPT_BACK, Tally
from chalicelib.flows.reconcile_session import Scope
from chalicelib.gateways.stripe_listings import Span
from chalicelib.storage.stores import NotFoundError, StoreError

SPAN = timedelta(days=3)
"""Of one piece."""

log = logging.getLogger("anteroom.reconcile")


@dataclass(frozen=True, slots=True)
class Payee:
    """One account, None being the deployment's own, and the teams that are paid on it."""

    account: str | None
    teams: tuple[Team, ...]

    @property
    def known_until(self) -> datetime | None:
        """Until when all is known to all of its teams; None where nothing is owed."""
        kept = [one.reconciled_until for team in self.teams if (one := team.account(self.account))]
        return min((one for one in kept if one is not None), default=None)


def caught_up(ctx: Context, payee: Payee, until: datetime, reconciled: Callable[[Scope], Tally]) -> Iterator[Tally]:
    """What `reconciled` brought for each span that is owed before `until`; ends where the time is up.

    What failed in one holds up none of the later ones; only how far all is known stays before it.
    """
    since = payee.known_until
    if since is None:
        return
    for scope in _owed(ctx, payee.account, since, until):
        if ctx.deadline.left() < SECONDS_KEPT_BACK:
            yield _unfinished(payee.account)
            return
        tally = reconciled(scope)
        yield tally
        if tally.unfinished:
            return
        if tally.is_whole and not scope.returns_only:
            keep_compared(ctx, payee.account, payee.teams, scope.span)


def _owed(ctx: Context, account: str | None, since: datetime, until: datetime) -> Iterator[Scope]:
    if is_beyond_events(since, ctx.clock()):
        fields = {"account": account_name(account), "since": since.isoformat()}
        log.error("reconcile_beyond_events", extra=fields)
        yield Scope(account, Span(since - RETURNS_LAST, since), repairs=True, returns_only=True)
    while since < until:
        end = min(since + SPAN, until)
        yield Scope(account, Span(since, end), repairs=True)
        since = end


def _unfinished(account: str | None) -> Tally:
    log.error("reconcile_unfinished", extra={"account": account_name(account)})
    return Tally(unfinished=True)


def keep_compared(ctx: Context, account: str | None, teams: Sequence[Team], span: Span) -> None:
    """That this span was compared whole; a team for which that cannot be kept just now is compared anew."""
    for team in teams:
        try:
            change_team(ctx, team.team_id, partial(_compared, account, span))
        except (NotFoundError, TeamDeletedError):
            continue
        except (StoreError, ContendedError) as error:
            fields = {"account": account_name(account), "team_id": team.team_id, "error": type(error).__name__}
            log.warning("reconciled_not_kept", extra=fields)


def _compared(account: str | None, span: Span, team: Team) -> Team:
    return compared(team, account, span.start, span.end)
