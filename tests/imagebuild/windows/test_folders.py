# SPDX-License-Identifier: Apache-2.0
"""The folders of base images: complete, in order, with security that works."""

from __future__ import annotations

import pytest

from imagebuild.errors import UnsupportedError
from imagebuild.windows import attributes
from imagebuild.windows import security as s
from imagebuild.windows.acl.access import access_check
from imagebuild.windows.acl.sddl import format_sddl, parse_sddl
from imagebuild.windows.folders import find_folder, folders
from imagebuild.windows.names import check_path
from imagebuild.windows.sid import (
    ADMINISTRATORS,
    AUTHENTICATED_USERS,
    CONTAINER_ADMINISTRATOR,
    CONTAINER_USER,
    EVERYONE,
    SYSTEM,
    TRUSTED_INSTALLER,
    USERS,
)

FLAVOURS = ["nanoserver", "servercore", "server", "windows", "hostprocess"]
CONFIG = ("Windows", "System32", "config")
USER = (CONTAINER_USER, USERS, EVERYONE, AUTHENTICATED_USERS)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_parents_come_before_their_children_and_every_folder_once(flavour: str) -> None:
    seen: list[tuple[str, ...]] = []
    for folder in folders(flavour, 20348):
        assert folder.path not in seen
        assert folder.path == () or folder.path[:-1] in seen
        check_path(folder.path)
        seen.append(folder.path)
    assert seen[0] == ()
    assert CONFIG in seen


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_folder_is_one_and_its_security_is_spelled_as_windows_spells_it(flavour: str) -> None:
    for folder in folders(flavour, 20348):
        assert folder.attributes & attributes.DIRECTORY
        assert not folder.attributes & (attributes.NORMAL | attributes.REPARSE_POINT)
        sd = parse_sddl(folder.sddl)
        assert format_sddl(sd) == folder.sddl
        assert sd.owner and sd.group and sd.dacl
        assert folder.source
        assert folder.confidence in ("documented", "reported", "inferred")
        for sids in ((SYSTEM,), (CONTAINER_ADMINISTRATOR, ADMINISTRATORS, EVERYONE)):
            assert access_check(sd, sids, s.FILE_READ_EXECUTE | 0x6).allowed(), folder.path


def _sd(flavour: str, *path: str) -> s.SecurityDescriptor:
    folder = find_folder(path, flavour, 20348)
    assert folder is not None
    return parse_sddl(folder.sddl)


def test_container_user_reads_what_he_must_and_writes_what_he_may() -> None:
    read, add = s.FILE_READ_EXECUTE, 0x2
    for path in ((), ("Windows",), ("Windows", "System32"), ("Program Files",), ("Users",), ("ProgramData",)):
        assert access_check(_sd("nanoserver", *path), USER, read).allowed(), path
    for path in ((), ("Windows",), ("Windows", "System32"), ("Program Files",), ("Users",), ("Users", "Default")):
        assert not access_check(_sd("nanoserver", *path), USER, add).allowed(), path
    for path in (("ProgramData",), ("Windows", "Temp"), ("Users", "ContainerUser")):
        assert access_check(_sd("nanoserver", *path), USER, add).allowed(), path
    for path in (CONFIG, ("Users", "ContainerAdministrator")):
        assert not access_check(_sd("nanoserver", *path), USER, 0x1).allowed(), path


@pytest.mark.parametrize("path", [("Windows",), ("Windows", "System32"), CONFIG, ("Program Files",)])
def test_trustedinstaller_owns_the_system_and_nothing_is_inherited(path: tuple[str, ...]) -> None:
    sd = _sd("servercore", *path)
    assert sd.owner == sd.group == TRUSTED_INSTALLER
    assert sd.is_protected()
    assert not access_check(sd, (ADMINISTRATORS,), s.WRITE_DAC).allowed() or path == CONFIG


def test_flavours_differ_in_what_they_carry() -> None:
    assert find_folder(("Windows", "SysWOW64"), "nanoserver") is None
    assert find_folder(("Program Files (x86)",), "servercore") is not None
    assert find_folder(("Users",), "hostprocess") is None
    assert find_folder(("inetpub",), "servercore") is not None
    assert len(folders("hostprocess", 0)) == 4
    assert {f.path for f in folders("hostprocess", 0)} < {f.path for f in folders("nanoserver", 0)} \
        < {f.path for f in folders("servercore", 0)}


def test_folders_are_found_in_any_case_and_keep_their_own() -> None:
    found = find_folder(("WINDOWS", "system32"), "nanoserver", 99999)
    assert found is not None
    assert found.path == ("Windows", "System32")
    assert find_folder(("Windows", "Nowhere"), "nanoserver") is None


@pytest.mark.parametrize(("path", "letters"), [
    ((), "D"), (("Users",), "RD"), (("Users", "Default"), "RHD"), (("ProgramData",), "HDI"), (("Windows",), "D"),
    (("Program Files",), "RD"),
])
def test_attributes_are_those_explorer_shows(path: tuple[str, ...], letters: str) -> None:
    folder = find_folder(path, "servercore")
    assert folder is not None
    assert attributes.letters(folder.attributes) == letters


def test_an_unknown_flavour_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError) as caught:
        folders("alpine", 1)
    assert str(caught.value) == ("no base image 'alpine' is known: known are hostprocess, nanoserver, servercore, "
                                 "server, windows")
