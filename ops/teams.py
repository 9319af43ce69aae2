"""The commands about teams, all but those that export and delete one: call one flow, and say what it means in lines."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from chalicelib.config import Settings
from chalicelib.domain.books import operator
from chalicelib.domain.edits import ABSENT, Absent
from chalicelib.domain.offer_terms import never_used
from chalicelib.domain.team_edits import TeamEdit
from chalicelib.domain.teams import Team
from chalicelib.flows import edit_team, enrol
from chalicelib.flows.context import Context
from chalicelib.flows.export_team import clients_of
from chalicelib.flows.subdomains import team_at, with_subdomain
from ops.clients import credentials
from ops.commands import AskedWronglyError
from ops.environment import Deployment
from ops.team_pictures import state_of, team_lines, team_row
from ops.writing import columns

KNOWN_WITHIN = "Running functions know it within 60 s."

_CONNECT = """\
It takes no payments yet: it connects a Stripe account of its own. With its API client's access token, the clinic's
front-end sends POST /v1/stripe/connect and opens the address that it is given."""
_NOT_CONNECTABLE = """\
It takes no payments: it has no Stripe account, and no clinic can connect one here while ANTEROOM_CONNECT is off."""


def create_team(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    ctx = deployment.ctx.acting_for(operator(asked.by))
    made = enrol.enrol_team(
        ctx,
        asked.name,
        plan=asked.plan,
        scheduling_add_on=asked.scheduling_add_on,
        default_currency=asked.currency,
        more_currencies=tuple(asked.also_takes),
        on_own_account=asked.on_own_account,
        subdomain=asked.subdomain,
    )
    yield from team_lines(made.team, clients_of(ctx, made.team.team_id))
    if not made.team.accounts:
        yield ""
        yield _CONNECT if ctx.settings.is_platform else _NOT_CONNECTABLE
    yield ""
    yield from credentials(made.client_id, made.client_secret)


def show_team(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    ctx = deployment.ctx
    yield from team_lines(_known(ctx, asked.team_id), clients_of(ctx, asked.team_id))


def find_team(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    team = team_at(deployment.ctx, asked.subdomain)
    yield from team_lines(team, clients_of(deployment.ctx, team.team_id))


def _known(ctx: Context, team_id: str) -> Team:
    """One from before there were subdomains is given its own."""
    return with_subdomain(ctx, ctx.teams.get(team_id))


CANNOT_CHARGE = "cannot-charge"
STATES = ("active", "suspended", "deleted", CANNOT_CHARGE)


def list_teams(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    teams = [team for team in deployment.ctx.teams.all() if asked.state is None or _is_in(team, asked.state)]
    teams.sort(key=lambda team: (team.created_at, team.team_id))
    nothing = "there are no teams yet" if asked.state is None else "there is no such team"
    yield from columns(map(team_row, teams), indent="") if teams else [nothing]


def _is_in(team: Team, state: str) -> bool:
    """Those that cannot charge are active ones: of the others everybody knows why."""
    if state == CANNOT_CHARGE:
        return state_of(team) == "active" and not team.can_charge()
    return state_of(team) == state


def allow_origins(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    team = enrol.set_allowed_origins(deployment.ctx, asked.team_id, asked.origins)
    yield f"team {team.team_id} is called by pages of: {', '.join(team.allowed_origins) or 'no origin'}"
    yield KNOWN_WITHIN


# --- changes --------------------------------------------------------------------------------------------------------


def change_team(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    edit = _edit(asked)
    if edit == TeamEdit():
        message = "name what to change: python -m ops team change --help"
        raise AskedWronglyError(message)
    ctx = deployment.ctx.acting_for(operator(asked.by))
    before = _known(ctx, asked.team_id)
    after = edit_team.update_team(ctx, asked.team_id, edit)
    yield from team_lines(after, clients_of(ctx, asked.team_id))
    yield ""
    if before == after:
        yield "It was so already; nothing was changed."
        return
    yield from _meaning(before, after, ctx.settings)
    yield KNOWN_WITHIN


def _edit(asked: Namespace) -> TeamEdit:
    return TeamEdit(
        name=asked.name,
        subdomain=asked.subdomain,
        plan=asked.plan,
        scheduling_add_on=asked.scheduling_add_on,
        fee_basis_points=asked.fee_basis_points,
        default_account=asked.default_account,
        default_currency=asked.currency,
        more_currencies=_all(asked.also_takes),
        host_lead=asked.host_lead,
        guest_lead=asked.guest_lead,
        delayed_methods=_all(asked.delayed_methods),
        frame_ancestors=_all(asked.frame_ancestors),
    )


def _all(given: list[str] | None) -> tuple[str, ...] | Absent:
    return ABSENT if given is None else tuple(given)


def _meaning(before: Team, after: Team, settings: Settings) -> Iterator[str]:
    """What the change does to sessions and offers that are there, where somebody might think otherwise."""
    if before.may_schedule and not after.may_schedule:
        yield "Sessions already scheduled keep working; nothing new can be scheduled without the add-on."
    if after.may_schedule and not before.may_schedule:
        yield "It may schedule sessions now."
    if settings.basis_points(before) != settings.basis_points(after) and not _is_paid_to_us(after):
        rate = settings.basis_points(after)
        yield f"Offers already made keep their platform fee; those made from now on have {rate} basis points."
    if before.payee(None) != after.payee(None):
        yield "Fees without a payee are paid to it from now on; offers and payments already made stay on their account."
    if not before.currencies <= after.currencies:
        yield "Fees already set in a currency that it takes no more stay, and can be paid."
    if before.name != after.name:
        yield "Offers already made show the former name at Checkout."
    if before.subdomain != after.subdomain:
        yield "Its former subdomain finds it no more, and may be another clinic's."
    if before.delayed_methods != after.delayed_methods:
        yield "Offers already made keep their payment methods."
    if before.delayed_methods != after.delayed_methods or never_used(before) != never_used(after):
        yield from (f"{method} will never be used by it: {why}." for method, why in never_used(after).items())
    if (before.host_lead, before.guest_lead) != (after.host_lead, after.guest_lead):
        yield "Sessions already scheduled open by it, too."


def _is_paid_to_us(team: Team) -> bool:
    """Whether all its money comes to the deployment's own account, where there is no platform to take a fee."""
    return bool(team.accounts) and all(account.stripe_account_id is None for account in team.accounts)


def suspend_team(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    ctx = deployment.ctx.acting_for(operator(asked.by))
    was = _known(ctx, asked.team_id).suspended
    team = edit_team.suspend_team(ctx, asked.team_id, asked.why)
    if was:
        yield f"team {team.team_id} was suspended already; nothing was changed"
        return
    yield f"team {team.team_id} is suspended: it schedules nothing (403), and offers nothing to pay."
    yield "Who has paid still enters; sessions already scheduled can be read, changed, cancelled and refunded."
    yield "A client who is on Stripe's page now may still pay there, until it expires, within 24 hours: that counts and"
    yield "lets them in. Cancelling the session, removing the participant or waiving the fee closes such a page."
    yield KNOWN_WITHIN


def resume_team(deployment: Deployment, asked: Namespace) -> Iterator[str]:
    ctx = deployment.ctx.acting_for(operator(asked.by))
    was = _known(ctx, asked.team_id).suspended
    team = edit_team.resume_team(ctx, asked.team_id, asked.why)
    if not was:
        yield f"team {team.team_id} was not suspended; nothing was changed"
        return
    schedules = "it schedules again" if team.may_schedule else "its plan lets it schedule nothing"
    charges = "it can charge" if team.can_charge() else "it cannot charge, see: python -m ops team show"
    yield f"team {team.team_id} is resumed: {schedules}, and {charges}."
    yield KNOWN_WITHIN
