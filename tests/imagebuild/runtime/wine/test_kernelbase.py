# SPDX-License-Identifier: Apache-2.0
"""Wine's kernelbase.dll gets forwarders for our functions, and a file of another kind is left alone."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import programs, sandboxes

from imagebuild.runtime import install as wine_install
from imagebuild.runtime import pe, toolchain
from imagebuild.runtime.wine import kernelbase
from imagebuild.runtime.wine.kernelbase import with_library

BASE, RAW = 0x1000, 0x400
"""Where the one section of a made file is in memory, and in the file."""


def library(*names: str, room: int = 100, behind: int = 0) -> bytes:
    """A PE32+ file with these exports, whose table ends ``behind`` bytes before the section's content does, and the
    section ``room`` bytes before the file."""
    count = len(names)
    at = BASE + 40
    texts, table = b"", b""
    for name in sorted(names):
        table += struct.pack("<I", at + 10 * count + len(texts))
        texts += name.encode() + b"\0"
    body = (struct.pack("<20xIIIII", count, count, at, at + 4 * count, at + 8 * count)
            + b"".join(struct.pack("<I", 0x100 + i) for i in range(count)) + table
            + b"".join(struct.pack("<H", count - 1 - i) for i in range(count)) + texts + bytes(behind))
    optional = struct.pack("<H110x", 0x20B) + struct.pack("<II", BASE, len(body) - behind)
    section = struct.pack("<8sIIII16x", b".edata", len(body), BASE, len(body) + room, RAW)
    head = (b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40) + b"PE\0\0"
            + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0x22) + optional + section)
    return head.ljust(RAW, b"\0") + body + bytes(room)


def forwarders(data: bytes) -> dict[str, str]:
    """The exports that are text, as a loader reads them."""
    file = pe.File(data)
    start, size = struct.unpack_from("<II", data, file.directory_at(pe.EXPORTS))
    found = {}
    for name in pe.exports(data):
        address = file.number("<I", file.function_at(name))
        if start <= address < start + size:
            found[name] = file.text(address)
    return found


def test_the_functions_of_the_library_are_forwarded_and_no_others() -> None:
    wine = library("One", "Other", "Two")
    changed = with_library(wine, library("One", "Two"))
    assert changed is not None
    assert forwarders(wine) == {}
    assert forwarders(changed) == {"One": "wcowbase.One", "Two": "wcowbase.Two"}
    assert list(pe.exports(changed)) == ["One", "Other", "Two"]
    assert len(changed) == len(wine)


def test_message_boxes_are_forwarded_to_a_library_of_their_own() -> None:
    changed = kernelbase.with_messages(library("MessageBoxW", "Other"), library("MessageBoxW"))
    assert changed is not None
    assert forwarders(changed) == {"MessageBoxW": "wcowuser.MessageBoxW"}
    assert kernelbase.with_messages(library("Other"), library("MessageBoxW")) is None
    assert kernelbase.with_messages(b"text", library("MessageBoxW")) is None


def test_what_is_asked_of_jobs_is_forwarded_to_a_library_of_its_own() -> None:
    changed = kernelbase.with_jobs(library("GetProcessGroupAffinity", "Other"), library("GetProcessGroupAffinity"))
    assert changed is not None
    assert forwarders(changed) == {"GetProcessGroupAffinity": "wcowjob.GetProcessGroupAffinity"}
    assert kernelbase.with_jobs(b"text", library("GetProcessGroupAffinity")) is None


@pytest.mark.parametrize("wine", [
    library("Other"), library("One", room=12), library("One", behind=4), b"", b"MZ"])
def test_a_file_without_the_function_or_the_room_is_left_alone(wine: bytes) -> None:
    assert with_library(wine, library("One")) is None


@given(st.data())
def test_a_broken_file_is_never_an_error(data: st.DataObject) -> None:
    broken = bytearray(library("One", "Two"))
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(broken[:data.draw(st.integers(0, len(broken)))])
    changed = with_library(cut, library("One"))
    assert changed is None or len(changed) == len(cut)
    with_library(library("One"), cut)


@pytest.mark.parametrize(("calls", "names"), [
    (False, {"CreateSymbolicLinkW", "FindFirstStreamW", "FindNextStreamW", "GetConsoleCP", "GetConsoleOutputCP",
             "GetDynamicTimeZoneInformation", "RaiseFailFastException", "SetConsoleCP", "SetConsoleMode",
             "SetConsoleOutputCP", "SetNamedPipeHandleState"}),
    (True, {"NtClose", "NtCreateFile", "NtCreateSemaphore", "NtDeleteFile", "NtFsControlFile", "NtOpenFile",
            "NtQueryAttributesFile", "NtQueryDirectoryFile", "NtQueryFullAttributesFile", "NtQueryInformationFile",
            "NtQueryObject", "NtQuerySecurityObject", "NtSetInformationFile", "NtSetSecurityObject"})])
def test_wines_own_take_our_library(calls: bool, names: set[str]) -> None:
    with programs.skipping():
        programs.find(toolchain.COMPILER)
        try:
            wine = wine_install.find_wine().library(kernelbase.SYSTEM if calls else kernelbase.NAME).read_bytes()
        except wine_install.ToolError as error:
            raise programs.Unavailable(str(error)) from error
    found = toolchain.find(sandboxes.home())
    assert found is not None
    ours = (found / kernelbase.LIBRARY).read_bytes()
    changed = with_library(wine, ours, calls=calls)
    assert changed is not None
    assert set(forwarders(changed)) - set(forwarders(wine)) == names
    assert sum(old != new for old, new in zip(wine, changed, strict=True)) < 40 * (len(names) + 1)
    imported = {name for one in pe.imports(ours) for name in one.names}
    assert imported <= set(pe.exports(wine)) - names if calls else True  # else it would call itself
