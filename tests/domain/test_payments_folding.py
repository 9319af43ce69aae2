"""Folding: whatever was seen, in any order and any number of times, the history ends the same (I4, I5)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.facts import (
    ActFailed,
    AttemptLooked,
    AttemptState,
    AttemptVoid,
    CheckoutPaid,
    DisputeStatus,
    Payment,
    RefundReason,
    RefundSeen,
    RefundStatus,
    Seen,
)
from chalicelib.domain.folding import DEAD_ATTEMPTS_KEPT
from chalicelib.domain.obligations import due_at
from chalicelib.domain.payments import PaymentStatus
from tests.support.examples import examples
from tests.support.histories import (
    attempt,
    attempts,
    charge,
    checkout,
    dispute,
    folded,
    keys,
    noon,
    of_attempt,
    owed,
    paid,
    refund,
    session_of,
    settled,
    standing_of,
    told_keys,
)

PLANNED, VOID, OPEN, PROCESSING = (
    AttemptState.PLANNED,
    AttemptState.VOID,
    AttemptState.OPEN,
    AttemptState.PROCESSING,
)
EXPIRED, FAILED, PAID = AttemptState.EXPIRED, AttemptState.FAILED, AttemptState.PAID

LIVES: dict[str, tuple[Seen, ...]] = {
    "paid by card": (checkout(OPEN), checkout(), charge()),
    "paid, partly refunded, and the rest on its way": (
        *paid(),
        refund("1", 3000, RefundStatus.PENDING),
        refund("1", 3000),
        charge(refunded=3000),
        refund("2", 5000, RefundStatus.PENDING, decision_id="decision-1"),
    ),
    "refunded by us, and it failed": (
        *paid(),
        refund("1", 8000, RefundStatus.PENDING, decision_id="auto-ch_1"),
        refund("1", 8000, RefundStatus.SUCCEEDED),
        refund("1", 8000, RefundStatus.FAILED),
    ),
    "disputed and won": (checkout(OPEN), *paid(), dispute(DisputeStatus.OPEN), dispute(DisputeStatus.WON)),
    "disputed, with two verdicts": (
        *paid(),
        dispute(DisputeStatus.OPEN),
        dispute(DisputeStatus.LOST),
        dispute(DisputeStatus.WON),
    ),
    "paid by a bank that took its time": (checkout(OPEN), checkout(PROCESSING), checkout(PAID), charge()),
    "a bank that said no": (checkout(OPEN), checkout(PROCESSING), checkout(FAILED)),
    "expired, told late": (checkout(OPEN), checkout(EXPIRED), checkout(OPEN)),
    "held to be void, and paid": (AttemptVoid("attempt-1"), checkout(OPEN), checkout(), charge()),
    "the charge alone": (checkout(OPEN), charge(), charge(receipt_url=None)),
    "paid twice": (checkout(OPEN), checkout(EXPIRED), *paid(2), checkout(OPEN, number=2), charge(1)),
}


@pytest.mark.parametrize("life", list(LIVES.values()), ids=list(LIVES))
def test_every_order_of_the_facts_ends_in_the_same_history(life: tuple[Seen, ...]) -> None:
    histories = {folded(*order, count=2) for order in itertools.permutations(life)}
    assert len(histories) == 1


@pytest.mark.parametrize("life", list(LIVES.values()), ids=list(LIVES))
def test_seeing_the_facts_again_changes_nothing(life: tuple[Seen, ...]) -> None:
    once = folded(*life, count=2)
    for again in life:
        assert folded(again, history=once) == once


@pytest.mark.parametrize("life", list(LIVES.values()), ids=list(LIVES))
def test_the_same_history_means_the_same_standing_and_obligations(life: tuple[Seen, ...]) -> None:
    one, other = session_of(folded(*life, count=2)), session_of(folded(*life[::-1], *life, count=2))
    assert standing_of(one) == standing_of(other)
    assert owed(one) == owed(other)
    assert due_at(one) == due_at(other)


def facts_of(number: int) -> list[Seen]:
    """Everything that Stripe could truthfully tell about the n-th attempt, which was paid in the end.

    No more attempts are held to be void than dead ones are kept: what is dropped is dropped for good.
    """
    return [
        *([AttemptVoid(f"attempt-{number}")] if number <= DEAD_ATTEMPTS_KEPT else []),
        checkout(OPEN, number),
        checkout(PROCESSING, number),
        checkout(PAID, number),
        charge(number, noon(plus=number)),
        charge(number, noon(plus=number), refunded=5000),
        refund(f"{number}a", 3000, RefundStatus.PENDING, of=number, decision_id=f"decision-{number}"),
        refund(f"{number}a", 3000, of=number),
        refund(f"{number}b", 2000, RefundStatus.FAILED, of=number),
        dispute(DisputeStatus.OPEN, of=number),
        dispute(DisputeStatus.LOST, of=number),
        dispute(DisputeStatus.WON, of=number),
    ]


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[int, list[Seen], list[Seen]]:
    """Some facts of one to three attempts, and the same in another order with some of them again."""
    count = draw(st.integers(1, 3))
    known = [fact for number in range(1, count + 1) for fact in facts_of(number)]
    first = draw(st.lists(st.sampled_from(known), unique=True, max_size=16))
    again = draw(st.lists(st.sampled_from(first), max_size=8)) if first else []
    return count, first, draw(st.permutations([*first, *again]))


@examples(60, 3000)
@given(deliveries())
def test_any_multiset_of_facts_in_any_order_ends_the_same(told: tuple[int, list[Seen], list[Seen]]) -> None:
    count, first, other = told
    one, two = folded(*first, count=count), folded(*other, count=count)
    assert one == two
    assert standing_of(session_of(one)) == standing_of(session_of(two))
    assert owed(session_of(one)) == owed(session_of(two))


# --- how far an attempt has come ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("earlier", "later"), list(itertools.combinations([VOID, OPEN, PROCESSING, EXPIRED, FAILED, PAID], 2))
)
def test_the_later_state_absorbs_the_earlier_whichever_is_told_first(
    earlier: AttemptState, later: AttemptState
) -> None:
    facts: list[Seen] = [AttemptVoid("attempt-1") if state is VOID else checkout(state) for state in (earlier, later)]
    assert of_attempt(folded(*facts)).state is later
    assert of_attempt(folded(*facts[::-1])).state is later


def test_an_attempt_held_to_be_void_that_turns_up_paid_is_paid() -> None:
    history = folded(AttemptVoid("attempt-1"), *paid())
    assert of_attempt(history).state is PAID
    assert standing_of(session_of(history)).status is PaymentStatus.PAID


def test_an_attempt_that_is_known_at_stripe_cannot_become_void() -> None:
    assert of_attempt(folded(checkout(OPEN), AttemptVoid("attempt-1"))).state is OPEN


def test_a_second_checkout_session_of_one_attempt_never_moves_it() -> None:
    history = folded(checkout(OPEN), checkout(checkout_session_id="cs_other", payment_intent_id="pi_other"))
    assert of_attempt(history).state is OPEN
    assert of_attempt(history).checkout_session_id == "cs_1"
    assert history.payments == (
        Payment("pi_other", "attempt-1", None, CheckoutPaid("cs_other", 8000, "aud", livemode=False)),
    )


@pytest.mark.parametrize("changes", [{"stripe_account_id": "acct_other"}, {"livemode": True}], ids=["account", "mode"])
def test_a_checkout_session_of_another_account_or_mode_never_moves_the_attempt(changes: dict[str, Any]) -> None:
    history = folded(checkout(PAID, checkout_session_id="cs_other", **changes))
    assert of_attempt(history) == attempts(1)[0]
    assert of_attempt(folded(checkout(OPEN), history=history)).checkout_session_id == "cs_1"


def test_what_is_told_of_one_attempt_leaves_the_others_alone() -> None:
    history = folded(checkout(FAILED, 1), count=2)
    assert [one.state for one in history.attempts] == [FAILED, PLANNED]


def test_an_open_attempt_has_its_address_and_no_order_any_more() -> None:
    one = of_attempt(folded(checkout(OPEN, expires_at=noon(plus=50))))
    assert (one.url, one.order, one.checkout_session_id) == ("https://pay.example/1", None, "cs_1")
    assert one.expires_at == noon(plus=50)


@pytest.mark.parametrize("state", [PROCESSING, EXPIRED, FAILED, PAID])
def test_the_address_is_dropped_once_nobody_can_pay_there(state: AttemptState) -> None:
    assert of_attempt(folded(checkout(OPEN), checkout(state))).url is None
    assert of_attempt(folded(checkout(state), checkout(OPEN))).url is None


def test_a_void_attempt_keeps_no_order() -> None:
    assert of_attempt(folded(AttemptVoid("attempt-1"))).order is None


def test_a_planned_attempt_keeps_its_order_so_that_it_can_be_sent_again() -> None:
    assert of_attempt(folded(AttemptLooked("attempt-1", noon(plus=2)))).order is not None


def test_the_latest_look_is_kept_whatever_order_they_are_told_in() -> None:
    early, late = AttemptLooked("attempt-1", noon(plus=2)), AttemptLooked("attempt-1", noon(plus=15))
    assert of_attempt(folded(late, early)).looked_at == noon(plus=15)
    assert of_attempt(folded(early, late)).looked_at == noon(plus=15)


def test_paid_without_its_payment_is_not_offered_again_but_asked_about() -> None:
    history = folded(checkout(OPEN), checkout(PAID, payment_intent_id=None))
    assert of_attempt(history).state is PROCESSING
    assert standing_of(session_of(history)).status is PaymentStatus.PROCESSING
    assert folded(*paid(), history=history) == folded(checkout(OPEN), *paid())


def test_an_address_once_told_is_kept_when_stripe_shows_the_offer_without_it() -> None:
    history = folded(checkout(OPEN), checkout(OPEN, url=None))
    assert of_attempt(history).url == "https://pay.example/1"


def test_what_was_first_told_to_be_paid_stands() -> None:
    (payment,) = folded(checkout(), checkout(amount=1)).payments
    assert payment.paid == CheckoutPaid("cs_1", 8000, "aud", livemode=False)


# --- dead attempts ------------------------------------------------------------------------------------------------


def test_two_dead_attempts_are_kept_and_the_older_ones_counted() -> None:
    history = folded(*(checkout(EXPIRED, number) for number in range(1, 6)), count=6)
    assert [one.attempt_id for one in history.attempts] == [f"attempt-{number}" for number in range(4, 7)]
    assert history.closed_attempts == 3


def test_the_troubles_of_an_attempt_go_when_it_goes() -> None:
    """An unlucky client could fill the item with them."""
    looks: list[Seen] = [ActFailed(f"look:attempt-{number}", noon(), "Failed.", 0.0) for number in range(1, 6)]
    history = folded(*looks, *(checkout(EXPIRED, number) for number in range(1, 6)), count=6)
    assert [one.key for one in history.troubles] == ["look:attempt-4", "look:attempt-5"]


@pytest.mark.parametrize("state", [VOID, EXPIRED, FAILED])
def test_each_kind_of_dead_attempt_is_counted_once_there_are_three(state: AttemptState) -> None:
    facts: list[Seen] = [
        AttemptVoid(f"attempt-{number}") if state is VOID else checkout(state, number) for number in range(1, 4)
    ]
    history = folded(*facts, *facts, count=3)
    assert (len(history.attempts), history.closed_attempts) == (2, 1)


def test_attempts_that_money_may_come_from_are_never_dropped() -> None:
    living: list[Seen] = [checkout(OPEN, 2), checkout(PROCESSING, 3), *paid(4), checkout(EXPIRED, 5), charge(5)]
    dead = [checkout(EXPIRED, number) for number in range(6, 26)]
    history = folded(*living, *dead, count=25)
    kept = [one.attempt_id for one in history.attempts]
    assert kept[:5] == [f"attempt-{number}" for number in range(1, 6)]
    assert (kept[5:], history.closed_attempts) == (["attempt-25"], 19)


def test_dead_attempts_that_money_came_for_are_kept_in_place_of_others() -> None:
    charged: list[Seen] = [fact for number in (1, 2) for fact in (checkout(EXPIRED, number), charge(number))]
    history = folded(*charged, *(checkout(EXPIRED, number) for number in (3, 4)), count=4)
    assert ([one.attempt_id for one in history.attempts], history.closed_attempts) == (["attempt-1", "attempt-2"], 2)
    three = folded(*charged, charge(3), checkout(EXPIRED, 3), count=3)
    assert (len(three.attempts), three.closed_attempts) == (3, 0)


# --- payments, refunds, disputes ----------------------------------------------------------------------------------


def test_each_field_of_a_payment_has_its_one_source() -> None:
    (payment,) = folded(checkout(), charge(application_fee=120)).payments
    assert payment.paid == CheckoutPaid("cs_1", 8000, "aud", livemode=False)
    assert payment.charge == replace(charge().charge, application_fee=120)
    assert (payment.payment_intent_id, payment.attempt_id) == ("pi_1", "attempt-1")
    assert folded(checkout()).payments[0].refunded_hint == 0


def test_a_charge_alone_is_not_a_payment() -> None:
    (payment,) = folded(checkout(OPEN), charge()).payments
    assert payment.paid is None


def test_the_hint_of_what_was_refunded_only_grows() -> None:
    one, other = charge(refunded=3000), charge(refunded=5000)
    assert folded(one, other).payments[0].refunded_hint == 5000
    assert folded(other, one).payments[0].refunded_hint == 5000


def test_a_receipt_once_told_is_kept() -> None:
    for order in itertools.permutations([charge(), charge(receipt_url=None)]):
        (payment,) = folded(*order).payments
        assert payment.charge is not None
        assert payment.charge.receipt_url == "https://receipts.example/1"


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (RefundStatus.PENDING, RefundStatus.SUCCEEDED),
        (RefundStatus.PENDING, RefundStatus.FAILED),
        (RefundStatus.PENDING, RefundStatus.CANCELED),
        (RefundStatus.SUCCEEDED, RefundStatus.FAILED),
        (RefundStatus.SUCCEEDED, RefundStatus.CANCELED),
        (RefundStatus.CANCELED, RefundStatus.FAILED),
    ],
)
def test_a_refund_never_goes_back(earlier: RefundStatus, later: RefundStatus) -> None:
    facts = refund(status=earlier), refund(status=later)
    assert folded(*facts).refunds[0].status is later
    assert folded(*facts[::-1]).refunds[0].status is later


def test_whose_refund_it_is_stays_known_when_only_one_telling_says_so() -> None:
    ours, bare = refund(status=RefundStatus.PENDING, decision_id="decision-1"), refund()
    for order in itertools.permutations([ours, bare]):
        (kept,) = folded(*order).refunds
        assert (kept.decision_id, kept.status) == ("decision-1", RefundStatus.SUCCEEDED)


@pytest.mark.parametrize("further", [RefundStatus.PENDING, RefundStatus.FAILED])
def test_why_a_refund_was_made_stays_known_when_only_one_telling_says_so(further: RefundStatus) -> None:
    ours = RefundSeen(replace(refund().refund, reason=RefundReason.DUPLICATE))
    for order in itertools.permutations([ours, refund(status=further)]):
        (kept,) = folded(*order).refunds
        assert kept.reason is RefundReason.DUPLICATE


DISPUTED: list[tuple[list[DisputeStatus], DisputeStatus, bool]] = [
    ([DisputeStatus.OPEN], DisputeStatus.OPEN, False),
    ([DisputeStatus.OPEN, DisputeStatus.WON], DisputeStatus.WON, False),
    ([DisputeStatus.OPEN, DisputeStatus.LOST], DisputeStatus.LOST, False),
    ([DisputeStatus.WON, DisputeStatus.LOST], DisputeStatus.WON, True),
    ([DisputeStatus.OPEN, DisputeStatus.LOST, DisputeStatus.WON, DisputeStatus.LOST], DisputeStatus.WON, True),
]


@pytest.mark.parametrize(("told", "status", "doubted"), DISPUTED)
def test_a_verdict_stands_against_open_and_two_verdicts_are_a_doubt(
    told: list[DisputeStatus], status: DisputeStatus, *, doubted: bool
) -> None:
    for order in itertools.permutations(told):
        (kept,) = folded(*paid(), *(dispute(one) for one in order)).disputes
        assert (kept.status, kept.doubted) == (status, doubted)


@pytest.mark.parametrize("answer", list(DisputeStatus))
def test_stripes_own_answer_ends_the_doubt_whatever_it_is(answer: DisputeStatus) -> None:
    doubted = folded(*paid(), dispute(DisputeStatus.WON), dispute(DisputeStatus.LOST))
    (kept,) = folded(dispute(answer, asked=True), history=doubted).disputes
    assert (kept.status, kept.doubted) == (answer, False)


def test_an_attempt_that_a_person_gave_up_is_kept_however_many_die_after_it() -> None:
    given_up = settled(folded(AttemptVoid("attempt-1"), count=1), "look:attempt-1")
    more = replace(given_up, attempts=(*given_up.attempts, *(attempt(number) for number in range(2, 6))))
    history = folded(*(AttemptVoid(f"attempt-{number}") for number in range(2, 6)), history=more)
    assert [one.attempt_id for one in history.attempts] == ["attempt-1", "attempt-4", "attempt-5"]
    assert history.closed_attempts == 2


def test_the_charge_of_an_attempt_that_a_person_gave_up_is_strange_until_its_checkout_is_seen() -> None:
    given_up = settled(folded(checkout(AttemptState.EXPIRED), charge()), "look:attempt-1")
    assert told_keys(session_of(given_up)) == ["payment:pi_1"]
    assert keys(session_of(given_up)) == set()
    assert told_keys(session_of(folded(checkout(), history=given_up))) == []


def test_while_it_may_be_paid_what_a_person_said_once_makes_no_charge_strange() -> None:
    history = settled(folded(checkout(AttemptState.OPEN), charge()), "look:attempt-1")
    assert told_keys(session_of(history)) == []
