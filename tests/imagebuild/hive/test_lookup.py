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
from imagebuild.hive import REG_BINARY, REG_SZ, Key, Value, make_hive, read_tree, value_of
from imagebuild.hive.lookup import Hive
from imagebuild.hive.write import checksum

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[4] / "shared"))
REAL = SHARED / "hives" / "real" / "SYSTEM_WIN_10_1709"
HOSTILE = sorted((SHARED / "hives" / "hostile").glob("**/*"))
OTHERS = sorted(path for room in ("strict", "synthetic", "delta") for path in (SHARED / "hives" / room).glob("**/*"))

SYSTEM = make_hive(Key("ROOT", subkeys=(
    Key("Select", (Value.dword("Current", 2),)),
    Key("ControlSet002", subkeys=(Key("Control", (Value.sz("Name", "found"),)),)),
)))
BIG = make_hive(Key("ROOT", (Value("big", REG_BINARY, b"x" * 40000),),
                    tuple(Key(f"k{number}") for number in range(600))))


def test_a_value_is_found_in_any_casing() -> None:
    assert value_of(SYSTEM, "controlset002\\CONTROL", "NAME") == Value.sz("Name", "found")
    assert value_of(SYSTEM, "ControlSet002\\Control", "Other") is None
    assert value_of(SYSTEM, "ControlSet002\\Nowhere", "Name") is None


def test_current_control_set_is_the_one_that_select_names() -> None:
    found = value_of(SYSTEM, "CurrentControlSet\\Control", "Name")
    assert found is not None and (found.type, found.text()) == (REG_SZ, "found")
    assert value_of(make_hive(Key("ROOT")), "CurrentControlSet\\Control", "Name") is None


def test_a_key_below_an_index_of_leaves_is_found() -> None:
    hive = Hive(BIG)
    assert [hive.key_name(at) for name in ("k0", "K599") if (at := hive.find(name))] == ["k0", "k599"]
    assert len(value_of(BIG, "", "big").data) == 40000  # type: ignore[union-attr]


@pytest.mark.parametrize("data", [b"", b"regf", b"MZ" + bytes(5000), SYSTEM[:4096], SYSTEM[:4600]])
def test_what_is_no_whole_hive_is_refused_with_its_offset(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_tree(data, source="SYSTEM")
    assert caught.value.offset is not None and caught.value.source == "SYSTEM"


def test_a_wrong_checksum_is_refused() -> None:
    with pytest.raises(FormatError, match="checksum"):
        Hive(SYSTEM[:100] + b"!" + SYSTEM[101:])


def test_a_key_that_lies_below_itself_is_refused() -> None:
    data = bytearray(make_hive(Key("ROOT", subkeys=(Key("a"),))))
    listed = 4096 + unpack_from("<I", data, 4096 + 0x20 + 4 + 28)[0]
    pack_into("<I", data, listed + 8, 0x20)
    with pytest.raises(FormatError, match="below itself"):
        read_tree(bytes(data))


def test_a_key_that_two_lists_share_is_refused() -> None:
    data = bytearray(make_hive(Key("ROOT", subkeys=(Key("a"), Key("b")))))
    listed = 4096 + unpack_from("<I", data, 4096 + 0x20 + 4 + 28)[0]
    data[listed + 16 : listed + 20] = data[listed + 8 : listed + 12]
    with pytest.raises(FormatError, match="below itself"):
        read_tree(bytes(data))


def test_a_deleted_value_of_a_layered_hive_is_not_found() -> None:
    data = bytearray(make_hive(Key("ROOT", (Value.sz("gone", "x"), Value.sz("there", "y"))), version=(1, 6)))
    data[data.index(b"vk") + 16] |= 2
    assert value_of(bytes(data), "", "gone") is None
    assert value_of(bytes(data), "", "there") == Value.sz("there", "y")


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
        value_of(bytes(broken), "CurrentControlSet\\Control", "Name")
        read_tree(bytes(broken))
    except FormatError as error:
        assert error.offset is not None


@pytest.mark.skipif(not HOSTILE, reason=f"no hostile hives in {SHARED}/hives/hostile")
@pytest.mark.parametrize("path", HOSTILE or [Path("none")], ids=lambda path: path.name)
def test_hostile_hives_end_in_a_tree_or_a_format_error(path: Path) -> None:
    if path.is_file() and path.stat().st_size < 2_000_000:
        with contextlib.suppress(FormatError):
            read_tree(path.read_bytes())


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
    found = value_of(REAL.read_bytes(), path, name)
    assert found is not None
    assert theirs == (found.text() if found.type != 4 else str(int.from_bytes(found.data, "little")))


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is missing")
def test_the_real_hive_read_whole_has_the_known_number_of_keys() -> None:
    def count(key: Key) -> tuple[int, int]:
        below = [count(child) for child in key.subkeys]
        return 1 + sum(keys for keys, _ in below), len(key.values) + sum(values for _, values in below)

    assert count(read_tree(REAL.read_bytes())) == (43211, 90307)
