# SPDX-License-Identifier: Apache-2.0
"""The engine's images: found by any name, used by containers, told of in events.

What is done with them stands in the ``image_*`` modules beside this one; each is called in a thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ...builder.cache.cache import read_record
from ...builder.run.label import REPOSITORY, is_step
from ...dockerapi import faults
from ...errors import WcowError
from ...images.housekeeping import Caches, prune
from ...oci import Config, Digest
from ...runtime.snapshots.overlay import remove_path
from .. import threads
from ..events import Event, Events
from ..interfaces import Unpacked
from ..settings import EngineSettings
from ..turns import Turns
from .host import ImageHost
from .names import any_reference, missing
from .store import Kept, Shelf
from .transfer.registry import Registries
from .unpack import Ground, Unpacker

if TYPE_CHECKING:
    from ...builder.run.downloads import Downloads

P = ParamSpec("P")
R = TypeVar("R")


def _stopped(_unused: str) -> bool:
    return False


class Images:
    """The :class:`~..interfaces.ImagePart`.

    ``running`` says whether a container runs, for the words of a refusal; ``ground`` what images are unpacked over;
    ``build_tools`` what builds may use, ``powershell`` the folder that lies over the layers of a Windows that has
    PowerShell. The owner of the engine sets them. Everything but :meth:`in_thread`,
    :meth:`waiting` and :meth:`listen` may be called from any thread.
    """

    def __init__(self, settings: EngineSettings, events: Events, *, registries: Registries | None = None,
                 running: Callable[[str], bool] = _stopped, ground: Callable[[], Ground] | None = None,
                 build_tools: Downloads | None = None, powershell: Callable[[], Path] | None = None) -> None:
        self.settings = settings
        self.events = events
        self.registries = registries or Registries()
        self.host = ImageHost.of(settings)
        self.running = running
        self.ground = ground
        self.build_tools = build_tools
        self.powershell = powershell
        self.shelf = Shelf(settings.root, self.registries.anonymous)
        self.pruning = threading.Lock()
        self.building = Turns(settings.builds)
        self._unpacker = Unpacker(settings.root, self.cache / "indexes")
        self._used: dict[str, Digest] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def cache(self) -> Path:
        """The folder of what can be made again."""
        return self.settings.root / "cache"

    # --- the part that containers use -----------------------------------------------------------------------------

    def find(self, reference: str) -> tuple[str, Config]:
        """See :class:`~..interfaces.ImagePart`."""
        kept = self.get(reference)
        if kept.image.config.os != "windows":
            raise faults.BadRequest("operating system is not supported")
        return str(kept.id), kept.image.config

    def unpack(self, identifier: str) -> Unpacked:
        """See :class:`~..interfaces.ImagePart`."""
        if self.ground is None:
            raise faults.Internal("this engine has no sandbox to run images in")
        wanted, ground = Digest.parse(identifier), self.ground()
        kept = self.shelf.all().get(wanted)
        if kept is not None:
            return self._with_powershell(self._unpacker.unpack(kept, self.shelf.store, ground))
        known = self._unpacker.known(wanted, ground)
        if known is None:  # else removed by force while a stopped container stood on it
            raise missing(wanted)
        return self._with_powershell(known)

    def _with_powershell(self, unpacked: Unpacked) -> Unpacked:
        """Put the stand-in for Windows PowerShell above the layers of a Windows that has it."""
        if not unpacked.powershell or self.powershell is None:
            return unpacked
        try:
            layer = self.powershell()
        except WcowError as error:
            raise faults.Internal(str(error)) from error
        at = unpacked.windows
        return replace(unpacked, layers=(*unpacked.layers[:at], layer, *unpacked.layers[at:]))

    def use(self, identifier: str, container: str) -> None:
        """See :class:`~..interfaces.ImagePart`."""
        self._used[container] = Digest.parse(identifier)

    def release(self, container: str) -> None:
        """See :class:`~..interfaces.ImagePart`."""
        self._used.pop(container, None)

    # --- for the operations ---------------------------------------------------------------------------------------

    def get(self, reference: str) -> Kept:
        """The image that a client calls so: by name, digest, id or the beginning of one. NotFound, BadRequest."""
        wanted = any_reference(reference)
        if isinstance(wanted, Digest):
            kept = self.shelf.all().get(wanted)
        else:
            kept = self.shelf.by_name(wanted) or self.shelf.by_prefix(reference)
        if kept is None:
            raise missing(wanted)
        return kept

    def users(self, identifier: Digest) -> list[str]:
        """The containers that stand on an image."""
        return [container for container, used in tuple(self._used.items()) if used == identifier]

    def tidy(self) -> None:
        """Free what an engine that was killed left half written: contexts and archives in ``tmp``, drafts, blobs of a
        pull, load, commit or build that came to no image, and images of a build's steps. For an engine that starts.
        Layers that a build step would find again stay, and what a living process relies on
        (``docs/decisions/0019-leases.md``)."""
        temporary = self.settings.root / "tmp"
        with suppress(OSError):  # a program of this machine works in there
            remove_path(temporary)
        temporary.mkdir(exist_ok=True, mode=0o700)
        for folder in (self.cache / "indexes", self.cache / "steps"):
            for draft in folder.glob(".*"):  # written by this engine's threads alone
                draft.unlink(missing_ok=True)
        with suppress(WcowError):  # a damaged image is told when it is asked for
            for kept in tuple(self.shelf.all().values()):
                ours = all(name.repository.startswith(f"{REPOSITORY}/") for name in kept.names)
                if ours and is_step(dict(kept.image.config.run.labels)):
                    self.shelf.remove(kept)
            prune(self.shelf.store, Caches(self.cache / "indexes", self.cache / "steps", self.cache / "stat",
                                           read_record))

    def clear_unpacked(self) -> None:
        """Free what was unpacked of images that are gone and that no container stands on."""
        self._unpacker.clear({*self.shelf.all(), *self._used.values()})

    def tell(self, action: str, actor: str, *, name: str = "", labels: Mapping[str, str] | None = None,
             **attributes: str) -> None:
        """An event about an image; its labels are attributes of it."""
        said = {**(labels or {}), **attributes, **({"name": name} if name else {})}
        event = Event("image", action, actor, said)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self.events.publish, event)
                return
        self.events.publish(event)

    def tell_of(self, action: str, kept: Kept, name: str = "") -> None:
        """An event about an image that is known by its id."""
        self.tell(action, str(kept.id), name=name or str(kept.id), labels=dict(kept.image.config.run.labels))

    async def in_thread(self, work: Callable[P, R], /, *args: P.args, **named: P.kwargs) -> R:
        """Do blocking work in a thread, from where it may :meth:`tell`."""
        self._loop = asyncio.get_running_loop()
        return await asyncio.to_thread(work, *args, **named)

    async def waiting(self, work: Callable[P, R], /, *args: P.args, **named: P.kwargs) -> R:
        """The same for what waits for a registry as long as that likes."""
        self._loop = asyncio.get_running_loop()
        return await threads.begin(partial(work, *args, **named))

    def listen(self) -> None:
        """From now on threads :meth:`tell` the loop that runs here."""
        self._loop = asyncio.get_running_loop()


__all__ = ["Images"]
