"""The audit's entries: who decided or learnt what about whose money or access, said once, when it changes (I10)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.books import AuditEntry, records
from chalicelib.domain.facts import (
    NOTHING_YET,
    DisputeStatus,
    PaymentHistory,
    RefundReason,
    RefundSeen,
    RefundStatus,
    RetriedByHand,
    Seen,
)
from chalicelib.domain.sessions import Fee, Participant, Role, Session
from tests.support.histories import (
    CANCELED,
    END,
    FEE,
    HOUR,
    NOON,
    START,
    attempt,
    charge,
    checkout,
    decided,
    dispute,
    folded,
    noon,
    paid,
    refund,
    session_of,
    settled,
    waived,
    with_decisions,
)

BY = "api_client:1"


def entries(before: Session, after: Session) -> list[AuditEntry]:
    """What the audit says of this change, made by a client of the API."""
    audit = records(before, after, by=BY, at=noon(plus=5), audit_id="audit-1").audit
    return list(audit.entries) if audit else []


def learnt(before: PaymentHistory, *seen: Seen) -> list[AuditEntry]:
    """What the audit says when these facts come on top; and that it says it once."""
    after = folded(*seen, history=before)
    assert entries(session_of(after), session_of(after)) == []
    return entries(session_of(before), session_of(after))


# --- the session and who takes part -------------------------------------------------------------------------------


@pytest.mark.parametrize(("keeps", "why"), [(False, "payments go back"), (True, "payments are kept")])
def test_a_cancellation_says_what_becomes_of_the_money(keeps: bool, why: str) -> None:  # noqa: FBT001
    canceled = session_of(canceled_at=noon(plus=60), keeps_payments=keeps)
    assert entries(session_of(), canceled) == [AuditEntry("canceled", BY, why=why)]
    assert entries(canceled, canceled) == []


def test_another_end_alone_is_a_rescheduling_and_says_until_when() -> None:
    why = "to 2026-03-02T14:00:00+00:00 until 2026-03-02T15:30:00+00:00"
    assert entries(session_of(), session_of(end_time=END + HOUR)) == [AuditEntry("rescheduled", BY, why=why)]


def test_another_start_alone_is_a_rescheduling() -> None:
    (entry,) = entries(session_of(), session_of(start_time=START - HOUR))
    assert entry.what == "rescheduled"


def test_who_is_added_is_said_with_their_fee() -> None:
    before = session_of()
    third = Participant(3, Role.GUEST, NOON, key_id=1, fee=Fee(5000, "nzd", payee="acct_1"))
    assert entries(before, replace(before, participants=(*before.participants, third))) == [
        AuditEntry("added", BY, 3),
        AuditEntry("fee_set", BY, 3, "acct_1", 5000, "nzd"),
    ]


def test_a_revoked_link_is_said() -> None:
    assert entries(session_of(), session_of(guest_generation=1)) == [AuditEntry("link_revoked", BY, 2)]


def test_a_new_participants_link_revokes_none_whatever_its_generation() -> None:
    before = session_of()
    third = Participant(3, Role.HOST, NOON, key_id=1, generation=4)
    (entry,) = entries(before, replace(before, participants=(*before.participants, third)))
    assert entry == AuditEntry("added", BY, 3)


@pytest.mark.parametrize(("keeps", "why"), [(False, "the payment goes back"), (True, "the payment is kept")])
def test_a_removal_says_what_becomes_of_the_money(keeps: bool, why: str) -> None:  # noqa: FBT001
    removed = session_of(guest_deleted_at=noon(plus=30), guest_keeps_payment=keeps)
    assert entries(session_of(), removed) == [AuditEntry("removed", BY, 2, why=why)]
    assert entries(removed, removed) == []


def test_a_participant_who_is_removed_already_when_first_seen_is_said_to_be_removed() -> None:
    before = session_of()
    third = Participant(3, Role.HOST, NOON, key_id=1, deleted_at=noon(plus=30))
    assert entries(before, replace(before, participants=(*before.participants, third))) == [
        AuditEntry("added", BY, 3),
        AuditEntry("removed", BY, 3, why="the payment goes back"),
    ]


@pytest.mark.parametrize("fee", [Fee(8001, "aud"), Fee(8000, "nzd"), Fee(8000, "aud", payee="acct_1")])
def test_a_fee_with_another_amount_currency_or_payee_is_set(fee: Fee) -> None:
    expected = AuditEntry("fee_set", BY, 2, fee.payee, fee.amount, fee.currency)
    assert entries(session_of(fee=FEE), session_of(fee=fee)) == [expected]


def test_a_first_fee_is_set_and_another_description_sets_none() -> None:
    assert entries(session_of(fee=None), session_of()) == [AuditEntry("fee_set", BY, 2, None, 8000, "aud")]
    assert entries(session_of(), session_of(fee=Fee(8000, "aud", "Consultation"))) == []


def test_a_fee_that_is_no_more_sets_none() -> None:
    assert entries(session_of(), session_of(fee=None)) == []


# --- what people decided ------------------------------------------------------------------------------------------


def test_a_decided_refund_is_said_once_with_who_and_why() -> None:
    before = folded(*paid(), *paid(2), count=2)
    known = with_decisions(before, decided("1", 1000))
    after = with_decisions(known, replace(decided("2", 500), reason="left early"))
    expected = AuditEntry("refund_decided", "client-1", 2, "decision-2", 500, "aud", "left early")
    assert entries(session_of(known), session_of(after)) == [expected]
    assert entries(session_of(after), session_of(after)) == []


def test_a_refund_decided_before_the_charge_is_known_has_no_currency_yet() -> None:
    before = folded(checkout())
    (entry,) = entries(session_of(before), session_of(with_decisions(before, decided("1", 1000))))
    assert entry == AuditEntry("refund_decided", "client-1", 2, "decision-1", 1000)


def test_a_waiver_is_said_once_with_who_and_why() -> None:
    after = waived(folded())
    assert entries(session_of(folded()), session_of(after)) == [
        AuditEntry("waived", "client-1", 2, why="paid at the desk")
    ]
    assert entries(session_of(after), session_of(after)) == []


def test_what_was_settled_by_hand_is_said_once() -> None:
    known = settled(folded(), "offer")
    after = settled(known, "overflow")
    expected = AuditEntry("settled_by_hand", "operator", 2, "overflow", why="in cash")
    assert entries(session_of(known), session_of(after)) == [expected]
    kept = replace(after, settled=(after.settled[0], replace(after.settled[1], is_given=False)))
    assert entries(session_of(known), session_of(kept)) == [replace(expected, what="settled_as_kept")]


def test_of_money_that_was_settled_by_hand_the_amount_is_said() -> None:
    yen = replace(attempt(2), currency="jpy")
    first = replace(NOTHING_YET, attempts=(attempt(1), yen))
    facts = (*paid(1), checkout(number=2, currency="jpy"), paid(2, noon(plus=9), currency="jpy")[1])
    known = folded(*facts, history=first)
    after = settled(known, "refund:auto-ch_2", amount=3000)
    expected = AuditEntry("settled_by_hand", "operator", 2, "refund:auto-ch_2", 3000, "jpy", "in cash")
    assert entries(session_of(known), session_of(after)) == [expected]


def test_what_was_tried_again_by_hand_is_said_once() -> None:
    first = RetriedByHand("refund:re_1", noon(plus=1), "operator:jo", "the bank was down")
    second = replace(first, retried_at=noon(plus=2), why="and is up now")
    known = replace(folded(), retried=(first,))
    after = replace(folded(), retried=(first, second))
    expected = AuditEntry("retried_by_hand", "operator:jo", 2, "refund:re_1", why="and is up now")
    assert entries(session_of(known), session_of(after)) == [expected]


# --- what Stripe told ---------------------------------------------------------------------------------------------


PAID = AuditEntry("paid", "stripe", 2, "pi_1", 8000, "aud")
CHARGED = AuditEntry("charged", "stripe", 2, "ch_1", 8000, "aud")


def test_that_money_came_and_was_charged_is_said_as_each_is_learnt() -> None:
    assert learnt(folded(), *paid()) == [PAID, CHARGED]
    assert learnt(folded(), charge()) == [CHARGED]
    assert learnt(folded(checkout()), charge()) == [CHARGED]
    assert learnt(folded(charge()), checkout()) == [PAID]


def test_a_second_payment_goes_back_by_our_own_rule_and_for_its_reason() -> None:
    assert learnt(folded(*paid(), count=2), *paid(2, noon(plus=2))) == [
        AuditEntry("paid", "stripe", 2, "pi_2", 8000, "aud"),
        AuditEntry("charged", "stripe", 2, "ch_2", 8000, "aud"),
        AuditEntry("goes_back", "rule", 2, "pi_2", why="duplicate"),
    ]


def test_a_cancellation_sends_back_what_was_paid_before() -> None:
    history = folded(*paid())
    assert entries(session_of(history), session_of(history, **CANCELED)) == [
        AuditEntry("canceled", BY, why="payments go back"),
        AuditEntry("goes_back", "rule", 2, "pi_1", why="canceled"),
    ]


def test_another_reason_for_which_it_goes_back_is_said_too() -> None:
    history = folded(*paid(at=END))
    before, after = session_of(history), session_of(history, **CANCELED)
    assert AuditEntry("goes_back", "rule", 2, "pi_1", why="canceled") in entries(before, after)
    assert entries(after, after) == []


def test_a_reason_to_send_it_back_that_is_no_more_is_not_said() -> None:
    history = folded(*paid(at=END))
    (entry,) = entries(session_of(history), session_of(history, end_time=END + HOUR))
    assert entry.what == "rescheduled"


STRANGE = AuditEntry("not_accepted", "rule", 2, "pi_1", why="it is not what was asked for")


def test_money_that_is_not_what_was_asked_for_is_said_once() -> None:
    strange = checkout(amount=100)
    paid_strangely = replace(PAID, amount=100)
    assert learnt(folded(), strange) == [paid_strangely, STRANGE]
    assert learnt(folded(charge()), strange) == [paid_strangely, STRANGE]
    assert learnt(folded(strange), charge()) == [CHARGED]


def test_money_that_turns_out_not_to_be_what_was_asked_for_is_said_then() -> None:
    assert learnt(folded(checkout()), charge(amount=100)) == [replace(CHARGED, amount=100), STRANGE]


def test_a_refund_is_said_in_each_of_its_states_with_its_reason() -> None:
    pending = refund("1", 1000, RefundStatus.PENDING)
    ours = RefundSeen(replace(pending.refund, reason=RefundReason.DUPLICATE))
    assert learnt(folded(*paid()), ours) == [
        AuditEntry("refund_pending", "stripe", 2, "re_1", 1000, "aud", "duplicate"),
    ]
    assert learnt(folded(*paid(), pending), refund("1", 1000)) == [
        AuditEntry("refund_succeeded", "stripe", 2, "re_1", 1000, "aud"),
    ]


def test_a_refund_has_the_currency_of_its_own_charge() -> None:
    before = folded(*paid(1, currency="nzd"), *paid(2), count=2)
    assert learnt(before, refund("1", 1000, of=2)) == [
        AuditEntry("refund_succeeded", "stripe", 2, "re_1", 1000, "aud"),
    ]


def test_a_refund_of_a_payment_or_charge_not_yet_known_has_no_currency() -> None:
    expected = [AuditEntry("refund_succeeded", "stripe", 2, "re_1", 1000)]
    assert learnt(folded(), refund("1", 1000)) == expected
    assert learnt(folded(checkout()), refund("1", 1000)) == expected


def test_a_dispute_is_said_in_each_of_its_states() -> None:
    opened = dispute(DisputeStatus.OPEN)
    assert learnt(folded(), opened) == [AuditEntry("dispute_open", "stripe", 2, "dp_1", 8000)]
    assert learnt(folded(opened), dispute(DisputeStatus.LOST)) == [
        AuditEntry("dispute_lost", "stripe", 2, "dp_1", 8000),
    ]


def test_what_was_known_of_one_participant_is_not_taken_for_another_ones() -> None:
    before = session_of(folded(*paid()))
    third = Participant(3, Role.GUEST, NOON, key_id=1, fee=FEE, history=folded(*paid()))
    assert entries(before, replace(before, participants=(*before.participants, third))) == [
        AuditEntry("added", BY, 3),
        AuditEntry("fee_set", BY, 3, None, 8000, "aud"),
        replace(PAID, number=3),
        replace(CHARGED, number=3),
    ]
