# SPDX-License-Identifier: Apache-2.0
"""RUN of ``docker build``: a container of the engine executes the command, and what it changed becomes layers.

A step's image and container have the label of :mod:`...builder.run.label`. They are removed when the step, or the
build, is over; what an engine that was killed left of them is removed when the next one starts.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...dockerapi import faults, shapes
from ...dockerapi.jsonlines import Message
from ...dockerapi.versions import VersionRange
from ..containers.container import Container
from ..containers.create import create
from ..images.commit import Commitable
from ..streams.output import STDOUT
from ..streams.webproxy import WebProxy

if TYPE_CHECKING:
    from ..core import Engine


@dataclass(frozen=True, slots=True)
class StepLimits:
    """What a client's build call says of every RUN: its network, hosts and memory (bytes, 0 for no limit)."""

    network: str = ""
    hosts: tuple[str, ...] = ()
    memory: int = 0


@dataclass(frozen=True, slots=True)
class StepCall:
    """One RUN. ``image`` is the id of what it stands on; ``words``, ``escaped``, ``variables`` and ``network`` are
    those of :class:`~...builder.plan.plan.Execute`. ``proxy`` is the socket of an HTTP proxy, and what programs trust
    for it. ``volumes`` are its caches and the like, ``folders`` the ids of images that are shown, by Windows path.
    """

    image: str
    words: tuple[str, ...]
    escaped: bool = False
    variables: tuple[str, ...] = ()
    network: str = "default"
    limits: StepLimits = StepLimits()
    proxy: tuple[Path, bytes] | None = None
    volumes: tuple[shapes.Mount, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)


class CommandFault(faults.Internal):
    """The command of a RUN ended with another code than 0. Moby's sentence; ``docker build`` ends with the code."""

    def __init__(self, words: tuple[str, ...], code: int) -> None:
        super().__init__(f"The command '{' '.join(words)}' returned a non-zero code: {code}")
        self.line_code = code


Say = Callable[[Message], None]
Work = Callable[[Commitable], None]


class StepRunner:
    """Executes the commands of builds, whose threads call :meth:`begin`. Made on the engine's loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = asyncio.get_running_loop()

    def begin(self, call: StepCall, say: Say, commit: Work) -> Future[None]:
        """Run a command. ``say`` hears what it writes, and ``commit`` is called when it ended with 0, before its
        container goes; both in a thread. The future raises CommandFault, and the faults of a container that does not
        start; cancelled, it ends the container."""
        return asyncio.run_coroutine_threadsafe(self._run(call, say, commit), self._loop)

    async def _run(self, call: StepCall, say: Say, commit: Work) -> None:
        version = VersionRange().newest_version()
        container, _warnings = await create(self._engine, _request(call), name="", version=version)
        if call.proxy is not None:
            container.proxy = WebProxy(*call.proxy)
        container.folders = dict(call.folders)
        try:
            await asyncio.to_thread(say, Message(stream=f" ---> Running in {container.short}\n"))
            await self._follow(container, say)
            code = await (await self._engine.containers.wait(container)) & 0xFFFFFFFF
            if code:
                raise CommandFault(call.words, code)
            await self._engine.images.in_thread(commit, self._engine.commitable(container.id))
        finally:
            await asyncio.shield(self._engine.keep(self._remove(container)))
        await asyncio.to_thread(say, Message(stream=f" ---> Removed intermediate container {container.short}\n"))

    async def _follow(self, container: Container, say: Say) -> None:
        decode = {stdout: codecs.getincrementaldecoder("utf-8")("replace") for stdout in (True, False)}
        with container.output.held() as held:
            start = container.output.end
            await self._engine.containers.start(container)
            async for chunk in container.output.follow(start, held):
                if text := decode[chunk.stream == STDOUT].decode(chunk.data):
                    await asyncio.to_thread(say, Message(stream=text))
        for rest in decode.values():
            if text := rest.decode(b"", True):
                await asyncio.to_thread(say, Message(stream=text))

    async def _remove(self, container: Container) -> None:
        with suppress(faults.NotFound):  # a client was quicker
            await self._engine.containers.remove(container, force=True, volumes=True)


def _request(call: StepCall) -> shapes.CreateRequest:
    network = "none" if call.network == "none" else call.limits.network or "default"
    return shapes.CreateRequest(
        image=call.image, cmd=call.words, args_escaped=call.escaped, env=call.variables or None,
        attach_stdout=True, attach_stderr=True,
        host_config=shapes.HostConfig(network_mode=network, extra_hosts=call.limits.hosts or None,
                                      memory=call.limits.memory, mounts=call.volumes or None))


__all__ = ["CommandFault", "StepCall", "StepLimits", "StepRunner"]
