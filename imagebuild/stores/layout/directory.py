# SPDX-License-Identifier: Apache-2.0
"""skopeo's ``dir:`` transport (containers-transports(5)): one image as plain files in a folder.

::

    version                      "Directory Transport Version: 1.1" and a newline
    manifest.json                the manifest, or the index, of the image
    HEX                          a blob by the hexadecimal part of its sha256 digest (another algorithm: ALGORITHM-HEX)
    HEX.manifest.json            an image of the index

The image has no name in there. A folder that holds one already is written anew, as skopeo does: the new manifest
appears last, and then what only the old one referred to is removed.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ...errors import NotFoundError, StoreError, UnsupportedError, quoted
from ...oci import Descriptor, Digest, Manifest, describe, is_index, is_manifest, parse, sniff
from ..verify import read_document, verified
from . import names
from .files import BlobPlace, DraftBlob, open_file, size_of, translated, write_file

VERSION = b"Directory Transport Version: 1.1\n"
_OURS = re.compile(r"version|manifest\.json|([a-z0-9]+-)?[0-9a-f]{64,128}(\.manifest\.json)?|signature-\d+|"
                   r"[0-9a-f]{64}\.signature-\d+|\d+-[0-9a-f]{16}")
"""Names of files in such a folder; the last is a draft, which a killed process leaves."""
_MAX_DEPTH = 4
_BIG = 8 << 20


class DirectoryStore:
    """The image in one folder. ``create`` makes the folder, or takes over one that holds such an image."""

    def __init__(self, path: str | os.PathLike[str], *, create: bool = False) -> None:
        self.path = Path(path)
        self._place = _Flat(self.path, durable=False)
        if create:
            self._create()
        elif not (self.path / "manifest.json").is_file():
            raise NotFoundError(f"no image at {self.path}", why="there is no file manifest.json",
                                hint="give a folder that 'skopeo copy … dir:FOLDER' or wcow made")

    def __enter__(self) -> DirectoryStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"DirectoryStore({str(self.path)!r})"

    def resolve(self, reference: str) -> Descriptor:
        """See :class:`~..port.Store`. ``""`` means the image; there are no tags."""
        if not reference:
            return self._described(self.path / "manifest.json", str(self.path))
        digest = names.as_digest(reference)
        if digest is not None:
            for path in (self._instance(digest), self.path / "manifest.json", self._place.blob_path(digest)):
                if path.is_file():
                    found = self._described(path, reference)
                    if found.digest == digest:
                        return found
        raise names.missing(reference, [], what=str(self.path))

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See :class:`~..port.Store`."""
        what = f"document {descriptor.digest} of {self.path}"
        return read_document(self.open_blob(descriptor), descriptor, what=what)

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        """See :class:`~..port.Store`."""
        what = f"blob {descriptor.digest} of {self.path}"
        stream = os.fdopen(open_file(self._path(descriptor), what), "rb", buffering=0)
        with translated(f"cannot read {what}"):
            stream.seek(offset)
        return verified(stream, descriptor, offset=offset, what=what, hint="copy the image there again")

    def has_blob(self, descriptor: Descriptor) -> bool:
        """See :class:`~..port.Store`."""
        return size_of(self._path(descriptor)) == descriptor.size

    def tags(self) -> list[str]:
        """See :class:`~..port.Store`. The image has no name."""
        return []

    def new_blob(self) -> DraftBlob:
        """See :class:`~..port.Store`."""
        return DraftBlob(self.path, str(self.path), self._place)

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Descriptor:
        """See :class:`~..port.Store`. With ``tag=""`` it becomes the image of the folder; a name cannot be kept."""
        if tag:
            raise UnsupportedError(f"cannot call an image in {self.path} {quoted(tag)}",
                                   why="an image in a dir: folder has no name", hint=f"oci:{self.path}:{tag}")
        for item in names.needed(data, media_type):
            if not self.has_blob(item):
                raise StoreError(f"cannot keep a manifest in {self.path}",
                                 why=f"it refers to {item.digest}, which is not stored there")
        descriptor = describe(data, media_type)
        path = self._instance(descriptor.digest) if tag is None else self.path / "manifest.json"
        write_file(path, data, temporary=self.path)
        if tag is not None:
            self._remove_all_but(self._used(data, media_type))
        return descriptor

    def untag(self, tag: str) -> None:
        """See :class:`~..port.Store`. There is no tag to forget."""
        raise names.missing(tag, [], what=str(self.path))

    def close(self) -> None:
        """See :class:`~..port.Store`."""

    def _create(self) -> None:
        with translated(f"cannot make a folder for an image at {self.path}"):
            self.path.mkdir(parents=True, exist_ok=True)
            version = self.path / "version"
            there = sorted(entry.name for entry in self.path.iterdir())
            others = [name for name in there if not _OURS.fullmatch(name)]
            if others or (there and not version.is_file()):
                raise StoreError(f"cannot put an image into {self.path}",
                                 why=f"it holds other things ({', '.join(others[:3])})" if others else
                                 "it holds files, and no file 'version' of an image", hint="give a new folder")
            if version.is_file() and not version.read_bytes()[:100].startswith(b"Directory Transport Version: 1."):
                raise StoreError(f"cannot put an image into {self.path}",
                                 why="its file 'version' is not that of such an image", hint="give a new folder")
            write_file(version, VERSION, temporary=self.path)

    def _described(self, path: Path, source: str) -> Descriptor:
        with os.fdopen(open_file(path, str(path)), "rb") as stream, translated(f"cannot read {path}"):
            data = stream.read(_BIG + 1)
        if len(data) > _BIG:
            raise StoreError(f"cannot read {path}", why=f"it has more than {_BIG} bytes")
        return describe(data, sniff(data, source=source))

    def _path(self, descriptor: Descriptor) -> Path:
        """Where a blob, a manifest of an index, or the image's own manifest is."""
        blob, instance = self._place.blob_path(descriptor.digest), self._instance(descriptor.digest)
        if not blob.is_file() and instance.is_file():
            return instance
        main = self.path / "manifest.json"
        if not blob.is_file() and size_of(main) == descriptor.size:
            with suppress(OSError, StoreError):  # unreadable: then it is not what was asked for
                if self._described(main, str(main)).digest == descriptor.digest:
                    return main
        return blob

    def _instance(self, digest: Digest) -> Path:
        return self.path / f"{_name(digest)}.manifest.json"

    def _used(self, data: bytes, media_type: str, depth: int = 0) -> set[str]:
        """The names of the files that a manifest or index refers to, at any depth."""
        used = {"version", "manifest.json"}
        document = parse(data, media_type)
        for item in (document.config, *document.layers) if isinstance(document, Manifest) else document.manifests:
            path = self._path(item)
            used |= {path.name}
            if depth < _MAX_DEPTH and (is_index(item.media_type) or is_manifest(item.media_type)):
                used |= self._used(self.manifest(item), item.media_type, depth + 1)
        return used

    def _remove_all_but(self, used: set[str]) -> None:
        with translated(f"cannot remove the old image in {self.path}"):
            for entry in list(self.path.iterdir()):
                if entry.name not in used and _OURS.fullmatch(entry.name):
                    entry.unlink(missing_ok=True)


class _Flat(BlobPlace):
    """Blobs side by side in the folder; there is no collector that moves them aside."""

    def blob_path(self, digest: Digest) -> Path:
        """The file of a blob."""
        return self.root / _name(digest)

    def put_back(self, digest: Digest) -> bool:
        """Nothing was moved aside."""
        return False


def _name(digest: Digest) -> str:
    return digest.hex if digest.algorithm == "sha256" else f"{digest.algorithm}-{digest.hex}"
