# SPDX-License-Identifier: Apache-2.0
"""Mounts in which an owner and the account of boxes are exchanged, and the namespace that they are attached in."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import ToolError
from imagebuild.runtime.linux import idmapped
from imagebuild.runtime.linux.account import Account
from imagebuild.runtime.linux.idmapped import Idmaps, attached
from imagebuild.runtime.port import OpenFolder

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
ACCOUNT = Account(60997, 60996, True)


@pytest.fixture
def maps() -> Iterator[Idmaps]:
    made = Idmaps(ACCOUNT)
    yield made
    made.close()


def opened(path: Path) -> OpenFolder:
    return OpenFolder(os.open(path, os.O_PATH | os.O_DIRECTORY))


@given(st.integers(0, 70_000), st.integers(0, 70_000), st.lists(
    st.tuples(st.integers(0, 70_000), st.integers(1, 9)), min_size=1, max_size=3, unique_by=lambda one: one[0] // 10))
def test_a_map_exchanges_two_ids_and_leaves_the_others(one: int, other: int, ranges: list[tuple[int, int]]) -> None:
    ours = [(first // 10 * 10, first // 10 * 10 + count) for first, count in sorted(ranges)]
    known = {number for first, after in ours for number in range(first, after)}
    found: dict[int, int] = {}
    for line in idmapped._exchanged(one, other, ours).splitlines():
        inner, outer, count = map(int, line.split())
        assert count > 0
        for number in range(count):
            assert inner + number not in found
            found[inner + number] = outer + number
    assert len(set(found.values())) == len(found)
    assert found == {**{number: number for number in known}, one: other, other: one}


@ROOT_ONLY
def test_in_the_mount_the_owner_and_the_account_are_exchanged(tmp_path: Path, maps: Idmaps) -> None:
    (tmp_path / "data").mkdir()
    for name, owner in (("root", 0), ("account", ACCOUNT.uid), ("other", 60000)):
        (tmp_path / "data" / name).touch()
        os.chown(tmp_path / "data" / name, owner, owner)
    mount = maps.mount(opened(tmp_path / "data"))
    assert {name: os.stat(name, dir_fd=mount.fileno()).st_uid for name in ("root", "account", "other")} == {
        "root": ACCOUNT.uid, "account": 0, "other": 60000}


@ROOT_ONLY
def test_only_the_thread_and_what_it_starts_see_the_mounts(tmp_path: Path, maps: Idmaps) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").touch()
    (tmp_path / "box").mkdir()
    seen: list[object] = []

    def work() -> None:
        before = Path("/proc/thread-self/ns/mnt").readlink()
        with attached([maps.mount(opened(tmp_path / "data"))], tmp_path / "box"):
            seen.append(subprocess.run(["ls", tmp_path / "box/mounts/0"], capture_output=True, text=True,
                                       check=True).stdout)
            seen.append(Path("/proc/thread-self/ns/mnt").readlink() != before)
        seen.append(Path("/proc/thread-self/ns/mnt").readlink() == before)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["file\n", True, True]
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert list((tmp_path / "box/mounts/0").iterdir()) == []


@ROOT_ONLY
def test_a_link_in_the_folder_of_a_box_is_not_followed(tmp_path: Path, maps: Idmaps) -> None:
    for name in ("data", "box", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "box/mounts").symlink_to("../elsewhere")

    def work() -> None:
        with pytest.raises(ToolError, match="cannot mount a folder"), \
                attached([maps.mount(opened(tmp_path / "data"))], tmp_path / "box"):
            pass

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert list((tmp_path / "elsewhere").iterdir()) == []


@ROOT_ONLY
def test_a_file_system_without_such_mounts_is_said(maps: Idmaps) -> None:
    with pytest.raises(ToolError, match="the file system of /proc has no idmapped mounts"):
        maps.mount(opened(Path("/proc")))
