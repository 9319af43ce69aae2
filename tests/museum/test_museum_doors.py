"""Museum: let in without paying, cancelled by a mail scanner, betrayed by a page.

Each test is named after a report from users of another system, and holds what happened to them against this one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from itertools import product
from urllib.parse import urlsplit

import pytest
from typing_extensions import override

from chalicelib.domain.admission import Door
from chalicelib.domain.edits import SessionEdit
from chalicelib.domain.sessions import Session
from chalicelib.domain.teams import PayeeAccount
from chalicelib.flows.come_back import come_back
from chalicelib.flows.edit_session import update_session
from tests.http.doors import DOORS, FORGED, Visitor, cookie_of, unpaid
from tests.museum.appointment import DAY, DEBIT, DECLINED, FEE, HOUR, Appointment, book, fee_of, with_debits
from tests.support.clinic import Clinic, fingerprint
from tests.support.edge import Edge, Reply
from tests.support.examples import IS_LONG
from tests.support.seam import Kind
from tests.support.world import World, checkout_id

# --- no way in without a payment ------------------------------------------------------------------------------------

Deed = Callable[[World, Session], object]
DEEDS_IN_A_ROW = 4 if IS_LONG else 3


def _press_pay(world: World, session: Session) -> object:
    return world.press_pay(session)


def _card_is_declined(world: World, _session: Session) -> object:
    return [world.stripe.pay(page["id"], DECLINED) for page in world.open_checkouts()]


def _all_pages_of_success(world: World, _session: Session) -> object:
    """Somebody opens every address to come back to that Stripe was ever given."""
    return [come_back(world.ctx, str(page["success_url"]).rpartition("/")[2]) for page in world.checkouts()]


def _webhooks_come(world: World, _session: Session) -> object:
    return world.deliver()


def _sweep_runs(world: World, _session: Session) -> object:
    return world.sweep()


def _a_day_passes(world: World, _session: Session) -> None:
    """Offers lapse."""
    world.clock.set(world.clock() + DAY)


def _booked_again(world: World, session: Session) -> object:
    """The clinic moves the appointment: it begins now."""
    now = world.clock()
    edit = SessionEdit(start_time=now, end_time=now + 20 * HOUR)
    return update_session(world.ctx, session.team_id, session.session_id, edit)


DEEDS: tuple[Deed, ...] = (
    _press_pay,
    _card_is_declined,
    _all_pages_of_success,
    _webhooks_come,
    _sweep_runs,
    _a_day_passes,
    _booked_again,
)


@pytest.mark.long
def test_calcom_22126_no_row_of_deeds_leads_in_without_a_payment() -> None:
    """Abandon the payment, book again, and the page of success was reached without paying.

    https://github.com/calcom/cal.diy/issues/22126
    """
    for deeds in product(DEEDS, repeat=DEEDS_IN_A_ROW):
        world = World()
        session = world.schedule(starts_in=HOUR, lasts=23 * HOUR)
        for deed in deeds:
            deed(world, session)
            door = world.open(session).admission.door
            assert door in {Door.PAY, Door.ENDED}, [one.__name__ for one in deeds]
        _booked_again(world, session)
        world.stripe.pay(checkout_id(world.pay_page(session).url))
        _webhooks_come(world, session)
        assert world.open(session).admission.door is Door.JOIN, "whoever pays enters"


@pytest.mark.parametrize(
    "accounts", [(), (PayeeAccount(None, charges_enabled=False),)], ids=["no account", "one that cannot charge"]
)
def test_fossasia_6258_a_clinic_without_an_account_takes_no_fees_and_lets_nobody_in_unpaid(
    edge: Edge, accounts: tuple[PayeeAccount, ...]
) -> None:
    """The payment provider was not connected, and the ticket came without payment.

    https://github.com/fossasia/open-event-server/issues/6258
    """
    clinic = Clinic(edge)
    owing, free = book(edge, clinic), book(edge, clinic, guest={"role": "GUEST", "display_name": "Ann"})
    clinic.change_team(accounts=accounts)
    assert clinic.schedule(fee_of()).status == 409
    assert free.ask("POST", "/participants", fee_of()).status == 409
    assert free.ask_of_guest("PUT", fee_of()).status == 409
    assert owing.ask_of_guest("PUT", fee_of(9000)).status == 409
    for moment in (owing.session.start_time, owing.session.end_time - timedelta(seconds=1)):
        assert _is_kept_out(owing) == "cannot_charge"
        edge.run_schedule()
        edge.world.clock.set(moment)
    assert _is_kept_out(owing) == "cannot_charge"
    assert edge.world.checkouts() == []
    assert free.door() == "join"


def _is_kept_out(one: Appointment) -> str:
    """Neither in nor at Stripe; gives what the door says."""
    assert one.pay("application/json").status == 409
    assert one.join("application/json").status == 403
    assert one.look()["can_join"] is False
    return one.door()


def test_laravel_9334_the_page_of_success_believes_stripe_and_never_its_address(edge: Edge) -> None:
    """The order was marked paid because the URL of success was opened.

    https://github.com/laravel/docs/issues/9334
    """
    one = book(edge, starts_in=timedelta(0))
    other = book(edge, one.clinic, starts_in=timedelta(0))
    edge.world.stripe.set_webhooks("drop")
    cookie = cookie_of(one.pay())
    other.pay_at_stripe()
    unpaid_path, paid_path = one.return_path(), other.return_path()
    edge.world.stripe.pay(one.checkout_session_id(), DECLINED)
    for path in (
        unpaid_path,
        f"{unpaid_path}?session_id={other.checkout_session_id()}&payment_status=paid",
        paid_path,
        f"/paid/{FORGED}",
        f"{unpaid_path[:-1]}{'A' if unpaid_path[-1] != 'A' else 'B'}",
    ):
        for headers in ({}, {"Cookie": cookie}):
            edge.get(path, **headers)
            assert (one.door(), one.payment()["status"], one.payment()["amount_paid"]) == ("pay", "unpaid", 0)
    assert other.door() == "join"
    edge.world.stripe.pay(one.checkout_session_id())
    edge.get(unpaid_path)
    assert one.door() == "join"


@pytest.mark.parametrize("way", ["the card is declined", "the bank refuses days later"])
def test_calcom_12371_paid_is_never_said_of_a_payment_that_failed(edge: Edge, way: str) -> None:
    """An appointment was called booked although the card had failed.

    https://github.com/calcom/cal.diy/issues/12371
    """
    one = book(edge, with_debits(Clinic(edge)), starts_in=14 * DAY)
    if way == "the card is declined":
        one.pay_at_stripe(DECLINED)
        assert _told(one) == {("unpaid", 0, "pay")}
    else:
        payment_intent_id = one.pay_at_stripe(DEBIT)
        assert _told(one) == {("unpaid", 0, "pay"), ("processing", 0, "processing")}
        edge.world.stripe.settle_delayed(payment_intent_id, succeeded=False)
        assert _told(one) == {("processing", 0, "processing"), ("unpaid", 0, "pay")}
    one.pay_at_stripe()
    edge.deliver_webhooks()
    assert (one.payment()["status"], one.payment()["amount_paid"], one.door()) == ("paid", FEE, "early")


def _told(one: Appointment) -> set[tuple[str, int, str]]:
    """All that clinic and client are told, before and while the news comes by each of its ways."""
    edge, told = one.edge, set()
    for way in (
        lambda: None,
        edge.deliver_webhooks,
        one.come_back,
        lambda: one.pay("application/json"),
        edge.world.sweep,
    ):
        edge.world.clock.advance(minutes=1)
        way()
        told.add((str(one.payment()["status"]), int(one.payment()["amount_paid"]), one.door()))
    return told


# --- machines that open links ---------------------------------------------------------------------------------------

FIFTY = 50
A_FEW = 3


@pytest.mark.parametrize("door", DOORS)
def test_easyappointments_1178_scanners_open_every_address_and_nothing_changes(edge: Edge, door: Door) -> None:
    """A mail scanner followed the links of a message, and so cancelled the appointment.

    https://github.com/alextselegidis/easyappointments/issues/1178
    """
    visitor = DOORS[door](edge)
    addresses = {visitor.path, *_addresses_in(visitor.open().body)}
    addresses |= {f"{visitor.path}/{action}" for action in ("checkout", "join", "calendar.ics")}
    before, mark = fingerprint(edge.world), len(edge.world.seam.done)
    for _ in range(FIFTY if door is Door.PAY else A_FEW):
        for address, method in product(sorted(addresses), ("GET", "HEAD")):
            edge.request(method, address)
    assert fingerprint(edge.world) == before
    assert {io.kind for io in edge.world.seam.done[mark:]} == {Kind.READ}
    if door is Door.PAY:
        assert edge.world.stripe.pay(_offer_of(visitor)).status == "paid"


def _offer_of(visitor: Visitor) -> str:
    visitor.pay()
    return visitor.checkout_session_id()


def _addresses_in(page: str) -> set[str]:
    """Whatever in it leads somewhere on this site, or is loaded or sent."""
    return {address for address in _Addresses(page).found if address.startswith("/")}


class _Addresses(HTMLParser):
    """Every address in a page, and of those the ones that a browser loads by itself or sends forms to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(page)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"href", "src", "action", "formaction", "data", "poster", "srcset"} and value:
                self.found.add(value)
                if tag != "a":
                    self.loaded.add(value)


# --- what a page tells others ---------------------------------------------------------------------------------------

ELSEWHERE = re.compile(r"""(?:https?:)?//[\w.-]+\.\w+""")
"""An address of another site, in a style sheet or a script."""


def test_tidepool_874_no_page_tells_another_site_its_address(edge: Edge) -> None:
    """The token in the address of a page leaked through the Referer header to whom the page loaded things from.

    https://github.com/tidepool-org/blip/issues/874
    """
    pages = [DOORS[door](Edge(World())).open() for door in DOORS]
    visitor = unpaid(edge)
    visitor.pay()
    pages += [edge.get(visitor.return_path()), edge.get(f"/session/{FORGED}"), visitor.join(), edge.get("/docs")]
    loaded: set[str] = set()
    for page in pages:
        _keeps_its_address(page)
        loaded |= _Addresses(page.body).loaded
    assert {urlsplit(address).netloc for address in loaded} == {""}
    files = [edge.get(address) for address in sorted(loaded) if address.startswith("/static/")]
    assert len(files) >= 3
    for file in files:
        assert ELSEWHERE.findall(file.body.replace("http://www.w3.org", "")) == []


def _keeps_its_address(page: Reply) -> None:
    assert page.headers["referrer-policy"] == "no-referrer"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    for directive in ("script-src", "style-src", "img-src", "connect-src"):
        assert re.search(rf"{directive} (?!'self')", policy) is None
