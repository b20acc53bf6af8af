# SPDX-License-Identifier: Apache-2.0
"""An image made ready to run: its layers as folders over Wine's drive, its registry laid over Wine's.

``layers/`` has a folder for each layer and what it stands on, shared by all images that have it there; ``registries/``
one for each image, with the three files of a prefix and the list of its layers' folders. Both appear when they are
whole; a lock keeps a second process from clearing away what this one is about to use.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...codec import ReadAhead, open_reader
from ...dockerapi import faults
from ...errors import FormatError, IntegrityError, StoreError, WcowError
from ...files import locked
from ...images.bases.base import STAND_IN_LABEL, WITH_POWERSHELL
from ...images.inspect.rootfs import IndexCache, Rootfs
from ...layer import Entry, read
from ...oci import Digest
from ...runtime import install as wine_install
from ...runtime.linux import account
from ...runtime.registry.registry import Prefix, merge
from ...runtime.scratch import SUFFIX, made_whole, sweep
from ...runtime.snapshots.merged import Merged
from ...runtime.snapshots.overlay import remove_path
from ...runtime.unpacking.os_layers import POWERSHELL, needs_content, os_layers, os_layers_have, shown, shows
from ...runtime.unpacking.unpack import chain, unpack
from ...runtime.wine import template
from ...stores import Store
from ..files import read_document, write_document
from ..interfaces import Unpacked
from .hives import image_registry, local_accounts, registry_layers
from .store import Kept

FILES = ("system.reg", "user.reg", "userdef.reg")
LAYERS = "layers.json"
FORM = 2
"""Counted up when the same image gets another registry than before: what an older engine made is then made anew."""
MERGED = 4
"""How many registries are remembered, some 2 MB each: the RUNs of a build stand on images with mostly the same."""
_LOCK_SECONDS = 600.0
_Made = tuple[str, str, int, tuple[str, ...]]
"""What a registry was made of: the ground's name, the account, how many layers are Windows, the layers."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What images are laid over: the folders that drive C begins with, lowest first, a folder with its registry, whom
    all files belong to, and a name that changes with them."""

    name: str
    folders: tuple[Path, ...]
    registry: Path
    owner: int | None = None

    @classmethod
    def of_wine(cls, home: Path, uid: int | None = None) -> Ground:
        """That of the template of a :class:`~...runtime.wine.sandbox.WineSandbox` which has been prepared in
        ``home``."""
        folder = home / template.folder_name(wine_install.find_wine())
        return cls(folder.name, (folder / "drive_c",), folder, account.choose(uid).uid)


class Unpacker:
    """Makes images of one engine ready; ``root`` is the engine's folder, ``indexes`` what is known of layers."""

    def __init__(self, root: Path, indexes: Path) -> None:
        self._root = root
        self._indexes = IndexCache(indexes)
        self.layers = root / "layers"
        self.registries = root / "registries"
        self._merged: dict[_Made, tuple[bytes, bytes, bytes]] = {}

    def unpack(self, kept: Kept, store: Store, ground: Ground) -> Unpacked:
        """The folders and the registry of an image, made where they are not there. Internal, naming the layer, when one
        is damaged, or when the machine does not let us write."""
        place = self.registries / _place(kept.id, ground)
        known = self._known(place)
        if known is not None:
            return known
        with self._locked():
            return self._known(place) or self._make(kept, store, ground, place)

    def known(self, identifier: Digest, ground: Ground) -> Unpacked | None:
        """What was made of an image, which may have been removed since."""
        return self._known(self.registries / _place(identifier, ground))

    def clear(self, needed: set[str]) -> None:
        """Remove what was made for images whose ids are not ``needed``, and folders of layers that no other has."""
        with self._locked():
            for folder in (self.layers, self.registries):
                sweep(folder)
            for place in _folders(self.registries):
                if f"sha256:{place.name.partition('.')[0]}" not in needed:
                    _clear(place)
            used = {name for place in _folders(self.registries) for name in _names(place)}
            for folder in _folders(self.layers):
                if folder.name not in used:
                    _clear(folder)

    def _known(self, place: Path) -> Unpacked | None:
        if not place.is_dir():
            return None
        facts = _facts(place)
        if facts is None or facts.accounts is None or facts.form != FORM:
            return None
        layers = tuple(self.layers / name for name in facts.names)
        if not all(layer.is_dir() for layer in layers):
            return None
        return Unpacked(layers, place, facts.windows, facts.powershell, facts.accounts)

    def _make(self, kept: Kept, store: Store, ground: Ground, place: Path) -> Unpacked:
        rootfs = Rootfs(kept.image, store, self._indexes, name=str(kept.id))
        try:
            for _unused in rootfs.prepare():
                pass
            windows = os_layers(rootfs.union().indexes)
            names = self._unpack_layers(kept, store, ground, rootfs, windows)
            accounts = local_accounts(rootfs, windows)
            facts = _Facts(tuple(names), windows, _has_powershell(kept, rootfs, windows), accounts)
            self._write_registry(rootfs, ground, place, facts, kept.image.config.run.user)
        except (FormatError, IntegrityError) as error:
            raise faults.Internal(f"image {kept.id} is damaged: {error}") from error
        except StoreError as error:
            raise faults.Internal(str(error)) from error
        finally:
            rootfs.close()
        return Unpacked(tuple(self.layers / name for name in names), place, windows, facts.powershell, accounts)

    def _unpack_layers(self, kept: Kept, store: Store, ground: Ground, rootfs: Rootfs, windows: int) -> list[str]:
        folders, names, below = list(ground.folders), list[str](), ground.name
        for number, (layer, diff_id) in enumerate(zip(kept.image.layers, kept.image.diff_ids, strict=True)):
            below = chain(below, diff_id)
            folder, index, lower = self.layers / below, rootfs.union().indexes[number], Merged(folders)
            try:
                if number < windows and not needs_content(index):
                    unpack(shown(index), folder, lower=lower, owner=ground.owner)
                elif not folder.is_dir():
                    with store.open_blob(layer) as blob, ReadAhead(open_reader(blob)) as ahead:
                        unpack(read(ahead, source=f"layer {layer.digest}"), folder, lower=lower, owner=ground.owner,
                               keep=shows if number < windows else _all)
            except WcowError as error:
                if isinstance(error, FormatError | IntegrityError):
                    raise faults.Internal(f"layer {layer.digest} of image {kept.id} is damaged: {error}") from error
                raise
            except OSError as error:
                raise faults.Internal(f"cannot unpack layer {layer.digest} of image {kept.id}: "
                                      f"{error.strerror or error}") from error
            folders.append(folder)
            names.append(below)
        return names

    def _write_registry(self, rootfs: Rootfs, ground: Ground, place: Path, facts: _Facts, user: str) -> None:
        if place.is_dir():
            _clear(place)  # a layer of it has gone
        files = self._merge(rootfs, ground, facts.windows, user)
        with made_whole(place, ground.owner) as draft:
            for name, data in zip(FILES, files, strict=True):
                (draft.path / name).write_bytes(data)
                _own(draft.path / name, ground.owner)
            write_document(draft.path / LAYERS, {
                "layers": list(facts.names), "windows": facts.windows, "powershell": facts.powershell,
                "accounts": list(facts.accounts or ()), "form": FORM})
            draft.keep()

    def _merge(self, rootfs: Rootfs, ground: Ground, windows: int, user: str) -> tuple[bytes, bytes, bytes]:
        """The files of an image's registry, which depend on the layers that have something of it, and on the account.
        """
        having = registry_layers(rootfs, windows, user)
        made: _Made = (ground.name, user, windows, tuple(str(rootfs.image.diff_ids[number]) for number in having))
        files = self._merged.pop(made, None)
        if files is None:
            before = Prefix.parse(*((ground.registry / name).read_bytes() for name in FILES))
            files = merge(before, image_registry(rootfs, windows, user)).write()
        while len(self._merged) >= MERGED:
            del self._merged[next(iter(self._merged))]
        self._merged[made] = files  # the last one asked for is the last to go
        return files

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with locked(self._root / "layers.lock", _LOCK_SECONDS):
                yield
        except TimeoutError as error:
            raise faults.Internal("another process has been unpacking images for too long") from error


def _all(entry: Entry) -> bool:
    return True


def _place(identifier: Digest, ground: Ground) -> str:
    return f"{identifier.hex}.{ground.name}"


@dataclass(frozen=True, slots=True)
class _Facts:
    """What was found out of an image once: the folders of its layers, how many of them are Windows, whether that
    Windows has PowerShell, and its local accounts (``None``: an engine of before did not look)."""

    names: tuple[str, ...]
    windows: int
    powershell: bool
    accounts: tuple[str, ...] | None = None
    form: int = FORM


def _facts(place: Path) -> _Facts | None:
    """Read them; ``None`` where an engine of another version wrote the document."""
    found = read_document(place / LAYERS)
    if not isinstance(found, dict) or not isinstance(found.get("layers"), list):
        return None
    windows, accounts, form = found.get("windows"), found.get("accounts"), found.get("form")
    return _Facts(_texts(found["layers"]), windows if isinstance(windows, int) else 0, found.get("powershell") is True,
                  _texts(accounts) if isinstance(accounts, list) else None, form if isinstance(form, int) else 0)


def _texts(values: list[Any]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str))


def _names(place: Path) -> tuple[str, ...]:
    facts = _facts(place)
    return facts.names if facts else ()


def _has_powershell(kept: Kept, rootfs: Rootfs, windows: int) -> bool:
    """Whether the image's Windows has Windows PowerShell: its files say so, or the label of a stand-in, which has none.
    """
    labels = dict(kept.image.config.run.labels)
    return (labels.get(STAND_IN_LABEL) in WITH_POWERSHELL
            or os_layers_have(rootfs.union().indexes[:windows], POWERSHELL))


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(path for path in parent.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:  # not made yet: it holds nothing
        return []


def _clear(folder: Path) -> None:
    """Remove a folder: under its name it is whole or not there."""
    gone = folder.with_name(f".{folder.name}.gone{SUFFIX}")
    folder.rename(gone)
    remove_path(gone)


def _own(path: Path, owner: int | None) -> None:
    if owner is not None and owner != os.geteuid():
        os.chown(path, owner, owner)


__all__ = ["Ground", "Unpacker"]
