"""Join: the room's address for one admitted person and this one click; keeps that they entered."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.admission import Admission, closes_at
from chalicelib.flows.context import Context
from chalicelib.flows.open_link import OpenedLink
from chalicelib.gateways.rooms import LEAST_ENTROPY_BYTES, RoomEntry, rooms_of
from chalicelib.storage.stores import Entry


@dataclass(frozen=True, slots=True)
class Joined:
    """The address holds a token and a name: it is answered, never logged or kept."""

    room_url: str


def join(ctx: Context, link: OpenedLink) -> Joined | Admission:
    """The room, or what bars the door. Raises RoomUnavailableError; then nothing is kept."""
    if not link.admission.may_join:
        return link.admission
    session, participant = link.session, link.participant
    request = RoomEntry(
        team_id=session.team_id,
        session_id=session.session_id,
        participant_id=session.participant_id(participant.number),
        display_name=participant.display_name or "",
        role=participant.role,
        not_before=link.admission.opens_at,
        expires_at=closes_at(session),
        now=link.now,
        entropy=ctx.entropy(LEAST_ENTROPY_BYTES),
    )
    url = rooms_of(ctx.settings.room_of(link.team)).entry(request)
    ctx.entries.add(Entry(session.team_id, session.session_id, participant.number, link.now))
    return Joined(url)
