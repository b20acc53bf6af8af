# SPDX-License-Identifier: Apache-2.0
"""Files without their debug sections: made-up ones to the letter, Wine's own beside what mingw-w64's strip makes."""

from __future__ import annotations

import io
import shutil
import struct
from pathlib import Path

import pytest
from support import programs

from imagebuild.errors import ToolError
from imagebuild.runtime.install import find_wine
from imagebuild.runtime.pe import File
from imagebuild.runtime.wine.undebugged import undebugged

HEADER, PAGE = 0x80, 0x1000
STRIP = "x86_64-w64-mingw32-strip"


def made(*names: bytes, magic: int = 0x20B, count: int = 0) -> bytes:
    """A PE32+ file with a page for each section, filled with its number, and the table of long names behind them."""
    texts, fields = b"", []
    for name in names:
        fields.append(name if len(name) <= 8 else f"/{4 + len(texts)}".encode())
        texts += b"" if len(name) <= 8 else name + b"\0"
    symbols = PAGE * (len(names) + 1)
    out = bytearray(PAGE)
    struct.pack_into("<I", out, 0x3C, HEADER)
    struct.pack_into("<4sHHIIIHH", out, HEADER, b"PE\0\0", 0x8664, count or len(names), 7, symbols, 2, 240, 0x22)
    struct.pack_into("<H", out, HEADER + 24, magic)
    struct.pack_into("<I", out, HEADER + 24 + 56, symbols)
    struct.pack_into("<I", out, HEADER + 24 + 64, 0xABCD)
    for number, field in enumerate(fields):
        struct.pack_into("<8sIIII", out, HEADER + 264 + 40 * number, field, PAGE, PAGE * (number + 1), PAGE,
                         PAGE * (number + 1))
    body = b"".join(bytes([number + 1]) * PAGE for number in range(len(names)))
    return bytes(out) + body + bytes(36) + struct.pack("<I", 4 + len(texts)) + texts


def without(data: bytes) -> bytes:
    return undebugged(io.BytesIO(data))


def test_debug_sections_and_symbols_go_and_the_rest_stays_as_it_is() -> None:
    out = without(made(b".text", b".rsrc", b".debug_info", b".debug_line"))
    assert len(out) == 3 * PAGE
    assert out[PAGE:] == b"\1" * PAGE + b"\2" * PAGE
    count, _time, symbols, number, _size, flags = struct.unpack_from("<HIIIHH", out, HEADER + 6)
    assert (count, symbols, number, flags) == (2, 0, 0, 0x22 | 0x208)
    assert struct.unpack_from("<I", out, HEADER + 24 + 56) == (3 * PAGE,)
    assert struct.unpack_from("<I", out, HEADER + 24 + 64) == (0,)
    assert out[HEADER + 264 + 80:PAGE] == bytes(PAGE - HEADER - 264 - 80)


def test_a_long_name_that_stays_is_still_found() -> None:
    out = without(made(b".text", b".a_long_name", b".another_one", b".debug_info"))
    symbols, number = struct.unpack_from("<II", out, HEADER + 12)
    assert (symbols, number) == (4 * PAGE, 0)
    names = [out[HEADER + 264 + 40 * one:][:8].rstrip(b"\0") for one in range(3)]
    assert names[0] == b".text"
    table = out[symbols:]
    assert [table[int(name[1:]):].partition(b"\0")[0] for name in names[1:]] == [b".a_long_name", b".another_one"]
    assert struct.unpack_from("<I", table) == (len(table),)


@pytest.mark.parametrize("data", [
    b"", b"MZ", b"\0" * PAGE, made(b".text"), made(b".debug_info"), made(b".text", b".debug_info", b".data_of_mine"),
    made(b".text", b".debug_info", magic=0x10B), made(b".text", b".debug_info")[:PAGE + 100],
    made(b".text", b".debug_info", count=500),
], ids=["nothing", "two letters", "zeros", "no debug section", "nothing else", "something behind", "32 bits", "cut off",
        "too many sections"])
def test_what_is_of_another_kind_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, struct.error)):
        without(data)


def test_a_debug_section_that_lies_before_another_one_is_refused() -> None:
    data = bytearray(made(b".text", b".debug_info"))
    struct.pack_into("<I", data, HEADER + 264 + 20, 5 * PAGE)  # where .text is in the file
    with pytest.raises(ValueError, match="behind all others"):
        without(bytes(data))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ntdll.dll", "kernel32.dll", "shell32.dll", "notepad.exe", "winmm.dll", "http.sys"])
def test_of_wines_own_files_the_same_is_left_as_by_strip(name: str, tmp_path: Path) -> None:
    try:
        path = find_wine().modules / name
    except ToolError as error:
        pytest.skip(f"{error}: apt-get install wine64")
    if shutil.which(STRIP) is None:
        pytest.skip(f"{STRIP} is not installed: apt-get install binutils-mingw-w64-x86-64")
    programs.run(STRIP, "-o", tmp_path / name, path)
    theirs = (tmp_path / name).read_bytes()
    with path.open("rb") as stream:
        ours = undebugged(stream)
    assert len(ours) == len(theirs)
    assert ours[PAGE:] == theirs[PAGE:]
    both = [File(data) for data in (ours, theirs)]
    assert both[0]._sections == both[1]._sections
    size = HEADER + 24 + 56
    assert ours[size:size + 4] == theirs[size:size + 4]
