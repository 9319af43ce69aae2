"""Each operation as a line of shell and of Python that can be pasted: generated from the document, run by a test."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from chalicelib.http.exchange import JSON
from chalicelib.http.openapi import FORM
from chalicelib.http.openapi_shapes import Json
from chalicelib.http.operations import Access

YOUR_KEY: Final = "booking-4711"
"""An Idempotency-Key as an example."""

BEFORE_SHELL: Final = """ANTEROOM={url}
ACCESS_TOKEN=$(curl -s -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials \\
  "$ANTEROOM/v1/auth/token" | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')"""

BEFORE_PYTHON: Final = """import httpx

access_token = httpx.post(
    "{url}/v1/auth/token",
    auth=(client_id, client_secret),
    data={{"grant_type": "client_credentials"}},
).raise_for_status().json()["access_token"]
api = httpx.Client(base_url="{url}", headers={{"Authorization": f"Bearer {{access_token}}"}})"""


def curl_example(method: str, path: str, operation: Json, body: Any) -> str:  # noqa: ANN401 (any JSON)
    """For a shell in which ANTEROOM and ACCESS_TOKEN are set, and the ids of the path in capitals."""
    address = '"$ANTEROOM' + re.sub(r"\{(\w+)\}", lambda name: "$" + name[1].upper(), path) + _query(operation) + '"'
    parts = [f"curl {address}" if method in {"GET", "POST"} else f"curl -X {method} {address}"]
    if _access(operation) == Access.BASIC:
        parts.append('-u "$CLIENT_ID:$CLIENT_SECRET"')
    if _access(operation) == Access.BEARER:
        parts.append('-H "Authorization: Bearer $ACCESS_TOKEN"')
    if _has_page(operation):
        parts.append("-H 'Accept: application/json'")
    if _takes_key(operation):
        parts.append(f"-H 'Idempotency-Key: {YOUR_KEY}'")
    return " \\\n  ".join([*parts, *_curl_body(method, operation, body)])


def python_example(method: str, path: str, operation: Json, body: Any) -> str:  # noqa: ANN401 (any JSON)
    """For an `api` client, as `BEFORE_PYTHON` makes it, and the ids of the path as names."""
    address = f'"{path}{_query(operation)}"'
    parts = [f"f{address}" if "{" in path else address]
    if _access(operation) == Access.BASIC:
        parts.append("auth=(client_id, client_secret)")
    if _takes_key(operation):
        parts.append(f'headers={{"Idempotency-Key": "{YOUR_KEY}"}}')
    if _has_page(operation):
        parts.append('headers={"Accept": "application/json"}')
    if body is not None:
        parts.append(f"{'data' if _is_form(operation) else 'json'}={_python_value(body)}")
    call = f"api.{method.lower()}({parts[0] if len(parts) == 1 else _indented(parts)})"
    return f"answer = {call}\nanswer.raise_for_status()\nprint(answer.json())"


def _curl_body(method: str, operation: Json, body: Any) -> list[str]:  # noqa: ANN401 (any JSON)
    if body is None:
        return ["-d ''"] if method == "POST" else []
    if _is_form(operation):
        return [f"-d {name}={value}" for name, value in body.items()]
    text = json.dumps(body, indent=2, ensure_ascii=False).replace("'", "'\\''")
    return ["-H 'Content-Type: application/json'", f"-d '{text}'"]


def _python_value(value: Any) -> str:  # noqa: ANN401 (any JSON)
    """As a formatter would write it: a line for each field."""
    if isinstance(value, dict | list) and value:
        named = [f"{json.dumps(name)}: " for name in value] if isinstance(value, dict) else [""] * len(value)
        within = value.values() if isinstance(value, dict) else value
        opens, closes = "{}" if isinstance(value, dict) else "[]"
        lines = [name + _python_value(one) for name, one in zip(named, within, strict=True)]
        return f"{opens}{_indented(lines)}{closes}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _indented(parts: list[str]) -> str:
    lines = "\n".join(f"{part}," for part in parts)
    return "\n" + "\n".join(f"    {line}" for line in lines.splitlines()) + "\n"


def _query(operation: Json) -> str:
    """Only what must be there."""
    needed = [one for one in operation.get("parameters", ()) if one["in"] == "query" and one["required"]]
    pairs = [f"{one['name']}={one['schema'].get('examples', [''])[0]}" for one in needed]
    return "?" + "&".join(pairs) if pairs else ""


def _access(operation: Json) -> str:
    return next((name for one in operation["security"] for name in one), Access.OPEN)


def _takes_key(operation: Json) -> bool:
    return any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))


def _is_form(operation: Json) -> bool:
    return FORM in operation.get("requestBody", {}).get("content", {})


def is_data(operation: Json) -> bool:
    """Whether it answers with JSON, which a program reads."""
    return JSON in operation["responses"].get("200", {}).get("content", {})


def _has_page(operation: Json) -> bool:
    """Whether a browser gets a page here, and a program must say that it wants data."""
    return any(kind.startswith("text/html") for kind in operation["responses"].get("200", {}).get("content", {}))
