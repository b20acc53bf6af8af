# SPDX-License-Identifier: Apache-2.0
"""A place to build in: a local store, caches and bases of its own, and each verb as one call.

::

    bench = Workbench(tmp_path)
    bench.base("nanoserver", "mcr.microsoft.com/windows/nanoserver:ltsc2022")
    built = bench.build({"Dockerfile": "FROM mcr.microsoft.com/windows/nanoserver:ltsc2022\\nCOPY a C:/\\n", "a": "a"})
    assert bench.files(built).get(r"C:\\a").owner == r"BUILTIN\\Administrators"
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from imagebuild.builder import BuildRequest, Built, Workshop, build
from imagebuild.builder.cache.cache import Cache
from imagebuild.codec import Compression
from imagebuild.events import Event, Result
from imagebuild.images.bases.base import BaseRequest, Flavour, make_base
from imagebuild.images.copy import copy as copy_image
from imagebuild.images.inspect.listing import Files, rootfs_of_layer
from imagebuild.images.inspect.rootfs import Rootfs
from imagebuild.images.library import Found
from imagebuild.oci import Descriptor, Location, Platform, Reference
from imagebuild.windows.filetime import DOS_EPOCH
from imagebuild.wiring import Settings, cache_folders, fetcher, index_cache, open_library

NANOSERVER = "mcr.microsoft.com/windows/nanoserver:ltsc2022"
LTSC2022 = "10.0.20348.2762"
WINDOWS = Platform("windows", "amd64")

Tree = Mapping[str, str | bytes]


def finish(events: Iterator[Event]) -> Any:
    """Run an operation to its end and return what it made."""
    value: Any = None
    for event in events:
        if isinstance(event, Result):
            value = event.value
    return value


def fill(folder: Path, tree: Tree) -> Path:
    """Write files, given as path and content, into a folder."""
    for name, content in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


class Workbench:
    """A local store and caches below ``folder``, and the verbs that use them."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = Settings(**{"store": folder / "store", "cache": folder / "cache", "retries": 1, **settings})

    def base(self, flavour: str, name: str, *, os_version: str = LTSC2022, push: bool = False) -> Descriptor:
        """A stand-in (or, for ``scratch``, a HostProcess base) in the local store, and on request in its registry."""
        with open_library(self.settings) as library:
            _, descriptor = make_base(BaseRequest(flavour=cast(Flavour, flavour), os_version=os_version,
                                                  epoch=DOS_EPOCH, compression=Compression.parse("gzip:1")),
                                      library.local, tag=str(Reference.parse(name).tagged()))
        if push:
            self.copy(name, f"docker://{name}")
        return descriptor

    def build(self, context: Path | Tree, *, tag: str = "", **request: Any) -> Built:
        """Build, and keep the image under ``tag``. A mapping is written to a new folder first."""
        folder = context if isinstance(context, Path) else fill(self.fresh(), context)
        with open_library(self.settings) as library:
            folders = cache_folders(self.settings)
            shop = Workshop(library, index_cache(self.settings), Cache(folders.steps), fetcher(self.settings),
                            folders.root / "stat")
            built: Built = finish(build(BuildRequest(context=str(folder), **request), shop))
            if tag:
                library.local.put_manifest(built.image.manifest_bytes(), built.descriptor.media_type,
                                           tag=str(Reference.parse(tag).tagged()))
        return built

    def copy(self, source: str, target: str) -> Descriptor:
        """Copy an image by the names people use."""
        with open_library(self.settings) as library:
            store, _, descriptor = library.resolve(source)
            place = Location.parse(target)
            if place.transport == "docker":
                assert place.reference is not None
                tag = place.reference.tagged().tag
            elif place.reference is not None:
                tag = str(place.reference.tagged())
            else:
                tag = place.tag
            to = library.local if not place.transport else library.stores.create(place)
            try:
                finish(copy_image(store, descriptor, to, tag=tag, name=source,
                                  whole=place.transport not in ("docker-archive", "docker-daemon")))
            finally:
                to.close()
        return descriptor

    def find(self, name: str, platform: Platform = WINDOWS) -> Found:
        """An image by its name, wherever it is."""
        library = open_library(self.settings)
        return library.find(name, platform)

    def files(self, image: Built | str, *, layer: int | None = None, platform: Platform = WINDOWS) -> Files:
        """The files of an image, or of one of its layers."""
        library = open_library(self.settings)
        cache = index_cache(self.settings)
        found = library.find(image, platform) if isinstance(image, str) else None
        whole = found.image if found is not None else cast(Built, image).image
        store = found.store if found is not None else library.local
        rootfs = Rootfs(whole, store, cache) if layer is None else rootfs_of_layer(whole, layer, store, cache)
        finish(rootfs.prepare())
        return Files(rootfs, layer=layer)

    def read(self, image: Built | str, path: str) -> bytes:
        """The content of a file of an image."""
        files = self.files(image)
        name = files.layer_path(files.target(path))
        target = self.fresh()

        def run() -> Iterator[Event]:
            got = yield from files.rootfs.fetch([name], target)
            yield Result(got)

        return cast(bytes, finish(run())[name].read_bytes())

    def fresh(self) -> Path:
        """A new empty folder."""
        return Path(tempfile.mkdtemp(dir=self.folder, prefix="x-"))
