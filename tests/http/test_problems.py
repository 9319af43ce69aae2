"""Every error as a problem detail (RFC 9457): what a caller is told, in which type, and what they are not told."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.config import SettingsError
from chalicelib.domain.edits import (
    AlreadyPaidError,
    BeingPaidError,
    FeeWaivedError,
    StrangePaymentError,
    UnprovenPaymentError,
)
from chalicelib.domain.links import InvalidLinkError
from chalicelib.domain.refusals import Refusal
from chalicelib.domain.sessions import FeeNotPossibleError, InvalidSessionError, Problem
from chalicelib.domain.teams import ChargeBar
from chalicelib.flows.change import ContendedError
from chalicelib.flows.checkout import UnsettledError
from chalicelib.flows.schedule import NotEntitledError, SuspendedError
from chalicelib.gateways import deadline, rooms, signed_tokens, stripe_api, stripe_events, stripe_objects
from chalicelib.gateways.deadline import OutOfTimeError
from chalicelib.gateways.rooms import RoomUnavailableError
from chalicelib.gateways.stripe_api import AccountGoneError, StripeBrokenError, StripeRefusedError, StripeUncertainError
from chalicelib.gateways.stripe_events import BadSignatureError
from chalicelib.gateways.stripe_objects import StrangeObjectError
from chalicelib.http.exchange import Request
from chalicelib.http.problems import HttpError, Trouble, problem_answer, trouble_of
from chalicelib.storage import stores
from chalicelib.storage.stores import (
    ConflictError,
    NewerSchemaError,
    NotFoundError,
    StoreUnavailableError,
    UnreadableError,
)
from tests.fakes.failing import Failing
from tests.support.clinic import Clinic
from tests.support.edge import Edge, Reply

SECRET = "Mary Smith, mary@example.com, sk_live_abc"

STATUSES: list[tuple[Exception, int]] = [
    (HttpError(418, "short and stout"), 418),
    (InvalidSessionError((Problem("end_time", "must be later"),)), 422),
    (InvalidLinkError(), 404),
    (NotFoundError(SECRET), 404),
    (ConflictError(SECRET), 409),
    (ContendedError(SECRET), 503),
    (NotEntitledError(SECRET), 403),
    (SuspendedError(SECRET), 403),
    (FeeNotPossibleError(ChargeBar.NO_ACCOUNT), 409),
    (AccountGoneError(SECRET), 503),
    (BadSignatureError(SECRET), 400),
    (RoomUnavailableError(SECRET), 503),
    (StripeRefusedError(Refusal(SECRET, SECRET)), 503),
    (StripeUncertainError(SECRET), 503),
    (StripeBrokenError(SECRET), 503),
    (StrangeObjectError(SECRET), 503),
    (StoreUnavailableError(SECRET), 503),
    (NewerSchemaError(SECRET), 503),
    (UnreadableError(SECRET), 500),
    (OutOfTimeError(SECRET), 503),
    (UnsettledError(SECRET), 503),
    (SettingsError(SECRET), 500),
    (KeyError(SECRET), 500),
    (RecursionError(SECRET), 500),
    (ValueError(SECRET), 500),
]


@pytest.mark.parametrize(("error", "status"), STATUSES, ids=lambda value: type(value).__name__)
def test_each_error_has_its_status_and_never_its_text(error: Exception, status: int) -> None:
    trouble = trouble_of(error)
    assert trouble.status == status
    assert SECRET not in trouble.detail
    assert trouble.detail
    assert trouble.headers == ({"Retry-After": "3"} if status == 503 else {})


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (AlreadyPaidError(), "a payment is held"),
        (UnprovenPaymentError(), "a payment is being looked up at Stripe"),
        (StrangePaymentError(), "a payment came that is not the one that was asked for"),
        (BeingPaidError(), "a bank is at work on the payment"),
        (FeeWaivedError(), "the fee was waived"),
    ],
)
def test_why_a_fee_stays_as_it_is_is_told_of_each_payment_that_bars_it(error: Exception, told: str) -> None:
    trouble = trouble_of(error)
    assert trouble.status == 409
    assert trouble.detail.startswith(told)


def test_every_error_of_stores_and_gateways_is_in_the_table() -> None:
    """A new one that nobody gave a status would be a 500, and that is seldom right."""
    modules = (stores, deadline, rooms, stripe_api, stripe_events, stripe_objects)
    raised = {
        thing
        for module in modules
        for _, thing in inspect.getmembers(module, inspect.isclass)
        if issubclass(thing, Exception) and thing.__module__ == module.__name__
    }
    tried = {base for error, _ in STATUSES for base in type(error).__mro__}
    assert raised <= tried
    assert signed_tokens.InvalidTokenError not in tried  # the edge's own affair: auth.py answers it


def request_accepting(accept: str) -> Request:
    return Request("GET", "/health", {"accept": accept} if accept else {}, b"", {}, {}, "request-7")


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html", "application/json"),
        ("application/problem+json", "application/problem+json"),
        ("application/json, Application/Problem+JSON;q=0.9", "application/problem+json"),
    ],
)
def test_it_is_a_problem_json_only_for_who_names_that(accept: str, content_type: str) -> None:
    answer = problem_answer(request_accepting(accept), Trouble(404, "gone"))
    assert answer.headers["Content-Type"] == content_type


def test_a_problem_has_the_members_of_rfc_9457_and_the_one_that_older_clients_read() -> None:
    answer = problem_answer(request_accepting(""), Trouble(409, "changed", headers={"X-More": "1"}))
    assert json.loads(answer.body) == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "detail": "changed",
        "error": {"message": "changed"},
        "request_id": "request-7",
    }
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-More"] == "1"


def test_fields_at_fault_are_listed_and_never_more_than_a_hundred() -> None:
    problems = tuple(Problem(f"participants[{n}]", "wrong") for n in range(500))
    body = json.loads(problem_answer(request_accepting(""), Trouble(422, "wrong", problems)).body)
    assert len(body["errors"]) == 100
    assert body["errors"][0] == {"field": "participants[0]", "message": "wrong"}


# --- through the edge ---------------------------------------------------------------------------------------------


def failing_sessions(clinic: Clinic, error: Exception) -> None:
    world = clinic.edge.world
    broken: Any = Failing(world.sessions, error)
    world.context = replace(world.context, sessions=broken)


ID = "019cae6b-6600-7d99-bf35-8c2e07187c00"


def read_with(clinic: Clinic, error: Exception) -> Reply:
    failing_sessions(clinic, error)
    return clinic.read(ID)


def test_a_database_that_does_not_answer_is_503_with_when_to_try_again(clinic: Clinic) -> None:
    reply = read_with(clinic, StoreUnavailableError(SECRET))
    assert reply.status == 503
    assert reply.headers["retry-after"] == "3"
    assert reply.json()["detail"].startswith("the database does not answer just now")
    assert SECRET not in reply.body


def test_what_nobody_foresaw_is_500_without_its_text_or_its_stack(clinic: Clinic) -> None:
    for error in (RuntimeError(SECRET), KeyError(SECRET), RecursionError(SECRET), MemoryError(SECRET)):
        reply = read_with(clinic, error)
        assert reply.status == 500
        assert reply.json() == {
            "type": "about:blank",
            "title": "Internal Server Error",
            "status": 500,
            "detail": "something went wrong on our side; it has been logged, please try again",
            "error": {"message": "something went wrong on our side; it has been logged, please try again"},
            "request_id": "request-1",
        }


def test_trouble_of_a_client_is_a_page_for_people_and_a_problem_for_scripts(clinic: Clinic) -> None:
    link = f"/session/{clinic.edge.world.token(clinic.edge.world.schedule())}"
    failing_sessions(clinic, StoreUnavailableError(SECRET))
    page = clinic.edge.get(link, Accept="text/html,application/xhtml+xml")
    assert (page.status, page.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert page.headers["retry-after"] == "3"
    assert "Nothing is lost" in page.body
    for accept in ("application/json", "application/problem+json"):
        problem = clinic.edge.get(link, Accept=accept)
        assert (problem.status, problem.headers["content-type"]) == (503, accept)
        assert problem.headers["retry-after"] == "3"
        assert problem.headers["referrer-policy"] == "no-referrer"
        assert problem.json()["error"]["message"] == problem.json()["detail"]
    assert SECRET not in page.body


def test_without_settings_every_address_is_a_500_problem(edge: Edge) -> None:
    """Chalice's own words (`Code`, `Message`) are no problem detail, and no client reads them."""

    def no_context(_seconds: float) -> object:
        raise SettingsError(SECRET)

    broken: Any = type("Broken", (), {"within": staticmethod(no_context)})()
    edge.world.context = broken
    for method, path in (("GET", "/health"), ("GET", "/session/x"), ("POST", "/v1/auth/token")):
        reply = edge.request(method, path)
        assert reply.status == 500
        assert reply.json()["error"]["message"].startswith("something went wrong on our side")
        assert SECRET not in reply.body


def test_a_page_that_cannot_be_made_is_a_problem_instead(clinic: Clinic) -> None:
    world = clinic.edge.world
    world.context = replace(world.context, settings=replace(world.context.settings, checkout_origin="nonsense"))
    reply = clinic.edge.get(f"/session/{world.token(world.schedule())}")
    assert (reply.status, reply.headers["content-type"]) == (500, "application/json")
