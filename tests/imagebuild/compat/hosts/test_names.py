# SPDX-License-Identifier: Apache-2.0
"""Names that people give to a Windows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.compat.hosts.names import named_releases
from imagebuild.windows.releases import RELEASES


@given(st.text(max_size=40))
def test_any_text_names_some_releases_or_none(text: str) -> None:
    assert all(known in RELEASES for known, _ in named_releases(text))


@pytest.mark.parametrize("known", RELEASES, ids=lambda known: str(known.build))
def test_every_release_is_found_by_its_full_names(known: object) -> None:
    from imagebuild.windows.releases import Release

    assert isinstance(known, Release)
    for name, product in ((known.server, "server"), (known.client, "client")):
        if name:
            assert named_releases(name) == [(known, product)], name
            assert named_releases(name.upper()) == [(known, product)], name


@pytest.mark.parametrize(("text", "found"), [
    ("ltsc2022", [(20348, "server")]), ("Windows Server 2022 Datacenter", [(20348, "server")]),
    ("Server 2025", [(26100, "server")]), ("ws2019", [(17763, "server")]), ("2022", [(20348, "server")]),
    ("windows server core 2022", [(20348, "server")]), ("win11-24h2", [(26100, "client")]),
    ("Windows 10 Pro Version 2004", [(19041, "client")]), ("Win 10 22H2", [(19045, "client")]),
    ("1809", [(17763, "")]), ("24H2", [(26100, "")]), ("23H2", [(22631, "client"), (25398, "server")]),
    ("22H2", [(19045, "client"), (22621, "client")]), ("Windows 11", []), ("windows", []), ("", []),
    ("Windows Server 22H2", []), ("Windows 2022", []), ("linux", []), ("Ubuntu 2022", []),
])
def test_a_name_means_these_releases(text: str, found: list[tuple[int, str]]) -> None:
    assert [(known.build, product) for known, product in named_releases(text)] == found
