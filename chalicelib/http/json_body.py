"""Reading a JSON body of somebody we do not trust: what is not plain JSON is refused before anything looks at it.

Stricter than the standard library, which takes NaN, duplicate keys and lone surrogates (RFC 8259, sections 4, 6, 8.2),
and dies of deep nesting.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NoReturn

from chalicelib.http.exchange import Request
from chalicelib.http.problems import HttpError

LARGEST_BODY = 256 * 1024
DEEPEST = 32


def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises HttpError 400, 413 or 415."""
    if len(request.body) > LARGEST_BODY:
        raise HttpError(413, f"the body may have {LARGEST_BODY} bytes at most")
    content_type = request.header("content-type").partition(";")[0].strip().lower()
    if content_type and content_type != "application/json" and not content_type.endswith("+json"):
        raise HttpError(415, "send the body as application/json")
    content = _parsed(request.body)
    if not isinstance(content, dict):
        raise HttpError(400, "the body must be a JSON object, {…}")
    return content


def _parsed(body: bytes) -> Any:  # noqa: ANN401 (any JSON)
    try:
        text = body.decode("utf-8-sig")
        content = json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_without_duplicates)
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeError:
        raise HttpError(400, "the body must be UTF-8, without lone surrogates") from None
    except RecursionError:
        raise HttpError(400, f"the body is nested too deeply; {DEEPEST} levels are plenty") from None
    except ValueError:
        raise HttpError(400, "the body is not JSON") from None
    if _is_too_deep(content):
        raise HttpError(400, f"the body is nested too deeply; {DEEPEST} levels are plenty")
    return content


def _refuse(name: str) -> NoReturn:
    raise HttpError(400, f"{name} is not JSON; send a number")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise HttpError(400, "a number in the body is too large")
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise HttpError(400, "a key stands twice in one object of the body")
    return content


def _is_too_deep(content: object) -> bool:
    """Level by level: the parser takes twice the depth at which a recursive function of ours would die."""
    level = _containers([content])
    for _ in range(DEEPEST):
        level = [inner for one in level for inner in _containers(one.values() if isinstance(one, dict) else one)]
    return bool(level)


def _containers(values: Iterable[object]) -> list[dict[str, Any] | list[Any]]:
    return [value for value in values if isinstance(value, dict | list)]
