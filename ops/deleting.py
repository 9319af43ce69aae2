"""Delete a team: say what forbids it, or what would be done; else close it, export it, erase it, each by its flow."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from chalicelib.domain.books import operator
from chalicelib.domain.erasure import Hindrance
from chalicelib.domain.teams import Team
from chalicelib.flows.context import Context
from chalicelib.flows.delete_team import Survey, cancel_to_come, close_team, erase_team, survey
from chalicelib.flows.export_team import export_team
from ops.commands import RefusedError
from ops.environment import Deployment
from ops.exporting import check_writable, told, write_export

_WHY = {
    Hindrance.TO_COME: "to come: wait for the end, or cancel with --cancel-sessions, which gives what was paid back",
    Hindrance.UNDER_WAY: "under way, and cannot be cancelled any more: wait for the end",
    Hindrance.NEEDS_PERSON: "in need of a person about money: python -m ops stuck list TEAM",
    Hindrance.OWED: "still owing something at Stripe: the sweep sees to it; run it again in some minutes",
    Hindrance.ON_ITS_WAY: "with a refund that its bank has not settled: run it again once it has, which may take days",
    Hindrance.UNREADABLE: "kept and not to be read: nobody can tell what of it is owed",
    Hindrance.NEWER: "written by a newer version of the code: run that version",
}
"""After "N sessions are"."""


_STAYS_CLOSED = ", and it stays suspended, with its API clients disabled"


def delete_team(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    ctx = deployment.ctx.acting_for(operator(asked.by))
    team = ctx.teams.get(asked.team_id)
    if team.deleted_at is None:
        yield from _closed_and_exported(ctx, team, asked)
    yield from _erased(ctx, asked.team_id)


def _closed_and_exported(ctx: Context, team: Team, asked: Namespace) -> Iterator[str]:
    check_writable(asked.export)
    if asked.export.exists() and not team.suspended:
        message = f"{asked.export} exists already, and is not of this deletion. Name another file"
        raise RefusedError(message)
    if asked.yes and asked.cancel_sessions:
        yield f"sessions cancelled: {cancel_to_come(ctx, team.team_id)}"
    seen = survey(ctx, team.team_id)
    yield from _hindrances(seen, asked)
    if not asked.yes:
        yield from _intended(seen, asked)
        message = "nothing was done; if you mean it, add --yes"
        raise RefusedError(message)
    yield from _closed(ctx, team.team_id)
    if asked.cancel_sessions:
        cancel_to_come(ctx, team.team_id)
    yield from _hindrances(survey(ctx, team.team_id), asked, _STAYS_CLOSED)
    yield from told(asked.export, write_export(asked.export, export_team(ctx, team.team_id)))


def _closed(ctx: Context, team_id: str) -> Iterator[str]:
    wait = close_team(ctx, team_id)
    yield "The team is suspended, and its API clients are disabled."
    if wait:
        yield f"Waiting {wait.total_seconds():.0f} s, until no running function takes anything from them any more."
        ctx.sleep(wait.total_seconds())


def _hindrances(seen: Survey, asked: Namespace, stays: str = "") -> Iterator[str]:
    """Each with its sessions; raises RefusedError where there is any that would not be cancelled.

    `stays`: what the command did already.
    """
    hindered = {why: number for why, number in seen.hindered.items() if not _would_be_cancelled(why, asked)}
    for why, number in hindered.items():
        yield f"{number} session{' is' if number == 1 else 's are'} {_WHY[why]}"
        yield from (f"  {position.session_id}" for position in seen.named[why])
        if number > len(seen.named[why]):
            yield f"  and {number - len(seen.named[why])} more"
    if hindered:
        message = f"the team cannot be deleted yet; nothing was erased{stays}"
        raise RefusedError(message)


def _would_be_cancelled(why: Hindrance, asked: Namespace) -> bool:
    return why is Hindrance.TO_COME and asked.cancel_sessions and not asked.yes


def _intended(seen: Survey, asked: Namespace) -> Iterator[str]:
    if seen.hindered[Hindrance.TO_COME]:
        yield f"would cancel what is to come ({seen.hindered[Hindrance.TO_COME]}), and give back what was paid for it"
    yield "would suspend the team, and disable its API clients"
    yield f"would export everything to {asked.export}"
    yield f"would erase {seen.sessions} sessions; {seen.of_money} of them, with money, stay without what people wrote"
    yield "would keep ledger and audit for as long as they are kept, and remove the rest; this cannot be undone"


def _erased(ctx: Context, team_id: str) -> Iterator[str]:
    done = erase_team(ctx, team_id)
    yield f"team {team_id} is deleted."
    yield f"removed: {done.clients} API clients, {done.entries} entries; Stripe accounts released: {done.accounts}"
    yield f"sessions removed: {done.removed}; sessions with money, kept without what people wrote: {done.kept}"
    yield "Ledger and audit stay until their time is over. Idempotency records end by themselves within a day, parked"
    yield "events within 90. The platform's access to its Stripe accounts stays, for late refunds: the clinic ends it"
    yield "in its own dashboard; where the platform made the account, the platform does in its own (Connect, Remove)."
    yield "Running functions refuse its links and tokens within 60 s."
