# SPDX-License-Identifier: Apache-2.0
"""Volumes: folders that outlive containers, known by name.

Below ``root/volumes`` each has a folder with ``_data`` and ``volume.json``. Names are lower-cased, for on NTFS ``Data``
and ``data`` are one folder. Nothing of an image is copied into a new volume. Sources: moby 26.1
``volume/service/{service,store,convert}.go``, ``store_windows.go``, ``volume/local/local.go``, ``local_windows.go``.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...dockerapi import Filters, faults, shapes
from ...errors import StoreError
from ...runtime.linux.account import choose
from ...runtime.snapshots import overlay
from .. import bounds, modes
from ..events import Event, Events
from ..files import full, read_document, write_document
from ..gotext import quoted
from ..settings import EngineSettings
from .mounts import mountpoint
from .mountspec import check_volume_name

ANONYMOUS = "com.docker.volume.anonymous"
"""The label of volumes that nobody gave a name."""

VERSION = 1
"""Of ``volume.json``."""

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_GONE = ".gone-"


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume. ``created`` is nanoseconds since 1970; ``made_for`` the container that it was made for without a
    name, which takes it along when it is removed with its volumes."""

    name: str
    folder: Path
    created: int
    labels: Mapping[str, str] | None = None
    made_for: str = ""

    @property
    def data(self) -> Path:
        """The folder that containers see."""
        return self.folder / "_data"

    def shape(self) -> shapes.Volume:
        """As clients see it."""
        created = datetime.fromtimestamp(self.created // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return shapes.Volume(created_at=created, driver="local", labels=self.labels, mountpoint=mountpoint(self.name),
                             name=self.name, scope="local")


@dataclass(slots=True, eq=False)
class Volumes:
    """Every volume of an engine. Who uses one is not kept on disk: an engine that starts is told again with
    :meth:`use`. Methods may be called from any thread."""

    settings: EngineSettings
    events: Events
    _all: dict[str, Volume] = field(default_factory=dict)
    _users: dict[str, set[str]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _pruning: threading.Lock = field(default_factory=threading.Lock)
    _loop: asyncio.AbstractEventLoop | None = None

    def __post_init__(self) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:  # made outside a loop, which a thread's events would be handed to
            self._loop = None
        self._root.mkdir(parents=True, exist_ok=True)
        for folder in sorted(self._root.iterdir()):
            if folder.name.startswith(_GONE):
                _discard(folder)
            elif _NAME.fullmatch(folder.name) and (folder / "_data").is_dir():
                self._all[folder.name] = _load(folder)

    @property
    def _root(self) -> Path:
        return self.settings.root / "volumes"

    # --- for containers

    def use(self, name: str, container: str, *, driver: str = "", labels: Mapping[str, str] | None = None,
            anonymous: bool = False) -> Path:
        """See :class:`~..interfaces.VolumePart`."""
        with self._lock:
            volume = self.create(name, driver=driver, labels=dict(labels) if labels else None,
                                 made_for=container if anonymous else "")
            self._users.setdefault(volume.name, set()).add(container)
            return volume.data

    def release(self, container: str, *, remove_anonymous: bool = False) -> None:
        """See :class:`~..interfaces.VolumePart`."""
        with self._lock:
            for name, users in list(self._users.items()):
                users.discard(container)
                if not users:
                    del self._users[name]
            if remove_anonymous:
                for volume in [one for one in self._all.values() if one.made_for == container]:
                    if volume.name not in self._users:
                        self._remove(volume)

    # --- for clients

    def find(self, name: str) -> Volume:
        """A volume by its name, in any case."""
        try:
            return self._all[name.lower()]
        except KeyError:
            raise faults.no_such_volume(name.lower()) from None

    def create(self, name: str = "", *, driver: str = "", labels: Mapping[str, str] | None = None,
               options: Mapping[str, str] | None = None, made_for: str = "") -> Volume:
        """A new volume, or the one that has the name already, as it is."""
        if not name or made_for:
            labels = {**(labels or {}), ANONYMOUS: ""}
        name = (name or secrets.token_hex(32)).lower()
        why = check_volume_name(name)
        if why:
            raise faults.Internal(f"create {name}: {why}")
        bounds.check_labels(labels)
        if driver not in ("", "local"):
            raise faults.NotFound(f"create {name}: error looking up volume plugin {driver}: plugin {quoted(driver)} "
                                  "not found")
        with self._lock:
            if name in self._all:
                return self._all[name]
            _check_new(name, options)
            volume = Volume(name, self._root / name, time.time_ns(), labels, made_for)
            _make(volume)
            self._all[name] = volume
        self._tell("create", name, driver="local")
        return volume

    def remove(self, name: str, *, force: bool = False) -> None:
        """Remove a volume that no container has. ``force`` only forgives one that is not there."""
        with self._lock:
            if force and name.lower() not in self._all:
                return
            volume = self.find(name)
            users = self._users.get(volume.name)
            if users:
                raise faults.volume_in_use(volume.name, tuple(sorted(users)))
            self._remove(volume)

    def list(self, filters: Filters) -> tuple[shapes.Volume, ...]:
        """Volumes by name, filtered by ``dangling``, ``driver``, ``label`` and ``name``."""
        filters.check(("dangling", "driver", "label", "name"))
        dangling = filters.flag("dangling") if "dangling" in filters else None
        with self._lock:
            return tuple(one.shape() for one in self._sorted()
                         if filters.exact("driver", "local") and filters.match("name", one.name)
                         and filters.labels(one.labels)
                         and (dangling is None or dangling is (one.name not in self._users)))

    def prune(self, filters: Filters, *, everything: bool = False) -> shapes.VolumesPruned:
        """Remove what no container has: of volumes without a name, or ``everything``, those the filters leave."""
        if not self._pruning.acquire(blocking=False):
            raise faults.Conflict("a prune operation is already running")
        try:
            everything = _asks_for_all(filters) or everything
            filters.check(("all", "label", "label!"))
            gone, freed = [], 0
            for volume in self._sorted():
                if not (everything or ANONYMOUS in (volume.labels or {})) or not filters.labels(volume.labels) \
                        or not filters.without_labels(volume.labels) or volume.name in self._users:
                    continue
                size = size_of(volume.data)
                with self._lock:
                    if volume.name in self._users or self._all.get(volume.name) is not volume:
                        continue
                    self._remove(volume)
                gone.append(volume.name)
                freed += size
        finally:
            self._pruning.release()
        self._tell("prune", "", reclaimed=str(freed))
        return shapes.VolumesPruned(deleted=tuple(gone), space_reclaimed=freed)

    def usage(self) -> tuple[shapes.Volume, ...]:
        """Every volume with its size and how many containers have it. Blocks while it counts."""
        return tuple(replace(one.shape(), usage_data=shapes.VolumeUsage(
            ref_count=len(self._users.get(one.name, ())), size=size_of(one.data))) for one in self._sorted())

    def _sorted(self) -> tuple[Volume, ...]:
        with self._lock:
            return tuple(sorted(self._all.values(), key=lambda one: one.name))

    def _remove(self, volume: Volume) -> None:
        """Renamed first, so that it is whole or gone whenever the engine ends; deleted beside."""
        place = self._root / f"{_GONE}{secrets.token_hex(8)}"
        try:
            volume.folder.rename(place)
        except FileNotFoundError:
            pass  # somebody took it away by hand, and now nobody misses it
        except OSError as error:
            raise faults.Internal(f"remove {volume.name}: error removing volume path: {error.strerror}") from error
        del self._all[volume.name]
        threading.Thread(target=_discard, args=(place,), daemon=True).start()
        self._tell("destroy", volume.name, driver="local")

    def _tell(self, action: str, name: str, **attributes: str) -> None:
        event = Event("volume", action, name, attributes)
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # called from a thread: the loop publishes it
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self.events.publish, event)
                return
        self.events.publish(event)


def _check_new(name: str, options: Mapping[str, str] | None) -> None:
    """The local driver's own rules."""
    if len(name) == 1:
        raise faults.BadRequest(f"create {name}: volume name is too short, names should be at least two alphanumeric "
                                "characters")
    if not _NAME.fullmatch(name):
        raise faults.BadRequest(f"create {name}: {faults.bad_volume_name(name).message}")
    if options:
        raise faults.BadRequest(f"create {name}: options are not supported on this platform")


def _make(volume: Volume) -> None:
    """The folder of a volume, whole or not there."""
    draft = volume.folder.with_name(f"{_GONE}{secrets.token_hex(8)}")
    try:
        data = modes.make(draft) / "_data"
        data.mkdir(mode=0o755)
        choose().own(data)
        write_document(draft / "volume.json", {"version": VERSION, "created": volume.created, "labels": volume.labels,
                                               "made_for": volume.made_for})
        draft.rename(volume.folder)
    except (OSError, StoreError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, StoreError):
            raise full(error) from error
        raise faults.Internal(f"create {volume.name}: error while creating volume root path: "
                              f"{error.strerror}") from error


def _load(folder: Path) -> Volume:
    """A volume of an earlier engine. One without a readable document is a volume still: its data counts."""
    document: Any = read_document(folder / "volume.json")
    if not isinstance(document, dict):
        document = {}
    created, labels, made_for = document.get("created"), document.get("labels"), document.get("made_for")
    known = isinstance(created, int) and 0 <= created < 1 << 62
    return Volume(folder.name, folder, created if known else folder.stat().st_mtime_ns,
                  {str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else None,
                  made_for if isinstance(made_for, str) else "")


def _asks_for_all(filters: Filters) -> bool:
    values = filters.get("all")
    if len(values) > 1:
        raise faults.BadRequest(f"invalid filter 'all=[{' '.join(values)}]': only one value is expected")
    if not values:
        return False
    if values[0] in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if values[0] in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise faults.BadRequest(f"invalid filter 'all': strconv.ParseBool: parsing {quoted(values[0])}: invalid syntax")


def size_of(folder: Path) -> int:
    """The bytes of the files below a folder, each counted once; what cannot be looked at counts nothing."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for about in overlay.sizes(folder):
        if about.st_nlink > 1:
            if (about.st_dev, about.st_ino) in seen:
                continue
            seen.add((about.st_dev, about.st_ino))
        total += about.st_size
    return total


def _discard(folder: Path) -> None:
    """Delete a folder that has no name any more, also where a program took our rights away."""
    with suppress(OSError):  # the next start of the engine tries again
        overlay.remove_path(folder)
