# SPDX-License-Identifier: Apache-2.0
"""Indexes of images from several places: what is read from configs, what is copied, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support import images

from imagebuild.errors import NotFoundError, UsageError
from imagebuild.events import Event, Result, Warn
from imagebuild.images import index as operations
from imagebuild.images.library import Library
from imagebuild.images.put import put_image
from imagebuild.oci import Config, Descriptor, Index, Location, Platform, convert, create, media, versions
from imagebuild.stores import MemoryStore, Store

OLD, NEW = "10.0.20348.2762", "10.0.26100.1"


class Places:
    """A local store and, for ``docker://`` names, one far away."""

    def __init__(self) -> None:
        self.local, self.far = MemoryStore(), MemoryStore()
        self.library = Library(self.local, lambda location: self.far, offline=False)

    def put(self, name: str, os_version: str, *features: str, store: Store | None = None, family: media.Family = "oci",
            ) -> Descriptor:
        """An image without layers."""
        config = Config(os="windows", architecture="amd64", os_version=os_version, os_features=features,
                        author=name)
        return put_image(store or self.local, convert(create(config), family), tag=name)


@pytest.fixture
def places() -> Places:
    return Places()


def full(name: str) -> str:
    return f"docker.io/library/{name}"


def run(events: Iterator[Event]) -> tuple[operations.Listed, list[str]]:
    said = list(events)
    assert isinstance(said[-1], Result)
    return said[-1].value, [event.code for event in said if isinstance(event, Warn)]


def made(places: Places, *names: str, **options: Any) -> tuple[operations.Listed, list[str]]:
    return run(operations.create(places.library, names, places.local, **{"tag": "many", **options}))


def test_version_and_features_come_from_each_config(places: Places) -> None:
    places.put(full("old:1"), OLD)
    places.put(full("core:1"), OLD, "win32k")
    listed, told = made(places, "old:1", "core:1")
    assert [entry.platform for entry in listed.index.manifests] == [
        Platform("windows", "amd64", OLD, ("win32k",)), Platform("windows", "amd64", OLD)]
    assert places.local.resolve("many") == listed.descriptor and told == []


def test_what_an_index_says_gives_way_to_the_config_and_fills_its_gaps(places: Places) -> None:
    wrong = places.put(full("old:1"), OLD)
    bare = places.put(full("bare:1"), "")
    inner = Index((replace(wrong, platform=Platform("windows", "amd64", NEW)),
                   replace(bare, platform=Platform("windows", "amd64", "10.0.17763.1", ("win32k",)))))
    places.local.put_manifest(inner.to_bytes(), inner.kind, tag=full("inner:1"))
    listed, told = made(places, "inner:1")
    assert told == ["config-differs"]
    assert [entry.platform for entry in listed.index.manifests] == [
        Platform("windows", "amd64", OLD), Platform("windows", "amd64", "10.0.17763.1", ("win32k",))]


def test_images_from_elsewhere_come_along_with_all_they_need(places: Places) -> None:
    images.sample(places.far, "1", os_version=NEW)
    places.put(full("old:1"), OLD)
    listed, _ = made(places, "docker://registry.example/new:1", "old:1")
    for entry in listed.index.manifests:
        assert places.local.has_blob(entry)
    assert len(places.local.blobs) == 2 + 4 + 1


def test_records_about_images_come_along_with_them_only(places: Places) -> None:
    old, new = places.put(full("old:1"), OLD), places.put(full("new:1"), NEW)
    record = replace(places.put("record", ""), platform=Platform("unknown", "unknown"),
                     annotations=((versions.ATTESTATION_OF, old.digest),))
    inner = Index((replace(old, platform=Platform("windows", "amd64", OLD)), record))
    places.local.put_manifest(inner.to_bytes(), inner.kind, tag=full("inner:1"))
    listed, _ = made(places, "inner:1", "new:1")
    assert [entry.digest for entry in listed.index.manifests] == [new.digest, old.digest, record.digest]
    fixed = places.put(full("fixed:1"), OLD)
    listed, _ = run(operations.append(places.library, listed.index, ["fixed:1"], places.local, tag="many",
                                      replace_same=True))
    assert [entry.digest for entry in listed.index.manifests] == [new.digest, fixed.digest]


def test_the_kind_is_dockers_when_all_images_are(places: Places) -> None:
    places.put(full("old:1"), OLD, family="docker")
    places.put(full("new:1"), NEW)
    assert made(places, "old:1")[0].descriptor.media_type == media.DOCKER_INDEX
    assert made(places, "old:1", "new:1")[0].descriptor.media_type == media.OCI_INDEX
    listed, told = made(places, "new:1", family="docker")
    assert listed.descriptor.media_type == media.DOCKER_INDEX and told == ["mixed-types"]


def test_a_change_that_is_refused_writes_nothing(places: Places) -> None:
    places.put(full("old:1"), OLD)
    listed, _ = made(places, "old:1")
    with pytest.raises(UsageError, match="no os"):
        run(operations.edit(listed.index, places.local, tag="many", change=lambda index: versions.annotate_entry(
            index, index.manifests, os_version="")))
    with pytest.raises(UsageError, match="nothing would be in it"):
        run(operations.edit(listed.index, places.local, tag="many", change=lambda index: versions.remove(
            index, index.manifests)))
    assert places.local.resolve("many") == listed.descriptor
    with pytest.raises(NotFoundError):
        made(places, "nobody:1", tag="other")
    assert "other" not in places.local.tags()


def test_an_index_inside_an_index_and_an_empty_one_are_refused(places: Places) -> None:
    places.put(full("old:1"), OLD)
    inner, _ = made(places, "old:1")
    for name, content in (("deep", (inner.descriptor,)), ("empty", ())):
        places.local.put_manifest(Index(content).to_bytes(), media.OCI_INDEX, tag=full(f"{name}:1"))
    with pytest.raises(UsageError, match="index inside"):
        made(places, "deep:1")
    with pytest.raises(NotFoundError, match="nothing in it"):
        made(places, "empty:1")


def test_a_place_for_one_image_cannot_hold_an_index() -> None:
    operations.check_target(Location.parse("oci:x"))
    with pytest.raises(UsageError, match="cannot hold an index"):
        operations.check_target(Location.parse("docker-daemon:x:1"))
