# SPDX-License-Identifier: Apache-2.0
"""What a container sees, beside what the kernel's own overlay shows of the same folders."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from imagebuild.runtime.snapshots.merged import Merged
from imagebuild.runtime.snapshots.overlay import OPAQUE, Sort, make_whiteout, opened, remove

LIST = r"""
cd /m && find . -mindepth 1 \( -type d -printf 'folder %P\n' \) -o \( -type l -printf 'link %P\n' \) \
  -o \( -type f -printf 'file %P ' -exec cat {} \; -printf '\n' \)
"""


def grow(root: Path, chance: random.Random, text: str, depth: int = 0) -> None:
    root.mkdir(exist_ok=True)
    with opened(root, ()) as folder:
        assert folder is not None
        for name in chance.sample(["a", "B", "c", "D", "e"], chance.randrange(1, 5)):
            what = chance.choice(["file", "folder", "folder", "whiteout", "link"])
            if what == "whiteout" and text != "0":
                make_whiteout(folder, name)
            elif what == "link":
                os.symlink("/", name, dir_fd=folder)
            elif what == "folder" and depth < 3:
                grow(root / name, chance, text, depth + 1)
                if text != "0" and not chance.randrange(3):
                    os.setxattr(root / name, OPAQUE, b"y")
            else:
                (root / name).write_text(text)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_it_is_what_the_kernel_shows(tmp_path: Path) -> None:
    chance = random.Random(1)
    for number in range(25):
        top = tmp_path / str(number)
        folders = [top / str(layer) for layer in range(3)]
        top.mkdir()
        for layer, folder in enumerate(folders):
            grow(folder, chance, str(layer))
        (top / "work").mkdir()
        argv = ["bwrap", "--ro-bind", "/", "/", "--tmpfs", "/mnt", "--dir", "/mnt/m", "--symlink", "/mnt/m", "/mnt/x"]
        for folder in folders[:-1]:
            argv += ["--overlay-src", str(folder)]
        argv += ["--overlay", str(folders[-1]), str(top / "work"), "/mnt/m", "sh", "-c", LIST.replace("/m ", "/mnt/m ")]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if "overlay" in done.stderr and done.returncode:
            pytest.skip(f"no overlay here: {done.stderr}")
        assert done.returncode == 0, done.stderr
        exact = {}
        for line in done.stdout.splitlines():
            sort, path, *content = line.split(" ")
            exact[path] = (sort, *content)
        view = Merged(folders)
        for path, node in view.walk():
            shown = exact["/".join(path)]
            assert shown[0] == node.sort.value
            if node.sort is Sort.FILE:
                assert shown[1] == view.place(node).joinpath(*path).read_text()
        assert {"/".join(path) for path, _ in view.walk()} == set(exact)


def test_a_name_is_found_in_any_case_and_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "low/Dir/Sub").mkdir(parents=True)
    (tmp_path / "low/Dir/link").symlink_to("Sub/")
    (tmp_path / "low/Dir/Sub/f").write_bytes(b"")
    view = Merged([tmp_path / "low", tmp_path / "missing"])
    assert view.spelt(("dir", "SUB", "F", "New")) == ("Dir", "Sub", "f", "New")
    node = view.get(("DIR", "sub", "F"))
    assert node is not None
    assert (node.name, node.sort) == ("f", Sort.FILE)
    assert view.get(("dir", "link", "f")) is None
    assert view.names(("dir",)) == {}, "a path is asked for as it is spelt"
    assert view.get(("dir", "sub", "f", "x")) is None


def test_removing_a_tree_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/f").write_bytes(b"")
    (tmp_path / "gone/deep").mkdir(parents=True)
    (tmp_path / "gone/deep/link").symlink_to(tmp_path / "kept")
    (tmp_path / "gone/work").mkdir(mode=0)
    with opened(tmp_path, ()) as folder:
        assert folder is not None
        remove(folder, "gone")
        remove(folder, "gone")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["f", "kept"]
