"""An account is deauthorised at Stripe with open, paid and refund-owing sessions: from the signed payload alone, since
access has ended by then. Nobody new is asked to pay, who paid is let in, what is owed needs a person.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.admission import Admission, Door
from chalicelib.domain.edits import BeingPaidError, ParticipantEdit
from chalicelib.domain.facts import AttemptState
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Fee, Session
from chalicelib.domain.teams import ChargeBar
from chalicelib.flows.by_hand import settle_by_hand
from chalicelib.flows.checkout import PaymentStarted
from chalicelib.flows.close_offers import OfferOutOfReachError
from chalicelib.flows.edit_participants import remove_participant, update_participant
from chalicelib.flows.edit_session import cancel_session
from chalicelib.flows.join import join
from chalicelib.flows.settle import Settled
from chalicelib.flows.waive import waive
from tests.support.platform import Platform
from tests.support.seam import Io
from tests.support.world import checkout_id

NOW = timedelta(0)


@pytest.fixture
def world() -> Platform:
    return Platform()


def goes(world: Platform, *, heard: bool = True) -> None:
    """The clinic removes the platform in Stripe's dashboard; `heard`: the one event of it arrives."""
    world.stripe.deauthorize(world.account)
    if heard:
        world.deliver()


# --- the event ----------------------------------------------------------------------------------------------------


def test_the_goodbye_is_kept_from_its_payload_and_asks_stripe_nothing(world: Platform) -> None:
    world.stripe.deauthorize(world.account)
    with world.seam.counted() as spent:
        world.deliver()
    assert (spent().reads, spent().writes, spent().stripe, spent().queries) == (4, 2, 0, 0)
    account = world.newest().account(world.account)
    assert account is not None
    assert account.disconnected_at == world.clock()
    claim = world.stripe_accounts.find(world.account)
    assert claim is not None
    assert claim.released_at == world.clock()
    assert world.newest().charge_bar() is ChargeBar.DISCONNECTED


def test_the_goodbye_told_again_changes_nothing(world: Platform) -> None:
    goes(world)
    before = (world.newest(), world.stripe_accounts.find(world.account))
    world.clock.advance(hours=1)
    event = next(one.event_id for one in world.stripe.deliveries if one.event_type.endswith("deauthorized"))
    world.stripe.resend(event)
    assert world.deliver() == 1
    assert (world.newest(), world.stripe_accounts.find(world.account)) == before


def test_the_goodbye_of_a_strange_account_is_ignored(world: Platform) -> None:
    stranger = world.stripe.create_account()
    world.stripe.deauthorize(stranger)
    assert world.deliver() == 1
    assert world.newest().can_charge()


# --- nobody new ---------------------------------------------------------------------------------------------------


def test_who_has_not_paid_is_asked_no_more_and_the_clinic_cannot_schedule_a_fee(world: Platform) -> None:
    session = world.schedule()
    goes(world)
    answered = world.press_pay(session)
    assert isinstance(answered, Admission)
    assert answered.door is Door.CANNOT_CHARGE
    assert world.participant(session).history.attempts == ()


def test_where_the_goodbye_was_lost_stripe_says_so_and_the_clinic_is_told(world: Platform) -> None:
    session = world.schedule()
    goes(world, heard=False)
    answered = world.press_pay(session)
    assert isinstance(answered, Admission)
    assert answered.door is Door.OFFER_REFUSED
    assert world.attention(session) == (
        "Stripe refuses to take this payment (its Stripe account is not connected any more); the client cannot pay."
    )
    assert world.attempt_states(session) == [AttemptState.VOID]


def test_an_offer_refused_anew_after_a_person_settled_it_is_refused_at_once_and_needs_a_person_anew(
    world: Platform,
) -> None:
    session = world.schedule()
    goes(world, heard=False)
    world.press_pay(session)
    settle_by_hand(world.ctx, session.team_id, session.participant_id(2), "offer", "connected again, I think")
    assert world.attention(session) is None
    with world.seam.counted() as spent:
        answered = world.press_pay(session)
    assert isinstance(answered, Admission)
    assert answered.door is Door.OFFER_REFUSED
    assert spent().stripe == 1
    assert "is not connected any more" in str(world.attention(session))


def test_a_client_who_was_refused_need_not_wait_once_another_account_is_connected(world: Platform) -> None:
    session = world.schedule()
    goes(world, heard=False)
    for _ in range(6):
        world.press_pay(session)
        world.clock.advance(minutes=2)
    world.deliver()
    world.team = world.connect(world.newest())
    assert world.pay_page(session).url


# --- who paid -----------------------------------------------------------------------------------------------------


def paid(world: Platform, starts_in: timedelta = NOW) -> Session:
    session = world.schedule(starts_in=starts_in)
    world.pay(session)
    world.deliver()
    return session


def test_who_has_paid_is_let_in(world: Platform) -> None:
    session = paid(world)
    goes(world)
    assert world.open(session).admission.door is Door.JOIN
    assert not isinstance(join(world.ctx, world.open(session)), Admission)


def test_a_refund_that_is_owed_needs_a_person_at_once(world: Platform) -> None:
    session = paid(world, starts_in=timedelta(days=1))
    goes(world)
    cancel_session(world.ctx, session.team_id, session.session_id)
    assert world.attention(session) == (
        "80.00 AUD is still to go back. A refund did not succeed at Stripe (its Stripe account is not connected any "
        "more). It is tried again."
    )
    assert world.books_of(world.account)["refunds"] == []


def test_a_refund_that_is_owed_is_made_once_the_account_is_connected_again(world: Platform) -> None:
    session = paid(world, starts_in=timedelta(days=1))
    goes(world)
    cancel_session(world.ctx, session.team_id, session.session_id)
    world.stripe.authorize(world.account)
    world.clock.advance(hours=2)
    world.sweep()
    assert [one["amount"] for one in world.books_of(world.account)["refunds"]] == [8000]
    assert world.attention(session) is None


# --- whose page is open -------------------------------------------------------------------------------------------


def offered(world: Platform, starts_in: timedelta = NOW) -> tuple[Session, str]:
    session = world.schedule(starts_in=starts_in)
    return session, checkout_id(world.pay_page(session).url)


def lost(world: Platform, starts_in: timedelta = NOW) -> tuple[Session, str]:
    """A client is on Stripe's page as access ends, and the look that is due afterwards finds it closed."""
    session, page = offered(world, starts_in=starts_in)
    goes(world)
    world.clock.advance(minutes=3)
    world.sweep()
    return session, page


def test_an_offer_that_nobody_can_see_needs_a_person_at_the_first_look(world: Platform) -> None:
    session, _ = lost(world, starts_in=timedelta(days=1))
    assert world.attention(session) == (
        "Asking how far a payment has come did not succeed at Stripe (its Stripe account is not connected any more). "
        "It is tried again."
    )


def test_nobody_is_asked_to_pay_beside_it_on_another_account(world: Platform) -> None:
    session, _ = lost(world, starts_in=timedelta(days=1))
    world.team = world.connect(world.newest())
    answered = world.press_pay(session)
    assert isinstance(answered, Admission)
    assert answered.door is Door.OFFER_REFUSED


def test_pressing_pay_finds_it_before_the_sweep_does(world: Platform) -> None:
    session, _ = offered(world, starts_in=timedelta(days=1))
    goes(world)
    world.team = world.connect(world.newest())
    world.clock.advance(minutes=1)
    answered = world.press_pay(session)
    assert isinstance(answered, Admission)
    assert answered.door is Door.OFFER_REFUSED
    assert "is not connected any more" in str(world.attention(session))


def test_it_is_seen_again_when_the_account_is_connected_again(world: Platform) -> None:
    session, page = lost(world, starts_in=timedelta(days=1))
    world.stripe.pay(page)
    world.stripe.authorize(world.account)
    world.clock.advance(hours=1, minutes=16)
    world.sweep()
    assert world.status(session) is PaymentStatus.PAID
    assert world.attention(session) is None


def test_an_operator_who_has_looked_lets_the_client_be_asked_on_the_new_account(world: Platform) -> None:
    session, _ = lost(world, starts_in=timedelta(days=1))
    world.team = world.connect(world.newest())
    (attempt,) = world.participant(session).history.attempts
    settle_by_hand(world.ctx, session.team_id, session.participant_id(2), f"look:{attempt.attempt_id}", "not paid")
    assert world.attempt_states(session) == [AttemptState.EXPIRED]
    assert world.attention(session) is None
    started = world.press_pay(session)
    assert isinstance(started, PaymentStarted)
    world.stripe.pay(checkout_id(started.url))
    world.deliver()
    assert world.status(session) is PaymentStatus.PAID


def test_what_the_operator_overlooked_is_recognised_and_goes_back_when_it_is_seen(world: Platform) -> None:
    session, page = lost(world, starts_in=timedelta(days=1))
    world.stripe.pay(page)
    first, world.team = world.account, world.connect(world.newest())
    (attempt,) = world.participant(session).history.attempts
    settle_by_hand(world.ctx, session.team_id, session.participant_id(2), f"look:{attempt.attempt_id}", "not paid")
    world.clock.advance(minutes=1)
    world.pay(session)
    world.deliver()
    world.stripe.authorize(first)
    for event in world.books_of(first)["events"]:
        world.stripe.resend(event["id"])
    world.deliver()
    world.sweep()
    second = str(world.team.accounts[-1].stripe_account_id)
    refunds = {account: len(world.books_of(account)["refunds"]) for account in (first, second)}
    assert refunds == {first: 0, second: 1}  # the first payment counts, the later one goes back
    assert world.status(session) is PaymentStatus.PAID


def test_the_clinic_may_let_them_in_all_the_same(world: Platform) -> None:
    session, _ = lost(world)
    waive(world.ctx, session.team_id, session.participant_id(2), "paid at the desk")
    assert world.open(session).admission.door is Door.JOIN


def test_a_waiver_finds_out_by_itself_that_the_account_is_gone(world: Platform) -> None:
    session, _ = offered(world)
    goes(world, heard=False)
    waive(world.ctx, session.team_id, session.participant_id(2), "paid at the desk")
    assert world.open(session).admission.door is Door.JOIN


def test_a_change_of_fee_is_refused_with_what_to_do(world: Platform) -> None:
    session, _ = offered(world, starts_in=timedelta(days=1))
    goes(world, heard=False)
    edit = ParticipantEdit(fee=Fee(9000, "aud"))
    with pytest.raises(OfferOutOfReachError):
        update_participant(world.ctx, world.team, session.participant_id(2), edit)
    assert world.participant(session).fee == Fee(8000, "aud")
    assert "Asking how far a payment has come did not succeed" in str(world.attention(session))


def test_who_is_removed_leaves_an_offer_for_a_person_to_close(world: Platform) -> None:
    session, _ = offered(world, starts_in=timedelta(days=1))
    goes(world)
    remove_participant(world.ctx, session.team_id, session.participant_id(2))
    assert "Asking how far a payment has come did not succeed" in str(world.attention(session))


def test_a_bank_debit_on_its_way_needs_a_person_and_can_be_waived(world: Platform) -> None:
    world.team = world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=14))
    world.pay(session, "au_becs_debit")
    world.deliver()
    with pytest.raises(BeingPaidError):
        waive(world.ctx, session.team_id, session.participant_id(2), "insured")
    goes(world)
    world.clock.advance(minutes=3)
    world.sweep()
    assert world.status(session) is PaymentStatus.PROCESSING
    assert "is not connected any more" in str(world.attention(session))
    waive(world.ctx, session.team_id, session.participant_id(2), "insured")
    world.clock.advance(days=14)
    assert world.open(session).admission.door is Door.JOIN


def test_an_offer_that_broke_as_the_account_went_is_not_called_void_either(world: Platform) -> None:
    """Stripe made it, answered 500, and cannot be asked any more."""
    session = world.schedule(starts_in=timedelta(days=1))
    world.stripe.fail_next("500_after", 1, method="POST", path_prefix="/v1/checkout/sessions")

    def gone(io: Io) -> None:
        if io.name.startswith("POST") and io.name.endswith("/v1/checkout/sessions"):
            world.stripe.deauthorize(world.account)

    with world.seam.armed(after=gone):
        answered = world.press_pay(session)
    assert isinstance(answered, Admission)
    assert answered.door is Door.OFFER_REFUSED
    assert world.attempt_states(session) == [AttemptState.PLANNED]
    world.deliver()
    world.team = world.connect(world.newest())
    again = world.press_pay(session)
    assert isinstance(again, Admission)
    assert again.door is Door.OFFER_REFUSED


def test_an_attempt_whose_outcome_is_not_known_is_never_called_void(world: Platform) -> None:
    """The first try may have reached Stripe: that the account is gone by the second says nothing about it."""
    session = world.schedule(starts_in=timedelta(days=1))
    world.stripe.fail_next("timeout_after", 2)
    with pytest.raises(Exception, match="status none"):
        world.press_pay(session)
    goes(world, heard=False)
    world.press_pay(session)
    assert world.attempt_states(session) == [AttemptState.PLANNED]
    assert world.open(session).admission.door is Door.OFFER_REFUSED


# --- what comes late ----------------------------------------------------------------------------------------------


def test_a_refund_told_by_an_account_that_is_gone_is_answered_and_left(world: Platform) -> None:
    session = paid(world)
    world.stripe.set_webhooks("hold")
    world.stripe.refund_in_dashboard(world.books_of(world.account)["charges"][0]["id"], 1000)
    world.stripe.deauthorize(world.account)
    world.stripe.set_webhooks("deliver")
    world.stripe.flush()
    assert world.deliver() > 0
    assert world.settle("refund.created") is Settled.OUT_OF_REACH
    assert world.status(session) is PaymentStatus.PAID
