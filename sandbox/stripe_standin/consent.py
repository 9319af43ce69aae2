"""What an address of `GET /oauth/authorize` asks for, and the addresses that answer it. Knows no accounts.

https://docs.stripe.com/connect/oauth-reference#get-authorize: who asks wrongly is told so at the redirect URI, unless
that or the application is what is wrong: then on the spot (RFC 6749, section 4.1.2.1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from sandbox.stripe_standin.oauth import SCOPE
from sandbox.stripe_standin.parameters import is_web_address
from sandbox.stripe_standin.world import World


class UnaskableError(Exception):
    """There is nobody to send back to: Stripe shows the message, as JSON with status 400."""


class SentBackError(Exception):
    """The request is sent back to `url` with what is wrong with it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


@dataclass(frozen=True)
class Consent:
    """What somebody is asked to agree to. `business_name`: what a new account would be called, "" when not said."""

    redirect_uri: str
    state: str | None
    business_name: str

    def given(self, code: str) -> str:
        """Give where Connect leads."""
        return self._back({"scope": SCOPE, "code": code})

    def denied(self) -> str:
        """Give where Cancel leads."""
        return self.refused("access_denied", "The user denied your request")

    def refused(self, error: str, description: str) -> str:
        return self._back({"error": error, "error_description": description})

    def _back(self, said: Mapping[str, str]) -> str:
        fields = {**said, **({} if self.state is None else {"state": self.state})}
        separator = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{separator}{urlencode(fields, quote_via=quote)}"


def read_consent(world: World, query: Mapping[str, str]) -> Consent:
    """Read the query of an authorize address; raises UnaskableError or SentBackError."""
    if query.get("client_id") != world.application_id:
        raise UnaskableError("No application matches the supplied client identifier")
    redirect_uri = query.get("redirect_uri", "")
    if not is_redirect_uri(redirect_uri, livemode=world.livemode):
        message = (
            f"Invalid request: Invalid redirect URI: '{redirect_uri}'. Ensure this uri exactly matches one of the uris "
            "specified in your application settings"
        )
        raise UnaskableError(message)
    consent = Consent(redirect_uri, query.get("state"), query.get("stripe_user[business_name]", ""))
    require_known(consent, query)
    return consent


def is_redirect_uri(text: str, *, livemode: bool) -> bool:
    """Live mode takes https alone. A fragment has no place in it (RFC 6749, section 3.1.2)."""
    return is_web_address(text) and "#" not in text and (not livemode or text.lower().startswith("https:"))


def require_known(consent: Consent, query: Mapping[str, str]) -> None:
    """Take `code` and `read_write` alone: `read_only`, Stripe's default, is for extensions and not for platforms."""
    response_type = query.get("response_type")
    if not response_type:
        raise SentBackError(consent.refused("invalid_request", "Missing response_type parameter"))
    if response_type != "code":
        description = "Unsupported response_type parameter. Currently the only supported response_type is code"
        raise SentBackError(consent.refused("unsupported_response_type", description))
    if query.get("scope") != SCOPE:
        raise SentBackError(consent.refused("invalid_scope", "Invalid scope parameter provided"))
