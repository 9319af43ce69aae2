"""Stripe's webhook endpoints of a deployment: which it needs, which there are, and to make or mend one.

For operators alone. The one list of events is in `stripe_events.py`. That an endpoint is for connected accounts is said
when it is made and shown by Stripe nowhere (https://docs.stripe.com/api/webhook_endpoints/object), so it is noted in
the endpoint's metadata.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.config import Settings
from chalicelib.gateways import stripe_objects as objects
from chalicelib.gateways.deadline import Deadline
from chalicelib.gateways.stripe_api import API_VERSION, StripeApi
from chalicelib.gateways.stripe_events import CONNECT_EVENTS, EVENTS
from chalicelib.gateways.stripe_objects import StripeObject

_PATH = "/v1/webhook_endpoints"
_KIND = "anteroom_endpoint"
_EVERYTHING = "*"


class EndpointKind(StrEnum):
    """Whose events it is sent; the value is noted at Stripe."""

    OWN = "own"
    CONNECTED = "connected"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An endpoint that the deployment needs.

    `secrets_entry`: where its signing secret belongs (`config.Secrets`); `has_secret`: there is one.
    """

    kind: EndpointKind
    url: str
    events: tuple[str, ...]
    secrets_entry: str
    has_secret: bool
    api_version: str = API_VERSION


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One that there is. `kind` None: made by hand, and Stripe does not say. `api_version` None: the account's own."""

    endpoint_id: str
    url: str
    events: tuple[str, ...]
    is_enabled: bool
    api_version: str | None
    kind: EndpointKind | None

    def lacks(self, wanted: Wanted) -> tuple[str, ...]:
        """The events that it is not sent."""
        return () if _EVERYTHING in self.events else tuple(one for one in wanted.events if one not in self.events)


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """Its secret is shown by Stripe this once."""

    endpoint: Endpoint
    secret: str = field(repr=False)


def wanted_endpoints(settings: Settings) -> tuple[Wanted, ...]:
    """One for the deployment's own account, and a platform's one for those connected to it."""
    own = Wanted(
        EndpointKind.OWN,
        f"{settings.public_url}/stripe/webhook",
        EVENTS,
        "stripe_webhook_secrets",
        has_secret=bool(settings.secrets.stripe_webhook_secrets),
    )
    if not settings.is_platform:
        return (own,)
    url = f"{settings.public_url}/stripe/connect/webhook"
    has_secret = bool(settings.connect_webhook_secrets)
    return own, Wanted(EndpointKind.CONNECTED, url, CONNECT_EVENTS, "stripe_connect_webhook_secrets", has_secret)


class StripeEndpoints:
    """The endpoints of the deployment's Stripe account, in the mode of its key."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def all(self, deadline: Deadline) -> list[Endpoint]:
        return [_endpoint(one) for page in self._api.pages(_PATH, None, deadline, {}) for one in page]

    def create(self, wanted: Wanted, deadline: Deadline) -> NewEndpoint:
        asked = {
            "url": wanted.url,
            "enabled_events": list(wanted.events),
            "connect": wanted.kind is EndpointKind.CONNECTED,
            "api_version": wanted.api_version,
            "description": "Anteroom",
            "metadata": {_KIND: wanted.kind.value},
        }
        answer = self._api.call("post", _PATH, None, deadline, asked)
        return NewEndpoint(_endpoint(answer), objects.text(answer, "secret"))

    def mend(self, endpoint: Endpoint, wanted: Wanted, deadline: Deadline) -> Endpoint:
        """Switched on, and sent what is lacking beside what it is sent."""
        events = endpoint.events if _EVERYTHING in endpoint.events else (*endpoint.events, *endpoint.lacks(wanted))
        asked = {"enabled_events": list(events), "disabled": False}
        return _endpoint(self._api.call("post", f"{_PATH}/{endpoint.endpoint_id}", None, deadline, asked))


def _endpoint(thing: StripeObject) -> Endpoint:
    noted = (thing.get("metadata") or {}).get(_KIND)
    version = thing.get("api_version")
    return Endpoint(
        endpoint_id=objects.text(thing, "id"),
        url=objects.text(thing, "url"),
        events=tuple(map(str, thing.get("enabled_events") or ())),
        is_enabled=thing.get("status") == "enabled",
        api_version=version if isinstance(version, str) else None,
        kind=EndpointKind(noted) if noted in set(EndpointKind) else None,
    )
