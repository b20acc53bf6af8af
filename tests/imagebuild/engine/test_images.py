# SPDX-License-Identifier: Apache-2.0
"""What containers and the system's calls ask of images."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.engine_images import Owner, owner, put

from imagebuild.dockerapi import faults
from imagebuild.engine.image_listing import usage
from imagebuild.engine.parts import ImagePart


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
