# SPDX-License-Identifier: Apache-2.0
"""Images with a registry, for tests: stand-ins of Microsoft's bases, and what looks into them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from imagebuild.codec import Compression
from imagebuild.images.bases.base import BaseRequest, make_base
from imagebuild.images.hives.read import Registry
from imagebuild.images.inspect.rootfs import IndexCache, Rootfs
from imagebuild.images.library import Found
from imagebuild.oci import Image, Location, from_bytes
from imagebuild.stores import Store
from imagebuild.windows.filetime import DOS_EPOCH

NANO = "docker.io/library/nano:1"


def stand_in(store: Store, tag: str = NANO) -> Image:
    """A stand-in for nanoserver."""
    request = BaseRequest(flavour="nanoserver", os_version="10.0.20348.2762", epoch=DOS_EPOCH,
                          compression=Compression.parse("gzip:1"))
    return make_base(request, store, tag=tag)[0]


def opened(store: Store, tag: str) -> Image:
    """An image that the store has."""
    descriptor = store.resolve(tag)
    manifest = store.manifest(descriptor)
    from imagebuild.oci import Manifest

    config = Manifest.from_bytes(manifest, source=tag).config
    with store.open_blob(config) as blob:
        return from_bytes(manifest, blob.read())


def found(store: Store, tag: str) -> Found:
    """The same, as a library finds it."""
    return Found(opened(store, tag), store, "app", Location.parse("app:1"), store.resolve(tag))


def open_rootfs(image: Image, store: Store) -> Rootfs:
    """The image's files, indexed in a folder of its own."""
    return Rootfs(image, store, IndexCache(Path(tempfile.mkdtemp(prefix="wcow-test-"))), name="app")


def open_registry(image: Image, store: Store, *, user: str = "") -> Registry:
    """The image's registry."""
    return Registry(open_rootfs(image, store), user=user)
