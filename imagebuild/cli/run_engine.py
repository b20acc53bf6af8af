# SPDX-License-Identifier: Apache-2.0
"""An engine for one container: the one that runs, or else one in this process that ends with it."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..dockerapi import Client, faults
from ..engine.core import Engine
from ..engine.serve import Lock, running
from ..errors import DaemonError, NotFoundError, ToolError
from ..images import copy_image
from ..oci import Location, Platform
from ..stores import ArchiveStore
from ..wiring import Settings, open_library

START_SECONDS = 300
"""The first engine on a machine makes Wine's prefix."""


@contextmanager
def engine_client(root: Path, make: Callable[[], Engine], say: Callable[[str], None]) -> Iterator[Client]:
    """A client of the engine of a folder. ``make`` makes one, on the loop of a thread, when none runs there."""
    found = running(root)
    if found is not None:
        if not found.pid:
            raise ToolError("cannot use the engine", program="wcow engine", why="it is starting",
                            hint="try again in some seconds")
        with Client.at(f"unix://{found.socket}", timeout=600) as client:
            yield client
        return
    with tempfile.TemporaryDirectory(prefix="wcow-run-") as folder:
        inner = _Inner(root, Path(folder, "engine.sock"), make, say)
        inner.start()
        try:
            with Client.at(f"unix://{inner.socket}", timeout=600) as client:
                yield client
        finally:
            inner.stop()


class _Inner:
    """An engine in a thread."""

    def __init__(self, root: Path, socket: Path, make: Callable[[], Engine], say: Callable[[str], None]) -> None:
        self.socket = socket
        self._root, self._make, self._say = root, make, say
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)

    def start(self) -> None:
        """Until it serves; what keeps it from that is raised."""
        self._thread.start()
        if not self._ready.wait(START_SECONDS):
            raise ToolError("the engine did not start", program="wcow run", why=f"it had {START_SECONDS} s")
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Until it is gone."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    def _work(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        except BaseException as error:
            self._error = error
        finally:
            self._loop.close()
            self._ready.set()

    async def _serve(self) -> None:
        lock = Lock(self._root)
        try:
            engine = self._make()
            try:
                await asyncio.to_thread(engine.sandbox.prepare, self._say)
                engine.open()
                server = engine.server()
                await server.listen_unix(self.socket)
                lock.tell(self.socket, engine.settings.publish_address)
                self._ready.set()
                await self._stop.wait()
                await server.close()
            finally:
                await engine.close()
        finally:
            lock.close()


def bring_image(client: Client, settings: Settings, name: str, platform: Platform) -> str:
    """See that the engine has the image as the local store has it; an image that it has is not asked for elsewhere.
    What to call it there."""
    try:
        theirs = str(client.json("GET", f"/images/{name}/json")["Id"])
    except faults.Fault:
        theirs = ""
    with open_library(replace(settings, offline=True) if theirs else settings) as library:
        try:
            found = library.find(name, platform)
        except NotFoundError:
            if theirs:
                return theirs
            raise
        identifier = str(found.image.manifest.config.digest)
        if theirs == identifier:
            return identifier
        location = Location.parse(name)
        with tempfile.TemporaryDirectory(prefix="wcow-run-") as folder:
            path = Path(folder, "image.tar")
            with ArchiveStore(path, create=True) as archive:
                tag = str(location.reference.tagged()) if location.reference is not None else None
                deque(copy_image(found.store, found.descriptor, archive, tag=tag, name=name, foreign=True), maxlen=0)
            with path.open("rb") as stream:
                for line in client.lines("POST", "/images/load", query={"quiet": True},
                                         body=iter(lambda: stream.read(1 << 20), b"")):
                    if isinstance(line, dict) and line.get("error"):
                        raise DaemonError(f"the engine does not take {name}", status=500, why=str(line["error"]))
    return identifier
