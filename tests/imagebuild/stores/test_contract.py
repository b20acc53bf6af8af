# SPDX-License-Identifier: Apache-2.0
"""The contract of the port, held by every store."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import plain_images as images
from support import programs
from support.registry_double import RegistryDouble

from imagebuild.errors import IntegrityError, NotFoundError, RegistryError, StoreError, UnsupportedError
from imagebuild.oci import Descriptor, Digest, Index, media
from imagebuild.stores import (
    ArchiveStore,
    LayoutStore,
    MemoryStore,
    NoCredentials,
    RegistryClient,
    RegistryStore,
    Store,
    copy_blob,
    put_bytes,
)

KINDS = ["memory", "layout", "archive", "double", "registry"]
LAYER = images.layer_tar(content=bytes(range(256)) * 1000)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "memory":
        with MemoryStore() as made:
            yield made
    elif request.param == "layout":
        with LayoutStore(tmp_path / "layout", create=True) as layout:
            yield layout
    elif request.param == "archive":
        with ArchiveStore(tmp_path / "archive.tar", create=True) as archive:
            yield archive
    else:
        if request.param == "registry":
            host = request.getfixturevalue("registry").host
            yield from _registry(host)
        else:
            with RegistryDouble() as double:
                yield from _registry(double.host)


def _registry(host: str) -> Iterator[Store]:
    with RegistryClient(credentials=NoCredentials(), chunk_size=50_000, sleep=lambda seconds: None) as client:
        yield client.repository(f"{host}/contract/{uuid.uuid4().hex}")


def described(data: bytes, kind: str = "application/x-data") -> Descriptor:
    return Descriptor(kind, Digest.of(data), len(data))


def test_an_image_comes_back_by_tag_and_by_digest(store: Store) -> None:
    image = images.sample(LAYER)
    manifest = images.store(store, image, LAYER, tag="1")
    assert manifest == image.descriptor()
    for name in ("1", str(manifest.digest)):
        found = store.resolve(name)
        assert (found.digest, found.size, found.media_type) == (manifest.digest, manifest.size, media.OCI_MANIFEST)
    assert store.manifest(store.resolve("1")) == image.manifest_bytes()
    assert store.manifest(image.manifest.config) == image.config_bytes()
    with store.open_blob(image.layers[0]) as stream:
        assert stream.read() == LAYER


def test_a_blob_can_be_read_from_an_offset(store: Store) -> None:
    blob = put_bytes(store, LAYER, "application/x-data")
    for offset in (0, 1, len(LAYER) - 1, len(LAYER)):
        with store.open_blob(blob, offset=offset) as stream:
            assert stream.read() == LAYER[offset:]


def test_a_blob_is_there_only_after_commit(store: Store) -> None:
    blob = described(b"data")
    with store.new_blob() as writer:
        writer.write(b"da")
        writer.write(memoryview(b"ta"))
        assert not store.has_blob(blob)
        writer.commit(blob.digest, 4)
    assert store.has_blob(blob)


def test_an_aborted_blob_is_not_there(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt), store.new_blob() as writer:
        writer.write(b"data" * 40_000)
        raise KeyboardInterrupt
    assert not store.has_blob(described(b"data" * 40_000))
    put_bytes(store, b"after", "application/x-data")
    assert store.has_blob(described(b"after"))


def test_committing_a_blob_twice_is_committing_it_once(store: Store) -> None:
    for _ in range(2):
        with store.new_blob() as writer:
            writer.write(b"same")
            writer.commit(Digest.of(b"same"), 4)
    with store.open_blob(described(b"same")) as stream:
        assert stream.read() == b"same"


def test_two_blobs_can_be_written_at_once(store: Store) -> None:
    with store.new_blob() as one, store.new_blob() as two:
        for _ in range(3):
            one.write(b"1" * 30_000)
            two.write(b"2" * 30_000)
        two.commit(Digest.of(b"2" * 90_000), 90_000)
        one.commit(Digest.of(b"1" * 90_000), 90_000)
    for content in (b"1" * 90_000, b"2" * 90_000):
        with store.open_blob(described(content)) as stream:
            assert stream.read() == content


def test_a_blob_of_another_size_than_written_is_refused(store: Store) -> None:
    with pytest.raises(IntegrityError), store.new_blob() as writer:
        writer.write(b"data")
        writer.commit(Digest.of(b"dat"), 3)
    assert not store.has_blob(described(b"dat"))


def test_an_empty_blob_is_a_blob(store: Store) -> None:
    blob = put_bytes(store, b"", "application/x-data")
    assert store.has_blob(blob)
    with store.open_blob(blob) as stream:
        assert stream.read() == b""


def test_what_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.resolve("nothing")
    with pytest.raises(NotFoundError):
        store.resolve(str(Digest.of(b"nothing")))
    with pytest.raises(NotFoundError):
        store.open_blob(described(b"nothing"))
    with pytest.raises(NotFoundError):
        store.manifest(described(b"nothing", media.OCI_MANIFEST))


def test_reading_under_a_wrong_size_is_an_integrity_error(store: Store) -> None:
    blob = put_bytes(store, b"four", "application/x-data")
    for size in (3, 5):
        with pytest.raises((IntegrityError, StoreError)), \
                store.open_blob(Descriptor("application/x-data", blob.digest, size)) as stream:
            stream.read()


def test_a_manifest_whose_blobs_are_missing_is_refused(store: Store, request: pytest.FixtureRequest) -> None:
    if "double" in request.node.callspec.id:
        pytest.skip("the double believes everything")
    image = images.sample(LAYER)
    with pytest.raises((StoreError, NotFoundError)):
        store.put_manifest(image.manifest_bytes(), image.manifest.kind, tag="1")
    assert store.tags() == []


def test_a_tag_moves_to_the_manifest_put_last(store: Store) -> None:
    first, second = images.sample(LAYER), images.sample(b"other")
    images.store(store, first, LAYER, tag="1")
    images.store(store, second, b"other", tag="1")
    images.store(store, first, LAYER, tag="0")
    assert store.resolve("1").digest == second.descriptor().digest
    assert store.tags() == ["0", "1"]


def test_a_manifest_without_a_tag_is_found_by_its_digest_only(store: Store) -> None:
    image = images.sample(LAYER)
    images.store(store, image, LAYER)
    assert store.tags() == []
    assert store.resolve(str(image.descriptor().digest)).digest == image.descriptor().digest


def test_an_index_is_kept_with_its_manifests(store: Store) -> None:
    image = images.sample(LAYER)
    images.store(store, image, LAYER)
    index = Index((image.index_entry(),))
    store.put_manifest(index.to_bytes(), index.kind, tag="all")
    found = store.resolve("all")
    assert media.is_index(found.media_type)
    assert Index.from_bytes(store.manifest(found)) == index
    assert store.has_blob(image.index_entry()) or isinstance(store, MemoryStore)


def test_a_forgotten_tag_is_gone_and_the_image_stays(store: Store) -> None:
    image = images.sample(LAYER)
    images.store(store, image, LAYER, tag="1")
    try:
        store.untag("1")
    except UnsupportedError:
        pytest.skip("this registry cannot remove a tag alone")
    assert store.tags() == []
    with pytest.raises(NotFoundError):
        store.untag("1")
    assert store.manifest(image.descriptor()) == image.manifest_bytes()


def test_unknown_media_types_are_kept(store: Store, request: pytest.FixtureRequest) -> None:
    image = images.sample()
    odd = put_bytes(store, b"odd", "application/vnd.example.thing")
    image = type(image)(type(image.manifest)(config=image.manifest.config, layers=(odd,)), image.config)
    images.store(store, image, tag="odd")
    assert store.manifest(store.resolve("odd")) == image.manifest_bytes()


def test_a_foreign_layer_need_not_be_there(store: Store, request: pytest.FixtureRequest) -> None:
    image = images.sample()
    foreign = Descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Digest.of(b"far"), 3,
                         urls=("https://example.com/far",))
    image = type(image)(type(image.manifest)(config=image.manifest.config, layers=(foreign,),
                                             media_type=media.DOCKER_MANIFEST), image.config)
    try:
        images.store(store, image, tag="1")
    except RegistryError as error:
        pytest.skip(f"this registry takes foreign layers only from hosts it was told: {error}")
    assert store.manifest(store.resolve("1")) == image.manifest_bytes()


def test_closing_twice_is_closing_once(store: Store) -> None:
    images.store(store, images.sample(LAYER), LAYER, tag="1")
    store.close()
    store.close()


@pytest.mark.parametrize("target", ["memory", "layout", "archive"])
def test_a_blob_is_copied_into_any_other_store_with_progress(store: Store, target: str, tmp_path: Path) -> None:
    makers: dict[str, Callable[[], Store]] = {
        "memory": MemoryStore, "layout": lambda: LayoutStore(tmp_path / "to", create=True),
        "archive": lambda: ArchiveStore(tmp_path / "to.tar", create=True)}
    blob = put_bytes(store, LAYER, "application/x-data")
    other = makers[target]()
    seen: list[int] = []
    assert copy_blob(store, other, blob, progress=seen.append) == "copied"
    assert copy_blob(store, other, blob, progress=seen.append) == "present"
    assert seen[-1] == len(LAYER)
    assert seen == sorted(seen)
    with other.open_blob(blob) as stream:
        assert stream.read() == LAYER
    other.close()


def test_a_blob_is_mounted_between_repositories_of_one_registry(registry: programs.Registry) -> None:
    with RegistryClient(credentials=NoCredentials()) as client:
        one, two = client.repository(f"{registry.host}/mount/one"), client.repository(f"{registry.host}/mount/two")
        blob = put_bytes(one, LAYER, "application/x-data")
        assert copy_blob(one, two, blob) == "mounted"
        assert isinstance(two, RegistryStore)
        assert two.has_blob(blob)
