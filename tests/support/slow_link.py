# SPDX-License-Identifier: Apache-2.0
"""A TCP link with a length: bytes arrive after a delay, and the turns of the talk on it are counted."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_PIECE = 256 << 10


@dataclass
class Link:
    """``port`` is where clients connect. ``turns`` counts how often a server answered what a client had sent: what of
    a talk costs a round trip. ``connections`` counts those too."""

    port: int = 0
    turns: int = 0
    connections: int = 0

    def reset(self) -> None:
        """Count anew."""
        self.turns = self.connections = 0


@contextmanager
def link(port: int, seconds: float) -> Iterator[Link]:
    """Forward connections to a port of this machine for the block; a round trip takes ``seconds`` more."""
    made, started = Link(), threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: list[bool], mine: bool) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        now = asyncio.get_running_loop().time

        async def deliver() -> None:
            while True:
                due, data = await waiting.get()
                await asyncio.sleep(max(0.0, due - now()))
                if not data:
                    writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        task = asyncio.ensure_future(deliver())
        with contextlib.suppress(OSError):
            while data := await reader.read(_PIECE):
                if said[0] and not mine:
                    made.turns += 1
                said[0] = mine
                waiting.put_nowait((now() + seconds / 2, data))
        waiting.put_nowait((now() + seconds / 2, b""))
        with contextlib.suppress(OSError):
            await task

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.connections += 1
        ends = [writer]
        with contextlib.suppress(asyncio.CancelledError):
            try:
                there, back = await asyncio.open_connection("127.0.0.1", port)
                ends.append(back)
                said = [False]
                await asyncio.gather(carry(reader, back, said, True), carry(there, writer, said, False))
            finally:
                for end in ends:
                    end.close()
                    with contextlib.suppress(OSError):
                        await end.wait_closed()

    async def serve() -> None:
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        made.port = server.sockets[0].getsockname()[1]
        started.set()
        await stop.wait()
        server.close()

    # asyncio.run cancels what is left when serve ends, waits for it, and closes the loop.
    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield made
    finally:
        loop, stop = loops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive()
