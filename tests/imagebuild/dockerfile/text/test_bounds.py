# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles and ignore files that ask for more than they may: one error that names the line and the bound."""

from __future__ import annotations

from contextlib import suppress

import pytest
from support.patterns import within

from imagebuild.builder import BuildRequest
from imagebuild.builder.plan.plan import Plan
from imagebuild.builder.plan.planner import make_plan
from imagebuild.dockerfile import expand, parse
from imagebuild.dockerfile.ignore import Ignore
from imagebuild.dockerfile.patterns.shell import remove_suffix, replace
from imagebuild.dockerfile.text import bounds
from imagebuild.errors import DockerfileError, FormatError

BASE = "FROM scratch\n"
SECONDS = 30.0  # of processor time: a guard against hanging
DOUBLING = "ARG A=" + "x" * 64 + "\n" + "".join(
    f"ARG {name}=" + f"${before}" * 16 + "\n" for before, name in zip("ABCDEFGHI", "BCDEFGHIJ", strict=True))


def plan(text: str) -> Plan:
    made = make_plan(parse(text.encode()), BuildRequest(), {})
    assert isinstance(made, Plan)
    return made


@pytest.mark.parametrize(("text", "line", "why"), [
    (BASE + DOUBLING, 5, "at most 32,767"),
    (DOUBLING + "FROM $J\n", 4, "at most 32,767"),
    (BASE + DOUBLING.replace("ARG", "ENV"), 5, "at most 32,767"),
    (BASE + "ARG A=" + "x" * 32_000 + "\nLABEL b=" + "$A" * 40 + "\n", 3, "longer than 1,048,576"),
    (BASE + "ARG A=" + "x" * 32_000 + "\nLABEL b=\"" + "$A" * 40 + "\"\n", 3, "longer than 1,048,576"),
    (BASE + "ARG A=" + "x" * 32_000 + "\nCOPY " + "$A " * 400_000 + "C:\\\\\n", 3, "at most 1,048,576"),
    (BASE + "ARG A=" + "x" * 32_000 + "\n" + ("LABEL b=" + "$A" * 30 + "\n") * 9, 7, "at most 4,194,304"),
    (BASE + "".join(f"ARG A{number}=" + "x" * 32_000 + "\n" for number in range(60))
     + "".join(f"ARG B{number}=$A1\n" for number in range(200)), 133, "at most 4,194,304"),
    (BASE + "ENV " + " ".join(f"a{number}=b" for number in range(60_000)) + "\n", 2, "at most 4,096"),
    (BASE + "".join(f"LABEL a{number}=b\n" for number in range(4_098)), 4_098, "at most 4,096"),
    (BASE + "ENV a=b\n" * 20_001, 20_001, "at most 20,000"),
    (BASE * 401, 401, "at most 400"),
    (BASE + "ARG A=" + "a" * 30_000 + "\nLABEL b=${A//" + "*a" * 500 + "b/x}\n", 3, "more than 1,000,000 steps"),
    (BASE + "LABEL a=" + "${x:-" * 65 + "}" * 65 + "\n", 2, "more than 64 substitutions"),
    (BASE + "EXPOSE 1-65535\n" * 20, 8, "at most 4,194,304"),
])
def test_what_asks_for_too_much_is_refused_at_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(DockerfileError) as failed:
        within(SECONDS, lambda: plan(text))
    assert failed.value.line == line
    assert why in str(failed.value)
    assert len(str(failed.value)) < 500


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(DockerfileError, match="a Dockerfile has at most 2,097,152"):
        parse(b"#" * (bounds.FILE + 1))


def test_each_stage_may_stand_on_the_one_before_and_each_variable_may_be_as_long_as_windows_has_it() -> None:
    text = BASE.replace("\n", " AS s0\n") + "".join(f"FROM s{number} AS s{number + 1}\n" for number in range(399))
    assert len(plan(text).stages) == 400
    assert plan(BASE + "ENV a=" + "x" * bounds.VARIABLE + "\n")
    many = " ".join(f"a{number}=b" for number in range(bounds.VARIABLES))
    assert len(plan(BASE + f"ENV {many}\n").stages[0].run.env) == bounds.VARIABLES


@pytest.mark.slow
def test_two_hundred_kilobytes_of_any_one_character_are_read_or_refused() -> None:
    for char in "\\`$\"'{}[],:=#<>-/ \t\r\n.*x0A\0\ud7ff":
        for start in ("", "RUN ", "ENV a=", "LABEL ", "COPY ", "CMD [", "FROM ", "# escape=", "ONBUILD ", "COPY <<",
                      "RUN --mount=", "ARG a=${", "HEALTHCHECK ", "EXPOSE "):
            text = (BASE + start).encode() + (char * 200_000).encode("utf-8")

            def read(text: bytes = text) -> None:
                with suppress(DockerfileError):
                    make_plan(parse(text), BuildRequest(), {})

            within(SECONDS, read)


def test_ignore_files_have_bounds_and_many_stars_cost_length_times_length() -> None:
    with pytest.raises(FormatError, match="at most 10,000"):
        Ignore.parse(b"a\n" * 10_001)
    with pytest.raises(FormatError, match="at most 2,097,152"):
        Ignore.parse(b"#" * (bounds.FILE + 1))
    ignore = Ignore.parse(b"**/a*/**/a*/**/a*/**/*a*a*a*a*a*b\n" + b"*a" * 12 + b"b\n")
    path = "a/" * 100 + "a" * 1000
    within(SECONDS, lambda: ignore.verdict(path))
    assert not ignore.verdict(path).excluded
    assert ignore.verdict(path + "b").excluded
    assert ignore.verdict("a" * 40 + "b").excluded


@pytest.mark.parametrize("pattern", ["a*b", "**/b", "a/**/b/**/c", "**b", "*/*/*c", "a/**", "?a[b-d]*", "**/*.tx?"])
def test_long_and_short_paths_are_matched_alike(pattern: str) -> None:
    from imagebuild.dockerfile.patterns import paths as path_pattern

    paths = ["a", "b", "ab", "a/b", "a/x/b/c", "a/b/c", "xab", "x/y/c", "a/", "ac", "xacz", "d/e/f.txt",
             "f.txt", "a/b/x/c"]
    quick = [Ignore.parse(pattern.encode()).verdict(path).excluded for path in paths]
    before, path_pattern._QUICK = path_pattern._QUICK, -1
    try:
        assert [Ignore.parse(pattern.encode()).verdict(path).excluded for path in paths] == quick
    finally:
        path_pattern._QUICK = before


def test_a_word_and_a_pattern_have_bounds_by_themselves() -> None:
    with pytest.raises(FormatError, match="longer than 1,048,576"):
        expand("$a" * 600_000, {"a": "xy"}.get)
    with pytest.raises(FormatError, match="1,000,000 steps"):
        within(SECONDS, lambda: replace("a" * 30_000, "*a*a*a*b", "", every=True))
    with pytest.raises(FormatError, match="1,000,000 steps"):
        within(SECONDS, lambda: remove_suffix("a" * 1_000_000, "b" + "*a" * 200, longest=True))
