"""Views into HTML. The templates place what the views say: no rule, no wording of a state, and no escaping by hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chalicelib.http.pages.static_files import static_url

if TYPE_CHECKING:
    from jinja2 import Environment

    from chalicelib.http.docs_page import ReferenceView
    from chalicelib.http.pages.connect_pages import ConnectView
    from chalicelib.http.pages.outcomes import ErrorView, ReturnView
    from chalicelib.http.pages.view import LinkView

_TEMPLATES: Final = Path(__file__).parent / "templates"


def render_link(view: LinkView) -> str:
    """The page of a link, in any state."""
    return _render("link.html", view, view.urls.static_base)


def render_return(view: ReturnView) -> str:
    """The page after Checkout, for a browser that does not hold the link."""
    return _render("return.html", view, view.static_base)


def render_error(view: ErrorView) -> str:
    """The page for what could not be done."""
    return _render("error.html", view, view.static_base)


def render_connect(view: ConnectView) -> str:
    """The page for a clinic's staff who come back from Stripe."""
    return _render("connect.html", view, view.static_base)


def render_reference(view: ReferenceView) -> str:
    """The reference of the API."""
    return _render("docs.html", view, view.static_base)


def _render(name: str, view: LinkView | ReturnView | ErrorView | ConnectView | ReferenceView, static_base: str) -> str:
    return _environment().get_template(name).render(view=view, static_base=static_base)


@cache
def _environment() -> Environment:
    """Made at the first page: most requests of the API never need it, and the import takes 39 ms of a cold start."""
    import jinja2  # noqa: PLC0415  (see above)

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["static_url"] = static_url
    return environment
