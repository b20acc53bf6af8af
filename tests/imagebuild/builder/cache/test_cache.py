# SPDX-License-Identifier: Apache-2.0
"""The step cache forgets rather than fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.builder.cache.cache import Cache
from imagebuild.images.put import Layer
from imagebuild.oci import Descriptor, Digest

LAYER = Layer(Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", Digest.of(b"a"), 1), Digest.of(b"b"), 2)


def test_what_was_put_is_got(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "new" / "folder")
    assert cache.get("k") is None
    cache.put("k", LAYER)
    assert cache.get("k") == LAYER
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["k"]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b"null", b'{"version": 0}', b'{"version": 1}', b"\xff\xfe",
                                    b'{"version": 1, "descriptor": "{}", "diff_id": "x", "diff_size": 1}'])
def test_a_damaged_record_counts_as_none(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "k").write_bytes(damage)
    assert Cache(tmp_path).get("k") is None


def test_no_folder_remembers_nothing_and_a_full_disk_is_no_error(tmp_path: Path) -> None:
    Cache(None).put("k", LAYER)
    assert Cache(None).get("k") is None
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    Cache(blocked).put("k", LAYER)
    assert Cache(blocked).get("k") is None


def test_a_shape_is_known_once_a_layer_of_it_was_recorded(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert not cache.knows_shape("s")
    cache.put("k", LAYER, shape="s")
    assert cache.knows_shape("s")
    assert (cache.shape_of("k"), cache.shape_of("none"), Cache(None).shape_of("k")) == ("s", "", "")
    assert not cache.knows_shape("k")
    assert not Cache(None).knows_shape("s")
