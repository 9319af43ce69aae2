"""The clinic itself, and what a fee would come to. Reads nothing but what authentication has read.

A team from before there were subdomains is given its own by the first read.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.money import minimum_fee
from chalicelib.domain.offers import share_of
from chalicelib.domain.sessions import Fee, InvalidSessionError, Role, fee_problems
from chalicelib.domain.teams import Team
from chalicelib.flows.context import Context
from chalicelib.flows.subdomains import with_subdomain
from chalicelib.http.auth import caller_of
from chalicelib.http.exchange import Answer, Request, json_answer
from chalicelib.http.operations import Parameter, operation
from chalicelib.http.queries import amount_of
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import QuoteOut, TeamOut
from chalicelib.http.shapes import platform_fee_note, team_out

_NO_STORE = {"Cache-Control": "no-store"}
_AMOUNT = Parameter(
    "amount", "In the currency's minor unit.", {"type": "integer", "minimum": 0, "examples": [8000]}, required=True
)
_PAYEE = Parameter("payee", "One of the team's Stripe accounts; its default if absent.", {"type": "string"})
_CURRENCY = Parameter("currency", "ISO 4217; the team's default if absent.", {"type": "string"})


def add_routes(routes: Routes) -> None:
    routes.add("/v1/user/team", GET=read_team)
    routes.add("/v1/fees/quote", GET=quote_fee)


@operation("Read the team", tag="Team", answers={200: TeamOut})
def read_team(ctx: Context, request: Request) -> Answer:
    """The clinic that the access token acts for: its plan, its settings, and whether it can be paid."""
    team = with_subdomain(ctx, caller_of(ctx, request).team)
    return json_answer(200, team_out(team, refuses=ctx.settings.refuses_without_fee(team)), _NO_STORE)


@operation("Quote a fee", tag="Fees", answers={200: QuoteOut}, errors=(422,), parameters=(_AMOUNT, _CURRENCY, _PAYEE))
def quote_fee(ctx: Context, request: Request) -> Answer:
    """The least fee, the platform's share, and what is left for the clinic before Stripe's own fee.

    422 for a fee that could not be asked for. The platform takes no share on the deployment's own Stripe account,
    nor across borders that Stripe lets no platform's fee cross.
    """
    team = caller_of(ctx, request).team
    amount, currency = amount_of(request), (request.query.get("currency") or team.default_currency).lower()
    fee = Fee(amount, currency, payee=request.query.get("payee") or None)
    problems = fee_problems(fee, Role.GUEST, team, "")
    if problems:
        # Here the fee is no field of anything, so its own fields are named alone.
        raise InvalidSessionError(tuple(replace(one, field=one.field.removeprefix(".")) for one in problems))
    share = share_of(fee, team, ctx.settings.basis_points(team))
    note = _note(ctx, team, fee)
    return json_answer(200, QuoteOut(amount, currency, minimum_fee(currency), share, amount - share, note), _NO_STORE)


def _note(ctx: Context, team: Team, fee: Fee) -> str | None:
    account = team.payee(fee.payee)
    if account is None or not ctx.settings.basis_points(team):
        return None
    return platform_fee_note(account, refuses=ctx.settings.refuses_without_fee(team))
