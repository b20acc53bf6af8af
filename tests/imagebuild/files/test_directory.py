# SPDX-License-Identifier: Apache-2.0
"""A folder appears whole or not at all, and one that a killed process left is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imagebuild.files import DraftDirectory, abandoned_directories, directory


def test_a_kept_folder_has_what_was_put_in_it_and_nothing_else(tmp_path: Path) -> None:
    with DraftDirectory(tmp_path / "tool") as draft:
        (draft.path / "a.txt").write_text("a")
        assert not (tmp_path / "tool").exists()
        draft.keep()
    assert [one.name for one in (tmp_path / "tool").iterdir()] == ["a.txt"]
    assert [one.name for one in tmp_path.iterdir()] == ["tool"]


def test_a_kept_folder_replaces_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "old.txt").write_text("old")
    with DraftDirectory(tmp_path / "tool") as draft:
        draft.keep()
    assert list((tmp_path / "tool").iterdir()) == [] and [one.name for one in tmp_path.iterdir()] == ["tool"]


def test_an_error_removes_the_draft_and_leaves_the_folder_before(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()
    with pytest.raises(ZeroDivisionError), DraftDirectory(tmp_path / "tool") as draft:
        (draft.path / "half").write_text("half")
        raise ZeroDivisionError
    assert [one.name for one in tmp_path.iterdir()] == ["tool"]


def test_a_rename_that_fails_puts_the_folder_before_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "old.txt").write_text("old")
    draft = DraftDirectory(tmp_path / "tool")
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self == draft.path:
            raise PermissionError(13, "no")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(PermissionError):
        draft.keep()
    draft.discard()
    assert (tmp_path / "tool" / "old.txt").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_the_folder_of_a_killed_process_is_found_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    code = ("import os, sys\nfrom pathlib import Path\nfrom imagebuild.files import DraftDirectory\n"
            "DraftDirectory(Path(sys.argv[1]))\nprint('ready', flush=True)\nsys.stdin.read()\n"
            "os.kill(os.getpid(), 9)\n")
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "tool")], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    assert abandoned_directories(tmp_path) == []
    process.communicate()
    left, = abandoned_directories(tmp_path, "tool")
    assert left.name.startswith(".tool.new-") and abandoned_directories(tmp_path, "other") == []


def test_a_draft_that_has_just_been_made_is_left_alone_until_it_is_old(tmp_path: Path,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / ".tool.new-0123456789abcdef"
    bare.mkdir()
    (tmp_path / ".tool.new-short").mkdir()
    (tmp_path / ".tool.old-0123456789abcdef").symlink_to(tmp_path)
    assert abandoned_directories(tmp_path) == []
    monkeypatch.setattr(directory, "_YOUNG_SECONDS", -1)
    assert abandoned_directories(tmp_path) == [bare]
