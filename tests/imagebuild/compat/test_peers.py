# SPDX-License-Identifier: Apache-2.0
"""What other tools take from an index."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.compat_vectors import vectors

from imagebuild.compat import gitlab, peers, platforms
from imagebuild.errors import FormatError, UsageError, WcowError
from imagebuild.oci import Platform

WINDOWS = Platform("windows", "amd64")
IN_NAMES = {"go-containerregistry": "crane", "skopeo/containers-image": "skopeo"}

entries = st.lists(st.none() | st.builds(
    Platform, st.sampled_from(["windows", "linux", "unknown"]), st.sampled_from(["amd64", "arm64", "arm", "386"]),
    st.sampled_from(["", "10.0.17763.1", "10.0.20348.5", "10.0.20348", "x"]),
    st.lists(st.sampled_from(["win32k", "f"]), max_size=2).map(tuple), st.sampled_from(["", "v7", "v8"])), max_size=6)
wishes = st.builds(Platform, st.sampled_from(["windows", "linux", ""]), st.sampled_from(["amd64", "arm64", "arm", ""]),
                   st.sampled_from(["", "10.0.17763", "10.0.20348.5", "."]), st.just(()) | st.just(("f",)),
                   st.sampled_from(["", "v7", "v9"]))


def index(*texts: str) -> list[Platform | None]:
    return [platforms.parse(text) if text else None for text in texts]


def expected(row: dict[str, Any]) -> bool:
    """Whether the tool does what a collected row says."""
    name = IN_NAMES.get(row["tool"], row["tool"])
    if name == "gitlab-runner":
        if "picks" not in row:
            return gitlab.version(row["kernel_version"]) == row["version"]
        helper = gitlab.helper(row["kernel_version"], row["architecture"])
        return helper is not None and f"{helper.architecture} {helper.base}" == row["picks"].partition(" (")[0]
    if "spec" in row:
        picked = peers.pick(name, [Platform(**row["candidate"])], peers.read(name, row["spec"]))
        return (picked == 0) == row["match"]
    if "index" in row:
        listed = index(*row["index"])
        place = peers.pick(name, listed, platforms.parse(row["requested"]))
        return place is not None and f"({row['expected']})" in row["index"][place]
    if "base_os_version" in row:
        base = Platform("windows", "amd64", row["base_os_version"])
        return peers.built_on(platforms.parse(row["requested"]), base).os_version == row["expected_image_os_version"]
    if "match" in row:
        required, offered = (Platform("windows", "amd64", row.get(f"{side}_os_version", ""),
                                      tuple(row.get(f"{side}_os_features", ()))) for side in ("required", "given"))
        return (peers.pick(name, [offered], required) == 0) == row["match"]
    assert "os.version and os.features ignored" in row["note"]
    return ignores_version_and_features(name)


def ignores_version_and_features(name: str) -> bool:
    listed = index("windows(10.0.17763+f)/amd64", "windows(10.0.20348)/amd64")
    return all(peers.pick(name, listed, platforms.parse(text)) == 0
               for text in ("windows/amd64", "windows(10.0.20348)/amd64", "windows(+win32k)/amd64"))


def test_every_collected_row_comes_out_as_the_tool_has_it() -> None:
    rows = vectors("peers")
    assert {IN_NAMES.get(row["tool"], row["tool"]) for row in rows} == {*peers.TOOLS, "gitlab-runner"}
    assert not [row for row in rows if not expected(row)]


@given(st.sampled_from(list(peers.TOOLS)), entries, wishes)
def test_what_is_picked_is_the_first_of_what_is_taken(name: str, listed: list[Platform | None], wish: Platform) -> None:
    places = peers.taken(name, listed, wish)
    assert len(set(places)) == len(places)
    assert set(places) <= set(range(len(listed)))
    assert peers.pick(name, listed, wish) == (places[0] if places else None)


@given(st.sampled_from(list(peers.TOOLS)), entries, wishes, entries)
def test_what_does_not_match_changes_nothing(name: str, listed: list[Platform | None], wish: Platform,
                                             more: list[Platform | None]) -> None:
    """No tool looks at an entry that does not match, so those may stand anywhere."""
    others = [entry for entry in more if not peers.taken(name, [entry], wish)]
    assert peers.taken(name, [*listed, *others], wish) == peers.taken(name, listed, wish)
    assert peers.taken(name, [*others, *listed], wish) == tuple(
        place + len(others) for place in peers.taken(name, listed, wish))


@given(st.sampled_from(list(peers.TOOLS)), st.text() | st.text("windos/amd64:.()10", max_size=30))
def test_reading_any_platform_gives_one_or_an_error_of_ours(name: str, text: str) -> None:
    try:
        assert isinstance(peers.read(name, text), Platform)
    except WcowError as error:
        assert error.exit_code == 2


def test_one_index_four_tools() -> None:
    listed = index("linux/amd64", "windows(10.0.17763.5)/amd64", "windows(10.0.20348.7)/amd64",
                   "windows(10.0.20348.9)/amd64")
    assert {name: peers.taken(name, listed, WINDOWS) for name in peers.TOOLS} == {
        "crane": (1, 2, 3), "ko": (1, 2, 3), "skopeo": (1, 2, 3), "buildkit": (1, 2, 3)}
    short = Platform("windows", "amd64", "10.0.20348")
    assert {name: peers.pick(name, listed, short) for name in peers.TOOLS} == {
        "crane": None, "ko": 2, "skopeo": 1, "buildkit": 2}
    exact = Platform("windows", "amd64", "10.0.20348.9")
    assert {name: peers.pick(name, listed, exact) for name in peers.TOOLS} == {
        "crane": 3, "ko": 3, "skopeo": 1, "buildkit": 2}


def test_buildkit_takes_the_first_that_an_engine_on_that_version_would() -> None:
    listed = index("windows(10.0.20348.7)/amd64", "windows(10.0.26100.1)/amd64")
    wish = Platform("windows", "amd64", "10.0.26100.1")
    assert peers.pick("buildkit", listed, wish) == 1
    assert peers.pick("buildkit", listed, wish, accepts=lambda asked, offered: True) == 0
    assert peers.pick("crane", listed, wish, accepts=lambda asked, offered: True) == 1


def test_buildkit_prefers_the_machine_then_features_then_the_order() -> None:
    listed = index("", "windows/386", "windows(10.0.1)/amd64", "windows(10.0.1+win32k)/amd64", "windows/amd64")
    assert peers.taken("buildkit", listed, WINDOWS) == (3, 2, 4, 1, 0)


@pytest.mark.parametrize(("wish", "places"), [
    ("linux/arm", (0, 3, 2, 1, 4)), ("linux/arm/v7", (2, 1, 0, 4)), ("linux/arm/v6", (1, 0, 4)),
    ("linux/arm/v9", (0, 4)),
    ("linux/amd64", (5, 4)), ("linux/amd64/v3", (6, 5, 4)), ("linux/arm64", (4,)),
])
def test_skopeo_goes_down_the_variants_and_takes_what_has_no_platform_last(wish: str, places: tuple[int, ...]) -> None:
    listed = [Platform("linux", "arm"), *index("linux/arm/v6", "linux/arm/v7", "linux/arm/v8", "", "linux/amd64",
                                               "linux/amd64/v3")]
    assert peers.taken("skopeo", listed, platforms.parse(wish)) == places


def test_crane_takes_what_has_no_platform_for_linux() -> None:
    assert peers.pick("crane", [None], Platform("linux", "amd64")) == 0
    assert peers.pick("crane", [None], WINDOWS) is None
    assert peers.pick("crane", [WINDOWS], Platform("windows")) is None


def test_ko_leaves_attestations_and_what_has_no_platform_out_and_else_takes_all() -> None:
    listed = [None, Platform("unknown", "unknown"), Platform("windows", "unknown"), WINDOWS, Platform("linux", "arm64")]
    assert peers.taken("ko", listed, peers.read("ko", "all")) == (3, 4)
    assert peers.taken("ko", listed, peers.read("ko", "linux")) == (4,)
    assert peers.tool("ko").takes_all
    assert not any(peers.tool(name).takes_all for name in peers.TOOLS if name != "ko")


@pytest.mark.parametrize(("asked", "offered", "taken"), [
    ("10.0.1", "10.0.1.2", True), ("10.0.1", "10.0.1", True), ("10.0", "10.0.1", False), ("10.0.1", "10.0.12.3", False),
    ("10.0.1", "10.0.1.2.3", False), ("10.0.1.2", "10.0.1.3", False), ("", "10.0.1", True), ("10.0.1", "", False),
])
def test_ko_takes_every_revision_of_a_windows_version_of_three_numbers(asked: str, offered: str, taken: bool) -> None:
    assert peers.ko_matches(Platform("windows", "", asked), Platform("windows", "amd64", offered)) is taken
    assert peers.ko_matches(Platform("", "", asked), Platform("windows", "amd64", offered)) is (asked in ("", offered))


def test_crane_and_ko_write_the_version_behind_a_colon() -> None:
    assert peers.read("crane", " windows/amd64:10.0.1 ") == Platform("windows", "amd64", "10.0.1")
    assert peers.read("ko", "linux/arm/v7") == Platform("linux", "arm", variant="v7")
    assert peers.read("crane", "windows/X86_64:10:0") == Platform("windows", "X86_64")
    assert peers.read("buildkit", "windows(10.0.1)/x86_64") == Platform("windows", "amd64", "10.0.1")
    with pytest.raises(FormatError) as caught:
        peers.read("crane", "a/b/c/d")
    assert str(caught.value) == "cannot read 'a/b/c/d' as a platform: it has too many slashes"
    with pytest.raises(UsageError):
        peers.read("crane", "all")


def test_there_is_no_other_tool() -> None:
    with pytest.raises(UsageError) as caught:
        peers.pick("helm", [], WINDOWS)
    assert caught.value.hint == "there are crane, ko, skopeo, buildkit"


@pytest.mark.parametrize(("wish", "base", "image"), [
    ("windows/amd64", "windows(10.0.1.2+win32k)/amd64", "windows(10.0.1.2+win32k)/amd64"),
    ("windows(10.0.3)/amd64", "windows(10.0.1.2)/amd64", "windows(10.0.3)/amd64"),
    ("windows/arm64", "windows(10.0.1.2)/amd64", "windows/arm64"), ("linux/arm/v6", "linux/arm/v5", "linux/arm/v6"),
    ("linux/amd64", "linux/amd64/v3", "linux/amd64/v3"), ("linux/arm64", "linux/arm/v5", "linux/arm64"),
    ("windows(+f)/amd64", "windows(+win32k)/amd64", "windows(+f)/amd64"),
])
def test_an_image_inherits_what_was_not_asked_for(wish: str, base: str, image: str) -> None:
    assert platforms.format(peers.built_on(platforms.parse(wish), platforms.parse(base))) == image
    assert peers.built_on(None, platforms.parse(base)) == platforms.normalize(platforms.parse(base))
