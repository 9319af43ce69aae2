"""The command `reconcile`: says in sentences where Stripe and we differ, while it goes, and what is left in the end."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from datetime import datetime, timedelta

from chalicelib.domain.absences import is_beyond_events
from chalicelib.domain.books import operator
from chalicelib.domain.teams import Team
from chalicelib.flows.catch_up import keep_compared
from chalicelib.flows.context import Context
from chalicelib.flows.reconcile import Tally, reconcile
from chalicelib.flows.reconcile_session import Finding, Scope
from chalicelib.gateways.stripe_listings import Span
from ops.commands import AskedWronglyError, RefusedError
from ops.environment import Deployment
from ops.writing import columns, moment

LONGEST_SPAN = timedelta(days=35)
"""A month and a little; a longer time in several runs, so that what one run holds in memory has a limit."""

LONGEST_RUN_SECONDS = 6 * 3600
PAGES_BETWEEN_SIGNS = 10
"""A sign of life for every thousand objects."""


def reconcile_account(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    ctx = deployment.ctx.within(LONGEST_RUN_SECONDS).acting_for(operator(asked.by))
    span = _span(asked.start, asked.end, ctx.clock())
    yield f"{asked.account or 'our own account'}, from {moment(span.start)} to {moment(span.end)}"
    tally, pages = Tally(), 0
    for one in reconcile(ctx, Scope(asked.account, span, repairs=asked.repair)):
        if isinstance(one, Finding):
            yield _sentence(one)
            continue
        tally, pages = one, pages + 1
        if pages % PAGES_BETWEEN_SIGNS == 0:
            yield f"... {tally.charges} charges, {tally.refunds} refunds, {tally.disputes} disputes so far"
    yield from _lines(tally)
    if asked.repair and tally.is_whole and not is_beyond_events(span.start, ctx.clock()):
        keep_compared(ctx, asked.account, _teams(ctx, asked.account), span)
    if not tally.is_clean:
        raise RefusedError(_left(tally, repaired=asked.repair))


def _teams(ctx: Context, account: str | None) -> list[Team]:
    """Those for which a night has less to make up for now. What events do not reach is left to it."""
    return [team for team in ctx.teams.all() if team.has_account(account)]


def _span(start: datetime, end: datetime | None, now: datetime) -> Span:
    span = Span(start, end or now)
    if span.end <= span.start:
        message = f"--to ({moment(span.end)}) must be later than --from ({moment(span.start)})"
        raise AskedWronglyError(message)
    if span.end - span.start > LONGEST_SPAN:
        message = f"at most {LONGEST_SPAN.days} days at once; ask for the rest in another run"
        raise AskedWronglyError(message)
    return span.until(now)


def _sentence(finding: Finding) -> str:
    where = f"session {finding.session_id} of team {finding.team_id}"
    if finding.number is not None:
        where = f"participant {finding.number} of {where}"
    return f"{'mended' if finding.is_mended else 'found '}  {finding.difference.sentence}  ({where})"


def _lines(tally: Tally) -> Iterator[str]:
    counted = {
        "charges": tally.charges,
        "refunds": tally.refunds,
        "disputes": tally.disputes,
        "later changes": tally.changes,
        "other business": tally.others,
        "differences": tally.found,
        "mended": tally.mended,
        "left": tally.left,
    }
    yield from columns(((name, str(number)) for name, number in counted.items()), indent="")


def _left(tally: Tally, *, repaired: bool) -> str:
    words = []
    if tally.left:
        help_ = "they need a person" if repaired else "--repair folds in what Stripe says"
        words.append(f"{tally.left} differences are left: {help_}")
    if tally.failed:
        words.append(
            f"{tally.failed} sessions or payments could not be compared; the log above names them, run it again"
        )
    if tally.unfinished:
        words.append("the time was up before everything was compared; ask for a shorter time")
    return "; ".join(words)
