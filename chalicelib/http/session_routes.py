"""The clinic's sessions: schedule, read, list, change, cancel, and what became of one. Calls one flow each."""

from __future__ import annotations

from chalicelib.domain.ids import InvalidIdError, uuid_bytes
from chalicelib.domain.sessions import Session
from chalicelib.flows.context import Context
from chalicelib.flows.edit_session import cancel_session, update_session
from chalicelib.flows.list_sessions import list_sessions
from chalicelib.flows.schedule import scheduling
from chalicelib.flows.summary import summary
from chalicelib.http.auth import caller_of
from chalicelib.http.conditions import if_match, unless_known, with_etag
from chalicelib.http.exchange import Answer, Request, json_answer
from chalicelib.http.idempotency import made_once, with_replay
from chalicelib.http.operations import Parameter, operation
from chalicelib.http.queries import (
    DELETED_PARTICIPANTS,
    INCLUDE_CANCELED,
    LIST_PARAMETERS,
    REFUND,
    deleted_participants,
    include_canceled,
    keeps_payments,
    session_query,
)
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import RemovedOut, SessionEditIn, SessionIn, SessionListOut, SessionOut, SummaryOut
from chalicelib.http.shapes import View, session_out, summary_out
from chalicelib.http.wishes import session_edit, session_wish
from chalicelib.storage.stores import NotFoundError

NO_STORE = {"Cache-Control": "no-store"}
"""An answer holds links, and links are keys."""

IF_MATCH = Parameter("If-Match", "Change it only if it is still as read: the `ETag`.", {"type": "string"}, "header")
IF_NONE_MATCH = Parameter("If-None-Match", "304 if it is still this `ETag`.", {"type": "string"}, "header")
PREFER = Parameter("Prefer", "`handling=strict` refuses unknown fields.", {"type": "string"}, "header")


def add_routes(routes: Routes) -> None:
    routes.add("/v1/sessions", GET=list_all_sessions, POST=create_session)
    routes.add("/v1/sessions/{session_id}", GET=read_session, PUT=change_session, DELETE=delete_session)
    routes.add("/v1/sessions/{session_id}/summary", GET=read_summary)


@operation(
    "Schedule a session",
    tag="Sessions",
    body=SessionIn,
    answers={200: SessionOut},
    errors=(403, 409),
    parameters=(PREFER,),
)
def create_session(ctx: Context, request: Request) -> Answer:
    """The answer holds each participant's link. Unknown fields are ignored."""
    caller = caller_of(ctx, request)
    wish, form = session_wish(request, caller.team, ctx.clock())
    made = made_once(ctx, request, caller, scheduling(ctx, caller.team, caller.client_id, wish))
    location = f"{ctx.settings.public_url}/v1/sessions/{made.result.session_id}"
    answer = _shown(made.result, View(ctx.settings, ctx.clock(), form, team=caller.team)).with_headers(
        {"Location": location}
    )
    return with_replay(answer, made)


@operation(
    "List sessions",
    tag="Sessions",
    answers={200: SessionListOut},
    errors=(422,),
    parameters=LIST_PARAMETERS,
)
def list_all_sessions(ctx: Context, request: Request) -> Answer:
    """The team's sessions, the first scheduled first; by their start where a time is asked for.

    `next` leads to the page that follows, and costs the same however far that is. A page may end early: follow `next`
    until `more` is false.
    """
    caller = caller_of(ctx, request)
    query, form = session_query(request)
    found = list_sessions(ctx, caller.team.team_id, query)
    view = View(ctx.settings, ctx.clock(), form, deleted_participants(request), team=caller.team)
    content = [session_out(session, view) for session in found.sessions]
    return json_answer(200, SessionListOut(content, found.page, found.page_size, found.more, found.next), NO_STORE)


@operation(
    "Read a session",
    tag="Sessions",
    answers={200: SessionOut},
    errors=(422,),
    parameters=(INCLUDE_CANCELED, DELETED_PARTICIPANTS, IF_NONE_MATCH),
)
def read_session(ctx: Context, request: Request) -> Answer:
    """A cancelled one is 404, unless `include_canceled` is true."""
    caller = caller_of(ctx, request)
    view = View(ctx.settings, ctx.clock(), with_removed=deleted_participants(request), team=caller.team)
    canceled = include_canceled(request)
    session = visible(ctx.sessions.get(caller.team.team_id, session_id_of(request)), with_canceled=canceled)
    return unless_known(request, _shown(session, view))


@operation(
    "Change a session",
    tag="Sessions",
    body=SessionEditIn,
    answers={200: SessionOut},
    errors=(409,),
    parameters=(IF_MATCH, PREFER),
)
def change_session(ctx: Context, request: Request) -> Answer:
    """What is absent stays as it is; links and payments stay with their participants.

    What GET answered may be sent back whole: read-only fields are ignored, and so are `participants`, who are changed
    under their own addresses.
    """
    caller, session_id = caller_of(ctx, request), session_id_of(request)
    edit, form = session_edit(request, ctx.clock())
    session = if_match(
        request,
        lambda version: update_session(ctx.acting_for(caller.who), caller.team.team_id, session_id, edit, version),
    )
    return _shown(session, View(ctx.settings, ctx.clock(), form, team=caller.team))


@operation(
    "Cancel a session",
    tag="Sessions",
    answers={200: RemovedOut},
    errors=(409, 422),
    parameters=(REFUND, IF_MATCH),
)
def delete_session(ctx: Context, request: Request) -> Answer:
    """For good; again is silent. 409 from its start on. Payments go back, unless `refund=none`."""
    caller, session_id, keeps = caller_of(ctx, request), session_id_of(request), keeps_payments(request)

    def canceled(version: int | None) -> Session:
        return cancel_session(
            ctx.acting_for(caller.who), caller.team.team_id, session_id, keep_payments=keeps, if_version=version
        )

    if_match(request, canceled)
    return json_answer(200, RemovedOut(ok=True), NO_STORE)


@operation(
    "Read what became of a session",
    tag="Sessions",
    answers={200: SummaryOut},
    errors=(422,),
    parameters=(INCLUDE_CANCELED, DELETED_PARTICIPANTS),
)
def read_summary(ctx: Context, request: Request) -> Answer:
    """When it was to be, who entered when, and when it ended."""
    caller = caller_of(ctx, request)
    view = View(ctx.settings, ctx.clock(), with_removed=deleted_participants(request), team=caller.team)
    canceled = include_canceled(request)
    found = summary(ctx, caller.team.team_id, session_id_of(request))
    visible(found.session, with_canceled=canceled)
    return json_answer(200, summary_out(found, view), NO_STORE)


def session_id_of(request: Request) -> str:
    """The id in the path. Raises NotFoundError for any other text."""
    session_id = request.path["session_id"].lower()
    try:
        uuid_bytes(session_id)
    except InvalidIdError:
        raise NotFoundError from None
    return session_id


def visible(session: Session, *, with_canceled: bool) -> Session:
    """Raises NotFoundError for a cancelled session that was not asked for."""
    if session.canceled_at is not None and not with_canceled:
        raise NotFoundError(session.session_id)
    return session


def _shown(session: Session, view: View) -> Answer:
    return with_etag(json_answer(200, session_out(session, view), NO_STORE), session.revision.version)
