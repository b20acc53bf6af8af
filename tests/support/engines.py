# SPDX-License-Identifier: Apache-2.0
"""A whole engine whose programs are scripts: the real parts over a fake sandbox, a fake kernel, and images that exist.

The commands are those of :mod:`imagebuild.runtime.memory`. An :class:`Engine` here is made on a running loop; a test is
a coroutine that :func:`run` runs. :func:`served` serves one in a thread, for clients that block.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from imagebuild.dockerapi import Client, shapes
from imagebuild.engine.containers.container import Container
from imagebuild.engine.core import Engine
from imagebuild.engine.events import Event, Events
from imagebuild.engine.images.collection import Images
from imagebuild.engine.interfaces import Unpacked
from imagebuild.engine.networks.collection import Networks
from imagebuild.engine.networks.kernel import MemoryKernel
from imagebuild.engine.settings import EngineSettings
from imagebuild.engine.volumes.volumes import Volumes
from imagebuild.errors import ToolError, WcowError
from imagebuild.runtime.memory import MemorySandbox
from imagebuild.runtime.port import Box, BoxSpec

from . import tunnels
from .engine_images import Owner, put

IMAGE = "app:1"
T = TypeVar("T")


class ReadyImages(Images):
    """Images that need no unpacking: programs are scripts."""

    def unpack(self, identifier: str) -> Unpacked:
        return Unpacked(())


class Sandbox(MemorySandbox):
    """The fake; ``fails`` is what the next openings fail with, ``opened`` the boxes that were opened, ``specs``
    what was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: list[ToolError] = []
        self.opened: list[Box] = []
        self.specs: list[BoxSpec] = []

    def open(self, spec: BoxSpec) -> Box:
        if self.fails:
            raise self.fails.pop()
        self.specs.append(spec)
        self.opened.append(super().open(spec))
        return self.opened[-1]


def make(root: Path) -> Engine:
    """An engine below a folder, not opened; it has the image ``app:1``, and ``root/drive`` as its drive ``C:``."""
    root.mkdir(parents=True, exist_ok=True)
    settings, events = EngineSettings(root, drives={"C": root / "drive"}), Events()
    images = ReadyImages(settings, events)
    if IMAGE.split(":")[0] not in str([kept.tags for kept in images.shelf.all().values()]):
        put(Owner(images, settings, events), IMAGE)
    networks = Networks(settings, events, MemoryKernel(), machine=lambda: ())
    return Engine(settings, Sandbox(), events, images, Volumes(settings, events), networks)


@asynccontextmanager
async def opened(root: Path, *, resume: bool = True) -> AsyncIterator[Engine]:
    """An engine that serves nobody but the test. Left with an error it is let fall, as if it were killed."""
    engine = make(root)
    engine.open()
    if resume:
        engine.containers.resume()
    try:
        yield engine
    finally:
        await engine.close()


def run(work: Coroutine[Any, Any, T], seconds: float = 60) -> T:
    """Run a test's coroutine to its end; it must not hang."""
    return asyncio.run(asyncio.wait_for(work, seconds))


_NUMBERS = itertools.count()


def new(engine: Engine, line: str = "sleep 60", *, name: str = "", policy: str = "", most: int = 0,
        remove: bool = False, **config: Any) -> Container:
    """A container whose program is a script."""
    image, _ = engine.images.find(IMAGE)
    words = line.split(" ")
    host = shapes.HostConfig(auto_remove=remove, network_mode="nat", restart_policy=shapes.RestartPolicy(
        name=policy, maximum_retry_count=most))
    return engine.containers.create(
        shapes.Config(image=IMAGE, cmd=tuple(words), **config), host, name=name or f"test{next(_NUMBERS)}", image=image,
        networks={"nat": shapes.EndpointSettings()}, mounts=(), command=line)


async def until(what: Callable[[], Any], seconds: float = 10) -> None:
    """Wait for something to be so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.005)


def wait_for(what: Callable[[], Any], seconds: float = 10) -> None:
    """The same for a test that is no coroutine."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


class Heard:
    """What an engine's events say, from now on."""

    def __init__(self, engine: Engine) -> None:
        self.events: list[Event] = []
        publish = engine.events.publish

        def both(event: Event) -> None:
            self.events.append(event)
            publish(event)

        engine.events.publish = both  # type: ignore[method-assign]

    def of(self, container: Container | str) -> list[str]:
        """The actions on a container, in their order."""
        wanted = container if isinstance(container, str) else container.id
        return [event.action for event in self.events if event.kind == "container" and event.actor == wanted]

    def last(self, action: str) -> Event:
        """The last event of this action."""
        return [event for event in self.events if event.action == action][-1]


class Served:
    """An engine in a thread of its own, and a client of it. ``failed`` is what its handlers raised that was no
    refusal below 500."""

    def __init__(self, engine: Engine, socket: Path, loop: asyncio.AbstractEventLoop, failed: list[BaseException],
                 address: str) -> None:
        self.failed = failed
        self.engine = engine
        self.socket = socket
        self.client = Client.at(address)
        self._loop = loop

    def create(self, line: str, *, name: str = "", **more: Any) -> str:
        """Make a container of ``app:1`` for a command line of the fake: its id."""
        host = shapes.HostConfig(**more.pop("host", {}))
        asked = shapes.CreateRequest(image=IMAGE, cmd=tuple(line.split(" ")), host_config=host, **more)
        return str(self.client.json("POST", "/containers/create", query={"name": name or None}, body=asked)["Id"])

    def post(self, path: str, **query: Any) -> int:
        """A call without a body: its status."""
        with self.client.call("POST", path, query=query) as answer:
            answer.read()
            return answer.status

    def inspect(self, name: str) -> shapes.Inspect:
        return self.client.json("GET", f"/containers/{name}/json", shape=shapes.Inspect)

    def attach(self, name: str, **query: Any) -> Any:
        return self.client.attach(f"/containers/{name}/attach", query={"stream": True, "stdout": True, "stderr": True,
                                                                       **query})

    def on_loop(self, work: Callable[[], T]) -> T:
        """Do something on the engine's loop."""

        async def there() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(10)


@contextmanager
def served(root: Path) -> Iterator[Served]:
    """An engine behind a socket, for the time of a block."""
    socket = root / "engine.sock"
    loop = asyncio.new_event_loop()
    ready, stop, box, failed = threading.Event(), asyncio.Event(), list[Engine](), list[BaseException]()

    async def serve() -> None:
        async with opened(root) as engine:
            server = engine.server()
            heard = server.on_error

            def noted(where: str, error: BaseException) -> str | None:
                failed.append(error)
                return heard(where, error)

            server.on_error = noted
            await server.listen_unix(socket)
            box.append(engine)
            ready.set()
            await stop.wait()
            await server.close(grace=0.2)

    def work() -> None:
        loop.run_until_complete(serve())
        loop.run_until_complete(loop.shutdown_default_executor())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        with tunnels.through(f"unix://{socket}", root) as address:
            found = Served(box[0], socket, loop, failed, address)
            try:
                yield found
            finally:
                found.client.close()
    finally:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()
    unforeseen = [error for error in failed if not isinstance(error, WcowError)]
    assert not unforeseen, unforeseen
