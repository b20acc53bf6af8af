# SPDX-License-Identifier: Apache-2.0
r"""The registry of an image, as a container would see it: hives of the base, deltas of the layers above it, profiles.

::

    registry = Registry(Rootfs(image, store, cache))
    key = follow(registry.find(r"HKLM\SYSTEM\CurrentControlSet\Services"))

A layer's index keeps its hives, so a base is read once in its life; a user's hive is fetched from its layer.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory

from ...errors import FormatError, NotFoundError, UnsupportedError
from ...events import Event
from ...hive import Hive, KeyLike, Union, find, read, resolve_control_set
from ...hive.places import HIVES, MACHINE, HiveName, Place, place_of
from ...layer import Index, Kind
from ...oci.digest import Digest
from ...windows.sid import WELL_KNOWN
from ...windows.upcase import fold
from ..inspect.rootfs import Rootfs

CONFIG = "Files/Windows/System32/config"
PROFILE_LIST = r"Microsoft\Windows NT\CurrentVersion\ProfileList"
USER_HIVE = "NTUSER.DAT"
CLASSES_HIVE = "AppData/Local/Microsoft/Windows/UsrClass.dat"
DEFAULT_PROFILE = "Files/Users/Default"
Hives = dict[tuple[Digest, str], Hive]
"""Hives that are open, by layer and path in it."""
_ADMINISTRATOR = "ContainerAdministrator"
_SERVICES = {"S-1-5-19": "Files/Windows/ServiceProfiles/LocalService",
             "S-1-5-20": "Files/Windows/ServiceProfiles/NetworkService"}


class Registry:
    """The registry of the image behind ``rootfs``.

    ``user`` is the account or SID whose hive HKEY_CURRENT_USER is; by default whom the image runs as. Registries that
    are given one dict of ``hives`` have a hive of a layer that both images stand on in common: it is read once, and
    its keys are the same for both. Methods are generators of events that return their answer: reading a base for the
    first time takes a while.
    """

    def __init__(self, rootfs: Rootfs, *, user: str = "", hives: Hives | None = None) -> None:
        self._rootfs = rootfs
        self._user = user
        self._hives: Hives = {} if hives is None else hives
        self._roots: dict[HiveName, KeyLike] = {}

    def find(self, path: str) -> Generator[Event, None, KeyLike | None]:
        r"""The key at a path that begins with a root (``HKLM\SYSTEM\Select``); None where there is none."""
        place = yield from self.place(path)
        root = yield from self.root(place.hive)
        return find(root, place.path)

    def place(self, path: str) -> Generator[Event, None, Place]:
        """Where a key lies, with CurrentControlSet resolved to the set that is current."""
        place = place_of(path)
        if place.hive == HIVES["SYSTEM"]:
            root = yield from self.root(place.hive)
            place = Place(place.hive, resolve_control_set(root, place.path))
        return place

    def root(self, hive: HiveName) -> Generator[Event, None, KeyLike]:
        """The root key of a hive; NotFoundError when the image has no such hive."""
        if hive not in self._roots:
            yield from self._rootfs.prepare()
            self._roots[hive] = self._machine(hive) if hive.kind == "machine" else (yield from self._profile(hive))
        return self._roots[hive]

    def layers_with(self, hive: HiveName) -> list[int]:
        """The numbers of the layers that have a delta for the hive, the lowest first."""
        return [number for number, index in enumerate(self._indexes()) if number
                and index.get(f"Hives/{hive.delta()}") is not None]

    def sources(self, hive: HiveName) -> list[tuple[int, str]]:
        """Where a machine's hive comes from: layers and paths in them, the base's first; none where nobody has a word
        to say of it. The image's index is there already (:meth:`~..inspect.rootfs.Rootfs.prepare`)."""
        base = f"{CONFIG}/{hive.name}"
        found = [(0, base)] if self._indexes() and self._indexes()[0].get(base) is not None else []
        return found + [(number, f"Hives/{hive.delta()}") for number in self.layers_with(hive)]

    def file_of(self, hive: HiveName) -> Generator[Event, None, str]:
        """The layer path of a user's hive, whether or not there is such a file."""
        name = USER_HIVE if hive.kind == "user" else CLASSES_HIVE
        folder = yield from self._profile_folder(hive.name)
        return f"{folder}/{name}"

    def template_of(self, hive: HiveName) -> str:
        """The layer path of the hive that a new profile's is a copy of."""
        return f"{DEFAULT_PROFILE}/{USER_HIVE if hive.kind == 'user' else CLASSES_HIVE}"

    def _indexes(self) -> tuple[Index, ...]:
        return self._rootfs.union().indexes

    def _machine(self, hive: HiveName) -> KeyLike:
        """A machine's hive: the base's, with the deltas of all layers laid over it."""
        base = self._content(0, f"{CONFIG}/{hive.name}")
        if base is None:
            raise NotFoundError(f"cannot read {hive.root} of {self._rootfs.name or 'the image'}",
                                why=f"its base has no {CONFIG}/{hive.name}",
                                hint="is it a Windows image, with its base as the lowest layer?")
        deltas = []
        for number in self.layers_with(hive):
            delta = self._content(number, f"Hives/{MACHINE[hive.name]}")
            if delta is not None:
                deltas.append(delta.root)
        return Union(base.root, *deltas).root

    def delta(self, hive: HiveName, layer: int) -> Hive | None:
        """What one layer's delta holds, tombstones included; of the base, the hive itself."""
        path = f"Hives/{hive.delta()}" if layer else f"{CONFIG}/{hive.name}"
        return self._content(layer, path)

    def _content(self, layer: int, path: str) -> Hive | None:
        index = self._indexes()[layer]
        entry = index.get(path)
        if entry is None or entry.kind not in (Kind.FILE, Kind.HARD_LINK):
            return None
        key = (self._rootfs.image.diff_ids[layer], fold(path))
        if key in self._hives:
            return self._hives[key]
        content = index.kept(path)
        source = f"{path} of layer {layer} of {self._rootfs.name}".removesuffix(" of ")
        if content is None:
            raise UnsupportedError(f"cannot read {source}", why=f"it is a {entry.kind.value} of {entry.size} bytes, "
                                   "whose content is not kept with the layer's index")
        self._hives[key] = opened = _opened(content, source)
        return opened

    def _profile(self, hive: HiveName) -> Generator[Event, None, KeyLike]:
        """A user's hive: a file of the profile, or of the profile that new ones are made from."""
        path = yield from self.file_of(hive)
        for candidate in (path, self.template_of(hive)):
            if self._rootfs.union().get(candidate) is not None:
                with TemporaryDirectory(prefix="wcow-", ignore_cleanup_errors=True) as folder:
                    files = yield from self._rootfs.fetch((candidate,), Path(folder))
                    content = files[candidate].read_bytes()
                return _opened(content, f"{candidate} of {self._rootfs.name}").root
        raise NotFoundError(f"cannot read {hive.root} of {self._rootfs.name or 'the image'}",
                            why=f"it has neither {path} nor {self.template_of(hive)}",
                            hint="name another user with --user")

    def _profile_folder(self, user: str) -> Generator[Event, None, str]:
        """The layer path of a user's profile, by SID or account."""
        yield from self._rootfs.prepare()
        user = user or self._user or self._rootfs.image.config.run.user.rpartition("\\")[2] or _ADMINISTRATOR
        known = {str(account.sid): account.name for account in WELL_KNOWN}
        if not user.upper().startswith("S-1-"):
            return f"Files/Users/{user}"
        sid = user.upper()
        if sid in _SERVICES:
            return _SERVICES[sid]
        software = yield from self.root(HIVES["SOFTWARE"])
        profile = find(software, f"{PROFILE_LIST}\\{sid}")
        value = profile.values.get("ProfileImagePath") if profile is not None else None
        if value is not None:
            drive, _unused, path = value.text().partition("\\")
            if fold(drive) in ("C:", "%SYSTEMDRIVE%"):
                return "Files/" + path.replace("\\", "/")
        if sid in known:
            return f"Files/Users/{known[sid]}"
        raise NotFoundError(f"cannot find the profile of {sid} in {self._rootfs.name or 'the image'}",
                            why=f"{PROFILE_LIST} of its registry has no such key",
                            hint="name the account instead, with --user and HKCU")


def _opened(content: bytes, source: str) -> Hive:
    """A hive of an image; one that was not closed cleanly is read as it stands on disk."""
    try:
        return read(content, source=source)
    except FormatError as error:
        error.hint = error.hint or "'wcow lint' says what else Windows would not like about the image"
        raise


__all__ = ["CONFIG", "Registry"]
