# SPDX-License-Identifier: Apache-2.0
"""What a handler reads from a request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import Request, api_version, faults, shapes
from imagebuild.dockerapi.http.body import Body
from imagebuild.dockerapi.http.target import parse_target


def request(query: str = "", *, body: bytes = b"", pieces: int = 7, **headers: str) -> Request:
    """A request as a connection makes it; its body comes in small pieces."""
    rest: Iterator[bytes] = iter([body[at:at + pieces] for at in range(0, len(body), pieces)])

    async def receive() -> bytes:
        return next(rest, b"")
    return Request("POST", "/", parse_target(b"/?" + query.encode())[1],
                   {name.replace("_", "-"): value for name, value in headers.items()}, Body(receive, len(body)),
                   api_version("1.45"))


@pytest.mark.parametrize(("text", "value"), [
    ("1", True), ("true", True), ("True", True), ("yes", True), ("2", True), ("", False), ("0", False), ("no", False),
    ("false", False), ("False", False), ("none", False), ("%20no%20", False)])
def test_truth_is_dockers(text: str, value: bool) -> None:
    assert request(f"a={text}").flag("a", not value) is value


def test_what_is_not_in_the_query_is_the_default() -> None:
    asked = request("a=&b=x&b=y")
    assert asked.flag("c", True) is True and asked.flag("c") is False
    assert (asked.text("b"), asked.texts("b"), asked.text("c", "z"), asked.texts("c")) == ("x", ("x", "y"), "z", ())
    assert asked.has("a") and not asked.has("c")
    assert asked.number("a", 9) == asked.number("c", 9) == 9
    assert asked.document("c") is None


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_a_number_is_read(value: int) -> None:
    assert request(f"a={value}").number("a") == value


@pytest.mark.parametrize(("text", "why"), [("1.5", "invalid syntax"), ("x", "invalid syntax"), ("-", "invalid syntax"),
                                           ("1_0", "invalid syntax"), ("9223372036854775808", "value out of range"),
                                           ("9" * 5000, "value out of range")])
def test_what_is_no_number_is_refused_in_gos_words(text: str, why: str) -> None:
    with pytest.raises(faults.BadRequest) as refused:
        request(f"a={text}").number("a")
    assert refused.value.message == f'strconv.ParseInt: parsing "{text}": {why}'


def test_filters_and_documents_are_read_from_the_query() -> None:
    asked = request("filters=%7B%22label%22%3A%7B%22a%22%3Atrue%7D%7D&args=%7B%22A%22%3Anull%7D&bad=%7B")
    assert asked.filters().get("label") == ("a",) and asked.document("args") == {"A": None}
    with pytest.raises(faults.BadRequest, match="bad: invalid JSON"):
        asked.document("bad")


def read(asked: Request, **options: Any) -> Any:
    return asyncio.run(asked.json_value(**options))


def test_a_body_is_read_as_json_and_none_is_nothing() -> None:
    assert read(request(body=b'{"a": 1}', content_type="application/json; charset=utf-8")) == {"a": 1}
    assert read(request()) is None
    assert asyncio.run(request(body=b'{"tty": true}', content_type="application/json").json(shapes.ExecStart)).tty
    assert asyncio.run(request().json(shapes.ExecStart)) == shapes.ExecStart()


@pytest.mark.parametrize(("kind", "message"), [
    ("", "malformed Content-Type header (): mime: no media type"),
    ("json", "malformed Content-Type header (json): mime: expected slash after first token"),
    ("text/plain", "unsupported Content-Type header (text/plain): must be 'application/json'")])
def test_a_body_of_another_type_is_refused(kind: str, message: str) -> None:
    with pytest.raises(faults.BadRequest) as refused:
        read(request(body=b"{}", content_type=kind))
    assert refused.value.message == message


def test_a_body_that_is_too_long_is_refused_with_and_without_a_length() -> None:
    asked = request(body=b"[" + b" " * 100 + b"]", content_type="application/json")
    with pytest.raises(faults.BadRequest, match="request body too large"):
        read(asked, limit=50)
    asked = request(body=b"[" + b" " * 100 + b"]", content_type="application/json")
    asked.body.length = None
    with pytest.raises(faults.BadRequest, match="request body too large"):
        read(asked, limit=50)


@pytest.mark.parametrize(("connection", "upgrade", "protocol"), [
    ("Upgrade", "tcp", "tcp"), ("keep-alive, upgrade", "h2c", "h2c"), ("close", "tcp", ""), ("Upgrade", "", "")])
def test_another_protocol_is_asked_for_by_two_headers(connection: str, upgrade: str, protocol: str) -> None:
    assert request(connection=connection, upgrade=upgrade).upgrade == protocol


def test_headers_are_found_in_any_case() -> None:
    asked = request(x_registry_auth="abc")
    assert asked.header("X-Registry-Auth") == "abc" and asked.header("X-Other", "none") == "none"


def test_a_connection_that_cannot_be_taken_over_is_a_bad_request() -> None:
    with pytest.raises(faults.BadRequest, match="hijack connection missing"):
        asyncio.run(request().hijack())
