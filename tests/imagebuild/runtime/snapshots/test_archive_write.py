# SPDX-License-Identifier: Apache-2.0
"""What a tar becomes on a container's drive: names, times, marks, links, and what stays of a file that fails."""

from __future__ import annotations

import errno
import io
import os
import tarfile
from pathlib import Path

import pytest
from support import layers

from imagebuild.errors import StoreError, UnsupportedError
from imagebuild.runtime.snapshots.archive import Asked, read, stat
from imagebuild.runtime.snapshots.archive_write import write
from imagebuild.runtime.snapshots.drive import Drive
from imagebuild.runtime.snapshots.merged import Merged


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "layer/App").mkdir(parents=True)
    (tmp_path / "layer/App/a.txt").write_bytes(b"lower")
    (tmp_path / "upper").mkdir()
    return tmp_path


def drive(root: Path) -> Drive:
    return Drive(Merged([root / "layer", root / "upper"]))


def put(root: Path, path: tuple[str, ...], *content: tuple[str, dict[str, object]]) -> int:
    return write(drive(root), path, io.BytesIO(layers.tar(*content)))


def test_names_that_differ_in_case_alone_are_one_file(root: Path) -> None:
    put(root, (), ("APP/A.TXT", {"data": b"1"}), ("app/new", {"data": b"2"}), ("aPP/NEW", {"data": b"3"}))
    assert {str(path.relative_to(root / "upper")) for path in (root / "upper").rglob("*")} == {
        "App", "App/a.txt", "App/new"}
    assert (root / "upper/App/new").read_bytes() == b"3"


def test_the_drive_in_front_of_a_name_counts_at_the_root_alone(root: Path) -> None:
    put(root, (), (r"C:\app\b.txt", {"data": b"b"}), (r"c:\new\er/c", {"data": b"c"}))
    assert (root / "upper/App/b.txt").read_bytes() == b"b"
    assert (root / "upper/new/er/c").read_bytes() == b"c"
    for path, name in ((("app",), r"C:\x"), ((), r"D:\x"), ((), "C:x")):
        with pytest.raises(UnsupportedError):
            put(root, path, (name, {"data": b"x"}))


def test_files_and_folders_keep_their_times_and_files_the_read_only_mark(root: Path) -> None:
    put(root, (), ("f", {"type": b"5", "mtime": 1_000}), ("f/r", {"data": b"r", "mode": 0o555, "mtime": 2_000}),
        ("f/w", {"data": b"w", "mode": 0o755, "mtime": 3_000}))
    assert [stat(drive(root), Asked(path, path[-1])).modified // 10 ** 9 for path in (("f",), ("f", "r"), ("f", "w"))
            ] == [1_000, 2_000, 3_000]
    with tarfile.open(fileobj=io.BytesIO(b"".join(read(drive(root), Asked(("f",), "f"))))) as tar:
        assert {one.name: (one.mode, one.mtime) for one in tar} == {
            "f": (0o755, 1_000), "f/r": (0o555, 2_000), "f/w": (0o755, 3_000)}


@pytest.mark.parametrize(("text", "windows", "slashes"), [
    ("b", "b", "b"), ("SUB\\C", "SUB\\C", "sub/c"), ("sub/../b", "sub\\..\\b", "b"), ("..\\other", "..\\other", None),
    (r"C:\f\b", r"C:\f\b", None)])
def test_a_link_is_read_as_windows_has_it_or_as_a_client_elsewhere_can_follow_it(
        root: Path, text: str, windows: str, slashes: str | None) -> None:
    put(root, (), ("f/b", {"data": b"b"}), ("f/sub/c", {"data": b"c"}), ("other", {"data": b"o"}))
    (root / "upper/f/link").symlink_to({"C:\\f\\b": "./../f/b"}.get(text, text.replace("\\", "/")))
    for option, wanted in ((False, windows), (True, windows if slashes is None else slashes)):
        with tarfile.open(fileobj=io.BytesIO(b"".join(read(drive(root), Asked(("f",), "f"), slashes=option)))) as tar:
            assert tar.getmember("f/link").linkname == wanted


def test_a_link_of_a_program_to_this_machine_is_no_path_of_the_clients(root: Path) -> None:
    (root / "upper/link").symlink_to("/etc/passwd")
    with tarfile.open(fileobj=io.BytesIO(b"".join(read(drive(root), Asked(("link",), "link"), slashes=True)))) as tar:
        assert tar.getmember("link").linkname == r"\\?\unix\etc\passwd"
    assert stat(drive(root), Asked(("link",), "link")).target == r"\\?\unix\etc\passwd"


def test_half_a_file_does_not_stay(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    sizes: list[int] = []

    def full(number: int, data: bytes) -> int:
        sizes.append(len(data))
        if len(sizes) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(number, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match=r"^cannot write to C:\\app: No space left on device$"):
        put(root, ("app",), ("big", {"data": bytes(3 << 20)}))
    assert len(sizes) == 2
    assert list((root / "upper/App").iterdir()) == []


def test_a_file_that_grows_or_shrinks_keeps_the_size_that_it_had(root: Path) -> None:
    for name, change in (("grows", 5 << 20), ("shrinks", 10)):
        place = root / "upper" / name
        place.write_bytes(b"x" * (3 << 20))
        pieces = read(drive(root), Asked((name,), name))
        first = next(iter(pieces))
        os.truncate(place, change)
        with tarfile.open(fileobj=io.BytesIO(first + b"".join(pieces))) as tar:
            assert tar.getmember(name).size == 3 << 20
            assert len(tar.getmembers()) == 1
