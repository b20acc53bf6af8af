# SPDX-License-Identifier: Apache-2.0
"""A Windows path finds its folder on this machine, in any case, and never outside its drive."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.engine.hostpath import HostPaths, Place, cleaned, is_native


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    folder = tmp_path / "drive"
    (folder / "Test" / "Sub").mkdir(parents=True)
    (folder / "Test" / "file.txt").write_text("x")
    return folder


@pytest.fixture
def paths(drive: Path) -> HostPaths:
    return HostPaths({"C": drive})


@pytest.mark.parametrize("source", [
    "C:\\Test\\Sub", "c:\\test\\sub", "c:/TEST/SUB/", "\\\\?\\C:\\Test\\Sub", "c:\\nowhere\\..\\test\\.\\sub",
    "c:\\..\\..\\test\\sub"])
def test_a_folder_is_found_however_its_path_is_written(paths: HostPaths, drive: Path, source: str) -> None:
    assert paths.find(source) == Place(drive / "Test" / "Sub", True)


def test_the_root_of_a_drive_is_its_folder(paths: HostPaths, drive: Path) -> None:
    assert paths.find("c:\\") == Place(drive, True)
    assert HostPaths({"d": drive}).find("D:\\test") == Place(drive / "Test", True)


def test_a_file_is_said_to_be_one(paths: HostPaths, drive: Path) -> None:
    assert paths.find("c:\\test\\FILE.TXT") == Place(drive / "Test" / "file.txt", False)


@pytest.mark.parametrize("source", ["c:\\none", "d:\\test", "c:\\test\\file.txt\\x", "c:\\te\0st", "c:\\" + "a" * 300,
                                    "c:\\\ud800", "/nowhere/at/all"])
def test_what_is_not_there_is_not_found(paths: HostPaths, source: str) -> None:
    assert paths.find(source) is None


def test_the_name_that_is_exactly_right_wins_over_another_case(paths: HostPaths, drive: Path) -> None:
    (drive / "test").mkdir()
    assert paths.find("C:\\test") == Place(drive / "test", True)
    assert paths.find("C:\\Test") == Place(drive / "Test", True)
    assert paths.find("C:\\TEST") == Place(drive / "Test", True), "the first by code point"


def test_letters_beyond_ascii_have_no_case_either(paths: HostPaths, drive: Path) -> None:
    (drive / "Übung").mkdir()
    assert paths.find("c:\\übung") == Place(drive / "Übung", True)


def test_a_symlink_inside_the_drive_is_followed(paths: HostPaths, drive: Path) -> None:
    (drive / "near").symlink_to("Test/Sub")
    (drive / "from-root").symlink_to("/test")
    (drive / "Test" / "up").symlink_to("../Test/Sub")
    (drive / "Test" / "down").symlink_to("/Test/Sub")
    for source in ("c:\\near", "c:\\from-root\\sub", "c:\\test\\up", "c:\\test\\down"):
        assert paths.find(source) == Place(drive / "Test" / "Sub", True)


@pytest.mark.parametrize(("target", "stays"), [("/", True), ("..", True), ("../../../../../../..", True),
                                               ("../outside", False), ("../../../../../../etc", False)])
def test_a_symlink_never_leaves_its_drive(paths: HostPaths, drive: Path, target: str, stays: bool) -> None:
    (drive.parent / "outside").mkdir()
    (drive / "away").symlink_to(target)
    assert paths.find("c:\\away") == (Place(drive, True) if stays else None)
    (drive / "home").symlink_to(drive.parent / "outside")
    assert paths.find("c:\\home") is None


def test_a_ring_of_symlinks_is_not_found(paths: HostPaths, drive: Path) -> None:
    (drive / "a").symlink_to("b")
    (drive / "b").symlink_to("a")
    assert paths.find("c:\\a") is None


def test_a_path_of_this_machine_keeps_its_case(drive: Path) -> None:
    assert HostPaths().find(str(drive / "Test")) == Place(drive / "Test", True)
    assert HostPaths().find(str(drive / "test")) is None
    assert cleaned("/a//b/./c/") == "/a/b/c"
    assert [is_native(text) for text in ("/a", "//./pipe/a", "c:\\a", "a")] == [True, False, False, False]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_folder_that_may_not_be_looked_into_says_so(paths: HostPaths, drive: Path) -> None:
    (drive / "Test").chmod(0)
    try:
        with pytest.raises(PermissionError):
            paths.find("c:\\test\\sub")
    finally:
        (drive / "Test").chmod(0o755)


@given(st.text(max_size=40))
def test_looking_never_crashes_and_never_leaves_the_drive(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    place = HostPaths({"C": folder}).find(f"C:\\{text}")
    assert place is None or place.path.is_relative_to(folder)


def test_no_descriptor_is_left_open(paths: HostPaths, drive: Path) -> None:
    (drive / "root").symlink_to("/Test/../Test/Sub/..")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for source in ("c:\\root", "c:\\root\\none", "c:\\test\\file.txt", "c:\\x"):
        paths.find(source)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
