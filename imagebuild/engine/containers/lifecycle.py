# SPDX-License-Identifier: Apache-2.0
"""The life of the engine's containers: started, watched, stopped, started again, waited for, removed.

Used on the engine's loop. What blocks goes to threads; each container has a lock, so that two clients cannot start or
remove it at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...builder.run.label import is_step
from ...dockerapi import faults
from ...errors import StoreError, WcowError
from ...runtime.port import Box, Sandbox
from ...runtime.wine.folder import refused
from .. import threads
from ..events import Events
from ..interfaces import ImagePart, NetworkPart, VolumePart
from ..streams.log_options import log_limit
from ..streams.pipes import serve_pipes
from ..streams.streams import Streams
from ..validation.config import SIGNALS, check_kill, check_signal
from ..validation.runtime import check_shared_network
from ..volumes.mounts import pipes_for
from . import restart
from .collection import Collection, clear
from .container import Container
from .health import watch as watch_health
from .launch import BOX, Launch
from .run import Run
from .start_fault import start_fault

if TYPE_CHECKING:
    from ..settings import EngineSettings

LOG = logging.getLogger("wcow.engine.containers")

STOP_SECONDS = 30
"""What a Windows container gets to stop, unless somebody says otherwise (moby ``container/container_windows.go``)."""
KILL = SIGNALS["KILL"]
HARMLESS = frozenset(SIGNALS[name] for name in ("CONT", "WINCH"))
"""Signals that a docker command on Linux sends although nobody wants an end: when its window has another size, and when
a shell brings it back to the foreground. (CHLD, PIPE and URG it keeps to itself: docker CLI
``command/container/signals.go``.)"""

CLOSE_SECONDS = 20
"""What all containers together get to be killed when the engine stops."""


class Containers(Collection):
    """Parts are given; whoever makes it calls :meth:`load` once, :meth:`resume` when it serves, and :meth:`close` at
    the end."""

    def __init__(self, settings: EngineSettings, sandbox: Sandbox, events: Events, images: ImagePart,
                 volumes: VolumePart, networks: NetworkPart) -> None:
        super().__init__(settings, events, images, volumes, networks)
        self.pipes: Mapping[str, Path] = {}  #: pipes that containers can be given: the socket behind each name
        self._sandbox = sandbox
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiters: dict[str, set[asyncio.Future[int]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def load(self) -> None:
        """See :meth:`.collection.Collection.load`; what a killed engine left outside the folders goes, too."""
        if self._folder.is_dir():
            self._sandbox.forget({folder.name: folder / BOX for folder in self._folder.iterdir()})
        self._sandbox.guard(self._folder)
        super().load()

    def resume(self) -> None:
        """The engine serves from now on: start what its restart policy wants, remove what was to go at its end."""
        for container in self:
            if container.host.auto_remove:
                self._spawn(self._auto_remove(container))
            elif restart.at_engine_start(container):
                self._spawn(self._start_again(container, "exited"))

    # --- removing

    async def remove(self, container: Container, *, force: bool = False, volumes: bool = False) -> None:
        """Remove it, killed first with ``force``; Conflict for one that runs."""
        async with self.locked(container):
            if container.id not in self._all:
                raise faults.no_such_container(container.id)
            if container.running or container.status == "restarting":
                if not force:
                    raise faults.must_be_stopped(container.name)
                if container.running:
                    self._tell(container, "kill", signal=str(KILL))
                await self._kill(container)
            container.status = "removing"
            container.output.finish()  # whoever waits for a run of it waits no longer
            try:
                await asyncio.to_thread(clear, container.folder)
            except (OSError, StoreError) as error:
                container.status, container.error = "dead", str(error)
                self._remember(container)
                fault = faults.Internal(f"container {container.id}: failed to remove its folder: {error}")
                self._fail_waits(container, fault)
                raise fault from error
            self._images.release(container.id)
            with suppress(faults.Fault):  # the container is gone all the same; 'docker volume rm' removes its volume
                self._volumes.release(container.id, remove_anonymous=volumes)
            del self._all[container.id]
            self._locks.pop(container.id, None)
        self._tell(container, "destroy")
        self._wake(container, container.exit_code, removed=True)

    # --- running

    async def start(self, container: Container) -> None:
        """Start its program. NotModified when it runs."""
        async with self.locked(container):
            if container.running:
                raise faults.NotModified("container already started")
            if container.status in ("removing", "dead") or container.id not in self._all:
                raise faults.Conflict("container is marked for removal and cannot be started")
            container.stopped_by_hand = False
            container.restarts, container.pause = 0, 0.0
            try:
                await self._start(container)
            except faults.Fault:
                if container.host.auto_remove:  # after the lock is free again; whoever waits for its removal is told
                    self._spawn(self._auto_remove(container))
                raise

    async def _start(self, container: Container) -> None:
        if self._closing:
            raise faults.Internal("the engine is stopping")
        launch = Launch(self._settings, self._sandbox, self._images, self._volumes, self._networks)
        streams: Streams | None = None
        box: Box | None = None
        try:
            other = check_shared_network(container, self.find)
            if other is not None:  # one host's name for both, as for both on Windows
                container.config = replace(container.config, hostname=other.config.hostname or other.short,
                                           domainname=other.config.domainname)
            pipes = pipes_for(container.mounts, self.pipes, container.id)
            ready, command = await asyncio.to_thread(launch.prepare, container, other)
            box = ready
            container.output.limit = log_limit(container)
            container.output.begin()
            streams = Streams(container.output.add, tty=container.config.tty, stdin=container.config.open_stdin)
            rows, columns = container.host.console_size
            if container.config.tty and rows and columns:
                streams.resize(rows, columns)
            process = await threads.to_its_end(ready.start, command, streams.stdio)
            relay = await serve_pipes(ready, pipes)
            if container.proxy is not None:
                await container.proxy.serve()
        except BaseException as error:
            if streams is not None:
                streams.close()
            container.output.finish()
            if box is not None:
                await self._try(container, box.close)
            await self._try(container, launch.undo, container)
            if not isinstance(error, WcowError | OSError):
                raise
            fault, container.exit_code = start_fault(error, container.id, container.command)
            container.error = fault.message
            self._remember(container)
            raise fault from error
        streams.started()
        container.run = Run(ready, process, streams, pipes=relay, proxy=container.proxy)
        container.status, container.started, container.error = "running", time.time_ns(), ""
        container.exit_code, container.finished = 0, 0
        self._remember(container)
        self._tell(container, "start")
        self._spawn(self._watch(container, container.run))
        if container.config.healthcheck is not None:
            self._spawn(watch_health(container, partial(self._tell, container)))

    async def _watch(self, container: Container, run: Run) -> None:
        """Until the program ends: then everything about the run is over, and told. Nothing may keep it from that:
        whoever stops or removes the container waits for it."""
        code = await asyncio.wrap_future(run.process.ended)
        await run.streams.ended()
        container.output.finish()
        if run.proxy is not None:
            await run.proxy.close()
        await self._try(container, self._give_back, run, container.id)
        container.run, container.status = None, "exited"
        if not code and is_step(container.config.labels) and refused(container.folder / BOX):
            code = 1  # a shell passed over a program that cannot run here: a build does not
        container.exit_code, container.finished = code, time.time_ns()
        container.attachment = type(container.attachment)(None)
        again = not self._closing and container.id in self._all and restart.wanted(container)
        if again:
            container.status = "restarting"
            container.pause = restart.pause_after(container)
            container.restarts += 1
        if container.id in self._all:
            self._remember(container)
        if not run.ended.done():
            run.ended.set_result(code)
        self._tell(container, "die", exitCode=str(code),
                   execDuration=str(max(0, container.finished - container.started) // 1_000_000_000))
        self._wake(container, code)
        if again:
            self._spawn(self._again(container))
        elif container.host.auto_remove and not self._closing and not run.restarting and container.id in self._all:
            self._spawn(self._auto_remove(container))

    def _give_back(self, run: Run, identifier: str) -> None:
        try:
            run.box.close()
        finally:
            self._networks.detach(identifier)

    async def stop(self, container: Container, timeout: int | None = None, signal: str = "") -> None:
        """End it as a shutdown of Windows would, killed after ``timeout`` seconds (-1: never); at once when the signal,
        or else its own stop signal, is KILL. NotModified when it does not run, BadRequest for what is no signal."""
        if not container.running and container.status != "restarting":
            raise faults.NotModified("container already stopped")
        number = check_signal(signal or container.config.stop_signal or "TERM")
        container.stopped_by_hand = True
        if container.status == "restarting":
            self._settle(container)
            return
        if timeout is None:
            timeout = container.config.stop_timeout if container.config.stop_timeout is not None else STOP_SECONDS
        run = container.run
        if run is None:
            return
        self._tell(container, "kill", signal=str(number))
        if number == KILL:
            await self._end(run)
        else:
            await asyncio.to_thread(run.box.stop, 10 ** 6 if timeout < 0 else timeout)
            await run.ended
        self._tell(container, "stop")

    async def kill(self, container: Container, signal: str = "") -> None:
        """End it at once (``KILL``, and nothing said), or shut it down (any other signal: Windows has none). Conflict
        for one that is not running, BadRequest for what is no signal.

        A Windows engine takes any signal but KILL for a shutdown (moby ``libcontainerd/local/local_windows.go``
        SignalProcess; nothing before it filters them). Ours does so, too, but for :data:`HARMLESS`: with those every
        ``docker run -it`` from Linux would end when its window changes.
        """
        number = check_kill(signal)
        run = container.run
        if not container.running or run is None:
            raise faults.not_running(container.id)
        self._tell(container, "kill", signal=str(number))
        if number in HARMLESS:
            return
        container.stopped_by_hand = True
        if number == KILL:
            await self._kill(container)
        else:
            self._spawn(self._shut_down(run))

    async def _kill(self, container: Container) -> None:
        container.stopped_by_hand = True
        await self._end(container.run)

    async def _end(self, run: Run | None) -> None:
        if run is not None:
            await asyncio.to_thread(run.box.kill)
            await run.ended

    async def _shut_down(self, run: Run) -> None:
        await asyncio.to_thread(run.box.stop, STOP_SECONDS)

    async def restart(self, container: Container, timeout: int | None = None, signal: str = "") -> None:
        """Stop it when it runs, then start it. One that is removed at its end is not, this time. BadRequest for what is
        no signal."""
        if signal:
            check_signal(signal)
        run = container.run
        if container.running and run is not None:
            run.restarting = True
            with suppress(faults.NotModified):  # it ended by itself
                await self.stop(container, timeout, signal)
        with suppress(faults.NotModified):  # somebody else restarts it too
            await self.start(container)
        self._tell(container, "restart")

    async def wait(self, container: Container, condition: str = "not-running") -> asyncio.Future[int]:
        """A future of the exit code: at once for one that does not run, else at its end; with ``next-exit`` at the next
        end, with ``removed`` when it is gone. The future of ``removed`` raises the fault when the removal fails, as
        moby's tells it (``container/state.go`` SetRemovalError); the next wait is for the next removal."""
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if condition == "not-running" and not container.running and container.status != "restarting":
            future.set_result(container.exit_code)
        else:
            kind = "removed" if condition == "removed" else "ended"
            waiters = self._waiters.setdefault(f"{kind} {container.id}", set())
            waiters.add(future)
            future.add_done_callback(waiters.discard)  # the client may leave before
            future.add_done_callback(lambda done: None if done.cancelled() else done.exception())  # or not look at it
        return future

    async def close(self) -> None:
        """The engine stops: every container is killed and remembered as ended, by the engine and not by hand."""
        self._closing = True
        if closing := [asyncio.ensure_future(self._close(one)) for one in self]:
            await asyncio.wait(closing, timeout=CLOSE_SECONDS)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _close(self, container: Container) -> None:
        async with self.locked(container):  # a start that is under way ends first
            await self._end(container.run)
            if container.status == "restarting":
                self._settle(container)

    # --- within

    async def _again(self, container: Container) -> None:
        await asyncio.sleep(container.pause)
        await self._start_again(container, "restarting")

    async def _start_again(self, container: Container, status: str) -> None:
        """Start it because its policy says so, when it is still as it was."""
        async with self.locked(container):
            if container.status != status or container.id not in self._all or self._closing:
                return
            try:
                await self._start(container)
            except WcowError:  # the container's ``error`` says it
                self._settle(container)

    def _settle(self, container: Container) -> None:
        """It was to start again, and will not."""
        container.status = "exited"
        self._remember(container)
        self._wake(container, container.exit_code)

    async def _try(self, container: Container, work: Callable[..., object], *args: object) -> None:
        """Do in a thread what cannot be done about when it fails but to say so."""
        try:
            await asyncio.to_thread(work, *args)
        except (WcowError, OSError) as error:
            LOG.warning("container %s: what its end needs failed", container.id, exc_info=error)
            container.error = str(error)

    async def _auto_remove(self, container: Container) -> None:
        try:
            await self.remove(container, force=True, volumes=True)
        except faults.NotFound:
            return  # a client was quicker
        except Exception as error:
            fault = error if isinstance(error, faults.Fault) else faults.Internal(f"container {container.id}: {error}")
            self._fail_waits(container, fault)  # the fault is in the container's ``error``, too
            LOG.warning("container %s cannot be removed", container.id, exc_info=error)

    def _wake(self, container: Container, code: int, *, removed: bool = False) -> None:
        for kind in ("removed", "ended") if removed else ("ended",):
            for future in self._waiters.pop(f"{kind} {container.id}", ()):
                if not future.done():
                    future.set_result(code)

    def _fail_waits(self, container: Container, fault: faults.Fault) -> None:
        """Tell the clients that wait for its removal why it cannot be removed."""
        for future in self._waiters.pop(f"removed {container.id}", ()):
            if not future.done():
                future.set_exception(fault)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @asynccontextmanager
    async def locked(self, container: Container) -> AsyncIterator[None]:
        """One start, removal or copy into a container at a time."""
        lock = self._locks.setdefault(container.id, asyncio.Lock())
        async with lock:
            yield
