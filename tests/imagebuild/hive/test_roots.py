# SPDX-License-Identifier: Apache-2.0
"""The roots of the registry by their long and short names."""

from __future__ import annotations

import pytest

from imagebuild.hive.roots import ROOTS, long_path


@pytest.mark.parametrize(("short", "long"), ROOTS.items())
def test_each_short_root_in_any_case_is_its_long_name(short: str, long: str) -> None:
    assert long_path(short) == long_path(short.lower()) == long_path(long.title()) == long
    assert long_path(f"{short}\\Software\\ЖЖ") == f"{long}\\Software\\ЖЖ"


def test_the_casing_below_the_root_is_kept() -> None:
    assert long_path("hklm\\SoftWare\\x") == "HKEY_LOCAL_MACHINE\\SoftWare\\x"


@pytest.mark.parametrize("path", ["HKLM\\a\\b\\", "HKLM\\a\\\\b", "HKLM\\\\a\\b", "HKLM\\a\\b\\\\"])
def test_backslashes_that_hold_no_name_between_them_do_not_count(path: str) -> None:
    assert long_path(path) == "HKEY_LOCAL_MACHINE\\a\\b"


def test_a_root_with_a_backslash_behind_it_is_the_root() -> None:
    assert long_path("HKU\\") == long_path("HKU") == "HKEY_USERS"


@pytest.mark.parametrize("path", ["", "\\", "\\HKLM", "Software\\x", "HKLMX\\a", " HKLM\\a", "HKEY_DYN_DATA"])
def test_what_begins_with_no_root_has_no_long_path(path: str) -> None:
    assert long_path(path) is None
