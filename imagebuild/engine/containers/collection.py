# SPDX-License-Identifier: Apache-2.0
"""All containers of the engine as records: found by name, id or its beginning, made, renamed, read from the disk."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...builder.run.label import is_step
from ...dockerapi import faults, shapes
from ...dockerapi.names import check_container_name, new_id, random_name
from ...errors import StoreError, WcowError
from ...runtime.port import KILLED
from ...runtime.snapshots import overlay
from .. import modes
from ..events import Event, Events
from ..files import sweep
from ..interfaces import ImagePart, NetworkPart, VolumePart
from .container import RECORD, Container

if TYPE_CHECKING:
    from ..settings import EngineSettings


LOG = logging.getLogger("wcow.engine.containers")


class Collection:
    """The records. Used on the engine's loop; nothing here waits for anything but the disk."""

    def __init__(self, settings: EngineSettings, events: Events, images: ImagePart, volumes: VolumePart,
                 networks: NetworkPart) -> None:
        self._settings = settings
        self._events = events
        self._images = images
        self._volumes = volumes
        self._networks = networks
        self._folder = settings.root / "containers"
        self._all: dict[str, Container] = {}

    # --- finding

    def __iter__(self) -> Iterator[Container]:
        return iter(tuple(self._all.values()))

    def find(self, reference: str) -> Container:
        """By id, by name, or by a beginning of the id that fits one only."""
        if reference in self._all:
            return self._all[reference]
        name = reference.removeprefix("/")
        found = [one for one in self if one.name == name]
        if not found and name:
            found = [one for one in self if one.id.startswith(name)]
            if len(found) > 1:
                raise faults.BadRequest(f"multiple IDs found with provided prefix: {name}")
        if not found:
            raise faults.no_such_container(reference)
        return found[0]

    def load(self) -> None:
        """What an earlier engine left: containers that ran are reported as ended, halves of containers removed. One
        whose record is there and cannot be read (a damaged disk, an engine of another version) keeps its folder, and
        the log names it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for folder in sorted(self._folder.iterdir()):
            container = Container.load(folder)
            sweep(folder)
            if container is None and os.path.lexists(folder / RECORD):
                LOG.warning("a container is left out, for its record cannot be read: %s", folder / RECORD)
                continue
            if container is None or container.status == "removing" or is_step(container.config.labels):
                with suppress(OSError, WcowError):  # the next start tries again
                    clear(folder)
                continue
            if container.status == "running":
                container.exit_code, container.finished = KILLED, time.time_ns()
            if container.status in ("running", "restarting"):
                container.status = "exited"
                self._remember(container)
            self._all[container.id] = container
            self._images.use(container.image, container.id)
            for mount in container.mounts:
                if mount.type == "volume":
                    self._volumes.use(mount.name, container.id)

    # --- making

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
        container = Container(identifier, name, folder, time.time_ns(), image, config, host, dict(networks), mounts,
                              command)
        try:
            modes.make(folder)
            container.save(sync=True)
        except (OSError, StoreError) as error:
            with suppress(OSError, WcowError):
                clear(folder)
            raise faults.of_error(error) from error
        self._all[identifier] = container
        self._images.use(image, identifier)
        self._tell(container, "create")
        return container

    def rename(self, container: Container, name: str) -> None:
        """Another name. Conflict when it is taken, BadRequest when it cannot be one."""
        self.check_there(container)
        if name.removeprefix("/") == container.name:
            raise faults.BadRequest("Renaming a container with the same name as its current name")
        try:
            name = check_container_name(f"/{name.removeprefix('/')}")
            self._free(name)
        except faults.Fault as fault:
            raise type(fault)(f"Error when allocating new name: {fault.message}") from None
        old, container.name = container.name, name
        try:
            container.save(sync=True)
        except StoreError:
            container.name = old
            raise
        self._tell(container, "rename", oldName=f"/{old}")

    def check_there(self, container: Container) -> None:
        """NotFound for one that is being removed: nothing may be written into its folder any more."""
        if container.status == "removing" or container.id not in self._all:
            raise faults.no_such_container(container.id)

    # --- within

    def _free(self, name: str) -> None:
        for other in self:
            if other.name == name:
                raise faults.name_in_use(name, other.id)

    def _tell(self, container: Container, action: str, **more: str) -> None:
        self._events.publish(Event("container", action, container.id, {**container.attributes(), **more}))

    def _remember(self, container: Container) -> None:
        """Write the record down where things must go on without it, too: a full disk must not keep a container from
        ending or from being removed."""
        try:
            container.save()
        except StoreError as error:
            LOG.warning("container %s: its state is not written down: %s", container.id, error)


def clear(folder: Path) -> None:
    """Remove a container's folder with what its programs left there, never through a link of theirs. Its record goes
    first: what is left by an engine that is killed here is no container (:meth:`Collection.load`)."""
    with suppress(FileNotFoundError, NotADirectoryError):
        (folder / RECORD).unlink()
    overlay.remove_path(folder)
