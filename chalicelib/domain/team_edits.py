"""What an operator may change of a team, and what it is then. Only what is asked for changes, and only that is checked.

Offers to pay that were made keep what they were made with: nothing here reaches them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from chalicelib.domain.accounts import fee_tried_again, made_default, methods_tried_again
from chalicelib.domain.edits import ABSENT, Absent
from chalicelib.domain.money import currency
from chalicelib.domain.subdomains import checked_subdomain
from chalicelib.domain.teams import (
    Plan,
    Team,
    TeamSettingError,
    checked_basis_points,
    checked_lead,
    checked_methods,
    checked_name,
    frame_ancestor,
)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class TeamEdit:
    """What to change of a team; what is absent stays as it is.

    `fee_basis_points` None: the plan's rate. `default_account` None: the deployment's own. A tuple replaces the whole.
    """

    name: str | Absent = ABSENT
    subdomain: str | Absent = ABSENT
    plan: Plan | Absent = ABSENT
    scheduling_add_on: bool | Absent = ABSENT
    fee_basis_points: int | Absent | None = ABSENT
    default_account: str | Absent | None = ABSENT
    default_currency: str | Absent = ABSENT
    more_currencies: tuple[str, ...] | Absent = ABSENT
    host_lead: timedelta | Absent = ABSENT
    guest_lead: timedelta | Absent = ABSENT
    delayed_methods: tuple[str, ...] | Absent = ABSENT
    frame_ancestors: tuple[str, ...] | Absent = ABSENT


def edit_team(team: Team, edit: TeamEdit) -> Team:
    """The team as edited.

    Raises TeamNameError, TeamSettingError, UnknownCurrencyError, InvalidOriginError, UnknownAccountError.
    """
    if not isinstance(edit.default_account, Absent):
        team = made_default(team, edit.default_account)
    if not isinstance(edit.delayed_methods, Absent):
        team = methods_tried_again(team)
    if not isinstance(edit.fee_basis_points, Absent):
        team = fee_tried_again(team)
    return replace(
        team,
        name=_sent(edit.name, team.name, checked_name),
        subdomain=team.subdomain if isinstance(edit.subdomain, Absent) else checked_subdomain(edit.subdomain),
        plan=_sent(edit.plan, team.plan, Plan),
        scheduling_add_on=_sent(edit.scheduling_add_on, team.scheduling_add_on, bool),
        fee_basis_points=_sent(edit.fee_basis_points, team.fee_basis_points, checked_basis_points),
        default_currency=_sent(edit.default_currency, team.default_currency, lambda code: _default_of(team, code)),
        more_currencies=_sent(edit.more_currencies, team.more_currencies, _codes),
        host_lead=_sent(edit.host_lead, team.host_lead, checked_lead),
        guest_lead=_sent(edit.guest_lead, team.guest_lead, checked_lead),
        delayed_methods=_sent(edit.delayed_methods, team.delayed_methods, checked_methods),
        frame_ancestors=_sent(edit.frame_ancestors, team.frame_ancestors, _ancestors),
    )


def suspended(team: Team) -> Team:
    """The team, which schedules nothing and offers nothing to pay; who has paid still enters."""
    return replace(team, suspended=True)


def resumed(team: Team) -> Team:
    """The team, which does again what its plan and its accounts let it do."""
    return replace(team, suspended=False)


def _sent(value: Value | Absent, kept: Value, checked: Callable[[Value], Value]) -> Value:
    """What stays was right once, so it is not checked again."""
    return kept if isinstance(value, Absent) else checked(value)


def _default_of(team: Team, code: str) -> str:
    """An account that tells its currency would bring that back with the next event of Stripe's."""
    asked, account = currency(code).code, team.payee(None)
    told = account.default_currency if account and account.is_connected else None
    if told is not None and told != asked:
        message = f"the default account is paid in {told}, which is the team's currency; {asked} may be taken beside it"
        raise TeamSettingError(message)
    return asked


def _codes(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(currency(code).code for code in codes))


def _ancestors(origins: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(frame_ancestor, origins)))
