"""Disputes: what only is asked about bars nothing, a part is a part, and currencies are never added up."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from chalicelib.domain.books import AuditEntry, ledger_rows, records
from chalicelib.domain.by_hand import DisputedError, RefundWish, decide_refund
from chalicelib.domain.concerns import LOST_ABROAD, Concern, concerns
from chalicelib.domain.differences import differences
from chalicelib.domain.disputes import charged_back, is_disputed, is_foreign, is_undecided
from chalicelib.domain.facts import ChargedAgain, Dispute, DisputeSeen, DisputeStatus, PaymentHistory, RefundStatus
from chalicelib.domain.folding import fold
from tests.support.histories import (
    CANCELED,
    NOON,
    charge,
    checkout,
    dispute,
    folded,
    guest_of,
    inquiry,
    noon,
    paid,
    refund,
    refunds_owed,
    session_of,
    settled,
    standing_of,
)

OPEN, WON, LOST = DisputeStatus.OPEN, DisputeStatus.WON, DisputeStatus.LOST
PAID = folded(*paid())
ASKED = folded(inquiry(), history=PAID)
ESCALATED = dispute(OPEN, currency="aud", is_inquiry=False, is_refundable=False)
ABROAD = folded(dispute(LOST, amount=5500, currency="usd"), history=PAID)


def the_dispute(history: PaymentHistory) -> Dispute:
    (found,) = history.disputes
    return found


def told(history: PaymentHistory) -> tuple[str, int, bool]:
    """The status, what the bank took, and whether a dispute bars refunds."""
    payment = history.payments[0]
    return standing_of(session_of(history)).status.value, charged_back(history, payment), is_disputed(history, payment)


# --- inquiries ----------------------------------------------------------------------------------------------------


def test_an_inquiry_bars_no_refund_and_nobody_waits_for_the_bank() -> None:
    assert told(ASKED) == ("disputed", 0, False)
    assert not is_undecided(ASKED, ASKED.payments[0])
    assert refunds_owed(session_of(ASKED, **CANCELED)) == [("auto-ch_1", 8000, "canceled")]
    session = session_of(ASKED)
    decide_refund(session, guest_of(session), RefundWish(), decision_id="decision-9", who="client-1", now=noon(plus=5))


def test_an_inquiry_that_became_a_dispute_bars_refunds() -> None:
    history = folded(ESCALATED, history=ASKED)
    assert told(history) == ("disputed", 0, True)
    assert is_undecided(history, history.payments[0])
    assert refunds_owed(session_of(history, **CANCELED)) == []
    session = session_of(history)
    with pytest.raises(DisputedError):
        decide_refund(session, guest_of(session), RefundWish(), decision_id="d", who="client-1", now=noon(plus=5))


def test_what_an_older_version_kept_of_a_dispute_bars_refunds() -> None:
    assert told(folded(dispute(OPEN), history=PAID)) == ("disputed", 0, True)


def test_a_dispute_that_is_lost_bars_refunds_and_waits_for_nobody() -> None:
    history = folded(dispute(LOST, is_refundable=False), history=PAID)
    assert told(history) == ("refunded", 8000, True)
    assert not is_undecided(history, history.payments[0])


def test_a_failed_refund_in_an_inquiry_waits_for_no_bank() -> None:
    session = session_of(folded(refund(status=RefundStatus.FAILED), history=ASKED))
    sentence = "The refund of 80.00 AUD failed at the bank; give the money back another way."
    assert concerns(session, guest_of(session), NOON) == [Concern("refund:re_1", sentence)]


# --- folding ------------------------------------------------------------------------------------------------------


def test_an_inquiry_its_dispute_and_the_verdict_add_up_to_the_same_in_any_order_and_twice() -> None:
    verdict = dispute(LOST, amount=2000, currency="aud", is_inquiry=False, is_refundable=False)
    tellings = (inquiry(amount=1000), replace(ESCALATED, dispute=replace(ESCALATED.dispute, amount=1500)), verdict)
    for order in permutations((*tellings, *tellings)):
        assert folded(*order, history=PAID).disputes == (verdict.dispute,)
    for order in permutations(tellings[:2]):
        assert folded(*order, history=PAID).disputes == (tellings[1].dispute,)


def test_what_an_older_version_did_not_keep_is_learnt_and_what_is_known_is_not_forgotten() -> None:
    assert the_dispute(folded(dispute(OPEN), inquiry(), history=PAID)) == inquiry().dispute
    assert the_dispute(folded(inquiry(), dispute(OPEN), history=PAID)) == inquiry().dispute
    lost = the_dispute(folded(inquiry(), dispute(LOST), history=PAID))
    assert (lost.status, lost.currency, lost.is_inquiry, lost.is_refundable) == (LOST, "aud", True, True)


def test_the_answer_to_a_question_stands_against_what_was_told_before() -> None:
    assert the_dispute(folded(ESCALATED, inquiry(asked=True), history=PAID)) == inquiry().dispute


def test_equal_tellings_keep_the_amount_that_was_told_first() -> None:
    assert the_dispute(folded(dispute(OPEN, amount=1000), dispute(OPEN, amount=2000), history=PAID)).amount == 1000


# --- parts --------------------------------------------------------------------------------------------------------


def test_a_part_that_the_bank_took_is_a_part_and_the_rest_is_held() -> None:
    history = folded(dispute(LOST, amount=2000, currency="aud"), history=PAID)
    assert told(history) == ("partially_refunded", 2000, True)
    assert [row.charged_back for row in ledger_rows(session_of(history))] == [2000]


def test_what_was_refunded_and_what_the_bank_took_add_up() -> None:
    history = folded(refund("1", 6000), dispute(LOST, amount=2000, currency="aud"), history=PAID)
    assert told(history) == ("refunded", 2000, True)


def test_after_a_part_was_lost_the_rest_of_a_cancelled_session_is_a_persons() -> None:
    session = session_of(folded(dispute(LOST, amount=2000), history=PAID), **CANCELED)
    sentence = "60.00 AUD is to go back beside what the bank took back; see to it in Stripe."
    assert concerns(session, guest_of(session), NOON) == [Concern("refund:auto-ch_1", sentence)]


# --- another currency ---------------------------------------------------------------------------------------------


def test_a_dispute_lost_in_another_currency_counts_as_all_that_is_left() -> None:
    assert told(ABROAD) == ("refunded", 8000, True)
    assert charged_back(folded(refund("1", 3000), history=ABROAD), ABROAD.payments[0]) == 5000
    assert [row.charged_back for row in ledger_rows(session_of(ABROAD))] == [8000]


def test_beside_one_in_another_currency_what_is_known_to_be_lost_is_not_less() -> None:
    history = folded(refund("1", 7000), dispute(LOST, of=2, amount=3000, payment_intent_id="pi_1"), history=ABROAD)
    assert charged_back(history, history.payments[0]) == 3000


def test_without_its_charge_the_payment_itself_says_the_currency_and_the_amount() -> None:
    history = folded(checkout(), dispute(LOST, amount=5500, currency="usd"))
    assert charged_back(history, history.payments[0]) == 8000
    charged = folded(charge(amount=900), dispute(LOST, amount=5500, currency="usd"))
    assert charged_back(charged, charged.payments[0]) == 900


def test_a_dispute_is_foreign_only_where_both_currencies_are_known() -> None:
    payment, told_in_usd = PAID.payments[0], Dispute("dp_1", "pi_1", 1, OPEN, currency="usd")
    assert is_foreign(payment, told_in_usd)
    assert not is_foreign(payment, replace(told_in_usd, currency="aud"))
    assert not is_foreign(payment, replace(told_in_usd, currency=None))
    assert not is_foreign(replace(payment, paid=None, charge=None), told_in_usd)
    nothing = replace(payment, paid=None, charge=None)
    assert charged_back(replace(ABROAD, payments=(nothing,)), nothing) == 5500


@pytest.mark.parametrize("status", [OPEN, WON])
def test_a_dispute_in_another_currency_that_is_not_lost_took_nothing(status: DisputeStatus) -> None:
    history = folded(dispute(status, amount=5500, currency="usd"), history=PAID)
    assert charged_back(history, history.payments[0]) == 0
    assert concerns(session_of(history), guest_of(session_of(history)), NOON) == []


def test_a_person_is_told_of_a_dispute_lost_in_another_currency_until_they_have_seen_to_it() -> None:
    session = session_of(ABROAD)
    assert concerns(session, guest_of(session), NOON) == [Concern("currency:dp_1", LOST_ABROAD)]
    session = session_of(settled(ABROAD, "currency:dp_1"))
    assert concerns(session, guest_of(session), NOON) == []
    session = session_of(replace(ABROAD, charged_again=ChargedAgain(noon(plus=60), "client-1", "once more")))
    assert concerns(session, guest_of(session), NOON) == [], "it counts no more"


def test_the_audit_says_a_dispute_in_the_currency_that_it_was_told_in() -> None:
    for seen, currency in ((dispute(OPEN, amount=5500, currency="usd"), "usd"), (dispute(OPEN, amount=5500), "aud")):
        before, after = session_of(PAID), session_of(folded(seen, history=PAID))
        audit = records(before, after, by="stripe", at=noon(plus=5), audit_id="audit-1").audit
        assert audit is not None
        assert audit.entries == (AuditEntry("dispute_open", "stripe", 2, "dp_1", 5500, currency),)


def test_of_a_payment_not_known_the_audit_says_no_currency_that_nobody_told() -> None:
    before, after = session_of(PAID), session_of(folded(dispute(OPEN, of=9), history=PAID))
    audit = records(before, after, by="stripe", at=noon(plus=5), audit_id="audit-1").audit
    assert audit is not None
    assert audit.entries == (AuditEntry("dispute_open", "stripe", 2, "dp_9", 8000, None),)


# --- differences --------------------------------------------------------------------------------------------------


def test_what_differs_of_a_dispute_is_told_in_its_own_currency() -> None:
    shown = dispute(LOST, amount=5500, currency="usd")
    kept = folded(dispute(OPEN, amount=4000), history=PAID)
    (found,) = differences(kept, shown, is_current=True)
    assert found.sentence == "Dispute dp_1 of 55.00 USD is lost at Stripe; here it is 40.00 AUD, open."


@pytest.mark.parametrize(
    ("kept", "shown", "count"),
    [
        (inquiry(), ESCALATED, 1),
        (inquiry(), inquiry(), 0),
        (ESCALATED, inquiry(), 0),
        (dispute(OPEN), ESCALATED, 0),
        (dispute(WON, is_refundable=True), dispute(WON, is_refundable=False), 0),
    ],
)
def test_an_inquiry_that_became_a_dispute_unheard_of_is_a_difference(
    kept: DisputeSeen, shown: DisputeSeen, count: int
) -> None:
    assert len(list(differences(fold(PAID, kept), shown, is_current=True))) == count
