"""What a page says about money that went, goes or stays: each state of the facts has its sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.facts import (
    AttemptState,
    ChargedAgain,
    DisputeStatus,
    PaymentHistory,
    PendingReason,
    Refund,
    RefundDecision,
    RefundReason,
    RefundStatus,
    RetriedByHand,
    SettledByHand,
    Trouble,
    Waiver,
)
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.refusals import Refusal
from chalicelib.domain.sessions import Participant
from chalicelib.flows.open_link import OpenedLink
from chalicelib.http.pages.money_notes import money_notes, payment_line
from chalicelib.http.pages.words import words_of
from tests.http.opened_links import (
    BEFORE,
    CANCELED,
    CANCELED_AT,
    END,
    FREE,
    GUEST,
    HOST,
    PAID,
    PAID_AT,
    PAYER,
    START,
    TEAM,
    attempt,
    dispute,
    opened,
    payer,
    payment,
    refund,
)

BEING = "Your payment of 80.00 AUD is being returned. It takes 5 to 10 business days to show on your statement."
SLOW = "Your payment of 80.00 AUD is being returned, which takes longer than usual. The clinic has been told."
WAITS = (
    "Your payment of 80.00 AUD is being returned, and waits for you: "
    "you were sent an e-mail that asks where it should go."
)
DONE = "Your payment of 80.00 AUD has been returned. It takes 5 to 10 business days to show on your statement."
FAILED = (
    "Your payment of 80.00 AUD could not be returned automatically. "
    "The clinic has been told: please contact the clinic."
)
SECOND_BEING = (
    "Your second payment of 80.00 AUD is being returned. It takes 5 to 10 business days to show on your statement."
)
BANK_PAID = "Your payment of 80.00 AUD went back to you through your bank."
KEPT = "The clinic keeps your payment of 80.00 AUD. If you have a question about it, please contact the clinic."
STAYS = "Your payment of 80.00 AUD stays with the clinic. If you have a question about it, please contact the clinic."
WHOM_TO_ASK = "The clinic named at the top of this page can let you pay again: please ask them."
NOTHING = "Nothing was paid with this link, and there is nothing to pay."

KEEPING = replace(CANCELED, keeps_payments=True)
AFTER = CANCELED_AT + timedelta(minutes=1)
IN_PROGRESS = replace(GUEST, history=PaymentHistory(attempts=(attempt(AttemptState.PROCESSING),)))
STRANGE = replace(GUEST, history=PaymentHistory(payments=(payment(9),)))
_MORE = replace(payment().charge, amount=8800)  # type: ignore[type-var]
STRANGE_AND_BACK = replace(
    PAYER,
    history=replace(
        PAID, payments=(replace(payment(), charge=_MORE),), refunds=(refund(RefundStatus.SUCCEEDED, 8800, "asked"),)
    ),
)
UNDATED = replace(GUEST, history=replace(PAID, payments=(payment(paid_at=None),)))
LATE = replace(GUEST, history=replace(PAID, payments=(payment(paid_at=AFTER),)))
AFTER_END = replace(GUEST, history=replace(PAID, payments=(payment(paid_at=END),)))
GIVEN_UP = payer(troubles=(Trouble("refund:auto-ch_1", 9, PAID_AT, None, "account gone"),))
REFUSED = payer(
    troubles=(Trouble("refund:auto-ch_1", 1, PAID_AT, AFTER, "refused", refusal=Refusal("insufficient_funds")),)
)
RETRIED = payer(troubles=(Trouble("refund:auto-ch_1", 2, PAID_AT, AFTER, "no answer"),))
GIVEN = SettledByHand("", AFTER, "staff", "paid in cash", is_given=True, amount=8000, because=None)
BY_HAND = replace(
    GUEST,
    history=replace(PAID, settled=(replace(GIVEN, key="refund:auto-ch_1", because=RefundReason.CANCELED),)),
)
KEPT_BY_HAND = replace(BY_HAND.history.settled[0], is_given=False, because=RefundReason.CANCELED)
LET_BE = replace(GUEST, history=replace(PAID, settled=(KEPT_BY_HAND,)))
SENT_AGAIN = replace(
    GUEST,
    history=replace(
        PAID,
        refunds=(refund(RefundStatus.FAILED),),
        retried=(RetriedByHand("refund:re_8000", AFTER, "staff", "again"),),
        decisions=(RefundDecision("again", "pi_1", 8000, AFTER, "staff"),),
    ),
)
UNFOUND = replace(
    GUEST,
    history=replace(
        UNDATED.history,
        settled=(replace(GIVEN, key="charge:pi_1", amount=0),),
        decisions=(RefundDecision("asked", "pi_1", 3000, AFTER, "staff"),),
    ),
)
LET_BE_IN_PART = replace(
    GUEST,
    history=replace(
        PAID,
        refunds=(refund(RefundStatus.FAILED, 3000, "asked"),),
        settled=(replace(KEPT_BY_HAND, key="refund:re_3000", amount=3000),),
    ),
)
ASKED = replace(dispute(DisputeStatus.OPEN), is_inquiry=True, is_refundable=True)
TWICE = replace(
    GUEST,
    history=PaymentHistory(
        attempts=(attempt(AttemptState.PAID), attempt(AttemptState.PAID, 2)),
        payments=(payment(), payment(2, PAID_AT + timedelta(minutes=1))),
    ),
)


@pytest.mark.parametrize(
    ("link", "note"),
    [
        (opened(session=CANCELED), NOTHING),
        (opened(PAYER, session=CANCELED), BEING),
        (opened(RETRIED, session=CANCELED), BEING),
        (opened(REFUSED, session=CANCELED), SLOW),
        (opened(payer(refund(RefundStatus.PENDING)), session=CANCELED), BEING),
        (opened(payer(refund(RefundStatus.SUCCEEDED)), session=CANCELED), DONE),
        (opened(payer(refund(RefundStatus.FAILED)), session=CANCELED), FAILED),
        (opened(payer(refund(RefundStatus.CANCELED)), session=CANCELED), FAILED),
        (opened(GIVEN_UP, session=CANCELED), FAILED),
        (opened(BY_HAND, session=CANCELED), "Your payment of 80.00 AUD has been given back to you by the clinic."),
        (opened(LET_BE, session=CANCELED), STAYS),
        (opened(payer(disputes=(dispute(DisputeStatus.LOST),)), session=CANCELED), BANK_PAID),
        (
            opened(payer(disputes=(dispute(DisputeStatus.OPEN),)), session=CANCELED),
            "Your bank is looking into your payment of 80.00 AUD, and decides what becomes of it.",
        ),
        (opened(payer(disputes=(dispute(DisputeStatus.WON),)), session=CANCELED), BEING),
        (
            opened(IN_PROGRESS, session=CANCELED),
            "Your bank is still working on your payment. If it goes through, it is returned to you in full.",
        ),
        (
            opened(STRANGE, session=CANCELED),
            "Your payment did not arrive as expected. The clinic has been told: please contact the clinic.",
        ),
        (
            opened(UNDATED, session=CANCELED),
            "Your payment of 80.00 AUD has arrived. Open this link again in a few minutes to see what becomes of it.",
        ),
        (opened(PAYER, session=KEEPING), KEPT),
        (opened(LATE, session=KEEPING), BEING),
        (
            opened(IN_PROGRESS, session=KEEPING),
            "Your bank is still working on your payment. If you have a question about it, please contact the clinic.",
        ),
        (opened(replace(PAYER, deleted_at=CANCELED_AT)), BEING),
        (opened(replace(PAYER, deleted_at=CANCELED_AT, keeps_payment=True)), KEPT),
        (opened(now=END), NOTHING),
        (opened(PAYER, now=END), "You paid 80.00 AUD."),
        (opened(AFTER_END, now=END), BEING),
        (opened(payer(refund(RefundStatus.SUCCEEDED, decision_id="asked"))), DONE),
        (opened(payer(refund(RefundStatus.PENDING, decision_id="asked"))), BEING),
        (opened(payer(disputes=(dispute(DisputeStatus.LOST),))), BANK_PAID),
        (
            opened(payer(refund(RefundStatus.PENDING, 2000, "asked")), now=START),
            "20.00 AUD of your payment is being returned. It takes 5 to 10 business days to show on your statement.",
        ),
        (
            opened(payer(refund(RefundStatus.SUCCEEDED, 2000, "asked")), now=START),
            "20.00 AUD of your payment has been returned. It takes 5 to 10 business days to show on your statement.",
        ),
        (
            opened(payer(disputes=(dispute(DisputeStatus.OPEN),)), now=START),
            "Your bank is looking into your payment of 80.00 AUD.",
        ),
        (opened(payer(disputes=(ASKED,)), session=CANCELED), BEING),
        (opened(payer(refund(RefundStatus.SUCCEEDED, decision_id="asked"), disputes=(ASKED,))), DONE),
        (opened(payer(disputes=(ASKED,)), now=START), "Your bank is looking into your payment of 80.00 AUD."),
        (opened(TWICE), SECOND_BEING),
        (opened(payer(refund(RefundStatus.SUCCEEDED))), DONE),
        (opened(payer(refund(RefundStatus.PENDING)), now=START), BEING),
        (opened(payer(refund(RefundStatus.SUCCEEDED), refund(RefundStatus.FAILED, 1))), DONE),
        (opened(STRANGE_AND_BACK), DONE.replace("80.00", "88.00")),
    ],
)  # fmt: skip
def test_the_client_reads_what_becomes_of_their_money(link: OpenedLink, note: str) -> None:
    assert money_notes(link) == (note,)


@pytest.mark.parametrize(
    ("reader", "amount"), [(payer(refund(RefundStatus.SUCCEEDED)), "80.00"), (STRANGE_AND_BACK, "88.00")]
)
def test_of_money_that_went_back_nobody_reads_later_that_nothing_was_paid(reader: Participant, amount: str) -> None:
    assert money_notes(opened(reader, now=END)) == (DONE.replace("80.00", amount), "There is nothing to pay.")


@pytest.mark.parametrize(
    "link",
    [
        opened(),
        opened(IN_PROGRESS),
        opened(STRANGE),
        opened(PAYER),
        opened(PAYER, now=START),
        opened(FREE, session=CANCELED),
        opened(FREE, now=END),
        opened(HOST, session=CANCELED),
    ],
)
def test_where_the_headline_says_all_there_is_no_note(link: OpenedLink) -> None:
    assert money_notes(link) == ()


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (PaymentStatus.NOT_REQUIRED, None),
        (PaymentStatus.UNPAID, "Not paid yet"),
        (PaymentStatus.PROCESSING, "Your bank is working on it"),
        (PaymentStatus.PAID, "Paid"),
        (PaymentStatus.WAIVED, "Nothing to pay"),
        (PaymentStatus.PARTIALLY_REFUNDED, "Paid, partly returned"),
        (PaymentStatus.REFUNDED, "Returned"),
        (PaymentStatus.DISPUTED, "Paid; your bank is looking into it"),
    ],
)
def test_every_status_has_its_few_words(status: PaymentStatus, line: str | None) -> None:
    assert payment_line(status) == line


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (PaymentStatus.PARTIALLY_REFUNDED, "Paid, partly being returned"),
        (PaymentStatus.REFUNDED, "Being returned"),
        (PaymentStatus.PAID, "Paid"),
    ],
)
def test_what_is_on_its_way_back_is_not_called_returned(status: PaymentStatus, line: str) -> None:
    assert payment_line(status, comes_back=True) == line


@pytest.mark.parametrize("now", [BEFORE, START, END])
def test_who_was_let_in_before_their_bank_answered_reads_that_what_arrives_comes_back(now: datetime) -> None:
    waiver = Waiver(BEFORE, "staff", "paid by debit")
    waived = replace(IN_PROGRESS, history=replace(IN_PROGRESS.history, waiver=waiver))
    assert money_notes(opened(waived, now)) == (
        "Your bank is still working on your payment. If it goes through, it is returned to you in full.",
    )
    assert money_notes(opened(replace(GUEST, history=PaymentHistory(waiver=waiver)), now)) == ()


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (RefundStatus.PENDING, "Your payment is on its way back to you, so this link can’t let you in."),
        (RefundStatus.SUCCEEDED, "Your payment went back to you, so this link can’t let you in."),
    ],
)
def test_that_a_payment_went_back_is_said_once_it_did(status: RefundStatus, sentence: str) -> None:
    assert words_of(opened(payer(refund(status, decision_id="asked")))).sentences == (sentence, WHOM_TO_ASK)


# --- charged again ----------------------------------------------------------------------------------------------------

AGAIN = ChargedAgain(AFTER, "api_client:1", "refunded in error")
EARLIER = f"Your earlier payment of 80.00 AUD has been returned. {DONE.partition('returned. ')[2]}"
NO_MORE = "There is nothing to pay."


def charged_again(*refunds: Refund, history: PaymentHistory = PAID, **changes: Any) -> Participant:
    return replace(GUEST, history=replace(history, refunds=refunds, charged_again=AGAIN, **changes))


BACK = refund(RefundStatus.SUCCEEDED, decision_id="asked")


@pytest.mark.parametrize(
    ("link", "notes"),
    [
        (opened(charged_again(BACK)), (EARLIER,)),
        (
            opened(charged_again(disputes=(dispute(DisputeStatus.LOST),))),
            ("Your earlier payment of 80.00 AUD went back to you through your bank.",),
        ),
        (opened(charged_again(BACK, history=TWICE.history)), (EARLIER,)),
        (opened(charged_again(BACK), now=END), (EARLIER, NO_MORE)),
    ],
)
def test_who_is_asked_again_reads_what_became_of_what_they_paid(link: OpenedLink, notes: tuple[str, ...]) -> None:
    assert money_notes(link) == notes


def test_who_has_paid_once_and_cannot_pay_again_is_not_told_that_nothing_was_charged() -> None:
    barred = opened(charged_again(BACK), team=replace(TEAM, suspended=True))
    assert words_of(barred).sentences == (
        "The clinic can’t take payments just now.",
        "Please contact the clinic, or try again later.",
    )


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"pending_reason": PendingReason.PROCESSING}, BEING),
        ({"pending_reason": PendingReason.CHARGE_PENDING}, BEING),
        ({"pending_reason": PendingReason.INSUFFICIENT_FUNDS}, SLOW),
        ({"created_at": BEFORE - timedelta(days=10)}, BEING),
        ({"created_at": BEFORE - timedelta(days=10, seconds=1)}, SLOW),
        ({"requires_action": True}, WAITS),
        ({"requires_action": True, "created_at": BEFORE - timedelta(days=30)}, WAITS),
    ],
)
def test_the_payer_reads_what_holds_up_their_money(changes: dict[str, Any], note: str) -> None:
    held = replace(refund(RefundStatus.PENDING), **changes)
    assert money_notes(opened(payer(held), session=CANCELED)) == (note,)


def test_of_what_counts_both_is_told_what_was_refunded_and_what_the_clinic_gave_another_way() -> None:
    given = replace(GIVEN, key="refund:re_3000", amount=3000)
    failed = refund(RefundStatus.FAILED, 3000, "asked")
    both = payer(failed, refund(RefundStatus.SUCCEEDED, 2000, "also"))
    assert money_notes(opened(replace(both, history=replace(both.history, settled=(given,))))) == (
        "20.00 AUD of your payment has been returned. It takes 5 to 10 business days to show on your statement.",
        "30.00 AUD of your payment has been given back to you by the clinic.",
    )
    alone = payer(failed)
    assert money_notes(opened(replace(alone, history=replace(alone.history, settled=(given,))))) == (
        "30.00 AUD of your payment has been given back to you by the clinic.",
    )


BACK_IN_PART = refund(RefundStatus.FAILED, 3000, "asked")
ON_STATEMENT = "It takes 5 to 10 business days to show on your statement."
CONTACT = "could not be returned automatically. The clinic has been told: please contact the clinic."


@pytest.mark.parametrize(
    ("link", "notes"),
    [
        # What failed is nobody's to send again but a person's, whatever else goes back.
        (opened(payer(refund(RefundStatus.FAILED, decision_id="asked")), session=CANCELED), (FAILED,)),
        (opened(payer(BACK_IN_PART)), (f"30.00 AUD of your payment {CONTACT}",)),
        (
            opened(payer(BACK_IN_PART), session=CANCELED),
            (
                f"50.00 AUD of your payment is being returned. {ON_STATEMENT}",
                f"30.00 AUD of your payment {CONTACT}",
            ),
        ),
        (
            opened(payer(BACK_IN_PART, refund(RefundStatus.SUCCEEDED, 5000)), session=CANCELED),
            (f"50.00 AUD of your payment has been returned. {ON_STATEMENT}", f"30.00 AUD of your payment {CONTACT}"),
        ),
        (opened(payer(refund(RefundStatus.SUCCEEDED, 5000)), session=CANCELED),
            (f"50.00 AUD of your payment has been returned. {ON_STATEMENT}", f"30.00 AUD of your payment {CONTACT}"),
        ),
        # A failed return that is sent again is on its way.
        (opened(SENT_AGAIN, session=CANCELED), (BEING,)),
        # A bank that took a part says how much; the rest is the clinic's to see to.
        (
            opened(payer(disputes=(replace(dispute(DisputeStatus.LOST), amount=3000),)), session=CANCELED),
            ("30.00 AUD of your payment went back to you through your bank.", f"50.00 AUD of your payment {CONTACT}"),
        ),
        (
            opened(payer(disputes=(replace(dispute(DisputeStatus.LOST), amount=3000),))),
            ("30.00 AUD of your payment went back to you through your bank.",),
        ),
        # Where nobody finds the charge, nothing can be sent.
        (opened(UNFOUND), (f"30.00 AUD of your payment {CONTACT}",)),
        # What a person let be stays.
        (
            opened(LET_BE_IN_PART, session=CANCELED),
            (
                f"50.00 AUD of your payment is being returned. {ON_STATEMENT}",
                STAYS.replace("Your payment of 80.00 AUD", "30.00 AUD of your payment"),
            ),
        ),
    ],
)  # fmt: skip
def test_each_part_of_a_payment_is_told_with_what_becomes_of_it(link: OpenedLink, notes: tuple[str, ...]) -> None:
    assert money_notes(link) == notes
