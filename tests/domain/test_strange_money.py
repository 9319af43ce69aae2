"""Money that is not what was asked for: 88.00 for 80.00. It goes back as people decide, and then bars nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.admission import Door, admit
from chalicelib.domain.books import ledger_rows, records
from chalicelib.domain.by_hand import (
    DisputedError,
    NothingLeftError,
    NothingPaidError,
    RefundWish,
    UnnamedPaymentError,
    decide_refund,
)
from chalicelib.domain.concerns import STRANGE, Concern, concerns
from chalicelib.domain.erasure import Hindrance, hindrance
from chalicelib.domain.facts import AttemptState, DisputeStatus, PaymentHistory, RefundStatus, Seen
from chalicelib.domain.leaving import Hold, held_on
from chalicelib.domain.money import Money
from chalicelib.domain.obligations import FetchDispute, ListRefunds, has_strange_payment, is_wanted
from chalicelib.domain.payments import PaymentStatus, money_of
from chalicelib.domain.sessions import InvalidSessionError, Problem, Session, owing
from tests.support.histories import (
    CANCELED,
    END,
    NOON,
    START,
    TEAM,
    charge,
    checkout,
    decided,
    dispute,
    folded,
    guest_of,
    keys,
    makes_refund,
    needs,
    noon,
    owed,
    paid,
    refund,
    refunds_owed,
    retried,
    session_of,
    settled,
    standing_of,
    waived,
    with_decisions,
)
from tests.support.stuck_money import ask, failing, give, see, send_again

PENDING, SUCCEEDED, FAILED = RefundStatus.PENDING, RefundStatus.SUCCEEDED, RefundStatus.FAILED
MORE: list[Seen] = [checkout(amount=8800), charge(amount=8800)]
CAME = folded(*MORE)


def after(*facts: Seen, history: PaymentHistory = CAME) -> Session:
    return session_of(folded(*facts, history=history))


def door(session: Session) -> Door:
    return admit(session, guest_of(session), TEAM, START).door


def is_barred(session: Session) -> bool:
    assert has_strange_payment(guest_of(session).history) is (door(session) is Door.OFFER_REFUSED)
    return has_strange_payment(guest_of(session).history)


# --- once it is back ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [PENDING, SUCCEEDED])
def test_once_all_of_it_is_back_or_on_its_way_the_fee_is_offered_again(status: RefundStatus) -> None:
    session = after(refund("1", 8800, status))
    assert (standing_of(session).status, door(session), needs(session)) == (PaymentStatus.UNPAID, Door.PAY, None)
    offered = after(checkout(AttemptState.OPEN, 2), history=folded(*MORE, refund("1", 8800, status), count=2))
    guest = guest_of(offered)
    assert is_wanted(owing(offered, guest), guest.history, guest.history.attempts[-1])


@pytest.mark.parametrize(
    ("facts", "barred"),
    [
        ([refund("1", 8799)], True),
        ([refund("1", 8000), refund("2", 800)], False),
        ([refund("1", 8000)], True),
        ([refund("1", 8800, FAILED)], True),
        ([refund("1", 8800, RefundStatus.CANCELED)], True),
        ([dispute(DisputeStatus.LOST, amount=8800)], False),
        ([dispute(DisputeStatus.OPEN, amount=8800)], True),
        ([dispute(DisputeStatus.WON, amount=8800)], True),
    ],
    ids=["all but a cent", "in parts", "the fee of it", "failed", "cancelled", "bank took it", "open", "won"],
)
def test_until_all_of_it_is_back_nobody_is_asked_a_second_time(facts: list[Seen], *, barred: bool) -> None:
    assert is_barred(after(*facts)) is barred
    assert (needs(after(*facts)) is None) is not barred


def test_what_was_given_another_way_is_back_as_well() -> None:
    session = after(refund("1", 8000), refund("2", 800, FAILED))
    assert is_barred(session)
    assert not is_barred(give(session, "refund:re_2"))
    assert guest_of(give(session, "refund:re_2")).history.settled[-1].amount == 800


def test_it_is_back_by_what_the_charge_took_not_by_what_the_page_said() -> None:
    history = folded(checkout(), charge(amount=8001))
    assert is_barred(after(refund("1", 8000), history=history))
    assert not is_barred(after(refund("1", 8001), history=history))
    page_alone = folded(checkout(amount=8800))
    assert is_barred(after(refund("1", 8799), history=page_alone))
    assert not is_barred(after(refund("1", 8800), history=page_alone))


def test_how_much_came_is_told_by_the_charge_and_else_by_the_page() -> None:
    [both] = folded(checkout(amount=8800, currency="nzd"), charge(amount=8801, currency="usd")).payments
    assert money_of(both) == money_of(replace(both, paid=None))
    assert money_of(both) == Money(8801, "usd")
    assert money_of(replace(both, charge=None)) == Money(8800, "nzd")


def test_when_its_refund_fails_nobody_is_asked_any_more_and_the_new_page_is_closed() -> None:
    history = folded(*MORE, refund("1", 8800, PENDING), checkout(AttemptState.OPEN, 2), count=2)
    session = after(refund("1", 8800, FAILED), history=history)
    assert is_barred(session)
    assert [one.due_at for one in owed(session) if one.key == "expire:attempt-2"] == [NOON]


def test_whoever_pays_the_fee_after_it_went_back_is_let_in() -> None:
    session = after(*paid(2), history=folded(*MORE, refund("1", 8800), count=2))
    assert (standing_of(session).status, door(session)) == (PaymentStatus.PAID, Door.JOIN)
    assert (refunds_owed(session), needs(session)) == ([], None)


# --- as people decide ---------------------------------------------------------------------------------------------


def test_a_refund_that_names_its_charge_gives_all_of_it_back() -> None:
    session = ask(session_of(CAME), charge="ch_1")
    assert refunds_owed(session) == [("decision-1", 8800, "requested")]
    assert guest_of(session).history.decisions[-1].amount == 8800
    assert is_barred(session), "it is not back yet"
    [act] = makes_refund(owed(session))
    assert (act.payment.payment_intent_id, act.with_application_fee) == ("pi_1", False)
    made = see(session, refund("1", 8800, PENDING, decision_id="decision-1"))
    assert (refunds_owed(made), needs(made), door(made)) == ([], None, Door.PAY)


def test_a_part_of_it_goes_back_and_then_the_rest() -> None:
    part = see(ask(session_of(CAME), 800, charge="ch_1"), refund("1", 800, decision_id="decision-1"))
    assert (refunds_owed(part), is_barred(part)) == ([], True)
    assert refunds_owed(ask(part, None, "decision-2", charge="ch_1")) == [("decision-2", 8000, "requested")]


@pytest.mark.parametrize(("fee", "asked_back"), [(0, False), (1, True)])
def test_the_platforms_fee_is_asked_back_where_the_charge_carried_one(fee: int, *, asked_back: bool) -> None:
    session = session_of(folded(checkout(amount=8800), charge(amount=8800, application_fee=fee)))
    [act] = makes_refund(owed(ask(session, charge="ch_1")))
    assert act.with_application_fee is asked_back


def test_it_never_goes_back_by_rule() -> None:
    for history in (CAME, waived(CAME)):
        assert refunds_owed(session_of(history)) == []
        assert refunds_owed(session_of(history, **CANCELED)) == []
        assert refunds_owed(session_of(history, end_time=NOON)) == []
    assert refunds_owed(ask(session_of(CAME, **CANCELED), 800, charge="ch_1")) == [("decision-1", 800, "requested")]


@pytest.mark.parametrize(
    "history",
    [
        folded(charge(amount=8800)),
        folded(checkout(attempt_id="attempt-9"), replace(charge(amount=8800), attempt_id="attempt-9")),
        folded(checkout(amount=1, currency="nzd"), charge(amount=8800)),
        settled(CAME, "payment:pi_1"),
    ],
    ids=["a charge alone", "an unknown offer", "another page", "a person saw to it"],
)
def test_whatever_is_strange_of_it_its_charge_is_what_goes_back(history: PaymentHistory) -> None:
    assert refunds_owed(ask(session_of(history), charge="ch_1")) == [("decision-1", 8800, "requested")]


def test_not_to_be_given_back_are_what_has_no_charge_yet_and_what_stripe_is_asked_about() -> None:
    with pytest.raises(NothingPaidError) as refused:
        ask(session_of(folded(checkout(amount=8800))))
    assert type(refused.value) is NothingPaidError
    with pytest.raises(NothingPaidError):
        ask(session_of(folded(checkout(AttemptState.OPEN), charge())), charge="ch_1")


def test_what_stripe_is_asked_about_owes_no_refund_whatever_was_decided() -> None:
    unproven = folded(checkout(AttemptState.OPEN), charge(refunded=1))
    assert keys(session_of(with_decisions(unproven, decided("1", 8000)))) == {"look:attempt-1", "expire:attempt-1"}


def test_without_a_name_the_fee_goes_back_and_nothing_but_strange_money_must_be_named() -> None:
    beside = folded(*MORE, *paid(2), count=2)
    assert refunds_owed(ask(session_of(beside))) == [("decision-1", 8000, "requested")]
    assert guest_of(ask(session_of(beside))).history.decisions[-1].payment_intent_id == "pi_2"
    two = folded(*MORE, checkout(amount=8800, number=2), charge(2, amount=8800), count=2)
    with pytest.raises(UnnamedPaymentError) as refused:
        ask(session_of(two))
    assert str(refused.value).endswith("name its charge: ch_1, ch_2")


def test_more_than_its_charge_and_all_of_it_twice_are_refused() -> None:
    with pytest.raises(InvalidSessionError) as refused:
        ask(session_of(CAME), 8801, charge="ch_1")
    assert refused.value.problems == (Problem("amount", "at most 88.00 AUD (8800) is left of this payment"),)
    with pytest.raises(NothingLeftError):
        ask(ask(session_of(CAME), charge="ch_1"), None, "decision-2", charge="ch_1")
    with pytest.raises(DisputedError):
        ask(after(dispute(DisputeStatus.OPEN, amount=8800)), charge="ch_1")


def test_a_currency_that_nobody_here_knows_goes_back_in_its_own_unit() -> None:
    session = session_of(folded(checkout(amount=8800, currency="xts"), charge(amount=8800, currency="xts")))
    assert refunds_owed(ask(session, 7, charge="ch_1")) == [("decision-1", 7, "requested")]
    with pytest.raises(InvalidSessionError) as refused:
        ask(session, 8801, charge="ch_1")
    assert refused.value.problems == (
        Problem("amount", "at most 8800 minor units of XTS (8800) is left of this payment"),
    )
    failed = see(ask(session, 8800, charge="ch_1"), refund("1", 8800, FAILED, decision_id="decision-1"))
    assert "The refund of 8800 minor units of XTS failed at the bank" in (needs(failed) or "")


def test_a_step_of_its_currency_is_asked_of_it_too() -> None:
    session = session_of(folded(checkout(amount=8800, currency="kwd"), charge(amount=8800, currency="kwd")))
    with pytest.raises(InvalidSessionError) as refused:
        ask(session, 8795, charge="ch_1")
    assert refused.value.problems == (Problem("amount", "must be a multiple of 10 in KWD"),)


# --- what needs a person ------------------------------------------------------------------------------------------


def test_a_refund_of_it_that_does_not_succeed_is_told_with_its_amount() -> None:
    session = see(ask(session_of(CAME), 8000, charge="ch_1"), *failing("refund:decision-1"))
    told = Concern("refund:decision-1", "80.00 AUD is still to go back. Stripe is down. It is tried again.")
    assert told in concerns(session, guest_of(session), NOON)
    given = give(session, "refund:decision-1")
    assert (refunds_owed(given), guest_of(given).history.settled[-1].amount) == ([], 8000)


def test_a_refund_of_it_that_failed_is_a_persons_and_may_be_sent_again() -> None:
    asked = ask(session_of(CAME), charge="ch_1")
    failed = see(asked, refund("1", 8800, FAILED, decision_id="decision-1"))
    told = "The refund of 88.00 AUD failed at the bank; give the money back another way."
    assert needs(failed) == f"{told} {STRANGE}"
    assert refunds_owed(failed) == []
    again = send_again(failed, "refund:re_1")
    assert refunds_owed(again) == [("decision-9", 8800, "requested")]
    assert not guest_of(again).history.decisions[-1].by_rule
    given = give(failed, "refund:re_1")
    assert (needs(given), door(given)) == (None, Door.PAY)


def test_refunds_and_disputes_of_it_that_are_not_known_are_asked_for() -> None:
    listed = session_of(folded(checkout(amount=8800), charge(amount=8800, refunded=8800)))
    assert [type(one) for one in owed(listed)] == [ListRefunds]
    doubted = after(dispute(DisputeStatus.WON), dispute(DisputeStatus.LOST))
    assert [type(one) for one in owed(doubted)] == [FetchDispute]


def test_an_account_is_not_left_and_a_clinic_not_deleted_while_its_refund_is_owed_or_on_its_way() -> None:
    asked = ask(session_of(CAME), charge="ch_1")
    assert _holds(asked) == [Hold.REFUND_OWED, Hold.UNCLEAR]
    pending = see(asked, refund("1", 8800, PENDING, decision_id="decision-1"))
    assert _holds(pending) == [Hold.REFUND_PENDING]
    assert hindrance(pending, END) is Hindrance.ON_ITS_WAY
    made = see(asked, refund("1", 8800, decision_id="decision-1"))
    assert (_holds(made), hindrance(made, END)) == ([], None)
    assert _holds(after(refund("1", 8800, PENDING))) == [Hold.REFUND_PENDING]


def _holds(session: Session) -> list[Hold]:
    """Were it paid on a connected account."""
    history = guest_of(session).history
    payments = tuple(replace(one, stripe_account_id="acct_1") for one in history.payments)
    return [held.hold for held in held_on(session_of(replace(history, payments=payments)), "acct_1", NOON)]


# --- the books ----------------------------------------------------------------------------------------------------


def test_ledger_and_audit_show_what_was_decided_and_that_it_was_not_what_was_asked_for() -> None:
    before = session_of(CAME)
    wish = RefundWish(None, "typed by hand", "ch_1")
    after_ = decide_refund(
        before, guest_of(before), wish, decision_id="decision-1", who="api_client:1", now=noon(plus=50)
    )
    audit = records(before, after_, by="api_client:1", at=noon(plus=50), audit_id="audit-1").audit
    assert audit is not None
    [entry] = audit.entries
    assert (entry.what, entry.about, entry.amount, entry.currency, entry.why) == (
        "refund_decided",
        "decision-1",
        8800,
        "aud",
        "typed by hand",
    )
    made = see(after_, refund("1", 8800, decision_id="decision-1"))
    assert [(one.amount, one.refunded, one.is_accepted) for one in ledger_rows(made)] == [(8800, 8800, False)]


def test_a_retry_of_the_dashboards_failed_refund_is_none_of_ours_until_somebody_decided() -> None:
    assert needs(after(refund("1", 8800, FAILED))) == (
        f"The refund of a payment failed at the bank; give the money back another way. {STRANGE}"
    )
    assert needs(session_of(retried(folded(refund("1", 8800, FAILED), history=CAME), "refund:re_1"))) == STRANGE
