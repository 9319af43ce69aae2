"""What the start page shows of the present state: rows with times and amounts as people read them. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.accounts import unfinished
from chalicelib.domain.teams import ChargeBar, Plan, Team
from sandbox.accounts import AccountAtStripe, accounts_of
from sandbox.clinics import ClinicSeen
from sandbox.stripe_standin.currencies import format_amount

NEWEST = 25
BARS = {
    ChargeBar.NO_ACCOUNT: "no Stripe account",
    ChargeBar.DISCONNECTED: "disconnected",
    ChargeBar.RESTRICTED: "restricted by Stripe",
    ChargeBar.SUSPENDED: "suspended",
}
Row = dict[str, Any]


# --- clinics and their accounts -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ClinicShown:
    """`needs_account`: nothing can be paid before one is connected, or one that was begun is finished (`is_begun`).

    `is_ours`, `link`: as in `ClinicSeen`.
    """

    team_id: str
    name: str
    plan: str
    standing: str
    needs_account: bool
    is_begun: bool
    is_ours: bool
    link: str | None


def clinic(seen: ClinicSeen) -> ClinicShown:
    team, bar, is_begun = seen.team, seen.team.charge_bar(), unfinished(seen.team) is not None
    standing = BARS[bar] if bar else "takes payments"
    return ClinicShown(
        team_id=team.team_id,
        name=team.name,
        plan=f"{team.plan} with scheduling" if team.plan is Plan.ESSENTIALS and team.scheduling_add_on else team.plan,
        standing="new account unfinished" if is_begun and bar is ChargeBar.RESTRICTED else standing,
        needs_account=bar in {ChargeBar.NO_ACCOUNT, ChargeBar.DISCONNECTED} or (is_begun and bar is not None),
        is_begun=is_begun,
        is_ours=seen.is_ours,
        link=seen.link,
    )


@dataclass(frozen=True, slots=True)
class AccountShown:
    """An account at the stand-in; `clinics`: whose the product takes it for."""

    account: AccountAtStripe
    access: str
    payments: str
    clinics: str
    country: str
    methods: str


def accounts(stripe: Mapping[str, Any] | None, clinics: Iterable[ClinicSeen]) -> list[AccountShown]:
    """The deployment's own first. None with Stripe itself, which shows them in its dashboard."""
    teams = [one.team for one in clinics]
    return [_account_shown(one, teams) for one in accounts_of(stripe)] if stripe else []


def _account_shown(account: AccountAtStripe, teams: list[Team]) -> AccountShown:
    charges = "enabled" if account.charges_enabled else "restricted"
    return AccountShown(
        account=account,
        access="own" if account.is_own else ("connected" if account.is_connected else "not connected"),
        payments=charges if account.details_submitted else "unfinished",
        country=account.country,
        methods=", ".join(account.methods),
        clinics=", ".join(_holder(team, account) for team in teams if _held(team, account)) or "–",
    )


def _held(team: Team, account: AccountAtStripe) -> bool:
    return team.account(None if account.is_own else account.account_id) is not None


def _holder(team: Team, account: AccountAtStripe) -> str:
    held = team.account(None if account.is_own else account.account_id)
    assert held is not None
    if not held.is_connected:
        return f"{team.name} (until it was disconnected)"
    return f"{team.name} (default)" if held.is_default and len(team.accounts) > 1 else team.name


# --- what Stripe sees -----------------------------------------------------------------------------------------------


def shown(state: Mapping[str, Any], deeds_of: Callable[[str], Sequence[str]]) -> Row:
    """The state as the page shows it: newest first, times and amounts as text. `deeds_of`: what fits a charge."""
    books = (state["stripe"] or {}).get("accounts", [])
    fees = {fee["id"]: fee for one in books for fee in one["application_fees"]}
    return {
        "clock": datetime.fromisoformat(state["clock"]),
        "counters": state["counters"],
        "faults": state["faults"],
        "webhooks": state["webhooks"],
        "checkouts": _newest(books, "checkout_sessions", _checkout),
        "charges": _newest(books, "charges", lambda charge: {**_charge(charge, fees), "deeds": deeds_of(charge["id"])}),
        "disputes": _newest(books, "disputes", _dispute),
        "refunds": _newest(books, "refunds", _refund),
        "deliveries": [_delivery(one) for one in reversed(state["deliveries"][-NEWEST:])],
    }


def _newest(books: list[Mapping[str, Any]], kind: str, row: Callable[[Mapping[str, Any]], Row]) -> list[Row]:
    found = [(one, of["account"]["business_profile"]["name"]) for of in books for one in of[kind]]
    newest = sorted(found, key=lambda pair: int(pair[0]["created"]))[-NEWEST:]
    return [{"account": name or "A new account", **row(one)} for one, name in reversed(newest)]


def _checkout(session: Mapping[str, Any]) -> Row:
    return {
        "id": session["id"],
        "created": _moment(session["created"]),
        "amount": format_amount(session["amount_total"], session["currency"]),
        "status": session["status"],
        "payment": session["payment_status"],
        "expires": _moment(session["expires_at"]),
        "url": session["url"],
    }


def _charge(charge: Mapping[str, Any], fees: Mapping[str, Mapping[str, Any]]) -> Row:
    return {
        "id": charge["id"],
        "created": _moment(charge["created"]),
        "amount": format_amount(charge["amount"], charge["currency"]),
        "status": charge["status"],
        "refunded": format_amount(charge["amount_refunded"], charge["currency"]),
        "fee": _platform_fee(fees.get(charge["application_fee"] or ""), charge["currency"]),
        "receipt": charge["receipt_url"],
    }


def _platform_fee(fee: Mapping[str, Any] | None, currency: str) -> str:
    if fee is None:
        return "–"
    amount = format_amount(fee["amount"], currency)
    returned = format_amount(fee["amount_refunded"], currency)
    return f"{amount}, {returned} given back" if fee["amount_refunded"] else amount


def _refund(refund: Mapping[str, Any]) -> Row:
    return {
        "id": refund["id"],
        "created": _moment(refund["created"]),
        "amount": format_amount(refund["amount"], refund["currency"]),
        "status": refund["status"],
    }


def _dispute(dispute: Mapping[str, Any]) -> Row:
    return {
        "id": dispute["id"],
        "created": _moment(dispute["created"]),
        "amount": format_amount(dispute["amount"], dispute["currency"]),
        "status": dispute["status"],
        "reason": dispute["reason"],
    }


def _delivery(delivery: Mapping[str, Any]) -> Row:
    answers = [str(attempt["status"] or "no answer") for attempt in delivery["attempts"]]
    return {
        "event": delivery["event"],
        "type": delivery["type"],
        "state": delivery["state"],
        "due": datetime.fromisoformat(delivery["due_at"]),
        "answers": ", ".join(answers) or "–",
    }


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
