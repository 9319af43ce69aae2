"""What a change of a team means for its money and access, as the audit keeps it. Decides nothing.

It follows from the team before and after the change, so no flow can forget it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from chalicelib.domain.books import AuditEntry, AuditRow
from chalicelib.domain.teams import PayeeAccount, Team

OWN_ACCOUNT = "own"
"""How the deployment's own Stripe account is called where a text must stand."""


def team_audit(
    before: Team, after: Team, *, by: str, at: datetime, audit_id: str, why: str | None = None
) -> AuditRow | None:
    """What this change decided; `by` made it, at that time. None where it is nobody's money or access.

    `why`, in their words: of a suspension and its end.
    """
    entries = (*_of_standing(before, after, by, why), *_of_accounts(before, after, by))
    return AuditRow(after.team_id, None, at, audit_id, entries) if entries else None


def created_audit(team: Team, *, by: str, at: datetime, audit_id: str) -> AuditRow:
    """That the team was made, and with what."""
    rate = "" if team.fee_basis_points is None else f", {_rate(team)}"
    return AuditRow(team.team_id, None, at, audit_id, (AuditEntry("created", by, why=f"{_plan(team)}{rate}"),))


def _of_standing(before: Team, after: Team, by: str, reason: str | None) -> Iterator[AuditEntry]:
    if _plan(before) != _plan(after):
        yield AuditEntry("plan_changed", by, why=f"from {_plan(before)} to {_plan(after)}")
    if before.fee_basis_points != after.fee_basis_points:
        why = f"from {_rate(before)} to {_rate(after)}"
        yield AuditEntry("platform_fee_changed", by, why=why)
    if before.suspended != after.suspended:
        yield AuditEntry("suspended" if after.suspended else "resumed", by, why=reason)
    if before.currencies != after.currencies:
        yield AuditEntry("currencies_changed", by, why=f"to {', '.join(sorted(after.currencies))}")
    if after.deleted_at and not before.deleted_at:
        yield AuditEntry("deleted", by, why="only the books are kept")


def _plan(team: Team) -> str:
    return f"{team.plan}{' with the scheduling add-on' if team.scheduling_add_on else ''}"


def _rate(team: Team) -> str:
    return "the plan's rate" if team.fee_basis_points is None else f"{team.fee_basis_points} basis points"


def _of_accounts(before: Team, after: Team, by: str) -> Iterator[AuditEntry]:
    for account in after.accounts:
        former = before.account(account.stripe_account_id)
        about = account.stripe_account_id or OWN_ACCOUNT
        for what in _of_account(former, account):
            why = account.disabled_reason if what == "charges_disabled" else None
            yield AuditEntry(what, by, about=about, why=why)
    for former in before.accounts:
        if after.account(former.stripe_account_id) is None:
            yield AuditEntry("account_dropped", by, about=former.stripe_account_id or OWN_ACCOUNT)


def _of_account(former: PayeeAccount | None, account: PayeeAccount) -> Iterator[str]:
    was_connected = former is not None and former.is_connected
    if account.is_connected and not was_connected:
        yield "account_connected"
    if was_connected and not account.is_connected:
        yield "account_disconnected"
    if account.charges_enabled != (former.charges_enabled if former else True):
        yield "charges_enabled" if account.charges_enabled else "charges_disabled"
    if account.is_default and not (former and former.is_default):
        yield "account_made_default"
