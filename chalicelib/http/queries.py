"""Query parameters: read by the form that existing clients write them in; unknown ones are ignored."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.domain.sessions import InvalidSessionError, Problem
from chalicelib.flows.cursors import InvalidCursorError
from chalicelib.flows.payment_cursor import MOST_ON_A_PAGE as MOST_PAYMENTS
from chalicelib.flows.payment_cursor import USUAL_PAGE, PaymentQuery, invalid_cursor, read_cursor
from chalicelib.flows.session_cursor import MOST_ON_A_PAGE, SessionQuery
from chalicelib.http import times
from chalicelib.http.exchange import Request
from chalicelib.http.operations import Parameter
from chalicelib.http.times import InvalidTimeError, TimeFormat

_FLAGS = {"true": True, "1": True, "false": False, "0": False, "": False}
_ORDERS = {"": False, "forward": False, "reverse": True, "backwards": True}
_REFUNDS = {"": False, "full": False, "none": True}
_LONGEST_ECHO = 40
_LAST_PAGE = 1_000_000
_USUAL_SPAN = timedelta(days=31)
_SECOND = timedelta(seconds=1)
_EARLIEST = datetime.min.replace(tzinfo=UTC)

_FLAG_SCHEMA = {"type": "string", "enum": ["true", "false", "1", "0"]}
INCLUDE_CANCELED = Parameter("include_canceled", "Cancelled sessions too. `true`, `false`, `1` or `0`.", _FLAG_SCHEMA)
DELETED_PARTICIPANTS = Parameter("deleted_participants", "Participants that were removed, too.", _FLAG_SCHEMA)
REFUND = Parameter(
    "refund",
    "`full` (the default) gives back what was paid; `none` keeps what was paid before.",
    {"type": "string", "enum": ["full", "none"]},
)
FORCE = Parameter("force", "Whatever stands in the way.", _FLAG_SCHEMA)
LIST_PARAMETERS = (
    Parameter("page", "From 0. Reads all pages before it: `cursor` is cheaper.", {"type": "integer", "minimum": 0}),
    Parameter("page_size", "Sessions on a page.", {"type": "integer", "minimum": 1, "maximum": MOST_ON_A_PAGE}),
    Parameter("start_time", "Sessions that start then or later; the order is by start then.", {"type": "string"}),
    Parameter("end_time", "Sessions that end then or before; the order is by start then.", {"type": "string"}),
    Parameter(
        "order",
        "`forward`: the oldest first; `reverse` (or `backwards`): the newest first.",
        {"type": "string", "enum": ["forward", "reverse", "backwards"]},
    ),
    INCLUDE_CANCELED,
    DELETED_PARTICIPANTS,
    Parameter("state", "Sessions in which any participant has exactly this state.", {"type": "string"}),
    Parameter("cursor", "`next` of the page before, unchanged, with the same filters.", {"type": "string"}),
)

PAYMENT_PARAMETERS = (
    Parameter("from", "Paid then or later, with its zone. Without it: 31 days before `to`.", {"type": "string"}),
    Parameter("to", "Paid before then, with its zone. Without it: until now.", {"type": "string"}),
    Parameter("page_size", "Payments on a page.", {"type": "integer", "minimum": 1, "maximum": MOST_PAYMENTS}),
    Parameter("cursor", "`next` of the page before, unchanged. It brings `from` and `to` along.", {"type": "string"}),
)


def include_canceled(request: Request) -> bool:
    return _alone(request, "include_canceled", _FLAGS, "true, false, 1 or 0")


def deleted_participants(request: Request) -> bool:
    return _alone(request, "deleted_participants", _FLAGS, "true, false, 1 or 0")


def keeps_payments(request: Request) -> bool:
    """Of a DELETE: whether what was paid before is kept."""
    return _alone(request, "refund", _REFUNDS, "full or none")


def is_forced(request: Request) -> bool:
    return _alone(request, "force", _FLAGS, "true, false, 1 or 0")


def account_named(request: Request) -> str | None:
    """A Stripe account's id; None where none is named."""
    return request.query.get("account") or None


def _alone(request: Request, name: str, meanings: dict[str, bool], expected: str) -> bool:
    query = _Query(request)
    found = query.choice(name, meanings, expected)
    query.check()
    return found


def session_query(request: Request) -> tuple[SessionQuery, TimeFormat]:
    """Which sessions are asked for, and how the times were written. Raises InvalidSessionError with every problem."""
    query = _Query(request)
    page, page_size = (
        query.number("page", 0, 0, _LAST_PAGE),
        query.number("page_size", MOST_ON_A_PAGE, 1, MOST_ON_A_PAGE),
    )
    starts_from, ends_until = query.moment("start_time"), query.moment("end_time")
    reverse = query.choice("order", _ORDERS, "forward, reverse or backwards")
    canceled = query.choice("include_canceled", _FLAGS, "true, false, 1 or 0")
    query.choice("deleted_participants", _FLAGS, "true, false, 1 or 0")
    query.check()
    asked = SessionQuery(
        page=page,
        page_size=page_size,
        starts_from=starts_from,
        ends_until=ends_until,
        reverse=reverse,
        include_canceled=canceled,
        state=request.query.get("state") or None,
        cursor=request.query.get("cursor") or None,
    )
    return asked, query.form


def payment_query(request: Request, team_id: str, now: datetime) -> tuple[PaymentQuery, TimeFormat]:
    """Which payments are asked for, and how the times were written. Raises InvalidSessionError with every problem."""
    query, cursor = _Query(request), request.query.get("cursor")
    limit = query.number("page_size", USUAL_PAGE, 1, MOST_PAYMENTS)
    start, end = query.millisecond("from"), query.millisecond("to")
    found = _going_on(query, team_id, cursor, (start, end)) if cursor else _beginning(query, start, end, now)
    query.check()
    assert found is not None  # else something was wrong
    return replace(found, limit=limit), query.form


def _going_on(
    query: _Query, team_id: str, cursor: str, times_sent: tuple[datetime | None, datetime | None]
) -> PaymentQuery | None:
    """What follows there. The cursor brings its times along; those that are sent with it must be the same."""
    try:
        found = read_cursor(team_id, cursor)
        for sent, own in zip(times_sent, (found.start, found.end), strict=True):
            if sent not in {None, own}:
                raise invalid_cursor()
    except InvalidCursorError as error:
        query.wrong("cursor", str(error))
        return None
    return found


def _beginning(query: _Query, start: datetime | None, end: datetime | None, now: datetime) -> PaymentQuery | None:
    """The payments of that span. Stripe tells times by the second, so "now" is the end of this one."""
    end = end or now.replace(microsecond=0) + _SECOND
    start = start or max(end, _EARLIEST + _USUAL_SPAN) - _USUAL_SPAN
    if start < end:
        return PaymentQuery(start, end)
    if not query.is_wrong("from", "to"):
        query.wrong("to", "must be later than from; without it, it is now")
    return None


def amount_of(request: Request) -> int:
    """Of a quote: in the currency's minor unit. Raises InvalidSessionError."""
    text = request.query.get("amount", "")
    if not re.fullmatch(r"[0-9]{1,15}", text, re.ASCII):
        message = f"send a whole number in the minor unit, such as 8000 for 80.00 AUD{_echo(text)}"
        raise InvalidSessionError((Problem("amount", message),))
    return int(text)


class _Query:
    """Reads one parameter after the other, and collects what is wrong."""

    def __init__(self, request: Request) -> None:
        self._query = request.query
        self._problems: list[Problem] = []
        self._forms: set[TimeFormat] = set()

    @property
    def form(self) -> TimeFormat:
        """How the times were written."""
        return TimeFormat.RFC_1123 if self._forms == {TimeFormat.RFC_1123} else TimeFormat.ISO_8601

    def is_wrong(self, *names: str) -> bool:
        return any(one.field in names for one in self._problems)

    def check(self) -> None:
        if self._problems:
            raise InvalidSessionError(tuple(self._problems))

    def choice(self, name: str, meanings: dict[str, bool], expected: str) -> bool:
        text = self._query.get(name, "")
        if text.lower() not in meanings:
            self.wrong(name, f"must be {expected}{_echo(text)}")
        return meanings.get(text.lower(), False)

    def number(self, name: str, default: int, least: int, most: int) -> int:
        text = self._query.get(name, "")
        if not text:
            return default
        if re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII) and least <= int(text) <= most:
            return int(text)
        self.wrong(name, f"must be a whole number from {least} to {most}{_echo(text)}")
        return default

    def moment(self, name: str) -> datetime | None:
        """A `+` of an offset comes as a space, unless it was percent-encoded."""
        text = self._query.get(name, "")
        if not text:
            return None
        try:
            moment, form = times.read(re.sub(r" (\d\d:?\d\d)$", r"+\1", text))
        except InvalidTimeError as error:
            self.wrong(name, f"{error}{_echo(text)}")
            return None
        self._forms.add(form)
        return moment

    def millisecond(self, name: str) -> datetime | None:
        """The moment, cut to what answers show and the ledger's key tells apart."""
        moment = self.moment(name)
        return moment and moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def wrong(self, name: str, message: str) -> None:
        self._problems.append(Problem(name, message))


def _echo(text: str) -> str:
    """What was sent, if it is short and plain enough to be repeated."""
    is_plain = re.fullmatch(rf"[\w.:+ -]{{1,{_LONGEST_ECHO}}}", text, re.ASCII)
    return f"; {text} was sent" if is_plain else ""
