# SPDX-License-Identifier: Apache-2.0
"""The content of a file is at hand as a whole, in memory or beside it."""

from __future__ import annotations

import errno
import io
import os
from mmap import mmap
from typing import Any

import pytest

from imagebuild.errors import InputError
from imagebuild.lint.hives import HEAD
from imagebuild.lint.spool import MEMORY, SPOOL, spool


class Slow(io.BytesIO):
    """Gives less than is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 1000))


@pytest.mark.parametrize("size", [0, 1, MEMORY, MEMORY + 1])
def test_the_content_is_whole_and_beyond_a_mebibyte_it_is_not_in_memory(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    content = spool(io.BytesIO(data), size)
    assert isinstance(content, mmap) is (size > MEMORY)
    assert content[:] == data[:size]


def test_a_stream_that_gives_less_than_asked_is_read_to_its_end() -> None:
    assert spool(Slow(b"x" * 5000), 5000) == b"x" * 5000
    assert spool(Slow(b"x" * 5000), 6000) == b"x" * 5000


def test_of_what_is_too_long_the_first_page_is_taken() -> None:
    assert spool(io.BytesIO(b"x" * 9000), SPOOL + 1) == b"x" * HEAD


def test_what_is_just_not_too_long_is_taken_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagebuild.lint.spool.SPOOL", 9000)
    assert spool(io.BytesIO(b"x" * 9000), 9000) == b"x" * 9000


@pytest.mark.parametrize("size", [1, MEMORY + 1])
def test_what_is_at_hand_cannot_be_written_to(size: int) -> None:
    content: Any = spool(io.BytesIO(bytes(size)), size)
    with pytest.raises(TypeError):
        content[0] = 1


def test_no_room_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr("tempfile.tempdir", f"{tmp_path}/nowhere")
    with pytest.raises(InputError) as caught:
        spool(io.BytesIO(bytes(MEMORY + 1)), MEMORY + 1)
    hint = "make room in the folder for temporary files, or set TMPDIR to another one"
    assert caught.value.lines() == [
        "cannot keep a registry hive while it is examined", os.strerror(errno.ENOENT), hint]

    def full(*_: object, **__: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("imagebuild.lint.spool.SpooledTemporaryFile", full)
    with pytest.raises(InputError) as caught:
        spool(io.BytesIO(), 0)
    assert caught.value.lines() == ["cannot keep a registry hive while it is examined", "no room", hint]


def test_a_layer_that_cannot_be_read_is_not_blamed_on_the_temporary_folder() -> None:
    class Broken:
        def read(self, size: int = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error") as caught:
        spool(Broken(), 10)
    assert not isinstance(caught.value, InputError)
