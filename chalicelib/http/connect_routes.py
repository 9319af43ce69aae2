"""A clinic's own Stripe account: where to connect it, what is connected, to disconnect it; the way back from Stripe.

The callback of OAuth changes things by GET, since Stripe sends people to it (RFC 6749, section 4.1.2): its code is good
once, and known to nobody but the browser that comes with it. HEAD changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from chalicelib.domain.sessions import Problem
from chalicelib.flows.connect import (
    Connected,
    InvalidStateError,
    come_back_from_onboarding,
    connecting,
    finish_connecting,
    onboarding_again,
)
from chalicelib.flows.context import Context
from chalicelib.flows.disconnect import MoneyHeldError, disconnect
from chalicelib.http.auth import caller_of
from chalicelib.http.exchange import HTML, Answer, Request, html_answer, json_answer, see_other
from chalicelib.http.idempotency import made_once, with_replay
from chalicelib.http.operations import Access, Parameter, operation
from chalicelib.http.pages.connect_pages import (
    REFUSALS,
    ConnectView,
    connected_view,
    refused_view,
    unanswered_view,
)
from chalicelib.http.pages.headers import page_headers
from chalicelib.http.pages.render import render_connect
from chalicelib.http.problems import HttpError, Trouble, problem_answer
from chalicelib.http.queries import FORCE, account_named, is_forced
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import ConnectIn, ConnectOut, StripeAccountOut, StripeAccountsOut
from chalicelib.http.shapes import stripe_account_out, stripe_accounts_out
from chalicelib.http.wishes import connect_wish

_NO_STORE = {"Cache-Control": "no-store"}
_STATE = Parameter("state", "As it came.", {"type": "string"}, required=True)
_ACCOUNT = Parameter("account", "Which one, where there are several.", {"type": "string"})
_HELD = (
    "money on this account could not be seen or given back afterwards; see to it first, or send force=true to "
    "disconnect it all the same"
)


def add_routes(routes: Routes) -> None:
    routes.add("/v1/stripe/connect", POST=connect_account)
    routes.add("/v1/stripe/account", GET=read_accounts, DELETE=disconnect_account)
    routes.add("/stripe/connect/callback", shape=_as_page, GET=finish_connecting_account)
    routes.add("/stripe/connect/return", shape=_as_page, GET=return_from_onboarding)
    routes.add("/stripe/connect/refresh", shape=_as_page, GET=continue_onboarding)


@operation("Connect a Stripe account", tag="Accounts", body=ConnectIn, answers={200: ConnectOut}, errors=(409, 422))
def connect_account(ctx: Context, request: Request) -> Answer:
    """Where the clinic's staff connect it, in a browser: an `existing` account of theirs, or a `new` one.

    The address is for them alone, and good for an hour. No body is needed. A clinic may connect several, and name one
    as the `payee` of a fee; the first is the default. 409 where the deployment is one clinic's own.
    """
    caller, how = caller_of(ctx, request), connect_wish(request)
    effect = connecting(ctx.acting_for(caller.who), caller.team, caller.client_id, how)
    made = made_once(ctx, request, caller, effect)
    return with_replay(json_answer(200, ConnectOut(made.result), _NO_STORE), made)


@operation("Read the Stripe accounts", tag="Accounts", answers={200: StripeAccountsOut})
def read_accounts(ctx: Context, request: Request) -> Answer:
    """What is connected, which is the default, and whether Stripe lets each take payments; and if not, why.

    Those that were disconnected are there, too, since payments were made on them.
    """
    team = ctx.teams.newest(caller_of(ctx, request).team.team_id)
    return json_answer(200, stripe_accounts_out(team, refuses=ctx.settings.refuses_without_fee(team)), _NO_STORE)


@operation(
    "Disconnect a Stripe account",
    tag="Accounts",
    answers={200: StripeAccountsOut},
    errors=(404, 409, 422),
    parameters=(_ACCOUNT, FORCE),
)
def disconnect_account(ctx: Context, request: Request) -> Answer:
    """Nobody can be asked to pay on it any more. Who has paid is let in as before.

    409 while money on it could not be seen or given back afterwards: `errors` names up to ten participants and why.
    `force=true` disconnects it all the same; open payment pages are closed first, what is owed then needs a person.
    """
    caller, account_id, force = caller_of(ctx, request), account_named(request), is_forced(request)
    try:
        team = disconnect(ctx.acting_for(caller.who), caller.team.team_id, account_id, force=force)
    except MoneyHeldError as error:
        held = tuple(Problem(one.participant_id, one.hold.value) for one in error.held)
        raise HttpError(409, _HELD, errors=held) from None
    return json_answer(200, stripe_accounts_out(team, refuses=ctx.settings.refuses_without_fee(team)), _NO_STORE)


# --- back from Stripe, in the browser of the clinic's staff -------------------------------------------------------


@operation(
    "Come back from connecting an account",
    tag="Connecting",
    access=Access.OPEN,
    answers={200: StripeAccountOut},
    errors=(400, 403, 409, 410),
    parameters=(
        _STATE,
        Parameter("code", "What the account's owner granted.", {"type": "string"}),
        Parameter("error", "Why they granted nothing.", {"type": "string"}),
    ),
    kinds=(HTML,),
)
def finish_connecting_account(ctx: Context, request: Request) -> Answer:
    """Where Stripe sends the account's owner. Connects the account, once, and says what is next."""
    return _connected(ctx, request, finish_connecting)


@operation(
    "Come back from filling in a new account",
    tag="Connecting",
    access=Access.OPEN,
    answers={200: StripeAccountOut},
    errors=(400, 409, 410),
    parameters=(_STATE,),
    kinds=(HTML,),
)
def return_from_onboarding(ctx: Context, request: Request) -> Answer:
    """Where Stripe sends the account's owner, done or not. Asks Stripe how it stands, and says what is next."""
    return _connected(ctx, request, come_back_from_onboarding)


@operation(
    "Go on filling in a new account",
    tag="Connecting",
    access=Access.OPEN,
    answers={303: None},
    errors=(400, 409, 410),
    parameters=(_STATE,),
    kinds=(HTML,),
)
def continue_onboarding(ctx: Context, request: Request) -> Answer:
    """303 to Stripe's page for the same account: each is good once, and for minutes."""
    try:
        _refuse_head(request)
        return see_other(onboarding_again(ctx, request.query), _headers(ctx))
    except tuple(REFUSALS) as error:
        return _refused(ctx, request, error)


def _connected(ctx: Context, request: Request, act: Callable[[Context, dict[str, str]], Connected]) -> Answer:
    try:
        _refuse_head(request)
        found = act(ctx, dict(request.query))
    except tuple(REFUSALS) as error:
        return _refused(ctx, request, error)
    refuses = ctx.settings.refuses_without_fee(found.team)
    if request.wants_json:
        shown = stripe_account_out(found.account, refuses=refuses)
        return json_answer(200, shown, _without_type(_headers(ctx)))
    return _page(ctx, 200, connected_view(found, _static(ctx), refuses=refuses))


def _refuse_head(request: Request) -> None:
    """Nobody comes back by it, and it must change nothing (RFC 9110, section 9.2.1)."""
    if request.method == "HEAD":
        raise InvalidStateError


def _refused(ctx: Context, request: Request, error: Exception) -> Answer:
    refusal = REFUSALS[type(error)]
    if request.wants_json:
        raise HttpError(refusal.status, f"{refusal.headline}: {refusal.sentence}", headers=_without_type(_headers(ctx)))
    return _page(ctx, refusal.status, refused_view(refusal, _static(ctx)))


def _page(ctx: Context, status: int, view: ConnectView) -> Answer:
    return html_answer(status, render_connect(view), _headers(ctx))


def _as_page(ctx: Context, request: Request, trouble: Trouble) -> Answer:
    """What is nobody's choice: Stripe or the database did not answer, or a fault of ours."""
    if request.wants_json or trouble.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return problem_answer(request, trouble)
    return _page(ctx, trouble.status, unanswered_view(_static(ctx))).with_headers(trouble.headers)


def _static(ctx: Context) -> str:
    return f"{urlsplit(ctx.settings.public_url).path}/static"


def _headers(ctx: Context) -> dict[str, str]:
    return page_headers(checkout_origin=ctx.settings.checkout_origin)


def _without_type(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "content-type"}
