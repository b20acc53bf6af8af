# SPDX-License-Identifier: Apache-2.0
"""A file is held while its process lives, and no longer."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imagebuild.files import Draft, liveness
from imagebuild.stores import ArchiveStore
from imagebuild.stores.layout.files import lost_drafts

WRITER = ("import os, sys\nfrom pathlib import Path\nfrom imagebuild.files import Draft\n"
          "draft = Draft(Path(sys.argv[1]), prefix=sys.argv[2])\ndraft.write(b'half')\nprint('ready', flush=True)\n"
          "sys.stdin.read()\nos.kill(os.getpid(), 9)\n")


def open_draft(folder: Path, prefix: str = "") -> subprocess.Popen[bytes]:
    """A process that has begun a draft and waits; closing its standard input kills it."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), prefix], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.communicate()


def test_a_file_is_abandoned_when_its_process_is_killed(tmp_path: Path) -> None:
    process = open_draft(tmp_path)
    draft, = tmp_path.iterdir()
    assert not liveness.abandoned(draft)
    kill(process)
    assert liveness.abandoned(draft)


def test_a_file_is_held_against_its_own_process_too(tmp_path: Path) -> None:
    draft = Draft(tmp_path)
    assert not liveness.abandoned(draft.path)
    draft.keep(tmp_path / "kept")
    assert liveness.abandoned(tmp_path / "kept"), "nobody holds it: it only is not called a draft any more"
    assert not liveness.abandoned(tmp_path / "nothing")


def test_where_locks_do_not_work_age_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(fd: int, *, wait: bool, shared: bool) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(liveness, "_lock", refuse)
    draft = Draft(tmp_path)
    written = draft.path.stat().st_mtime
    assert not liveness.abandoned(draft.path, now=written + liveness.STALE_SECONDS - 1)
    assert liveness.abandoned(draft.path, now=written + liveness.STALE_SECONDS + 1)
    draft.discard()


def test_a_draft_swept_before_it_was_held_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[Path] = []

    def sweep(fd: int) -> None:
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].unlink()

    monkeypatch.setattr("imagebuild.files.atomic.hold", sweep)
    draft = Draft(tmp_path)
    assert draft.path.exists() and draft.path != swept[0]
    draft.discard()


def test_archives_half_written_by_a_killed_process_are_found_and_others_left(tmp_path: Path) -> None:
    dead, live = open_draft(tmp_path, ".app.tar."), open_draft(tmp_path, ".other.tar.")
    (tmp_path / ".profile").write_text("mine")
    (tmp_path / ".app.tar.12-short").write_text("mine")
    kill(dead)
    lost, = lost_drafts(tmp_path)
    assert lost.name.startswith(".app.tar.")
    assert lost_drafts(tmp_path, "other.tar") == [] and lost_drafts(tmp_path, "app.tar") == [lost]
    kill(live)
    assert len(lost_drafts(tmp_path)) == 2


def test_writing_an_archive_sweeps_what_a_killed_process_left_of_it(tmp_path: Path) -> None:
    dead, live = open_draft(tmp_path, ".app.tar."), open_draft(tmp_path, ".other.tar.")
    kill(dead)
    with ArchiveStore(tmp_path / "app.tar", create=True):
        drafts = sorted(path.name.partition(".tar.")[0] for path in tmp_path.iterdir())
        assert drafts == [".app", ".other"], "our own, and that of the living"
    kill(live)
