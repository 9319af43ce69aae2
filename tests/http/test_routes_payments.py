"""The list of payments as a clinic's books want it: what a row says, in which span, and page by page."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.domain.teams import PayeeAccount
from tests.support.clinic import Clinic, fields_of, fingerprint
from tests.support.edge import Edge, Reply
from tests.support.payments import PAYMENTS, Till, as_rows, keep, ledger_row, next_path

ISO_DAY = "from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z"
RFC_FROM, RFC_TO = quote("Mon, 02 Mar 2026 00:00:00 GMT"), quote("Tue, 03 Mar 2026 00:00:00 GMT")
CURSOR_PROBLEM = {
    "field": "cursor",
    "message": "is not a cursor of this list; send `next` of the answer before, unchanged, with the same filters "
    "(from, to), or leave it out to begin anew",
}


@pytest.fixture
def till(clinic: Clinic) -> Till:
    return Till(clinic)


def money_of(row: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON)
    """The amounts, where there is any."""
    names = ("amount", "platform_fee", "platform_fee_refunded", "refunded", "charged_back")
    return {name: (row[name], row[f"{name}_decimal"]) for name in names if row[name]}


def errors_of(reply: Reply) -> list[dict[str, str]]:
    assert reply.status == 422, reply.body
    return list(reply.json()["errors"])


# --- what a row says ----------------------------------------------------------------------------------------------


def test_a_payment_is_told_with_its_ids_its_time_and_its_amounts(till: Till) -> None:
    charge_id = till.take()
    [charge] = till.world.charges()
    [session] = till.clinic.ask("GET", "/v1/sessions").json()["content"]
    assert till.list() == {
        "content": [
            {
                "paid_at": "2026-03-02T12:00:01.000Z",
                "session_id": session["session_id"],
                "participant_id": session["participants"][0]["participant_id"],
                "client_id": till.clinic.client_id,
                "charge_id": charge_id,
                "payment_intent_id": charge["payment_intent"],
                "account_id": None,
                "attempt_id": till.world.checkouts()[0]["client_reference_id"],
                "currency": "aud",
                "amount": 8000,
                "amount_decimal": "80.00",
                "platform_fee": 0,
                "platform_fee_decimal": "0.00",
                "refunded": 0,
                "refunded_decimal": "0.00",
                "charged_back": 0,
                "charged_back_decimal": "0.00",
                "is_disputed": False,
                "is_accepted": True,
                "platform_fee_refunded": 0,
                "platform_fee_refunded_decimal": "0.00",
            }
        ],
        "more": False,
        "next": None,
        "from": "2026-01-30T12:00:33.000Z",
        "to": "2026-03-02T12:00:33.000Z",
    }


def test_a_part_that_was_given_back_is_told_and_the_payment_stands(till: Till) -> None:
    charge_id = till.take()
    path = f"/v1/participants/{till.row(charge_id)['participant_id']}/refund"
    assert till.clinic.ask("POST", path, {"amount": 3000}, Idempotency_Key="key-1").status == 200
    assert money_of(till.row(charge_id)) == {"amount": (8000, "80.00"), "refunded": (3000, "30.00")}
    till.world.stripe.refund_in_dashboard(charge_id, 1050)
    till.clinic.edge.deliver_webhooks()
    assert money_of(till.row(charge_id))["refunded"] == (4050, "40.50")


def test_a_dispute_is_told_while_it_is_open_and_once_it_is_lost(till: Till) -> None:
    charge_id = till.take()
    dispute_id = till.world.stripe.dispute(charge_id)
    till.clinic.edge.deliver_webhooks()
    assert till.row(charge_id)["is_disputed"] is True
    assert money_of(till.row(charge_id)) == {"amount": (8000, "80.00")}
    till.world.stripe.dispute_close(dispute_id, "lost")
    till.clinic.edge.deliver_webhooks()
    assert till.row(charge_id)["is_disputed"] is False
    assert money_of(till.row(charge_id)) == {"amount": (8000, "80.00"), "charged_back": (8000, "80.00")}


def test_amounts_are_written_with_the_decimals_of_their_currency(till: Till) -> None:
    till.clinic.change_team(more_currencies=("jpy", "kwd", "isk"))
    for amount, currency in ((5000, "jpy"), (5120, "kwd"), (500000, "isk"), (8050, "aud")):
        till.take(amount, currency)
    told = [(row["currency"], row["amount"], row["amount_decimal"]) for row in till.list()["content"]]
    assert told == [
        ("jpy", 5000, "5000"),
        ("kwd", 5120, "5.120"),
        ("isk", 500000, "5000"),
        ("aud", 8050, "80.50"),
    ]


def test_in_a_currency_that_is_not_known_here_there_is_the_minor_unit_alone(till: Till) -> None:
    team_id = till.clinic.team.team_id
    keep(till.world, ledger_row(0, team_id=team_id, currency="xts", refunded=5))
    [row] = till.list()["content"]
    assert money_of(row) == {"amount": (8000, None), "platform_fee": (120, None), "refunded": (5, None)}
    [line] = as_rows(till.ask(Accept="text/csv"))
    assert (line["amount"], line["amount_decimal"], line["refunded_decimal"]) == ("8000", "", "")


def test_on_a_connected_account_its_id_and_the_platforms_fee_are_told(till: Till) -> None:
    account = till.world.stripe.create_account("Bay Road Clinic")
    till.clinic.change_team(accounts=(PayeeAccount(account),), fee_basis_points=150)
    charge_id = till.take(8050)
    row = till.row(charge_id)
    assert row["account_id"] == account
    assert money_of(row) == {"amount": (8050, "80.50"), "platform_fee": (121, "1.21")}
    assert till.clinic.ask("POST", f"/v1/participants/{row['participant_id']}/refund").status == 200
    # What it gives back of its fee is told nowhere: `docs/decisions.md`, "Payments".
    assert money_of(till.row(charge_id))["platform_fee"] == (121, "1.21")
    assert money_of(till.row(charge_id))["refunded"] == (8050, "80.50")


def test_money_that_is_not_what_was_asked_for_is_told_as_not_accepted(till: Till) -> None:
    row = ledger_row(0, team_id=till.clinic.team.team_id, is_accepted=False)
    keep(till.world, row)
    assert till.row(row.charge_id)["is_accepted"] is False


# --- which span ---------------------------------------------------------------------------------------------------


@pytest.fixture
def day(till: Till) -> Till:
    """With payments at 12:00:01, and 12:00:42, and 12:01:23 UTC."""
    for seconds in (1, 10, 10):
        till.take(seconds=seconds)
    return till


def _times(till: Till, query: str) -> list[str]:
    return [row["paid_at"][11:19] for row in till.list(query)["content"]]


@pytest.mark.parametrize(
    ("query", "times"),
    [
        (f"?{ISO_DAY}", ["12:00:01", "12:00:42", "12:01:23"]),
        ("?from=2026-03-02T12:00:42Z", ["12:00:42", "12:01:23"]),
        ("?from=2026-03-02T12:00:42.001Z", ["12:01:23"]),
        ("?from=2026-03-02T12:00:42.000999Z", ["12:00:42", "12:01:23"]),
        ("?to=2026-03-02T12:00:42Z", ["12:00:01"]),
        ("?to=2026-03-02T12:00:42.001Z", ["12:00:01", "12:00:42"]),
        ("?from=2026-03-02T22:00:02%2B10:00&to=2026-03-02+22:01:00+10:00", ["12:00:42"]),
        ("?from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z", ["12:00:01", "12:00:42", "12:01:23"]),
        ("?from=0500-01-01T00:00:00Z&to=0500-02-01T00:00:00Z", []),
        ("?to=2026-04-02T12:00:01Z", ["12:00:01", "12:00:42", "12:01:23"]),
        ("?to=2026-04-02T12:00:02Z", ["12:00:42", "12:01:23"]),
        ("?to=0001-01-02T00:00:00Z", []),
        ("?from=&to=&page_size=&cursor=", ["12:00:01", "12:00:42", "12:01:23"]),
        ("?colour=red&format=csv&start_time=x&From=x", ["12:00:01", "12:00:42", "12:01:23"]),
    ],
)
def test_a_span_has_its_first_moment_and_not_its_last(day: Till, query: str, times: list[str]) -> None:
    assert _times(day, query) == times


def test_what_was_paid_in_this_very_second_is_there(till: Till) -> None:
    keep(till.world, ledger_row(0, team_id=till.clinic.team.team_id))
    assert _times(till, "") == ["12:00:00"]
    assert till.list()["to"] == "2026-03-02T12:00:01.000Z"


@pytest.mark.parametrize(
    ("query", "first", "last", "paid_at"),
    [
        (
            f"?from={RFC_FROM}&to={RFC_TO}",
            "Mon, 02 Mar 2026 00:00:00 GMT",
            "Tue, 03 Mar 2026 00:00:00 GMT",
            "Mon, 02 Mar 2026 12:00:01 GMT",
        ),
        (
            f"?to={RFC_TO}",
            "Sat, 31 Jan 2026 00:00:00 GMT",
            "Tue, 03 Mar 2026 00:00:00 GMT",
            "Mon, 02 Mar 2026 12:00:01 GMT",
        ),
        (
            f"?from={RFC_FROM}&to=2026-03-03T00:00:00Z",
            "2026-03-02T00:00:00.000Z",
            "2026-03-03T00:00:00.000Z",
            "2026-03-02T12:00:01.000Z",
        ),
    ],
)
def test_times_come_out_as_they_were_sent(till: Till, query: str, first: str, last: str, paid_at: str) -> None:
    till.take()
    answer = till.list(query)
    assert (answer["from"], answer["to"], answer["content"][0]["paid_at"]) == (first, last, paid_at)
    [row] = as_rows(till.ask(query, Accept="text/csv"))
    assert row["paid_at"] == paid_at


@pytest.mark.parametrize("sent", ["2026-03-02", "2026-03-02T12:00:00", "1772452800", "2026-02-30T12:00:00Z", "%00"])
@pytest.mark.parametrize("name", ["from", "to"])
def test_a_time_that_is_none_is_422_with_what_to_send(till: Till, name: str, sent: str) -> None:
    [error] = errors_of(till.ask(f"?{name}={sent}"))
    assert error["field"] == name
    assert error["message"].startswith("send a time with its zone, such as 2026-06-08T13:34:00Z or Mon, 08 Jun 2026")


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-03-02T12:00:00Z&to=2026-03-02T12:00:00Z",
        "from=2026-03-03T00:00:00Z&to=2026-03-02T00:00:00Z",
        "from=2026-03-02T12:00:00.0005Z&to=2026-03-02T12:00:00.0009Z",
        "from=2026-03-02T12:00:01Z",
        "to=0001-01-01T00:00:00Z",
    ],
)
def test_a_span_that_does_not_end_after_it_begins_is_422(till: Till, query: str) -> None:
    message = "must be later than from; without it, it is now"
    assert errors_of(till.ask(f"?{query}")) == [{"field": "to", "message": message}]


@pytest.mark.parametrize("sent", ["0", "1001", "-1", "1.5", "many"])
def test_a_page_has_1_to_1000_payments(till: Till, sent: str) -> None:
    message = f"must be a whole number from 1 to 1000; {sent} was sent"
    assert errors_of(till.ask(f"?page_size={sent}")) == [{"field": "page_size", "message": message}]


def test_all_that_is_wrong_is_told_at_once(till: Till) -> None:
    assert fields_of(till.ask("?page_size=0&from=x&to=x&cursor=x")) == ["page_size", "from", "to", "cursor"]
    assert fields_of(till.ask("?page_size=0&from=2026-03-03T00:00:00Z&to=2026-03-02T00:00:00Z")) == ["page_size", "to"]
    assert fields_of(till.ask("?from=2027-01-01T00:00:00Z&to=x")) == ["to"]


def test_trouble_is_told_as_a_problem_also_to_who_wants_csv(till: Till) -> None:
    reply = till.ask("?page_size=0", Accept="text/csv")
    assert (reply.status, reply.headers["content-type"]) == (422, "application/json")


# --- pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [f"?{ISO_DAY}", f"?from={RFC_FROM}&to={RFC_TO}", f"?from={RFC_FROM}", ""])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_one_after_the_other_are_the_whole(day: Till, query: str, size: int) -> None:
    pages = list(day.pages(f"{query or '?'}&page_size={size}"))
    told = [reply.json() for reply in pages]
    assert [row for one in told for row in one["content"]] == day.list(query)["content"]
    assert [one["more"] for one in told] == [True] * (len(told) - 1) + [False]
    assert len({(one["from"], one["to"]) for one in told}) == 1


def test_next_alone_goes_on_in_the_span_that_it_was_made_in(day: Till) -> None:
    first = day.list("?page_size=1")
    day.world.clock.advance(minutes=5)
    rest = day.list(f"?cursor={first['next']}")
    assert [row["paid_at"][11:19] for row in rest["content"]] == ["12:00:42", "12:01:23"]
    assert (rest["from"], rest["to"], rest["more"], rest["next"]) == (first["from"], first["to"], False, None)


def test_the_address_of_the_next_page_is_whole_and_says_all_that_was_asked_for(day: Till) -> None:
    reply = day.ask(f"?{ISO_DAY}&page_size=2")
    cursor = reply.json()["next"]
    times = "from=2026-03-02T00%3A00%3A00.000Z&to=2026-03-03T00%3A00%3A00.000Z"
    address = f"https://anteroom.example/v1/payments?{times}&page_size=2&cursor={cursor}"
    assert reply.headers["link"] == f'<{address}>; rel="next"'
    last = day.clinic.ask("GET", next_path(reply))
    assert (len(last.json()["content"]), "link" in last.headers) == (1, False)


def test_a_payment_between_two_pages_is_neither_lost_nor_doubled(day: Till) -> None:
    first = day.list(f"?{ISO_DAY}&page_size=2")
    before = day.list(f"?{ISO_DAY}")["content"]
    late = day.take()
    rest = day.list(f"?{ISO_DAY}&cursor={first['next']}")["content"]
    assert first["content"] + rest[:-1] == before
    assert rest[-1]["charge_id"] == late


@pytest.mark.parametrize(
    "other",
    [
        "&from=2026-03-02T00:00:01Z",
        "&to=2026-03-03T00:00:00.001Z",
        "&to=2026-03-02T23:59:59Z",
        f"&from={RFC_TO}",
        "&from=2026-03-05T00:00:00Z&to=2026-03-04T00:00:00Z",
    ],
)
def test_a_cursor_of_another_span_is_422(day: Till, other: str) -> None:
    cursor = day.list(f"?{ISO_DAY}&page_size=1")["next"]
    assert errors_of(day.ask(f"?cursor={cursor}{other}")) == [CURSOR_PROBLEM]


@pytest.mark.parametrize("cursor", ["nonsense", "AQ", "%00", "A" * 2000, "%F0%9F%98%80"])
def test_a_made_up_cursor_is_422_and_not_repeated(day: Till, cursor: str) -> None:
    assert errors_of(day.ask(f"?cursor={cursor}")) == [CURSOR_PROBLEM]


def test_a_cursor_of_the_list_of_sessions_is_422(day: Till) -> None:
    cursor = day.clinic.ask("GET", "/v1/sessions?page_size=1").json()["next"]
    assert errors_of(day.ask(f"?cursor={cursor}")) == [CURSOR_PROBLEM]


# --- HTTP, and other teams ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_nobody_is_to_store_it_and_head_says_what_get_says_without_the_rows(day: Till, accept: str) -> None:
    reply = day.ask("?page_size=1", Accept=accept)
    head = day.clinic.ask("HEAD", f"{PAYMENTS}?page_size=1", Accept=accept)
    assert reply.headers["cache-control"] == "no-store"
    assert (head.status, head.headers, head.body) == (200, reply.headers, "")


def test_it_is_read_and_nothing_else(till: Till) -> None:
    allowed = till.clinic.ask("OPTIONS", PAYMENTS)
    assert (allowed.status, allowed.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert till.clinic.ask(method, PAYMENTS).status == 405
    assert till.clinic.edge.get(PAYMENTS).status == 401


def test_reading_it_writes_nothing(day: Till) -> None:
    before = fingerprint(day.world)
    list(day.pages("?page_size=1", Accept="text/csv"))
    assert fingerprint(day.world) == before


def test_a_page_of_the_teams_own_site_reads_where_the_next_page_is(day: Till) -> None:
    day.clinic.change_team(allowed_origins=("https://practice.example",))
    reply = day.ask("?page_size=1", Origin="https://practice.example")
    exposed = reply.headers["access-control-expose-headers"].split(", ")
    assert {"Link", "Content-Disposition"} <= set(exposed)


def test_another_teams_payments_are_never_seen(day: Till, edge: Edge) -> None:
    neighbour = Till(Clinic(edge, "Hill Street Practice"))
    cursor = day.list("?page_size=1")["next"]
    team = f"&team_id={day.clinic.team.team_id}"
    assert neighbour.list(f"?{ISO_DAY}{team}")["content"] == []
    assert errors_of(neighbour.ask(f"?cursor={cursor}{team}")) == [CURSOR_PROBLEM]
    theirs = neighbour.take()
    assert [row["charge_id"] for row in neighbour.list()["content"]] == [theirs]
    assert theirs not in day.ask().body
