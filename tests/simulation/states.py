"""The interesting states that a simulation must come by, counted; one that is never reached is a defect of it."""

from __future__ import annotations

from collections import Counter

from chalicelib.domain.concerns import attention
from chalicelib.domain.facts import AttemptState, RefundReason
from tests.simulation.stage import Stage
from tests.simulation.truth import OURS, Truth, truth_of

OF_STRIPE = (
    "a part disputed",
    "disputed in another currency",
    "asked about by the bank",
    "an inquiry became a dispute",
    "refunded in the dashboard in an inquiry",
    "a dispute over a part lost",
    "a dispute in another currency lost",
    "paid in another currency",
    "paid in another currency, by debit",
    "a way of paying turned off",
    "a way of paying turned on again",
    "offered without a way of paying that was refused",
    "offered without the platform's fee, which was refused",
    "the platform's fees refused while a page was open",
    "a balance topped up",
    "moved while the bank was at work",
    "moved far off while the bank was at work",
    "waived while the bank was at work",
    "moved after a late payment went back",
    "charged again",
    "a refund by rule failed after another payment",
    "a payment that is not ours refunded in full",
    "an account away for a week",
    "refunded in the dashboard while the account was away",
    "disputed while the account was away",
    "a dispute lost while the account was away",
    "a refund failed while the account was away",
)
"""Noted, too: what Stripe does beyond the ordinary (`stripe_chance.py`)."""

NOTED = (
    "entered the room",
    "processing, then paid in time",
    "processing, then paid after the end",
    "processing, then failed in time",
    "processing, then failed after the end",
    "refunded in the dashboard",
    "a refund asked for twice",
    "a refund failed",
    "a refund failed, then was retried by hand",
    "retried by hand",
    "settled by hand",
    "given back by hand",
    "let be by hand",
    "waived with an open page",
    "waived after a refund",
    "disputed",
    "dispute won",
    "dispute lost",
    "paid although expired",
    "two pages could be paid at once",
    "a payment that is not ours",
    "cancelled while a page was open",
    "cancelled while the bank was at work",
    "paid in the middle of: Cancel",
    "paid in the middle of: Remove",
    "paid in the middle of: ChangeFee",
    "paid in the middle of: Waive",
    "change of fee refused, since paid",
    "change of fee races with payment",
    "a webhook parked",
    "a parked event replayed",
    "reconciled, and something was found",
    "asked to try again",
    "the process died",
    "died after Stripe's effect",
    "a 500 that sticks to its key",
    "looked for by listing",
    "an account left with an open page",
    "an account left with a payment",
    "an account left with a refund owed",
    "an account left with a bank at work",
    "an account left with a dispute open",
    "connected again under the same id",
    "connected again under another id",
    "a late goodbye after a newer connection",
    "a page paid that nobody can see",
    "an offer out of reach settled by an operator",
    "waived beside an offer out of reach",
    "not asked to pay beside an offer out of reach",
    "disconnect refused, since money is on it",
    "disconnected by force",
    "the plan changed while a page was open",
    "suspended while a page was open",
    "restricted while a page was open",
    *OF_STRIPE,
)
"""Noted by deeds and the play as they happen."""

SEEN = (
    "paid",
    "paid after the end",
    "paid after the cancellation",
    "paid after the removal",
    "paid, then moved to another time",
    "two charges",
    "an automatic refund",
    "an automatic refund of a platform fee",
    "a partial refund",
    "a partial refund, then the rest",
    "a refund of a disputed charge is owed",
    "a dispute lost after the cancellation",
    "needs attention",
    "no webhook ever, yet paid",
    "an offer replaced by another",
    "an offer void",
    "an offer void, then another paid",
    "the fee changed while a page was open",
    "payments kept after a cancellation",
    "a refund owed on an account that stays away",
    "a refund refused",
    "paid again for what went back by rule",
    "paid again after it was charged again",
    *(f"given back: {reason.value}" for reason in RefundReason),
)
"""Found in the end, in what Stripe and the product hold."""

STATES = (*NOTED, *SEEN)


def reached_in_the_end(stage: Stage, webhooks_lost: bool) -> None:  # noqa: FBT001 (a fact of the history)
    for guest, session, participant in stage.guests():
        for state in _of_guest(stage, truth_of(stage, guest, session, participant), webhooks_lost):
            stage.reach(state)
    for one in stage.notes.asked:
        if one.method == "GET" and one.path == "/v1/checkout/sessions":
            stage.reach("looked for by listing")


def _of_guest(stage: Stage, truth: Truth, webhooks_lost: bool) -> list[str]:  # noqa: FBT001 (as above)
    session, participant, found = truth.session, truth.participant, []
    states = [attempt.state for attempt in participant.history.attempts]
    amounts = {one["amount_total"] for one in truth.checkouts}
    checks = {
        "paid": bool(truth.charged),
        "two charges": len(truth.charged) > 1,
        "no webhook ever, yet paid": webhooks_lost and any(one.held > 0 for one in truth.charged),
        "an automatic refund": any(one.automatic for one in truth.charged),
        "an automatic refund of a platform fee": any(
            one.automatic and one.charge["application_fee"] for one in truth.charged
        ),
        "a refund of a disputed charge is owed": any(truth.goes_back(one) and one.is_disputed for one in truth.charged),
        "a partial refund": any(0 < one.requested < one.amount for one in truth.charged),
        "a partial refund, then the rest": any(
            one.requested > 0 and one.held == 0 < one.parts for one in truth.charged
        ),
        "a dispute lost after the cancellation": bool(session.canceled_at) and any(one.lost for one in truth.charged),
        "a refund refused": any(one.key.startswith("refund:") and one.refusal for one in participant.history.troubles),
        "paid again for what went back by rule": any(one.automatic and not one.held for one in truth.candidates)
        and any(one.held > 0 for one in truth.candidates),
        "paid again after it was charged again": participant.history.charged_again is not None
        and len(truth.charged) > 1
        and any(one.held > 0 for one in truth.candidates),
        "needs attention": attention(session, participant, stage.now()) is not None,
        "an offer replaced by another": len(truth.checkouts) > 1,
        "an offer void": AttemptState.VOID in states,
        "an offer void, then another paid": AttemptState.VOID in states and AttemptState.PAID in states,
        "the fee changed while a page was open": len(amounts) > 1,
        "paid, then moved to another time": bool(truth.charged) and truth.guest.place in stage.notes.rescheduled,
        "payments kept after a cancellation": session.keeps_payments and any(one.held for one in truth.charged),
        "a refund owed on an account that stays away": any(
            truth.goes_back(one) and one.held > 0 and stage.is_away(one.account) for one in truth.charged
        ),
    }
    found += [state for state, is_so in checks.items() if is_so]
    for one in truth.charged:
        found += _of_payment_time(truth, one.paid_at)
        found += [
            f"given back: {refund['metadata']['anteroom_reason']}"
            for refund in one.refunds
            if OURS in refund["metadata"]
        ]
    return found


def _of_payment_time(truth: Truth, paid_at: int) -> list[str]:
    moments = {
        "paid after the end": truth.session.end_time,
        "paid after the cancellation": truth.session.canceled_at,
        "paid after the removal": truth.participant.deleted_at,
    }
    return [state for state, at in moments.items() if at is not None and paid_at >= int(at.timestamp())]


def table(reached: Counter[str], histories: int) -> str:
    """All of them with their counts, as text."""
    width = max(map(len, (*STATES, *reached)))
    lines = [
        f"{state:<{width}}  {reached[state]:>9,}  {reached[state] / histories:>8.2f} a history" for state in STATES
    ]
    return "\n".join(lines)


def never_reached(reached: Counter[str]) -> list[str]:
    return [state for state in STATES if not reached[state]]
