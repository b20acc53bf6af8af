# SPDX-License-Identifier: Apache-2.0
"""Drive C as a folder of this machine, and a box that has one."""

from __future__ import annotations

import os
from pathlib import Path

from support.sandboxes import Boxes, run, start

from imagebuild.runtime.linux.account import choose
from imagebuild.runtime.snapshots import own_drive


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_layers_but_for_windows_are_copied_once(tmp_path: Path) -> None:
    low = tree(tmp_path / "low", {"windows/a": "", "a/x": "low", "a/y": "low", "b": "low", "c/x": "low"})
    high = tree(tmp_path / "high", {"windows/b": "", "a/x": "high", "b/file": "high", "c": "high"})
    (high / "link").symlink_to("a/x")
    box, drive = tmp_path / "box", tmp_path / "drive"
    (box / "upper").mkdir(parents=True)
    own_drive.make(drive, box, [low, high], choose(os.getuid()))
    found = {str(path.relative_to(drive)): path.read_text() for path in drive.rglob("*") if path.is_file()}
    assert found == {"a/x": "high", "a/y": "low", "b/file": "high", "c": "high", "link": "high"}
    assert not [*(drive / "windows").iterdir()]
    assert (drive / "link").is_symlink()
    assert drive.stat().st_mode & 0o777 == 0o700
    (drive / "a" / "y").unlink()
    own_drive.make(drive, box, [low, high], choose(os.getuid()))
    assert not (drive / "a" / "y").exists()  # it is the box's now
    assert own_drive.below([low, high, tmp_path]) == (low / "windows", high / "windows")


def test_files_outside_windows_are_in_the_folder_and_those_inside_are_not(boxes: Boxes) -> None:
    drive = boxes.root / "drive"
    box = boxes.open(drive=drive)
    start(box, 'cmd /c "mkdir C:\\test & echo one> C:\\test\\a.txt & echo two> C:\\windows\\b.txt & '
               'ping -t 127.0.0.1 >nul"')
    assert run(box, "cmd /c type C:\\windows\\b.txt", main=False).out.strip() == "two"
    assert (drive / "test" / "a.txt").read_text().strip() == "one"
    assert not (drive / "windows" / "b.txt").exists()
    (drive / "test" / "from outside.txt").write_text("three")
    (drive / "test" / "from outside.txt").chmod(0o644)
    assert run(box, 'cmd /c type "C:\\test\\from outside.txt"', main=False).out.strip() == "three"
