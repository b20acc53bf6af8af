# SPDX-License-Identifier: Apache-2.0
"""A Windows path finds its folder on this machine, in any case, and never outside its drive."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import sandboxes, users
from support.racing import as_account, exchanging

from imagebuild.engine.volumes.hostpath import HostPaths, Place, cleaned, is_native, open_below
from imagebuild.runtime import install as wine_install


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


def test_an_open_folder_is_what_was_found_whatever_becomes_of_its_path(paths: HostPaths, drive: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    (drive / "Test" / "inside").touch()
    found = paths.open("c:\\test")
    assert found is not None
    (drive / "Test").rename(drive / "moved")
    (drive / "Test").symlink_to("/")
    assert found.path == drive / "moved"
    assert "inside" in os.listdir(f"/proc/self/fd/{found.fileno()}")  # noqa: PTH208
    found.close()
    found.close()
    with pytest.raises(ValueError, match="closed"):
        found.fileno()
    assert paths.open("c:\\moved\\inside") is None, "a file is not a folder"
    assert paths.open("c:\\none") is paths.open(str(drive / "none")) is None
    paths.open(str(drive / "moved"))  # closed with the last reference
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def start_in_a_race(volume: Path, starts: int) -> Counter[str]:
    """Start bubblewrap with ``sub`` of a volume in which that is a folder and, every other moment, a link to ``/``;
    what it had mounted, how often."""
    seen: Counter[str] = Counter()
    bwrap = wine_install.find("bwrap")
    with exchanging(volume / "sub", volume / "link"):
        for _ in range(starts):
            found = open_below(volume, ["SUB"])
            if found is None:
                seen["nothing"] += 1
                continue
            done = subprocess.run(
                [bwrap, "--unshare-user", "--ro-bind", "/", "/", "--ro-bind-fd", str(found.fileno()), "/mnt", "/bin/ls",
                 "/mnt"], pass_fds=[found.fileno()], capture_output=True, text=True, check=False)
            found.close()
            seen[done.stdout if done.returncode == 0 else "refused"] += 1
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("account", ["root", "user"])
def test_in_a_thousand_races_none_mounts_what_a_link_leads_to(account: str) -> None:
    if account == "root" and os.geteuid():
        pytest.skip("the tests do not run as root")
    with sandboxes.folder() as root:
        (root / "volume" / "sub").mkdir(parents=True)
        (root / "volume" / "sub" / "inside").touch()
        (root / "volume" / "link").symlink_to("/")
        if account == "user" and os.geteuid() == 0:
            os.chown(root / "volume", users.UID, users.UID)
        seen = as_account(0 if account == "root" else users.UID, lambda: start_in_a_race(root / "volume", 1000))
    # A link to "/" leads to the volume itself. A start that bubblewrap refuses found something else at the path.
    assert set(seen) <= {"inside\n", "link\nsub\n", "nothing", "refused"}, seen
    assert min(seen["inside\n"], seen["link\nsub\n"]) > 10, seen


def test_without_native_paths_only_the_drives_are_there(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    paths = HostPaths({"C": tmp_path}, native=False)
    assert paths.open("C:\\test") is not None
    for source in ("/", "/etc", str(tmp_path), f"{tmp_path}/test"):
        assert paths.find(source) is None and paths.open(source) is None
        assert HostPaths({"C": tmp_path}).open(source) is not None
