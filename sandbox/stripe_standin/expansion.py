"""Expansion of ids into objects where `expand[]` asks for it. https://docs.stripe.com/api/expanding_objects."""

from sandbox.stripe_standin.errors import JsonObject, not_expandable, parameter_invalid
from sandbox.stripe_standin.listing import envelope, page
from sandbox.stripe_standin.world import Books, World, copied

DEEPEST = 4
REFERENCES: dict[str, frozenset[str]] = {
    "application_fee": frozenset({"balance_transaction", "charge"}),
    "balance_transaction": frozenset({"source"}),
    "charge": frozenset({"application_fee", "balance_transaction", "failure_balance_transaction", "payment_intent"}),
    "checkout.session": frozenset({"payment_intent"}),
    "dispute": frozenset({"charge", "payment_intent"}),
    "payment_intent": frozenset({"latest_charge"}),
    "refund": frozenset({"balance_transaction", "charge", "failure_balance_transaction", "payment_intent"}),
}
# Lists that are left out unless asked for.
INCLUDABLE: dict[str, frozenset[str]] = {
    "charge": frozenset({"refunds"}),
    "checkout.session": frozenset({"line_items"}),
}


def expanded(world: World, books: Books, answer: JsonObject, paths: list[str]) -> JsonObject:
    """Give a copy of `answer` with the named properties expanded; raises StripeError 400 for what can't be."""
    result = copied(answer)
    for path in paths:
        steps = path.split(".")
        if len(steps) - (steps[0] == "data") > DEEPEST:
            message = f"You cannot expand more than {DEEPEST} levels of a property: {path}"
            raise parameter_invalid(message, "expand")
        follow(world, books, result, steps, path)
    return result


def follow(world: World, books: Books, node: JsonObject, steps: list[str], path: str) -> None:
    if not steps:
        return
    name, rest = steps[0], steps[1:]
    if node["object"] == "list":
        if name != "data":
            raise not_expandable(path)
        for one in node["data"]:
            follow(world, books, one, rest, path)
        return
    if name in INCLUDABLE.get(node["object"], ()):
        node.setdefault(name, included(books, node, name))
    elif name in REFERENCES.get(node["object"], ()):
        if name in node:  # what there is nothing to say about, Stripe leaves out
            node[name] = referenced(world, books, node[name])
    else:
        raise not_expandable(path)
    if rest and node.get(name) is not None:
        follow(world, books, node[name], rest, path)


def referenced(world: World, books: Books, reference: JsonObject | str | None) -> JsonObject | None:
    """Give the object behind an id: of this account, or (an application fee) of the platform."""
    if reference is None or isinstance(reference, dict):
        return reference
    return copied(books.objects.get(reference) or world.platform.objects[reference])


def included(books: Books, node: JsonObject, name: str) -> JsonObject:
    if name == "line_items":
        items = copied(books.orders[node["id"]].line_items)
        return envelope(items, has_more=False, url=f"/v1/checkout/sessions/{node['id']}/line_items")
    found = page(books.of_kind("refund"), {"charge": node["id"]}, f"/v1/charges/{node['id']}/refunds", ("charge",))
    return copied(found)
