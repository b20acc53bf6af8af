# SPDX-License-Identifier: Apache-2.0
"""Small images of Windows' shape for tests: two layers with every kind of entry, and indexes of several.

::

    store = MemoryStore()
    images.sample(store, "docker.io/library/app:1")
    images.windows_versions(store, "docker.io/library/many:1", "10.0.20348.1", "10.0.26100.1")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from imagebuild.codec import Compression
from imagebuild.hive import Key, write
from imagebuild.images.put import Layer, put_image, put_layer
from imagebuild.layer import Entry, Kind, Times
from imagebuild.oci import Config, Descriptor, History, Index, RunConfig, append, create, media, with_base
from imagebuild.oci.image import Image
from imagebuild.stores import Store
from imagebuild.windows.acl.sddl import parse_sddl

SDDL = "O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)"
FOLDER_SDDL = "O:BAG:SYD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;0x1200a9;;;BU)"
MOMENT = 133_485_408_000_000_000  # 2024-01-01T00:00:00Z
TIMES = Times.all(MOMENT)
Content = tuple[Entry, bytes | None]


def folder(path: str, *, security: bool = True, attributes: int = 0x10) -> Content:
    """A directory."""
    sd = parse_sddl(FOLDER_SDDL).to_bytes() if security else None
    return Entry(path, Kind.DIRECTORY, attributes=attributes, security=sd, times=TIMES), None


def file(path: str, content: bytes = b"", *, attributes: int = 0x20, sddl: str = SDDL) -> Content:
    """A file."""
    return Entry(path, Kind.FILE, len(content), attributes, parse_sddl(sddl).to_bytes(), TIMES), content


def hive(name: str) -> Content:
    """A file in ``Hives``, which Windows exports without security."""
    return Entry(f"Hives/{name}", Kind.FILE, 4, 0x20, None, TIMES), b"regf"


def link(path: str, kind: Kind, target: str) -> Content:
    """A symlink, directory symlink, junction or hard link."""
    if kind is Kind.HARD_LINK:
        return Entry(path, kind, attributes=0x20, times=TIMES, target=target), None
    attributes = 0x420 if kind is Kind.SYMLINK else 0x410
    return Entry(path, kind, attributes=attributes, security=parse_sddl(SDDL).to_bytes(), times=TIMES,
                 target=target), None


def whiteout(path: str) -> Content:
    """A path that the layer takes away."""
    return Entry(path, Kind.WHITEOUT), None


BASE = (
    folder("Files", security=False), folder("Files/app"), file("Files/app/old.txt", b"old\n"),
    file("Files/app/readme.txt", b"below\n"), folder("Files/data"),
    file("Files/data/big.bin", bytes(range(256)) * 4096),
)
"""The lower layer of :func:`sample`."""

UPPER = (
    folder("Files", security=False), folder("Files/app"), whiteout("Files/app/old.txt"),
    link("Files/app/to-data", Kind.JUNCTION, "C:\\data"), link("Files/app/here", Kind.DIRECTORY_SYMLINK, "."),
    link("Files/app/link.txt", Kind.SYMLINK, "Readme.TXT"), file("Files/app/readme.txt", b"hello\n", attributes=0x21),
    link("Files/app/same.txt", Kind.HARD_LINK, "Files/app/readme.txt"), folder("Hives", security=False),
    hive("System_Delta"),
)
"""The upper layer of :func:`sample`: a whiteout, every kind of link, a changed file, a delta hive."""


def layer(store: Store, entries: Sequence[Content], *, base: bool = False, compression: str = "gzip:1") -> Layer:
    """A layer of these entries, in their order."""
    def fill(writer: object) -> None:
        for entry, content in entries:
            writer.add(entry, content)  # type: ignore[attr-defined]

    return put_layer(store, fill, Compression.parse(compression), base=base)


def image(store: Store, tag: str | None, *layers: Layer, os_version: str = "10.0.20348.2762", os: str = "windows",
          created: str = "2024-01-01T00:00:00Z", compression: str = "gzip:1",
          stand_in: str = "") -> tuple[Image, Descriptor]:
    """An image of these layers, named in the store; with the label of a ``stand_in`` for a base."""
    more = (("io.wcow.stand-in", stand_in),) if stand_in else ()
    made = create(Config(os=os, architecture="amd64", os_version=os_version, created=created,
                         run=RunConfig(cmd=("app.exe",), env=("A=1",), labels=(*more, ("maintainer", "tests")))))
    for number, part in enumerate(layers):
        made = append(made, part.descriptor, part.diff_id,
                      History(created=created, created_by=f"step {number}"))
    return made, put_image(store, made, tag=tag)


def sample(store: Store, tag: str | None = "docker.io/library/app:1", **facts: str) -> tuple[Image, Descriptor]:
    """The two-layer image of this module, which says that its base was ``base:1``."""
    below, above = layer(store, BASE, base=True), layer(store, UPPER)
    made, descriptor = image(store, None, below, above, **facts)
    made = with_base(made, "docker.io/library/base:1", descriptor.digest)
    return made, put_image(store, made, tag=tag)


def windows_versions(store: Store, tag: str | None, *versions: str) -> tuple[Index, Descriptor]:
    """An index of one small image for each version. All share a layer."""
    below = layer(store, BASE, base=True)
    entries = []
    for version in versions:
        own = layer(store, (folder("Files", security=False), file("Files/version.txt", version.encode()),
                            folder("Hives", security=False)))
        made, descriptor = image(store, None, below, own, os_version=version)
        entries.append(replace(descriptor, platform=made.config.platform))
    index = Index(tuple(entries))
    return index, store.put_manifest(index.to_bytes(), media.OCI_INDEX, tag=tag)


def hive_file(path: str, root: Key) -> Content:
    """A hive with these keys: a delta where it lies in ``Hives``, which Windows exports without security."""
    layered = path.startswith("Hives/")
    content = write(root, layered=layered)
    return (replace(file(path, content)[0], security=None) if layered else file(path, content)[0]), content
