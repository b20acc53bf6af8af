# SPDX-License-Identifier: Apache-2.0
"""What is in an image archive, whoever wrote it.

An archive with ``oci-layout`` and ``index.json`` is an OCI layout in a tar (``docker save`` since 25, skopeo,
BuildKit, us). One with ``manifest.json`` only is an older ``docker save``, whose layers have no descriptors; a
manifest is made for it, the same one each time.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from ...errors import FormatError, UnsupportedError, quoted
from ...oci import MAX_SIZE, Config, Descriptor, Digest, Index, Manifest, describe, media
from ..layout import names
from ..layout.files import open_file, translated
from . import tarscan

_MIN_BOUND = 4 << 30
_BOUND_RATIO = 64


@dataclass(slots=True)
class Contents:
    """An archive's index and where each blob lies. ``documents`` are manifests that had to be made."""

    index: Index
    blobs: dict[Digest, tuple[int, int]] = field(default_factory=dict)
    documents: dict[Digest, bytes] = field(default_factory=dict)


class Slice(io.RawIOBase):
    """Part of a file as a stream; it has a position of its own and closes its own file."""

    def __init__(self, path: Path, offset: int, size: int, *, what: str) -> None:
        self._file = os.fdopen(open_file(path, what), "rb", buffering=0)
        self._file.seek(offset)
        self._left = size
        self._what = what

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")[:self._left]
        if not view:
            return 0
        with translated(f"cannot read {self._what}"):
            count = self._file.readinto(view) or 0
        self._left -= count
        return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def is_compressed(path: Path) -> bool:
    """Whether the whole archive is compressed with gzip (``docker save | gzip``)."""
    with os.fdopen(open_file(path, f"archive {path}"), "rb") as stream, translated(f"cannot read {path}"):
        return stream.read(2) == b"\x1f\x8b"


def unpack(path: Path, *, bound: int | None = None) -> Path:
    """The decompressed archive in a temporary file, which is the caller's to remove. At most ``bound`` bytes (64
    times its size, 4 GiB at least): more is taken for a bomb. Nothing is left when it fails."""
    import tempfile

    from ...codec import open_reader

    what = f"cannot decompress {path}"
    with translated(what):
        limit = max(_MIN_BOUND, path.stat().st_size * _BOUND_RATIO) if bound is None else bound
        fd, name = tempfile.mkstemp(prefix="wcow-archive-")
    try:
        with translated(what), os.fdopen(fd, "wb") as target, \
                os.fdopen(open_file(path, f"archive {path}"), "rb") as packed:
            stream = open_reader(packed, "gzip")
            total = 0
            while chunk := stream.read(1 << 20):
                total += len(chunk)
                if total > limit:
                    raise UnsupportedError(what, why=f"it grows past {limit} bytes",
                                           hint="decompress it yourself (gunzip) if you trust it")
                target.write(chunk)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    return Path(name)


def read(path: Path, *, source: str) -> Contents:
    """The contents of a plain tar. FormatError when it holds no images."""
    with os.fdopen(open_file(path, f"archive {source}"), "rb") as stream, translated(f"cannot read {source}"):
        members = {member.name: member for member in tarscan.scan(stream, source=source)}
        files = _Files(stream, members, source)
        if "index.json" in members and "oci-layout" in members:
            return _read_oci(files)
        if "manifest.json" in members:
            return _read_docker(files)
    raise FormatError(f"{source} is no image archive", source=source,
                      why="it has neither index.json and oci-layout nor manifest.json",
                      hint="a layer's tar is no image; docker export writes none either (use docker save)")


class _Files:
    """Members by name, links followed inside the archive only."""

    def __init__(self, stream: BinaryIO, members: dict[str, tarscan.Member], source: str) -> None:
        self.stream = stream
        self.members = members
        self.source = source

    def find(self, name: str) -> tarscan.Member:
        wanted = tarscan.clean(name)
        for _unused in range(8):
            member = self.members.get(wanted)
            if member is None:
                break
            if not member.link:
                return member
            wanted = member.link
        raise FormatError(f"{self.source} lacks the member {quoted(name[:200])}", source=self.source,
                          why="its table of images speaks of it")

    def data(self, name: str) -> bytes:
        member = self.find(name)
        if member.size > MAX_SIZE:
            raise FormatError(f"{name} is too large", offset=member.offset, source=self.source,
                              why=f"{member.size} bytes, at most {MAX_SIZE} are read")
        self.stream.seek(member.offset)
        return self.stream.read(member.size)

    def digest(self, member: tarscan.Member) -> Digest:
        self.stream.seek(member.offset)
        hasher = hashlib.sha256()
        left = member.size
        while left and (chunk := self.stream.read(min(left, 1 << 20))):
            hasher.update(chunk)
            left -= len(chunk)
        return Digest("sha256:" + hasher.hexdigest())


def _read_oci(files: _Files) -> Contents:
    contents = Contents(Index.from_bytes(files.data("index.json"), source=f"index.json of {files.source}"))
    for name in files.members:
        parts = name.split("/")
        if len(parts) == 3 and parts[0] == "blobs":
            digest = names.as_digest(f"{parts[1]}:{parts[2]}")
            if digest is not None:
                member = files.find(name)
                contents.blobs[digest] = (member.offset, member.size)
    return contents


def _read_docker(files: _Files) -> Contents:
    source = f"manifest.json of {files.source}"
    try:
        entries = json.loads(files.data("manifest.json"))
        if not isinstance(entries, list):
            raise TypeError
        table = [(str(entry["Config"]), [str(tag) for tag in entry.get("RepoTags") or ()],
                  [str(layer) for layer in entry.get("Layers") or ()]) for entry in entries]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise FormatError("not a table of images", source=source) from None
    contents = Contents(Index())
    listed: list[Descriptor] = []
    for config_name, tags, layer_names in table:
        described = _docker_manifest(files, contents, config_name, layer_names, source)
        listed.extend(names.label(described, tag) for tag in tags or [""])
    contents.index = Index(tuple(listed))
    return contents


def _docker_manifest(files: _Files, contents: Contents, config_name: str, layer_names: list[str],
                     source: str) -> Descriptor:
    data = files.data(config_name)
    config = Config.from_bytes(data, source=f"{config_name[:80]} of {files.source}")
    described = describe(data, media.DOCKER_CONFIG)
    contents.blobs[described.digest] = (files.find(config_name).offset, len(data))
    if len(layer_names) != len(config.diff_ids):
        raise FormatError("layers and diff ids do not match", source=source,
                          why=f"{len(layer_names)} layers, {len(config.diff_ids)} diff ids")
    layers: list[Descriptor] = []
    for name, diff_id in zip(layer_names, config.diff_ids, strict=True):
        member = files.find(name)
        files.stream.seek(member.offset)
        head = files.stream.read(min(4, member.size))
        compression: media.LayerCompression = "gzip" if head[:2] == b"\x1f\x8b" else \
            "zstd" if head == b"\x28\xb5\x2f\xfd" else "none"
        # A plain layer's digest is its diff id; whoever reads it will see whether that is true.
        digest = diff_id if compression == "none" else files.digest(member)
        contents.blobs[digest] = (member.offset, member.size)
        layers.append(Descriptor(media.layer_type("docker", compression), digest, member.size))
    manifest = Manifest(described, tuple(layers), media_type=media.DOCKER_MANIFEST)
    contents.documents[manifest.descriptor().digest] = manifest.to_bytes()
    return manifest.descriptor()


def open_slice(path: Path, place: tuple[int, int], *, offset: int, what: str) -> BinaryIO:
    """A blob's bytes in an archive."""
    begin, size = place
    skipped = min(offset, size)
    return cast(BinaryIO, Slice(path, begin + skipped, size - skipped, what=what))
