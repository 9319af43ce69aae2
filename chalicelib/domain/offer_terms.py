"""What an offer to pay would be made with just now, as far as Stripe may refuse it for that.

Whether an offer is made is `admission.py`'s to say, and what is sent `offers.py`'s; both ask here.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain import payment_methods
from chalicelib.domain.debits import has_time
from chalicelib.domain.facts import Attempt, OfferedTerms
from chalicelib.domain.sessions import Fee, Participant, Session
from chalicelib.domain.teams import Team


def terms_now(session: Session, participant: Participant, team: Team, now: datetime) -> OfferedTerms | None:
    """The terms of an offer that were made now; None without a fee."""
    fee = participant.fee
    if fee is None:
        return None
    on = team.charged_on(fee.payee)
    return _terms(team, on, fee.amount, fee.currency, methods(session, fee, team, now))


def terms_of(attempt: Attempt, team: Team) -> OfferedTerms:
    """The terms that an offer was made with; `team` as it was known then."""
    asked = attempt.order.payment_method_types if attempt.order else ()
    return _terms(team, attempt.stripe_account_id, attempt.amount, attempt.currency, asked)


def _terms(team: Team, on: str | None, amount: int, currency: str, asked: tuple[str, ...]) -> OfferedTerms:
    account = team.account(on)
    return OfferedTerms(
        stripe_account_id=on,
        account_since=account.since if account else None,
        amount=amount,
        currency=currency,
        methods=asked,
        plan=team.plan.value,
        fee_basis_points=team.fee_basis_points,
    )


def methods(session: Session, fee: Fee, team: Team, now: datetime) -> tuple[str, ...]:
    """Cards (wallets come with them); delayed methods only where they fit, and the bank has time before the session."""
    if not has_time(now, session.start_time):
        return ("card",)
    account = team.payee(fee.payee)
    refused = {one.method for one in account.refused_methods} if account else set()
    fitting = payment_methods.that_fit(team.delayed_methods, fee.currency, account.country if account else None)
    return ("card", *(one for one in fitting if one not in refused))


def never_used(team: Team) -> dict[str, str]:
    """The chosen delayed methods that no offer of this team will have, each with why."""
    countries = [one.country for one in team.accounts if one.is_connected]
    found = {one: payment_methods.why_never(one, team.currencies, countries) for one in team.delayed_methods}
    return {method: why for method, why in found.items() if why is not None}
