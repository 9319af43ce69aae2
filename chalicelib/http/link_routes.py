"""The client's link: look, pay, come back, join, keep the date. Pages for people, JSON for scripts.

GET and HEAD change nothing. The cookie set when paying starts holds the link for the return page alone, so that whoever
can read a Checkout Session at Stripe cannot reach a link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from msgspec import Struct

from chalicelib.config import Settings
from chalicelib.domain.admission import CLOSED, Admission
from chalicelib.domain.links import InvalidLinkError, verify
from chalicelib.flows.checkout import start_checkout
from chalicelib.flows.come_back import Returned, come_back
from chalicelib.flows.context import Context
from chalicelib.flows.join import join
from chalicelib.flows.open_link import OpenedLink, open_link
from chalicelib.gateways.rooms import RoomUnavailableError, room_origin
from chalicelib.http.calendar import appointment_of, calendar_text
from chalicelib.http.exchange import HTML, Answer, Request, html_answer, json_answer, see_other
from chalicelib.http.operations import Access, operation
from chalicelib.http.pages.headers import page_headers, static_headers
from chalicelib.http.pages.origins import InvalidOriginError, origin
from chalicelib.http.pages.outcomes import error_view, payment_unavailable, return_view, room_unavailable
from chalicelib.http.pages.render import render_error, render_link, render_return
from chalicelib.http.pages.static_files import StaticFileNotFoundError, static_file
from chalicelib.http.pages.view import PageUrls, link_view
from chalicelib.http.problems import HttpError, Trouble, problem_answer
from chalicelib.http.routing import Routes
from chalicelib.http.schemas import LinkOut
from chalicelib.http.shapes import link_out

COOKIE_SECONDS = 25 * 60 * 60
"""A little longer than a Checkout Session lives."""


class UrlOut(Struct):
    """Where to send the browser next."""

    url: str


class ReturnedOut(Struct):
    """What Stripe says of the attempt to pay that the client comes back from."""

    status: str


def add_routes(routes: Routes) -> None:
    routes.add("/session/{token}", shape=_as_page, GET=show_link)
    routes.add("/session/{token}/checkout", shape=_as_page, POST=start_payment)
    routes.add("/session/{token}/join", shape=_as_page, POST=join_room)
    routes.add("/session/{token}/calendar.ics", shape=_as_page, GET=download_calendar)
    routes.add("/paid/{return_token}", shape=_as_page, GET=come_back_from_checkout)
    routes.add("/static/{name}", GET=read_static_file)


@dataclass(frozen=True, slots=True)
class Paths:
    """Addresses below the deployment's own prefix (API Gateway puts the stage there)."""

    base: str

    @classmethod
    def of(cls, settings: Settings) -> Paths:
        return cls(urlsplit(settings.public_url).path)

    def link(self, token: str) -> str:
        return f"{self.base}/session/{token}"

    @property
    def returning(self) -> str:
        return f"{self.base}/paid/"

    @property
    def static(self) -> str:
        return f"{self.base}/static"


@operation(
    "Look at a link",
    tag="Links",
    access=Access.OPEN,
    answers={200: LinkOut, 410: LinkOut},
    kinds=(HTML,),
)
def show_link(ctx: Context, request: Request) -> Answer:
    """What the link finds now: a page for people, or with `Accept: application/json` the same as data.

    410 with the same shape once the session is over or cancelled. Looking changes nothing.
    """
    link = open_link(ctx, request.path["token"])
    return _shown(ctx, request, link, HTTPStatus.GONE if link.admission.door in CLOSED else HTTPStatus.OK)


def _shown(ctx: Context, request: Request, link: OpenedLink, status: HTTPStatus) -> Answer:
    if request.wants_json:
        return _as_json(ctx, status, link_out(link))
    paths, token = Paths.of(ctx.settings), request.path["token"]
    here = paths.link(token)
    urls = PageUrls(here, f"{here}/checkout", f"{here}/join", f"{here}/calendar.ics", paths.static)
    view = link_view(link, urls)
    headers = page_headers(
        checkout_origin=ctx.settings.checkout_origin,
        room_origin=_room_origin(ctx, link),
        picture_origins=view.picture_origins,
        frame_ancestors=link.team.frame_ancestors,
    )
    return html_answer(status, render_link(view), headers)


def _room_origin(ctx: Context, link: OpenedLink) -> str | None:
    """A misconfigured room closes the room, not the page."""
    try:
        return origin(room_origin(ctx.settings.room_of(link.team)))
    except (RoomUnavailableError, InvalidOriginError):
        return None


@operation(
    "Start paying",
    tag="Links",
    access=Access.OPEN,
    answers={200: UrlOut, 303: None},
    errors=(409,),
    kinds=(HTML,),
)
def start_payment(ctx: Context, request: Request) -> Answer:
    """The client pays on Stripe's page: 303 leads there, or back to the link when there is nothing to pay.

    For scripts, the address; 409 when there is nothing to pay.
    """
    token = request.path["token"]
    started = start_checkout(ctx, open_link(ctx, token))
    if isinstance(started, Admission):
        if request.wants_json:
            raise HttpError(409, f"there is nothing to pay now: the state is {started.door.value}")
        return see_other(Paths.of(ctx.settings).link(token), _headers(ctx))
    cookie = {"Set-Cookie": _cookie(ctx.settings, started.attempt_id, token)}
    if request.wants_json:
        return _as_json(ctx, 200, UrlOut(started.url)).with_headers(cookie)
    return see_other(started.url, {**_headers(ctx), **cookie})


@operation(
    "Enter the room",
    tag="Links",
    access=Access.OPEN,
    answers={200: UrlOut, 303: None},
    errors=(403,),
    kinds=(HTML,),
)
def join_room(ctx: Context, request: Request) -> Answer:
    """303 to the room with a fresh room token, or for scripts its address; 403 when not admitted, saying why."""
    link = open_link(ctx, request.path["token"])
    joined = join(ctx, link)
    if isinstance(joined, Admission):
        if request.wants_json:
            raise HttpError(403, f"not admitted now: the state is {joined.door.value}")
        return _shown(ctx, request, link, HTTPStatus.FORBIDDEN)
    if request.wants_json:
        return _as_json(ctx, 200, UrlOut(joined.room_url))
    return see_other(joined.room_url, _headers(ctx))


@operation(
    "Keep the date",
    tag="Links",
    access=Access.OPEN,
    answers={200: None},
    kinds=("text/calendar; charset=utf-8",),
)
def download_calendar(ctx: Context, request: Request) -> Answer:
    """The appointment as a calendar file (RFC 5545)."""
    token = request.path["token"]
    appointment = appointment_of(open_link(ctx, token), f"{ctx.settings.public_url}/session/{token}")
    headers = {
        **_headers(ctx),
        "Content-Type": "text/calendar; charset=utf-8",
        "Content-Disposition": 'attachment; filename="appointment.ics"',
    }
    return Answer(200, headers, calendar_text(appointment))


@operation(
    "Come back from Checkout",
    tag="Links",
    access=Access.OPEN,
    answers={200: ReturnedOut, 303: None},
    kinds=(HTML,),
)
def come_back_from_checkout(ctx: Context, request: Request) -> Answer:
    """Where Stripe sends the client, who may have paid or not: Stripe is asked.

    303 to the link for the browser that started paying, else what Stripe says.
    """
    back = come_back(ctx, request.path["return_token"])
    token = _link_in_cookie(ctx, request, back)
    if token is not None:
        return see_other(Paths.of(ctx.settings).link(token), _headers(ctx))
    state = back.attempt.state if back.attempt else None
    if request.wants_json:
        return _as_json(ctx, 200, ReturnedOut(state.value if state else "expired"))
    view = return_view(state, back.team.name, Paths.of(ctx.settings).static)
    return html_answer(200, render_return(view), _headers(ctx))


def _link_in_cookie(ctx: Context, request: Request, back: Returned) -> str | None:
    """The link that this browser started paying from: only of this very participant, and only while it is good."""
    token = _cookie_value(request, _cookie_name(back.attempt_id))
    try:
        claims = verify(ctx.settings.link_keys, token)
    except InvalidLinkError:
        return None
    theirs = (claims.team_id, claims.session_id, claims.number, claims.generation)
    ours = (back.session.team_id, back.session.session_id, back.participant.number, back.participant.generation)
    return token if theirs == ours else None


def _cookie_value(request: Request, name: str) -> str:
    """Empty where there is none. `http.cookies` gives up at the first cookie of another site that it finds odd."""
    pairs = (pair.strip().partition("=") for pair in request.header("cookie").split(";"))
    return next((value for found, _, value in pairs if found == name), "")


def _cookie(settings: Settings, attempt_id: str, token: str) -> str:
    secure = "; Secure" if settings.public_url.startswith("https:") else ""
    path = Paths.of(settings).returning
    lifetime = f"Max-Age={COOKIE_SECONDS}; Path={path}"
    return f"{_cookie_name(attempt_id)}={token}; {lifetime}; HttpOnly; SameSite=Lax{secure}"


def _cookie_name(attempt_id: str) -> str:
    return f"anteroom-{attempt_id}"


@operation(
    "Read a file of the pages",
    tag="About",
    access=Access.OPEN,
    answers={200: None},
    kinds=("text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"),
)
def read_static_file(ctx: Context, request: Request) -> Answer:
    """A style sheet, script or icon, under a name that changes with its content."""
    del ctx
    try:
        file = static_file(request.path["name"])
    except StaticFileNotFoundError:
        raise HttpError(404, "there is no such file") from None
    return Answer(200, static_headers(file), file.body)


def _headers(ctx: Context) -> Mapping[str, str]:
    return page_headers(checkout_origin=ctx.settings.checkout_origin)


def _as_json(ctx: Context, status: int, content: object) -> Answer:
    return json_answer(status, content, _without_type(_headers(ctx)))


def _as_page(ctx: Context, request: Request, trouble: Trouble) -> Answer:
    """Trouble as a page; for scripts as a problem detail, with the same headers."""
    if request.wants_json:
        return problem_answer(request, trouble).with_headers(_without_type(_headers(ctx)))
    again = trouble.headers.get("Retry-After")
    page = _error_page(ctx, request, trouble.status, int(again) if again else None)
    return html_answer(trouble.status, page, {**_headers(ctx), **trouble.headers})


def _error_page(ctx: Context, request: Request, status: int, retry_after: int | None) -> str:
    paths = Paths.of(ctx.settings)
    token = request.path.get("token")
    back = paths.link(token) if token and status != HTTPStatus.NOT_FOUND else None
    if retry_after is not None and back is not None:
        if request.route.endswith("/checkout"):
            return render_error(payment_unavailable(paths.static, retry_after=retry_after, back_url=back))
        if request.route.endswith("/join"):
            return render_error(room_unavailable(paths.static, retry_after=retry_after, back_url=back))
    return render_error(error_view(status, paths.static, retry_after=retry_after, back_url=back))


def _without_type(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "content-type"}
