"""What the command line shows of teams and their API clients: lines of text, made of what was loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from chalicelib.domain.absences import unseen_since
from chalicelib.domain.api_clients import ApiClient
from chalicelib.domain.offer_terms import never_used
from chalicelib.domain.teams import ChargeBar, PayeeAccount, RefusedMethod, Team
from ops.writing import columns, moment, plain

_BARS = {
    ChargeBar.SUSPENDED: "it is suspended",
    ChargeBar.NO_ACCOUNT: "it has no Stripe account",
    ChargeBar.DISCONNECTED: "its default account is not connected any more",
    ChargeBar.RESTRICTED: "Stripe restricts its default account",
}


def team_lines(team: Team, clients: Iterable[ApiClient]) -> Iterator[str]:
    """All that may be shown of a team; the room's key may not."""
    yield from columns(
        [*_standing(team), *_terms(team), *_accounts(team), *_edges(team), *_clients(clients)], indent=""
    )


def _standing(team: Team) -> Iterator[tuple[str, str]]:
    yield "team", team.team_id
    yield "name", name_of(team)
    yield "subdomain", team.subdomain or "none"
    yield "since", moment(team.created_at)
    yield "state", f"deleted since {moment(team.deleted_at)}" if team.deleted_at else state_of(team)
    yield "plan", f"{team.plan}{' with the scheduling add-on' if team.scheduling_add_on else ''}"
    yield "schedules", "yes" if team.may_schedule and not team.suspended else "no"
    yield "can charge", "yes" if team.can_charge() else f"no: {charge_bar_of(team)}"


def _terms(team: Team) -> Iterator[tuple[str, str]]:
    fee = "the plan's rate" if team.fee_basis_points is None else f"{team.fee_basis_points} basis points, as agreed"
    yield "platform fee", fee
    yield "currency", team.default_currency
    yield "also takes", ", ".join(sorted(team.currencies - {team.default_currency})) or "no other"


def _accounts(team: Team) -> Iterator[tuple[str, str]]:
    yield from (("account", _account(one)) for one in team.accounts)
    if not team.accounts:
        yield "account", "none"


def _account(account: PayeeAccount) -> str:
    told = [account.stripe_account_id or "our own account"]
    told += ["the default"] if account.is_default else []
    told += ["made by the platform"] if account.is_controlled else []
    told += [f"connected since {moment(account.connected_at)}"] if account.connected_at else []
    told += [f"disconnected since {moment(account.disconnected_at)}"] if account.disconnected_at else []
    told += [f"in {account.country}"] if account.country else []
    told += [f"paid in {account.default_currency}"] if account.default_currency else []
    told += [] if account.details_submitted else ["its owner has not filled in what Stripe asks for"]
    told += (
        [] if account.charges_enabled else [f"cannot charge ({account.disabled_reason or 'Stripe gives no reason'})"]
    )
    told += [_left_out(one) for one in account.refused_methods]
    told += _without_platform_fee(account)
    told += _unseen(account)
    return ", ".join(told)


def _left_out(refused: RefusedMethod) -> str:
    """Whoever can mend it: the clinic activates it, or the operator removes it."""
    since = moment(refused.refused_at)
    return f"refused {refused.method} at {since} (cards alone are offered: activate it in Stripe, or remove it)"


def _without_platform_fee(account: PayeeAccount) -> list[str]:
    if account.is_abroad_for_fees:
        return [f"pays no platform fee (Stripe takes none across the border to {account.platform_country})"]
    if account.fee_refused:
        return ["pays no platform fee (Stripe refuses it on this account; it is tried again once the rate is set anew)"]
    return []


def _unseen(account: PayeeAccount) -> list[str]:
    since = unseen_since(account)
    return [f"not all known since {moment(since)}, when it was away (the coming night looks it up)"] if since else []


def _edges(team: Team) -> Iterator[tuple[str, str]]:
    yield "hosts enter", _lead(team.host_lead)
    yield "guests enter", _lead(team.guest_lead)
    yield "delayed methods", _methods(team)
    yield "pages of", ", ".join(team.allowed_origins) or "no origin may call the API"
    yield "framed by", ", ".join(team.frame_ancestors) or "no site may show links in a frame"
    yield "rooms", f"its own ({team.room.kind})" if team.room else "the deployment's"


def _methods(team: Team) -> str:
    never = never_used(team)
    told = [f"{one} (never used: {never[one]})" if one in never else one for one in team.delayed_methods]
    return ", ".join(told) or "none"


def _lead(lead: timedelta) -> str:
    return f"{lead // timedelta(minutes=1)} min before the start" if lead else "at the start"


def _clients(clients: Iterable[ApiClient]) -> Iterator[tuple[str, str]]:
    rows = [("client", "  ".join(row)) for row in client_rows(clients)]
    yield from rows or [("client", "none")]


def client_rows(clients: Iterable[ApiClient]) -> Iterator[tuple[str, ...]]:
    """Of each: its id, since when, whether it is enabled, how many secrets it has, its name."""
    for one in clients:
        state = f"disabled since {moment(one.disabled_at)}" if one.disabled_at else "enabled"
        secrets = f"{len(one.secret_hashes)} secret{'' if len(one.secret_hashes) == 1 else 's'}"
        yield one.client_id, moment(one.created_at), state, secrets, plain(one.name or "-")


def team_row(team: Team) -> tuple[str, ...]:
    """A team in a list."""
    charges = "can charge" if team.can_charge() else f"cannot charge: {charge_bar_of(team)}"
    accounts = sum(account.is_connected for account in team.accounts)
    counted = f"{accounts} account{'' if accounts == 1 else 's'}"
    return team.team_id, moment(team.created_at), team.plan, state_of(team), charges, counted, name_of(team)


def state_of(team: Team) -> str:
    if team.deleted_at is not None:
        return "deleted"
    return "suspended" if team.suspended else "active"


def charge_bar_of(team: Team) -> str | None:
    """Why no fee can be paid to its default account, in words; None where one can."""
    bar, account = team.charge_bar(), team.payee(None)
    if team.deleted_at is not None:
        return "it is deleted"
    if bar is ChargeBar.RESTRICTED and account and account.disabled_reason:
        return f"{_BARS[bar]} ({plain(account.disabled_reason)})"
    return _BARS[bar] if bar else None


def name_of(team: Team) -> str:
    return plain(team.name) or "-"
