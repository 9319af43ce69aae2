"""What of each payment is to go back, and who sees to it: what we owe, what waits for a person, what stays.

The law:

* What was refunded, given back another way, or taken by the bank is back. Nothing goes back a second time.
* Of what is left, what people decided comes first. Then what failed as a refund: that is a person's, until they have
  said what became of it. Then, of a payment that goes back by rule, all the rest, by one automatic refund.
* What that one fell short of is a person's, too.
* What people said need not go back stays, as long as it would go back for the reason that it would have then.
* Money that is not what was asked for goes back only as people decide: no rule says what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from chalicelib.domain.disputes import charged_back, foreign_losses, is_disputed
from chalicelib.domain.facts import Payment, PaymentHistory, Refund, RefundDecision, RefundReason
from chalicelib.domain.money import Money
from chalicelib.domain.payments import Judged, Owing, is_unproven, judge, money_of
from chalicelib.domain.refunds import (
    automatic_refund_id,
    decisions_of,
    failure_key,
    given_by_hand,
    is_automatic,
    lacks_refunds,
    let_be,
    made_after_all,
    open_failures,
    refund_key,
    refunded,
    refunds_of,
    rest_key,
    settled_keys,
    still_to_make,
)


@dataclass(frozen=True, slots=True)
class Returning:
    """One payment's money by what becomes of it, in minor units of `currency`; `amount`: all of it.

    `decided`: what people decided to give back and is not made; `failed`: what was made and failed, a person's; each
    with as much of it as is still missing. `automatic`: what goes back by rule and is not made; `rest`: what the
    automatic refund fell short of. `let_be`: what would go back by rule, but for a person. `excess`: what went
    back twice: people gave it another way, or the bank took it, and a refund brought it as well. `is_barred`: no refund
    of it can be made by us, since it is disputed, or since its charge is not known and a person has given up the
    search. `is_accepted`: it is money for an offer of ours.
    """

    payment: Payment
    because: RefundReason | None
    amount: int
    currency: str
    refunded: int
    given: int
    taken: int
    decided: tuple[tuple[RefundDecision, int], ...]
    failed: tuple[tuple[Refund, int], ...]
    automatic: int
    rest: int
    let_be: int
    excess: int
    is_barred: bool
    is_accepted: bool

    @property
    def left(self) -> int:
        """What nobody has given back, or decided to give back."""
        return self.amount - self.refunded - self.given - self.taken - self.automatic - _sum(self.decided)

    def money(self, amount: int) -> Money:
        """So much of it."""
        return Money(amount, self.currency)

    def parts(self) -> dict[str, int]:
        """What is to go back and did not yet, by the keys under which people see to it."""
        return self.ours() | self.peoples()

    def ours(self) -> dict[str, int]:
        """What an act of ours brings back, unless it is barred."""
        decided = {refund_key(decision.decision_id): amount for decision, amount in self.decided}
        charge = self.payment.charge
        by_rule = {refund_key(automatic_refund_id(charge.charge_id)): self.automatic} if charge else {}
        return {key: amount for key, amount in (decided | by_rule).items() if amount}

    def peoples(self) -> dict[str, int]:
        """What no act of ours will bring back."""
        failed = {failure_key(refund): amount for refund, amount in self.failed}
        charge = self.payment.charge
        short = {rest_key(charge.charge_id): self.rest} if charge else {}
        return {key: amount for key, amount in (failed | short).items() if amount}


def returnings(claim: Owing, history: PaymentHistory) -> tuple[Returning, ...]:
    """Of every payment that is money for an offer of ours; and of others of which people decided to give money back."""
    found = all_returnings(claim, history)
    return tuple(one for one in found if one.is_accepted or decisions_of(history, one.payment))


def all_returnings(claim: Owing, history: PaymentHistory) -> tuple[Returning, ...]:
    """The same, and of every other payment that people may give back."""
    judged = judge(claim, history)
    return tuple(
        returning(claim, history, one) for one in judged if one.accepted or can_be_asked_for(history, one.payment)
    )


def can_be_asked_for(history: PaymentHistory, payment: Payment) -> bool:
    """Whether people may give it back whatever it is: it was charged, and nobody is being asked what for."""
    return payment.charge is not None and not is_unproven(payment, history)


def returning(claim: Owing, history: PaymentHistory, judged: Judged) -> Returning:
    """What of this payment is to go back, and who sees to it."""
    payment, because = judged.payment, judged.return_because
    came, by_rule = money_of(payment), because is not None
    amount = came.amount
    back, given, taken = refunded(history, payment), given_by_hand(history, payment), charged_back(history, payment)
    left = amount - back - given - taken
    wanted = [(one, one.amount) for one in still_to_make(history, payment, by_rule=by_rule)]
    failures = [(one, one.amount) for one in open_failures(history, payment, by_rule=by_rule)]
    # What the bank took is not to be given once more; of all that goes back, it is not left.
    asked = left if by_rule else min(left, sum(share for _, share in (*wanted, *failures)) - taken)
    decided = _shares(wanted, asked)
    failed = _shares(failures, asked - _sum(decided))
    if lacks_refunds(history):
        # Stripe's own sum of refunds, which counts then, does not say what failed.
        failed = tuple(failures)
    left = max(0, left - _sum(decided) - _sum(failed))
    since = claim.closed_at if claim.returns else None
    stays = min(left, let_be(history, payment, because, since)) if because else 0
    owed = left - stays if because else 0
    is_made = any(is_automatic(payment, refund) for refund in refunds_of(history, payment))
    return Returning(
        payment=payment,
        because=because,
        amount=amount,
        currency=came.currency,
        refunded=back,
        given=given,
        taken=taken,
        decided=decided,
        failed=failed,
        automatic=0 if is_made else owed,
        rest=owed if is_made else 0,
        let_be=stays,
        excess=_excess(history, payment, amount),
        is_barred=is_disputed(history, payment) or _is_undated(history, payment),
        is_accepted=judged.accepted,
    )


def _is_undated(history: PaymentHistory, payment: Payment) -> bool:
    return payment.charge is None and charge_key(payment) in settled_keys(history)


def _excess(history: PaymentHistory, payment: Payment, amount: int) -> int:
    """Of a dispute in another currency nobody knows what it took, so nothing is said to be too much."""
    made = made_after_all(history, payment)
    if foreign_losses(history, payment):
        return made
    back = refunded(history, payment) + given_by_hand(history, payment) + charged_back(history, payment)
    return max(made, back - amount)


def charge_key(payment: Payment) -> str:
    """The key of the obligation to ask for a payment's charge."""
    return f"charge:{payment.payment_intent_id}"


def excess_key(payment: Payment) -> str:
    """The key of what went back twice."""
    return f"excess:{payment.payment_intent_id}"


_Wanted = TypeVar("_Wanted")


def _shares(wanted: list[tuple[_Wanted, int]], left: int) -> tuple[tuple[_Wanted, int], ...]:
    """Of what is left, as much as each wants, in their order; without those for whom nothing is."""
    shares = []
    for one, amount in wanted:
        share = min(amount, left)
        if share > 0:
            shares.append((one, share))
            left -= share
    return tuple(shares)


def _sum(shares: tuple[tuple[object, int], ...]) -> int:
    return sum(share for _, share in shares)
