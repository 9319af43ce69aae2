"""The control calls that bring payments and accounts at Stripe into each state. No sockets."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib.domain.edits import SessionEdit
from chalicelib.domain.payments import PaymentStatus
from chalicelib.flows.waive import waive
from tests.sandbox.bench import AS_PERSON, Bench, bench_on
from tests.support.editing import update
from tests.support.world import World


@pytest.fixture
def bench(world: World) -> Bench:
    return bench_on(world)


def guest_of(world: World) -> tuple[Any, str]:
    session = world.schedule(starts_in=timedelta(days=1))
    world.pay(session)
    return session, session.participant_id(2)


def test_a_dispute_that_is_lost_reaches_the_product(bench: Bench, world: World) -> None:
    session, guest = guest_of(world)
    opened = bench.post("/stripe/deeds", {"deed": "dispute", "participant_id": guest})
    world.deliver()
    assert (opened["object"], opened["status"]) == ("dispute", "needs_response")
    assert world.status(session) is PaymentStatus.DISPUTED
    bench.post("/stripe/deeds", {"deed": "lose_dispute", "participant_id": guest})
    world.deliver()
    assert world.status(session) is PaymentStatus.REFUNDED


def test_a_refund_in_the_dashboard_reaches_the_product(bench: Bench, world: World) -> None:
    session, guest = guest_of(world)
    done = bench.post("/stripe/deeds", {"deed": "refund", "participant_id": guest, "amount": 3000})
    world.deliver()
    assert (done["object"], done["status"]) == ("refund", "succeeded")
    assert world.status(session) is PaymentStatus.PARTIALLY_REFUNDED


def test_a_debit_that_settles_after_its_session_was_moved_and_waived_goes_back(bench: Bench, world: World) -> None:
    world.change_team(delayed_methods=("au_becs_debit",))
    session = world.schedule(starts_in=timedelta(days=14))
    world.pay(session, "au_becs_debit")
    world.deliver()
    tomorrow = session.start_time - timedelta(days=13)
    update(world, session, SessionEdit(start_time=tomorrow, end_time=tomorrow + timedelta(minutes=30)))
    waive(world.ctx, session.team_id, session.participant_id(2), "paid by debit")
    bench.post("/stripe/deeds", {"deed": "settle_debit", "participant_id": session.participant_id(2)})
    world.deliver()
    world.sweep()
    assert world.status(session) is PaymentStatus.WAIVED
    [refund] = world.refunds()
    assert (refund["amount"], refund["status"], refund["metadata"]["anteroom_reason"]) == (8000, "succeeded", "waived")


def test_a_person_reads_what_was_done(bench: Bench, world: World) -> None:
    _, guest = guest_of(world)
    form = {"deed": "inquiry", "participant_id": guest}
    assert bench.http.post("/stripe/deeds", data=form, headers=AS_PERSON).status_code == 303
    assert "inquiry. The dispute is warning_needs_response." in bench.http.get("/").text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "deed"),
        ({"deed": "burn", "charge": "ch_1"}, "settle_debit, fail_debit, dispute, inquiry, win_dispute, lose_dispute"),
        ({"deed": "refund"}, "either participant_id or charge"),
        ({"deed": "refund", "charge": "ch_unknown"}, "no charge fits refund; there is none at all"),
        ({"deed": "refund", "participant_id": "GUEST", "amount": 8001}, "Stripe refuses it: Refund amount"),
        ({"deed": "refund", "charge": "ch_1", "amount": "3"}, "amount"),
        ({"deed": "refund", "charge": "ch_1", "sum": 3}, "sum"),
    ],
)
def test_a_deed_that_makes_no_sense_is_422_and_changes_nothing(
    bench: Bench, world: World, asked: dict[str, Any], says: str
) -> None:
    _, guest = guest_of(world)
    before = bench.state()
    fields = {name: guest if value == "GUEST" else value for name, value in asked.items()}
    assert says in bench.post("/stripe/deeds", fields, 422)["error"]
    assert bench.state() == before


# --- accounts -------------------------------------------------------------------------------------------------------


def test_an_account_changes_in_what_is_given_alone(bench: Bench) -> None:
    own = bench.state()["stripe"]["account_id"]
    first = bench.post(
        "/stripe/account", {"account": None, "country": "SG", "methods": ["card", "link"], "balance": "empty"}
    )
    assert first == {
        "account": own,
        "connected": True,
        "country": "SG",
        "methods": ["card", "link"],
        "balance": "empty",
        "charges_enabled": True,
    }
    second = bench.post("/stripe/account", {"account": own, "charges_enabled": False, "balance": "enough"})
    assert second == first | {"charges_enabled": False, "balance": "enough"}


def test_without_balance_a_refund_is_refused_and_told(bench: Bench, world: World) -> None:
    _, guest = guest_of(world)
    bench.post("/stripe/account", {"balance": "empty"})
    refused = bench.post("/stripe/deeds", {"deed": "refund", "participant_id": guest}, 422)
    assert "Stripe refuses it: Insufficient funds" in refused["error"]


def test_a_person_changes_an_account_by_a_form(bench: Bench) -> None:
    form = {"methods": "card, link", "charges_enabled": "false"}
    assert bench.http.post("/stripe/account", data=form, headers=AS_PERSON).status_code == 303
    assert "takes no payments. Country AU, card, link; funds for refunds: enough." in bench.http.get("/").text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"account": "acct_unknown", "country": "SG"}, "acct_unknown"),
        ({"country": "Singapore"}, "two capital letters"),
        ({"country": "SG", "methods": ["cash"]}, "cash: the methods are acss_debit"),
        ({"country": "SG", "balance": "none"}, "empty, enough"),
        ({"country": "SG", "charges_enabled": "no"}, "charges_enabled"),
        ({"country": "SG", "methods": [1]}, "methods"),
    ],
)
def test_an_account_that_could_not_be_so_is_422_and_stays(bench: Bench, asked: dict[str, Any], says: str) -> None:
    before = bench.state()
    assert says in bench.post("/stripe/account", asked, 422)["error"]
    assert bench.state() == before


# --- the start page -------------------------------------------------------------------------------------------------


def buttons(page: str, charge: str) -> list[str]:
    return re.findall(f'aria-label="([^",]+), charge {charge}"', page)


def test_a_charge_has_a_button_for_each_deed_that_fits_it_now(bench: Bench, world: World) -> None:
    guest_of(world)
    charge = bench.state()["stripe"]["accounts"][0]["charges"][-1]["id"]
    fresh = ["Dispute", "Inquire", "Refund in the dashboard", "Hold the next refund"]
    assert buttons(bench.http.get("/live").text, charge) == fresh
    bench.http.post("/stripe/deeds", data={"charge": charge, "deed": "dispute"}, headers=AS_PERSON)
    page = bench.http.get("/").text
    assert f"Done to charge {charge}: dispute. The dispute is needs_response." in page
    assert buttons(page, charge) == ["Win the dispute", "Lose the dispute", "Hold the next refund"]
    assert "<td>fraudulent</td>" in page


def test_a_receipt_opens_also_after_a_refund(bench: Bench, world: World) -> None:
    guest_of(world)
    charge = bench.state()["stripe"]["accounts"][0]["charges"][-1]
    path = urlsplit(charge["receipt_url"]).path
    assert bench.http.get(path).status_code == 200
    bench.post("/stripe/deeds", {"charge": charge["id"], "deed": "refund"})
    assert bench.http.get(path).status_code == 200


def test_a_restriction_and_its_end_leave_the_ways_of_paying_as_they_were(bench: Bench) -> None:
    own = bench.state()["stripe"]["account_id"]
    bench.post("/stripe/account", {"account": None, "charges_enabled": False})
    assert bench.post("/stripe/account", {"account": None, "methods": ["au_becs_debit"]})["methods"] == [
        "au_becs_debit"
    ]
    told = bench.post("/stripe/account", {"account": own, "charges_enabled": True})
    assert (told["methods"], told["charges_enabled"]) == (["au_becs_debit"], True)


def test_a_form_leaves_as_it_is_what_was_not_filled_in(bench: Bench) -> None:
    own = bench.state()["stripe"]["account_id"]
    form = {"account": own, "country": "SG", "methods": "", "balance": ""}
    bench.http.post("/stripe/account", data=form, headers=AS_PERSON)
    account = bench.state()["stripe"]["accounts"][0]["account"]
    assert account["country"] == "SG"
    assert account["capabilities"]["card_payments"] == "active"
