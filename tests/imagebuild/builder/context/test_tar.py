# SPDX-License-Identifier: Apache-2.0
"""A tarball as a build context, and tarballs that mean no good."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.builder.context.context import Context
from imagebuild.builder.context.tar import Limits
from imagebuild.builder.context.tree import Sort
from imagebuild.dockerfile.ignore import Ignore
from imagebuild.errors import ContextError, FormatError, StoreError


def tar(*entries: tuple[Any, ...]) -> bytes:
    """Entries are (name, bytes) for a file, (name,) for a folder, (name, typeflag, linkname) for all else."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, *rest in entries:
            info = tarfile.TarInfo(name)
            info.mtime = 1_500_000_000.25  # type: ignore[assignment]
            if not rest:
                info.type = tarfile.DIRTYPE
            elif len(rest) == 2:
                info.type, info.linkname = rest
            else:
                info.size = len(rest[0])
            archive.addfile(info, io.BytesIO(rest[0]) if len(rest) == 1 else None)
    return out.getvalue()


GOOD = tar(("./",), ("Dockerfile", b"FROM x"), ("a/b.txt", b"b"), ("a/hard", b"1", "a/b.txt"), ("l", b"2", "a/b.txt"))


@pytest.fixture
def spool(tmp_path: Path) -> Any:
    """Where temporary files go; empty again when the context is closed."""
    folder = tmp_path / "spool"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress,
                                  lambda data: gzip.compress(data[:700]) + gzip.compress(data[700:]),
                                  lambda data: bz2.compress(data[:700]) + bz2.compress(data[700:])])
def test_a_tarball_is_a_context_whatever_it_is_compressed_with(spool: Path, pack: Any) -> None:
    with Context.from_tar(io.BytesIO(pack(GOOD)), Ignore.parse(b"Dockerfile"), folder=spool) as context:
        assert [item.path for item in context.walk()] == ["a", "a/b.txt", "a/hard", "l"]
        assert context.read("Dockerfile") == b"FROM x"
        item = context.get("a/b.txt")
        assert item is not None and (item.size, item.mtime_ns) == (1, 1_500_000_000_250_000_000)
        assert context.digest("a/hard") == context.digest("a/b.txt")
        assert context.location("a/hard").read_bytes() == b"b"
        with context.open("a/b.txt") as one, context.open("Dockerfile") as two:
            assert (two.read(), one.read()) == (b"FROM x", b"b")
        found, _, _ = context.resolve("l")
        assert found is not None and found.path == "a/b.txt"


def test_folders_that_the_archive_does_not_name_are_there(spool: Path) -> None:
    with Context.from_tar(io.BytesIO(tar(("a/b/c", b"x"))), folder=spool) as context:
        assert [(item.path, item.sort) for item in context.walk()] == \
            [("a", Sort.DIRECTORY), ("a/b", Sort.DIRECTORY), ("a/b/c", Sort.FILE)]


def test_the_last_entry_of_a_name_counts(spool: Path) -> None:
    data = tar(("a", b"one"), ("a", b"two"), ("d/x", b"x"), ("d", b"file"), ("e", b"f"), ("e",), ("e/y", b"y"))
    with Context.from_tar(io.BytesIO(data), folder=spool) as context:
        assert [item.path for item in context.walk()] == ["a", "d", "e", "e/y"]
        with context.open("a") as file:
            assert file.read() == b"two"
        item = context.get("d")
        assert item is not None and item.sort is Sort.FILE


@pytest.mark.parametrize(("entry", "said"), [
    (("../x", b""), "out of the archive"), (("/etc/passwd", b""), "out of the archive"),
    (("a/../../x", b""), "out of the archive"), (("..",), "out of the archive"),
    (("x", b"1", "../secret"), "out of the archive"), (("x", b"1", "later"), "no file before it"),
    (("x", b"3", ""), "device"), (("x", b"4", ""), "device"), (("x", b"6", ""), "named pipe"),
    (("/".join("d" * 300), b""), "256 deep"), (("x", b"V", ""), "unknown"), ((".", b"2", "/etc"), "the context itself"),
])
def test_what_an_archive_must_not_hold_is_refused_by_name(spool: Path, entry: tuple[Any, ...], said: str) -> None:
    with pytest.raises(ContextError, match=said):
        Context.from_tar(io.BytesIO(tar(entry)), folder=spool)


def test_nothing_is_written_through_a_link_of_the_archive(spool: Path, tmp_path: Path) -> None:
    data = tar(("l", b"2", str(tmp_path)), ("l/x", b"evil"))
    with pytest.raises(ContextError, match="symlink"):
        Context.from_tar(io.BytesIO(data), folder=spool)
    assert not (tmp_path / "x").exists()


def test_a_bomb_is_bounded(spool: Path) -> None:
    data = gzip.compress(tar(("zeros", bytes(1 << 20))))
    with pytest.raises(ContextError, match="more than the 1000 bytes"):
        Context.from_tar(io.BytesIO(data), folder=spool, limits=Limits(size=1000))
    with pytest.raises((ContextError, FormatError), match="more than"):
        Context.from_tar(io.BytesIO(tar(*((f"d{number}",) for number in range(11)))), folder=spool,
                         limits=Limits(entries=10))
    with pytest.raises(ContextError, match="more than the 10 entries"):
        Context.from_tar(io.BytesIO(tar(("a/b/c/d/e/f/g/h/i/j/k", b""))), folder=spool, limits=Limits(entries=10))


@pytest.mark.parametrize("data", [b"hello", b"hello" * 200, GOOD[:700], gzip.compress(GOOD)[:100],
                                  bz2.compress(GOOD)[:60], lzma.compress(GOOD)[:60], b"BZh9" + bytes(100),
                                  b"\xfd7zXZ\0" + bytes(100)])
def test_what_is_no_whole_tarball_is_a_format_error(spool: Path, data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        Context.from_tar(io.BytesIO(data), folder=spool)
    assert caught.value.offset is not None


def test_an_empty_stream_is_an_empty_context(spool: Path) -> None:
    with Context.from_tar(io.BytesIO(b""), folder=spool) as context:
        assert context.children() == ()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damage_ends_in_our_errors_and_nothing_else(damage: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for at, byte in damage:
        data[at] = byte
    try:
        with Context.from_tar(io.BytesIO(bytes(data))) as context:
            for item in context.walk():
                if item.sort is Sort.FILE:
                    context.open(item.path).close()
    except (ContextError, FormatError):
        pass


def test_a_full_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: open("/dev/full", "wb"))  # noqa: PTH123, SIM115
    with pytest.raises(StoreError, match="No space left") as caught:
        Context.from_tar(io.BytesIO(GOOD))
    assert "TMPDIR" in caught.value.hint
