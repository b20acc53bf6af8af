# SPDX-License-Identifier: Apache-2.0
"""What containers and the system's calls ask of images."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import images
from support.engine_images import Owner, owner, put

from imagebuild.builder.cache.cache import Cache
from imagebuild.dockerapi import faults
from imagebuild.engine.images.listing import usage
from imagebuild.engine.interfaces import ImagePart
from imagebuild.images.put import Layer
from imagebuild.stores import Store

REPOSITORY = Path(__file__).parents[4]


@pytest.fixture
def engine(tmp_path: Path) -> Owner:
    return owner(tmp_path / "root")


def test_a_container_finds_its_image_and_config(engine: Owner) -> None:
    part: ImagePart = engine.images
    identifier = put(engine, "app:1")
    found, config = part.find("app:1")
    assert found == identifier
    assert config.run.cmd == ("app.exe",)
    with pytest.raises(faults.NotFound, match="No such image: nope:latest"):
        part.find("nope")


def test_an_engine_that_starts_removes_what_a_killed_one_left_half_written(tmp_path: Path) -> None:
    engine = owner(tmp_path)
    put(engine, "app:1")
    before = sorted(path.name for path in (tmp_path / "images" / "blobs" / "sha256").iterdir())
    program = ("import os, sys\nfrom pathlib import Path\nfrom imagebuild.stores import LayoutStore\n"
               "store = LayoutStore(Path(sys.argv[1]), create=True)\nwriter = store.new_blob()\n"
               "writer.write(b'half')\nos._exit(9)")
    killed = subprocess.run([sys.executable, "-c", program, tmp_path / "images"], check=False, timeout=30,
                            cwd=REPOSITORY)
    assert killed.returncode == 9
    drafts = tmp_path / "images" / ".wcow" / "tmp"
    (tmp_path / "tmp" / "copy").mkdir(parents=True)
    (tmp_path / "cache" / "indexes").mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache" / "indexes" / ".half.idx.x.tmp").write_bytes(b"half")
    assert list(drafts.iterdir())
    engine.images.tidy()
    assert not list(drafts.iterdir())
    assert not list((tmp_path / "tmp").iterdir())
    assert not list((tmp_path / "cache" / "indexes").glob(".*"))
    assert sorted(path.name for path in (tmp_path / "images" / "blobs" / "sha256").iterdir()) == before


def test_an_engine_that_starts_frees_blobs_that_came_to_no_image_but_not_those_of_others_that_live(
        tmp_path: Path) -> None:
    engine = owner(tmp_path)
    put(engine, "app:1")
    before, leases = _blobs(tmp_path), list[Layer]()
    with engine.images.shelf.writing() as store:
        for content in (b"pulled", b"remembered"):
            leases.append(_layer(store, content))
    Cache(tmp_path / "cache" / "steps").put("ab" * 32, leases[1])
    with engine.images.shelf.writing() as other:
        _layer(other, b"of a living process")
        engine.images.tidy()
        spared = _blobs(tmp_path) - before
        assert leases[0].descriptor.digest.hex not in spared
        assert leases[1].descriptor.digest.hex in spared
        assert len(spared) == 2
    engine.images.tidy()
    assert _blobs(tmp_path) - before == {leases[1].descriptor.digest.hex}


def _layer(store: Store, content: bytes) -> Layer:
    return images.layer(store, (images.folder("Files", security=False), images.file("Files/x", content),
                                images.folder("Hives", security=False)))


def _blobs(root: Path) -> set[str]:
    return {path.name for path in (root / "images" / "blobs" / "sha256").iterdir()}


def test_an_image_of_another_system_is_refused(engine: Owner) -> None:
    put(engine, "tux:1", os="linux")
    with pytest.raises(faults.BadRequest, match="operating system is not supported"):
        engine.images.find("tux:1")


def test_who_uses_an_image_is_known_until_it_is_released(engine: Owner) -> None:
    identifier = put(engine, "app:1")
    engine.images.use(identifier, "c1")
    engine.images.use(identifier, "c2")
    engine.images.release("c1")
    engine.images.release("never")
    assert engine.images.users(engine.images.get(identifier).id) == ["c2"]


def test_usage_counts_each_layer_once_and_says_what_is_shared(engine: Owner) -> None:
    identifier = put(engine, "app:1")
    put(engine, "new:1", created="2025-01-01T00:00:00Z")
    engine.images.use(identifier, "c1")
    size, rows = usage(engine.images)
    assert size == rows[0].size == rows[1].size == rows[0].shared_size  # both have the same two layers
    assert [(row.repo_tags, row.containers) for row in rows] == [(("new:1",), 0), (("app:1",), 1)]
