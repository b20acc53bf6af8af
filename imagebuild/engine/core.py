# SPDX-License-Identifier: Apache-2.0
"""The engine: its parts put together, started, and taken apart in order."""

from __future__ import annotations

import asyncio
import logging
import secrets
import uuid
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ..dockerapi import Identity, Route, Server, VersionRange, faults
from ..errors import WcowError
from ..runtime.port import Sandbox
from ..runtime.snapshots.changes import open_content
from . import files, modes, threads
from .containers import changed
from .containers.lifecycle import Containers
from .events import Events
from .images.commit import Commitable
from .images.config import run_of
from .settings import EngineSettings

if TYPE_CHECKING:
    from .api.exec import Exec
    from .building.run import StepRunner
    from .images.collection import Images
    from .networks.collection import Networks
    from .volumes.volumes import Volumes

LOG = logging.getLogger("wcow.engine")

THREADS = 128
"""For what blocks. A stop may take its container's half minute, and must not keep others from a thread."""

SETTLE_SECONDS = 2
"""What a pull or load that is cut off by the engine's end gets to free what it has written."""


class Engine:
    """Made on the event loop that it lives on. :meth:`open` before anything, :meth:`close` at the end."""

    def __init__(self, settings: EngineSettings, sandbox: Sandbox, events: Events, images: Images, volumes: Volumes,
                 networks: Networks) -> None:
        self.settings = settings
        self.sandbox = sandbox
        self.images = images
        self.volumes = volumes
        self.networks = networks
        self.events = events
        self.containers = Containers(settings, sandbox, self.events, images, volumes, networks)
        self.execs: dict[str, Exec] = {}
        self.versions = VersionRange()
        self.id = ""
        self._tasks: set[asyncio.Task[Any]] = set()

    def open(self) -> None:
        """Read what an earlier engine left. On the loop, whose threads are the engine's from now on."""
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "engine"))
        modes.claim(self.settings.root)
        place = self.settings.root / "engine.json"
        document = files.read_document(place)
        if not isinstance(document, dict) or not isinstance(document.get("id"), str):
            document = {"id": str(uuid.uuid4())}
            files.write_document(place, document)
        self.id = document["id"]
        files.sweep(self.settings.root, self.settings.root / "networks")
        self.images.running = self.is_running
        self.images.listen()
        self.images.tidy()
        self.networks.open()
        self.containers.load()
        with suppress(OSError, WcowError):  # what cannot be freed now is freed with the next image that goes
            self.images.clear_unpacked()

    def server(self) -> Server:
        """The server of its API."""
        return Server(routes(), self, identity=Identity(self.settings.version, "windows"), versions=self.versions,
                      on_error=_heard, on_answer=partial(LOG.debug, "%s %s answered %d"))

    async def close(self) -> None:
        """Stop: containers are killed, as a Windows engine's are when it stops."""
        self.events.close()
        try:
            await self.containers.close()
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(threads.settle, SETTLE_SECONDS)
        finally:
            try:
                await asyncio.to_thread(self.sandbox.close)
            finally:
                await asyncio.to_thread(self.networks.close)

    def keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the requests, until the engine stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def commitable(self, container: str) -> Commitable:
        """A container as a commit sees it."""
        found = self.containers.find(container)
        upper = found.folder / "box" / "upper"
        return Commitable(found.id, found.image, found.running, run_of(found.config),
                          lambda: changed.files(self.images, found), lambda parts: open_content(upper, parts),
                          lambda: changed.hives(self.settings, self.images, found))

    def step_runner(self) -> StepRunner | None:
        """Return what executes RUN of a build; ``None`` in an engine that starts no program."""
        from .building.run import StepRunner

        return None if self.images.ground is None else StepRunner(self)

    def is_running(self, container: str) -> bool:
        """Whether a container, by its id, runs."""
        return any(one.id == container and one.running for one in self.containers)


def routes() -> tuple[Route, ...]:
    """Every call that is served, for the server and for the table in the documentation."""
    from .api import absent as routes_absent
    from .api import archive as routes_archive
    from .api import containers as routes_containers
    from .api import exec as routes_exec
    from .api import images as routes_images
    from .api import networks as routes_networks
    from .api import streams as routes_streams
    from .api import system as routes_system
    from .api import volumes as routes_volumes
    from .api.own import exec as routes_exec_ours
    from .api.own import folders as routes_folders
    from .api.own import pipes as routes_pipes
    from .api.own import processes as routes_processes
    from .api.own import proxy as routes_proxy
    from .api.own import secrets as routes_secrets

    modules = (routes_system, routes_containers, routes_archive, routes_streams, routes_exec,
               routes_exec_ours, routes_images, routes_volumes, routes_networks, routes_pipes, routes_processes,
               routes_proxy, routes_secrets, routes_folders, routes_absent)
    return tuple(route for module in modules for route in module.ROUTES)


def _heard(where: str, error: BaseException) -> str | None:
    """Write down what a handler raised. For what is our own fault, and not a refusal, return the answer's message: it
    has the number under which the log says where it came about. No value of a request is logged."""
    if isinstance(error, faults.Fault | WcowError):
        LOG.info("%s was refused: %s", where, type(error).__name__)
        return None
    number = secrets.token_hex(6)
    LOG.error("%s failed, error %s", where, number, exc_info=error, extra={"fault": number})
    if isinstance(error, OSError):  # the disk's, most likely: what it says is of use
        return f"{error} (error {number}: 'wcow engine logs' has more)"
    return f"internal error {number} ({type(error).__name__}): 'wcow engine logs' shows where"
