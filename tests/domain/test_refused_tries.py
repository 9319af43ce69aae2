"""After what Stripe answered: which idempotency key the next try carries, and when a person is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.concerns import Concern, concerns, why_of
from chalicelib.domain.facts import NOTHING_YET, ActFailed, AttemptVoid, PaymentHistory, Trouble
from chalicelib.domain.refusals import Refusal
from chalicelib.domain.troubles import OFFER_KEY, key_round, tried_anew, trouble_with
from tests.support.histories import CANCELED, NOON, folded, guest_of, needs, noon, paid, session_of

KEY = "refund:auto-ch_1"
EMPTY = Refusal("insufficient_balance_for_refund")
BALANCE = (
    "The balance of the clinic's Stripe account does not cover it: the clinic adds funds to its balance in Stripe, or "
    "waits until payments have come in."
)
BROKEN = ActFailed(KEY, noon(plus=61), "Stripe is down.", 0.0)
UNHEARD = replace(BROKEN, repeats=True)
REFUSED = replace(BROKEN, reason="A refund was refused by Stripe.", refusal=EMPTY)


def known(history: PaymentHistory) -> Trouble:
    trouble = trouble_with(history, KEY)
    assert trouble is not None
    return trouble


def rounds(*failures: ActFailed, history: PaymentHistory = NOTHING_YET) -> list[int]:
    """The key that each next try carries, the first one's before them."""
    found = [key_round(trouble_with(history, KEY))]
    for one in failures:
        history = folded(one, history=history)
        found.append(key_round(known(history)))
    return found


def test_what_never_failed_carries_its_first_key() -> None:
    assert key_round(None) == 0


def test_a_definite_refusal_takes_the_next_key_at_once() -> None:
    assert rounds(REFUSED, REFUSED, REFUSED) == [0, 1, 2, 3]


def test_an_answer_that_stays_5xx_keeps_its_key_for_three_tries() -> None:
    assert rounds(*[BROKEN] * 7) == [0, 0, 0, 1, 1, 1, 2, 2]


def test_what_may_have_happened_is_asked_again_under_the_same_key_however_often() -> None:
    assert rounds(*[UNHEARD] * 7) == [0] * 8


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        ((BROKEN, REFUSED, BROKEN, BROKEN, BROKEN), [0, 0, 1, 1, 1, 2]),
        ((BROKEN, BROKEN, REFUSED, UNHEARD, BROKEN), [0, 0, 0, 1, 1, 1]),
        ((BROKEN, BROKEN, BROKEN, REFUSED), [0, 0, 0, 1, 2]),
        ((UNHEARD, BROKEN, UNHEARD, BROKEN, BROKEN), [0, 0, 0, 0, 0, 1]),
    ],
)
def test_a_key_never_goes_back(failures: tuple[ActFailed, ...], expected: list[int]) -> None:
    assert rounds(*failures) == expected


@pytest.mark.parametrize(
    ("failures", "now", "then"), [(1, 0, 0), (2, 0, 1), (3, 1, 1), (5, 1, 2), (6, 2, 2), (7, 2, 2)]
)
def test_an_item_of_before_goes_on_with_the_keys_that_it_has(failures: int, now: int, then: int) -> None:
    before = Trouble(KEY, failures, NOON, noon(plus=5), "A refund did not succeed.")
    assert (before.spent, before.refusal) == (None, None)
    history = replace(NOTHING_YET, troubles=(before,))
    assert rounds(BROKEN, history=history) == [now, then]
    assert rounds(UNHEARD, history=history) == [now, now]
    assert rounds(REFUSED, history=history) == [now, now + 1]


@pytest.mark.parametrize(
    ("failures", "expected"),
    [([UNHEARD], 0), ([BROKEN], 0), ([BROKEN] * 2, 0), ([BROKEN] * 3, 1), ([BROKEN] * 4, 1), ([REFUSED], 1)],
)
def test_a_person_keeps_the_key_of_a_try_that_may_be_on_its_way_but_no_refused_one(
    failures: list[ActFailed], expected: int
) -> None:
    trouble = known(tried_anew(folded(*failures), KEY, noon(plus=70)))
    assert (key_round(trouble), trouble.retry_at, trouble.first_failed_at) == (expected, noon(plus=70), noon(plus=70))


def test_trying_one_anew_leaves_the_others_as_they_are() -> None:
    history = folded(BROKEN, replace(BROKEN, key="look:x"))
    anew = tried_anew(history, "look:x", noon(plus=70))
    assert trouble_with(anew, KEY) == trouble_with(history, KEY)


# --- who is told what ---------------------------------------------------------------------------------------------


def test_what_stripe_refused_is_told_at_the_first_failure() -> None:
    session = session_of(folded(*paid(), REFUSED), **CANCELED)
    told = f"80.00 AUD is still to go back. A refund was refused by Stripe. {BALANCE} It is tried again."
    assert concerns(session, guest_of(session), noon(plus=62)) == [Concern(KEY, told)]


@pytest.mark.parametrize("failure", [BROKEN, UNHEARD])
def test_what_time_may_mend_is_told_at_the_third(failure: ActFailed) -> None:
    assert needs(session_of(folded(*paid(), failure, failure), **CANCELED), noon(plus=62)) is None
    assert needs(session_of(folded(*paid(), failure, failure, failure), **CANCELED), noon(plus=62)) is not None


def test_a_refusal_is_remembered_until_the_act_succeeds_or_is_refused_otherwise() -> None:
    assert known(folded(REFUSED, UNHEARD)).refusal == EMPTY
    other = Refusal("charge_disputed")
    assert known(folded(REFUSED, replace(REFUSED, refusal=other))).refusal == other
    assert known(folded(BROKEN)).refusal is None


@pytest.mark.parametrize("failure", [BROKEN, UNHEARD])
def test_a_failure_that_says_nothing_leaves_what_the_refusal_said(failure: ActFailed) -> None:
    assert why_of(known(folded(REFUSED, failure))) == f"A refund was refused by Stripe. {BALANCE}"


def test_what_failed_last_is_said_where_nothing_was_refused_and_what_was_refused_last_where_something_was() -> None:
    later = replace(BROKEN, reason="Stripe is slow.")
    assert known(folded(BROKEN, later)).reason == "Stripe is slow."
    assert known(folded(REFUSED, replace(REFUSED, reason="It was refused anew."))).reason == "It was refused anew."


def test_an_account_that_is_gone_is_said_before_what_was_refused_once() -> None:
    gone = replace(BROKEN, reason="The account is gone.", out_of_reach=True)
    assert why_of(known(folded(REFUSED, gone))) == "The account is gone."
    assert why_of(known(folded(BROKEN))) == "Stripe is down."


def test_a_refused_offer_says_who_must_do_what() -> None:
    refused = ActFailed(
        OFFER_KEY, NOON, "Stripe refuses to take this payment.", 0.0, refusal=Refusal("amount_too_small")
    )
    assert needs(session_of(folded(AttemptVoid("attempt-1"), refused))) == (
        "Stripe refuses to take this payment. Stripe does not take this amount: the clinic changes the fee; of a "
        "refund, it looks in Stripe at what is left of the payment."
    )
