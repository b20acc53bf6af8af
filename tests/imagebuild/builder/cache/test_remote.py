# SPDX-License-Identifier: Apache-2.0
"""Build caches in registries and folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.registry_double import RegistryDouble, answer

from imagebuild.builder.cache.cache import VERSION, Cache, key_of
from imagebuild.builder.cache.remote import ARTIFACT, CachePlace, RemoteCache, read_cache
from imagebuild.errors import FormatError, NotFoundError, UsageError
from imagebuild.images.put import Layer
from imagebuild.oci import Descriptor, Digest, Manifest, media
from imagebuild.stores import LayoutStore, MemoryStore, NoCredentials, RegistryClient, Store, put_bytes

KEY, OTHER, SHAPE = key_of(step="a"), key_of(step="b"), key_of(step="shape")
PLACE = CachePlace.parse("registry.example/cache:1", "--cache-from")


def layer(store: Store, content: bytes) -> Layer:
    """A layer in a store."""
    return Layer(put_bytes(store, content, media.OCI_LAYER_GZIP), Digest.of(b"tar of " + content), 7 + len(content))


def exported(target: Store, **contents: bytes) -> dict[str, Layer]:
    """What a build elsewhere left in ``target`` under 1: a layer for each key, ``a`` and ``b``."""
    store = MemoryStore()
    cache = RemoteCache(None, store)
    out = {}
    for name, content in contents.items():
        out[name] = layer(store, content)
        cache.put(key_of(step=name), out[name], shape=SHAPE)
    cache.export(target, "1")
    return out


@pytest.mark.parametrize("kind", ["memory", "layout", "registry"])
def test_a_layer_made_elsewhere_is_found_and_brought_here(kind: str, tmp_path: Path) -> None:
    with RegistryDouble() as double, RegistryClient(credentials=NoCredentials()) as client:
        place: Store = MemoryStore() if kind == "memory" else LayoutStore(tmp_path / "c", create=True) \
            if kind == "layout" else client.repository(f"{double.host}/cache")
        made = exported(place, a=b"one", b=b"two")
        here = MemoryStore()
        cache = RemoteCache(tmp_path / "steps", here)
        cache.add(place, PLACE)
        assert cache.knows_shape(SHAPE)
        assert not cache.knows_shape(KEY)
        assert cache.get(KEY) == made["a"]
        assert here.blobs[made["a"].descriptor.digest] == b"one"
        assert made["b"].descriptor.digest not in here.blobs, "what no step asked for is not fetched"
        assert cache.get(key_of(step="c")) is None
        assert cache.warnings == []
    assert Cache(tmp_path / "steps").get(KEY) == made["a"], "the next build has it in its own cache"
    assert Cache(tmp_path / "steps").knows_shape(SHAPE)


def test_the_user_s_own_record_is_taken_unless_its_layer_has_gone(tmp_path: Path) -> None:
    place, here = MemoryStore(), MemoryStore()
    made = exported(place, a=b"one")
    own = layer(here, b"own")
    cache = RemoteCache(tmp_path / "steps", here)
    cache.add(place, PLACE)
    cache.put(KEY, own)
    assert cache.get(KEY) == own
    here.blobs.clear()
    assert cache.get(KEY) == made["a"]


def test_a_cache_holds_what_a_build_used_and_made_each_layer_once(tmp_path: Path) -> None:
    first, second, here = MemoryStore(), MemoryStore(), MemoryStore()
    made = exported(first, a=b"one", b=b"two")
    cache = RemoteCache(None, here)
    cache.add(first, PLACE)
    cache.get(KEY)
    new = layer(here, b"new")
    for key in (key_of(step="c"), key_of(step="d")):
        cache.put(key, new)
    descriptor = cache.export(second, "1")
    assert set(read_cache(second, "1").records) == {KEY, key_of(step="c"), key_of(step="d")}
    manifest = Manifest.from_bytes(second.manifest(descriptor))
    assert {item.digest for item in manifest.layers} == {new.descriptor.digest, made["a"].descriptor.digest}
    assert (manifest.artifact_type, manifest.config.media_type) == (ARTIFACT, ARTIFACT)
    assert read_cache(second, "1").records[KEY].shape == SHAPE


def test_only_the_layers_of_an_image_can_be_kept() -> None:
    store, place = MemoryStore(), MemoryStore()
    cache = RemoteCache(None, store)
    one, two = layer(store, b"one"), layer(store, b"two")
    cache.put(KEY, one)
    cache.put(OTHER, two)
    cache.export(place, "1", only={two.descriptor.digest})
    assert set(read_cache(place, "1").records) == {OTHER}
    assert one.descriptor.digest not in place.blobs


def test_the_same_build_exports_the_same_bytes() -> None:
    stores = MemoryStore(), MemoryStore()
    for place, names in zip(stores, ("ab", "ba"), strict=True):
        exported(place, **{name: name.encode() for name in names})
    assert stores[0].resolve("1") == stores[1].resolve("1")


def test_a_cache_that_is_not_there_is_a_warning() -> None:
    cache = RemoteCache(None, MemoryStore())
    cache.add(MemoryStore(), PLACE)
    assert cache.get(KEY) is None
    assert cache.warnings == ["the build cache docker://registry.example/cache:1 is not there yet"]


def test_a_registry_in_trouble_is_a_warning_and_the_next_cache_is_asked(tmp_path: Path) -> None:
    second, here = MemoryStore(), MemoryStore()
    with RegistryDouble() as double, RegistryClient(credentials=NoCredentials(), sleep=lambda _: None) as client:
        first = client.repository(f"{double.host}/cache")
        made = exported(first, a=b"one")
        exported(second, a=b"one")
        double.next("GET", "/blobs/" + made["a"].descriptor.digest, answer(500), times=99)
        cache = RemoteCache(None, here)
        cache.add(first, PLACE)
        cache.add(second, PLACE)
        assert cache.get(KEY) == made["a"]
    assert len(cache.warnings) == 1 and "500" in cache.warnings[0]


def test_a_layer_that_is_not_what_the_cache_says_is_not_used() -> None:
    place, here = MemoryStore(), MemoryStore()
    made = exported(place, a=b"one")
    place.blobs[made["a"].descriptor.digest] = b"eno"
    cache = RemoteCache(None, here)
    cache.add(place, PLACE)
    assert cache.get(KEY) is None
    assert here.blobs == {}
    assert len(cache.warnings) == 1


def cache_of(document: Any) -> MemoryStore:
    """A store whose cache has this config."""
    store = MemoryStore()
    blob = put_bytes(store, b"layer", media.OCI_LAYER_GZIP)
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    manifest = Manifest(config=put_bytes(store, data, ARTIFACT), layers=(blob,), media_type=media.OCI_MANIFEST)
    store.put_manifest(manifest.to_bytes(), manifest.kind, tag="1")
    return store


GOOD = {"layer": 0, "diffID": str(Digest.of(b"x")), "diffSize": 5}


@pytest.mark.parametrize("document", [
    b"", b"{", b"[1]", b"null", {}, {"version": VERSION}, {"version": VERSION, "records": [1]},
    *({"version": VERSION, "records": {KEY: GOOD | change}} for change in (
        {"layer": 1}, {"layer": -1}, {"layer": True}, {"layer": "0"}, {"diffID": "sha256:../x"}, {"diffSize": -1},
        {"diffSize": 1.5}, {"shape": 1})),
    {"version": VERSION, "records": {KEY: None}}, {"version": VERSION, "records": {KEY: {}}},
    {"version": VERSION, "records": {f"{number:064x}": GOOD for number in range(20_001)}}])
def test_a_damaged_cache_is_refused_whole_and_the_build_goes_on(document: Any) -> None:
    store = cache_of(document)
    with pytest.raises(FormatError):
        read_cache(store, "1")
    cache = RemoteCache(None, MemoryStore())
    cache.add(store, PLACE)
    assert cache.get(KEY) is None
    assert len(cache.warnings) == 1


def test_keys_that_are_none_are_passed_over_and_other_versions_are_empty() -> None:
    good = cache_of({"version": VERSION, "records": {KEY: GOOD, "../../etc/passwd": GOOD}})
    assert list(read_cache(good, "1").records) == [KEY]
    assert read_cache(cache_of({"version": VERSION + 1, "records": {KEY: GOOD}}), "1").records == {}


def test_an_image_is_no_cache() -> None:
    store = MemoryStore()
    config = put_bytes(store, b"{}", media.OCI_CONFIG)
    manifest = Manifest(config=config, media_type=media.OCI_MANIFEST)
    store.put_manifest(manifest.to_bytes(), manifest.kind, tag="1")
    with pytest.raises(FormatError, match="no build cache"):
        read_cache(store, "1")
    with pytest.raises(NotFoundError):
        read_cache(store, "2")


@pytest.mark.parametrize(("text", "option", "location", "tag", "whole"), [
    ("type=registry,ref=r.example/c", "--cache-from", "docker://r.example/c:latest", "latest", False),
    ("type=registry,ref=r.example/c:2,mode=max", "--cache-to", "docker://r.example/c:2", "2", True),
    ("r.example/c:2", "--cache-from", "docker://r.example/c:2", "2", False),
    ("type=local,src=dir", "--cache-from", "oci:dir:latest", "latest", False),
    ("type=local,dest=/a/b,mode=max,tag=x", "--cache-to", "oci:/a/b:x", "x", True)])
def test_places_of_caches(text: str, option: str, location: str, tag: str, whole: bool) -> None:
    place = CachePlace.parse(text, option)
    assert (str(place.location), place.tag, place.whole) == (location, tag, whole)


@pytest.mark.parametrize(("text", "why"), [
    ("type=gha", "known are registry and local"), ("type=inline", "known are"), ("type=registry", "has no ref"),
    ("type=local,dest=x", "has no src"), ("type=local,src=x,mode=some", "known are min and max"),
    ("type=registry,ref=a/b,zip=1", "has no field zip")])
def test_what_is_no_place_of_a_cache_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        CachePlace.parse(text, "--cache-from")
    assert why in caught.value.why


def test_the_type_of_a_layer_stays() -> None:
    place, here = MemoryStore(), MemoryStore()
    store = MemoryStore()
    blob = Layer(Descriptor(media.OCI_LAYER_GZIP, put_bytes(store, b"z", "x").digest, 1), Digest.of(b"z"), 1)
    cache = RemoteCache(None, store)
    cache.put(KEY, blob)
    cache.export(place, "1")
    again = RemoteCache(None, here)
    again.add(place, PLACE)
    found = again.get(KEY)
    assert found is not None and found.descriptor.media_type == media.OCI_LAYER_GZIP
