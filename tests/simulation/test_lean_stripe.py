"""The lean client against Stripe's own library: the same answers, the same errors, and as many requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.gateways.stripe_api import StripeError
from chalicelib.gateways.stripe_connect import StripeConnect
from tests.simulation.stage import CONNECTED, SECOND, Stage
from tests.support.platform import OAUTH_ID

Ask = Callable[[Stage, StripeConnect], object]


def exchanges(stage: Stage, connect: StripeConnect) -> object:
    return connect.exchange(stage.stripe.grant(SECOND), stage.ctx.deadline)


def exchanges_twice(stage: Stage, connect: StripeConnect) -> object:
    code = stage.stripe.grant(SECOND)
    connect.exchange(code, stage.ctx.deadline)
    return connect.exchange(code, stage.ctx.deadline)


def exchanges_a_forged_code(stage: Stage, connect: StripeConnect) -> object:
    return connect.exchange("ac_forged", stage.ctx.deadline)


def gives_back(stage: Stage, connect: StripeConnect) -> object:
    connect.deauthorize(OAUTH_ID, CONNECTED, stage.ctx.deadline)
    return None


def gives_back_what_it_has_not(stage: Stage, connect: StripeConnect) -> object:
    connect.deauthorize(OAUTH_ID, SECOND, stage.ctx.deadline)
    return None


def gives_back_nothing(stage: Stage, connect: StripeConnect) -> object:
    connect.deauthorize(OAUTH_ID, "", stage.ctx.deadline)
    return None


def reads_an_account(stage: Stage, connect: StripeConnect) -> object:
    return connect.account(CONNECTED, stage.ctx.deadline)


def reads_an_account_that_is_gone(stage: Stage, connect: StripeConnect) -> object:
    return connect.account(SECOND, stage.ctx.deadline)


ASKS = (
    exchanges,
    exchanges_twice,
    exchanges_a_forged_code,
    gives_back,
    gives_back_what_it_has_not,
    gives_back_nothing,
    reads_an_account,
    reads_an_account_that_is_gone,
)


def told(ask: Ask, fault: str | None, *, library: bool) -> tuple[Any, ...]:
    """What came of it, and how many requests it took."""
    stage = Stage(1, library=library)
    if fault is not None:
        stage.stripe.fail_next(fault)
    with stage.seam.counted() as spent:
        try:
            answer = ask(stage, StripeConnect(stage.context.stripe))
        except StripeError as error:
            answer = (type(error), str(error))
    return answer, spent().stripe


@pytest.mark.parametrize("fault", [None, "timeout_before", "timeout_after", "500", "500_after", "429"])
@pytest.mark.parametrize("ask", ASKS, ids=[one.__name__ for one in ASKS])
def test_the_lean_client_fails_and_succeeds_as_the_library_does(ask: Ask, fault: str | None) -> None:
    assert told(ask, fault, library=False) == told(ask, fault, library=True)
