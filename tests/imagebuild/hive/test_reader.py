# SPDX-License-Identifier: Apache-2.0
"""Values looked up in hives: ours, Windows' own, and broken ones."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from struct import pack_into, unpack_from

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.hive import REG_BINARY, REG_SZ, Hive, Key, Value, freeze, read, walk, write
from imagebuild.hive.layout import checksum

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[4] / "shared"))
REAL = SHARED / "hives" / "real" / "SYSTEM_WIN_10_1709"
HOSTILE = sorted((SHARED / "hives" / "hostile").glob("**/*"))
OTHERS = sorted(path for room in ("strict", "synthetic", "delta") for path in (SHARED / "hives" / room).glob("**/*"))

SYSTEM = write(Key("ROOT", subkeys=(
    Key("Select", (Value.dword("Current", 2),)),
    Key("ControlSet002", subkeys=(Key("Control", (Value.sz("Name", "found"),)),)),
)))
BIG = write(Key("ROOT", (Value("big", REG_BINARY, b"x" * 40000),),
                    tuple(Key(f"k{number}") for number in range(600))))


def tree_of(data: bytes, **more: str) -> Key:
    return freeze(read(data, **more).root)  # type: ignore[arg-type]


def count(hive: Hive) -> tuple[int, int, int]:
    """Keys, values, and bytes of data."""
    keys = values = size = 0
    for _, key in hive.walk():
        keys += 1
        for value in key.values:
            values += 1
            size += len(value.data)
    return keys, values, size


def test_a_value_is_found_in_any_casing() -> None:
    hive = read(SYSTEM)
    assert hive["controlset002\\CONTROL"].values["NAME"] == Value.sz("Name", "found")
    assert hive["ControlSet002\\Control"].values.get("Other") is None
    assert hive.get("ControlSet002\\Nowhere") is None
    assert "controlset002" in hive and "nowhere" not in hive
    with pytest.raises(KeyError, match="Nowhere"):
        hive["Nowhere"]
    with pytest.raises(KeyError, match="Nothing"):
        hive["Select"].values["Nothing"]


def test_keys_are_gone_through_like_a_mapping() -> None:
    hive = read(SYSTEM)
    assert [key.name for key in hive] == ["ControlSet002", "Select"]
    assert [path for path, _ in hive.walk()] == ["", "ControlSet002", "ControlSet002\\Control", "Select"]
    assert [path for path, _ in walk(hive["ControlSet002"], "HKLM")] == ["HKLM", "HKLM\\Control"]
    found = hive["ControlSet002\\Control"].values
    assert (found["name"].type, found["name"].text(), "NAME" in found, "x" in found) == (REG_SZ, "found", True, False)


def test_a_key_below_an_index_of_leaves_is_found() -> None:
    hive = read(BIG)
    assert [hive[name].name for name in ("k0", "K599")] == ["k0", "k599"]
    assert len(hive.root.values["big"].data) == 40000


def test_a_key_whose_hash_lies_is_found_by_its_name() -> None:
    data = bytearray(write(Key("ROOT", subkeys=(Key("a"), Key("b")))))
    listed = 4096 + unpack_from("<I", data, 4096 + 0x20 + 4 + 28)[0]
    data[listed + 12 : listed + 16], data[listed + 20 : listed + 24] = (
        data[listed + 20 : listed + 24], data[listed + 12 : listed + 16])
    assert [read(bytes(data))[name].name for name in ("a", "b")] == ["a", "b"]


@pytest.mark.parametrize("data", [b"", b"regf", b"MZ" + bytes(5000), SYSTEM[:4096], SYSTEM[:4600]])
def test_what_is_no_whole_hive_is_refused_with_its_offset(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        tree_of(data, source="SYSTEM")
    assert caught.value.offset is not None and caught.value.source == "SYSTEM"


def test_a_wrong_checksum_is_refused() -> None:
    with pytest.raises(FormatError, match="checksum"):
        read(SYSTEM[:100] + b"!" + SYSTEM[101:])


def test_a_key_that_lies_below_itself_is_refused() -> None:
    data = bytearray(write(Key("ROOT", subkeys=(Key("a"),))))
    listed = 4096 + unpack_from("<I", data, 4096 + 0x20 + 4 + 28)[0]
    pack_into("<I", data, listed + 8, 0x20)
    with pytest.raises(FormatError, match="below itself"):
        tree_of(bytes(data))


def test_a_key_that_is_listed_twice_is_refused() -> None:
    data = bytearray(write(Key("ROOT", subkeys=(Key("a"), Key("b")))))
    listed = 4096 + unpack_from("<I", data, 4096 + 0x20 + 4 + 28)[0]
    data[listed + 16 : listed + 20] = data[listed + 8 : listed + 12]
    with pytest.raises(FormatError, match="same subkey twice"):
        tree_of(bytes(data))


def test_a_tombstone_counts_only_in_a_layered_hive() -> None:
    for layered in (True, False):
        data = bytearray(write(Key("ROOT", (Value.sz("gone", "x"), Value.sz("there", "y"))), layered=layered))
        data[data.index(b"vk") + 16] |= 2
        assert [value.deleted for value in read(bytes(data)).root.values] == [layered, False]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([SYSTEM, BIG]), st.lists(st.tuples(st.integers(0, 2**16), st.sampled_from(
    [b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\0", b"\x20\0\0\0", b"ri", b"db"])), min_size=1, max_size=3))
def test_damage_ends_in_a_format_error_and_nothing_else(data: bytes, damage: list[tuple[int, bytes]]) -> None:
    broken = bytearray(data)
    for at, patch in damage:
        at = 36 + at % (len(data) - 40) if at % 2 else 4096 + at % 1200
        broken[at : at + len(patch)] = patch
    pack_into("<I", broken, 508, checksum(broken))
    try:
        tree_of(bytes(broken))
    except FormatError as error:
        assert error.offset is not None
    with contextlib.suppress(FormatError):  # where there is no root
        hive = read(bytes(broken), forgiving=True)
        count(hive)
        assert all(error.offset is not None for error in hive.damage)


@pytest.mark.skipif(not HOSTILE, reason=f"no hostile hives in {SHARED}/hives/hostile")
@pytest.mark.parametrize("path", HOSTILE or [Path("none")], ids=lambda path: path.name)
def test_hostile_hives_end_in_a_tree_or_a_format_error(path: Path) -> None:
    if path.is_file() and path.stat().st_size < 2_000_000:
        with contextlib.suppress(FormatError):
            tree_of(path.read_bytes())


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is missing")
@pytest.mark.skipif(not shutil.which("hivexget"), reason="hivexget is missing (Debian package libhivex-bin)")
@pytest.mark.parametrize(("path", "name"), [
    ("ControlSet001\\Control\\Session Manager\\Environment", "Path"),
    ("ControlSet001\\Control\\Session Manager\\Environment", "PATHEXT"),
    ("ControlSet001\\Control\\ComputerName\\ComputerName", "ComputerName"),
    ("ControlSet001\\Services\\Tcpip\\Parameters", "DataBasePath"),
    ("Select", "Current"),
])
def test_the_reader_finds_what_hivex_finds(path: str, name: str) -> None:
    theirs = subprocess.run(["hivexget", REAL, path, name], capture_output=True, check=True).stdout.decode().strip()
    found = read(REAL.read_bytes(), forgiving=True)[path].values[name]
    assert theirs == (found.text() if found.type != 4 else str(int.from_bytes(found.data, "little")))


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is missing")
def test_the_real_hive_read_whole_has_the_known_numbers() -> None:
    assert count(read(REAL.read_bytes())) == (43211, 90307, 5175840)
