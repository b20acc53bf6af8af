# SPDX-License-Identifier: Apache-2.0
"""Which files are hives, and whether one can be, by its first page."""

from __future__ import annotations

import struct

import pytest
from support.rawtar import HIVE

from imagebuild.hive.layout import checksum
from imagebuild.lint.hives import HEAD, Place, is_dirty, place_of, problem_of

BINS = len(HIVE) - 4096


def changed(at: int, value: int) -> bytes:
    """The hive with one number changed and its checksum mended."""
    data = bytearray(HIVE)
    struct.pack_into("<I", data, at, value)
    struct.pack_into("<I", data, 508, checksum(data[:512]))
    return bytes(data)


def problem(data: bytes) -> str:
    return problem_of(data[:HEAD], len(data))


def test_a_hive_has_no_problem() -> None:
    assert problem(HIVE) == "" and not is_dirty(HIVE)


@pytest.mark.parametrize(("data", "why"), [
    (b"", "it is empty"), (b"x" * 9000, "it does not begin with 'regf'"),
    (HIVE[:4096], "it has 4096 bytes, a hive has at least 8192"),
    (HIVE[:8191], "it has 8191 bytes, a hive has at least 8192"),
    (HIVE[:508] + b"\0\0\0\0" + HIVE[512:], "the checksum of its first page is wrong"),
    (changed(20, 2), "its version is 2, Windows reads 1"),
    (changed(20, 0xFFFFFFFF), "its version is 4294967295, Windows reads 1"),
    (changed(40, 0xFFFFF000), "do not hold"),
    (changed(36, 0x1C), "do not hold"), (changed(36, BINS), "do not hold"), (changed(40, BINS + 1), "do not hold"),
    (HIVE[:4096] + b"x" + HIVE[4097:], "do not hold")])
def test_what_is_no_hive_is_told(data: bytes, why: str) -> None:
    assert problem(data) == (why if why != "do not hold" else f"its {len(data)} bytes do not hold the "
                             f"{struct.unpack_from('<I', data, 40)[0]} that it speaks of")


@pytest.mark.parametrize("data", [changed(20, 1), changed(36, BINS - 1), changed(40, BINS), changed(4, 9)])
def test_what_is_just_one_is_one(data: bytes) -> None:
    assert problem(data) == ""


def test_sequence_numbers_that_differ_are_dirty() -> None:
    assert is_dirty(changed(4, 9)) and is_dirty(changed(8, 9))


@pytest.mark.parametrize(("total", "stored"), [(0, 1), (0xFFFFFFFF, 0xFFFFFFFE)])
def test_two_checksums_are_never_stored_as_they_are(total: int, stored: int) -> None:
    words = list(struct.unpack_from("<127I", HIVE))
    for word in struct.unpack_from("<127I", HIVE):
        total ^= word
    words[3] ^= total  # a half of the time stamp
    data = struct.pack("<128I", *words, stored) + HIVE[512:]
    assert problem(data) == ""
    assert problem(changed(12, words[3])) == ""


def test_a_beginning_of_which_too_little_was_seen_is_no_hive() -> None:
    assert problem_of(HIVE[:HEAD - 1], len(HIVE)) == f"it has {len(HIVE)} bytes, a hive has at least 8192"


@pytest.mark.parametrize(("key", "place"), [
    ("FILES/WINDOWS/SYSTEM32/CONFIG/SAM", Place("base", "SAM")), ("HIVES/DEFAULTUSER_DELTA", Place("delta", "DEFAULT")),
    ("UTILITYVM/FILES/EFI/MICROSOFT/BOOT/BCD", Place("boot")), ("FILES/USERS/ME/NTUSER.DAT", Place("user")),
    ("FILES/WINDOWS/SERVICEPROFILES/LOCALSERVICE/NTUSER.DAT", Place("user")),
    ("FILES/USERS/ME/APPDATA/LOCAL/MICROSOFT/WINDOWS/USRCLASS.DAT", Place("user")),
    ("FILES/USERS/ME/USRCLASS.DAT", None), ("FILES/USERS/NTUSER.DAT", None), ("FILES/USERS/A/B/NTUSER.DAT", None),
    ("XFILES/USERS/ME/NTUSER.DAT", None), ("FILES/USERS/ME/NTUSERXDAT", None), ("HIVES/COMPONENTS_DELTA", None),
    ("FILES/WINDOWS/SYSTEM32/CONFIG/DRIVERS", None), ("", None)])
def test_a_hive_is_known_by_its_place_and_name(key: str, place: Place | None) -> None:
    assert place_of(key) == place
