# SPDX-License-Identifier: Apache-2.0
"""skopeo's ``dir:`` folders: written for skopeo, read from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import plain_images as images
from support import programs

from imagebuild.errors import IntegrityError, NotFoundError, StoreError, UnsupportedError
from imagebuild.images.copy import copy
from imagebuild.oci import Index, media
from imagebuild.stores import DirectoryStore, LayoutStore, put_bytes

LAYER = images.layer_tar()


def test_an_image_comes_back_without_a_name(tmp_path: Path) -> None:
    image = images.sample(LAYER)
    with DirectoryStore(tmp_path / "d", create=True) as store:
        made = images.store(store, image, LAYER, tag="")
    with DirectoryStore(tmp_path / "d") as store:
        assert store.resolve("") == store.resolve(str(made.digest)) == made
        assert store.manifest(made) == image.manifest_bytes()
        assert store.tags() == []
        with store.open_blob(image.layers[0]) as stream:
            assert stream.read() == LAYER
        with pytest.raises(NotFoundError):
            store.resolve("1")
    assert {path.name for path in (tmp_path / "d").iterdir()} == {
        "version", "manifest.json", image.layers[0].digest.hex, image.manifest.config.digest.hex}


def test_a_name_cannot_be_kept(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "d", create=True)
    with pytest.raises(UnsupportedError, match="no name"):
        images.store(store, images.sample(LAYER), LAYER, tag="1")


def test_the_next_image_takes_the_place_of_the_last(tmp_path: Path) -> None:
    other = images.layer_tar(content=b"other")
    images.store(DirectoryStore(tmp_path / "d", create=True), images.sample(LAYER), LAYER, tag="")
    images.store(DirectoryStore(tmp_path / "d", create=True), images.sample(other), other, tag="")
    assert not (tmp_path / "d" / images.sample(LAYER).layers[0].digest.hex).exists()
    assert len(list((tmp_path / "d").iterdir())) == 4


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match=r"letter\.txt"):
        DirectoryStore(tmp_path, create=True)
    with pytest.raises(NotFoundError, match=r"manifest\.json"):
        DirectoryStore(tmp_path)


def test_a_changed_blob_is_told(tmp_path: Path) -> None:
    image = images.sample(LAYER)
    store = DirectoryStore(tmp_path / "d", create=True)
    images.store(store, image, LAYER, tag="")
    (tmp_path / "d" / image.layers[0].digest.hex).write_bytes(bytes(len(LAYER)))
    with pytest.raises(IntegrityError), store.open_blob(image.layers[0]) as stream:
        stream.read()


def test_an_index_keeps_its_images_beside_it(tmp_path: Path) -> None:
    image = images.sample(LAYER)
    with DirectoryStore(tmp_path / "d", create=True) as store:
        entry = images.store(store, image, LAYER)
        index = Index(manifests=(image.index_entry(),), media_type=media.OCI_INDEX)
        made = store.put_manifest(index.to_bytes(), index.kind, tag="")
        assert store.resolve("") == made
        assert store.manifest(entry) == image.manifest_bytes()
    assert (tmp_path / "d" / f"{entry.digest.hex}.manifest.json").is_file()


def test_skopeo_reads_ours_and_we_read_skopeos(tmp_path: Path) -> None:
    try:
        skopeo = programs.find("skopeo")
    except programs.Unavailable as missing:
        pytest.skip(str(missing))
    image = images.sample(LAYER)
    made = images.store(DirectoryStore(tmp_path / "ours", create=True), image, LAYER, tag="")
    assert json.loads(programs.run(skopeo, "inspect", f"dir:{tmp_path / 'ours'}").stdout)["Digest"] == str(made.digest)
    programs.run(skopeo, "copy", "--preserve-digests", "--insecure-policy", f"dir:{tmp_path / 'ours'}",
                 f"dir:{tmp_path / 'theirs'}")
    names = {path.name for path in (tmp_path / "theirs").iterdir()}
    assert names == {path.name for path in (tmp_path / "ours").iterdir()}
    assert all((tmp_path / "theirs" / name).read_bytes() == (tmp_path / "ours" / name).read_bytes() for name in names)
    theirs, back = DirectoryStore(tmp_path / "theirs"), LayoutStore(tmp_path / "back", create=True)
    list(copy(theirs, theirs.resolve(""), back, tag="1"))
    assert back.resolve("1").digest == made.digest


def test_skopeo_reads_our_index_and_we_read_skopeos(tmp_path: Path) -> None:
    try:
        skopeo = programs.find("skopeo")
    except programs.Unavailable as missing:
        pytest.skip(str(missing))
    image = images.sample(LAYER)
    ours = DirectoryStore(tmp_path / "ours", create=True)
    images.store(ours, image, LAYER)
    index = Index(manifests=(image.index_entry(),), media_type=media.OCI_INDEX)
    made = ours.put_manifest(index.to_bytes(), index.kind, tag="")
    programs.run(skopeo, "copy", "--all", "--preserve-digests", "--insecure-policy", f"dir:{tmp_path / 'ours'}",
                 f"dir:{tmp_path / 'theirs'}")
    assert {path.name for path in (tmp_path / "theirs").iterdir()} == {path.name for path in
                                                                       (tmp_path / "ours").iterdir()}
    theirs, back = DirectoryStore(tmp_path / "theirs"), LayoutStore(tmp_path / "back", create=True)
    list(copy(theirs, theirs.resolve(""), back, tag="1"))
    assert back.resolve("1").digest == made.digest


def test_a_blob_is_there_once_it_is_whole(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "d", create=True)
    blob = put_bytes(store, LAYER, "application/x-data")
    assert store.has_blob(blob)
    with store.new_blob() as draft:
        draft.write(b"half")
    assert {path.name for path in (tmp_path / "d").iterdir()} == {"version", blob.digest.hex}
    DirectoryStore(tmp_path / "d", create=True)
