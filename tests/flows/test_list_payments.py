"""Lists of payments: which are on a page, how pages follow each other, and what one costs of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.books import LedgerRow
from chalicelib.flows.list_payments import PaymentPage, list_payments
from chalicelib.flows.payment_cursor import PaymentQuery
from chalicelib.storage.dynamodb_books import ledger_item
from chalicelib.storage.stores import LedgerPlace, UnreadableError
from chalicelib.storage.tables import LedgerItem
from tests.storage.wire import mocked_dynamodb, tables_on_a_wire
from tests.support.metered import MeteredDynamoWorld, MeteredWorld
from tests.support.payments import SECOND, keep, ledger_row
from tests.support.seam import NOTHING_SPENT, Spent
from tests.support.world import NOON, OTHER_TEAM_ID, TEAM_ID, World

HOUR = PaymentQuery(NOON, NOON + timedelta(hours=1))


def page(world: World, query: PaymentQuery = HOUR) -> PaymentPage:
    return list_payments(world.ctx, TEAM_ID, query)


def followed(world: World, query: PaymentQuery) -> list[tuple[LedgerRow, ...]]:
    """The rows of every page."""
    pages = [page(world, query)]
    while (place := pages[-1].next) is not None:
        pages.append(page(world, replace(query, place=place)))
    return [one.rows for one in pages]


def test_a_span_without_payments_is_an_empty_page(world: World) -> None:
    keep(world, ledger_row(0, paid_at=NOON - SECOND), ledger_row(1, paid_at=HOUR.end))
    assert page(world) == PaymentPage((), None)


def test_rows_come_whole_and_by_the_time_they_were_paid(world: World) -> None:
    second, first = ledger_row(2), ledger_row(1)
    keep(world, second, first)
    assert page(world) == PaymentPage((first, second), None)


def test_a_page_is_full_and_says_where_the_next_begins(world: World) -> None:
    rows = [ledger_row(number) for number in range(3)]
    keep(world, *rows)
    assert page(world, replace(HOUR, limit=2)) == PaymentPage(
        (rows[0], rows[1]), LedgerPlace(NOON + SECOND, rows[1].charge_id)
    )


def test_a_page_that_ends_with_the_last_payment_is_the_last(world: World) -> None:
    rows = (ledger_row(0), ledger_row(1))
    keep(world, *rows)
    assert page(world, replace(HOUR, limit=2)) == PaymentPage(rows, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8, 1000])
def test_pages_one_after_the_other_are_the_whole_also_of_what_was_paid_in_one_second(world: World, limit: int) -> None:
    rows = [ledger_row(number, paid_at=NOON + number // 3 * SECOND) for number in range(7)]
    keep(world, *rows)
    pages = followed(world, replace(HOUR, limit=limit))
    assert [row for one in pages for row in one] == rows
    assert all(len(one) == limit for one in pages[:-1])
    assert 1 <= len(pages[-1]) <= limit


def test_what_is_paid_meanwhile_neither_doubles_nor_hides_what_was_there(world: World) -> None:
    rows = [ledger_row(number) for number in range(0, 8, 2)]
    keep(world, *rows)
    first = page(world, replace(HOUR, limit=2))
    earlier, between, last = ledger_row(1), ledger_row(5), ledger_row(9)
    keep(world, earlier, between, last, replace(rows[0], refunded=8000), replace(rows[2], refunded=8000))
    rest = page(world, replace(HOUR, place=first.next))
    assert first.rows == (rows[0], rows[1])
    assert rest.rows == (replace(rows[2], refunded=8000), between, rows[3], last)


def test_another_teams_payments_are_not_there_even_from_the_same_place(world: World) -> None:
    keep(world, ledger_row(0), ledger_row(1, team_id=OTHER_TEAM_ID))
    assert page(world).rows == (ledger_row(0),)
    assert page(world, replace(HOUR, place=LedgerPlace(NOON, ledger_row(0).charge_id))).rows == ()


def test_a_row_that_does_not_decode_is_never_left_out_in_silence(world: World) -> None:
    keep(world, ledger_row(0), ledger_row(1))
    world.ledger.texts[TEAM_ID, "2026-03-02T12:00:00.500Z", "ch_broken"] = "{"
    with pytest.raises(UnreadableError):
        page(world)


# --- what a page costs --------------------------------------------------------------------------------------------

Kept = Callable[[int], MeteredWorld]
ASK = "/v1/payments?from=2026-03-02T12:00:00Z&to=2026-03-02T13:00:00Z"


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[None]:
    with mocked_dynamodb():
        yield


@pytest.fixture(params=["in memory", "on DynamoDB's wire"])
def kept(request: pytest.FixtureRequest) -> Iterator[Kept]:
    """Gives a deployment whose clinic has so many payments."""
    if request.param == "in memory":
        yield _in_memory
        return
    request.getfixturevalue("dynamodb")
    with tables_on_a_wire() as wire:
        yield lambda count: _on_dynamodb(MeteredDynamoWorld(wire), count)


def _in_memory(count: int) -> MeteredWorld:
    world = MeteredWorld()
    keep(world, *(ledger_row(number) for number in range(count)))
    return world


def _on_dynamodb(world: MeteredWorld, count: int) -> MeteredWorld:
    with LedgerItem.batch_write() as batch:
        for number in range(count):
            batch.save(ledger_item(ledger_row(number), timedelta(days=400)))
    return world


@pytest.mark.parametrize(
    ("count", "query", "shown"),
    [(0, "", 0), (3, "", 3), (201, "", 200), (1001, "&page_size=1000", 1000), (5, "&page_size=1", 1)],
)
def test_a_page_is_one_query_however_many_payments_it_has(kept: Kept, count: int, query: str, shown: int) -> None:
    world = kept(count)
    authorization = world.bearer()
    for accept in ("application/json", "text/csv"):
        with world.metered() as spent:
            reply = world.edge.get(f"{ASK}{query}", Authorization=authorization, Accept=accept)
            assert (reply.status, "link" in reply.headers) == (200, count > shown)
            assert reply.body.count("22222222-2222-4222-8222-222222222222") == shown
            assert spent() == Spent(queries=1)


def test_a_page_further_on_costs_the_same(kept: Kept) -> None:
    world = kept(5)
    authorization = world.bearer()
    first = world.edge.get(f"{ASK}&page_size=2", Authorization=authorization).json()
    with world.metered() as spent:
        reply = world.edge.get(f"/v1/payments?page_size=2&cursor={first['next']}", Authorization=authorization)
        assert [one["paid_at"][17:19] for one in reply.json()["content"]] == ["02", "03"]
        assert spent() == Spent(queries=1)


def test_the_first_and_the_last_place_of_a_span_are_places_to_go_on_from(kept: Kept) -> None:
    """DynamoDB refuses a place that lies outside of the times asked for."""
    world = kept(3)
    first = replace(HOUR, place=LedgerPlace(NOON, "!"))
    last = replace(HOUR, place=LedgerPlace(HOUR.end - timedelta(milliseconds=1), "z"))
    assert [len(page(world, query).rows) for query in (first, last)] == [3, 0]


def test_a_refused_list_costs_nothing(kept: Kept) -> None:
    world = kept(0)
    authorization = world.bearer()
    with world.metered() as spent:
        for query in ("page_size=1001", "from=noon", "cursor=nonsense", "to=0001-01-01T00:00:00Z"):
            assert world.edge.get(f"/v1/payments?{query}", Authorization=authorization).status == 422
        assert world.edge.get(ASK).status == 401
        assert spent() == NOTHING_SPENT
