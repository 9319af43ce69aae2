"""The clinics of the sandbox: makes them as an operator does, and asks the product for things as their software would.

Knows the keys of those alone that it made. Decides nothing about accounts and sessions: the product does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Protocol

from chalicelib.domain.team_edits import TeamEdit
from chalicelib.domain.teams import Plan, Team
from chalicelib.flows.context import REQUEST_SECONDS, Context
from chalicelib.flows.edit_team import update_team
from chalicelib.flows.enrol import Enrolled, enrol_team

RUNNING_SINCE = timedelta(minutes=5)
DEBIT = "au_becs_debit"
FEE = {"amount": 8000, "currency": "aud"}


class Software(Protocol):
    """A clinic's own, signed in."""

    def connect(self, account: str | None = None) -> str: ...

    def schedule(self, name: str, start: datetime, *participants: dict[str, Any]) -> list[str]: ...


class UnknownClinicError(LookupError):
    """The sandbox made no such clinic, and has no keys of it."""


@dataclass(frozen=True, slots=True)
class ClinicSeen:
    """A clinic as the product keeps it. `is_ours`: the sandbox has its keys. `link`: of the client scheduled last."""

    team: Team
    is_ours: bool
    link: str | None


class Clinics:
    """`software` signs in with a clinic's keys."""

    def __init__(self, ctx: Context, software: Callable[[Enrolled], Software]) -> None:
        self._ctx = ctx
        self._software = software
        self._ours: dict[str, Enrolled] = {}
        self._links: dict[str, str] = {}

    @property
    def is_platform(self) -> bool:
        return self._ctx.settings.is_platform

    @property
    def has_oauth(self) -> bool:
        return self._ctx.settings.has_oauth

    def enrol(
        self,
        name: str,
        *,
        plan: Plan = Plan.STANDARD,
        scheduling_add_on: bool = False,
        on_own_account: bool | None = None,
    ) -> Enrolled:
        """A clinic and its keys; `on_own_account` None: as clinics of this deployment do. Raises TeamNameError."""
        made = enrol_team(
            self._ctx.within(REQUEST_SECONDS),
            name,
            plan=plan,
            scheduling_add_on=scheduling_add_on,
            on_own_account=on_own_account,
        )
        self._ours[made.team.team_id] = made
        return made

    def take_debits(self, team_id: str) -> None:
        """Let its clients pay by bank debit, too, where there is time for it; as an operator does."""
        update_team(self._ctx.within(REQUEST_SECONDS), team_id, TeamEdit(delayed_methods=(DEBIT,)))

    def software_of(self, team_id: str) -> Software:
        """Signed in anew, since tokens end with the hour. Raises UnknownClinicError, DemoFailedError."""
        if team_id not in self._ours:
            raise UnknownClinicError(team_id)
        return self._software(self._ours[team_id])

    def schedule(self, team_id: str) -> dict[str, str]:
        """A session that runs now, and a client of it who owes a fee; gives the links by role.

        Raises UnknownClinicError, DemoFailedError.
        """
        start = self._ctx.clock().replace(second=0, microsecond=0) - RUNNING_SINCE
        people = ({"role": "HOST", "display_name": "Dr Mei Tanaka"}, {"role": "GUEST", "display_name": "Noor Aziz"})
        host, guest = self.software_of(team_id).schedule("Consultation", start, people[0], {**people[1], "fee": FEE})
        self._links[team_id] = guest
        return {"guest": guest, "host": host}

    def seen(self) -> list[ClinicSeen]:
        """Every clinic, the oldest first; those that an operator made are among them."""
        teams = [team for team in self._ctx.teams.all() if team.deleted_at is None]
        return [
            ClinicSeen(team, team.team_id in self._ours, self._links.get(team.team_id))
            for team in sorted(teams, key=attrgetter("created_at"))
        ]
