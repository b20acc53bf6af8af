# SPDX-License-Identifier: Apache-2.0
"""Hives that Windows made, written anew by us, and read by other people's readers: they find the same in both.

Where a reader cannot read the original, it is not asked about ours; :data:`CANNOT` names these and why. Damaged hives
and deltas, which hivex and dissect.regf do not survive, are compared by the readers that do.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support.hive_readers import READERS, Found
from support.hives import SHARED
from support.programs import Unavailable

from imagebuild.errors import FormatError, InputError
from imagebuild.hive import Hive, read, write

HIVES = sorted(path for room in ("real", "strict", "synthetic", "delta") for path in (SHARED / room).glob("*")
               if ".LOG" not in path.name) if SHARED.is_dir() else []
SLOW = {"SYSTEM_WIN_10_1709"}
NOT_WRITTEN = {
    # What we do not read without being told to forgive, or what no registry can hold; test_corpora.py has the rest.
    "BadListHive": "one list belongs to two keys", "BadSubkeyHive": "a key is below two keys",
    "DuplicateSubkeysHive": "two subkeys have one name", "EffectiveSizeHive": "the checksum is wrong",
    "GarbageHive": "the checksum is wrong", "TruncatedHive": "it ends too early",
    "TruncatedNameHive": "a name does not fit its cell",
}
CANNOT = {
    ("System_Delta.sandbox", "hivex"): "a tombstone of a value has no data: Bad address",
    ("Software_Delta.image-layer", "hivex"): "a tombstone of a value has no data: Bad address",
    ("System_Delta.sandbox", "dissect.regf"): "a tombstone of a value has no data: it raises struct.error",
    ("Software_Delta.image-layer", "dissect.regf"): "a tombstone of a value has no data: it raises struct.error",
}
AGREE_WITH_US = ("hivex", "dissect.regf")

pytestmark = pytest.mark.skipif(not HIVES, reason=f"no hives in {SHARED}")


def found_by_us(hive: Hive) -> Found:
    out: Found = {}
    for path, key in hive.walk():
        path = f"\\{path}" if path else ""
        while path in out:
            path += "'"
        out[path] = sorted((value.name, value.type, value.data) for value in key.values)
    return out


def cases() -> list[object]:
    return [pytest.param(path, reader, id=f"{path.name}-{reader}", marks=[pytest.mark.slow] * (path.name in SLOW))
            for path in HIVES for reader in READERS
            if path.name not in NOT_WRITTEN and (path.name, reader) not in CANNOT]


@pytest.mark.parametrize(("name", "reader"), CANNOT)
def test_a_reader_that_cannot_read_the_original_cannot_be_asked(name: str, reader: str) -> None:
    """When one of these passes, the reader has learnt it, and belongs into the comparison below."""
    try:
        with pytest.raises((ValueError, struct.error)):
            READERS[reader](SHARED / "delta" / name)
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("path", "reader"), cases())
def test_a_reader_finds_in_ours_what_it_finds_in_the_original(path: Path, reader: str, tmp_path: Path) -> None:
    hive = read(path.read_bytes())
    ours = tmp_path / "ours"
    ours.write_bytes(write(hive.root, layered=hive.layered))
    try:
        original = READERS[reader](path)
    except Unavailable as error:
        pytest.skip(str(error))
    assert READERS[reader](ours) == original
    if reader in AGREE_WITH_US:
        assert found_by_us(hive) == original


@pytest.mark.parametrize("name", NOT_WRITTEN)
def test_what_is_not_written_anew_is_refused_with_its_reason(name: str) -> None:
    with pytest.raises(InputError) as caught:
        write(read((SHARED / "strict" / name).read_bytes()).root)
    assert isinstance(caught.value, FormatError) == (name != "DuplicateSubkeysHive")


@pytest.mark.parametrize("name", ["BadListHive", "BadSubkeyHive", "EffectiveSizeHive", "GarbageHive", "TruncatedHive",
                                  "TruncatedNameHive"])
def test_what_can_be_read_of_damaged_hives_is_written_and_read_by_all(name: str, tmp_path: Path) -> None:
    hive = read((SHARED / "strict" / name).read_bytes(), forgiving=True)
    ours = tmp_path / "ours"
    ours.write_bytes(write(hive.root))
    mine = found_by_us(hive)
    for reader in AGREE_WITH_US:
        try:
            assert READERS[reader](ours) == mine, reader
        except Unavailable as error:
            pytest.skip(str(error))
