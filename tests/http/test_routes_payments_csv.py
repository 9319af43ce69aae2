"""The list of payments as CSV: a file that bookkeeping reads, page after page, and no spreadsheet runs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.support.clinic import Clinic
from tests.support.payments import Till, as_rows, keep, ledger_row

ISO_DAY = "from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z"
HEADER = (
    "paid_at,session_id,participant_id,client_id,charge_id,payment_intent_id,account_id,attempt_id,currency,amount,"
    "amount_decimal,platform_fee,platform_fee_decimal,refunded,refunded_decimal,charged_back,charged_back_decimal,"
    "is_disputed,is_accepted,platform_fee_refunded,platform_fee_refunded_decimal\r\n"
)


@pytest.fixture
def till(clinic: Clinic) -> Till:
    return Till(clinic)


@pytest.fixture
def day(till: Till) -> Till:
    """With three payments."""
    for _ in range(3):
        till.take()
    return till


def _as_cells(row: dict[str, Any]) -> dict[str, str]:
    words = {None: "", True: "true", False: "false"}
    return {name: words[one] if one is None or isinstance(one, bool) else str(one) for name, one in row.items()}


def test_the_columns_are_these_in_this_order_forever(till: Till) -> None:
    """New ones come at the end: somebody's bookkeeping reads them by their place."""
    reply = till.ask(Accept="text/csv")
    assert (reply.status, reply.body) == (200, HEADER)
    assert reply.headers["content-type"] == "text/csv; charset=utf-8; header=present"


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_csv_says_what_json_says_page_by_page(day: Till, size: int) -> None:
    day.world.stripe.refund_in_dashboard(day.world.charges()[0]["id"], 1050)
    day.world.stripe.dispute(day.world.charges()[1]["id"])
    day.clinic.edge.deliver_webhooks()
    pages = list(day.pages(f"?{ISO_DAY}&page_size={size}", Accept="text/csv"))
    assert as_rows(*pages) == [_as_cells(row) for row in day.list(f"?{ISO_DAY}")["content"]]
    assert all(reply.body.endswith("\r\n") for reply in pages)
    assert [reply.body.startswith(HEADER) for reply in pages] == [True] + [False] * (len(pages) - 1)
    kinds = [reply.headers["content-type"].rpartition("; ")[2] for reply in pages]
    assert kinds == ["header=present"] + ["header=absent"] * (len(pages) - 1)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("from=2026-03-01T00:00:00Z&to=2026-04-01T00:00:00Z", "payments-2026-03-01-2026-03-31.csv"),
        ("from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00.001Z", "payments-2026-03-01-2026-03-01.csv"),
        ("from=2026-03-01T00:00:00Z&to=2026-03-31T12:00:00Z", "payments-2026-03-01-2026-03-31.csv"),
        ("", "payments-2026-01-30-2026-03-02.csv"),
    ],
)
def test_a_file_is_named_after_its_first_and_its_last_day(till: Till, query: str, name: str) -> None:
    disposition = till.ask(f"?{query}", Accept="text/csv").headers["content-disposition"]
    assert disposition == f'attachment; filename="{name}"'


def test_ids_that_could_start_a_formula_are_told_as_text(till: Till) -> None:
    hostile = {
        "charge_id": '=HYPERLINK("https://evil.example","ch_1")',
        "payment_intent_id": "@SUM(1+1)*cmd|' /C calc'!A0",
        "stripe_account_id": "\t=1+1",
        "attempt_id": "-2+3",
        "client_id": "+1\r\n=1+1",
        "currency": "=a1",
    }
    keep(till.world, ledger_row(0, team_id=till.clinic.team.team_id, **hostile))
    [line] = as_rows(till.ask(Accept="text/csv"))
    assert [line[name] for name in ("charge_id", "payment_intent_id", "account_id", "attempt_id", "client_id")] == [
        f"'{hostile[name]}"
        for name in ("charge_id", "payment_intent_id", "stripe_account_id", "attempt_id", "client_id")
    ]
    assert [name for name, cell in line.items() if cell and cell[0] in "=+-@\t\r\n"] == []
    [row] = till.list()["content"]
    assert row["charge_id"] == hostile["charge_id"]


def test_a_hostile_id_at_the_end_of_a_page_breaks_no_header(till: Till) -> None:
    team_id = till.clinic.team.team_id
    rows = [ledger_row(0, team_id=team_id, charge_id='x\r\nSet-Cookie: a=b">'), ledger_row(1, team_id=team_id)]
    keep(till.world, *rows)
    first, second = till.pages(f"?{ISO_DAY}&page_size=1", Accept="text/csv")
    assert "\n" not in first.headers["link"]
    assert second.body.splitlines()[0].split(",")[4] == rows[1].charge_id


# --- the largest page ---------------------------------------------------------------------------------------------

LAMBDA_ANSWERS_AT_MOST = 6 * 1024 * 1024
"""Bytes (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html)."""


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_a_thousand_of_the_largest_rows_fit_what_lambda_answers(till: Till, accept: str) -> None:
    """With ids of 255 characters, which Stripe's are at most (https://docs.stripe.com/upgrades), and amounts of 12."""
    ids = {name: f"{name}_".ljust(251, "x") for name in ("payment_intent_id", "stripe_account_id", "client_id")}
    amounts = dict.fromkeys(("amount", "application_fee", "refunded", "charged_back"), 999_999_999_999)
    row = ledger_row(0, team_id=till.clinic.team.team_id, currency="kwd", **ids, **amounts)
    rows = [replace(row, charge_id="ch_".ljust(251, "x") + f"{number:04d}") for number in range(1001)]
    keep(till.world, *rows)
    reply = till.ask("?page_size=1000", Accept=accept)
    assert (reply.status, "link" in reply.headers) == (200, True)
    assert (
        len(json.dumps({"statusCode": 200, "headers": dict(reply.headers), "body": reply.body}))
        < LAMBDA_ANSWERS_AT_MOST
    )
