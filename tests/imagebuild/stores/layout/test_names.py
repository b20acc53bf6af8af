# SPDX-License-Identifier: Apache-2.0
"""Names in an index.json."""

from __future__ import annotations

import pytest

from imagebuild.errors import NotFoundError
from imagebuild.oci import Descriptor, Digest, Index, media
from imagebuild.stores.layout import names

A = Descriptor(media.OCI_MANIFEST, Digest.of(b"a"), 1, annotations=(("theirs", "x"),))
B = Descriptor(media.OCI_MANIFEST, Digest.of(b"b"), 1)


@pytest.mark.parametrize(("tag", "name"), [
    ("1", None), ("latest", None), ("", None), ("no name!", None), ("app:1", "docker.io/library/app:1"),
    ("docker.io/library/app", "docker.io/library/app:latest"), ("localhost:5000/a:1", "localhost:5000/a:1"),
])
def test_which_tags_are_names(tag: str, name: str | None) -> None:
    assert (str(names.full_name(tag)) if names.full_name(tag) else None) == name


def test_a_tag_points_at_one_entry_and_an_entry_may_have_many() -> None:
    index = names.pointed(names.pointed(names.pointed(Index(), A, "1"), A, "2"), B, "1")
    assert names.tags(index) == ["1", "2"]
    assert names.find(index, "1", what="x") == B
    assert names.find(index, "2", what="x") == A
    assert names.tags(names.forgotten(index, "1", what="x")) == ["2"]


@pytest.mark.parametrize("asked", ["app:1", "docker.io/library/app:1", "docker.io/app:1", str(A.digest),
                                   f"app@{A.digest}"])
def test_an_entry_is_found_under_every_spelling_of_its_name(asked: str) -> None:
    assert names.find(names.pointed(Index(), A, "app:1"), asked, what="x") == A


def test_an_entry_only_containerd_named_is_found_and_listed() -> None:
    theirs = Descriptor(A.media_type, A.digest, 1, annotations=((names.CONTAINERD_NAME, "docker.io/library/app:1"),))
    index = Index((theirs,))
    assert names.tags(index) == ["docker.io/library/app:1"]
    found = names.find(index, "app:1", what="x")
    assert found is not None
    assert found.digest == A.digest


def test_a_name_that_is_not_there_lists_what_is() -> None:
    with pytest.raises(NotFoundError, match="it has 1, 2"):
        names.find(names.pointed(names.pointed(Index(), A, "1"), B, "2"), "3", what="x")
    with pytest.raises(NotFoundError, match="empty"):
        names.find(Index(), "3", what="x")
    assert names.find(Index(), str(A.digest), what="x") is None


def test_what_a_manifest_needs_leaves_foreign_layers_out() -> None:
    config = Descriptor(media.OCI_CONFIG, Digest.of(b"c"), 1)
    foreign = Descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Digest.of(b"f"), 1, urls=("u",))
    nowhere = Descriptor(foreign.media_type, Digest.of(b"n"), 1)
    common = Descriptor(media.OCI_LAYER, Digest.of(b"l"), 1, urls=("u",))
    from imagebuild.oci import Manifest

    manifest = Manifest(config, (foreign, nowhere, common))
    assert names.needed(manifest.to_bytes(), media.OCI_MANIFEST) == [config, nowhere, common]
    assert names.needed(Index((A,)).to_bytes(), media.OCI_INDEX) == [A]
