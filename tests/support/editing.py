"""The clinic edits a session that starts in an hour, and its guest (number 2), in a word each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chalicelib.domain.edits import ParticipantEdit, SessionEdit
from chalicelib.domain.sessions import Participant, ParticipantWish, Session
from chalicelib.flows.edit_participants import add_participant, remove_participant, update_participant
from chalicelib.flows.edit_session import cancel_session, update_session
from tests.support.world import TEAM_ID, World, guest

HOUR = timedelta(hours=1)
GUEST = 2


def ahead(world: World) -> Session:
    """In an hour's time, so that it may still be cancelled."""
    return world.schedule(starts_in=HOUR, lasts=HOUR)


def paid_ahead(world: World) -> Session:
    session = ahead(world)
    world.pay(session)
    world.deliver()
    return session


def update(world: World, session: Session, edit: SessionEdit, if_version: int | None = None) -> Session:
    return update_session(world.ctx, TEAM_ID, session.session_id, edit, if_version)


def update_guest(world: World, session: Session, edit: ParticipantEdit, if_version: int | None = None) -> Participant:
    return update_participant(world.ctx, world.team, session.participant_id(GUEST), edit, if_version).participant


def add(world: World, session: Session, wish: ParticipantWish | None = None) -> Participant:
    return add_participant(world.ctx, world.team, session.session_id, wish or guest()).participant


def remove_guest(world: World, session: Session, **options: Any) -> Participant:
    return remove_participant(world.ctx, TEAM_ID, session.participant_id(GUEST), **options).participant


def cancel(world: World, session: Session, **options: Any) -> Session:
    return cancel_session(world.ctx, TEAM_ID, session.session_id, **options)
