# SPDX-License-Identifier: Apache-2.0
"""The base image that a host runs."""

from __future__ import annotations

import pytest

from imagebuild.containers import base_reference


@pytest.mark.parametrize(("build", "tag"), [(17763, "ltsc2019"), (20348, "ltsc2022"), (26100, "ltsc2025"),
                                            (22631, "ltsc2022"), (99999, "ltsc2025"), (0, "ltsc2022"), (1, "ltsc2022")])
def test_a_host_gets_the_base_of_its_build_or_the_newest_before_it(build: int, tag: str) -> None:
    assert base_reference("nanoserver", build) == f"mcr.microsoft.com/windows/nanoserver:{tag}"
