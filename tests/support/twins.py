"""Two clinics with a session of the same id, each paid on an account of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from chalicelib.domain.sessions import Revision, Session
from chalicelib.domain.teams import Team
from tests.support.clinic import Clinic
from tests.support.edge import Edge
from tests.support.platform import Platform

DAY = timedelta(days=1)


@dataclass
class Twins:
    """Our clinic asks; the other's session has the id of ours, and both guests (number 2) have paid."""

    platform: Platform
    edge: Edge
    clinic: Clinic
    other: Clinic
    ours: Session
    theirs: Session

    @property
    def their_account(self) -> str:
        return str(self.other.team.accounts[-1].stripe_account_id)

    @property
    def our_account(self) -> str:
        return str(self.clinic.team.accounts[-1].stripe_account_id)

    def kept_of(self, team: Team, account: str) -> str:
        """Everything of one clinic: sessions, team, clients, entries, books, accounts; and its account at Stripe."""
        world = self.platform
        texts: list[dict[Any, str]] = [
            world.sessions.books._ledger,
            world.sessions.books._audit,
            world.stripe_accounts._texts,
        ]
        kept: list[Any] = [
            sorted((key, one) for key, one in world.sessions._items.items() if key[0] == team.team_id),
            world.teams._texts[team.team_id],
            sorted(text for text in world.api_clients._texts.values() if team.team_id in text),
            sorted(key for key in world.entries._keys if key[0] == team.team_id),
            sorted(text for one in texts for text in one.values() if team.team_id in text),
            world.books_of(account),
        ]
        return repr(kept)

    def ours_kept(self) -> str:
        return self.kept_of(self.clinic.team, self.our_account)

    def theirs_kept(self) -> str:
        return self.kept_of(self.other.team, self.their_account)


def twins() -> Twins:
    platform = Platform()
    edge = Edge(platform)
    clinic, other = Clinic(edge, "Bay Road Clinic"), Clinic(edge, "Hill Street Practice")
    for one in (clinic, other):
        one.team = platform.connect(one.team)
    ours = platform.schedule(starts_in=DAY, team=clinic.team)
    theirs = platform.sessions.create(replace(ours, team_id=other.team.team_id, revision=Revision()))
    for session in (ours, theirs):
        platform.pay(session)
    edge.deliver_webhooks()
    return Twins(platform, edge, clinic, other, platform.session(ours), platform.session(theirs))


def only_theirs(both: Twins) -> Session:
    """A session that the other clinic has, and ours has not."""
    session = both.platform.schedule(starts_in=DAY, team=both.other.team)
    both.platform.pay(session)
    both.edge.deliver_webhooks()
    return both.platform.session(session)
