"""Payments for tests of their list: rows of the ledger as such, and clients who really pay at the edge."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from chalicelib.domain.books import LedgerRow, Records
from tests.support.clinic import Clinic, path_of
from tests.support.edge import Reply
from tests.support.world import NOON, TEAM_ID, World

SECOND = timedelta(seconds=1)
LATER = {"start_time": "2026-03-04T09:00:00Z", "end_time": "2026-03-04T09:30:00Z"}
PAYMENTS = "/v1/payments"


def ledger_row(number: int, **changes: Any) -> LedgerRow:
    """The n-th charge of a clinic, n seconds after noon, with ids as long as Stripe's are."""
    row = LedgerRow(
        team_id=TEAM_ID,
        charge_id=f"ch_3QXyZ2eZvKYlo2C{number:012d}",
        paid_at=NOON + number * SECOND,
        session_id="0197b3c4-d5e6-7788-99aa-bbccddeeff00",
        participant_id="0197b3c4-d5e6-7788-99aa-bbccddeeff02",
        client_id="9f86d081884c7d659a2feaa0",
        attempt_id="22222222-2222-4222-8222-222222222222",
        payment_intent_id=f"pi_3QXyZ2eZvKYlo2C{number:012d}",
        stripe_account_id="acct_1QXyZ2eZvKYlo2C1",
        amount=8000,
        currency="aud",
        application_fee=120,
        refunded=0,
        charged_back=0,
        is_disputed=False,
        is_accepted=True,
        application_fee_refunded=0,
    )
    return replace(row, **changes)


def keep(world: World, *rows: LedgerRow) -> None:
    """As if each had been written with its session."""
    world.sessions.books.write(Records(rows))


@dataclass
class Till:
    """A clinic whose clients pay, and the list of what they paid."""

    clinic: Clinic

    @property
    def world(self) -> World:
        return self.clinic.edge.world

    def take(self, amount: int = 8000, currency: str = "aud", seconds: int = 1) -> str:
        """A client pays, some time after the one before: the charge's id."""
        self.world.clock.advance(seconds=seconds)
        guest = self.clinic.schedule({"fee": {"amount": amount, "currency": currency}}, **LATER).json()
        link = path_of(guest["participants"][0]["entry_url"])
        page = self.clinic.edge.post(f"{link}/checkout").headers["location"]
        self.world.stripe.pay(page.rpartition("/")[2])
        self.clinic.edge.deliver_webhooks()
        # The endpoint of connected accounts has webhooks of its own; the client who comes back is looked after at once.
        self.world.clock.advance(seconds=31)
        self.clinic.edge.post(f"{link}/checkout")
        return str(self.list()["content"][-1]["charge_id"])

    def ask(self, query: str = "", **headers: str) -> Reply:
        return self.clinic.ask("GET", f"{PAYMENTS}{query}", **headers)

    def list(self, query: str = "") -> dict[str, Any]:
        reply = self.ask(query)
        assert reply.status == 200, reply.body
        return dict(reply.json())

    def row(self, charge_id: str) -> Mapping[str, Any]:
        [found] = [one for one in self.list()["content"] if one["charge_id"] == charge_id]
        return dict(found)

    def pages(self, query: str, **headers: str) -> Iterator[Reply]:
        """All of them, by the addresses that they link to."""
        reply = self.ask(query, **headers)
        yield reply
        while "link" in reply.headers:
            reply = self.clinic.ask("GET", next_path(reply), **headers)
            yield reply


def next_path(reply: Reply) -> str:
    """The address of the next page, as API Gateway hands it over."""
    url, _, relation = reply.headers["link"].partition(">; ")
    assert relation == 'rel="next"'
    return path_of(url.removeprefix("<"))


def as_rows(*replies: Reply) -> list[dict[str, str]]:
    """Pages of CSV one after the other, read as one file."""
    return list(csv.DictReader(io.StringIO("".join(reply.body for reply in replies), newline="")))
