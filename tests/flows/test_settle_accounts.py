"""An event counts only from the Stripe account that was asked to charge; others may write our ids into metadata too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.facts import AttemptState, CheckoutSeen, Refund, RefundSeen, RefundStatus
from chalicelib.domain.sessions import Session
from chalicelib.flows.checkout import start_checkout
from chalicelib.flows.settle import Settled, settle
from chalicelib.gateways.stripe_events import Event
from chalicelib.gateways.stripe_objects import Place
from tests.support.world import World


def paid_event(world: World, session: Session, account: str | None) -> Event:
    """What Stripe says of the guest's attempt when it is paid, as if from that account."""
    attempt = world.participant(session).history.attempts[-1]
    seen = CheckoutSeen(
        attempt.checkout_session_id or "",
        attempt.attempt_id,
        account,
        AttemptState.PAID,
        attempt.amount,
        attempt.currency,
        attempt.livemode,
        attempt.expires_at,
        payment_intent_id="pi_1",
    )
    place = Place(session.team_id, session.session_id, 2, attempt.attempt_id)
    return Event("evt_1", "checkout.session.completed", False, account, place, None, (seen,))  # noqa: FBT003 (livemode)


@pytest.fixture
def session(world: World) -> Session:
    session = world.schedule()
    start_checkout(world.ctx, world.open(session))
    return session


def test_the_account_that_was_asked_to_charge_is_believed(world: World, session: Session) -> None:
    assert settle(world.ctx, paid_event(world, session, None)) is Settled.KEPT
    assert world.open(session).admission.may_join


def test_another_account_with_our_ids_is_ignored_and_the_client_can_still_pay(world: World, session: Session) -> None:
    before = world.session(session)
    assert settle(world.ctx, paid_event(world, session, "acct_stranger")) is Settled.OTHER_ACCOUNT
    assert world.session(session) == before
    assert world.open(session).admission.may_pay


def test_an_unknown_attempt_is_kept_only_from_an_account_of_the_team(world: World, session: Session) -> None:
    unknown = "99999999-9999-4999-8999-999999999999"
    for account, settled in (("acct_stranger", Settled.OTHER_ACCOUNT), (None, Settled.KEPT)):
        event = paid_event(world, session, account)
        assert event.place is not None
        seen = tuple(replace(one, attempt_id=unknown) for one in event.seen if isinstance(one, CheckoutSeen))
        strange = replace(event, place=replace(event.place, attempt_id=unknown), seen=seen)
        assert settle(world.ctx, strange) is settled


def test_a_refund_of_a_payment_that_stripe_does_not_know_is_none_of_our_business(world: World) -> None:
    """Were it an error, Stripe would deliver it again for three days."""
    refund = RefundSeen(Refund("re_1", "pi_unknown", 100, RefundStatus.SUCCEEDED, None))
    event = Event("evt_1", "refund.created", False, None, None, "pi_unknown", (refund,))  # noqa: FBT003 (livemode)
    assert settle(world.ctx, event) is Settled.NOT_OURS


def test_a_refund_on_an_account_that_nobody_connected_is_ignored_without_asking_stripe(world: World) -> None:
    refund = RefundSeen(Refund("re_1", "pi_unknown", 100, RefundStatus.SUCCEEDED, None))
    event = Event("evt_1", "refund.created", False, "acct_stranger", None, "pi_unknown", (refund,))  # noqa: FBT003
    with world.seam.counted() as spent:
        assert settle(world.ctx, event) is Settled.UNKNOWN_ACCOUNT
    assert (spent().reads, spent().stripe) == (1, 0)
