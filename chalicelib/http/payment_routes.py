"""The clinic's payments as its ledger has them, in JSON or CSV, a page at a time. Calls one flow."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from msgspec.structs import astuple

from chalicelib.flows.context import Context
from chalicelib.flows.list_payments import list_payments
from chalicelib.flows.payment_cursor import PaymentQuery, write_cursor
from chalicelib.http import times
from chalicelib.http.accepting import prefers
from chalicelib.http.auth import caller_of
from chalicelib.http.exchange import JSON, Answer, Request, json_answer
from chalicelib.http.operations import operation
from chalicelib.http.queries import PAYMENT_PARAMETERS, payment_query
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import PaymentListOut, PaymentRowOut
from chalicelib.http.shape_payments import payment_row_out
from chalicelib.http.times import TimeFormat

PATH = "/v1/payments"
CSV = "text/csv"
COLUMNS = PaymentRowOut.__struct_fields__
_NO_STORE = {"Cache-Control": "no-store"}


def add_routes(routes: Routes) -> None:
    routes.add(PATH, GET=list_all_payments)


@operation(
    "List payments",
    tag="Money",
    answers={200: PaymentListOut},
    errors=(422,),
    parameters=PAYMENT_PARAMETERS,
    kinds=(CSV,),
    headers=("Link", "Content-Disposition"),
)
def list_all_payments(ctx: Context, request: Request) -> Answer:
    """Every charge that was paid from `from` until before `to`, the first paid first, with what became of it by now.

    With `Accept: text/csv` as CSV (RFC 4180): the same fields in the same order, `null` as nothing; the line of their
    names is on the first page only, so that pages one after the other make one file. New columns come at the end.

    `next`, or the header `Link`, leads to the page that follows. A payment that Stripe tells late has its place by
    when it was paid: for a month's books, ask some days after its end.
    """
    team_id = caller_of(ctx, request).team.team_id
    query, form = payment_query(request, team_id, ctx.clock())
    page = list_payments(ctx, team_id, query)
    rows = [payment_row_out(row, form) for row in page.rows]
    cursor = write_cursor(team_id, query, page.next) if page.next else None
    headers = {**_NO_STORE, **(_link(ctx.settings.public_url, query, form, cursor) if cursor else {})}
    if prefers(request.header("accept"), CSV, JSON):
        return _csv_answer(query, rows, headers)
    start, end = times.write(query.start, form), times.write(query.end, form)
    return json_answer(200, PaymentListOut(rows, cursor is not None, cursor, start, end), headers)


def _link(public_url: str, query: PaymentQuery, form: TimeFormat, cursor: str) -> dict[str, str]:
    """RFC 8288: the next page's whole address, whose times make it answer in the form of this one."""
    span = {"from": times.write(query.start, form), "to": times.write(query.end, form)}
    following = urlencode({**span, "page_size": query.limit, "cursor": cursor})
    return {"Link": f'<{public_url}{PATH}?{following}>; rel="next"'}


def _csv_answer(query: PaymentQuery, rows: list[PaymentRowOut], headers: dict[str, str]) -> Answer:
    from chalicelib.http.csv_text import ABSENT, PRESENT, csv_text  # noqa: PLC0415 (few cold starts ask for CSV)

    is_first = query.place is None
    last_day = query.end - timedelta(milliseconds=1)
    name = f"payments-{query.start.date().isoformat()}-{last_day.date().isoformat()}.csv"
    named = {"Content-Type": PRESENT if is_first else ABSENT, "Content-Disposition": f'attachment; filename="{name}"'}
    return Answer(200, {**headers, **named}, csv_text(map(astuple, rows), COLUMNS if is_first else ()))
