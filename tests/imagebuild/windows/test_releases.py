# SPDX-License-Identifier: Apache-2.0
"""Releases by build, tag and version."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from imagebuild.errors import FormatError
from imagebuild.windows import releases


def test_builds_rise_and_are_unique() -> None:
    builds = [known.build for known in releases.RELEASES]
    assert builds == sorted(set(builds))
    assert builds == [10240, 10586, 14393, 15063, 16299, 17134, 17763, 18362, 18363, 19041, 19042, 19043, 19044, 19045,
                      20348, 22000, 22621, 22631, 25398, 26100, 26200, 26300, 28000]
    tags = [tag for known in releases.RELEASES for tag in known.tags]
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


def test_the_table_has_the_form_that_its_schema_says() -> None:
    folder = Path(releases.__file__).parent
    schema = json.loads((folder / "releases.schema.json").read_bytes())
    document = json.loads((folder / "releases.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(document)
    for wrong in ({"build": "20348"}, {"channel": "LTS"}, {"support": [{"what": "x", "until": "soon", "source": "y"}]},
                  {"sources": []}, {"surprise": 1}):
        broken = document | {"releases": [document["releases"][0] | wrong]}
        assert not Draft202012Validator(schema, format_checker=FormatChecker()).is_valid(broken), wrong


def test_the_table_is_the_same_when_it_is_read_again() -> None:
    """And can be a key: nothing in it is a list."""
    day, known = releases._load()
    assert (day, known) == (releases.UPDATED, releases.RELEASES)
    assert len(set(known)) == len(known)


def test_the_table_is_not_stale() -> None:
    age = datetime.now(UTC).date() - releases.UPDATED
    assert age < timedelta(days=400), (
        f"releases.json was last compared with its sources on {releases.UPDATED}: look at each source for new builds, "
        "tags and dates, then set \"updated\" to today")


@pytest.mark.parametrize(("build", "core"), [(18363, 18362), (19045, 19041), (22631, 22621), (26200, 26100),
                                             (20348, 20348)])
def test_releases_by_enablement_package_share_a_core(build: int, core: int) -> None:
    found = releases.release(build)
    assert found is not None
    assert found.core == core
    assert releases.release(core) is not None


def test_one_build_has_the_name_of_its_product() -> None:
    found = releases.release(17763)
    assert found is not None
    assert found.name == found.name_of("server") == found.name_of("") == "Windows Server 2019"
    assert found.name_of("client") == "Windows 10, version 1809"
    client = releases.release(26200)
    assert client is not None
    assert client.name == client.name_of("server") == "Windows 11, version 25H2"


def test_dates_of_support_have_their_source_and_sources_may_disagree() -> None:
    found = releases.release(14393)
    assert found is not None
    assert [(item.until.isoformat(), item.source.partition(" ")[0]) for item in found.support
            if item.what == "extended"] == [
        ("2027-01-11", "MicrosoftDocs/Virtualization-Documentation"), ("2027-01-12", "endoflife-date/endoflife.date")]


def test_every_row_is_right_about_itself() -> None:
    for known in releases.RELEASES:
        assert known.server or known.client
        assert (known.channel == "client") == (not known.server)
        assert known.core <= known.build
        assert known.sources
