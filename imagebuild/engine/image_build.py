# SPDX-License-Identifier: Apache-2.0
"""``docker build`` by the classic builder's call: our own builder, told of as moby's tells.

Bases are pulled into the engine as the Windows engine picks them, and stay there, as with Docker. Nothing that a client
sends names a file of this machine. Lines and their order are those of moby ``builder/dockerfile/builder.go`` and
``api/server/backend/build``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import BinaryIO, NoReturn

from ..builder import BuildRequest, Built, Plan, Workshop
from ..builder.cache import Cache
from ..builder.execute import Build, Shared
from ..dockerapi import faults
from ..dockerapi.duration import moment_text
from ..dockerapi.jsonlines import Message
from ..errors import DockerfileError, UsageError
from ..events import Event, Finish, Step, Warn
from ..images.library import Found, Library
from ..images.rootfs import IndexCache
from ..oci import Location, Platform, Reference
from ..stores import Credentials, LayoutStore
from .image_layers import check_layers
from .image_names import short
from .image_pull import Wanted, pulled
from .image_stream import Say
from .images import Images

Bench = Callable[[Library, IndexCache, Cache, BinaryIO], Workshop]
"""Makes a workshop: library, indexes of layers, records of steps, and what ``-`` means. Whoever owns the engine decides
how a build reaches the network."""


@dataclass(frozen=True, slots=True)
class BuildCall:
    """One call: what is built, what it is called then, as whom bases are pulled. ``platform`` is what the client asked
    for; ``quiet`` says only the id."""

    request: BuildRequest
    names: tuple[Reference, ...]
    credentials: Credentials
    platform: Platform | None = None
    quiet: bool = False


def build(images: Images, call: BuildCall, context: BinaryIO, bench: Bench, say: Say) -> None:
    """Build an image and keep it under its names; the last lines say its id."""
    tell = _unheard if call.quiet else say
    with images.shelf.writing() as store, ExitStack() as stack:
        library = EngineLibrary(images, store, call, tell)
        shop = replace(bench(library, IndexCache(images.cache / "indexes"), Cache(images.cache / "steps"), context),
                       local=False)
        try:
            built = _run(Build(call.request, shop, Shared.open(call.request, shop, stack)), library, tell)
        except DockerfileError as error:
            if error.what.endswith("there is no Dockerfile"):
                raise faults.Internal(f"Cannot locate specified Dockerfile: {error.file}") from error
            raise
        check_layers(images.shelf, store, built.image, lambda layer, done: None, name="the image")
        kept = images.shelf.keep(store, built.descriptor, call.names, parent=library.parent_of(built),
                                 moment=moment_text(time.time_ns()))
    tell(Message(aux={"ID": str(kept.id)}))
    tell(Message(stream=f"Successfully built {short(kept.id)}\n"))
    for name in call.names:
        images.tell_of("tag", kept, name.familiar)
        tell(Message(stream=f"Successfully tagged {name.familiar}\n"))
    if call.quiet:
        say(Message(stream=f"{kept.id}\n"))


class EngineLibrary(Library):
    """Images by name for one build: the engine's own, or pulled into it first. Places that are no registry are refused.
    """

    def __init__(self, images: Images, local: LayoutStore, call: BuildCall, say: Say) -> None:
        super().__init__(local, _nowhere)
        self._images = images
        self._call = call
        self._say = say
        self.found: dict[str, str] = {}

    def find(self, name: str, platform: Platform, *, pull: bool = False, prefer: str = "") -> Found:
        """The image that FROM or COPY --from names."""
        location = Location.parse(name)
        if location.transport or location.reference is None:
            _nowhere(location)
        try:
            if pull:
                raise faults.NotFound(name)
            kept = self._images.get(name)
        except faults.NotFound:
            wanted = Wanted(location.reference, self._call.credentials, self._call.platform)
            kept = pulled(self._images, wanted, self._say)
        self.found[name] = str(kept.id)
        return Found(kept.image, self.local, name, location, kept.descriptor)

    def parent_of(self, built: Built) -> str:
        """The id of the image here that a built one stands on, the nearest; empty when it stands on none."""
        mine = built.image.diff_ids
        below = [found.image for found in built.bases if found.image.diff_ids == mine[:len(found.image.diff_ids)]]
        nearest = max(below, key=lambda image: len(image.diff_ids), default=None)
        parent = "" if nearest is None else str(nearest.manifest.config.digest)
        return "" if parent == built.image.manifest.config.digest else parent


def _run(work: Build, library: EngineLibrary, say: Say) -> Built:
    planning = work.plan()
    while True:
        try:
            next(planning)
        except StopIteration as end:
            plan: Plan = end.value
            break
    teller = _Teller(plan, library, say)
    running = work.run()
    while True:
        try:
            teller.hear(next(running))
        except StopIteration as end:
            built: Built = end.value
            teller.rest()
            return built
        except DockerfileError as error:
            teller.up_to(error.line)
            raise


class _Teller:
    """Says the instructions of a plan as the builder comes to them. It tells of layers only, so an instruction is said
    when the next layer begins, or the end comes."""

    def __init__(self, plan: Plan, library: EngineLibrary, say: Say) -> None:
        self._say = say
        self._library = library
        self._lines: list[tuple[str, int, str]] = []  # text, line, the layer it may make or the image it begins with
        for stage in plan.stages:
            base = getattr(stage.base, "name", "")
            self._lines.append((stage.place.text, stage.place.line, f"from {base}" if base else ""))
            layers = 0
            for step in stage.steps:
                makes = type(step).__name__ in ("MakeFolder", "Transfer")
                layers += makes
                self._lines.append((step.instruction.text, step.instruction.line,
                                    f"layer {stage.index}.{layers}" if makes else ""))
        self._done = 0

    def hear(self, event: Event) -> None:
        """One event of the build."""
        if isinstance(event, Warn):
            self._say(Message(stream=f"[Warning] {event.text}\n"))
        elif isinstance(event, Step) and event.id.startswith("layer "):
            numbers = [number for number, line in enumerate(self._lines) if line[2] == event.id]
            self._tell(numbers[0] + 1 if numbers else self._done)
        elif isinstance(event, Finish) and event.id.startswith("layer ") and event.note == "cached":
            self._say(Message(stream=" ---> Using cache\n"))

    def up_to(self, line: int) -> None:
        """The build failed there."""
        self._tell(max((number + 1 for number, said in enumerate(self._lines) if said[1] <= line), default=0))

    def rest(self) -> None:
        """The build is done."""
        self._tell(len(self._lines))

    def _tell(self, end: int) -> None:
        while self._done < end:
            text, _, about = self._lines[self._done]
            self._done += 1
            self._say(Message(stream=f"Step {self._done}/{len(self._lines)} : {text}\n"))
            identifier = self._library.found.get(about.removeprefix("from "), "")
            if identifier:
                self._say(Message(stream=f" ---> {short(identifier)}\n"))


def _nowhere(location: Location) -> NoReturn:
    raise UsageError(f"cannot read {location}", why="an engine takes images from its own store and from registries")


def _unheard(message: Message) -> None:
    """Nobody listens."""


__all__ = ["Bench", "BuildCall", "EngineLibrary", "build"]
