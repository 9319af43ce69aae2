"""The clinic's API: tokens and sessions."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.ids import InvalidIdError, uuid_bytes
from chalicelib.domain.sessions import Fee, ParticipantWish, Problem, Role, SessionWish
from chalicelib.flows.context import Context
from chalicelib.flows.schedule import schedule_session
from chalicelib.http import times
from chalicelib.http.auth import caller_of, give_token, token_trouble
from chalicelib.http.exchange import Answer, Request, json_answer
from chalicelib.http.json_body import json_object
from chalicelib.http.problems import HttpError
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import FeeIn, ParticipantIn, SessionIn, read_as
from chalicelib.http.shapes import session_out
from chalicelib.http.times import InvalidTimeError, TimeFormat
from chalicelib.storage.stores import NotFoundError

_INVALID = "some fields cannot be used as they are"
_FALSEHOODS = {"0", "false", ""}
_NO_STORE = {"Cache-Control": "no-store"}
"""An answer holds links, and links are keys."""


def add_routes(routes: Routes) -> None:
    routes.add("/v1/auth/token", shape=token_trouble, POST=give_token)
    routes.add("/v1/sessions", POST=create_session)
    routes.add("/v1/sessions/{session_id}", GET=read_session)


def create_session(ctx: Context, request: Request) -> Answer:
    """Schedule a session; the answer holds each participant's link."""
    caller = caller_of(ctx, request)
    wish, form = _wish(request)
    session = schedule_session(ctx, caller.team, caller.client_id, wish)
    location = f"{ctx.settings.public_url}/v1/sessions/{session.session_id}"
    content = session_out(session, ctx.settings, form, ctx.clock())
    return json_answer(200, content, {**_NO_STORE, "Location": location})


def read_session(ctx: Context, request: Request) -> Answer:
    """A session of the caller's own team; any other id is 404, whoever else may have it."""
    caller = caller_of(ctx, request)
    session = ctx.sessions.get(caller.team.team_id, _session_id(request))
    if session.canceled_at is not None and request.query.get("include_canceled", "").lower() in _FALSEHOODS:
        raise NotFoundError(session.session_id)
    return json_answer(200, session_out(session, ctx.settings, TimeFormat.ISO_8601, ctx.clock()), _NO_STORE)


def _session_id(request: Request) -> str:
    session_id = request.path["session_id"].lower()
    try:
        uuid_bytes(session_id)
    except InvalidIdError:
        raise NotFoundError from None
    return session_id


def _wish(request: Request) -> tuple[SessionWish, TimeFormat]:
    """The session asked for, and the form in which its times were written. Raises HttpError 422 with every problem."""
    read, problems = read_as(SessionIn, json_object(request))
    if read is None:
        raise HttpError(422, _INVALID, errors=tuple(problems))
    start_time, end_time, form = _times(read, problems)
    picture = _picture(read.picture, "picture", problems)
    participants = tuple(
        _participant(one, f"participants[{index}].", problems) for index, one in enumerate(read.participants or ())
    )
    if problems or start_time is None or end_time is None:
        raise HttpError(422, _INVALID, errors=tuple(problems))
    wish = SessionWish(
        start_time=start_time,
        end_time=end_time,
        name=read.session_name,
        picture=picture,
        feature_flags=tuple(read.feature_flags or ()),
        participants=participants,
    )
    return wish, form


def _times(read: SessionIn, problems: list[Problem]) -> tuple[datetime | None, datetime | None, TimeFormat]:
    """The answer is in RFC 1123 if all times of the request were: every client can read what it writes itself."""
    found: list[datetime | None] = []
    forms: set[TimeFormat] = set()
    for name in ("start_time", "end_time"):
        try:
            moment, form = times.read(getattr(read, name))
            found.append(moment)
            forms.add(form)
        except InvalidTimeError as error:
            problems.append(Problem(name, str(error)))
            found.append(None)
    return found[0], found[1], TimeFormat.RFC_1123 if forms == {TimeFormat.RFC_1123} else TimeFormat.ISO_8601


def _participant(read: ParticipantIn, path: str, problems: list[Problem]) -> ParticipantWish:
    return ParticipantWish(
        role=_role(read.role, f"{path}role", problems),
        display_name=read.display_name,
        picture=_picture(read.picture, f"{path}picture", problems),
        state=read.state,
        email=read.email,
        phone=read.phone,
        fee=_fee(read.fee),
    )


def _role(text: str | None, path: str, problems: list[Problem]) -> Role:
    """Any case in; a participant without a role is a guest."""
    if not text:
        return Role.GUEST
    try:
        return Role(text.upper())
    except ValueError:
        problems.append(Problem(path, f"must be one of: {', '.join(Role)}"))
        return Role.GUEST


def _picture(value: str | bool | None, path: str, problems: list[Problem]) -> str | None:  # noqa: FBT001 (their type)
    """Existing clients send `false` for none."""
    if value is True:
        problems.append(Problem(path, "must be text, null, or false for none"))
    return value if isinstance(value, str) else None


def _fee(read: FeeIn | None) -> Fee | None:
    return Fee(read.amount, read.currency.lower(), read.description, read.payee) if read else None
