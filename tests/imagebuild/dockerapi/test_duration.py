# SPDX-License-Identifier: Apache-2.0
"""Durations and moments as Go writes them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import duration
from imagebuild.dockerapi.duration import SECOND
from imagebuild.errors import FormatError

MOMENTS = st.integers(-62135596800 * SECOND, 253402300799 * SECOND)


@given(st.integers(-(1 << 63) + 1, (1 << 63) - 1))
def test_a_duration_is_read_as_it_was_written(value: int) -> None:
    assert duration.parse_duration(duration.duration_text(value)) == value


@given(MOMENTS, st.booleans())
def test_a_moment_is_read_as_it_was_written(value: int, fixed: bool) -> None:
    text = duration.moment_text(value, fixed=fixed)
    assert duration.parse_moment(text) == value
    assert not fixed or len(text) == 30


@given(st.text(max_size=30) | st.text(alphabet="0123456789.-+:TZhms", max_size=30))
def test_any_text_is_a_time_or_a_format_error(text: str) -> None:
    for parse in (duration.parse_duration, duration.parse_moment):
        with contextlib.suppress(FormatError):
            assert isinstance(parse(text), int)


@pytest.mark.parametrize(("text", "value"), [
    ("10m", 600 * SECOND), ("1h2m3.5s", 3723 * SECOND + SECOND // 2), ("-1.5h", -5400 * SECOND), ("0", 0),
    ("+5s", 5 * SECOND), ("300ms", 300_000_000), ("1µs", 1000), ("1us", 1000), (".5s", SECOND // 2), ("2ns", 2),
    ("1.s", SECOND)])
def test_durations_are_gos(text: str, value: int) -> None:
    assert duration.parse_duration(text) == value


@pytest.mark.parametrize("text", ["", "5", "s", ".s", "1d", "1h ", "-", "1e3s", "9999999999h", "1h-2m", "x" * 300])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="invalid duration"):
        duration.parse_duration(text)


@pytest.mark.parametrize(("value", "text"), [
    (0, "0s"), (SECOND, "1s"), (1_500_000, "1.5ms"), (90 * SECOND, "1m30s"), (3600 * SECOND, "1h0m0s"), (-5, "-5ns")])
def test_durations_are_written_as_go_prints_them(value: int, text: str) -> None:
    assert duration.duration_text(value) == text


@pytest.mark.parametrize(("text", "value"), [
    ("2006-01-02T15:04:05Z", 1136214245 * SECOND), ("2006-01-02T15:04:05.000000001Z", 1136214245 * SECOND + 1),
    ("2006-01-02T15:04:05+07:00", (1136214245 - 7 * 3600) * SECOND), ("2006-01-02T15:04", 1136214240 * SECOND),
    ("2006-01-02", 1136160000 * SECOND), ("2006-01-02T15-07:00", (1136214000 + 7 * 3600) * SECOND),
    ("1136073600.5", 1136073600 * SECOND + SECOND // 2), ("1136073600.000000001", 1136073600 * SECOND + 1), ("0", 0),
    ("10m", 400 * SECOND)])
def test_moments_may_be_typed_in_dockers_ways(text: str, value: int) -> None:
    assert duration.parse_moment(text, now=1000 * SECOND) == value


@pytest.mark.parametrize("text", ["2006-13-02", "2006-01-02T25:00", "yesterday", "", "2006-01-02 15:04", "1.2.3"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        duration.parse_moment(text)


def test_what_never_happened_is_the_zero_time() -> None:
    assert duration.moment_text(-62135596800 * SECOND) == duration.NEVER


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"), (119, "About a minute"),
    (120, "2 minutes"), (3600, "About an hour"), (5399, "About an hour"), (5400, "2 hours"), (47 * 3600, "47 hours"),
    (48 * 3600, "2 days"), (14 * 86400, "2 weeks"), (60 * 86400, "2 months"), (730 * 86400, "2 years")])
def test_how_long_ago_is_said_as_docker_says_it(seconds: int, text: str) -> None:
    assert duration.ago(seconds * SECOND) == text
