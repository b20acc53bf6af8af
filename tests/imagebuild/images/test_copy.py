# SPDX-License-Identifier: Apache-2.0
"""Copying between stores: what goes over, what stays, and what an error leaves behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from support import images

from imagebuild.errors import NotFoundError, StoreError, UnsupportedError, UsageError
from imagebuild.events import Event, Finish, Result, Step
from imagebuild.images.copy import Copied, copy, holds_indexes, pick
from imagebuild.oci import Descriptor, Digest, Index, Location, Platform, create, media, parse
from imagebuild.stores import ArchiveStore, LayoutStore, MemoryStore, Store

NAME = "docker.io/library/app:1"


def run(events: Iterator[Event]) -> tuple[Copied, list[Event]]:
    """An operation to its end: its value, and everything it said."""
    said = list(events)
    assert isinstance(said[-1], Result)
    return said[-1].value, said


def copied(source: Store, descriptor: Descriptor, target: Store, **options: Any) -> Copied:
    return run(copy(source, descriptor, target, **{"tag": NAME, **options}))[0]


def test_an_image_arrives_byte_for_byte(tmp_path: Path) -> None:
    source, target = MemoryStore(), LayoutStore(tmp_path / "to", create=True)
    _, descriptor = images.sample(source)
    done = copied(source, descriptor, target)
    assert target.resolve(NAME) == descriptor == done.descriptor
    assert target.manifest(descriptor) == source.manifest(descriptor)
    assert done.tally.copied == 3 and done.tally.present == 0
    assert done.tally.size == sum(blob.size for blob in images_blobs(source, descriptor))


def images_blobs(store: Store, descriptor: Descriptor) -> list[Descriptor]:
    manifest = parse(store.manifest(descriptor), descriptor.media_type)
    assert not isinstance(manifest, Index)
    return [manifest.config, *manifest.layers]


def test_what_is_there_is_not_copied_again() -> None:
    source, target = MemoryStore(), MemoryStore()
    _, descriptor = images.sample(source)
    copied(source, descriptor, target)
    done, said = run(copy(source, descriptor, target, tag="docker.io/library/other:1"))
    assert (done.tally.copied, done.tally.present, done.tally.size) == (0, 3, 0)
    assert [event.note for event in said if isinstance(event, Finish)] == ["already there"] * 3
    assert target.tags() == [NAME, "docker.io/library/other:1"]


def test_an_index_goes_over_whole_and_shared_layers_once(tmp_path: Path) -> None:
    source, target = MemoryStore(), LayoutStore(tmp_path / "to", create=True)
    index, descriptor = images.windows_versions(source, "many:1", "10.0.20348.1", "10.0.26100.1")
    done = copied(source, descriptor, target)
    assert target.resolve(NAME) == descriptor
    assert target.manifest(descriptor) == index.to_bytes()
    assert done.tally.copied == 5  # one shared layer, two of their own, two configs
    assert all(target.has_blob(entry) for entry in index.manifests)


def test_one_platform_of_an_index_can_be_chosen() -> None:
    source, target = MemoryStore(), MemoryStore()
    index, descriptor = images.windows_versions(source, "many:1", "10.0.20348.1", "10.0.26100.1")
    done = copied(source, descriptor, target, platform=Platform("windows", "amd64", "10.0.26100"))
    assert done.descriptor.digest == index.manifests[1].digest
    assert index.manifests[0].digest not in target.blobs


def test_a_platform_that_is_not_there_is_an_error_that_lists_those_that_are() -> None:
    source = MemoryStore()
    _, descriptor = images.windows_versions(source, "many:1", "10.0.20348.1")
    with pytest.raises(NotFoundError, match=r"no image for windows\(10\.0\.17763\)") as caught:
        pick(source, descriptor, Platform("windows", "amd64", "10.0.17763"), name="many:1")
    assert "windows(10.0.20348.1)/amd64" in caught.value.why


def test_an_index_of_several_does_not_fit_where_one_image_has_the_name() -> None:
    source, target = MemoryStore(), MemoryStore()
    _, descriptor = images.windows_versions(source, "many:1", "10.0.20348.1", "10.0.26100.1")
    with pytest.raises(UsageError, match="cannot copy all"):
        copied(source, descriptor, target, whole=False)
    assert not target.blobs
    done = copied(source, descriptor, target, whole=False, platform=Platform("windows", "amd64", "10.0.20348"))
    assert media.is_manifest(done.descriptor.media_type)


def test_an_index_of_one_fits_where_one_image_has_the_name() -> None:
    source, target = MemoryStore(), MemoryStore()
    index, descriptor = images.windows_versions(source, "many:1", "10.0.20348.1")
    assert copied(source, descriptor, target, whole=False).descriptor.digest == index.manifests[0].digest


@pytest.mark.parametrize(("place", "holds"), [
    ("docker://a/b:1", True), ("oci:dir:1", True), ("oci-archive:f", True), ("app:1", True),
    ("docker-archive:f", False), ("docker-daemon:app:1", False)])
def test_which_places_hold_an_index(place: str, holds: bool) -> None:
    assert holds_indexes(Location.parse(place)) is holds


class Failing(MemoryStore):
    """Cannot give one blob, and tells how many were asked for."""

    def __init__(self, bad: Digest) -> None:
        super().__init__()
        self.bad = bad
        self.opened: list[str] = []

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        self.opened.append(descriptor.digest)
        if descriptor.digest == self.bad:
            raise StoreError("the cable was pulled")
        time.sleep(0.01)
        return super().open_blob(descriptor, offset=offset)


def test_one_error_stops_the_others_and_leaves_no_name() -> None:
    good = MemoryStore()
    below = images.layer(good, images.BASE, base=True)
    layers = [images.layer(good, (images.folder("Files", security=False),
                                  images.file("Files/a.txt", bytes([number]) * 100),
                                  images.folder("Hives", security=False))) for number in range(20)]
    _, descriptor = images.image(good, NAME, below, *layers)
    source, target = Failing(below.descriptor.digest), MemoryStore()  # the largest blob, so it comes first
    source.blobs, source.tagged = good.blobs, good.tagged
    with pytest.raises(StoreError, match="the cable was pulled"):
        copied(source, descriptor, target, threads=2)
    assert target.tags() == []
    assert descriptor.digest not in target.blobs
    assert len(source.opened) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("copy-")]


def test_a_caller_who_stops_listening_ends_the_threads() -> None:
    source, target = MemoryStore(), MemoryStore()
    _, descriptor = images.sample(source)
    events = copy(source, descriptor, target, tag=NAME)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert target.tags() == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("copy-")]


def test_a_promised_layer_comes_from_where_it_was_promised(tmp_path: Path) -> None:
    registry = MemoryStore()
    made, descriptor = images.sample(registry)
    local = LayoutStore(tmp_path / "local", create=True, opener=lambda location: registry)
    origin = Location.parse("docker://registry.example/app:1")
    for layer in made.layers:
        local.remember_origin(layer.digest, origin)
    images_config = made.config_bytes()
    with local.new_blob() as blob:
        blob.write(images_config)
        blob.commit(Digest.of(images_config), len(images_config))
    local.put_manifest(made.manifest_bytes(), descriptor.media_type, tag=NAME)
    assert not local.has_blob(made.layers[0])
    target = MemoryStore()
    copied(local, descriptor, target)
    assert all(target.has_blob(layer) for layer in made.layers)


def test_a_pulled_image_remembers_its_origin(tmp_path: Path) -> None:
    source, target = MemoryStore(), LayoutStore(tmp_path / "to", create=True)
    made, descriptor = images.sample(source)
    origin = Location.parse("docker://registry.example/app:1")
    copied(source, descriptor, target, origin=origin)
    assert target.origins(made.layers[0].digest) == [origin]


def test_another_digest_than_was_asked_for_is_refused_before_anything_is_written() -> None:
    source, target = MemoryStore(), MemoryStore()
    _, descriptor = images.sample(source)
    with pytest.raises(UsageError, match="cannot copy"):
        copied(source, descriptor, target, digest=Digest.of(b"other"))
    assert not target.blobs


def test_indexes_without_end_are_refused() -> None:
    store = MemoryStore()
    _, descriptor = images.sample(store, None)
    for _ in range(6):
        descriptor = store.put_manifest(Index((descriptor,)).to_bytes(), media.OCI_INDEX)
    with pytest.raises(UnsupportedError, match="cannot copy"):
        copied(store, descriptor, MemoryStore())


def test_an_archive_is_the_same_each_time_and_keeps_the_digest(tmp_path: Path) -> None:
    source = MemoryStore()
    _, descriptor = images.sample(source)
    for name in ("one.tar", "two.tar"):
        with ArchiveStore(tmp_path / name, create=True) as target:
            copied(source, descriptor, target)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with ArchiveStore(tmp_path / "one.tar") as archive:
        assert archive.resolve(NAME).digest == descriptor.digest


class Recording(MemoryStore):
    """Remembers under which names documents were put."""

    def __init__(self) -> None:
        super().__init__()
        self.put: list[tuple[str, str | None]] = []

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Descriptor:
        self.put.append((Digest.of(data), tag))
        return super().put_manifest(data, media_type, tag=tag)


def test_only_the_last_document_gets_the_name() -> None:
    source, target = MemoryStore(), Recording()
    index, descriptor = images.windows_versions(source, "many:1", "10.0.20348.1", "10.0.26100.1")
    copied(source, descriptor, target)
    assert target.put == [*((entry.digest, None) for entry in index.manifests), (descriptor.digest, NAME)]


def test_of_several_that_fit_the_first_is_taken_as_docker_does() -> None:
    source = MemoryStore()
    index, descriptor = images.windows_versions(source, "many:1", "10.0.20348.1", "10.0.26100.1")
    assert pick(source, descriptor, Platform("windows", "amd64")).digest == index.manifests[0].digest


class Busy(MemoryStore):
    """Counts how many blobs are open at once."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()
        self.open_now = self.most = 0

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        with self.lock:
            self.open_now += 1
            self.most = max(self.most, self.open_now)
        time.sleep(0.05)
        with self.lock:
            self.open_now -= 1
        return super().open_blob(descriptor, offset=offset)


def test_blobs_go_side_by_side_but_into_an_archive_one_after_the_other(tmp_path: Path) -> None:
    source = Busy()
    _, descriptor = images.sample(source)
    copied(source, descriptor, MemoryStore())
    assert source.most > 1
    source.most = 0
    with ArchiveStore(tmp_path / "x.tar", create=True) as target:
        copied(source, descriptor, target)
    assert source.most == 1


def foreign(store: MemoryStore) -> tuple[Descriptor, Descriptor]:
    """An image whose lowest layer is foreign: that layer and the image."""
    image, _ = images.sample(store)
    below = replace(image.layers[0], urls=("https://origin.example/layer",), media_type=media.layer_type(
        "oci", "gzip", foreign=True))
    made = create(image.config, layers=(below, image.layers[1]))
    return below, store.put_manifest(made.manifest_bytes(), made.descriptor().media_type, tag="foreign:1")


def test_a_foreign_layer_goes_to_a_registry_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Registry(MemoryStore):
        pass

    monkeypatch.setattr("imagebuild.images.copy.RegistryStore", Registry)
    source, target = MemoryStore(), Registry()
    layer, descriptor = foreign(source)
    copied(source, descriptor, target)
    assert not target.has_blob(layer)
    copied(source, descriptor, target, foreign=True)
    assert target.has_blob(layer)


def test_a_foreign_layer_goes_everywhere_else_when_it_is_there() -> None:
    source, target, other = MemoryStore(), MemoryStore(), MemoryStore()
    layer, descriptor = foreign(source)
    copied(source, descriptor, target)
    assert target.has_blob(layer)
    del source.blobs[layer.digest]
    copied(source, descriptor, other)
    assert not other.has_blob(layer) and other.resolve(NAME) == descriptor


def test_a_step_of_its_own_tells_of_each_blob() -> None:
    source = MemoryStore()
    made, descriptor = images.sample(source)
    _, said = run(copy(source, descriptor, MemoryStore(), tag=NAME))
    texts = {event.text for event in said if isinstance(event, Step)}
    assert texts == {f"layer {layer.digest.hex[:12]}" for layer in made.layers} | \
        {f"config {made.manifest.config.digest.hex[:12]}"}
    begun = [event.id for event in said if isinstance(event, Step)]
    assert sorted(begun) == sorted(event.id for event in said if isinstance(event, Finish))
