# SPDX-License-Identifier: Apache-2.0
"""An engine that ends when it is of no more use: nothing runs in it, and no client has asked for a while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...dockerapi import Server
    from ..core import Engine

LOG = logging.getLogger("wcow.engine")

LOOK_SECONDS = 1.0


@contextmanager
def ends_idle(engine: Engine | None, server: Server, seconds: float, stop: asyncio.Event) -> Iterator[None]:
    """Set ``stop`` when for ``seconds`` no container ran or was about to run again, and no client was connected; a
    connection that is open counts, whether it asks or not. Without an engine clients alone count. 0 seconds: never."""
    if not seconds:
        yield
        return
    task = asyncio.get_running_loop().create_task(_watch(engine, server, seconds, stop))
    try:
        yield
    finally:
        task.cancel()


async def _watch(engine: Engine | None, server: Server, seconds: float, stop: asyncio.Event) -> None:
    since, asked = time.monotonic(), server.accepted
    while True:
        await asyncio.sleep(min(LOOK_SECONDS, seconds / 4))
        if server.connections or server.accepted != asked or (engine and _busy(engine)):
            since, asked = time.monotonic(), server.accepted
        elif time.monotonic() - since >= seconds:
            LOG.info("nothing ran and no client was connected for %g s", seconds)
            stop.set()
            return


def _busy(engine: Engine) -> bool:
    return any(one.running or one.status in ("restarting", "removing") for one in engine.containers)
