"""What a clinic decides about money that was asked for: give it back, ask again, let somebody in. One flow each."""

from __future__ import annotations

from chalicelib.flows.charge_again import charging_again
from chalicelib.flows.context import Context
from chalicelib.flows.refund import refunding
from chalicelib.flows.waive import waiving
from chalicelib.http.auth import caller_of
from chalicelib.http.exchange import Answer, Request
from chalicelib.http.idempotency import HEADER, made_once, with_replay
from chalicelib.http.operations import operation
from chalicelib.http.participant_routes import participant_id_of, shown
from chalicelib.http.problems import HttpError
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import ChargeAgainIn, ParticipantOut, RefundIn, WaiveIn
from chalicelib.http.shapes import View
from chalicelib.http.wishes import charge_again_reason, refund_wish, waiver_reason

_KEY_NEEDED = (
    "a refund of an amount needs an Idempotency-Key, since a repetition of it would otherwise be a second refund: "
    "send any text of your own with it, and the same one when you repeat it"
)


def add_routes(routes: Routes) -> None:
    routes.add("/v1/participants/{participant_id}/refund", POST=refund_payment)
    routes.add("/v1/participants/{participant_id}/charge-again", POST=charge_fee_again)
    routes.add("/v1/participants/{participant_id}/waive", POST=waive_fee)


@operation("Refund a payment", tag="Money", body=RefundIn, answers={200: ParticipantOut}, errors=(409,))
def refund_payment(ctx: Context, request: Request) -> Answer:
    """All that is left, or an `amount`, which needs an `Idempotency-Key`: 400 without one. No body is needed for all.

    The answer shows how far the refund has come. 409 where nothing was paid, nothing is left, or the payer disputes
    the payment with their bank. `charge` names one of `payment.charges`; without it, the one that pays the fee. Who
    paid twice has several: until the others are back, 422 without it. A payment that is not the one that was asked for
    (`is_accepted` in `GET /v1/payments`) goes back by its `charge` alone: 422 without it.
    """
    caller, participant_id, wish = caller_of(ctx, request), participant_id_of(request), refund_wish(request)
    if wish.amount is not None and HEADER not in request.headers:
        raise HttpError(400, _KEY_NEEDED)
    effect = refunding(ctx.acting_for(caller.who), caller.team.team_id, participant_id, wish)
    made = made_once(ctx, request, caller, effect)
    return with_replay(shown(made.result, View(ctx.settings, ctx.clock(), team=caller.team)), made)


@operation("Charge a fee again", tag="Money", body=ChargeAgainIn, answers={200: ParticipantOut}, errors=(409,))
def charge_fee_again(ctx: Context, request: Request) -> Answer:
    """Who was refunded in full, by whatever way, or took the money back through their bank, is asked to pay once more.

    The fee is `unpaid`, and their link offers it again. 409 while anything that pays it is held, under way or disputed.
    Again is silent until they have paid. Should that refund fail, or that dispute be won after all, one of the payments
    is kept, and any other goes back.
    """
    caller, participant_id, reason = caller_of(ctx, request), participant_id_of(request), charge_again_reason(request)
    effect = charging_again(ctx.acting_for(caller.who), caller.team.team_id, participant_id, reason)
    made = made_once(ctx, request, caller, effect)
    return with_replay(shown(made.result, View(ctx.settings, ctx.clock(), team=caller.team)), made)


@operation("Waive a fee", tag="Money", body=WaiveIn, answers={200: ParticipantOut}, errors=(409,))
def waive_fee(ctx: Context, request: Request) -> Answer:
    """They are let in without paying: paid at the desk, insured. An open page at Stripe is closed first; 409 if paid.

    Again is silent. What is paid all the same goes back in full. Who was refunded in full may be let in by it.
    """
    caller, participant_id, reason = caller_of(ctx, request), participant_id_of(request), waiver_reason(request)
    effect = waiving(ctx.acting_for(caller.who), caller.team.team_id, participant_id, reason)
    made = made_once(ctx, request, caller, effect)
    return with_replay(shown(made.result, View(ctx.settings, ctx.clock(), team=caller.team)), made)
