"""What needs nobody any more once a session is over, gone by itself; and what still does, since money is in it."""

from __future__ import annotations

from datetime import datetime

import pytest

from chalicelib.domain.by_hand import By, UnknownKeyError, settle_by_hand, stuck_keys
from chalicelib.domain.erasure import Hindrance, hindrance
from chalicelib.domain.facts import (
    ActFailed,
    AttemptState,
    AttemptVoid,
    CheckoutSeen,
    PaymentHistory,
    RefundStatus,
    Seen,
)
from chalicelib.domain.troubles import OFFER_KEY
from tests.support.histories import (
    END,
    HOUR,
    MINUTE,
    SECOND,
    charge,
    checkout,
    folded,
    guest_of,
    needs,
    noon,
    paid,
    refund,
    session_of,
    told_keys,
)

EXPIRED = END + 5 * MINUTE
"""When Stripe itself closes the offer: Checkout Sessions live 30 minutes at least, also beyond the end."""

LONG_AFTER = END + 1000 * HOUR


def failing(key: str) -> list[Seen]:
    return [ActFailed(key, noon(plus=time), "Stripe is down.", 0.0) for time in range(3)]


def seen(state: AttemptState) -> CheckoutSeen:
    return checkout(state, expires_at=EXPIRED)


REFUSED = folded(AttemptVoid("attempt-1"), *failing(OFFER_KEY))
OPEN = folded(seen(AttemptState.OPEN))


# --- what Stripe takes no offer for -------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "told"), [(noon(plus=5), True), (END - SECOND, True), (END, False)])
def test_that_nothing_can_be_paid_needs_a_person_until_the_session_is_over(now: datetime, *, told: bool) -> None:
    session = session_of(REFUSED)
    assert told_keys(session, now) == ([OFFER_KEY] if told else [])
    assert stuck_keys(session, guest_of(session), now) == ((OFFER_KEY,) if told else ())


def test_a_session_that_is_moved_ahead_needs_a_person_for_it_again() -> None:
    assert needs(session_of(REFUSED), LONG_AFTER) is None
    moved = session_of(REFUSED, start_time=LONG_AFTER + HOUR, end_time=LONG_AFTER + 2 * HOUR)
    assert needs(moved, LONG_AFTER) == "Stripe is down."


def test_what_needs_nobody_any_more_is_not_settled_and_keeps_no_team_from_being_deleted() -> None:
    session = session_of(REFUSED)
    with pytest.raises(UnknownKeyError):
        settle_by_hand(session, guest_of(session), OFFER_KEY, By("operator:ada", END, "nobody came"))
    assert hindrance(session, END - SECOND) is Hindrance.UNDER_WAY
    assert hindrance(session, END) is None


# --- offers that were made ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "keys"),
    [
        (END, ["expire:attempt-1"]),
        (EXPIRED - SECOND, ["expire:attempt-1"]),
        (EXPIRED, []),
        (END + HOUR - SECOND, []),
        (END + HOUR, ["look:attempt-1"]),
        (LONG_AFTER, ["look:attempt-1"]),
    ],
)
def test_closing_an_offer_needs_nobody_once_stripe_has_closed_it_and_asking_about_it_still_does(
    now: datetime, keys: list[str]
) -> None:
    assert told_keys(session_of(folded(*failing("expire:attempt-1"), history=OPEN)), now) == keys


@pytest.mark.parametrize("state", [AttemptState.PLANNED, AttemptState.OPEN, AttemptState.PROCESSING])
def test_an_offer_that_may_have_been_paid_needs_a_person_until_stripe_says_what_became_of_it(
    state: AttemptState,
) -> None:
    history = folded() if state is AttemptState.PLANNED else folded(seen(state))
    told = session_of(folded(*failing("look:attempt-1"), history=history))
    assert told_keys(told, LONG_AFTER) == ["look:attempt-1"]
    over = folded(AttemptVoid("attempt-1") if state is AttemptState.PLANNED else seen(AttemptState.FAILED))
    assert told_keys(session_of(folded(*failing("look:attempt-1"), history=over)), LONG_AFTER) == []


def test_an_offer_on_an_account_that_is_gone_needs_a_person_however_long_ago() -> None:
    lost = ActFailed("look:attempt-1", noon(plus=1), "The account is gone.", 0.0, out_of_reach=True)
    assert told_keys(session_of(folded(lost, history=OPEN)), LONG_AFTER) == ["look:attempt-1"]


# --- money that came ----------------------------------------------------------------------------------------------

FAILED = RefundStatus.FAILED
OF_MONEY: dict[str, tuple[PaymentHistory, str]] = {
    "money of another amount": (folded(checkout(amount=1), charge(amount=1)), "payment:pi_1"),
    "a refund that failed": (folded(*paid(), refund(status=FAILED)), "refund:re_1"),
    "a charge that is not known": (folded(checkout(), *failing("charge:pi_1")), "charge:pi_1"),
    "a payment after the end that is not back": (
        folded(*paid(at=END), *failing("refund:auto-ch_1")),
        "refund:auto-ch_1",
    ),
}


@pytest.mark.parametrize(("history", "key"), list(OF_MONEY.values()), ids=list(OF_MONEY))
def test_money_that_came_needs_a_person_however_long_ago_the_session_was(history: PaymentHistory, key: str) -> None:
    assert told_keys(session_of(history), LONG_AFTER) == [key]
