# SPDX-License-Identifier: Apache-2.0
"""The helper image of a GitLab runner."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.compat import gitlab
from imagebuild.windows.releases import RELEASES, find_release


@given(st.text() | st.text("10. 26(", max_size=20), st.text())
def test_any_text_is_on_the_list_or_not(kernel: str, architecture: str) -> None:
    found = gitlab.helper(kernel, architecture)
    assert (found is None) == (gitlab.version(kernel) is None)
    if found:
        assert found.architecture in found.tag("r") and found.architecture in found.prebuilt


def test_a_helper_image_is_never_newer_than_the_host() -> None:
    for build, version in gitlab.BUILDS.items():
        base = find_release(gitlab.LTSC[version])
        assert base is not None
        assert base.version == version
        assert base.build <= int(build.rpartition(".")[2])


def test_builds_that_the_runner_lacks_are_known_by_us() -> None:
    lacking = [known.build for known in RELEASES if known.build >= 17763
               and gitlab.version(f"10.0.{known.build}") is None]
    assert lacking == [18362, 18363, 19041, 19042, 25398, 26300, 28000]


@pytest.mark.parametrize(("kernel", "version"), [
    ("10.0 20348 (20348.1.amd64fre.fe_release.210507-1500)", "21H2"), ("10.0.20348.2527", "21H2"),
    ("10..0 . 20348", "21H2"),
    ("10.0", None), ("", None), ("10.0.2034", None), ("20348", None), ("10.0\t20348", None),
])
def test_dots_and_spaces_part_the_numbers(kernel: str, version: str | None) -> None:
    assert gitlab.version(kernel) == version


def test_arm64_has_an_image_from_2025_on_and_takes_the_other_one_before() -> None:
    new = gitlab.helper("10.0.26100", "aarch64")
    old = gitlab.helper("10.0.20348", "arm64")
    assert new is not None and old is not None
    assert new.tag("v18.0.0") == "arm64-v18.0.0-servercore24H2"
    assert new.prebuilt == "prebuilt-windows-servercore-ltsc2025-arm64"
    assert old.tag("v18.0.0") == "x86_64-v18.0.0-servercore21H2"
    assert gitlab.helper("10.0.26100", "s390x") == gitlab.helper("10.0.26100")
