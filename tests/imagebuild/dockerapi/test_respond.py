# SPDX-License-Identifier: Apache-2.0
"""Answers as values."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from imagebuild.dockerapi import faults, respond, shapes
from imagebuild.dockerapi.jsonlines import Message


def body(response: respond.Response) -> bytes:
    async def run() -> bytes:
        if isinstance(response.body, bytes):
            return response.body
        return b"".join([part async for part in response.body])
    return asyncio.run(run())


def test_json_ends_its_line_and_takes_shapes_anywhere() -> None:
    made = respond.json([shapes.Id(id="a")], 201, headers=(("X-A", "b"),))
    assert (made.status, made.content_type, made.headers) == (201, "application/json", (("X-A", "b"),))
    assert made.body == b'[{"Id":"a"}]\n'


def test_lines_of_json_end_with_the_fault_that_stopped_them() -> None:
    async def values() -> AsyncIterator[Any]:
        yield shapes.Id(id="a")
        yield Message(status="é")
        raise faults.NotFound("manifest unknown")
    assert body(respond.json_lines(values())) == (
        '{"Id":"a"}\n{"status":"é"}\r\n{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}\r\n'
        .encode())


def test_other_errors_are_not_hidden_in_the_stream() -> None:
    async def values() -> AsyncIterator[Any]:
        yield 1
        raise RuntimeError("bug")
    with pytest.raises(RuntimeError):
        body(respond.json_lines(values()))


def test_a_refusal_has_dockers_shape_and_304_has_no_body() -> None:
    assert body(respond.error(faults.no_such_container("a"))) == b'{"message":"No such container: a"}\n'
    assert respond.error(faults.no_such_container("a")).status == 404
    assert (respond.error(faults.NotModified("a")).status, respond.error(faults.NotModified("a")).body) == (304, b"")


def test_types_say_what_a_stream_is() -> None:
    async def nothing() -> AsyncIterator[bytes]:
        return
        yield b""
    assert respond.raw(nothing()).content_type == "application/vnd.docker.raw-stream"
    assert respond.raw(nothing(), multiplexed=True).content_type == "application/vnd.docker.multiplexed-stream"
    assert (respond.tar(nothing(), length=7).content_type, respond.tar(nothing(), length=7).length) == (
        "application/x-tar", 7)
    assert respond.text("OK").content_type == "text/plain; charset=utf-8" and respond.empty().status == 204
