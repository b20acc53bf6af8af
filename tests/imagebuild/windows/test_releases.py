# SPDX-License-Identifier: Apache-2.0
"""Releases by build, tag and version."""

from __future__ import annotations

import pytest

from imagebuild.errors import FormatError
from imagebuild.windows import releases


def test_builds_rise_and_are_unique() -> None:
    builds = [known.build for known in releases.RELEASES]
    assert builds == sorted(set(builds))
    assert builds == [14393, 16299, 17134, 17763, 18362, 18363, 19041, 19042, 19043, 19044, 19045, 20348, 22000, 22621,
                      22631, 25398, 26100, 26200]
    tags = [known.tag for known in releases.RELEASES if known.tag]
    assert len(set(tags)) == len(tags)
    assert all(bool(known.tag) == bool(known.images) for known in releases.RELEASES)


@pytest.mark.parametrize(("build", "name", "tag"), [
    (14393, "Windows Server 2016", "ltsc2016"), (17763, "Windows Server 2019", "ltsc2019"),
    (20348, "Windows Server 2022", "ltsc2022"), (26100, "Windows Server 2025", "ltsc2025"),
    (19042, "Windows Server, version 20H2", "20H2"), (25398, "Windows Server, version 23H2", ""),
])
def test_a_release_is_found_by_its_build(build: int, name: str, tag: str) -> None:
    found = releases.release(build)
    assert found is not None
    assert (found.name, found.tag) == (name, tag)
    assert found.os_version(7) == f"10.0.{build}.7"
    assert found.os_version() == f"10.0.{build}.0"


def test_an_unknown_build_is_no_error() -> None:
    assert releases.release(99999) is None
    assert releases.find_release("10.0.99999.1") is None


@pytest.mark.parametrize(("text", "build"), [
    ("ltsc2022", 20348), ("LTSC2025", 26100), ("1809", 17763), ("20h2", 19042), ("20348", 20348), ("10.0.20348", 20348),
    ("10.0.17763.5936", 17763), (" 1607 ", 14393), ("21H2", 20348), ("24H2", 26100), ("22H2", None), ("", None),
    ("ltsc2012", None), ("26200", 26200),
])
def test_people_name_releases_in_many_ways(text: str, build: int | None) -> None:
    found = releases.find_release(text)
    assert (found.build if found else None) == build


def test_versions_are_read_as_numbers() -> None:
    assert releases.parse_os_version("10.0.20348.2527") == (10, 0, 20348, 2527)
    assert releases.parse_os_version("10.0.20348") == (10, 0, 20348, 0)


@pytest.mark.parametrize("text", ["", "10", "10.0", "10.0.x.1", "10.0.1.2.3", "10.0.-1.0", "10.0.1.", "10.0.\u0661.1",
                                  "10.0.1234567890.1", "10.0.1 .1"])
def test_anything_else_is_no_version(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        releases.parse_os_version(text)
    assert str(caught.value) == f"cannot read {text!r} as a Windows version: expected like 10.0.20348.2527"


def test_the_longest_version_is_read_and_a_longer_text_cut_in_the_message() -> None:
    assert releases.parse_os_version("10.0.999999999.1") == (10, 0, 999_999_999, 1)
    with pytest.raises(FormatError) as caught:
        releases.parse_os_version("1" * 61)
    assert caught.value.what == f"cannot read {'1' * 60!r} as a Windows version"
