# SPDX-License-Identifier: Apache-2.0
"""The user's own store."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import plain_images as images

from imagebuild.stores import local_path, local_store


def test_the_environment_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WCOW_STORE", str(tmp_path / "mine"))
    store = local_store()
    images.store(store, images.sample(b"x"), b"x", tag="docker.io/library/app:1")
    assert local_store().tags() == ["docker.io/library/app:1"]
    assert (tmp_path / "mine" / "index.json").exists()


def test_without_it_the_data_folder_of_the_user_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WCOW_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert local_path() == tmp_path / "wcow" / "store"
    assert not local_path().exists()


def test_the_folder_is_made_for_its_user_alone_and_one_that_is_there_is_left_as_it_is(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WCOW_STORE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    images.store(local_store(), images.sample(b"x"), b"x", tag="docker.io/library/app:1")
    assert (tmp_path / "data" / "wcow").stat().st_mode & 0o777 == 0o700
    (tmp_path / "data" / "wcow").chmod(0o755)
    local_store()
    assert (tmp_path / "data" / "wcow").stat().st_mode & 0o777 == 0o755
