"""The stand-in's endpoints as one table: method, path, parameters, handler. Handlers only find objects and delegate."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sandbox.stripe_standin import checkout, endpoints, onboarding, refunds
from sandbox.stripe_standin import parameter_tables as tables
from sandbox.stripe_standin.errors import JsonObject, resource_missing
from sandbox.stripe_standin.listing import page
from sandbox.stripe_standin.parameters import Record
from sandbox.stripe_standin.world import Books, World


@dataclass(frozen=True)
class Call:
    """One API call that was let in: whose, with what, at which object (`""` for none)."""

    world: World
    books: Books
    params: JsonObject
    path: str
    object_id: str
    secret_key: str


Handler = Callable[[Call], JsonObject]
EVENTS_GIVEN_FOR = int(timedelta(days=30).total_seconds())


@dataclass(frozen=True)
class Route:
    method: str
    pattern: str  # "{id}" stands for one path segment
    parameters: Record
    handler: Handler

    def object_id(self, method: str, path: str) -> str | None:
        """Give the id in a path that this route answers, `""` when it has none; None when it isn't this route's."""
        wanted, given = self.pattern.split("/"), path.split("/")
        if method != self.method or len(wanted) != len(given):
            return None
        pairs = list(zip(wanted, given, strict=True))
        if any(want not in {have, "{id}"} or not have for want, have in pairs[1:]):
            return None
        return next((have for want, have in pairs if want == "{id}"), "")


def create_checkout_session(call: Call) -> JsonObject:
    return checkout.create(call.world, call.books, call.params)


def expire_checkout_session(call: Call) -> JsonObject:
    session = call.books.get("checkout.session", call.object_id, "session")
    return checkout.expire(call.world, call.books, session)


def list_line_items(call: Call) -> JsonObject:
    session = call.books.get("checkout.session", call.object_id, "session")
    items = call.books.orders[session["id"]].line_items
    return page(list(reversed(items)), call.params, call.path)


def create_refund(call: Call) -> JsonObject:
    return refunds.create(call.world, call.books, call.params)


def list_events(call: Call) -> JsonObject:
    wanted = call.params.get("types")
    events = [one for one in call.books.of_kind("event") if wanted is None or one["type"] in wanted]
    return page([one for one in events if is_given(call.world, one)], call.params, call.path, ("type",))


def retrieve_event(call: Call) -> JsonObject:
    event = call.books.get("event", call.object_id, "id")
    if not is_given(call.world, event):
        raise resource_missing("event", call.object_id, "id")
    return event


def is_given(world: World, event: JsonObject) -> bool:
    """Stripe gives events of the last 30 days: https://docs.stripe.com/api/events."""
    return bool(event["created"] >= world.timestamp() - EVENTS_GIVEN_FOR)


def retrieve_account(call: Call) -> JsonObject:
    return call.books.account


def create_account(call: Call) -> JsonObject:
    return onboarding.create(call.world, call.books, call.params)


def create_account_link(call: Call) -> JsonObject:
    return onboarding.create_link(call.world, call.books, call.params, call.secret_key)


def create_webhook_endpoint(call: Call) -> JsonObject:
    return endpoints.create(call.world, call.books, call.params)


def list_webhook_endpoints(call: Call) -> JsonObject:
    return endpoints.listed(call.world, call.books, call.params, call.path)


def retrieve_webhook_endpoint(call: Call) -> JsonObject:
    return endpoints.retrieve(call.world, call.books, call.object_id)


def update_webhook_endpoint(call: Call) -> JsonObject:
    return endpoints.update(call.world, call.books, call.object_id, call.params)


def retrieve(kind: str, param: str) -> Handler:
    """Make the handler that answers one object; `param` is what Stripe blames when there is none."""
    return lambda call: call.books.get(kind, call.object_id, param)


def listed(kind: str, *filters: str) -> Handler:
    """Make the handler that answers a page of a kind, filtered by equality."""
    return lambda call: page(call.books.of_kind(kind), call.params, call.path, filters)


SESSIONS = "/v1/checkout/sessions"
ENDPOINTS = "/v1/webhook_endpoints"
ROUTES = (
    Route("POST", SESSIONS, tables.CHECKOUT_SESSION_CREATE, create_checkout_session),
    Route("GET", SESSIONS, tables.CHECKOUT_SESSION_LIST, listed("checkout.session", "payment_intent", "status")),
    Route("GET", f"{SESSIONS}/{{id}}", tables.RETRIEVE, retrieve("checkout.session", "session")),
    Route("POST", f"{SESSIONS}/{{id}}/expire", tables.CHECKOUT_SESSION_EXPIRE, expire_checkout_session),
    Route("GET", f"{SESSIONS}/{{id}}/line_items", tables.LINE_ITEM_LIST, list_line_items),
    Route("GET", "/v1/payment_intents", tables.PAYMENT_INTENT_LIST, listed("payment_intent")),
    Route("GET", "/v1/payment_intents/{id}", tables.PAYMENT_INTENT_RETRIEVE, retrieve("payment_intent", "intent")),
    Route("GET", "/v1/charges", tables.CHARGE_LIST, listed("charge", "payment_intent")),
    Route("GET", "/v1/charges/{id}", tables.RETRIEVE, retrieve("charge", "id")),
    Route("POST", "/v1/refunds", tables.REFUND_CREATE, create_refund),
    Route("GET", "/v1/refunds", tables.REFUND_LIST, listed("refund", "charge", "payment_intent")),
    Route("GET", "/v1/refunds/{id}", tables.RETRIEVE, retrieve("refund", "refund")),
    Route("GET", "/v1/disputes", tables.DISPUTE_LIST, listed("dispute", "charge", "payment_intent")),
    Route("GET", "/v1/disputes/{id}", tables.RETRIEVE, retrieve("dispute", "dispute")),
    Route("GET", "/v1/application_fees", tables.APPLICATION_FEE_LIST, listed("application_fee", "charge")),
    Route("GET", "/v1/application_fees/{id}", tables.RETRIEVE, retrieve("application_fee", "id")),
    Route(
        "GET",
        "/v1/balance_transactions",
        tables.BALANCE_TRANSACTION_LIST,
        listed("balance_transaction", "currency", "source", "type"),
    ),
    Route("GET", "/v1/balance_transactions/{id}", tables.RETRIEVE, retrieve("balance_transaction", "id")),
    Route("GET", "/v1/events", tables.EVENT_LIST, list_events),
    Route("GET", "/v1/events/{id}", tables.RETRIEVE, retrieve_event),
    Route("GET", "/v1/account", tables.RETRIEVE, retrieve_account),
    Route("GET", "/v1/accounts/{id}", tables.RETRIEVE, retrieve_account),
    Route("POST", "/v1/accounts", tables.ACCOUNT_CREATE, create_account),
    Route("POST", "/v1/account_links", tables.ACCOUNT_LINK_CREATE, create_account_link),
    Route("POST", ENDPOINTS, tables.WEBHOOK_ENDPOINT_CREATE, create_webhook_endpoint),
    Route("GET", ENDPOINTS, tables.WEBHOOK_ENDPOINT_LIST, list_webhook_endpoints),
    Route("GET", f"{ENDPOINTS}/{{id}}", tables.RETRIEVE, retrieve_webhook_endpoint),
    Route("POST", f"{ENDPOINTS}/{{id}}", tables.WEBHOOK_ENDPOINT_UPDATE, update_webhook_endpoint),
)


def find_route(method: str, path: str) -> tuple[Route, str] | None:
    """Give the route of a request and the object id in its path."""
    for route in ROUTES:
        if (object_id := route.object_id(method, path)) is not None:
            return route, object_id
    return None
