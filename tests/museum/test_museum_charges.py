"""Museum: charged twice, a hundredfold, or for nothing; and money that nobody gave back.

Each test is named after a report from users of another system, and holds what happened to them against this one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from chalicelib.domain.admission import Door
from chalicelib.domain.currencies import CURRENCIES
from chalicelib.domain.sessions import Session
from chalicelib.domain.teams import PayeeAccount
from chalicelib.flows.come_back import come_back
from chalicelib.flows.edit_session import cancel_session
from chalicelib.flows.settle import settle
from sandbox.stripe_standin.payments import CheckoutClosedError
from tests.museum.appointment import (
    CHARGED,
    COMPLETED,
    DAY,
    FEE,
    Appointment,
    book,
    client_pays,
    events,
    fee_of,
    in_ledger,
    rewinder,
    unanswered,
)
from tests.museum.virtual_time import run_in_time
from tests.support.clinic import Clinic
from tests.support.crashes import die, every_crash
from tests.support.edge import Edge, Reply
from tests.support.interleaving import Ended, Judge, Race, every_order
from tests.support.invariants import AtStripe, settled_in_the_end
from tests.support.seam import Io, Kind, Seam
from tests.support.world import World

# --- charged more than once -----------------------------------------------------------------------------------------

WAITS = Io(Kind.READ, "the client waits, as Retry-After says")


@pytest.mark.parametrize("apart", [0.005, 0.2, 1.0], ids=["a double click", "impatience", "doubt"])
def test_attendize_982_ten_clicks_on_a_slow_server_make_one_offer_to_pay(edge: Edge, apart: float) -> None:
    """Up to four charges for one ticket: the server was slow, users clicked again.

    https://github.com/Attendize/Attendize/issues/982
    """
    world, one = edge.world, book(edge)

    def click() -> Reply:
        while (reply := one.pay()).status == 503:
            world.seam.begin(WAITS)
        return reply

    def takes(io: Io) -> timedelta:
        return timedelta(seconds=5 if io.kind is Kind.STRIPE else 3 if io == WAITS else 0.01)

    ended = run_in_time(world, [click] * 10, apart=timedelta(seconds=apart), takes=takes)
    pages = {click.result.headers["location"] for click in ended if isinstance(click.result, Reply)}
    assert len(world.checkouts()) == 1
    page = world.checkouts()[0]
    assert pages == {page["url"]}
    assert world.clock() > one.session.created_at + timedelta(seconds=5)
    world.stripe.pay(page["id"])
    with pytest.raises(CheckoutClosedError):
        world.stripe.pay(page["id"])
    assert [charge["amount"] for charge in world.charges()] == [FEE]


def test_saleor_14648_return_page_and_webhook_at_once_count_the_money_once() -> None:
    """The captured amount was counted twice when the webhook and the return of the customer coincided.

    https://github.com/saleor/saleor/issues/14648
    """

    def prepare(kind: str) -> tuple[Race, Judge]:
        one = book(Edge(World()))
        world = one.world
        world.stripe.set_webhooks("drop")
        one.pay_at_stripe()

        def judge(ended: list[Ended]) -> None:
            assert [end.error for end in ended] == [None, None]
            world.sweep()
            assert (one.payment()["status"], one.payment()["amount_paid"]) == ("paid", FEE)
            assert len(world.participant(one.session).history.payments) == 1
            assert in_ledger(world, one.session) == [FEE]
            settled_in_the_end(world, one.session, owed=FEE)

        return Race(world.seam, (one.come_back, lambda: world.settle(kind))), judge

    for kind in (COMPLETED, CHARGED):
        assert every_order(lambda kind=kind: prepare(kind)) >= 6  # type: ignore[misc] # bound now


# --- charged another amount -----------------------------------------------------------------------------------------

WRITTEN = {"aud": "80.00 AUD", "jpy": "8000 JPY", "krw": "8000 KRW", "kwd": "8.000 KWD", "isk": "80 ISK"}
"""8000 of the minor unit, as people read it; from ISO 4217, and Stripe's pages for the exceptions."""


def test_paymenter_1258_every_currency_is_charged_in_the_unit_that_was_asked_for(edge: Edge) -> None:
    """Yen were charged a hundredfold: the amount was taken for hundredths in a currency that has none.

    https://github.com/Paymenter/Paymenter/issues/1258
    """
    clinic, stripe = Clinic(edge), edge.world.stripe
    clinic.change_team(more_currencies=tuple(CURRENCIES))
    stripe.set_webhooks("drop")
    for code, currency in CURRENCIES.items():
        amount = max(currency.minimum, 8000) if code in WRITTEN else currency.minimum
        one = book(edge, clinic, guest=fee_of(amount, code))
        assert WRITTEN.get(code, "") in one.open().body
        charge = stripe.find_charge(stripe.pay(one.press_pay()).charge_id) or {}
        one.come_back()
        assert (charge["amount"], charge["currency"]) == (amount, code)
        payment = one.payment()
        assert (payment["status"], payment["amount_paid"], payment["currency"]) == ("paid", amount, code)
    for not_whole in (8000.0, 80.5, "8000"):
        asked = {**fee_of(), "fee": {"amount": not_whole, "currency": "jpy"}}
        assert clinic.schedule(asked).status == 422


# --- a second charge, and an older offer ----------------------------------------------------------------------------


def _two_offers(edge: Edge) -> tuple[Appointment, str, str]:
    """The first offer lapsed after a day, and a second one stands beside it; nothing is heard of either."""
    one = book(edge, starts_in=2 * DAY)
    edge.world.stripe.set_webhooks("hold")
    first = one.press_pay()
    edge.world.clock.advance(hours=23, minutes=56)
    return one, first, one.press_pay()


@pytest.mark.parametrize("refunded", [0, 1], ids=["the first refunded", "the second refunded"])
def test_pretix_343_the_refund_of_one_of_two_charges_leaves_the_booking_paid(edge: Edge, refunded: int) -> None:
    """A customer was charged twice; the refund of the duplicate voided the ticket.

    https://github.com/pretix/pretix/issues/343
    """
    one, first, second = _two_offers(edge)
    world = edge.world
    world.stripe.pay(second)
    world.stripe.force_pay(first)
    world.stripe.refund_in_dashboard(world.charges()[refunded]["id"])
    told = events(world, COMPLETED, CHARGED, "refund.created")
    assert len(told) == 5
    rewind, ends = rewinder(world), set()
    for order in permutations(told):
        rewind()
        for event in order:
            settle(world.ctx, event)
        assert one.door() == "early"
        ends.add(world.participant(one.session).history)
    assert len(ends) == 1
    world.sweep()
    assert (len(world.refunds()), AtStripe.of(world).held) == (1, FEE)
    assert one.payment()["status"] == "paid"
    settled_in_the_end(world, one.session, owed=FEE)


@pytest.mark.parametrize(("refunded", "answer"), [(0, 200), (1, 409)], ids=["the one that counts", "the duplicate"])
def test_pretix_343_the_clinic_refunds_one_of_two_charges_by_its_name_and_the_booking_stays_paid(
    edge: Edge, refunded: int, answer: int
) -> None:
    """A customer was charged twice; the refund of the duplicate voided the ticket.

    https://github.com/pretix/pretix/issues/343
    """
    one, first, second = _two_offers(edge)
    world = edge.world
    world.stripe.pay(second)
    world.clock.advance(seconds=1)
    world.stripe.force_pay(first)
    world.stripe.flush()
    edge.deliver_webhooks()
    charge_id = world.charges()[refunded]["id"]
    assert one.refund({"charge": charge_id}).status == answer, "409 says that it is on its way already"
    edge.deliver_webhooks()
    assert (one.payment()["status"], one.door()) == ("paid", "early")
    world.sweep()
    assert [(refund["charge"], refund["amount"]) for refund in world.refunds()] == [(charge_id, FEE)]
    assert (one.payment()["status"], one.payment()["attention"], one.door()) == ("paid", None, "early")
    settled_in_the_end(world, one.session, owed=FEE)


@pytest.mark.parametrize("heard_by", ["webhook", "return page"])
def test_sylius_31_the_first_offer_paid_after_a_second_was_made_is_honoured(edge: Edge, heard_by: str) -> None:
    """A second Checkout Session overwrote the first, then the first was paid, and the order stayed unpaid.

    https://github.com/Sylius/PayumStripePlugin/issues/31
    """
    one = book(edge, starts_in=2 * DAY)
    edge.world.stripe.set_webhooks("hold")
    first, way_back = one.press_pay(), one.return_path()
    edge.world.clock.advance(hours=23, minutes=56)
    second = one.press_pay()
    edge.world.stripe.force_pay(first)
    if heard_by == "webhook":
        edge.world.stripe.flush()
        edge.deliver_webhooks()
    else:
        edge.get(way_back)
    assert one.door() == "early"
    assert one.pay("application/json").status == 409
    edge.world.sweep()
    assert [page["id"] for page in edge.world.checkouts() if page["status"] == "expired"] == [second]
    assert edge.world.refunds() == []
    settled_in_the_end(edge.world, one.session, owed=FEE)


# --- cancelled, and charged all the same ----------------------------------------------------------------------------


Stage = tuple[World, Session]


def _offered() -> Stage:
    world = World()
    session = world.schedule(starts_in=timedelta(hours=1))
    world.stripe.set_webhooks("drop")
    world.pay_page(session)
    return world, session


def _paid_unheard_of() -> Stage:
    world, session = _offered()
    world.stripe.pay(world.open_checkouts()[0]["id"])
    return world, session


def _paid() -> Stage:
    world, session = _paid_unheard_of()
    _comes_back(world, session)
    return world, session


def _comes_back(world: World, _session: Session) -> object:
    return come_back(world.ctx, str(world.checkouts()[0]["success_url"]).rpartition("/")[2])


def _cancels(world: World, session: Session) -> object:
    return cancel_session(world.ctx, session.team_id, session.session_id)


def _went_back(world: World, session: Session) -> None:
    """Cancelled, nothing is open, and whatever was charged went back, once and in full."""
    assert world.open(session).admission.door is Door.CANCELED
    settled_in_the_end(world, session, owed=0)
    back = [(refund["amount"], refund["metadata"]["anteroom_reason"]) for refund in world.refunds()]
    assert back == [(FEE, "canceled")] * len(world.charges())


@pytest.mark.parametrize(
    ("stage", "beside", "charged"),
    [
        (_offered, lambda world, _: client_pays(world)(), {0, 1}),
        (_paid_unheard_of, lambda world, _: world.settle(COMPLETED), {1}),
        (_paid_unheard_of, _comes_back, {1}),
    ],
    ids=["the client pays", "the webhook comes", "the client comes back"],
)
def test_calcom_14040_cancelling_while_the_client_pays_gives_the_money_back_in_every_order(
    stage: Callable[[], Stage], beside: Callable[[World, Session], object], charged: set[int]
) -> None:
    """A rejected appointment was charged all the same.

    https://github.com/calcom/cal.diy/issues/14040
    """
    charges = set()

    def prepare() -> tuple[Race, Judge]:
        world, session = stage()

        def judge(_ended: list[Ended]) -> None:
            charges.add(len(world.charges()))
            _went_back(world, session)

        return Race(world.seam, (lambda: _cancels(world, session), lambda: beside(world, session))), judge

    assert every_order(prepare) >= 4
    assert charges == charged


@pytest.mark.parametrize("stage", [_offered, _paid_unheard_of, _paid])
def test_calcom_14040_cancelling_gives_the_money_back_wherever_the_process_died(stage: Callable[[], Stage]) -> None:
    """A rejected appointment was charged all the same.

    https://github.com/calcom/cal.diy/issues/14040
    """

    def prepare() -> tuple[Seam, Callable[[], object]]:
        world, session = stage()
        return world.seam, lambda: _cancels(world, session)

    for crash in every_crash(prepare):
        world, session = stage()
        die(world.seam, lambda world=world, session=session: _cancels(world, session), crash)  # type: ignore[misc] # bound now
        if world.session(session).canceled_at is None:
            _cancels(world, session)
        world.clock.advance(minutes=2)
        world.sweep()
        assert world.open_checkouts() == [], f"died {crash}"
        _went_back(world, session)


@pytest.mark.parametrize("heard_by", ["webhook", "return page", "sweep"])
def test_woocommerce_stripe_5362_a_payment_that_succeeds_after_the_cancellation_is_refunded(
    edge: Edge, heard_by: str
) -> None:
    """The order was cancelled during 3-D Secure; the capture came afterwards and belonged to nothing.

    https://github.com/woocommerce/woocommerce-gateway-stripe/issues/5362
    """
    one, world = book(edge), edge.world
    one.press_pay()
    with unanswered(world):
        assert one.ask("DELETE").status == 200
    world.clock.advance(seconds=20)
    if heard_by != "webhook":
        world.stripe.set_webhooks("drop")
    world.stripe.pay(one.checkout_session_id())
    if heard_by == "webhook":
        edge.deliver_webhooks()
    if heard_by == "return page":
        one.come_back()
    world.clock.advance(minutes=2)
    world.sweep()
    assert one.payment()["status"] == "refunded"
    _went_back(world, one.session)


# --- refunds and the platform's fee ---------------------------------------------------------------------------------


def _held_on(edge: Edge, account_id: str) -> dict[str, Any]:
    """All that Stripe holds for a connected account, by kind."""
    accounts = edge.world.stripe.snapshot()["accounts"]
    return next(books for books in accounts if books["account"]["id"] == account_id)


@pytest.mark.parametrize(("basis_points", "platform_fee"), [(0, 0), (1, 1)])
@pytest.mark.parametrize("already", [0, 3000], ids=["all at once", "a part was refunded before"])
@pytest.mark.parametrize("asked", ["DELETE", "POST"], ids=["cancelled", "refunded by the clinic"])
def test_alfio_739_a_refund_works_whether_or_not_there_was_a_platform_fee(
    edge: Edge, basis_points: int, platform_fee: int, already: int, asked: str
) -> None:
    """The refund failed when the platform's fee was 0.

    https://github.com/alfio-event/alf.io/issues/739
    """
    clinic, stripe = Clinic(edge), edge.world.stripe
    account = stripe.create_account()
    clinic.change_team(accounts=(PayeeAccount(account),), fee_basis_points=basis_points)
    one = book(edge, clinic)
    one.pay_at_stripe()
    one.come_back()
    [charge] = _held_on(edge, account)["charges"]
    assert (charge["application_fee_amount"] or 0) == platform_fee
    if already:
        stripe.refund_in_dashboard(charge["id"], already)
        edge.deliver_webhooks()
    assert (one.ask("DELETE") if asked == "DELETE" else one.refund()).status == 200
    edge.world.clock.advance(minutes=2)
    edge.world.sweep()
    refunds = _held_on(edge, account)["refunds"]
    assert sorted(refund["amount"] for refund in refunds) == ([3000, 5000] if already else [FEE])
    assert (one.payment()["status"], one.payment()["attention"]) == ("refunded", None)
