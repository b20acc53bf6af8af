# SPDX-License-Identifier: Apache-2.0
"""All containers of the engine: found by name, id or its beginning; made, started, stopped, removed, remembered.

Used on the engine's loop. What blocks goes to threads; each container has a lock, so that two clients cannot start or
remove it at once.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..dockerapi import faults, shapes
from ..dockerapi.names import check_container_name, new_id, random_name
from ..errors import WcowError
from ..sandbox.port import KILLED, Sandbox
from .container import Container
from .events import Event, Events
from .health import watch as watch_health
from .launch import Launch
from .parts import ImagePart, NetworkPart, VolumePart
from .refusals_config import SIGNALS, check_signal
from .run import Run
from .streams import Streams

if TYPE_CHECKING:
    from .settings import EngineSettings

STOP_SECONDS = 30
"""What a Windows container gets to stop, unless somebody says otherwise (moby ``container/container_windows.go``)."""
KILL = SIGNALS["KILL"]
HARMLESS = frozenset(SIGNALS[name] for name in ("CHLD", "CONT", "URG", "WINCH"))
"""Signals that end no program unless it asks for them."""


class Containers:
    """The collection. Parts are given; whoever makes it calls :meth:`load` once and :meth:`close` at the end."""

    def __init__(self, settings: EngineSettings, sandbox: Sandbox, events: Events, images: ImagePart,
                 volumes: VolumePart, networks: NetworkPart) -> None:
        self._settings = settings
        self._sandbox = sandbox
        self._events = events
        self._images = images
        self._volumes = volumes
        self._networks = networks
        self._folder = settings.root / "containers"
        self._all: dict[str, Container] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiters: dict[str, set[asyncio.Future[int]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    # --- finding

    def __iter__(self) -> Iterator[Container]:
        return iter(tuple(self._all.values()))

    def find(self, reference: str) -> Container:
        """By id, by name, or by a beginning of the id that fits one only."""
        if reference in self._all:
            return self._all[reference]
        name = reference.removeprefix("/")
        found = [one for one in self._all.values() if one.name == name]
        if not found and name:
            found = [one for one in self._all.values() if one.id.startswith(name)]
            if len(found) > 1:
                raise faults.BadRequest(f"multiple IDs found with provided prefix: {name}")
        if not found:
            raise faults.no_such_container(reference)
        return found[0]

    def load(self) -> None:
        """What an earlier engine left: containers that ran are reported as ended, halves of containers removed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for folder in sorted(self._folder.iterdir()):
            container = Container.load(folder)
            if container is None or container.status == "removing":
                shutil.rmtree(folder, ignore_errors=True)
                continue
            if container.status in ("running", "restarting"):
                container.status, container.exit_code, container.finished = "exited", KILLED, time.time_ns()
                container.save()
            self._all[container.id] = container
            self._images.use(container.image, container.id)
            for mount in container.mounts:
                if mount.type == "volume":
                    self._volumes.use(mount.name, container.id)

    # --- making and removing

    def create(self, config: shapes.Config, host: shapes.HostConfig, *, name: str, image: str,
               networks: Mapping[str, shapes.EndpointSettings], mounts: tuple[shapes.MountPoint, ...],
               command: str, identifier: str = "") -> Container:
        """A container, remembered; everything about it was checked before. Conflict when the name is taken."""
        identifier = identifier or new_id()
        if name:
            name = check_container_name(name)
            self._free(name)
        else:
            name = random_name({one.name for one in self})
        folder = self._folder / identifier
        folder.mkdir(parents=True)
        container = Container(identifier, name, folder, time.time_ns(), image, config, host, dict(networks), mounts,
                              command)
        try:
            container.save()
        except WcowError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._all[identifier] = container
        self._images.use(image, identifier)
        self._tell(container, "create")
        return container

    def rename(self, container: Container, name: str) -> None:
        """Another name. Conflict when it is taken."""
        name = check_container_name(name)
        if name == container.name:
            raise faults.BadRequest("Renaming a container with the same name as its current name")
        self._free(name)
        old, container.name = container.name, name
        container.save()
        self._tell(container, "rename", oldName=f"/{old}")

    async def remove(self, container: Container, *, force: bool = False, volumes: bool = False) -> None:
        """Remove it, killed first with ``force``; Conflict for one that runs."""
        async with self._locked(container):
            if container.id not in self._all:
                raise faults.no_such_container(container.id)
            if container.running or container.status == "restarting":
                if not force:
                    raise faults.must_be_stopped(container.name)
                if container.running:
                    self._tell(container, "kill", signal=str(KILL))
                await self._kill(container)
            container.status = "removing"
            container.save()
            await asyncio.to_thread(shutil.rmtree, container.folder, True)
            self._images.release(container.id)
            self._volumes.release(container.id, remove_anonymous=volumes)
            del self._all[container.id]
            self._locks.pop(container.id, None)
        self._tell(container, "destroy")
        self._wake(container, container.exit_code, removed=True)

    # --- running

    async def start(self, container: Container) -> None:
        """Start its program. NotModified when it runs."""
        async with self._locked(container):
            if container.running:
                raise faults.NotModified("container already started")
            if container.status in ("removing", "dead"):
                raise faults.Conflict(f"container is marked for removal and cannot be started: {container.name}")
            container.stopped_by_hand = False
            try:
                await self._start(container)
            except faults.Fault:
                if container.host.auto_remove:  # after the lock is free again; whoever waits for its removal is told
                    self._spawn(self._auto_remove(container))
                raise

    async def _start(self, container: Container) -> None:
        launch = Launch(self._settings, self._sandbox, self._images, self._volumes, self._networks)
        streams: Streams | None = None
        try:
            box, command = await asyncio.to_thread(launch.prepare, container)
            container.output.begin()
            streams = Streams(container.output.add, tty=container.config.tty, stdin=container.config.open_stdin)
            rows, columns = container.host.console_size
            if container.config.tty and rows and columns:
                streams.resize(rows, columns)
            process = await asyncio.to_thread(box.start, command, streams.stdio)
        except BaseException as error:
            if streams is not None:
                streams.close()
            container.output.finish()
            await asyncio.to_thread(launch.undo, container)
            if not isinstance(error, WcowError):
                raise
            fault = faults.of_error(error)
            container.error, container.exit_code = fault.message, 128
            container.save()
            raise fault from error
        streams.started()
        container.run = Run(box, process, streams)
        container.status, container.started, container.error = "running", time.time_ns(), ""
        container.exit_code, container.finished = 0, 0
        container.save()
        self._tell(container, "start")
        self._spawn(self._watch(container, container.run))
        if container.config.healthcheck is not None:
            self._spawn(watch_health(container, lambda status: self._tell(container, f"health_status: {status}")))

    async def _watch(self, container: Container, run: Run) -> None:
        """Until the program ends: then everything about the run is over, and told."""
        code = await asyncio.wrap_future(run.process.ended)
        await run.streams.ended()
        container.output.finish()
        await asyncio.to_thread(run.box.close)
        await asyncio.to_thread(self._networks.detach, container.id)
        container.run, container.status = None, "exited"
        container.exit_code, container.finished = code, time.time_ns()
        container.attachment = type(container.attachment)(None)
        again = not self._closing and self._wants_again(container)
        if again:
            container.status = "restarting"
            container.restarts += 1
        if container.id in self._all:
            container.save()
        if not run.ended.done():
            run.ended.set_result(code)
        self._tell(container, "die", exitCode=str(code))
        self._wake(container, code)
        if again:
            self._spawn(self._again(container))
        elif container.host.auto_remove and not self._closing and container.id in self._all:
            self._spawn(self._auto_remove(container))

    async def stop(self, container: Container, timeout: int | None = None) -> None:
        """End it as a shutdown of Windows would; killed after ``timeout`` seconds (-1: never). NotModified when it does
        not run."""
        if not container.running and container.status != "restarting":
            raise faults.NotModified("container already stopped")
        container.stopped_by_hand = True
        if container.status == "restarting":
            container.status = "exited"
            container.save()
            return
        if timeout is None:
            timeout = container.config.stop_timeout if container.config.stop_timeout is not None else STOP_SECONDS
        run = container.run
        if run is None:
            return
        run.stopping = True
        self._tell(container, "kill", signal=str(check_signal(container.config.stop_signal or "TERM")))
        await asyncio.to_thread(run.box.stop, 10 ** 6 if timeout < 0 else timeout)
        await run.ended
        self._tell(container, "stop")

    async def kill(self, container: Container, signal: int = KILL) -> None:
        """End it at once (KILL), or shut it down (any other signal: Windows has none). Conflict for one that is not
        running.

        A Windows engine takes any signal for a shutdown. Ours ignores those that end no program anywhere: the docker
        command on Linux sends WINCH whenever its window changes, and that must not end a shell.
        """
        if not container.running:
            raise faults.not_running(container.id)
        self._tell(container, "kill", signal=str(signal))
        if signal in HARMLESS:
            return
        container.stopped_by_hand = True
        run = container.run
        if signal == KILL:
            await self._kill(container)
        elif run is not None:
            self._spawn(self._shut_down(run))

    async def _kill(self, container: Container) -> None:
        run = container.run
        container.stopped_by_hand = True
        if run is not None:
            await asyncio.to_thread(run.box.kill)
            await run.ended

    async def _shut_down(self, run: Run) -> None:
        await asyncio.to_thread(run.box.stop, STOP_SECONDS)

    async def restart(self, container: Container, timeout: int | None = None) -> None:
        """Stop it when it runs, then start it."""
        if container.running:
            await self.stop(container, timeout)
        await self.start(container)
        self._tell(container, "restart")

    async def wait(self, container: Container, condition: str = "not-running") -> asyncio.Future[int]:
        """A future of the exit code: at once for one that does not run, else at its end; with ``next-exit`` at the next
        end, with ``removed`` when it is gone."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if condition == "not-running" and not container.running and container.status != "restarting":
            future.set_result(container.exit_code)
        else:
            kind = "removed" if condition == "removed" else "ended"
            self._waiters.setdefault(f"{kind} {container.id}", set()).add(future)
        return future

    async def close(self) -> None:
        """The engine stops: every container is killed and remembered as ended."""
        self._closing = True
        await asyncio.gather(*(self._kill(one) for one in self if one.running), return_exceptions=True)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        for task in tuple(self._tasks):
            task.cancel()

    # --- within

    def _wants_again(self, container: Container) -> bool:
        policy = container.host.restart_policy
        if container.stopped_by_hand or container.id not in self._all:
            return False
        if policy.name == "on-failure":
            return container.exit_code != 0 and (
                not policy.maximum_retry_count or container.restarts < policy.maximum_retry_count)
        return policy.name in ("always", "unless-stopped")

    async def _again(self, container: Container) -> None:
        """Restart after a pause that doubles, as moby's restart manager has it: 0.1 s to a minute."""
        await asyncio.sleep(min(0.1 * 2 ** min(container.restarts - 1, 10), 60))
        async with self._locked(container):
            if container.status == "restarting" and container.id in self._all:
                try:
                    await self._start(container)
                except WcowError:
                    container.status = "exited"
                    container.save()

    async def _auto_remove(self, container: Container) -> None:
        try:
            await self.remove(container, force=True, volumes=True)
        except faults.Fault:
            return  # somebody was quicker

    def _free(self, name: str) -> None:
        for other in self:
            if other.name == name:
                raise faults.name_in_use(name, other.id)

    def _tell(self, container: Container, action: str, **more: str) -> None:
        self._events.publish(Event("container", action, container.id, {**container.attributes(), **more}))

    def _wake(self, container: Container, code: int, *, removed: bool = False) -> None:
        for kind in ("removed", "ended") if removed else ("ended",):
            for future in self._waiters.pop(f"{kind} {container.id}", ()):
                if not future.done():
                    future.set_result(code)

    def _spawn(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @asynccontextmanager
    async def _locked(self, container: Container) -> AsyncIterator[None]:
        lock = self._locks.setdefault(container.id, asyncio.Lock())
        async with lock:
            yield


def folder_of(settings: EngineSettings, identifier: str) -> Path:
    """Where a container's own files are."""
    return settings.root / "containers" / identifier
