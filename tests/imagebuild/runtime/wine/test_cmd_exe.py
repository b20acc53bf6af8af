# SPDX-License-Identifier: Apache-2.0
"""Wine's cmd.exe is altered in the places that were meant, and one of another kind not at all."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.runtime import pe
from imagebuild.runtime.wine.cmd_exe import LIBRARY, with_library, without_mklink

TABLE = b"".join(word.encode("utf-16-le").ljust(20, b"\0") for word in ("MORE", "CHOICE", "MKLINK", "", "EXIT"))
CMD = (b"MZ".ljust(0x40, b"\0") + b"Wine builtin DLL".ljust(32, b"\0") + b"code" + TABLE
       + "MKLINK makes".encode("utf-16-le"))


def test_cmd_loses_the_one_name_and_the_mark_and_nothing_else() -> None:
    changed = without_mklink(CMD)
    assert changed is not None
    assert len(changed) == len(CMD)
    at = CMD.index("MKLINK".encode("utf-16-le"))
    differing = {i for i, (old, new) in enumerate(zip(CMD, changed, strict=True)) if old != new}
    assert differing == {at, *range(0x40, 0x50)} - {i for i in range(0x40, 0x50) if CMD[i] == 0}
    assert "MKLINK makes".encode("utf-16-le") in changed


@pytest.mark.parametrize("cmd", [b"", b"MZ", CMD.replace(b"Wine builtin", b"Some builtin"), CMD + TABLE,
                                 CMD.replace("CHOICE".encode("utf-16-le"), "CHOISE".encode("utf-16-le"))])
def test_a_cmd_that_is_not_as_we_know_it_is_left_alone(cmd: bytes) -> None:
    assert without_mklink(cmd) is None


# --- the library ------------------------------------------------------------------------------------------------------

BASE, RAW = 0x1000, 0x400
"""Where the one section of a made file is in memory, and in the file."""


def program(imports: dict[str, list[str | int]] | None = None, exports: tuple[str, ...] = ()) -> bytes:
    """A PE32+ file with these imports (a number is an ordinal) or exports, and nothing to run."""
    body = bytearray()

    def put(data: bytes) -> int:
        at = BASE + len(body)
        body.extend(data + b"\0" * (-len(data) % 8))
        return at

    descriptors = b""
    for library, functions in (imports or {}).items():
        entries = [one | 1 << 63 if isinstance(one, int) else put(b"\0\0" + one.encode() + b"\0") for one in functions]
        table = struct.pack(f"<{len(entries) + 1}Q", *entries, 0)
        descriptors += struct.pack("<IIIII", put(table), 0, 0, put(library.encode() + b"\0"), put(table))
    table_of_imports = put(descriptors + bytes(20))
    names = struct.pack(f"<{len(exports)}I", *[put(name.encode() + b"\0") for name in exports])
    table_of_exports = put(struct.pack("<24xII", len(exports), 0) + struct.pack("<II", put(names), 0))
    optional = struct.pack("<H110x", 0x20B) + struct.pack("<IIII", table_of_exports, 40, table_of_imports, 40)
    section = struct.pack("<8sIIII16x", b".idata", len(body), BASE, len(body), RAW)
    head = (b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40) + b"PE\0\0"
            + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0x22) + optional + section)
    return head.ljust(RAW, b"\0") + bytes(body)


def library(tmp_path: Path, *exports: str) -> Path:
    path = tmp_path / LIBRARY
    path.write_bytes(program(exports=exports))
    return path


IMPORTS: dict[str, list[str | int]] = {
    "ADVAPI32.dll": ["RegCloseKey"], "kernel32.dll": ["ReadFile"], "user32.dll": ["LoadStringW", "wsprintfW"],
    "ntdll.dll": [7]}
NEEDED = ("LoadStringW", "RegCloseKey", "wsprintfW")


def imported(data: bytes) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.library, one.names) for one in pe.imports(data)]


def test_what_the_library_has_is_imported_from_it_and_all_else_as_before(tmp_path: Path) -> None:
    cmd = program(IMPORTS)
    changed = with_library(cmd, library(tmp_path, *NEEDED, "More"))
    assert imported(cmd) == [("ADVAPI32.dll", ("RegCloseKey",)), ("kernel32.dll", ("ReadFile",)),
                             ("user32.dll", ("LoadStringW", "wsprintfW")), ("ntdll.dll", ("#7",))]
    assert imported(changed) == [(LIBRARY, ("RegCloseKey",)), ("kernel32.dll", ("ReadFile",)),
                                 (LIBRARY, ("LoadStringW", "wsprintfW")), ("ntdll.dll", ("#7",))]
    differing = sum(old != new for old, new in zip(cmd, changed, strict=True))
    assert 0 < differing <= len("advapi32.dll") + 4  # one name, and where another is


@pytest.mark.parametrize("imports", [
    {**IMPORTS, "shell32.dll": ["SHUnknown"]},  # one function more than the library has
    {**IMPORTS, "shell32.dll": [12]},  # nobody knows which function that is
    {"user32.dll": ["LoadStringW"]},  # no room for the name
    {"kernel32.dll": ["ReadFile"]}, {}])
def test_a_cmd_with_other_imports_is_left_alone(tmp_path: Path, imports: dict[str, list[str | int]]) -> None:
    cmd = program(imports)
    assert with_library(cmd, library(tmp_path, *NEEDED)) == cmd


@given(st.data())
def test_a_broken_file_is_left_alone_or_altered_but_never_an_error(tmp_path_factory: pytest.TempPathFactory,
                                                                   data: st.DataObject) -> None:
    cmd = bytearray(program(IMPORTS))
    for _ in range(data.draw(st.integers(1, 4))):
        cmd[data.draw(st.integers(0, len(cmd) - 1))] = data.draw(st.integers(0, 255))
    broken = bytes(cmd[:data.draw(st.integers(0, len(cmd)))])
    place = tmp_path_factory.mktemp("broken")
    assert len(with_library(broken, library(place, *NEEDED))) == len(broken)
    (place / LIBRARY).write_bytes(broken)
    assert with_library(program(IMPORTS), place / LIBRARY) == program(IMPORTS)
