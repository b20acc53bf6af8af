# SPDX-License-Identifier: Apache-2.0
"""Facts of a host: versions as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.windows.facts.host import HostFacts, WindowsVersion

NUMBERS = st.integers(0, 99999)


@given(NUMBERS, NUMBERS, NUMBERS, st.none() | st.integers(0, 999_999_999))
def test_a_version_prints_as_it_is_read(major: int, minor: int, build: int, revision: int | None) -> None:
    version = WindowsVersion(major, minor, build, revision)
    assert WindowsVersion.parse(str(version)) == version
    assert str(version).startswith(version.short)


def test_a_revision_that_is_not_said_is_not_zero() -> None:
    assert WindowsVersion.parse("10.0.20348").revision is None
    assert WindowsVersion.parse("10.0.20348.0").revision == 0
    assert WindowsVersion.parse(" 10.0.20348.2527\n") == WindowsVersion(10, 0, 20348, 2527)


@pytest.mark.parametrize("text", ["", "10", "10.0", "10.0.", "10.0.x", "10.0.20348.", "10.0.20348.1.2", "10.0.200000",
                                  "-1.0.1", "10.0.\N{FULLWIDTH DIGIT TWO}0348", "10.0.20348.1234567890", "ltsc2022"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        WindowsVersion.parse(text)
    assert str(caught.value) == f"cannot read {text!r} as a Windows version: expected like 10.0.20348.2527"


def test_a_long_text_that_is_no_version_is_cut_in_the_message() -> None:
    with pytest.raises(FormatError) as caught:
        WindowsVersion.parse("1" * 61)
    assert caught.value.what == f"cannot read {'1' * 60!r} as a Windows version"


def test_nothing_is_known_of_a_host_until_somebody_says_it() -> None:
    nobody = HostFacts()
    assert (nobody.version, nobody.core, nobody.hyperv, nobody.containers, nobody.engine) == (None,) * 5
    assert (nobody.product, nobody.architecture, nobody.os) == ("", "", "windows")
