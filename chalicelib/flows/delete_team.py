"""Delete a team: see what forbids it, close it, erase it. For operators; what is exported before is theirs to keep.

Each step may die anywhere and be done again. The tombstone is written first of all that is erased: from then on no link
opens and nothing is changed, and whoever finds it there goes on erasing. What stays: ledger and audit, for as long as
they are kept anyway, and of sessions with money what a late refund or dispute is judged by (`domain/erasure.py`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain.edits import StartedError
from chalicelib.domain.erasure import Hindrance, erased, hindrance, is_of_money, tombstone
from chalicelib.domain.sessions import Session
from chalicelib.domain.teams import Team
from chalicelib.flows.accounts import release
from chalicelib.flows.change import TRIES, ContendedError
from chalicelib.flows.change_team import change_team
from chalicelib.flows.context import REQUEST_SECONDS, Context
from chalicelib.flows.edit_session import cancel_session
from chalicelib.flows.edit_team import suspend_team
from chalicelib.flows.enrol import disable_client
from chalicelib.flows.every_session import every_session
from chalicelib.flows.export_team import clients_of
from chalicelib.flows.subdomains import release as release_subdomain
from chalicelib.storage.cached import KEPT_SECONDS
from chalicelib.storage.codec import check_writable
from chalicelib.storage.stores import ConflictError, Found, NewerSchemaError, NotFoundError, Position

FORGOTTEN_AFTER = timedelta(seconds=KEPT_SECONDS + 30)
"""Running functions remember a client for 60 s, and a request that they took on at the end of it takes up to 29."""

MOST_NAMED = 10
"""Sessions, of each kind that forbids the deletion."""

BEING_DELETED = "it is being deleted"


@dataclass(slots=True)
class Survey:
    """What a deletion would meet. `hindered`: how many sessions forbid it, by why; `named`: the first of each."""

    sessions: int = 0
    of_money: int = 0
    hindered: Counter[Hindrance] = field(default_factory=Counter)
    named: defaultdict[Hindrance, list[Position]] = field(default_factory=lambda: defaultdict(list))

    def take(self, found: Found, now: datetime) -> None:
        """Count one more."""
        self.sessions += 1
        self.of_money += found.session is not None and is_of_money(found.session)
        why = _hindrance(found.session, now)
        if why is None:
            return
        self.hindered[why] += 1
        if len(self.named[why]) < MOST_NAMED:
            self.named[why].append(found.position)


@dataclass(frozen=True, slots=True)
class Erased:
    """What one run erased. `kept`: sessions with money, of which only that is left."""

    clients: int = 0
    accounts: int = 0
    removed: int = 0
    kept: int = 0
    entries: int = 0


def survey(ctx: Context, team_id: str) -> Survey:
    """Look at every session, and change nothing. Raises StoreUnavailableError."""
    seen, now = Survey(), ctx.clock()
    for found in every_session(ctx, team_id):
        seen.take(found, now)
    return seen


def _hindrance(session: Session | None, now: datetime) -> Hindrance | None:
    if session is None:
        return Hindrance.UNREADABLE
    try:
        check_writable(session)
    except NewerSchemaError:
        return Hindrance.NEWER
    return hindrance(session, now)


def cancel_to_come(ctx: Context, team_id: str) -> int:
    """Cancel every session that has not started; how many. What was paid goes back: begun at once, then the sweep's.

    Raises ContendedError, StoreUnavailableError; what was cancelled stays so.
    """
    canceled = 0
    for found in every_session(ctx, team_id):
        if _hindrance(found.session, ctx.clock()) is Hindrance.TO_COME:
            with suppress(StartedError, NotFoundError):
                cancel_session(ctx.within(REQUEST_SECONDS), team_id, found.position.session_id)
                canceled += 1
    return canceled


def close_team(ctx: Context, team_id: str) -> timedelta:
    """Suspend the team and disable its API clients; how long until no running function takes anything from them.

    Raises NotFoundError, TeamDeletedError, ConflictError, ContendedError, StoreUnavailableError.
    """
    suspend_team(ctx.within(REQUEST_SECONDS), team_id, BEING_DELETED)
    disabled = [disable_client(ctx, client.client_id).disabled_at for client in clients_of(ctx, team_id)]
    forgotten_at = max((at + FORGOTTEN_AFTER for at in disabled if at), default=ctx.clock())
    return max(forgotten_at - ctx.clock(), timedelta(0))


# --- erasing --------------------------------------------------------------------------------------------------------


def erase_team(ctx: Context, team_id: str) -> Erased:
    """Make a tombstone of the team and erase the rest; of a deleted one, whatever is still there.

    Raises NotFoundError, ConflictError, ContendedError, StoreError; again goes on.
    """
    team = ctx.teams.newest(team_id)
    if team.deleted_at is None:
        # Before the tombstone, which knows no subdomain any more: it may be made of the clinic's name.
        release_subdomain(ctx, team.subdomain, team_id)
        team = change_team(ctx.within(REQUEST_SECONDS), team_id, lambda newest: tombstone(newest, ctx.clock()))
    done = Erased(_without_clients(ctx, team_id), _released(ctx, team))
    for found in every_session(ctx, team_id):
        if found.session is not None:
            done = _erased(ctx, found.session, done)
    return done


def _without_clients(ctx: Context, team_id: str) -> int:
    clients = clients_of(ctx, team_id)
    for client in clients:
        ctx.api_clients.remove(client)
    return len(clients)


def _released(ctx: Context, team: Team) -> int:
    """Other clinics may connect its accounts from now on."""
    connected = filter(None, (account.stripe_account_id for account in team.accounts))
    return sum(release(ctx, account_id, team.team_id, ctx.clock()) for account_id in connected)


def _erased(ctx: Context, session: Session, done: Erased) -> Erased:
    """One session; its entries first, since without it nobody would find them."""
    entries = ctx.entries.of(session.team_id, session.session_id)
    for entry in entries:
        ctx.entries.remove(entry)
    kept = _without_texts(ctx, session)
    more = {"kept": done.kept + 1} if kept else {"removed": done.removed + 1}
    return replace(done, entries=done.entries + len(entries), **more)


def _without_texts(ctx: Context, loaded: Session) -> bool:
    """Whether something of the session is kept. The sweep or a webhook may write it meanwhile: then decide again."""
    session = loaded
    for _ in range(TRIES):
        with suppress(ConflictError):
            if not is_of_money(session):
                ctx.sessions.remove(session)
                return False
            # Not by `change`: it would tell the audit of these decisions once more, as new ones without a reason.
            emptied = erased(session, ctx.clock())
            if emptied != session:
                ctx.sessions.save(emptied)
            return True
        session = ctx.sessions.get(loaded.team_id, loaded.session_id)
    message = f"session {loaded.session_id} is being written by too many at once"
    raise ContendedError(message)
