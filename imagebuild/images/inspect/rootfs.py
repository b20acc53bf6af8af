# SPDX-License-Identifier: Apache-2.0
"""An image's file system without unpacking it: an index of each layer, and single files on demand.

A layer is streamed once in its life: its index is kept by diff id, so a second look at a 2 GB base costs a file open.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from ...codec import VerifyingReader, open_reader
from ...errors import IntegrityError, NotFoundError, StoreError, WcowError
from ...events import Advance, Event, Finish, Step
from ...layer import Entry, Found, Index, Union, read
from ...oci import Descriptor, Digest, Image
from ...windows.upcase import fold

STALE_SECONDS = 24 * 3600
"""An unfinished index this old was left by a process that is gone."""
REPORT_EVERY = 8 << 20
"""Bytes between two Advance events of one layer."""


class Blobs(Protocol):
    """What a file system needs of a store."""

    def open_blob(self, descriptor: Descriptor, /) -> BinaryIO:
        """A stream of a blob."""


class IndexCache:
    """Layer indexes in a folder, by diff id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, diff_id: Digest, *, linux: bool = False) -> Path:
        """Where the index of a layer is, or would be; a layer read as a Linux one has another index."""
        return self.folder / f"{diff_id.hex}{'-linux' if linux else ''}.idx"

    def get(self, diff_id: Digest, *, linux: bool = False) -> Index | None:
        """The index of a layer that was streamed before; ``None`` when it was not, or its file is damaged."""
        path = self.path(diff_id, linux=linux)
        if not path.exists():
            return None
        try:
            index = Index.open(path)
            with suppress(OSError):
                os.utime(path)  # 'wcow system prune --older-than' goes by the last use
            return index
        except WcowError:
            with suppress(OSError):
                path.unlink()
            return None

    def draft(self, diff_id: Digest) -> Path:
        """A new name in the folder, which is made, for an index that is being written.

        What processes left that were killed while they wrote one is removed a day later.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in self.folder.iterdir():
                if path.suffix != ".idx" and time.time() - path.lstat().st_mtime > STALE_SECONDS:
                    with suppress(OSError):
                        path.unlink()
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise self.trouble(error.strerror or str(error)) from error
        except OSError as error:
            raise self.trouble(error.strerror or str(error)) from error
        return self.folder / f"{diff_id.hex}.{os.getpid()}-{secrets.token_hex(4)}"

    def trouble(self, why: str) -> StoreError:
        """What it means when the folder cannot be written to."""
        return StoreError(f"cannot keep the index of a layer in {self.folder}", why=why,
                          hint="make room there or make it writable, or set WCOW_CACHE to another folder")


class Rootfs:
    """The file system of ``image``, whose blobs are in ``store``."""

    def __init__(self, image: Image, store: Blobs, cache: IndexCache, *, name: str = "") -> None:
        self.image = image
        self.name = name
        self._store = store
        self._cache = cache
        self._indexes: list[Index] = []
        self._union: Union | None = None

    def prepare(self) -> Iterator[Event]:
        """Open or build the index of every layer; afterwards :meth:`union` answers."""
        if self._union is not None:
            return
        image = self.image
        if len(image.layers) != len(image.diff_ids):
            raise IntegrityError(f"cannot read the layers of {self.name or 'the image'}",
                                 why=f"its manifest has {len(image.layers)} layers and its config "
                                     f"{len(image.diff_ids)} diff ids",
                                 hint="the image is damaged: pull or build it again")
        for descriptor, diff_id in zip(image.layers, image.diff_ids, strict=True):
            index = self._cache.get(diff_id, linux=self._linux())
            if index is None:
                index = yield from self._build(descriptor, diff_id)
            self._indexes.append(index)
        self._union = Union(self._indexes)

    def _build(self, descriptor: Descriptor, diff_id: Digest) -> Generator[Event, None, Index]:
        step = f"index {descriptor.digest}"
        yield Step(step, f"reading layer {descriptor.digest.hex[:12]} of {self.name}".rstrip(), descriptor.size)
        final = self._cache.path(diff_id, linux=self._linux())
        draft = self._cache.draft(diff_id)
        try:
            with self._store.open_blob(descriptor) as blob:
                counted = _Counting(blob)
                what = f"layer {descriptor.digest.hex[:12]} of {self.name}".removesuffix(" of ")
                tar = VerifyingReader(open_reader(counted), str(diff_id), what=what)
                Index.build(tar, draft, linux=self._linux(), source=what).close()
                for stream in (tar, counted):  # what follows the tar's end belongs to the digests too
                    while stream.read(1 << 18):
                        pass
            try:
                draft.replace(final)
            except OSError as error:
                raise self._cache.trouble(error.strerror or str(error)) from error
        except StoreError as error:
            if getattr(error, "path", "") != str(draft):
                raise  # of the place the layer comes from
            raise self._cache.trouble(error.why) from error
        finally:
            draft.unlink(missing_ok=True)
        index = Index.open(final)
        yield Advance(step, counted.count)
        yield Finish(step)
        return index

    def close(self) -> None:
        """Let go of the indexes' files; afterwards :meth:`prepare` may open them again."""
        self._union = None
        for index in self._indexes:
            index.close()
        self._indexes = []

    def union(self) -> Union:
        """The layers as one tree. :meth:`prepare` must have run to its end."""
        assert self._union is not None, "prepare() comes first"
        return self._union

    def in_layers(self, path: str) -> bool:
        """Whether one of the layers, as it is, has an entry with this path (``UtilityVM``). :meth:`prepare` first."""
        assert self._union is not None, "prepare() comes first"
        return any(index.get(path) is not None for index in self._indexes)

    def layout(self) -> str:
        """The folder that is the root of the file system: ``Files`` in Windows layers, none (empty) in plain ones."""
        if not self._linux():
            return "Files"
        found = self.union().get("Files")
        shaped = found is not None and found.entry.attributes is not None and self.union().get("Hives") is not None
        return "Files" if shaped else ""

    def _key(self, path: str) -> str:
        """The form under which the image's own system compares paths."""
        return path if self._linux() else fold(path)

    def _linux(self) -> bool:
        return self.image.config.os != "windows"

    def fetch(self, paths: Iterable[str], folder: Path | None = None) -> Generator[Event, None, dict[str, Path]]:
        """Copy the content of files (layer paths) into ``folder`` and return where each one is.

        Each layer that holds a wanted file is streamed at most once, and only as far as the last one of them. Hard
        links are followed to the file they name. NotFoundError for a path that is not a file.
        """
        target = Path(tempfile.mkdtemp(prefix="wcow-")) if folder is None else folder
        wanted: dict[int, dict[str, list[str]]] = {}
        out: dict[str, Path] = {}
        for path in paths:
            layer, entry = self._file(path)
            kept = self._indexes[layer].kept(entry.path)
            if kept is not None:
                out[path] = _spool(target, kept)
            else:
                wanted.setdefault(layer, {}).setdefault(self._key(entry.path), []).append(path)
        for layer in sorted(wanted):
            yield from self._fetch_layer(layer, wanted[layer], target, out)
        return out

    def _file(self, path: str) -> tuple[int, Entry]:
        """The layer and entry that hold the bytes of ``path``."""
        found = self.union().get(path)
        held = self.union().content_of(found) if found is not None else None
        if held is None:
            raise NotFoundError(f"cannot read {path} of {self.name or 'the image'}", path=path,
                                why="there is no such file" if found is None else
                                f"it is a {found.entry.kind.value} without content")
        return held.layer, held.entry

    def size(self, found: Found) -> int:
        """The size of a file in bytes, also through a hard link."""
        held = self.union().content_of(found)
        return held.entry.size if held is not None else 0

    def identity(self, found: Found) -> str:
        """A text that is equal only for equal bytes: the layer's diff id and the path in it."""
        held = self.union().content_of(found) or found
        return f"{self.image.diff_ids[held.layer]}/{held.entry.path}"

    def _fetch_layer(self, layer: int, wanted: dict[str, list[str]], target: Path,
                     out: dict[str, Path]) -> Iterator[Event]:
        descriptor = self.image.layers[layer]
        step = f"fetch {descriptor.digest} {len(out)}"
        yield Step(step, f"reading {sum(map(len, wanted.values()))} file(s) from layer {descriptor.digest.hex[:12]}",
                   descriptor.size)
        left = dict(wanted)
        with self._store.open_blob(descriptor) as blob:
            counted = _Counting(blob)
            reported = 0
            for entry, content in read(open_reader(counted), linux=self._linux()):
                names = left.pop(self._key(entry.path), None) if content is not None else None
                if names is not None and content is not None:
                    local = _spool(target, content)
                    out.update(dict.fromkeys(names, local))
                    if not left:
                        break
                if counted.count - reported >= REPORT_EVERY:
                    reported = counted.count
                    yield Advance(step, reported)
        if left:
            (name, *_more), *_others = left.values()
            raise IntegrityError(f"cannot read {name} of {self.name or 'the image'}",
                                 why="its layer's index names it and its layer does not hold it",
                                 hint=f"remove {self._cache.path(self.image.diff_ids[layer])} and try again")
        yield Finish(step)


def _spool(folder: Path, content: bytes | BinaryIO) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as out:
            if isinstance(content, bytes):
                out.write(content)
            else:
                shutil.copyfileobj(content, out, 1 << 18)
    except OSError as error:
        raise StoreError(f"cannot keep a file of the image in {folder}", why=error.strerror or str(error),
                         hint="free some space or set TMPDIR to another disk") from error
    return Path(name)


class _Counting:
    """A stream that knows how far it was read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        return data

    def readable(self) -> bool:
        return True
