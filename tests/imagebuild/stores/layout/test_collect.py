# SPDX-License-Identifier: Apache-2.0
"""What is freed, what is not, and that nobody loses what he is using."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import plain_images as images

from imagebuild.errors import IntegrityError, NotFoundError, StoreError
from imagebuild.oci import Descriptor, Digest, Index, Location, Manifest, media
from imagebuild.stores import LayoutStore, copy_blob, put_bytes
from imagebuild.stores.layout import collect as module
from imagebuild.stores.layout.collect import Freed, blobs, collect
from imagebuild.stores.registry.referrers import attach, referrers

ONE, TWO, BOTH = b"one" * 100, b"two" * 100, b"both" * 100


@pytest.fixture
def store(tmp_path: Path) -> LayoutStore:
    return LayoutStore(tmp_path / "store", create=True)


def image(store: LayoutStore, *layers: bytes, tag: str | None = None) -> Descriptor:
    """An image put by a process that has ended."""
    with LayoutStore(store.path, create=True) as other:
        return images.store(other, images.sample(*layers), *layers, tag=tag)


def here(store: LayoutStore, *contents: bytes) -> list[bool]:
    digests = {blob.digest for blob in blobs(store)}
    return [Digest.of(content) in digests for content in contents]


def test_what_no_name_leads_to_is_freed_and_the_rest_is_whole(store: LayoutStore) -> None:
    image(store, BOTH, ONE, tag="a:1")
    gone = image(store, BOTH, TWO)
    freed = collect(store)
    assert {Digest.of(TWO), gone.digest} < {blob.digest for blob in freed.blobs} and len(freed.blobs) == 3
    assert here(store, ONE, TWO, BOTH) == [True, False, True]
    assert freed.size == sum(blob.size for blob in freed.blobs)
    assert collect(store) == Freed()


def test_a_dry_run_frees_nothing_and_tells_the_same(store: LayoutStore) -> None:
    image(store, ONE)
    told = collect(store, dry_run=True)
    assert here(store, ONE) == [True] and len(told.blobs) == 3
    assert collect(store) == told


def test_only_what_was_asked_for_is_looked_at_and_what_is_to_be_kept_stays(store: LayoutStore) -> None:
    image(store, ONE, TWO, BOTH)
    collect(store, only=[Digest.of(ONE), Digest.of(BOTH)], keep=[Digest.of(BOTH)])
    assert here(store, ONE, TWO, BOTH) == [False, True, True]
    collect(store, keep=[Digest.of(TWO)])
    assert here(store, ONE, TWO, BOTH) == [False, True, False]


def test_what_is_younger_than_asked_for_stays(store: LayoutStore) -> None:
    image(store, ONE, TWO)
    old = time.time() - 100
    os.utime(store.place.blob_path(Digest.of(ONE)), (old, old))
    collect(store, older_than=50)
    assert here(store, ONE, TWO) == [False, True]


def test_an_index_keeps_its_images_and_an_unnamed_entry_counts(store: LayoutStore) -> None:
    first, second = image(store, ONE), image(store, TWO)
    with LayoutStore(store.path, create=True) as other:
        other.put_manifest(Index((first, second)).to_bytes(), media.OCI_INDEX, tag="many")
    image(store, BOTH, tag="")
    assert collect(store) == Freed()
    store.untag("many")
    collect(store)
    assert here(store, ONE, TWO, BOTH) == [False, False, True]


def test_a_signature_goes_with_its_image(store: LayoutStore) -> None:
    signed = image(store, ONE, tag="a:1")
    with LayoutStore(store.path, create=True) as other:
        empty = put_bytes(other, b"{}", media.OCI_EMPTY)
        other.put_manifest(Manifest(empty, subject=signed).to_bytes(), media.OCI_MANIFEST, tag="")
    assert collect(store) == Freed()
    store.untag("a:1")
    collect(store)
    assert list(blobs(store)) == [] and store.entries() == ()


def test_what_is_attached_to_an_image_goes_with_it_and_not_before(store: LayoutStore) -> None:
    builder = LayoutStore(store.path, create=True)
    signed = images.store(builder, images.sample(ONE), ONE)
    empty = put_bytes(builder, b"{}", media.OCI_EMPTY)
    attach(builder, Manifest(empty, subject=signed).to_bytes(), media.OCI_MANIFEST)
    collect(store)
    assert len(referrers(store, signed)) == 1, "its image has no name yet, but somebody is about to give it one"
    builder.put_manifest(builder.manifest(signed), signed.media_type, tag="a:1")
    for place in (builder, store):
        place.close()
    assert collect(store) == Freed()
    store.untag("a:1")
    collect(store)
    assert list(blobs(store)) == [] and store.entries() == ()


# --- others who use the store -----------------------------------------------------------------------------------------

def test_layers_of_a_build_that_has_no_manifest_yet_are_kept_until_it_ends(store: LayoutStore) -> None:
    builder = LayoutStore(store.path, create=True)
    put_bytes(builder, ONE, "layer")
    assert collect(store) == Freed() and here(store, ONE) == [True]
    images.store(builder, images.sample(ONE), ONE, tag="a:1")
    builder.close()
    assert collect(store) == Freed() and here(store, ONE) == [True]
    other = LayoutStore(store.path, create=True)
    put_bytes(other, TWO, "layer")
    other.close()
    collect(store)
    assert here(store, ONE, TWO) == [True, False]


def test_a_layer_that_was_found_there_is_kept_as_one_that_was_written(store: LayoutStore) -> None:
    image(store, ONE)
    builder = LayoutStore(store.path, create=True)
    assert builder.has_blob(Descriptor("layer", Digest.of(ONE), len(ONE)))
    collect(store)
    assert here(store, ONE) == [True]
    builder.close()


def test_a_base_that_is_in_use_is_kept_whole_when_its_name_goes(store: LayoutStore) -> None:
    image(store, ONE, TWO, tag="base:1")
    builder = LayoutStore(store.path, create=True)
    builder.resolve("base:1")
    store.untag("base:1")
    assert collect(store) == Freed() and here(store, ONE, TWO) == [True, True]
    builder.close()
    assert len(collect(store).blobs) == 4


def test_who_only_reads_relies_on_nothing(store: LayoutStore) -> None:
    reader = LayoutStore(store.path)
    found = image(store, ONE)
    assert reader.resolve(found.digest) == found
    assert list((store.private / "leases").iterdir()) == []
    assert len(collect(store).blobs) == 3


def during(monkeypatch: pytest.MonkeyPatch, moment: str, act: Callable[[], Any]) -> None:
    """Do something in the middle of a collection, once, just before ``moment``."""
    before = getattr(module, moment)
    done: list[bool] = []

    def wrapped(*args: Any, **kinds: Any) -> Any:
        if not done:
            done.append(True)
            act()
        return before(*args, **kinds)

    monkeypatch.setattr(module, moment, wrapped)


@pytest.mark.parametrize("moment", ["living", "_aside", "_delete"])
def test_who_claims_a_blob_in_the_middle_of_a_collection_has_it(
        store: LayoutStore, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    """Before it is moved, after, and after that was too late: each time the answer stays true."""
    image(store, ONE, TWO)
    builder = LayoutStore(store.path, create=True)
    layer = Descriptor("layer", Digest.of(ONE), len(ONE))
    said: list[bool] = []
    during(monkeypatch, moment, lambda: said.append(builder.has_blob(layer)))
    freed = collect(store)
    assert said == [True]
    assert here(store, ONE, TWO) == [True, False] and Digest.of(ONE) not in {blob.digest for blob in freed.blobs}
    with builder.open_blob(layer) as stream:
        assert stream.read() == ONE
    builder.close()


def test_a_blob_linked_from_another_layout_arrives_though_a_collection_runs(
        store: LayoutStore, tmp_path: Path) -> None:
    far = LayoutStore(tmp_path / "far", create=True)
    layer = put_bytes(far, ONE, "layer")
    with LayoutStore(store.path, create=True) as builder:
        copy_blob(far, builder, layer, progress=lambda done: collect(store) and None)
        collect(store)
        assert here(store, ONE) == [True] and list((store.private / "tmp").iterdir()) == []


def test_a_blob_that_lies_aside_is_read_put_back_and_written_over(store: LayoutStore) -> None:
    image(store, ONE, TWO)
    for content in (ONE, TWO):
        aside = store.place.aside_path(Digest.of(content))
        aside.parent.mkdir(parents=True, exist_ok=True)
        store.place.blob_path(Digest.of(content)).replace(aside)
    with LayoutStore(store.path).open_blob(Descriptor("layer", Digest.of(ONE), len(ONE))) as stream:
        assert stream.read() == ONE
    with LayoutStore(store.path, create=True) as other:
        put_bytes(other, TWO, "layer")
        assert here(store, ONE, TWO) == [True, True]


def test_a_collection_that_was_killed_is_finished_or_undone_by_the_next(store: LayoutStore) -> None:
    image(store, ONE, tag="a:1")
    image(store, TWO)
    for content in (ONE, TWO):  # the first would be a mistake of ours: it is put back all the same
        aside = store.place.aside_path(Digest.of(content))
        aside.parent.mkdir(parents=True, exist_ok=True)
        store.place.blob_path(Digest.of(content)).replace(aside)
    freed = collect(store)
    assert here(store, ONE, TWO) == [True, False] and Digest.of(TWO) in {blob.digest for blob in freed.blobs}
    assert [path for path in (store.private / "trash").rglob("*") if path.is_file()] == []


def test_a_name_is_not_given_to_an_image_that_was_freed(store: LayoutStore) -> None:
    sample = images.sample(ONE)
    found = image(store, ONE)
    collect(store)
    with pytest.raises(StoreError, match="neither stored nor promised"):
        store.put_manifest(sample.manifest_bytes(), media.OCI_MANIFEST, tag="a:1")
    with pytest.raises(NotFoundError):
        store.resolve(found.digest)


def test_an_index_gets_no_name_while_a_layer_deep_in_it_is_missing(store: LayoutStore) -> None:
    inner = images.store(store, images.sample(ONE), ONE)
    store.place.blob_path(Digest.of(ONE)).unlink()
    outer = Index((replace(inner, platform=None),))
    with pytest.raises(StoreError, match=Digest.of(ONE)):
        store.put_manifest(outer.to_bytes(), media.OCI_INDEX, tag="many")
    assert store.tags() == []


# --- what else is swept -----------------------------------------------------------------------------------------------

def test_a_damaged_manifest_of_a_named_image_stops_all_and_says_what_to_do(store: LayoutStore) -> None:
    found = image(store, ONE, tag="a:1")
    image(store, TWO)
    path = store.place.blob_path(found.digest)
    path.write_bytes(path.read_bytes().replace(b"layers", b"LAYERS"))
    with pytest.raises(IntegrityError, match="cannot tell what is needed"):
        collect(store)
    assert here(store, ONE, TWO) == [True, True]
    store.untag("a:1")
    collect(store)
    assert list(blobs(store)) == []


def test_promises_that_nobody_needs_are_forgotten(store: LayoutStore) -> None:
    place = Location.parse("docker://registry.example/base")
    with LayoutStore(store.path, create=True) as other:
        for content in (ONE, TWO):
            other.remember_origin(Digest.of(content), place)
        sample = images.sample(ONE)
        put_bytes(other, sample.config_bytes(), media.OCI_CONFIG)
        other.put_manifest(sample.manifest_bytes(), media.OCI_MANIFEST, tag="a:1")
        assert collect(store).promises == 0, "the other may be about to put an image of it"
    assert collect(store).promises == 1
    assert (store.origins(Digest.of(ONE)), store.origins(Digest.of(TWO))) == ([place], [])


def test_drafts_of_the_dead_are_swept_and_those_of_the_living_not(store: LayoutStore) -> None:
    (store.private / "tmp").mkdir(exist_ok=True)
    dead = store.private / "tmp" / "1-dead"
    dead.write_bytes(b"half")
    with store.new_blob() as blob:
        blob.write(b"data")
        assert collect(store, dry_run=True).drafts == ((dead, 4),) == collect(store).drafts
        blob.commit(Digest.of(b"data"), 4)
    assert here(store, b"data") == [True] and not dead.exists()


def test_what_cannot_be_removed_is_not_told_as_freed(store: LayoutStore, monkeypatch: pytest.MonkeyPatch) -> None:
    (store.private / "tmp").mkdir(exist_ok=True)
    (store.private / "tmp" / "1-dead").write_bytes(b"half")
    with LayoutStore(store.path, create=True) as other:
        other.remember_origin(Digest.of(ONE), Location.parse("docker://registry.example/base"))

    def refused(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        freed = collect(store)
    assert (freed.drafts, freed.promises) == ((), 0)
    freed = collect(store)
    assert (len(freed.drafts), freed.promises) == (1, 1)


def denied(*_words: object, **_more: object) -> None:
    raise PermissionError(13, "Permission denied", "there")


@pytest.mark.parametrize("what", ["a manifest", "a lease", "the leases", "the blobs"])
def test_where_it_cannot_be_seen_what_is_needed_nothing_is_freed(store: LayoutStore, monkeypatch: pytest.MonkeyPatch,
                                                                  what: str) -> None:
    """A store that several users share has files that one of them may not read: they count, and are not nothing."""
    found = image(store, ONE, TWO, tag="a:1")
    with LayoutStore(store.path, create=True) as other:
        put_bytes(other, BOTH, media.OCI_LAYER)
        hidden = {"a manifest": store.place.blob_path(found.digest), "the leases": store.private / "leases",
                  "a lease": next((store.private / "leases").iterdir()), "the blobs": store.path / "blobs"}[what]
        for name in ("open", "read_text", "iterdir"):
            real = getattr(Path, name)
            monkeypatch.setattr(Path, name, lambda self, *words, real=real, **more:
                                (denied if self == hidden else partial(real, self))(*words, **more))
        with pytest.raises(StoreError, match=r"cannot (tell what|read)") as caught:
            collect(store)
        assert "Permission denied" in caught.value.why
        monkeypatch.undo()
    assert here(store, ONE, TWO, BOTH) == [True] * 3
