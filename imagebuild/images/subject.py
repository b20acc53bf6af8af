# SPDX-License-Identifier: Apache-2.0
"""An image as verdicts want it: its platform, or all of an index; and, when asked, what only its layers tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from mmap import ACCESS_READ, mmap
from pathlib import Path

from ..compat.documents import MAX_SIZE, Subject, subject_of
from ..compat.image import ImageFacts, from_image
from ..errors import FormatError, InputError, NotFoundError
from ..events import Event, Result
from ..hive import KeyLike, find, read
from ..hive.places import HIVES
from ..oci import Index, from_bytes, is_index
from ..oci import parse as parse_manifest
from .hives.read import Registry
from .inspect.rootfs import Rootfs
from .library import Library

VERSION = r"Microsoft\Windows NT\CurrentVersion"


def find_subject(library: Library, name: str) -> Subject:
    """What ``name`` means: an image, or an index with all its entries. Only documents are read, no layers."""
    store, _unused, descriptor = library.resolve(name)
    data = store.manifest(descriptor)
    parsed = parse_manifest(data, descriptor.media_type, source=name)
    if is_index(descriptor.media_type) or isinstance(parsed, Index):
        assert isinstance(parsed, Index)
        return Subject(name, None, tuple(entry.platform for entry in parsed.manifests),
                       tuple(str(entry.digest) for entry in parsed.manifests))
    return Subject(name, from_image(from_bytes(data, store.manifest(parsed.config), source=name), name=name))


def read_subject(path: Path, name: str) -> Subject:
    """What a file describes: a saved document (see :mod:`..compat.documents`), or the SOFTWARE hive of a base."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_SIZE + 1)
            if data[:4] == b"regf":
                with mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
                    version = hive_version(read(content, source=name).root)
                return Subject(name, ImageFacts("windows", hive_version=version, name=name))
    except OSError as error:
        raise InputError(f"cannot read {path}", why=error.strerror or str(error)) from error
    return subject_of(data, name)


def look_inside(facts: ImageFacts, rootfs: Rootfs) -> Iterator[Event]:
    """The facts with what the layers tell, in the last event: whether one has ``UtilityVM``, and the version in the
    SOFTWARE hive.

    A base is streamed once in its life; its index is kept.
    """
    yield from rootfs.prepare()
    version = ""
    with suppress(NotFoundError, FormatError):  # an image from scratch has no hives
        version = hive_version((yield from Registry(rootfs).root(HIVES["SOFTWARE"])))
    found = replace(facts, utility_vm=rootfs.in_layers("UtilityVM"), hive_version=version)
    yield Result(found, {"name": facts.name, "utility_vm": found.utility_vm, "hive_version": version})


def hive_version(software: KeyLike) -> str:
    """``10.0.BUILD.REVISION`` out of a SOFTWARE hive; empty when it does not say."""
    key = find(software, VERSION)
    if key is None:
        return ""
    major, minor, revision = (key.values.get(name) for name in
                              ("CurrentMajorVersionNumber", "CurrentMinorVersionNumber", "UBR"))
    build = key.values.get("CurrentBuildNumber")
    if build is None or not build.text().isdigit():
        return ""
    numbers = [str(value.number()) if value is not None and value.data else usual
               for value, usual in ((major, "10"), (minor, "0"))]
    tail = f".{revision.number()}" if revision is not None and revision.data else ""
    return f"{'.'.join(numbers)}.{build.text()}{tail}"
