"""Requests drawn from the OpenAPI document, right and wrong in every way that it allows, against a whole clinic.

No answer is an error of ours, every answer is as the document says (`Edge` holds each to it), and whatever is asked
with whatever ids, the other clinic's sessions stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import app as deployed
from chalicelib.http.openapi import document
from chalicelib.http.openapi_shapes import Json
from tests.support.clinic import Clinic, path_of
from tests.support.edge import Edge, Reply
from tests.support.examples import examples
from tests.support.platform import Platform
from tests.support.world import PUBLIC_URL

DOCUMENT = document(deployed.routes.paths(), PUBLIC_URL)
OPERATIONS = [
    (method.upper(), path, described)
    for path, item in DOCUMENT["paths"].items()
    for method, described in item.items()
    if path.startswith("/v1/")
]
AT_ONCE = 20
"""Requests to one world, so that they meet what earlier ones made."""

FEE = {"amount": 8000, "currency": "aud"}


# --- values: what a schema allows, and what it does not -------------------------------------------------------------

STRANGE_TEXTS = st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\u202eevil",
        "é" * 300,
        "null",
        "-1",
        "1e400",
        "%00",
        "../..",
        "' OR 1=1 --",
        "<script>",
        "\ud83d\ude00",
    ]
)
TIMES = st.sampled_from(
    [
        "2026-03-02T12:00:00Z",
        "2026-03-02T12:30:00+00:00",
        "2026-03-03T11:59:59.999Z",
        "Mon, 02 Mar 2026 13:00:00 GMT",
        "2026-03-02T12:00:00",
        "2027-12-31T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
    ]
)
TEXTS = st.one_of(st.text(st.characters(codec="utf-8"), max_size=20), STRANGE_TEXTS, TIMES)
NUMBERS = st.one_of(st.integers(-5, 20_000), st.sampled_from([10**30, -(2**63), 2**53]))
HEADERS = {
    "If-Match": st.sampled_from(["*", '"1-000000000000"', '"2-x"', 'W/"1"', "", "1"]),
    "If-None-Match": st.sampled_from(["*", '"1-000000000000"', "nonsense"]),
    "Prefer": st.sampled_from(["handling=strict", "handling=lenient", "respond-async, handling = strict", ","]),
}
"""Headers with a language of their own, which chance would never speak."""

ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.floats(allow_nan=False, allow_infinity=False), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=5,
)


def values_of(schema: Json, name: str = "") -> st.SearchStrategy[Any]:
    """What the schema allows; one time in ten anything at all. (`one_of` would drop repetitions.)"""
    allowed = _allowed(schema, name)
    return st.integers(0, 9).flatmap(lambda number: ANYTHING if number == 9 else allowed)


def _allowed(schema: Json, name: str) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _objects(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return st.one_of(*(_allowed(one, name) for one in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    named = st.sampled_from(schema["examples"]) if "examples" in schema else st.nothing()
    match schema.get("type"):
        case "string":
            return st.one_of(TIMES if name.endswith("_time") or name in {"from", "to"} else TEXTS, named)
        case "integer":
            return st.one_of(NUMBERS, named)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(values_of(schema.get("items", {})), max_size=3)
        case "null":
            return st.none()
        case _:
            return ANYTHING


def _objects(schema: Json) -> st.SearchStrategy[dict[str, Any]]:
    """The example, the example with a change, whatever the schema allows, or some of that and fields that are none."""
    fields = {name: values_of(fragment, name) for name, fragment in schema["properties"].items()}
    needed = {name: fields[name] for name in schema.get("required", ())}
    example = schema["examples"][0]
    change = st.one_of(*(st.fixed_dictionaries({name: one}) for name, one in fields.items()))
    whole = st.fixed_dictionaries(needed, optional={name: one for name, one in fields.items() if name not in needed})
    odd = st.fixed_dictionaries({}, optional={**fields, "Fee": ANYTHING, "x" * 9: ANYTHING})
    return st.one_of(st.just(example), change.map(lambda changed: {**example, **changed}), whole, odd)


# --- requests -------------------------------------------------------------------------------------------------------


class Clinics:
    """Two clinics with the same kind of sessions: ours asks, and must never reach the other's."""

    def __init__(self) -> None:
        world = Platform()
        self.edge = Edge(world)
        self.clinic, self.other = Clinic(self.edge), Clinic(self.edge, "Hill Street")
        for one in (self.clinic, self.other):
            one.team = world.connect_beside(one.team)
        self.sessions = [self._booked(one) for one in (self.clinic, self.clinic, self.other)]
        gone = self._booked(self.clinic)
        path, bearer = f"/v1/sessions/{gone['session_id']}", f"Bearer {self.clinic.access_token}"
        assert self.edge.request("DELETE", path, headers={"Authorization": bearer}).status == 200
        self.sessions.append(gone)
        self.payer, self.owing = (session["participants"][1] for session in self.sessions[:2])
        self._pays(self.payer)
        self.refunded = self._refunded()
        self.theirs = self._kept()

    @staticmethod
    def _booked(clinic: Clinic) -> Mapping[str, Any]:
        """Later today, so that everything may still be done with it."""
        later = {"start_time": "2026-03-02T18:00:00Z", "end_time": "2026-03-02T18:30:00Z"}
        people = {"role": "HOST"}, {"fee": FEE}, {"display_name": "Alex Moor"}
        session: Mapping[str, Any] = clinic.schedule(*people, **later).json()
        return session

    def _pays(self, guest: Mapping[str, Any]) -> None:
        """So that there is something to refund."""
        page = self.edge.post(path_of(guest["entry_url"]) + "/checkout").headers["location"]
        self.edge.world.stripe.pay(page.rpartition("/")[2])
        self.edge.deliver_webhooks()

    def _refunded(self) -> Mapping[str, Any]:
        """Somebody who may be asked to pay again."""
        session = self._booked(self.clinic)
        guest: Mapping[str, Any] = session["participants"][1]
        self._pays(guest)
        assert self.clinic.ask("POST", f"/v1/participants/{guest['participant_id']}/refund").status == 200
        self.sessions.append(session)
        return guest

    def ids(self, name: str) -> list[str]:
        """Of every session, or of every participant."""
        if name == "session_id":
            return [session["session_id"] for session in self.sessions]
        return [one["participant_id"] for session in self.sessions for one in session["participants"]]

    def is_untouched(self) -> bool:
        """Whether everything that is kept of the other clinic is as it was."""
        return self._kept() == self.theirs

    def _kept(self) -> str:
        kept = [
            (key, item) for key, item in self.edge.world.sessions._items.items() if self.other.team.team_id in repr(key)
        ]
        assert len(kept) == 1
        return repr(kept)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, str, bytes, dict[str, str], int]:
    """Method, path pattern, query, body, headers, and which id stands in the path."""
    method, path, described = draw(st.sampled_from(OPERATIONS))
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    for one in described.get("parameters", ()):
        if one["in"] == "path" or not (one["required"] or draw(st.integers(0, 2)) == 0):
            continue
        value = draw(HEADERS.get(one["name"], values_of(one["schema"], one["name"])))
        (query if one["in"] == "query" else headers)[one["name"]] = (
            value if isinstance(value, str) else json.dumps(value)
        )
    body = b""
    content = described.get("requestBody", {}).get("content", {})
    if content:
        value = draw(values_of(next(iter(content.values()))["schema"]))
        body = json.dumps(value, ensure_ascii=draw(st.booleans())).encode("utf-8", "replace")
        headers["Content-Type"] = draw(st.sampled_from(["application/json"] * 8 + [*content, "text/plain"]))
    return method, path, urlencode(query, errors="replace"), body, _sendable(headers), draw(st.integers(0, 55))


def _sendable(headers: Mapping[str, str]) -> dict[str, str]:
    """What a client library lets through: one line of Latin-1."""
    return {
        name: "".join(one for one in text if " " <= one <= "~" or "\xa0" <= one <= "\xff")
        for name, text in headers.items()
    }


def sent(clinics: Clinics, request: tuple[str, str, str, bytes, dict[str, str], int]) -> Reply:
    method, path, query, body, headers, chosen = request
    for name in ("session_id", "participant_id"):
        found = [*clinics.ids(name), *clinics.ids(name), "nonsense", "0197b3c4-d5e6-7788-99aa-bbccddeeff00"]
        # Of one alone there is anything to give back, to ask for again, and to waive.
        alone = {"/refund": clinics.payer, "/charge-again": clinics.refunded, "/waive": clinics.owing}
        for action, one in alone.items():
            found += [one["participant_id"]] * len(found) if path.endswith(action) else []
        path = path.replace(f"{{{name}}}", quote(found[chosen % len(found)]))
    authorization = clinics.clinic.basic if path == "/v1/auth/token" else f"Bearer {clinics.clinic.access_token}"
    return clinics.edge.request(method, f"{path}?{query}", body, {"Authorization": authorization, **headers})


@examples(2_000 // AT_ONCE, 20_000 // AT_ONCE)
@given(st.lists(requests(), min_size=AT_ONCE, max_size=AT_ONCE))
def test_no_request_is_an_error_of_ours_or_reaches_another_clinic(
    batch: list[tuple[str, str, str, bytes, dict[str, str], int]],
) -> None:
    clinics = Clinics()
    for request in batch:
        reply = sent(clinics, request)
        assert reply.status < 500, (request, reply.body)
    assert clinics.is_untouched()


def test_the_requests_reach_every_operation_and_many_do_what_they_ask() -> None:
    """A generator that only ever met refusals would prove nothing."""
    seen: dict[str, set[int]] = {}

    @settings(max_examples=90, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.lists(requests(), min_size=AT_ONCE, max_size=AT_ONCE))
    def collect(batch: list[tuple[str, str, str, bytes, dict[str, str], int]]) -> None:
        clinics = Clinics()
        for request in batch:
            seen.setdefault(f"{request[0]} {request[1]}", set()).add(sent(clinics, request).status)

    collect()
    assert set(seen) == {f"{method} {path}" for method, path, _ in OPERATIONS}
    assert [name for name, statuses in seen.items() if 200 not in statuses] == []
