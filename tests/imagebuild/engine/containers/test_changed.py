# SPDX-License-Identifier: Apache-2.0
"""What a container changed, as an engine on Windows tells it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.engines import ReadyImages

from imagebuild.dockerapi import faults, shapes
from imagebuild.engine.containers.changed import asked, hives, listed, mounted, parts_of, stopped_drive
from imagebuild.engine.containers.container import Container
from imagebuild.engine.events import Events
from imagebuild.engine.images.unpack import FILES, Ground
from imagebuild.engine.settings import EngineSettings
from imagebuild.errors import StoreError
from imagebuild.layer import Kind
from imagebuild.runtime.snapshots.archive import Asked
from imagebuild.runtime.snapshots.changes import Changed, How


def test_changes_are_paths_of_a_layer_and_nothing_is_ever_added() -> None:
    found = listed([Changed(("app",), How.MODIFIED, Kind.DIRECTORY), Changed(("app", "new"), How.ADDED, Kind.DIRECTORY),
                    Changed(("app", "new", "a.txt"), How.ADDED, Kind.FILE),
                    Changed(("app", "old.txt"), How.DELETED, Kind.WHITEOUT)])
    assert [(one.kind, one.path) for one in found] == [
        (0, "Files"), (0, "Files/app"), (2, "Files/app/old.txt"), (0, "Files/app/new"), (0, "Files/app/new/a.txt")]


def test_a_container_that_changed_nothing_lists_nothing() -> None:
    assert listed([]) == ()


def test_only_mounts_on_drive_c_are_places_on_drive_c(tmp_path: Path) -> None:
    places = ("c:\\data", "d:", "D:\\x", "\\\\.\\pipe\\a", "\\\\?\\c:\\long")
    container = Container("id", "one", tmp_path, 0, "sha256:0", shapes.Config(), shapes.HostConfig(),
                          mounts=tuple(shapes.MountPoint(destination=place) for place in places))
    assert mounted(container) == [("data",), ("long",)]


def test_a_folder_that_a_copy_makes_is_the_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[Path, int, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, uid, gid, **_: given.append((path, uid, gid)))
    images = ReadyImages(EngineSettings(tmp_path), Events())
    images.ground = lambda: Ground("ground", (tmp_path,), tmp_path, owner=4242)
    container = Container("id", "one", tmp_path / "one", 0, "sha256:0", shapes.Config(), shapes.HostConfig())
    stopped_drive(images, container)
    assert given == [(tmp_path / "one" / "box" / "upper", 4242, 4242)]


@pytest.mark.parametrize(("path", "text"), [
    ("D:\\x", "the specified path is not on the system drive (C:)"),
    ("/d:/x", "the specified path is not on the system drive (C:)"),
    ("C:", 'no relative path specified in "C:"')])
def test_a_path_that_is_not_on_the_system_drive_is_refused(path: str, text: str) -> None:
    with pytest.raises(faults.Internal) as caught:
        parts_of(path)
    assert caught.value.message == text


@pytest.mark.parametrize("path", ["C:\\a\\b", "c:/a/b", "/a/b", "a\\b", "/C:/a/b"])
def test_a_path_is_written_in_many_ways(path: str) -> None:
    assert parts_of(path) == ("a", "b")


@pytest.mark.parametrize(("path", "wanted"), [
    ("/a/B", Asked(("a", "B"), "B")), ("/a/b/", Asked(("a", "b"), "b", folder=True)),
    ("C:\\a\\b\\.", Asked(("a", "b"), ".", folder=True)), ("/a/../b", Asked(("b",), "b")),
    ("/", Asked((), "\\", folder=True)), ("C:/.", Asked((), ".", folder=True)), ("/a/..", Asked((), "\\"))])
def test_a_path_of_a_copy_says_its_last_name_and_whether_it_is_a_folder(path: str, wanted: Asked) -> None:
    assert asked(path) == wanted


def test_a_registry_file_that_a_program_made_huge_is_not_read_into_memory(tmp_path: Path) -> None:
    for folder in (tmp_path / "ground", tmp_path / "one" / "box" / "prefix"):
        folder.mkdir(parents=True)
        for name in FILES:
            (folder / name).write_bytes(b"WINE REGISTRY Version 2\n")
    os.truncate(tmp_path / "one" / "box" / "prefix" / "user.reg", 10 << 30)
    images = ReadyImages(EngineSettings(tmp_path), Events())
    images.ground = lambda: Ground("ground", (tmp_path,), tmp_path / "ground")
    container = Container("id", "one", tmp_path / "one", 0, "sha256:0", shapes.Config(), shapes.HostConfig())
    with pytest.raises(StoreError, match=r"user\.reg: it has more than 64 MiB"):
        hives(images.settings, images, container)
