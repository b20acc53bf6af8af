# SPDX-License-Identifier: Apache-2.0
"""What a user asks of a host that runs, over its socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from imagebuild.errors import NotFoundError, StoreError, UsageError
from imagebuild.hostd.commands import Commands, ask
from imagebuild.hostd.record import HostPlace


async def echo(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"said": asked["text"]}


async def refuse(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    raise UsageError("cannot do that", why="it is Monday", hint="wait")


async def fail(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    raise ZeroDivisionError


def test_commands_are_answered_and_refusals_come_back_whole(tmp_path: Path) -> None:
    place = HostPlace(tmp_path)

    async def play() -> None:
        commands = Commands({"echo": echo, "refuse": refuse, "fail": fail})
        await commands.listen(place.commands)
        assert place.commands.stat().st_mode & 0o777 == 0o600
        assert await asyncio.to_thread(ask, place, "echo", text="ä") == {"said": "ä"}
        for word, why in (("refuse", "it is Monday"), ("fail", "ZeroDivisionError"), ("nosuch", "")):
            with pytest.raises(StoreError) as refused:
                await asyncio.to_thread(ask, place, word)
            assert why in refused.value.why
        for nonsense in (b"\n", b"[]\n", b"\xff\n", b"x" * 2_000_000):
            talk = socket.socket(socket.AF_UNIX)
            talk.connect(str(place.commands))
            talk.setblocking(False)
            loop = asyncio.get_running_loop()
            try:
                await loop.sock_sendall(talk, nonsense)
                await loop.sock_recv(talk, 1000)
            except OSError:
                pass
            talk.close()
        assert await asyncio.to_thread(ask, place, "echo", text="still") == {"said": "still"}
        await commands.close()

    asyncio.run(play())


def test_a_host_that_does_not_run_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not run"):
        ask(HostPlace(tmp_path), "engine")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "commands.sock"))
    with pytest.raises(NotFoundError, match="does not run"):
        ask(HostPlace(tmp_path), "engine")
