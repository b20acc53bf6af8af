# SPDX-License-Identifier: Apache-2.0
"""Platforms as text, and who matches whom, as containerd has it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.compat_vectors import vectors

from imagebuild.compat import platforms
from imagebuild.errors import FormatError
from imagebuild.oci import Platform

MATCHERS = {"Only": platforms.only, "OnlyStrict": platforms.only_strict, "OnlyOS": platforms.only_os}

names = st.text("abcxyz019-_", min_size=1, max_size=8)
options = st.text("019.abX-_%+()/", min_size=1, max_size=12)
machines = st.sampled_from([("amd64", ""), ("amd64", "v2"), ("amd64", "v3"), ("386", ""), ("arm", ""), ("arm", "v5"),
                            ("arm", "v7"), ("arm64", ""), ("arm64", "v8"), ("arm64", "v9"), ("arm64", "v8.2"),
                            ("riscv64", "")]) | st.tuples(names.map("m".__add__), names | st.just(""))
any_platforms = st.builds(
    Platform, st.sampled_from(["windows", "linux", "Windows", "macos", ""]) | st.text(max_size=4),
    st.sampled_from(["amd64", "x86_64", "386", "arm", "aarch64", "armhf", ""]) | st.text(max_size=4),
    st.sampled_from(["", "10.0.17763", "10.0.20348.1", "x"]) | st.text(max_size=9),
    st.lists(st.sampled_from(["win32k", "a", "b", ""]), max_size=3).map(tuple),
    st.sampled_from(["", "v2", "v7", "v8", "8", "v9.2", "v99999999999999999999", "v999999999"]) | st.text(max_size=4))


@st.composite
def whole(draw: st.DrawFn) -> Platform:
    """A platform that has its text: normalised, with an architecture."""
    architecture, variant = draw(machines)
    return Platform(draw(st.sampled_from(["windows", "linux", "darwin"]) | names.map("o".__add__)), architecture,
                    draw(st.just("") | options), tuple(sorted(draw(st.sets(options, max_size=3)))), variant)


def matched(matcher: str, requested: str, candidate: str) -> bool:
    return MATCHERS[matcher](platforms.parse(requested), platforms.parse(candidate))


@given(whole())
@example(Platform("windows", "amd64", "10.0.17763+build.42", ("a(b)", "win32k")))
@example(Platform("windows", "amd64", "%2B"))
def test_what_is_written_is_read_back(platform: Platform) -> None:
    assert platforms.parse(platforms.format(platform)) == platform


@given(st.text() | st.text("windows/amd64()+%.10", max_size=30))
def test_reading_any_text_gives_a_platform_or_a_format_error(text: str) -> None:
    try:
        found = platforms.parse(text)
    except FormatError as error:
        assert len(error.what) < 300
    else:
        assert found.os and found.architecture
        assert platforms.only_strict(found, found)


@given(any_platforms, any_platforms)
def test_matchers_take_any_platforms_and_agree_with_each_other(one: Platform, other: Platform) -> None:
    rank = platforms.rank(one, other)
    assert platforms.only(one, other) == (rank is not None)
    assert platforms.only_strict(one, other) <= (rank == 0 or rank is None)
    if rank is not None:
        assert (platforms.normalize(other).architecture, platforms.normalize(other).variant) == \
            platforms.machines_of(one)[rank]
    assert platforms.format(one)


@given(any_platforms)
def test_a_platform_is_itself_however_it_is_spelt(platform: Platform) -> None:
    assert platforms.normalize(platforms.normalize(platform)) == platforms.normalize(platform)
    assert platforms.only_strict(platform, platforms.normalize(platform))
    assert platforms.only_os(platform, platform)


def test_every_collected_text_is_read_and_written_as_containerd_does() -> None:
    wrong = []
    for row in vectors("platform-strings"):
        if "format" in row:
            fields = row["format"]
            platform = Platform(**fields | {"os_features": tuple(fields["os_features"])})
            if platforms.format(platform) != row["formatted"]:
                wrong.append(row)
            continue
        try:
            platform = platforms.parse(row["parse"], "m68k")
        except FormatError:
            wrong += [] if row.get("error") else [row]
            continue
        if row.get("error") or (platform.os, platform.os_version, list(platform.os_features)) != \
                (row["os"], row["os_version"], row["os_features"]) or \
                platforms.format(platform) != row["formatted"].replace("<arch>", "m68k"):
            wrong.append(row)
    assert not wrong


def test_every_collected_pair_matches_as_in_containerd() -> None:
    assert not [row for row in vectors("platform-match")
                if matched(row["matcher"], row["requested"], row["candidate"]) != row["match"]]


@pytest.mark.parametrize(("text", "shown"), [
    ("windows", "windows/amd64"), ("amd64", "windows/amd64"), ("X86_64", "windows/amd64"), ("x86-64", "windows/amd64"),
    ("i386", "windows/386"), ("windows/aarch64", "windows/arm64"), ("windows/armhf", "windows/arm"),
    ("windows/arm/v7", "windows/arm/v7"), ("windows/arm/7", "windows/arm/v7"), ("armel", "windows/arm/v6"),
    ("windows/arm64/8", "windows/arm64/v8"), ("windows/arm64/9.0", "windows/arm64/v9"),
    ("windows/amd64/v1", "windows/amd64"), ("macOS/arm64", "darwin/arm64"),
    ("WINDOWS(10.0.1)/AMD64", "windows(10.0.1)/amd64"),
    ("windows(+b+a+b)/amd64", "windows(+a+b)/amd64"), ("windows(%41%2f)/amd64", "windows(A%2F)/amd64"),
    ("windows(10.0.1)", "windows(10.0.1)/amd64"), ("plan10/m68k", "plan10/m68k"),
])
def test_names_become_those_that_go_has(text: str, shown: str) -> None:
    assert platforms.format(platforms.parse(text)) == shown


def test_what_is_missing_is_what_the_caller_says() -> None:
    assert platforms.parse("linux", "arm64") == Platform("linux", "arm64")
    assert platforms.parse("arm64", default_os="linux") == Platform("linux", "arm64")


@pytest.mark.parametrize(("text", "why"), [
    ("*", "wildcards have no meaning here"), ("windows/*", "wildcards have no meaning here"),
    ("", "'' is no OS with a version in parentheses"),
    ("windows(10.0", "'windows(10.0' is no OS with a version in parentheses"),
    ("windows(a b)/amd64", "'windows(a b)' is no OS with a version in parentheses"),
    ("windows\n", "'windows\\n' is no OS with a version in parentheses"),
    ("windows/", "'' is no architecture and no variant"),
    ("windows/amd64\n", "'amd64\\n' is no architecture and no variant"),
    ("windows/arm/v7/x", "a variant is the last that can follow"),
    ("windows/a/b/c/d", "a variant is the last that can follow"),
    ("m68k", "there is no such OS and no such architecture"),
    ("amd64(10.0)", "there is no such OS and no such architecture"),
    ("windows(%4)/amd64", "'%4' has a % that is no escape"),
    ("windows(1+%zz)/amd64", "'%zz' has a % that is no escape"),
    ("windows(%ff)/amd64", "'%ff' is no text once it is unescaped"),
])
def test_everything_else_is_refused_with_the_part_that_is_wrong(text: str, why: str) -> None:
    with pytest.raises(FormatError) as caught:
        platforms.parse(text)
    assert caught.value.why == why
    assert repr(text) in caught.value.what


def test_a_platform_without_an_os_is_unknown() -> None:
    assert platforms.format(Platform("", "amd64")) == "unknown"
    assert platforms.format(Platform("windows", "amd64", "", ("", ""))) == "windows/amd64"


@pytest.mark.parametrize(("requested", "yes", "no"), [
    ("linux/amd64", "linux/amd64 linux/386 linux/amd64/v1", "linux/amd64/v2 linux/arm64 linux/arm"),
    ("linux/amd64/v3", "linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386", "linux/amd64/v4"),
    ("linux/386", "linux/386", "linux/amd64"),
    ("linux/arm/v8", "linux/arm/v8 linux/arm linux/arm/v7 linux/arm/v6 linux/arm/v5", "linux/arm64 linux/arm/v4"),
    ("linux/arm", "linux/arm linux/arm/v6 linux/arm/v5", "linux/arm/v8"),
    ("linux/arm/v6", "linux/armel linux/arm/v5", "linux/arm"),
    ("linux/arm/v5", "linux/arm/v5", "linux/arm/v4 linux/arm"),
    ("linux/arm64", "linux/arm64 linux/arm64/v8 linux/arm/v8 linux/arm linux/arm/v5",
     "linux/arm64/v8.1 linux/arm64/v9"),
    ("linux/arm64/v8.5", "linux/arm64/v8.5 linux/arm64/v8.1 linux/arm64 linux/arm", "linux/arm64/v8.6 linux/arm64/v9"),
    ("linux/arm64/v9", "linux/arm64/v9 linux/arm64/v9.0 linux/arm64/v8.5 linux/arm64 linux/arm/v8",
     "linux/arm64/v9.1 linux/arm64/v8.6"),
    ("linux/arm64/v9.6", "linux/arm64/v9.6 linux/arm64/v9 linux/arm64/v8.9", "linux/arm64/v9.7"),
    ("linux/arm64/v10", "", "linux/arm64/v10 linux/arm64 linux/arm"),
    ("linux/riscv64", "linux/riscv64", "linux/amd64"),
])
def test_a_machine_also_runs_what_its_lesser_ones_run(requested: str, yes: str, no: str) -> None:
    assert {text: matched("Only", requested, text) for text in f"{yes} {no}".split()} == \
        {text: text in yes.split() for text in f"{yes} {no}".split()}


def test_the_nearest_machine_has_the_lowest_rank() -> None:
    asked = platforms.parse("windows/arm64")
    ranks = [platforms.rank(asked, platforms.parse(f"windows/{text}"))
             for text in ("arm64", "arm/v8", "arm/v7", "arm/v5", "amd64")]
    assert ranks == [0, 1, 2, 4, None]


def test_a_level_that_no_machine_has_is_cut_so_that_it_takes_no_time() -> None:
    asked = Platform("windows", "amd64", variant="v999999999")
    assert platforms.rank(asked, Platform("windows", "amd64", variant="v98")) == 1
    assert platforms.rank(asked, Platform("windows", "386")) == 99
    assert not platforms.only(asked, Platform("windows", "amd64", variant="v99"))


def test_features_must_be_among_those_asked_for_but_for_win32k() -> None:
    asked = platforms.parse("windows(+a+b)/amd64")
    taken = ["windows/amd64", "windows(+a)/amd64", "windows(+b+a)/amd64", "windows(+win32k)/amd64",
             "windows(+b+win32k)/amd64"]
    assert [text for text in [*taken, "windows(+c)/amd64", "windows(+a+b+c)/amd64"]
            if platforms.only(asked, platforms.parse(text))] == taken
    assert not platforms.only_os(asked, platforms.parse("windows(+win32k)/amd64"))
    assert not platforms.only(platforms.parse("linux/amd64"), platforms.parse("linux(+win32k)/amd64"))


@pytest.mark.parametrize(("asked", "offered", "same"), [
    ("10.0.17763", "10.0.17763.1", True), ("10.0.17763.5", "10.0.17763", True), ("10.0.17763", "10.0.17764", False),
    ("10.0.17763", "10.1.17763", False), ("10.0.17763", "11.0.17763", False), ("", "10.0.1", True),
    ("10.0.1", "", True),
    ("x", "10.0.1", True), ("10.0", "10.0.1", True), ("10.0.1", "10.0", False), ("10.0.1", "x", False),
    ("10.0.65536", "10.0.1", True), ("10.0.65535", "10.0.65536", False), ("256.0.1", "10.0.1", True),
    ("010.0.0017763", "10.0.17763", True),
    ("010.0.0017763", "10.0.17764", False), ("10.0.-1", "10.0.1", True), ("10.0.1_0", "10.0.5", True),
    ("10.0.\u0661", "10.0.5", True), ("10.0." + "9" * 9999, "10.0.5", True),
])
def test_versions_are_compared_by_build_and_nonsense_asks_for_nothing(asked: str, offered: str, same: bool) -> None:
    assert platforms.same_build(asked, offered) is same


def test_the_callers_rule_is_asked_about_windows_versions_only() -> None:
    seen = []

    def accepts(requested: str, candidate: str) -> bool:
        seen.append((requested, candidate))
        return candidate == "yes"

    for matcher in MATCHERS.values():
        assert matcher(Platform("windows", "amd64", "x"), Platform("windows", "amd64", "yes"), accepts=accepts)
        assert not matcher(Platform("windows", "amd64", "x"), Platform("windows", "amd64", ""), accepts=accepts)
        assert matcher(Platform("linux", "amd64", "5"), Platform("linux", "amd64", "6"), accepts=accepts)
    assert seen == [("x", "yes"), ("x", "")] * 3
