# SPDX-License-Identifier: Apache-2.0
"""Whether a file can be a hive, by its first page."""

from __future__ import annotations

import struct

import pytest
from support.rawtar import HIVE

from imagebuild.hive.write import checksum
from imagebuild.lint.hives import HEAD, is_dirty, problem_of

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
    (b"", "empty"), (b"x" * 9000, "regf"), (HIVE[:4096], "4096 bytes"), (HIVE[:8191], "8191 bytes"),
    (HIVE[:508] + b"\0\0\0\0" + HIVE[512:], "checksum"), (changed(20, 2), "version is 2"),
    (changed(36, 0x1C), "do not hold"), (changed(36, BINS), "do not hold"), (changed(40, BINS + 1), "do not hold"),
    (HIVE[:4096] + b"x" + HIVE[4097:], "do not hold")])
def test_what_is_no_hive_is_told(data: bytes, why: str) -> None:
    assert why in problem(data)


@pytest.mark.parametrize("data", [changed(20, 1), changed(36, BINS - 1), changed(40, BINS), changed(4, 9)])
def test_what_is_just_one_is_one(data: bytes) -> None:
    assert problem(data) == ""


def test_sequence_numbers_that_differ_are_dirty() -> None:
    assert is_dirty(changed(4, 9)) and is_dirty(changed(8, 9))
