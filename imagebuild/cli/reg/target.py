# SPDX-License-Identifier: Apache-2.0
"""What ``wcow reg`` works on: a hive in a file, or the registry of an image. Both are asked for keys in one way."""

from __future__ import annotations

from collections.abc import Generator
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Protocol

import click

from ...errors import FormatError, InputError, NotFoundError, UsageError
from ...events import Event
from ...hive import Hive, KeyLike, find, read, resolve_control_set
from ...hive.logs.logs import recover
from ...hive.places import HIVES, MACHINE, place_of
from ...hive.roots import long_path
from ...hive.tree import spelt, split
from ...images.hives.read import Registry

Shown = tuple[str, KeyLike]
"""A key with the path under which the registry shows it."""

_USER_ROOT = "HKEY_CURRENT_USER"
_LOGS = ((".LOG1", ".LOG2"), (".LOG",))


class Target(Protocol):
    """Keys by the paths that people use. Methods are generators of events that return their answer."""

    def key(self, path: str) -> Generator[Event, None, Shown]:
        """The key at a path; NotFoundError where there is none."""

    def tops(self) -> Generator[Event, None, list[Shown]]:
        """The root keys of all hives."""


class HiveFile:
    """A hive in a file, mounted at ``root`` (by default where its name says it belongs).

    Where it was not closed cleanly and its logs lie beside it, they are replayed. With ``forgiving``, what can be read
    of a damaged one is read.
    """

    def __init__(self, path: Path, *, root: str | None = None, forgiving: bool = False) -> None:
        self.path = path
        self.mount = usual_root(path.name) if root is None else _root(root)
        self.notes: list[str] = []
        self.hive = self._open(forgiving)

    def key(self, path: str) -> Generator[Event, None, Shown]:
        """See :class:`Target`."""
        yield from ()
        below = self.below(path)
        found = self.hive.get(below)
        if found is None:
            raise NotFoundError(f"cannot find {path} in {self.path}", why=f"there is no key {below}", path=path)
        return self.shown(spelt(self.hive.root, below)), found

    def tops(self) -> Generator[Event, None, list[Shown]]:
        """See :class:`Target`."""
        yield from ()
        return [(self.mount, self.hive.root)]

    def below(self, path: str) -> str:
        """A path below the hive's root: one that begins with the mount loses that, CurrentControlSet is resolved."""
        long = long_path(path)
        if long is not None:
            mount = split(self.mount)
            parts = split(long)
            if [part.upper() for part in parts[: len(mount)]] != [part.upper() for part in mount] or not mount:
                raise InputError(f"cannot find {path} in {self.path}", why=f"the hive is {self.mount or 'nowhere'}",
                                 hint="--root says where it belongs; or give a path below its root")
            path = "\\".join(parts[len(mount):])
        return resolve_control_set(self.hive.root, path)

    def shown(self, below: str) -> str:
        """The path under which the registry shows a key of the hive."""
        return "\\".join(part for part in (self.mount, *split(below)) if part)

    def _open(self, forgiving: bool) -> Hive:
        content = _content(self.path)
        if content[:4] == b"regf" and len(content) > 512:
            logs = [candidate for suffixes in _LOGS for suffix in suffixes
                    if (candidate := _beside(self.path, suffix)) is not None]
            if logs:
                recovered = recover(bytes(content), [log.read_bytes() for log in logs], source=str(self.path),
                                    forgiving=forgiving)
                if recovered.applied:
                    content = recovered.data
                    self.notes += [f"{self.path} was not closed cleanly; what its logs hold was added",
                                   *(f"{self.path}: {note}" for note in recovered.notes)]
        hive = read(content, source=str(self.path), forgiving=forgiving)
        if hive.block.dirty():
            self.notes.append(f"{self.path} was not closed cleanly, and its logs are not beside it: "
                              "the last changes may be missing")
        return hive

    def expect_whole(self, what: str, option: str) -> None:
        """Raise InputError where changes of the hive stand only in logs that are not here; ``what`` cannot be done,
        and ``option`` does it all the same."""
        if self.hive.block.dirty():
            raise InputError(f"cannot {what} {self.path}",
                             why="it was not closed cleanly, and its logs are not beside it",
                             hint=f"put its .LOG1 and .LOG2 beside it, or take it {option}")

    def tell(self) -> None:
        """Say how the hive was opened."""
        for note in self.notes:
            click.echo(f"warning: {note}", err=True)


class ImageRegistry:
    """The registry of an image, or what one of its layers holds of it."""

    def __init__(self, registry: Registry, name: str, *, layer: int | None = None) -> None:
        self._registry = registry
        self._name = name
        self._layer = layer

    def key(self, path: str) -> Generator[Event, None, Shown]:
        """See :class:`Target`."""
        place = yield from self._registry.place(path)
        root = yield from self._root(path)
        found = find(root, place.path) if root is not None else None
        if found is None:
            where = self._name if self._layer is None else f"layer {self._layer} of {self._name}"
            raise NotFoundError(f"cannot find {path} in {where}", path=path, why=f"there is no key {place.path}" if root
                                is not None else f"it has no {place.hive.delta()}")
        assert root is not None
        return "\\".join((place.hive.root, *split(spelt(root, place.path)))), found

    def tops(self) -> Generator[Event, None, list[Shown]]:
        """See :class:`Target`."""
        out = []
        for hive in sorted(HIVES.values(), key=lambda hive: hive.root):
            root = yield from self._root(hive.root)
            if root is not None:
                out.append((hive.root, root))
        return out

    def _root(self, path: str) -> Generator[Event, None, KeyLike | None]:
        hive = place_of(path).hive
        root = yield from self._registry.root(hive)
        if self._layer is None:
            return root
        if hive.kind != "machine":
            raise UsageError(f"{hive.root} has no delta in a layer", hint="leave --layer out")
        content = self._registry.delta(hive, self._layer)
        return content.root if content is not None else None


def is_hive_file(text: str) -> bool:
    """Whether a target is a file: one that is there, or that looks like a path and not like an image."""
    path = Path(text)
    return path.is_file() or (text.startswith(("/", "./", "../", "~")) and not path.is_dir())


def usual_root(name: str) -> str:
    """Where a hive of this file name belongs; empty when the name says nothing."""
    stem = name.partition(".")[0].upper()
    for hive, delta in MACHINE.items():
        if stem in (hive, delta.upper()):
            return HIVES[hive].root
    return _USER_ROOT if name.upper() == "NTUSER.DAT" else \
        f"{_USER_ROOT}\\Software\\Classes" if name.upper() == "USRCLASS.DAT" else ""


def _root(text: str) -> str:
    long = long_path(text) if text else ""
    if long is None:
        raise UsageError(f"--root {text} is no place in the registry", hint=r"--root HKLM\SOFTWARE")
    return long


def _content(path: Path) -> bytes | mmap:
    try:
        with path.open("rb") as stream:
            if not path.stat().st_size:
                raise FormatError("cannot read a registry hive", why="it is empty", source=str(path))
            return mmap(stream.fileno(), 0, access=ACCESS_READ)
    except OSError as error:
        raise InputError(f"cannot read {path}", why=error.strerror or str(error)) from error


def _beside(path: Path, suffix: str) -> Path | None:
    for candidate in (path.with_name(path.name + suffix), path.with_name(path.name + suffix.lower())):
        if candidate.is_file() and candidate.stat().st_size:
            return candidate
    return None
