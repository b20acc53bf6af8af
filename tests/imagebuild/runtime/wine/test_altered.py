# SPDX-License-Identifier: Apache-2.0
"""Wine's libraries with a few bytes changed, and what programs see of Wine then."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.sandboxes import Boxes, run, start

from imagebuild.runtime import WineSandbox
from imagebuild.runtime import install as wine_install
from imagebuild.runtime.install import Install
from imagebuild.runtime.wine import altered

TOLD = b"\0".join(name.encode() for name in (
    "", "status", "WINEDLLOVERRIDES", "WINELOADER", "WINEDATADIR", "WINEHOMEDIR", "WINECONFIGDIR", "WINEDLLDIR%u",
    "WINEUSERNAME", "WINEUSERLOCALE", "C:", "SystemDrive", ""))
STACK = (b"\xbe\0\x10\0\0\x48\x8d\xb8\0\x10\0\0\xe8" + b"\x31\xc9\x31\xd2\xbe\0\x20\0\0\xe8"
         + b"".join(mov + b"\0\x20\0\0" + b"\x90" * 12 + b"\x8b\x80\x48\x17\0\0" for mov in (b"\xb9", b"\xbe")))
USER = "WINEUSERNAME\0".encode("utf-16-le")
FIND = bytes.fromhex("488b4528 49c7462400000000 41894620")
KEYS = bytes.fromhex("41f6460801 0f844c010000 41b908000000 41b843000000")
OPEN = bytes.fromhex("25b77f0000 89442428")
DESKTOP = bytes.fromhex("4869c0806967ff 48c7c7806967ff e808befaff")


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """A Wine of a few bytes that has all we know."""
    modules = tmp_path / "x86_64-windows"
    modules.mkdir()
    (tmp_path / "x86_64-unix").mkdir()
    (tmp_path / "x86_64-unix/ntdll.so").write_bytes(TOLD + STACK)
    (modules / "advapi32.dll").write_bytes(b"x\0WINEUSERNAME\0" + USER)
    (modules / "kernelbase.dll").write_bytes(b"--" + USER + OPEN + FIND)
    (modules / "crypt32.dll").write_bytes(b"\x90\x81\x4e\x04\x00\x00\x01\x00\x90")
    (modules / "iphlpapi.dll").write_bytes(b"\x45\x85\xf6\x0f\x84\xa0\x03\x00\x00\xc7\x00\x28\x00\x00\x00")
    (modules / "conhost.exe").write_bytes(b"\x48\x85\xc0\x0f\x84\x7c\xfe\xff\xff\x45\x85\xf6"
                                          b"\x0f\x84\x60\x02\x00\x00\x48\x8b" + KEYS)
    (modules / "services.exe").write_bytes(b"\x90\xc7\x44\x24\x28\x08\x04\x00\x00\x90")
    server = tmp_path / "wineserver64"
    server.write_bytes(DESKTOP)
    return Install(tmp_path, server, modules, tmp_path, "wine-10.0")


def test_names_and_one_constant_are_changed_and_nothing_moves(install: Install) -> None:
    made = altered.altered(install)
    assert set(made) == set(altered.LIBRARIES)
    assert all(len(data) == install.library(name).stat().st_size for name, data in made.items())
    assert b"WINE" not in made["ntdll.so"] and b"\0=USERNAME\0" in made["ntdll.so"]
    assert made["ntdll.so"].count(b"SystemDrive\0") == 7 and b"C:\0SystemDrive\0" in made["ntdll.so"]
    assert made["ntdll.so"].endswith(STACK.replace(b"\x8d\xb8\0\x10\0\0", b"\x8d\xb8\0\xc0\0\0").replace(
        b"\xd2\xbe\0\x20", b"\xd2\xbe\0\xd0").replace(b"\xb9\0\x20", b"\xb9\0\xc0").replace(
        b"\xbe\0\x20", b"\xbe\0\xc0"))
    assert made["crypt32.dll"] == b"\x90\x81\x4e\x04\x20\x00\x01\x00\x90"
    assert made["iphlpapi.dll"] == b"\x45\x85\xf6\x66\x0f\x1f\x44\x00\x00\xc7\x00\x28\x00\x00\x00"
    assert made["conhost.exe"] == (b"\x48\x85\xc0\x0f\x84\x7c\xfe\xff\xff\x45\x85\xf6"
                                   b"\x66\x0f\x1f\x44\x00\x00\x48\x8b"
                                   + KEYS.replace(b"\x0f\x84\x4c\x01\0\0", b"\x66\x0f\x1f\x44\0\0"))
    assert made["services.exe"] == b"\x90\xc7\x44\x24\x28\x00\x04\x00\x08\x90"
    assert made["wineserver64"] == bytes.fromhex("4869c0806967ff 48c7c700ba3cdc e808befaff")
    assert "=USERNAME\0\0\0\0".encode("utf-16-le") in made["kernelbase.dll"]
    assert made["kernelbase.dll"].endswith(bytes.fromhex("25b77f2000 89442428 488b4528 448b4d40 45894e24 41894620"))
    assert altered.unknown(install) == ()


def test_the_libraries_are_searched_once_for_each_state_of_their_files(install: Install,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    def never(install: Install) -> tuple[str, ...]:
        raise AssertionError("searched again")

    assert altered.unknown(install) == ()
    with monkeypatch.context() as patched:
        patched.setattr(altered, "_missing", never)
        assert altered.unknown(replace(install)) == ()
    install.library("ntdll.so").write_bytes(b"another Wine")
    assert len(altered.unknown(install)) == 2


@pytest.mark.parametrize(("library", "data"), [
    ("crypt32.dll", b"\x81\x4e\x04\x00\x00\x02\x00"), ("crypt32.dll", b"\x81\x4e\x04\x00\x00\x01\x00" * 2),
    ("ntdll.so", TOLD.replace(b"WINELOADER", b"WINELOADEX")), ("ntdll.so", TOLD + TOLD), ("ntdll.so", b""),
    ("advapi32.dll", USER)])
def test_a_library_that_is_not_as_we_know_it_is_left_alone_and_told_of(install: Install, library: str,
                                                                       data: bytes) -> None:
    install.library(library).write_bytes(data)
    made = altered.altered(install)
    assert library not in made
    assert ("crypt32.dll" in made) is (library != "crypt32.dll")
    assert ("advapi32.dll" in made) is (library == "crypt32.dll")  # a name that only one side knows would be worse
    why = altered.unknown(install)
    assert any("unknown issuers" in one for one in why) is (library == "crypt32.dll")
    assert any("overflows its stack" in one for one in why) is (library == "ntdll.so")
    assert len(why) == 1 + (library == "ntdll.so")
    assert set(altered.altered(replace(install))) == set(made)


def test_the_wine_that_is_installed_is_as_we_know_it(sandbox: WineSandbox) -> None:
    assert altered.unknown(wine_install.find_wine()) == ()
    assert not any("not as we know" in gap for gap in sandbox.facts().gaps)


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False])
def test_programs_see_no_variable_of_wines_and_no_path_of_this_machine(boxes: Boxes, first: bool) -> None:
    box = boxes.open()
    if not first:
        start(box, "probe sleep")
    done = run(box, 'cmd /c "set & cmd /c set"', main=first)
    names = [line.partition("=")[0] for line in done.out.splitlines()]
    assert names and len(names) == 2 * len(set(names))  # the second cmd sees what the first does
    assert [name for name in names if name.upper().startswith("WINE")] == []
    assert not {"HOME", "USER", "LANG", "TERM", "PWD", "winsysdir"} & set(names)
    assert [line for line in done.out.splitlines() if "/" in line or "unix" in line] == []
    assert {"SystemDrive=C:", "SystemRoot=C:\\windows"} <= set(done.out.splitlines())


@pytest.mark.slow
def test_a_service_and_what_it_needs_still_start(boxes: Boxes) -> None:
    done = boxes.run('cmd /c "net start & sc query eventlog"')
    assert "Event Log" in done.out and "RUNNING" in done.out
    assert done.err == ""
