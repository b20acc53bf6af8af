# SPDX-License-Identifier: Apache-2.0
"""A TCP port of this machine that leads to the engine's socket, for the time of a block."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

APART = 0.1
"""Seconds between a head that ends HTTP and what follows it: docker-py throws away what it reads together with the head
(its issue 3332), and the engine, which waits until a head has been read, sees that the relay has read it."""


@contextlib.contextmanager
def serving(path: Path) -> Iterator[str]:
    """Pass connections on to the Unix socket at ``path``, each direction ended by itself; yields host and port."""
    loop = asyncio.new_event_loop()

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            theirs, ours = await asyncio.open_unix_connection(str(path))
            await asyncio.gather(_pump(reader, ours), _pump(theirs, writer), return_exceptions=True)
            ours.close()
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(passed, "127.0.0.1", 0))
    host, port = server.sockets[0].getsockname()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"{host}:{port}"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
            if data.startswith(b"HTTP/1.1 101"):
                await asyncio.sleep(APART)
        sink.write_eof()
    except OSError:
        sink.transport.abort()  # the other side learns of a reset as of one
        raise
