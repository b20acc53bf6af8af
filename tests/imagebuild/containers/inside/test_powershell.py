# SPDX-License-Identifier: Apache-2.0
"""What becomes of a PowerShell that ends before it hears a script, on a stream that is scripted."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, cast

import pytest

from imagebuild.containers.inside.powershell import Session, expect_powershell
from imagebuild.dockerapi import Client, streams
from imagebuild.errors import DaemonError, UnsupportedError

SAID = b"container c: CreateProcess: failure: The system cannot find the file specified. (0x2)\r\n"
BROKEN = DaemonError("the connection to the engine broke", status=0, why="Broken pipe")


class Stream:
    """Says something and ends; what is written is not heard any more."""

    def __init__(self, *pieces: streams.Piece) -> None:
        self._pieces = pieces

    def pieces(self) -> Iterator[streams.Piece]:
        yield from self._pieces

    def write(self, data: bytes) -> None:
        raise BROKEN

    def close(self) -> None:
        """Nothing is open."""


def session(*pieces: streams.Piece, code: int) -> Session:
    def document(method: str, path: str, **_: Any) -> types.SimpleNamespace:
        return types.SimpleNamespace(id="1", running=False, exit_code=code)

    return Session(cast(Client, types.SimpleNamespace(json=document, attach=lambda *_, **__: Stream(*pieces))), "box")


def test_what_it_said_before_it_ended_is_read_though_nothing_can_be_written_any_more() -> None:
    one = session((streams.STDOUT, SAID), code=127)
    found = one.run("1", 5)
    assert (found.exit_code, found.raw.stdout, one.open) == (127, SAID, False)
    with pytest.raises(UnsupportedError, match="no PowerShell"):
        expect_powershell(found, "nanoserver")


def test_a_connection_that_broke_without_a_word_is_an_error() -> None:
    with pytest.raises(DaemonError, match="Broken pipe"):
        session(code=0).run("1", 5)
