# SPDX-License-Identifier: Apache-2.0
"""The process that one ``docker build`` runs in: our own builder over the engine's layout of images.

The context comes on standard input, everything else goes over a channel (:mod:`.channel`). The process has a
memory limit and is killed with the thread of the engine that started it, so that a build which eats processor or memory
harms itself alone. What it half wrote is that of any killed writer: drafts without a lock and a lease without a holder,
which the stores free. Nothing that a client sends names a file of this machine.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import signal
import socket
import sys
from collections.abc import Generator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from ...builder import BuildRequest, Built, Workshop
from ...builder.cache.cache import Cache, RunLayer
from ...builder.execute.execute import Build, Shared
from ...builder.plan.mounts import host_config
from ...builder.plan.plan import Execute
from ...builder.plan.secrets import Secrets
from ...builder.run.blobs import Blobs
from ...builder.run.downloads import Downloads
from ...builder.run.layers import seen_by_command
from ...builder.run.runner import Downloaded
from ...dockerapi import faults
from ...dockerapi.jsonlines import Message
from ...errors import DockerfileError, UsageError
from ...events import Event
from ...images.inspect.rootfs import IndexCache
from ...images.library import Found, Library
from ...images.put import put_image
from ...oci import Descriptor, Digest, Image, Location, Platform
from ...stores import LayoutStore
from ..images.layers import check_layer
from ..images.store import load_image
from . import steps as build_steps
from .channel import Channel, Ended, told

_PDEATHSIG = 1


def main(channel: int, parent: int, memory: int) -> None:
    """Build what the channel asks for, and tell it how that went. ``memory`` is in bytes, 0 for no limit."""
    _limit(parent, memory)
    with socket.socket(fileno=channel) as end:
        talk = Channel(end)
        try:
            _build(talk, talk.receive()["build"], sys.stdin.buffer)
        except Ended:
            os._exit(1)  # nobody waits: not even for the threads of a pool
        except BaseException as error:
            _tell(talk, (500, no_memory(memory)) if _lacks_memory(error) else told(error))


def no_memory(limit: int) -> str:
    """What is said of a build that met its limit."""
    return (f"the build needs more memory than it may use ({limit >> 20} MiB): "
            "'wcow engine start --build-memory' sets what a build may use")


def _lacks_memory(error: BaseException | None) -> bool:
    """Whether there was no memory for an object, a mapping or a thread's stack, under whatever name that is told."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:  # an error may be its own cause
        seen.add(id(error))
        if isinstance(error, MemoryError) or getattr(error, "errno", 0) == errno.ENOMEM \
                or str(error).startswith(("can't start new thread", "failed to map segment")):
            return True
        error = error.__cause__ or error.__context__
    return False


def _tell(talk: Channel, fault: tuple[int, str]) -> None:
    with suppress(Ended):  # the engine is gone, and with it the client
        talk.send(fault=fault)


def _limit(parent: int, memory: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory:
        with suppress(ValueError, OSError):  # a lower limit is there already
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _build(talk: Channel, asked: dict[str, Any], context: BinaryIO) -> None:
    root, cache = Path(asked["images"]), Path(asked["cache"])

    def say(message: Message) -> None:
        if not asked["quiet"]:
            talk.send(say=message.document())

    with LayoutStore(root, create=True, durable=True, opener=lambda location: _Promised(talk, root)) as store, \
            ExitStack() as stack:
        library = EngineLibrary(talk, store)
        fetcher = Downloads.from_json(asked["downloads"]).fetcher()
        shop = Workshop(library, IndexCache(cache / "indexes"), Cache(cache / "steps"), fetcher, None, context,
                        local=False, runner=_ChannelRunner(talk, store))
        request = _request(asked)
        try:
            built = build_steps.run(Build(request, shop, Shared.open(request, shop, stack)), library.ids, say)
        except DockerfileError as error:
            if error.what.endswith("there is no Dockerfile"):
                raise faults.Internal(f"Cannot locate specified Dockerfile: {error.file}") from error
            raise
        answer = talk.ask(built=built.descriptor.to_json(), parent=library.parent_of(built))
        sizes = {}
        for number in answer["check"]:
            layer, diff_id = built.image.layers[number], built.image.diff_ids[number]
            sizes[str(diff_id)] = check_layer(store, layer, diff_id, number, lambda layer, done: None, "the image")
        talk.ask(sizes=sizes)  # the lease ends when the engine has given the image its name, and not before


class _ChannelRunner:
    """Has RUN executed by the engine, whose containers stand on images of the same layout: no layer is moved."""

    fetched: Downloaded = None

    def __init__(self, talk: Channel, layout: LayoutStore) -> None:
        self._talk, self._layout = talk, layout

    def counts(self, _step: Execute, _fetched: object) -> bool:
        """See :class:`~...builder.run.runner.Runner`."""
        return True

    def execute(self, image: Image, _blobs: Blobs, step: Execute, _name: str
                ) -> Generator[Event, None, list[RunLayer]]:
        """See :class:`~...builder.run.runner.Runner`. What the command writes is told by the engine."""
        Secrets().given(step.secrets)  # what has to be there is not: the classic builder's call has no secrets
        descriptor = put_image(self._layout, seen_by_command(image))
        folders = {one.target: put_image(self._layout, seen_by_command(one.image)).to_json()
                   for one in step.mounts if one.image}
        answer = self._talk.ask(run={
            "image": descriptor.to_json(), "words": step.words, "escaped": step.escaped, "variables": step.variables,
            "network": step.network, "mounts": host_config(step.mounts, {}).get("Mounts", []),
            "folders": folders})
        yield from ()
        return [RunLayer(int(one["position"]), Descriptor.from_json(one["descriptor"]), Digest.parse(one["diff_id"]))
                for one in answer["layers"]]


def _request(asked: dict[str, Any]) -> BuildRequest:
    fields: dict[str, Any] = {name: tuple(map(tuple, value)) if isinstance(value, list) else value
                              for name, value in asked["request"].items()}
    return BuildRequest(**fields)


class EngineLibrary(Library):
    """Images by name for one build: the engine's own, which it pulls first if it has to. Places that are no registry
    are refused."""

    def __init__(self, talk: Channel, local: LayoutStore) -> None:
        super().__init__(local, _nowhere)
        self._talk = talk
        self._layout = local
        self.ids: dict[str, str] = {}

    def find(self, name: str, platform: Platform, *, pull: bool = False, prefer: str = "") -> Found:
        """The image that FROM or COPY --from names."""
        location = Location.parse(name)
        if location.transport or location.reference is None:
            _nowhere(location)
        answer = self._talk.ask(find=name, pull=pull)
        descriptor = Descriptor.from_json(answer["descriptor"])
        self.ids[name] = answer["id"]
        return Found(load_image(self._layout, descriptor), self.local, name, location, descriptor)

    def parent_of(self, built: Built) -> str:
        """The id of the image here that a built one stands on, the nearest; empty when it stands on none."""
        mine = built.image.diff_ids
        below = [found.image for found in built.bases if found.image.diff_ids == mine[:len(found.image.diff_ids)]]
        nearest = max(below, key=lambda image: len(image.diff_ids), default=None)
        parent = "" if nearest is None else str(nearest.manifest.config.digest)
        return "" if parent == built.image.manifest.config.digest else parent


class _Promised(LayoutStore):
    """A registry, as far as blobs go that the layout only promises: the engine, which has its certificates and mirrors,
    brings them into the layout."""

    def __init__(self, talk: Channel, path: Path) -> None:
        super().__init__(path)
        self._talk = talk

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        """See :class:`~...stores.port.Store`."""
        self._talk.ask(blob=descriptor.to_json())
        return super().open_blob(descriptor, offset=offset)


def _nowhere(location: Location) -> NoReturn:
    raise UsageError(f"cannot read {location}", why="an engine takes images from its own store and from registries")
