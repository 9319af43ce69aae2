"""A clinic that leaves: what it has, in a word each, and how the operator exports and deletes it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from chalicelib.domain.sessions import Fee, ParticipantWish, Role, Session
from chalicelib.domain.teams import PayeeAccount, RoomSettings
from chalicelib.flows.enrol import add_client
from chalicelib.flows.join import join
from chalicelib.storage.stores import StripeAccount
from tests.ops.desk import Desk
from tests.support.world import OTHER_TEAM_ID, ROOM_KEY, TEAM_ID, World, host

PRIVATE = "Mary of Hill Street"
"""Whatever people wrote of the clinic that leaves has this in it."""


def leaving(world: World) -> tuple[Session, Session]:
    """A clinic with two sessions that are over: one that was free, one that was paid and entered; and one beside it."""
    account = world.stripe.create_account()
    world.stripe_accounts.save(None, StripeAccount(account, TEAM_ID, livemode=False, connected_at=world.clock()))
    world.change_team(
        name=f"Clinic {PRIVATE}",
        accounts=(PayeeAccount(account),),
        frame_ancestors=("https://private.example",),
        room=RoomSettings("template", "https://private.example/{room}?token={token}", ROOM_KEY),
    )
    add_client(world.ctx, TEAM_ID, f"Page {PRIVATE}")
    add_client(world.ctx, OTHER_TEAM_ID, "Of the other clinic")
    free = world.schedule(private_host(), private_guest())
    world.clock.advance(seconds=1)
    paid = world.schedule(private_host(), private_guest(Fee(8000, "aud", PRIVATE)))
    pay_connected(world, paid)
    join(world.ctx, world.open(paid))
    world.schedule(host(), team=world.other_team)
    world.clock.advance(hours=1)
    world.sweep()
    return free, paid


def pay_connected(world: World, session: Session) -> None:
    """Paid on the connected account; what its endpoint would tell comes by the sweep's looks."""
    world.pay(session)
    world.clock.advance(minutes=3)
    world.sweep()


def private_guest(fee: Fee | None = None) -> ParticipantWish:
    return ParticipantWish(Role.GUEST, PRIVATE, "", PRIVATE, f"{PRIVATE}@example", PRIVATE, fee)


def private_host() -> ParticipantWish:
    return ParticipantWish(Role.HOST, f"Dr {PRIVATE}")


def delete(desk: Desk, file: Path, *options: str, team_id: str = TEAM_ID) -> int:
    return desk.run("team", "delete", team_id, "--export", str(file), "--by", "pat", *options)


def exported(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def kept_texts(world: World) -> str:
    """Everything of the stores that may be erased, as it is kept."""
    return repr((world.sessions._items, world.teams._texts, world.api_clients._texts, world.entries._keys))


def audited(world: World) -> list[tuple[str, str]]:
    """What was decided about the team itself, and by whom."""
    year = timedelta(days=365)
    rows = world.audit.between(TEAM_ID, world.clock() - year, world.clock() + year)
    return [(one.what, one.who) for row in rows if row.session_id is None for one in row.entries]
