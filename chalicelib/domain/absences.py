"""Accounts that were away: until when all that happened on them is known here, and what of the rest can be seen.

Of an account that is not connected Stripe tells nothing, and what it did not tell it does not tell later
(https://docs.stripe.com/connect/oauth-standard-accounts#revoked-access). So each account keeps until when it was held
against Stripe's own lists without a gap (`reconciled_until`). What came after is looked up night by night; if it came
before the account was connected as it is now, people are told so until it is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.facts import PaymentHistory
from chalicelib.domain.teams import PayeeAccount, Team

EVENTS_KEPT_FOR = timedelta(days=30)
"""What changed before that is in no list of events any more: https://docs.stripe.com/api/events."""

RETURNS_LAST = timedelta(days=180)
"""A refund that fails does so within some 30 days (https://docs.stripe.com/refunds#failed-refunds); a bank decides a
dispute within months (https://docs.stripe.com/disputes/how-disputes-work). Older ones are not looked through.
"""


def known_until(known: PayeeAccount | None, now: datetime) -> datetime:
    """Until when all is known of an account that is connected now: of a new one nothing can have happened.

    The goodbye of one that is connected again may never have come: then it may have been away ever since.
    """
    if known is None:
        return now
    return known.reconciled_until or known.disconnected_at or known.connected_at or now


def compared(team: Team, stripe_account_id: str | None, start: datetime, end: datetime) -> Team:
    """The team, of which all that Stripe lists on this account of [start, end) is known now.

    As it was, where a gap before `start` is left.
    """
    return replace(
        team,
        accounts=tuple(
            _compared(one, start, end) if one.stripe_account_id == stripe_account_id else one for one in team.accounts
        ),
    )


def _compared(account: PayeeAccount, start: datetime, end: datetime) -> PayeeAccount:
    until = account.reconciled_until or start
    return account if until < start else replace(account, reconciled_until=max(until, end))


def unseen_since(account: PayeeAccount) -> datetime | None:
    """Since when it may have been away without its being known here what happened meanwhile; None: all is known."""
    absence = _absence(account)
    return absence[0] if absence else None


def _absence(account: PayeeAccount) -> tuple[datetime, datetime] | None:
    """Until when all is known, and since when it is connected again."""
    until, since = account.reconciled_until, account.connected_at
    if not account.is_connected or until is None or since is None or until >= since:
        return None
    return until, since


def is_beyond_events(since: datetime, now: datetime) -> bool:
    """Whether Stripe's list of events does not reach back so far."""
    return since < now - EVENTS_KEPT_FOR


def unseen_on(account: PayeeAccount) -> str | None:
    """What people are told of an account that was away until all is known again."""
    absence = _absence(account)
    if absence is None:
        return None
    since, back_at = absence
    told = (
        f"Not all that happened on Stripe account {account.stripe_account_id} since {since:%Y-%m-%d %H:%M} UTC is "
        "known yet, since it may not have been connected; the coming night looks it up."
    )
    return f"{told} {_BEYOND}" if is_beyond_events(since, back_at + _UNTIL_NIGHT) else told


_UNTIL_NIGHT = timedelta(days=1)
_BEYOND = (
    f"Stripe lists no event that is older than {EVENTS_KEPT_FOR.days} days, so a refund or dispute that began "
    f"{RETURNS_LAST.days} days before and ended then may stay unknown: look for such in Stripe."
)


def unseen_of(team: Team, history: PaymentHistory) -> Iterator[str]:
    """The same of the accounts that somebody was offered to pay on."""
    theirs = {attempt.stripe_account_id for attempt in history.attempts}
    told = (unseen_on(account) for account in team.accounts if account.stripe_account_id in theirs)
    return (sentence for sentence in told if sentence is not None)
