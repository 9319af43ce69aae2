"""The `Prefer` header (RFC 7240): whether unknown fields are to be refused everywhere. Reads, and decides nothing."""

from __future__ import annotations

from chalicelib.http.exchange import Answer, Request

STRICT = "handling=strict"


def is_strict(request: Request) -> bool:
    """Section 4.4: `handling=strict`."""
    named = (one.partition(";")[0] for one in request.header("prefer").split(","))
    return any(one.replace(" ", "").replace('"', "").lower() == STRICT for one in named)


def with_preference_applied(request: Request, answer: Answer) -> Answer:
    """Section 3: tell who asked that it was heard. Only what has a body can have unknown fields."""
    if request.method in {"POST", "PUT"} and is_strict(request):
        return answer.with_headers({"Preference-Applied": STRICT})
    return answer
