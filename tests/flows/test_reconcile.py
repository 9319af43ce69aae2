"""Stripe's own lists against what is kept: what was lost is found, said in a sentence, and on request made good."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.facts import AttemptState, DisputeStatus, RefundStatus
from chalicelib.domain.payments import PaymentStatus
from chalicelib.domain.sessions import Fee, Session
from chalicelib.domain.teams import PayeeAccount
from chalicelib.flows.settle import Settled, settle
from chalicelib.gateways.stripe_api import StripeError
from tests.support.invariants import FEE
from tests.support.reconciling import reconciled
from tests.support.seam import Io, Kind
from tests.support.world import World, guest, host

LATER = timedelta(days=40)


@pytest.fixture
def session(world: World) -> Session:
    """Paid at Stripe, days before it starts; every webhook is lost, and nobody came back."""
    session = world.schedule(starts_in=LATER)
    world.stripe.set_webhooks("drop")
    world.pay(session)
    world.clock.advance(hours=1)
    return session


def charge_id(world: World) -> str:
    return str(world.charges()[0]["id"])


def told(world: World) -> None:
    """Stripe's webhooks of the payment arrive after all."""
    for kind in ("checkout.session.completed", "charge.succeeded"):
        world.settle(kind)


# --- nothing to find ----------------------------------------------------------------------------------------------


def test_where_all_is_well_nothing_is_found_and_nothing_is_written(world: World, session: Session) -> None:
    told(world)
    world.stripe.refund_in_dashboard(charge_id(world), 3000)
    world.settle("refund.created")
    world.stripe.dispute(charge_id(world))
    world.settle("charge.dispute.created")
    world.clock.advance(seconds=1)
    before = world.session(session)
    for repairs in (False, True):
        report = reconciled(world, repairs=repairs)
        assert report.sentences == []
        assert report.tally.is_clean
        assert (report.tally.charges, report.tally.refunds, report.tally.disputes) == (1, 1, 1)
    assert world.session(session) == before


def test_without_repair_nothing_is_written(world: World, session: Session) -> None:
    world.stripe.refund_in_dashboard(charge_id(world))
    world.clock.advance(seconds=1)
    before = world.session(session)
    mark = len(world.seam.done)
    assert reconciled(world).tally.left == 3
    assert world.session(session) == before
    assert [io.name for io in world.seam.done[mark:] if io.kind is Kind.WRITE] == []
    assert [io.name for io in world.seam.done[mark:] if io.name.startswith("POST")] == []


# --- one difference of each kind ------------------------------------------------------------------------------------


def test_a_payment_that_nobody_told_us_of(world: World, session: Session) -> None:
    charge = charge_id(world)
    report = reconciled(world)
    assert report.kinds == ["payment_unknown"]
    assert report.sentences == [f"Charge {charge} of 80.00 AUD is not known here."]
    [finding] = report.findings
    assert (finding.team_id, finding.session_id, finding.number) == (session.team_id, session.session_id, 2)
    assert reconciled(world, repairs=True).findings == [replace(finding, is_mended=True)]
    assert world.status(session) is PaymentStatus.PAID
    assert world.open(session).admission.door is Door.EARLY
    assert reconciled(world).tally.is_clean


def test_a_charge_alone_is_paid_by_its_checkout_session_alone(world: World, session: Session) -> None:
    world.settle("charge.succeeded")
    report = reconciled(world, repairs=True)
    assert report.sentences == [f"Charge {charge_id(world)} of 80.00 AUD is not kept as paid here."]
    assert report.tally.is_clean
    [payment] = world.participant(session).history.payments
    assert payment.paid is not None
    assert world.status(session) is PaymentStatus.PAID


def test_a_charge_whose_checkout_session_is_known_as_paid(world: World, session: Session) -> None:
    world.settle("checkout.session.completed")
    assert reconciled(world, repairs=True).kinds == ["payment_unknown"]
    [payment] = world.participant(session).history.payments
    assert payment.charge is not None
    assert payment.charge.charge_id == charge_id(world)
    assert [row.charge_id for row in world.ledger.between(session.team_id, session.created_at, world.clock())] == [
        charge_id(world)
    ]


def test_a_refund_that_nobody_told_us_of(world: World, session: Session) -> None:
    told(world)
    refund = world.stripe.refund_in_dashboard(charge_id(world), 3000)
    world.clock.advance(seconds=1)
    report = reconciled(world)
    assert report.sentences == [
        f"Of charge {charge_id(world)} of 80.00 AUD, 30.00 AUD went back at Stripe, and 0.00 AUD here.",
        f"Refund {refund} of 30.00 AUD, succeeded at Stripe, is not known here.",
    ]
    assert reconciled(world, repairs=True).tally.is_clean
    assert world.status(session) is PaymentStatus.PARTIALLY_REFUNDED


def test_a_refund_of_a_payment_that_is_older_than_the_span_brings_the_payment_too(
    world: World, session: Session
) -> None:
    world.clock.advance(days=10)
    refund = world.stripe.refund_in_dashboard(charge_id(world), 3000)
    world.clock.advance(hours=1)
    report = reconciled(world, repairs=True)
    payment = world.charges()[0]["payment_intent"]
    assert report.sentences == [
        f"The charge of payment {payment} is not known here.",
        f"Refund {refund} of 3000 minor units, succeeded at Stripe, is not known here.",
    ]
    assert report.tally.is_clean
    assert world.status(session) is PaymentStatus.PARTIALLY_REFUNDED


def test_a_refund_that_failed_weeks_after_it_was_made(world: World, session: Session) -> None:
    """Only the list of events tells: its charge and itself are older than the span."""
    told(world)
    refund = world.stripe.refund_in_dashboard(charge_id(world), 3000)
    world.settle("refund.created")
    world.clock.advance(days=20)
    world.stripe.fail_refund(refund)
    world.clock.advance(hours=1)
    report = reconciled(world, repairs=True)
    assert report.sentences == [
        f"Of charge {charge_id(world)} of 80.00 AUD, 0.00 AUD went back at Stripe, and 30.00 AUD here.",
        f"Refund {refund} of 30.00 AUD is failed at Stripe; here it is 30.00 AUD, succeeded.",
    ]
    assert report.tally.is_clean
    [kept] = world.participant(session).history.refunds
    assert kept.status is RefundStatus.FAILED
    assert "failed at the bank" in (world.attention(session) or "")


def test_a_dispute_that_nobody_told_us_of(world: World, session: Session) -> None:
    told(world)
    dispute = world.stripe.dispute(charge_id(world))
    world.clock.advance(seconds=1)
    report = reconciled(world, repairs=True)
    assert report.sentences == [f"Dispute {dispute} of 80.00 AUD, open at Stripe, is not known here."]
    assert world.status(session) is PaymentStatus.DISPUTED


@pytest.mark.parametrize(("verdict", "status"), [("won", DisputeStatus.WON), ("lost", DisputeStatus.LOST)])
def test_a_dispute_that_was_closed_weeks_after_it_was_opened(
    world: World, session: Session, verdict: str, status: DisputeStatus
) -> None:
    told(world)
    dispute = world.stripe.dispute(charge_id(world))
    world.settle("charge.dispute.created")
    world.clock.advance(days=30)
    world.stripe.dispute_close(dispute, verdict)
    world.clock.advance(hours=1)
    report = reconciled(world, repairs=True)
    assert report.sentences == [f"Dispute {dispute} of 80.00 AUD is {verdict} at Stripe; here it is 80.00 AUD, open."]
    assert report.tally.is_clean
    [kept] = world.participant(session).history.disputes
    assert kept.status is status


@pytest.mark.parametrize(("succeeded", "status"), [(True, PaymentStatus.PAID), (False, PaymentStatus.UNPAID)])
def test_a_debit_that_ended_weeks_after_it_was_submitted(
    world: World, *, succeeded: bool, status: PaymentStatus
) -> None:
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=LATER)
    world.stripe.set_webhooks("drop")
    payment = world.pay(session, "au_becs_debit")
    world.settle("checkout.session.completed")
    world.clock.advance(days=10)
    world.stripe.settle_delayed(payment.payment_intent_id, succeeded=succeeded)
    world.clock.advance(hours=1)
    report = reconciled(world, repairs=True)
    assert "offer_differs" in report.kinds
    assert report.tally.is_clean
    assert world.status(session) is status
    assert world.attempt_states(session) == [AttemptState.PAID if succeeded else AttemptState.FAILED]


def test_a_session_that_is_gone_while_its_money_is_there(world: World, session: Session) -> None:
    world.sessions._items.clear()
    report = reconciled(world, repairs=True)
    assert report.sentences == [
        f"{charge_id(world)} is for participant 2 of session {session.session_id}, which is kept no more."
    ]
    assert (report.tally.left, report.tally.mended) == (1, 0)


def test_a_session_that_cannot_be_read_is_said_and_holds_up_nobody(world: World, session: Session) -> None:
    other = world.schedule(starts_in=LATER)
    world.pay(other)
    world.clock.advance(seconds=1)
    world.sessions.unreadable(session.team_id, session.session_id)
    report = reconciled(world, repairs=True)
    assert sorted(report.kinds) == ["payment_unknown", "unreadable"]
    assert world.status(other) is PaymentStatus.PAID


def test_an_error_with_one_session_holds_up_nobody(world: World, session: Session) -> None:
    other = world.schedule(starts_in=LATER)
    world.pay(other)
    world.clock.advance(seconds=1)
    met: list[str] = []

    def once(io: Io) -> None:
        if io.name == "sessions.get" and not met:
            met.append(io.name)
            raise ZeroDivisionError

    with world.seam.armed(before=once):
        report = reconciled(world, repairs=True)
    assert (report.tally.failed, report.tally.mended) == (1, 1)
    assert not report.tally.is_clean


# --- the ledger -----------------------------------------------------------------------------------------------------


def ledger_texts(world: World) -> dict[tuple[str, str, str], str]:
    return world.sessions.books._ledger


def test_a_row_that_the_ledger_lacks_is_written_again(world: World, session: Session) -> None:
    told(world)
    [(key, text)] = ledger_texts(world).items()
    ledger_texts(world).clear()
    facts = world.participant(session).history
    world.clock.advance(seconds=1)
    report = reconciled(world)
    assert report.sentences == [f"Charge {charge_id(world)} of 80.00 AUD has no row in the ledger."]
    assert ledger_texts(world) == {}
    assert reconciled(world, repairs=True).tally.is_clean
    assert ledger_texts(world) == {key: text}
    assert world.participant(session).history == facts
    audit = list(world.audit.between(session.team_id, session.created_at, world.clock() + timedelta(seconds=1)))
    assert [(one.what, one.who, one.about) for one in audit[-1].entries] == [
        ("ledger_row_rewritten", "clock", charge_id(world))
    ]


def test_a_row_that_belies_the_facts_is_written_again(world: World, session: Session) -> None:
    told(world)
    [(key, text)] = ledger_texts(world).items()
    ledger_texts(world)[key] = text.replace('"refunded":0', '"refunded":1000').replace('"amount":8000', '"amount":9000')
    report = reconciled(world, repairs=True)
    there, facts = "90.00 AUD, 10.00 AUD went back", "80.00 AUD, 0.00 AUD went back"
    sentence = f"The ledger says of charge {charge_id(world)}: {there}; by the facts it is: {facts}."
    assert report.sentences == [sentence]
    assert report.tally.is_clean
    assert ledger_texts(world) == {key: text}


def test_a_row_whose_charge_stripe_does_not_list_is_said_and_left_to_a_person(world: World, session: Session) -> None:
    told(world)
    [(key, text)] = ledger_texts(world).items()
    ledger_texts(world)[(*key[:2], "ch_of_nobody")] = text.replace(charge_id(world), "ch_of_nobody")
    before = dict(ledger_texts(world))
    for repairs in (False, True):
        report = reconciled(world, repairs=repairs)
        assert report.sentences == ["The ledger has charge ch_of_nobody of 80.00 AUD; Stripe lists no such one."]
        assert report.tally.left == 1
    assert ledger_texts(world) == before


def test_a_row_written_after_the_ledger_was_read_is_no_difference(world: World, session: Session) -> None:
    """The ledger is read with the newest session; then the webhooks of the other one arrive."""
    late = [world.event(kind) for kind in ("checkout.session.completed", "charge.succeeded")]
    world.pay(world.schedule(starts_in=LATER))
    told(world)
    world.clock.advance(seconds=1)
    arrived: list[Settled] = []

    def arrive(io: Io) -> None:
        if io.name == "ledger.between" and not arrived:
            arrived.extend(settle(world.ctx, event) for event in late)

    with world.seam.armed(after=arrive):
        assert reconciled(world).sentences == []
    assert arrived == [Settled.KEPT, Settled.KEPT]


def test_a_row_is_not_written_over_by_facts_that_are_no_longer_the_newest(world: World, session: Session) -> None:
    told(world)
    ledger_texts(world).clear()
    raced: list[int] = []

    def somebody_else(io: Io) -> None:
        if io.name == "sessions.save" and not raced:
            raced.append(1)
            world.change(session, lambda newest: replace(newest, name="Renamed"))

    with world.seam.armed(before=somebody_else):
        report = reconciled(world, repairs=True)
    assert (report.kinds, report.tally.left) == (["row_missing"], 1)
    assert reconciled(world, repairs=True).tally.is_clean


# --- what is not ours, and other clinics ----------------------------------------------------------------------------


def other_sale(world: World) -> str:
    """The clinic sells something else on the same account; gives the charge's id."""
    price = {"currency": "aud", "unit_amount": 5000, "product_data": {"name": "A book"}}
    sale = world.context.stripe._client.raw_request(
        "post",
        "/v1/checkout/sessions",
        mode="payment",
        success_url="https://shop.example",
        line_items=[{"quantity": 1, "price_data": price}],
    )
    return world.stripe.pay(sale.data["id"]).charge_id


def test_the_clinics_other_business_is_counted_and_not_said(world: World, session: Session) -> None:
    told(world)
    charge = other_sale(world)
    refund = world.stripe.refund_in_dashboard(charge, 100)
    world.stripe.dispute(charge)
    world.stripe.fail_refund(refund)
    world.clock.advance(seconds=1)
    report = reconciled(world, repairs=True)
    assert report.sentences == []
    # The charge, the refund, the dispute; and the refund again, since it was changed.
    assert report.tally.others == 4


def test_ids_of_ours_that_another_account_wrote_into_its_metadata_are_not_ours(world: World, session: Session) -> None:
    """I6: the other clinic's account is listed, and the session is of ours."""
    told(world)
    account = world.stripe.create_account("Hill Street Clinic")
    ours = next(one for one in world.checkouts() if one["metadata"])["metadata"]
    price = {"currency": "aud", "unit_amount": FEE, "product_data": {"name": "Forged"}}
    forged = world.context.stripe._client.raw_request(
        "post",
        "/v1/checkout/sessions",
        stripe_account=account,
        mode="payment",
        client_reference_id=ours["anteroom_attempt"],
        success_url="https://shop.example",
        metadata=ours,
        payment_intent_data={"metadata": ours},
        line_items=[{"quantity": 1, "price_data": price}],
    )
    world.stripe.pay(forged.data["id"])
    world.clock.advance(seconds=1)
    before = world.session(session)
    report = reconciled(world, repairs=True, account=account)
    assert report.sentences == []
    assert (report.tally.charges, report.tally.others) == (1, 1)
    assert world.session(session) == before
    # Nor is money of theirs missing here when the session is gone.
    world.sessions._items.clear()
    assert reconciled(world, repairs=True, account=account).sentences == []


def test_another_deployment_on_the_same_test_account_is_none_of_our_business(world: World, session: Session) -> None:
    del world.teams._texts[session.team_id]
    report = reconciled(world, repairs=True)
    assert (report.sentences, report.tally.others) == ([], 1)


def test_two_clinics_on_one_account_get_what_is_theirs(world: World) -> None:
    world.stripe.set_webhooks("drop")
    sessions = [world.schedule(starts_in=LATER, team=team) for team in (world.team, world.other_team)]
    for session in sessions:
        world.pay(session)
    world.clock.advance(hours=1)
    report = reconciled(world, repairs=True)
    assert sorted(one.team_id for one in report.findings) == [world.team.team_id, world.other_team.team_id]
    assert [world.status(session) for session in sessions] == [PaymentStatus.PAID] * 2
    for team, session in zip((world.team, world.other_team), sessions, strict=True):
        rows = world.ledger.between(team.team_id, session.created_at, world.clock())
        assert [row.session_id for row in rows] == [session.session_id]


def test_a_clinic_on_two_accounts_has_each_compared_by_itself(world: World, session: Session) -> None:
    told(world)
    account = world.stripe.create_account("Riverside Clinic, second")
    world.change_team(accounts=(PayeeAccount(None), PayeeAccount(account, is_default=False)))
    for name in (None, account):
        assert reconciled(world, account=name).sentences == []


def test_a_card_that_was_declined_is_no_money_and_costs_no_read(world: World) -> None:
    world.stripe.set_webhooks("drop")
    world.pay(world.schedule(starts_in=LATER), "4000000000000002")
    world.clock.advance(seconds=1)
    world.sessions._items.clear()
    mark = len(world.seam.done)
    report = reconciled(world)
    assert (report.sentences, report.tally.charges, report.tally.others) == ([], 1, 0)
    assert "sessions.get" not in [io.name for io in world.seam.done[mark:]]


def test_a_session_that_newer_code_wrote_is_left_to_newer_code(world: World, session: Session) -> None:
    other = world.schedule(starts_in=LATER)
    world.pay(other)
    world.clock.advance(seconds=1)
    world.sessions.written_by_newer_code(session.team_id, session.session_id)
    report = reconciled(world, repairs=True)
    assert (report.tally.failed, report.tally.mended) == (1, 1)
    assert world.status(other) is PaymentStatus.PAID


# --- the span, the pages, the time ----------------------------------------------------------------------------------


def test_what_was_created_outside_of_the_span_is_not_listed(world: World, session: Session) -> None:
    assert reconciled(world, back=timedelta(minutes=59)).tally.charges == 0
    assert reconciled(world, back=timedelta(minutes=60)).tally.charges == 1


def test_hundreds_of_payments_are_compared_page_by_page(world: World) -> None:
    world.stripe.set_webhooks("drop")
    guests = [guest(Fee(FEE, "aud"), f"Guest {number}") for number in range(41)]
    sessions = [world.schedule(host(), *guests, starts_in=LATER) for _ in range(5)]
    for session in sessions:
        for number in range(2, 43):
            world.pay(session, number=number)
    world.clock.advance(hours=1)
    with world.seam.counted() as spent:
        report = reconciled(world)
        # 205 charges are 3 pages; refunds, disputes and events are 1 each. A session is read once for each page.
        assert spent().stripe == 6
        assert spent().reads <= 5 * 3 + 1
    assert (report.tally.charges, report.tally.found) == (205, 205)
    assert reconciled(world, repairs=True).tally.is_clean
    assert {world.status(session, number) for session in sessions for number in range(2, 43)} == {PaymentStatus.PAID}


def test_when_the_time_is_up_it_says_so(world: World, session: Session) -> None:
    def slow(io: Io) -> None:
        if io.name.startswith("GET /v1/charges"):
            world.clock.advance(seconds=10)

    with world.seam.armed(before=slow):
        report = reconciled(world, repairs=True)
    assert report.tally.unfinished
    assert not report.tally.is_clean
    assert world.status(session) is PaymentStatus.UNPAID


def test_a_list_that_stripe_does_not_give_is_an_error_and_not_an_empty_list(world: World, session: Session) -> None:
    world.stripe.fail_next("500", 10, path_prefix="/v1/refunds")
    with pytest.raises(StripeError):
        reconciled(world, repairs=True)


def test_whose_a_change_is_may_be_unknown_for_now_and_the_others_go_on(world: World, session: Session) -> None:
    told(world)
    refund = world.stripe.refund_in_dashboard(charge_id(world), 3000)
    world.settle("refund.created")
    world.clock.advance(days=10)
    world.stripe.fail_refund(refund)
    world.clock.advance(hours=1)
    world.stripe.fail_next("500", 10, path_prefix="/v1/payment_intents/")
    report = reconciled(world, repairs=True)
    assert (report.tally.failed, report.tally.found) == (1, 0)
