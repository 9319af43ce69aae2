"""JSON of somebody we do not trust: what is not plain JSON is refused, and nothing breaks the reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.http.exchange import Request
from chalicelib.http.json_body import json_object
from chalicelib.http.problems import HttpError


def request_with(body: bytes, content_type: str | None = "application/json") -> Request:
    headers = {} if content_type is None else {"content-type": content_type}
    return Request("POST", "/v1/sessions", headers, body, {}, {}, "request-1")


def status_of(body: bytes, content_type: str | None = "application/json") -> int:
    """200 where it is read."""
    try:
        json_object(request_with(body, content_type))
    except HttpError as error:
        return error.status
    return 200


@pytest.mark.parametrize(
    "content_type", [None, "", "application/json", "APPLICATION/JSON; charset=utf-8", "application/vnd.clinic+json"]
)
def test_json_is_read_under_every_name_it_goes_by(content_type: str | None) -> None:
    assert json_object(request_with(b'{"a": 1}', content_type)) == {"a": 1}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "text/json-ish", "x"])
def test_another_content_type_is_415(content_type: str) -> None:
    assert status_of(b'{"a": 1}', content_type) == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"x",
        b"{",
        b'{"a": 1',
        b'{"a": 1,}',
        b"{'a': 1}",
        b'{"a": 1} {}',
        b"[]",
        b"[{}]",
        b"null",
        b"true",
        b"1",
        b'"{}"',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": -1e400}',
        b'{"a": 1' + b"0" * 5000 + b"}",
        b'{"a": 01}',
        b'{"a": 1, "a": 1}',
        b'{"b": {"a": 1, "a": 2}}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',  # a surrogate in bytes
        '{"a": "\u00e9"}'.encode("latin-1"),
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32-le"),
        b'{"a": "\x00"}',
        b'{"a": "\n"}',
        b'\x00{"a": 1}',
    ],
)
def test_what_is_no_plain_json_object_is_400(body: bytes) -> None:
    assert status_of(body) == 400


def test_a_byte_order_mark_does_no_harm() -> None:
    assert json_object(request_with(b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}


def test_numbers_keep_their_kind() -> None:
    assert json_object(request_with(b'{"a": 10000000000000000000000, "b": 1.5, "c": 1.0}')) == {
        "a": 10**22,
        "b": 1.5,
        "c": 1.0,
    }


@pytest.mark.parametrize(("size", "status"), [(256 * 1024, 200), (256 * 1024 + 1, 413), (1024 * 1024, 413)])
def test_a_body_has_256_kilobytes_at_most(size: int, status: int) -> None:
    frame = b'{"a": ""}'
    assert status_of(b'{"a": "%s"}' % (b"x" * (size - len(frame)))) == status


@pytest.mark.parametrize(("depth", "status"), [(31, 200), (32, 400)])
def test_32_levels_are_read_and_33_are_not(depth: int, status: int) -> None:
    assert status_of(b'{"a": ' + b"[" * depth + b"]" * depth + b"}") == status
    assert status_of(b'{"a":' * (depth + 1) + b"1" + b"}" * (depth + 1)) == status


def test_no_depth_breaks_the_reader() -> None:
    """The parser gives up at about 990 levels; a recursive check of ours died at half of that."""
    for depth in range(33, 1300, 7):
        assert status_of(b'{"a": ' + b"[" * depth + b"]" * depth + b"}") == 400
        assert status_of(b'{"a":' * depth + b"1" + b"}" * depth) == 400


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), _json, max_size=5))
def test_every_plain_object_is_read_as_it_was_meant(content: dict[str, object]) -> None:
    assert json_object(request_with(json.dumps(content).encode())) == content


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(body: bytes) -> None:
    assert status_of(body) in {200, 400}
