"""A bank debit under way, and the session moved to before the bank can answer: told, waived, and given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.clinic import Clinic, path_of
from tests.support.edge import Reply
from tests.support.world import World

FEE = {"amount": 8000, "currency": "aud"}
IN_TWO_WEEKS = {"start_time": "2026-03-16T12:00:00Z", "end_time": "2026-03-16T12:30:00Z"}
TOMORROW = {"start_time": "2026-03-03T12:00:00Z", "end_time": "2026-03-03T12:30:00Z"}
TOLD = (
    "A bank debit is under way, and the bank may answer too late for the session: waive the fee to let them in "
    "all the same (what arrives then goes back), or move the session."
)


@dataclass
class Debit:
    """A guest whose bank is at work, for a session in two weeks."""

    clinic: Clinic
    session: str
    guest: str
    link: str
    payment_intent_id: str

    @property
    def world(self) -> World:
        return self.clinic.edge.world

    def wait(self, **duration: float) -> None:
        self.world.clock.advance(**duration)
        self.clinic.access_token = str(self.clinic.ask_token().json()["access_token"])

    def move(self, when: dict[str, str]) -> dict[str, Any]:
        """What the answer to the move says of the payment."""
        reply = self.clinic.ask("PUT", self.session, when)
        assert reply.status == 200, reply.body
        return dict(reply.json()["participants"][1]["payment"])

    def waive(self) -> Reply:
        return self.clinic.ask("POST", f"{self.guest}/waive", {"reason": "Paid by debit"})

    def payment(self) -> dict[str, Any]:
        return dict(self.clinic.ask("GET", self.guest).json()["payment"])

    def found(self) -> dict[str, Any]:
        """What the client's link finds."""
        return dict(self.clinic.edge.get(self.link, Accept="application/json").json())

    def bank_answers(self, *, succeeded: bool) -> None:
        self.world.stripe.settle_delayed(self.payment_intent_id, succeeded=succeeded)
        self.clinic.edge.deliver_webhooks()
        self.world.sweep()
        self.clinic.edge.deliver_webhooks()


@pytest.fixture
def debit(clinic: Clinic) -> Debit:
    clinic.change_team(delayed_methods=("au_becs_debit",))
    session = clinic.schedule({"role": "HOST"}, {"fee": FEE}, **IN_TWO_WEEKS).json()
    guest = session["participants"][1]
    link, stripe = path_of(guest["entry_url"]), clinic.edge.world.stripe
    page = clinic.edge.post(f"{link}/checkout").headers["location"].rpartition("/")[2]
    payment_intent_id = stripe.pay(page, "au_becs_debit").payment_intent_id
    clinic.edge.deliver_webhooks()
    paths = (f"/v1/sessions/{session['session_id']}", f"/v1/participants/{guest['participant_id']}")
    return Debit(clinic, *paths, link, payment_intent_id)


def told(payment: dict[str, Any]) -> tuple[str, bool, str | None]:
    return payment["status"], payment["may_settle_late"], payment["attention"]


def test_in_time_nobody_is_told_and_the_bank_is_waited_for(debit: Debit) -> None:
    assert told(debit.payment()) == ("processing", False, None)
    reply = debit.waive()
    assert (reply.status, reply.json()["detail"]) == (
        409,
        "a bank is at work on the payment of this fee, so it stays as it is for now",
    )


def test_who_moves_the_session_too_near_is_told_in_the_answer_until_it_is_moved_back(debit: Debit) -> None:
    assert told(debit.move(TOMORROW)) == ("processing", True, TOLD)
    assert told(debit.payment()) == ("processing", True, TOLD)
    assert told(debit.move(IN_TWO_WEEKS)) == ("processing", False, None)


def test_the_clients_page_says_that_the_clinic_can_let_them_in(debit: Debit) -> None:
    sentence = "may answer too late for your consultation"
    assert sentence not in debit.clinic.edge.get(debit.link, Accept="text/html").body
    debit.move(TOMORROW)
    assert sentence in debit.clinic.edge.get(debit.link, Accept="text/html").body
    found = debit.found()
    assert (found["status"], found["can_pay"], found["can_join"]) == ("processing", False, False)
    assert told(found["payment"]) == ("processing", True, None)


def test_who_is_waived_enters_and_what_the_bank_pays_then_goes_back_once(debit: Debit) -> None:
    debit.move(TOMORROW)
    reply = debit.waive()
    assert (reply.status, told(reply.json()["payment"])) == (200, ("waived", False, None))
    debit.wait(days=1)
    assert debit.found()["can_join"]
    assert debit.clinic.edge.post(f"{debit.link}/join").status == 303
    debit.wait(days=3)
    debit.bank_answers(succeeded=True)
    assert [(one["amount"], one["status"]) for one in debit.world.refunds()] == [(8000, "succeeded")]
    payment = debit.payment()
    assert told(payment) == ("waived", False, None)
    [charge] = payment["charges"]
    assert (charge["goes_back"], charge["refunds"][0]["reason"]) == ("waived", "waived")
    debit.wait(days=30)
    debit.world.sweep()
    assert len(debit.world.refunds()) == 1


def test_who_is_waived_enters_also_where_the_bank_pays_before_the_start(debit: Debit) -> None:
    debit.move(TOMORROW)
    assert debit.waive().status == 200
    debit.bank_answers(succeeded=True)
    assert [one["amount"] for one in debit.world.refunds()] == [8000]
    debit.wait(days=1)
    assert debit.clinic.edge.post(f"{debit.link}/join").status == 303


def test_a_debit_that_fails_after_a_waiver_changes_nothing(debit: Debit) -> None:
    debit.move(TOMORROW)
    assert debit.waive().status == 200
    debit.bank_answers(succeeded=False)
    assert told(debit.payment()) == ("waived", False, None)
    assert debit.world.refunds() == []
    assert debit.found()["status"] == "early"


@pytest.mark.parametrize(("succeeded", "status"), [(True, "paid"), (False, "unpaid")])
def test_a_bank_that_answers_in_time_after_all_needs_nobody(debit: Debit, status: str, *, succeeded: bool) -> None:
    debit.move(TOMORROW)
    debit.bank_answers(succeeded=succeeded)
    assert told(debit.payment()) == (status, False, None)


def test_at_the_start_a_bank_that_has_not_answered_is_late_however_long_it_had(debit: Debit) -> None:
    debit.wait(days=14, seconds=-1)
    assert (told(debit.payment()), debit.waive().status) == (("processing", False, None), 409)
    debit.wait(seconds=1)
    assert told(debit.payment()) == ("processing", True, TOLD)
    assert debit.waive().status == 200
    assert debit.clinic.edge.post(f"{debit.link}/join").status == 303


def test_once_the_session_is_over_it_is_told_no_more_and_nothing_is_waived(debit: Debit) -> None:
    debit.move(TOMORROW)
    debit.wait(days=1, minutes=30)
    assert told(debit.payment()) == ("processing", False, None)
    assert debit.waive().status == 409


def test_a_waiver_asks_stripe_nothing_of_the_debit(debit: Debit) -> None:
    debit.move(TOMORROW)
    with debit.world.seam.counted() as spent:
        assert debit.waive().status == 200
        assert spent().stripe == 0
