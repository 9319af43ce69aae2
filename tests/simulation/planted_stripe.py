"""Products with a bug planted in each, for what Stripe does beyond the ordinary: refusals, money owed again.

As in `planted.py`, a bug is planted where the product is put together.
"""

from __future__ import annotations

from dataclasses import replace

from typing_extensions import override

from chalicelib.domain.facts import Attempt, CheckoutSeen, RefundSeen
from chalicelib.domain.obligations import MakeRefund
from chalicelib.domain.refusals import Refusal
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import AccountGoneError, StripeApi, StripeRefusedError
from sandbox.stripe_standin.errors import JsonObject
from tests.simulation.planted import WithApi, WithDoor
from tests.simulation.stage import Stage


class NeverSaysWhyApi(StripeApi):
    """I1: whatever Stripe refuses a page for, nobody pays, although a card would do, or no share of the platform's."""

    @override
    def create_checkout(self, attempt: Attempt, deadline: Deadline) -> CheckoutSeen:
        try:
            return super().create_checkout(attempt, deadline)
        except AccountGoneError:
            raise
        except StripeRefusedError as error:
            raise StripeRefusedError(Refusal()) from error


class NeverSaysWhy(WithApi):
    api = NeverSaysWhyApi


class ForgetsTheRuleApi(StripeApi):
    """I1: a refund that the rules made is taken for one that people asked for."""

    @override
    def refund(self, act: MakeRefund, round_: int, deadline: Deadline) -> RefundSeen:
        seen = super().refund(act, round_, deadline)
        return replace(seen, refund=replace(seen.refund, decision_id=None))


class ForgetsTheRule(WithApi, WithDoor):
    api = ForgetsTheRuleApi

    @override
    def _read(self, event: JsonObject) -> JsonObject | None:
        thing = event["data"]["object"]
        if thing["object"] == "refund":
            thing["metadata"].pop("anteroom_refund", None)
        return event


PLANTED_AT_STRIPE: tuple[tuple[str, type[Stage], int], ...] = (
    ("I1", NeverSaysWhy, 400),
    ("I1", ForgetsTheRule, 400),
)
"""Which invariant finds each, within how many histories."""
