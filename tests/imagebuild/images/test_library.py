# SPDX-License-Identifier: Apache-2.0
"""Where a name with a digest is looked up, the first time and from then on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import plain_images as images
from support.registry_double import RegistryDouble

from imagebuild.errors import NotFoundError
from imagebuild.images.library import Library
from imagebuild.oci import Descriptor, Index, Location, Platform
from imagebuild.stores import LayoutStore, RegistryClient, Store

WINDOWS = Platform("windows", "amd64")
DATA = b"layer" * 1000
IMAGE = images.sample(DATA)


class Place:
    """A registry with an image and an index of it, and libraries of one local store."""

    def __init__(self, double: RegistryDouble, client: RegistryClient, folder: Path) -> None:
        self.double, self.client, self.folder = double, client, folder
        self.base = f"{double.host}/base"
        store = client.repository(self.base)
        self.image = images.store(store, IMAGE, DATA, tag="1")
        listing = Index((IMAGE.index_entry(),))
        self.index = store.put_manifest(listing.to_bytes(), listing.kind, tag="all")
        double.seen.clear()

    def library(self, *, keep: bool = True, offline: bool = False) -> Library:
        def opened(location: Location) -> Store:
            assert location.reference is not None
            return self.client.repository(location.reference)

        made = Library(LayoutStore(self.folder, create=True), opened, offline=offline)
        made.keep_pinned = keep
        return made

    def pinned(self, descriptor: Descriptor) -> str:
        return f"{self.base}@{descriptor.digest}"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with RegistryDouble() as double, RegistryClient(sleep=lambda seconds: None) as client:
        yield Place(double, client, tmp_path / "store")


@pytest.mark.parametrize("which", ["image", "index"])
def test_a_name_with_a_digest_is_asked_for_once(place: Place, which: str) -> None:
    name = place.pinned(getattr(place, which))
    first = place.library().find(name, WINDOWS)
    assert place.double.seen
    place.double.seen.clear()
    again = place.library().find(name, WINDOWS)
    assert place.double.seen == []
    assert (again.image, again.descriptor, again.index, again.location, again.name) == (
        first.image, first.descriptor, first.index, first.location, first.name)
    with again.store.open_blob(again.image.layers[0]) as stream:
        assert stream.read() == DATA, "its layers are still the registry's"


def test_what_is_kept_has_no_name(place: Place) -> None:
    library = place.library()
    library.find(place.pinned(place.image), WINDOWS)
    assert library.local.tags() == []


@pytest.mark.parametrize("name", ["base:1", "base:all"])
def test_a_name_without_a_digest_is_asked_for_each_time_and_not_kept(place: Place, name: str) -> None:
    for _ in range(2):
        place.double.seen.clear()
        place.library().find(f"{place.double.host}/{name}", WINDOWS)
        assert place.double.seen
    assert not place.library().local.has_blob(place.image)


def test_nothing_is_kept_unless_that_was_asked_for(place: Place) -> None:
    library = place.library(keep=False)
    library.find(place.pinned(place.image), WINDOWS)
    assert not library.local.has_blob(place.image)


def test_a_pull_asks_in_any_case(place: Place) -> None:
    place.library().find(place.pinned(place.image), WINDOWS)
    place.double.seen.clear()
    place.library().find(place.pinned(place.image), WINDOWS, pull=True)
    assert place.double.seen


def test_offline_nothing_else_than_a_name_of_the_local_store_is_found(place: Place) -> None:
    place.library().find(place.pinned(place.image), WINDOWS)
    with pytest.raises(NotFoundError, match="offline"):
        place.library(offline=True).find(place.pinned(place.image), WINDOWS)


@pytest.mark.parametrize("damage", ["gone", "wrong"])
def test_where_part_of_it_is_gone_or_damaged_the_registry_is_asked(place: Place, damage: str) -> None:
    name = place.pinned(place.index)
    place.library().find(name, WINDOWS)
    for descriptor in (place.index, place.image, IMAGE.manifest.config):
        path = place.folder / "blobs" / "sha256" / descriptor.digest.hex
        data = path.read_bytes()
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(data[:-1] + b" ")
        assert place.library().find(name, WINDOWS).image == IMAGE
        if damage == "gone":
            assert path.read_bytes() == data


def test_a_platform_it_does_not_have_is_the_registry_s_to_tell(place: Place) -> None:
    name = place.pinned(place.index)
    place.library().find(name, WINDOWS)
    with pytest.raises(NotFoundError, match="its index offers"):
        place.library().find(name, Platform("windows", "arm64"))
