# SPDX-License-Identifier: Apache-2.0
"""dockerd's two comparisons."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.pairs import os_versions

from imagebuild.compat.rules.dockerd import above, cache_matches, refuses
from imagebuild.oci.descriptor import Platform
from imagebuild.windows.facts.host import WindowsVersion

HOST = WindowsVersion(10, 0, 20348, 1)


@given(os_versions, st.integers(0, 99999))
def test_any_os_version_is_above_or_not(os_version: str, build: int) -> None:
    assert above(os_version, build) in (True, False)
    assert bool(refuses(WindowsVersion(10, 0, build), os_version)) is above(os_version, build)


def test_only_the_third_number_counts_and_only_upwards() -> None:
    assert refuses(HOST, "10.0.20349.1") == ("a Windows version 10.0.20349-based image is incompatible with a "
                                             "10.0.20348 host")
    assert refuses(HOST, "99.9.20348.9999") == ""
    assert refuses(HOST, "10.0.1.1") == ""
    assert refuses(HOST, "10.0.+20349") != ""
    for text in ("", "10.0", "10.0.x", "10.0.", "10.0.2 0349", "10.0.2_0349", "10.0.\N{FULLWIDTH DIGIT NINE}9999"):
        assert refuses(HOST, text) == ""


def test_the_cache_compares_processors_and_on_windows_two_numbers() -> None:
    def platform(system: str, version: str, architecture: str = "amd64") -> Platform:
        return Platform(system, architecture, version)

    assert cache_matches(platform("windows", "10.0.1"), platform("windows", "10.0.2"))
    assert not cache_matches(platform("windows", "10.0.1"), platform("windows", "10.1.1"))
    assert not cache_matches(platform("windows", "10.0.1"), platform("windows", "10.0.1", "arm64"))
    assert cache_matches(platform("linux", "5"), platform("linux", "6"))
    assert not cache_matches(platform("linux", ""), platform("windows", ""))
