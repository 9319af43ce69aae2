"""Who takes part: list, add, read, change, remove, and a new link for one. Calls one flow each."""

from __future__ import annotations

from chalicelib.domain.ids import InvalidIdError, split_participant_id
from chalicelib.domain.sessions import Session
from chalicelib.flows.context import Context
from chalicelib.flows.edit_participants import (
    Member,
    adding,
    find_participant,
    remove_participant,
    update_participant,
)
from chalicelib.flows.revoke import revoking
from chalicelib.http.auth import caller_of
from chalicelib.http.conditions import if_match, unless_known, with_etag
from chalicelib.http.exchange import Answer, Request, json_answer
from chalicelib.http.idempotency import made_once, with_replay
from chalicelib.http.operations import operation
from chalicelib.http.queries import (
    DELETED_PARTICIPANTS,
    INCLUDE_CANCELED,
    REFUND,
    deleted_participants,
    include_canceled,
    keeps_payments,
)
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import ParticipantEditIn, ParticipantIn, ParticipantOut, RemovedOut
from chalicelib.http.session_routes import IF_MATCH, IF_NONE_MATCH, NO_STORE, session_id_of, visible
from chalicelib.http.shapes import View, participant_out, participants_out
from chalicelib.http.wishes import participant_edit, participant_wish
from chalicelib.storage.stores import NotFoundError


def add_routes(routes: Routes) -> None:
    routes.add("/v1/sessions/{session_id}/participants", GET=list_participants, POST=create_participant)
    routes.add(
        "/v1/participants/{participant_id}", GET=read_participant, PUT=change_participant, DELETE=delete_participant
    )
    routes.add("/v1/participants/{participant_id}/link", POST=renew_link)


@operation(
    "List a session's participants",
    tag="Participants",
    answers={200: list[ParticipantOut]},
    errors=(422,),
    parameters=(INCLUDE_CANCELED, DELETED_PARTICIPANTS),
)
def list_participants(ctx: Context, request: Request) -> Answer:
    """All of them, in the order they were added. Those of a cancelled session are 404 unless asked for."""
    caller = caller_of(ctx, request)
    view = View(ctx.settings, ctx.clock(), with_removed=deleted_participants(request), team=caller.team)
    canceled = include_canceled(request)
    session = visible(ctx.sessions.get(caller.team.team_id, session_id_of(request)), with_canceled=canceled)
    return json_answer(200, participants_out(session, view), NO_STORE)


@operation(
    "Add a participant",
    tag="Participants",
    body=ParticipantIn,
    answers={200: ParticipantOut},
    errors=(409,),
)
def create_participant(ctx: Context, request: Request) -> Answer:
    """The answer holds their link. Unknown fields are refused. 409 once the session is over or cancelled."""
    caller, session_id = caller_of(ctx, request), session_id_of(request)
    wish = participant_wish(request, caller.team)
    made = made_once(ctx, request, caller, adding(ctx.acting_for(caller.who), caller.team, session_id, wish))
    member = made.result
    participant_id = member.session.participant_id(member.participant.number)
    location = f"{ctx.settings.public_url}/v1/participants/{participant_id}"
    return with_replay(
        shown(member, View(ctx.settings, ctx.clock(), team=caller.team)).with_headers({"Location": location}), made
    )


@operation(
    "Read a participant",
    tag="Participants",
    answers={200: ParticipantOut},
    errors=(422,),
    parameters=(INCLUDE_CANCELED, DELETED_PARTICIPANTS, IF_NONE_MATCH),
)
def read_participant(ctx: Context, request: Request) -> Answer:
    """With their link, and where the money stands. One who was removed is 404 unless asked for."""
    caller = caller_of(ctx, request)
    removed, canceled = deleted_participants(request), include_canceled(request)
    member = find_participant(ctx, caller.team.team_id, participant_id_of(request), with_removed=removed)
    visible(member.session, with_canceled=canceled)
    return unless_known(request, shown(member, View(ctx.settings, ctx.clock(), team=caller.team)))


@operation(
    "Change a participant",
    tag="Participants",
    body=ParticipantEditIn,
    answers={200: ParticipantOut},
    errors=(409,),
    parameters=(IF_MATCH,),
)
def change_participant(ctx: Context, request: Request) -> Answer:
    """What is absent stays as it is, and so does a fee of `null`. What GET answered may be sent back whole.

    The fee of somebody who is paying, or whose payment is held, is not changed: 409. Once all of it went back, it is
    changed and asked for.
    """
    caller, participant_id = caller_of(ctx, request), participant_id_of(request)
    edit, form = participant_edit(request, caller.team)
    member = if_match(
        request,
        lambda version: update_participant(ctx.acting_for(caller.who), caller.team, participant_id, edit, version),
    )
    return shown(member, View(ctx.settings, ctx.clock(), form, team=caller.team))


@operation(
    "Remove a participant",
    tag="Participants",
    answers={200: RemovedOut},
    errors=(422,),
    parameters=(REFUND, IF_MATCH),
)
def delete_participant(ctx: Context, request: Request) -> Answer:
    """Their link is dead and their texts are gone; again is silent. What they paid goes back, unless `refund=none`."""
    caller, participant_id, keeps = caller_of(ctx, request), participant_id_of(request), keeps_payments(request)
    team_id = caller.team.team_id

    def removed(version: int | None) -> Member:
        return remove_participant(
            ctx.acting_for(caller.who), team_id, participant_id, keep_payment=keeps, if_version=version
        )

    if_match(request, removed)
    return json_answer(200, RemovedOut(ok=True), NO_STORE)


@operation("Renew a participant's link", tag="Participants", answers={200: ParticipantOut}, errors=(409,))
def renew_link(ctx: Context, request: Request) -> Answer:
    """A new `entry_url`; the old one is dead at once. No body is needed."""
    caller = caller_of(ctx, request)
    session_id, number = split_participant_id(participant_id_of(request))
    made = made_once(
        ctx, request, caller, revoking(ctx.acting_for(caller.who), caller.team.team_id, session_id, number)
    )
    member = _member(made.result, number)
    return with_replay(shown(member, View(ctx.settings, ctx.clock(), team=caller.team)), made)


def _member(session: Session, number: int) -> Member:
    participant = session.participant(number)
    if participant is None:
        raise NotFoundError(session.session_id)
    return Member(session, participant)


def participant_id_of(request: Request) -> str:
    """The id in the path. Raises NotFoundError for any other text."""
    participant_id = request.path["participant_id"].lower()
    try:
        split_participant_id(participant_id)
    except InvalidIdError:
        raise NotFoundError from None
    return participant_id


def shown(member: Member, view: View) -> Answer:
    """The participant, with the version of their session as `ETag`."""
    content = participant_out(member.session, member.participant, view)
    return with_etag(json_answer(200, content, NO_STORE), member.session.revision.version)
