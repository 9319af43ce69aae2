"""Webhook endpoints as the API makes, changes and shows them; the mailroom holds them, whoever made them.

https://docs.stripe.com/api/webhook_endpoints. Events are written in the stand-in's own API version alone.
"""

from sandbox.stripe_standin import errors
from sandbox.stripe_standin.deliveries import WebhookEndpoint
from sandbox.stripe_standin.errors import JsonObject, StripeError, resource_missing
from sandbox.stripe_standin.listing import page
from sandbox.stripe_standin.world import Books, World


def create(world: World, books: Books, params: JsonObject) -> JsonObject:
    """Make an endpoint; only this answer shows its secret. Raises StripeError."""
    require_own(books)
    version = params.get("api_version")
    if version not in {None, world.api_version}:
        raise errors.parameter_not_simulated(f"api_version={version}")
    endpoint = WebhookEndpoint(
        endpoint_id=world.new_id("we"),
        url=params["url"],
        secret=world.new_id("whsec", 32),
        connect=params.get("connect", False),
        events=tuple(params["enabled_events"]),
        created=world.timestamp(),
        api_version=version,
        description=params.get("description"),
        metadata=params.get("metadata", {}),
    )
    world.mailroom.endpoints.append(endpoint)
    return {**shown(world, endpoint), "secret": endpoint.secret}


def update(world: World, books: Books, endpoint_id: str, params: JsonObject) -> JsonObject:
    """Change what is given, and leave the rest. Raises StripeError."""
    endpoint = find(world, books, endpoint_id)
    endpoint.url = params.get("url", endpoint.url)
    endpoint.events = tuple(params.get("enabled_events", endpoint.events))
    endpoint.disabled = params.get("disabled", endpoint.disabled)
    endpoint.description = params.get("description", endpoint.description)
    changed = {**endpoint.metadata, **params.get("metadata", {})}
    endpoint.metadata = {name: value for name, value in changed.items() if value}
    return shown(world, endpoint)


def retrieve(world: World, books: Books, endpoint_id: str) -> JsonObject:
    return shown(world, find(world, books, endpoint_id))


def listed(world: World, books: Books, params: JsonObject, path: str) -> JsonObject:
    require_own(books)
    return page([shown(world, one) for one in world.mailroom.endpoints], params, path)


def find(world: World, books: Books, endpoint_id: str) -> WebhookEndpoint:
    require_own(books)
    for endpoint in world.mailroom.endpoints:
        if endpoint.endpoint_id == endpoint_id:
            return endpoint
    raise resource_missing("webhook endpoint", endpoint_id, "webhook_endpoint")


def require_own(books: Books) -> None:
    """Refuse what is not the platform's: nobody makes endpoints at a connected account."""
    if not books.is_platform:
        raise StripeError(400, "The Stripe stand-in keeps webhook endpoints of the platform's own account alone.")


def shown(world: World, endpoint: WebhookEndpoint) -> JsonObject:
    return {
        "id": endpoint.endpoint_id,
        "object": "webhook_endpoint",
        "api_version": endpoint.api_version,
        "application": world.application_id if endpoint.connect else None,
        "created": endpoint.created,
        "description": endpoint.description,
        "enabled_events": list(endpoint.events),
        "livemode": world.livemode,
        "metadata": dict(endpoint.metadata),
        "status": "disabled" if endpoint.disabled else "enabled",
        "url": endpoint.url,
    }
