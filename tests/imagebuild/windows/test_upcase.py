# SPDX-License-Identifier: Apache-2.0
"""Case is what NTFS says it is."""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.windows import upcase


def test_the_table_is_that_of_a_fresh_ntfs_volume(tmp_path: Path) -> None:
    mkntfs = shutil.which("mkntfs", path="/usr/sbin:/sbin:/usr/bin:/bin")
    ntfscat = shutil.which("ntfscat", path="/usr/bin:/bin:/usr/sbin:/sbin")
    if not mkntfs or not ntfscat:
        pytest.skip("mkntfs and ntfscat come with the Debian package ntfs-3g, which is not installed")
    volume = tmp_path / "volume"
    with volume.open("wb") as stream:
        stream.truncate(4 << 20)
    subprocess.run([mkntfs, "-F", "-Q", "-q", volume], check=True, capture_output=True)
    read = subprocess.run([ntfscat, "-i", "10", volume], check=True, capture_output=True).stdout
    table = struct.unpack("<65536H", read)
    assert {unit: (upcase.UPCASE[unit], table[unit]) for unit in range(0x10000)
            if upcase.UPCASE[unit] != table[unit]} == {}


def test_the_table_holds_even_where_no_ntfs_tools_are() -> None:
    """SHA-256 of the 131,072 bytes of $UpCase (little-endian), computed from a volume of ntfs-3g 2022.10.3."""
    assert hashlib.sha256(struct.pack("<65536H", *upcase.UPCASE)).hexdigest() == \
        "41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742"


@pytest.mark.parametrize(("name", "folded"), [
    ("Windows", "WINDOWS"), ("stra\u00dfe", "STRA\u00dfE"), ("\u00c4rger", "\u00c4RGER"), ("\u00b5", "\u00b5"),
    ("\u0131i", "\u0131I"), ("\u017f", "\u017f"), ("\u00ff", "\u0178"), ("\u0436", "\u0416"), ("\u03c2", "\u03c2"),
    ("\u10d0", "\u10d0"), ("\uab70", "\uab70"), ("\u01c6\u01c5", "\u01c4\u01c5"), ("\U00010428", "\U00010428"),
    ("\ufb01", "\ufb01"), ("\ud801", "\ud801"), ("", ""), ("\uff41", "\uff21"), ("\u0250", "\u2c6f"),
])
def test_single_characters_fold_as_windows_folds_them(name: str, folded: str) -> None:
    assert upcase.fold(name) == folded


@given(st.text(st.characters(exclude_categories=())))
def test_folding_goes_by_code_unit_and_is_done_once(name: str) -> None:
    units = struct.iter_unpack("<H", name.encode("utf-16-le", "surrogatepass"))
    by_unit = b"".join(struct.pack("<H", upcase.UPCASE[unit]) for unit, in units)
    folded = upcase.fold(name)
    assert folded.encode("utf-16-le", "surrogatepass") == by_unit
    assert upcase.fold(folded) == folded


@given(st.text(st.characters(max_codepoint=127)))
def test_the_fast_path_for_ascii_folds_alike(name: str) -> None:
    assert upcase.fold(name) == "".join(chr(upcase.UPCASE[ord(char)]) for char in name)


def test_names_sort_by_code_unit_so_that_emoji_come_before_full_width_letters() -> None:
    names = ["\uff21", "\U0001f600", "b", "A", "_"]
    assert sorted(names, key=upcase.sort_key) == ["A", "b", "_", "\U0001f600", "\uff21"]


def test_other_names_are_not_made_up() -> None:
    with pytest.raises(AttributeError):
        upcase.DOWNCASE  # noqa: B018


def test_the_runs_are_read_into_that_table() -> None:
    """What is done once when the module is loaded, done again."""
    changes = upcase._changes()
    assert all(unit != upper for unit, upper in changes.items())
    table = struct.pack("<65536H", *(changes.get(unit, unit) for unit in range(0x10000)))
    assert hashlib.sha256(table).hexdigest() == "41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742"


def test_the_module_has_no_other_name_that_is_made_on_demand() -> None:
    with pytest.raises(AttributeError) as caught:
        upcase.__getattr__("DOWNCASE")
    assert str(caught.value) == "module 'imagebuild.windows.upcase' has no attribute 'DOWNCASE'"


def test_names_sort_by_code_unit_even_half_a_pair() -> None:
    assert upcase.sort_key("a\ud800") == b"\0A\xd8\0"
    assert upcase.sort_key("\U00010000") < upcase.sort_key("\uffff")
