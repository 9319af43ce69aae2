"""The terms of an offer: a refusal by Stripe is held against them, and not against the client."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.admission import Door, admit
from chalicelib.domain.facts import ActFailed, AttemptVoid, CheckoutOrder, OfferedTerms, PaymentHistory
from chalicelib.domain.offer_terms import methods, never_used, terms_now, terms_of
from chalicelib.domain.sessions import Participant, Session
from chalicelib.domain.teams import PayeeAccount, Plan, RefusedMethod, Team
from chalicelib.domain.troubles import OFFER_KEY, with_failure
from tests.support.histories import FEE, HOUR, NOON, attempt, folded, noon, session_of

ACCOUNT = PayeeAccount("acct_1", country="AU", connected_at=NOON)
TEAM = Team("team-1", "Riverside Clinic", NOON, accounts=(ACCOUNT,), delayed_methods=("au_becs_debit", "sepa_debit"))
AHEAD = NOON + timedelta(days=14)
TERMS = OfferedTerms(
    stripe_account_id="acct_1",
    account_since=NOON,
    amount=8000,
    currency="aud",
    methods=("card", "au_becs_debit"),
    plan="standard",
    fee_basis_points=None,
)


def ahead(history: PaymentHistory | None = None, **changes: Any) -> Session:
    """Two weeks ahead, so that there is time for the bank."""
    return session_of(history or PaymentHistory(), **{"start_time": AHEAD, "end_time": AHEAD + HOUR, **changes})


def guest(session: Session) -> Participant:
    participant = session.participant(2)
    assert participant is not None
    return participant


def test_an_offer_is_made_with_what_the_session_the_fee_and_the_team_say() -> None:
    assert terms_now(ahead(), guest(ahead()), TEAM, NOON) == TERMS
    free = ahead(fee=None)
    assert terms_now(free, guest(free), TEAM, NOON) is None


def test_an_attempt_tells_the_terms_that_it_was_made_with() -> None:
    order = CheckoutOrder("Appointment", "https://a.example", "https://a.example", ("card", "au_becs_debit"), ())
    assert terms_of(replace(attempt(stripe_account_id="acct_1"), order=order), TEAM) == TERMS
    assert terms_of(attempt(stripe_account_id="acct_1", order=None), TEAM) == replace(TERMS, methods=())
    elsewhere = replace(TERMS, stripe_account_id="acct_2", account_since=None)
    assert terms_of(replace(attempt(stripe_account_id="acct_2"), order=order), TEAM) == elsewhere


@pytest.mark.parametrize(
    ("account", "asked"),
    [
        (ACCOUNT, ("card", "au_becs_debit")),
        (replace(ACCOUNT, country=None), ("card", "au_becs_debit")),
        (replace(ACCOUNT, country="NZ"), ("card",)),
        (replace(ACCOUNT, refused_methods=(RefusedMethod("au_becs_debit", NOON),)), ("card",)),
        (replace(ACCOUNT, refused_methods=(RefusedMethod("sepa_debit", NOON),)), ("card", "au_becs_debit")),
    ],
)
def test_a_delayed_method_is_asked_for_where_it_fits_and_was_not_refused(
    account: PayeeAccount, asked: tuple[str, ...]
) -> None:
    assert methods(ahead(), FEE, replace(TEAM, accounts=(account,)), NOON) == asked


def test_what_was_refused_on_one_account_is_asked_for_on_another() -> None:
    other = PayeeAccount(
        "acct_2", is_default=False, country="AU", refused_methods=(RefusedMethod("au_becs_debit", NOON),)
    )
    team = replace(TEAM, accounts=(ACCOUNT, other))
    assert methods(ahead(), FEE, team, NOON) == ("card", "au_becs_debit")
    assert methods(ahead(), replace(FEE, payee="acct_2"), team, NOON) == ("card",)
    assert methods(ahead(), replace(FEE, payee="acct_9"), team, NOON) == ("card", "au_becs_debit")


def test_what_a_team_will_never_use_follows_from_its_currencies_and_connected_accounts() -> None:
    assert never_used(TEAM) == {"sepa_debit": "it takes eur only"}
    assert never_used(replace(TEAM, more_currencies=("eur",))) == {}
    abroad = replace(ACCOUNT, country="NZ")
    never = {"au_becs_debit": "it is for accounts in AU only", "sepa_debit": "it takes eur only"}
    assert never_used(replace(TEAM, accounts=(abroad, replace(ACCOUNT, disconnected_at=NOON)))) == never
    assert never_used(replace(TEAM, accounts=(abroad, ACCOUNT))) == {"sepa_debit": "it takes eur only"}


# --- a refusal ------------------------------------------------------------------------------------------------------


def failed(minute: int = 1, terms: OfferedTerms | None = TERMS) -> ActFailed:
    return ActFailed(OFFER_KEY, noon(plus=minute), "Stripe refuses to take this payment.", 0.0, terms=terms)


REFUSED = folded(AttemptVoid("attempt-1"), failed())
MENDED = {
    "nothing": (ahead(REFUSED), TEAM, Door.OFFER_REFUSED),
    "another amount": (ahead(REFUSED, fee=replace(FEE, amount=9000)), TEAM, Door.PAY),
    "another currency": (ahead(REFUSED, fee=replace(FEE, currency="usd")), TEAM, Door.PAY),
    "another account": (
        ahead(REFUSED, fee=replace(FEE, payee="acct_2")),
        replace(TEAM, accounts=(ACCOUNT, PayeeAccount("acct_2", is_default=False))),
        Door.PAY,
    ),
    "the method removed": (ahead(REFUSED), replace(TEAM, delayed_methods=()), Door.PAY),
    "a method that is not asked for removed": (
        ahead(REFUSED),
        replace(TEAM, delayed_methods=("au_becs_debit",)),
        Door.OFFER_REFUSED,
    ),
    "the account activated": (
        ahead(REFUSED),
        replace(TEAM, accounts=(replace(ACCOUNT, changed_at=NOON + HOUR),)),
        Door.PAY,
    ),
    "the account connected anew": (
        ahead(REFUSED),
        replace(TEAM, accounts=(replace(ACCOUNT, connected_at=NOON + HOUR),)),
        Door.PAY,
    ),
    "another rate of the platform": (ahead(REFUSED), replace(TEAM, fee_basis_points=0), Door.PAY),
    "another plan": (ahead(REFUSED), replace(TEAM, plan=Plan.PREMIUM), Door.PAY),
    "another name": (ahead(REFUSED), replace(TEAM, name="Bay Road Clinic"), Door.OFFER_REFUSED),
}


@pytest.mark.parametrize(("session", "team", "behind"), MENDED.values(), ids=MENDED)
def test_once_the_cause_is_mended_the_client_may_pay_at_once(session: Session, team: Team, behind: Door) -> None:
    assert admit(session, guest(session), team, noon(plus=1)).door is behind


def test_the_same_terms_are_asked_for_again_when_their_wait_is_over() -> None:
    session = ahead(REFUSED)
    doors = [admit(session, guest(session), TEAM, noon(plus=minute)).door for minute in (1, 2)]
    assert doors == [Door.OFFER_REFUSED, Door.PAY]


def test_each_refusal_of_the_same_terms_makes_the_wait_longer_and_other_terms_begin_anew() -> None:
    history = with_failure(REFUSED, failed(2))
    (trouble,) = history.troubles
    assert (trouble.failures, trouble.first_failed_at, trouble.retry_at) == (2, noon(plus=1), noon(plus=4))
    (trouble,) = with_failure(history, failed(4, replace(TERMS, amount=9000))).troubles
    assert (trouble.failures, trouble.first_failed_at, trouble.retry_at) == (1, noon(plus=4), noon(plus=5))
    assert trouble.terms == replace(TERMS, amount=9000)


def test_a_refusal_kept_before_terms_were_bars_every_offer_until_its_time() -> None:
    session = ahead(folded(AttemptVoid("attempt-1"), failed(terms=None)), fee=replace(FEE, amount=9000))
    account = replace(TEAM, accounts=(PayeeAccount(None),))
    doors = [admit(session, guest(session), account, noon(plus=minute)).door for minute in (1, 2)]
    assert doors == [Door.OFFER_REFUSED, Door.PAY]
