# SPDX-License-Identifier: Apache-2.0
"""Pipes of a container, with launcher.exe's part played by a thread of this machine that speaks its frames."""

from __future__ import annotations

import asyncio
import os
import struct
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from imagebuild.engine.streams.pipes import PIECE, WINDOW, PipeRelay, serve_pipes
from imagebuild.errors import ToolError
from imagebuild.runtime.port import Command, Stdio

Frame = tuple[int, str, bytes]


class Ended:
    """A process that ends when its frames do."""

    def __init__(self) -> None:
        self.ended: Future[int] = Future()


class Launcher:
    """A box in which launcher.exe serves pipes. ``frames`` is what the host said; :meth:`say` answers."""

    def __init__(self, refused: int = 0) -> None:
        self.frames: asyncio.Queue[Frame] = asyncio.Queue()
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._out = -1

    def exec(self, command: Command, stdio: Stdio) -> Any:
        assert command.pipes
        ended, given = Ended(), os.dup(stdio.stdin)
        self._out = os.dup(stdio.stdout)
        threading.Thread(target=self._read, args=(given, ended), daemon=True).start()
        return ended

    def say(self, channel: int, kind: str, data: bytes = b"") -> None:
        os.write(self._out, struct.pack("<III", channel, ord(kind), len(data)) + data)

    async def heard(self, kind: str) -> Frame:
        """The next frame of this kind; those of others before it are dropped."""
        while (frame := await asyncio.wait_for(self.frames.get(), 10))[1] != kind:
            pass
        return frame

    def _read(self, given: int, ended: Ended) -> None:
        with os.fdopen(given, "rb") as file:
            while len(head := file.read(12)) == 12:
                channel, kind, length = struct.unpack("<III", head)
                frame = channel, chr(kind), file.read(length)
                if frame[1] == "L":
                    self.say(channel, *(("F", struct.pack("<I", self._refused)) if self._refused else ("K",)))
                self._loop.call_soon_threadsafe(self.frames.put_nowait, frame)
        os.close(self._out)
        ended.ended.set_result(0)


@asynccontextmanager
async def listening(talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]
                    ) -> AsyncIterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        async with await asyncio.start_unix_server(talk, Path(folder, "socket")):
            yield Path(folder, "socket")


@asynccontextmanager
async def relaying(launcher: Launcher, pipes: Mapping[str, Path]) -> AsyncIterator[PipeRelay]:
    relay = PipeRelay()
    await relay.start(launcher, pipes)  # type: ignore[arg-type]
    yield relay
    await asyncio.wait_for(relay.stop(), 10)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say back in one piece what came until its end."""
    writer.write(await reader.read(-1) + b"!")
    await writer.drain()
    writer.close()


def opened(launcher: Launcher, channel: int = 1, pipe: int = 0) -> None:
    launcher.say(channel, "O", struct.pack("<I", pipe))


def test_a_main_program_waits_until_its_pipes_are_there() -> None:
    async def work() -> None:
        launcher = Launcher()
        assert await serve_pipes(launcher, {}) is None  # type: ignore[arg-type]
        relay = await serve_pipes(launcher, {"docker_engine": Path("/none")})  # type: ignore[arg-type]
        assert await launcher.frames.get() == (0, "L", "\\\\.\\pipe\\docker_engine".encode("utf-16-le"))
        assert await launcher.frames.get() == (0, "R", b"")
        assert relay is not None
        await relay.stop()

    asyncio.run(work())


def test_a_connection_goes_to_the_socket_and_its_input_may_end_before_its_output() -> None:
    async def work() -> None:
        launcher = Launcher()
        async with listening(echo) as socket, \
                relaying(launcher, {"docker_engine": socket}):
            opened(launcher)
            launcher.say(1, "D", b"one ")
            launcher.say(1, "D", b"two")
            launcher.say(1, "E")
            assert await launcher.heard("D") == (1, "D", b"one two!")
            assert await launcher.heard("E") == (1, "E", b"")
            assert await launcher.heard("C") == (1, "C", b"")

    asyncio.run(work())


def test_a_pipe_that_cannot_be_made_is_told() -> None:
    async def work() -> None:
        relay = PipeRelay()
        with pytest.raises(ToolError, match="cannot serve the pipe docker_engine") as caught:
            await relay.start(Launcher(refused=5), {"docker_engine": Path("/none")})  # type: ignore[arg-type]
        await relay.stop()
        assert caught.value.facts["code"] == 5

    asyncio.run(work())


def test_a_socket_that_no_one_listens_on_ends_the_connection_alone() -> None:
    async def work() -> None:
        launcher = Launcher()
        async with listening(echo) as socket, \
                relaying(launcher, {"gone": Path("/none"), "here": socket}):
            opened(launcher, 1, 0)
            assert await launcher.heard("C") == (1, "C", b"")
            opened(launcher, 2, 1)
            launcher.say(2, "E")
            assert await launcher.heard("D") == (2, "D", b"!")

    asyncio.run(work())


def test_a_client_that_does_not_read_gets_no_more_than_fits_and_holds_up_no_other() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * (2 * WINDOW))
        await writer.drain()
        await reader.read()
        writer.close()

    async def work() -> None:
        launcher = Launcher()
        async with listening(flood) as much, listening(echo) as socket, \
                relaying(launcher, {"much": much, "echo": socket}):
            opened(launcher, 1, 0)
            got = 0
            while got < WINDOW:
                got += len((await launcher.heard("D"))[2])
            assert got == WINDOW
            opened(launcher, 2, 1)
            launcher.say(2, "E")
            assert await launcher.heard("D") == (2, "D", b"!")  # and nothing of the first
            launcher.say(1, "W", struct.pack("<I", 100))
            assert await launcher.heard("D") == (1, "D", b"x" * 100)
            launcher.say(1, "C")
            assert {(await launcher.heard("C"))[0] for _ in range(2)} == {1, 2}

    asyncio.run(work())


def test_a_pipe_that_is_closed_ends_its_connections_and_may_be_served_anew() -> None:
    async def work() -> None:
        launcher = Launcher()
        async with listening(echo) as socket, \
                relaying(launcher, {"a": socket, "b": socket}) as relay:
            opened(launcher, 1, 0)
            opened(launcher, 2, 1)
            launcher.say(1, "D", b"x")
            await launcher.heard("W")
            await relay.close("A")
            await relay.close("a")
            assert await launcher.heard("U") == (0, "U", b"")
            assert await launcher.heard("C") == (1, "C", b"")
            launcher.say(2, "E")
            assert await launcher.heard("D") == (2, "D", b"!")
            await relay.open("c", socket)
            assert (await launcher.heard("L"))[0] == 0
            await relay.open("C", socket)  # another socket for it, no other pipe

    asyncio.run(work())


@pytest.mark.parametrize("said", [struct.pack("<III", 1, ord("D"), PIECE + 1), struct.pack("<III", 1, 0xFFFF, 0),
                                  struct.pack("<III", 9, ord("D"), 1) + b"x", struct.pack("<III", 7, ord("O"), 0),
                                  struct.pack("<III", 1, ord("W"), 1) + b"x", struct.pack("<III", 0, ord("F"), 0)])
def test_nonsense_from_the_box_harms_nothing(said: bytes) -> None:
    async def work() -> None:
        launcher = Launcher()
        async with listening(echo) as socket, \
                relaying(launcher, {"a": socket}):
            opened(launcher)
            os.write(launcher._out, said)
            await asyncio.sleep(0.1)
            assert not [task for task in asyncio.all_tasks() if task.done() and task.exception()]

    asyncio.run(work())
