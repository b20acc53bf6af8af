# SPDX-License-Identifier: Apache-2.0
"""Files there and back by real PowerShell: whole, with progress, gone on with where they broke, and never changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, windows_programs

from imagebuild.errors import HostError, IntegrityError, NotFoundError
from imagebuild.host import LocalHost, files

pytestmark = pytest.mark.slow

SIZE = 1_500_000


@pytest.fixture(scope="module")
def host() -> Iterator[LocalHost]:
    """This machine with PowerShell 7 for Linux: the scripts are those that a Windows gets."""
    with programs.skipping():
        folder = windows_programs.linux_powershell().parent
    before = dict(os.environ)
    os.environ |= {"PATH": f"{folder}:{before['PATH']}", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    try:
        yield LocalHost()
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(os.urandom(SIZE))
    return path


def test_a_file_is_put_with_progress_and_not_sent_twice(host: LocalHost, source: Path, tmp_path: Path) -> None:
    target, heard = tmp_path / "a folder's" / "tärget", list[tuple[int, int]]()
    assert host.put(source, str(target), progress=lambda done, whole: heard.append((done, whole))) == SIZE
    assert target.read_bytes() == source.read_bytes()
    assert heard == sorted(heard) and heard[-1] == (SIZE, SIZE) and len(heard) > 3
    assert host.put(source, str(target)) == 0
    source.write_bytes(b"another")
    assert host.put(source, str(target)) == 7
    assert target.read_bytes() == b"another"


def test_a_put_that_broke_is_gone_on_with_unless_what_lies_there_is_another(
        host: LocalHost, source: Path, tmp_path: Path) -> None:
    target, part = tmp_path / "target", tmp_path / f"target{files.PART}"
    part.write_bytes(source.read_bytes()[:1_000_000])
    assert host.put(source, str(target)) == SIZE - 1_000_000
    assert target.read_bytes() == source.read_bytes() and not part.exists()
    target.unlink()
    part.write_bytes(b"x" * 1_000_000)
    assert host.put(source, str(target)) == SIZE
    assert target.read_bytes() == source.read_bytes()


def test_a_file_is_got_with_progress_and_a_get_that_broke_is_gone_on_with(
        host: LocalHost, source: Path, tmp_path: Path) -> None:
    target, part, heard = tmp_path / "target", tmp_path / f"target{files.PART}", list[tuple[int, int]]()
    part.write_bytes(source.read_bytes()[:1_000_000])
    got = host.get(str(source), target, progress=lambda done, whole: heard.append((done, whole)))
    assert (got, heard[-1]) == (SIZE - 1_000_000, (SIZE, SIZE))
    assert target.read_bytes() == source.read_bytes() and not part.exists()
    part.write_bytes(b"x" * 1_000_000)
    assert host.get(str(source), target) == SIZE
    assert target.read_bytes() == source.read_bytes()


def test_what_is_not_there_or_cannot_be_written_is_said(host: LocalHost, source: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        host.get(str(tmp_path / "nowhere"), tmp_path / "target")
    (tmp_path / "folder").mkdir()
    with pytest.raises(HostError, match="cannot put"):
        host.put(source, str(tmp_path / "source" / "below a file"))


def test_a_file_that_arrives_changed_is_refused(host: LocalHost, source: Path, tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    real = files._hash
    monkeypatch.setattr(files, "_hash", lambda file, size=-1: hashlib.sha256(b"another").hexdigest()
                        if real(file, size) else "")
    with pytest.raises(IntegrityError, match="did not arrive"):
        host.put(source, str(tmp_path / "target"))
    assert not (tmp_path / "target").exists()
    with pytest.raises(IntegrityError, match="did not arrive"):
        host.get(str(source), tmp_path / "got")
    assert not (tmp_path / "got").exists()
