"""Museum: judged by the wrong clock, in the wrong zone, or asked to pay again since the time was moved.

Each test is named after a report from users of another system, and holds what happened to them against this one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest

from tests.museum.appointment import DAY, FEE, HOUR, book
from tests.support.clinic import Clinic
from tests.support.edge import Edge
from tests.support.invariants import settled_in_the_end

SECOND = timedelta(seconds=1)

# --- moved ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heard", ["before the move", "after the move"])
@pytest.mark.parametrize("moved_by", [2 * DAY, -4 * HOUR], ids=["put off", "brought forward"])
def test_calcom_10121_a_paid_appointment_is_moved_and_nobody_is_asked_to_pay_again(
    edge: Edge, heard: str, moved_by: timedelta
) -> None:
    """Rescheduling a paid booking asked for the payment again.

    https://github.com/calcom/cal.diy/issues/10121
    """
    one, world = book(edge, starts_in=DAY), edge.world
    world.stripe.set_webhooks("drop")
    one.pay_at_stripe()
    if heard == "before the move":
        one.come_back()
    link, start = one.path, one.session.start_time + moved_by
    assert one.move(start).status == 200
    if heard == "after the move":
        one.come_back()
    assert one.path == link
    assert (one.payment()["status"], one.payment()["amount_paid"], one.door()) == ("paid", FEE, "early")
    assert one.pay("application/json").status == 409
    assert len(world.checkouts()) == 1
    for moment, door in ((start - SECOND, "early"), (start, "join"), (start + HOUR, "ended")):
        world.clock.set(moment)
        assert one.door() == door
    settled_in_the_end(world, one.session, owed=FEE)


# --- late news ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("paid_before_the_end", "owed"), [(SECOND, FEE), (-SECOND, 0)], ids=["in time", "too late"])
def test_eliza_18862_a_payment_is_judged_by_when_it_was_made_and_not_by_when_it_was_told(
    edge: Edge, paid_before_the_end: timedelta, owed: int
) -> None:
    """A payment that was made in time was judged late, since its webhook came late.

    https://github.com/elizaOS/eliza/issues/18862
    """
    one, world = book(edge, starts_in=timedelta(0), lasts=timedelta(minutes=20)), edge.world
    world.stripe.set_webhooks("hold")
    page = one.press_pay()
    world.clock.set(one.session.end_time - paid_before_the_end)
    world.stripe.pay(page)
    world.clock.advance(hours=72)
    world.stripe.flush()
    assert edge.deliver_webhooks() > 0
    edge.run_schedule()
    back = [(refund["amount"], refund["metadata"]["anteroom_reason"]) for refund in world.refunds()]
    assert back == ([] if owed else [(FEE, "after_end")])
    assert one.payment()["status"] == ("paid" if owed else "refunded")
    settled_in_the_end(world, one.session, owed=owed)


# --- zones ----------------------------------------------------------------------------------------------------------

ZONES = (
    "Etc/UTC",
    "Etc/GMT+12",
    "Pacific/Kiritimati",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "America/Los_Angeles",
    "Europe/Berlin",
)
"""Of both ends of the day, of halves and quarters of an hour, and with a summer time of half an hour."""

NIGHTS = (
    datetime(2026, 3, 8, 10, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(2026, 11, 1, 9, tzinfo=UTC),
)
"""When clocks are put forward or back in America, Europe, on Lord Howe Island, and in America again."""

LEAD = timedelta(minutes=10)


@pytest.mark.parametrize("start", NIGHTS, ids=str)
@pytest.mark.parametrize("zone", ZONES)
def test_va_gov_73084_join_opens_and_closes_at_the_same_moment_in_every_zone(
    edge: Edge, zone: str, start: datetime
) -> None:
    """The button to join was not enabled in time for whoever was in another time zone.

    https://github.com/department-of-veterans-affairs/va.gov-team/issues/73084
    """
    clinic = Clinic(edge)
    clinic.change_team(guest_lead=LEAD)
    local, end = start.astimezone(ZoneInfo(zone)), (start + HOUR).astimezone(ZoneInfo(zone))
    free = {"role": "GUEST", "display_name": "Ann"}
    one = book(edge, clinic, guest=free, start_time=local.isoformat(), end_time=end.isoformat())
    assert (one.session.start_time, one.session.end_time) == (start, start + HOUR)
    skewed = format_datetime(start + 14 * HOUR)
    for edge_at, before, after in (
        (start - LEAD, "early", "join"),
        (start, "join", "join"),
        (start + HOUR, "join", "ended"),
    ):
        for offset, door in ((-SECOND, before), (timedelta(0), after), (SECOND, after)):
            edge.world.clock.set(edge_at + offset)
            told = edge.get(one.path, Accept="application/json", Date=skewed).json()
            assert (told["status"], told["can_join"]) == (door, door == "join"), (zone, edge_at, offset)
            assert datetime.fromisoformat(told["now"]) == edge.world.clock()
            assert datetime.fromisoformat(told["opens_at"]) == start - LEAD
            assert one.join().status == (303 if door == "join" else 403)
