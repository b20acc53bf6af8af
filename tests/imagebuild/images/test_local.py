# SPDX-License-Identifier: Apache-2.0
"""Names in the local store."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import images

from imagebuild.errors import NotFoundError, UsageError
from imagebuild.images.local import find_local, list_images, local_name, remove_names, tag_image
from imagebuild.oci import Digest, Location
from imagebuild.stores import LayoutStore, MemoryStore

APP = "docker.io/library/app:1"


def test_images_are_listed_with_size_date_and_platforms() -> None:
    store = MemoryStore()
    image, descriptor = images.sample(store)
    images.windows_versions(store, "docker.io/library/many:1", "10.0.20348.1", "10.0.26100.1")
    app, many = list_images(store)
    assert (app.name, app.digest, app.created) == (APP, descriptor.digest, "2024-01-01T00:00:00Z")
    assert app.size == sum(layer.size for layer in image.layers) and app.missing == 0
    assert [platform.os_version for platform in many.platforms] == ["10.0.20348.1", "10.0.26100.1"]
    assert many.facts()["platforms"] == ["windows(10.0.20348.1)/amd64", "windows(10.0.26100.1)/amd64"]


def test_layers_that_are_only_promised_are_counted_as_missing(tmp_path: Path) -> None:
    memory = MemoryStore()
    image, descriptor = images.sample(memory)
    store = LayoutStore(tmp_path, create=True)
    store.remember_origin(image.layers[0].digest, Location.parse("docker://registry.example/x"))
    for data in (image.config_bytes(), memory.blobs[image.layers[1].digest]):
        with store.new_blob() as blob:
            blob.write(data)
            blob.commit(Digest.of(data), len(data))
    store.put_manifest(image.manifest_bytes(), descriptor.media_type, tag=APP)
    listed = list_images(store)[0]
    assert (listed.missing, listed.size) == (1, image.layers[1].size)


def test_a_damaged_image_is_listed_with_its_problem(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path, create=True)
    _, descriptor = images.sample(store)
    (tmp_path / "blobs/sha256" / descriptor.digest.hex).write_bytes(b"x" * descriptor.size)
    listed = list_images(store)[0]
    assert listed.name == APP and "its digest is" in listed.problem


def test_a_tag_points_at_the_same_image() -> None:
    store = MemoryStore()
    _, descriptor = images.sample(store)
    tag_image(store, find_local(store, "app:1"), "registry.example/team/app")
    assert store.resolve("registry.example/team/app:latest") == descriptor


def test_an_image_is_found_by_name_or_digest_and_missed_with_a_guess() -> None:
    store = MemoryStore()
    _, descriptor = images.sample(store)
    assert find_local(store, "app:1") == find_local(store, str(descriptor.digest)) == descriptor
    with pytest.raises(NotFoundError, match="no image ap:1") as caught:
        find_local(store, "ap:1")
    assert caught.value.why == "did you mean app:1?"


def test_names_are_removed_all_or_none() -> None:
    store = MemoryStore()
    _, descriptor = images.sample(store)
    tag_image(store, descriptor, "b:1")
    with pytest.raises(NotFoundError):
        remove_names(store, ("app:1", "c:1"))
    assert store.tags() == [APP, "docker.io/library/b:1"]
    assert remove_names(store, ("app:1", "b:1")) == [APP, "docker.io/library/b:1"]
    assert store.tags() == []
    assert store.has_blob(descriptor)


def test_a_name_with_a_digest_can_be_removed() -> None:
    store = MemoryStore()
    _, descriptor = images.sample(store, None)
    pinned = f"registry.example/app@{descriptor.digest}"
    store.put_manifest(store.manifest(descriptor), descriptor.media_type, tag=pinned)
    assert remove_names(store, (pinned,)) == [pinned] and store.tags() == []


def test_a_local_name_has_a_tag_and_no_digest() -> None:
    assert local_name("app") == "docker.io/library/app:latest"
    with pytest.raises(UsageError, match="cannot be a name"):
        local_name("app@sha256:" + "0" * 64)
