"""Lists of objects as Stripe pages through them: newest first, by cursor. https://docs.stripe.com/api/pagination."""

from collections.abc import Callable, Sequence

from sandbox.stripe_standin.errors import JsonObject, resource_missing

DEFAULT_LIMIT = 10
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda created, bound: created > bound,
    "gte": lambda created, bound: created >= bound,
    "lt": lambda created, bound: created < bound,
    "lte": lambda created, bound: created <= bound,
}


def page(found: Sequence[JsonObject], params: JsonObject, url: str, filters: Sequence[str] = ()) -> JsonObject:
    """Give one page of `found` (oldest first): those that match the named filters and `created`, cut by the cursors."""
    newest_first = [one for one in reversed(found) if matches(one, params, filters)]
    limit = params.get("limit", DEFAULT_LIMIT)
    if "ending_before" in params:
        before = newest_first[: position(newest_first, params["ending_before"], "ending_before")]
        return envelope(before[-limit:], has_more=len(before) > limit, url=url)
    start = position(newest_first, params["starting_after"], "starting_after") + 1 if "starting_after" in params else 0
    rest = newest_first[start:]
    return envelope(rest[:limit], has_more=len(rest) > limit, url=url)


def matches(one: JsonObject, params: JsonObject, filters: Sequence[str]) -> bool:
    in_time = all(COMPARISONS[bound](one["created"], value) for bound, value in params.get("created", {}).items())
    return in_time and all(one.get(name) == params[name] for name in filters if name in params)


def position(found: Sequence[JsonObject], object_id: str, param: str) -> int:
    for index, one in enumerate(found):
        if one["id"] == object_id:
            return index
    raise resource_missing(found[0]["object"] if found else "object", object_id, param)


def envelope(data: Sequence[JsonObject], *, has_more: bool, url: str) -> JsonObject:
    return {"object": "list", "data": list(data), "has_more": has_more, "url": url}
