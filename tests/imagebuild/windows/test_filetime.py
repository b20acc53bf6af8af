# SPDX-License-Identifier: Apache-2.0
"""Times go in and out of layers without losing a tick."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.windows import filetime

ANY = st.integers(-(10**19), 10**19)
ON_DISK = st.integers(0, filetime.MAX)


def test_the_epochs_are_the_moments_they_are_named_after() -> None:
    assert filetime.to_iso(filetime.UNIX_EPOCH) == "1970-01-01T00:00:00Z"
    assert filetime.to_iso(filetime.DOS_EPOCH) == "1980-01-01T00:00:00Z"
    assert filetime.to_iso(0) == "1601-01-01T00:00:00Z"
    assert filetime.to_iso(filetime.MAX) == "30828-09-14T02:48:05.4775807Z"


def test_the_moment_go_gives_to_files_without_atime_is_read_as_1754() -> None:
    """The value that importers store when a layer lacks atime and ctime records."""
    assert filetime.to_iso(48491090211286548) == "1754-08-30T22:43:41.1286548Z"


@pytest.mark.parametrize(("ticks", "text"), [
    (0, "0"), (1, "0.0000001"), (10_000_000, "1"), (15_000_000, "1.5"), (-1, "-0.0000001"), (-5_000_000, "-0.5"),
    (-10_000_000, "-1"), (-15_000_000, "-1.5"), (100_000_000, "10"), (43_200_000_000_000_000, "4320000000"),
])
def test_a_pax_time_has_no_needless_digit(ticks: int, text: str) -> None:
    assert filetime.to_pax(filetime.UNIX_EPOCH + ticks) == text
    assert filetime.from_pax(text) == filetime.UNIX_EPOCH + ticks


@pytest.mark.parametrize(("text", "ticks"), [
    ("1.123456789", 11_234_567), ("-1.123456789", -11_234_568), ("-1.1234567000", -11_234_567), ("1.50", 15_000_000),
    (".5", 5_000_000), ("-0", 0), ("0000001", 10_000_000), ("-0.00000001", -1), ("0.00000001", 0),
])
def test_digits_finer_than_a_tick_round_down(text: str, ticks: int) -> None:
    assert filetime.from_pax(text) == filetime.UNIX_EPOCH + ticks


@pytest.mark.parametrize("text", ["", "-", ".", "1.", "-.", "+1", "1e5", " 1", "1 ", "0x1", "1.2.3", "--1", "1,5",
"\u0661",
                                  "1.-5", "nan", "9" * 21, "1." + "0" * 101, "1_0"])
def test_anything_else_is_no_pax_time(text: str) -> None:
    with pytest.raises(FormatError, match="as a time"):
        filetime.from_pax(text)


def test_a_unix_time_between_two_ticks_becomes_the_earlier_one() -> None:
    assert filetime.from_unix_ns(199) == filetime.UNIX_EPOCH + 1
    assert filetime.from_unix_ns(-1) == filetime.UNIX_EPOCH - 1
    assert filetime.to_unix_ns(filetime.UNIX_EPOCH + 1) == 100


@given(ANY)
def test_pax_and_unix_times_round_trip(ticks: int) -> None:
    assert filetime.from_pax(filetime.to_pax(ticks)) == ticks
    assert filetime.from_unix_ns(filetime.to_unix_ns(ticks)) == ticks


@given(ON_DISK)
def test_iso_times_round_trip(ticks: int) -> None:
    assert filetime.from_iso(filetime.to_iso(ticks)) == ticks


@given(st.datetimes(datetime.datetime(1601, 1, 1)))
def test_iso_agrees_with_datetime(moment: datetime.datetime) -> None:
    ticks = (moment - datetime.datetime(1601, 1, 1)) // datetime.timedelta(microseconds=1) * 10
    assert filetime.from_iso(moment.isoformat() + "Z") == ticks
    assert filetime.to_iso(ticks)[:19] == moment.isoformat()[:19]


@pytest.mark.parametrize("year", [1601, 1604, 1700, 1701, 1800, 1900, 2000, 2001, 2004, 2100, 2400, 2401, 9999])
def test_the_ends_of_years_and_centuries_follow_on_each_other(year: int) -> None:
    first = filetime.from_iso(f"{year}-01-01")
    assert filetime.to_iso(first) == f"{year}-01-01T00:00:00Z"
    assert filetime.to_iso(first - 1) == f"{year - 1}-12-31T23:59:59.9999999Z"
    assert filetime.to_iso(filetime.from_iso(f"{year}-03-01") - 1)[5:10] in ("02-28", "02-29")


@given(ANY)
def test_every_filetime_has_an_iso_form(ticks: int) -> None:
    assert filetime.to_iso(ticks).endswith("Z")


@pytest.mark.parametrize(("text", "same"), [
    ("2024-02-29", "2024-02-29T00:00:00Z"), ("2024-05-01T12:00Z", "2024-05-01T12:00:00Z"),
    ("2024-05-01T12:00:00+02:00", "2024-05-01T10:00:00Z"), ("2024-05-01T23:30:00-01:30", "2024-05-02T01:00:00Z"),
    ("2024-05-01t12:00:00.5z", "2024-05-01T12:00:00.5Z"), ("2024-05-01T00:00:00.12345678Z",
    "2024-05-01T00:00:00.1234567Z"),
])
def test_iso_moments_are_understood(text: str, same: str) -> None:
    assert filetime.to_iso(filetime.from_iso(text)) == same


@pytest.mark.parametrize("text", [
    "", "2024", "2024-13-01", "2023-02-29", "2100-02-29", "2024-05-00", "2024-05-32", "1600-12-31", "30829-01-01",
    "2024-05-01T12:00:00", "2024-05-01T24:00:00Z", "2024-05-01T12:60:00Z", "2024-05-01T12:00:60Z", "2024-5-01",
    "2024-05-01T12Z", "2024-05-01T12:00:00+2:00", "2024-05-01T12:00:00+24:00", "2024-05-01T12:00:00.Z",
    "\u0662\u0660\u0662\u0664-05-01",
    "2024-05-01T12:00.5Z", "30828-09-15", "1601-01-01T00:00:00+01:00", "2024-05-01T1:00Z", "2024-05-01T12:00:00.xZ",
    "2024-05-01T12:00:00+0a:00",
])
def test_anything_else_is_no_moment(text: str) -> None:
    with pytest.raises(FormatError, match="as a moment"):
        filetime.from_iso(text)


def test_a_moment_without_a_zone_is_told_why() -> None:
    with pytest.raises(FormatError, match="has no zone"):
        filetime.from_iso("2024-05-01T12:00:00")


NO_TIME = "a PAX time is decimal seconds, like 1700000000.5"
NO_MOMENT = "expected like 2024-05-01T12:00:00Z, years 1601 to 30828"
NO_ZONE = "it has no zone; write Z or an offset such as +02:00"


@pytest.mark.parametrize(("text", "shown", "why"), [
    ("tomorrow", "tomorrow", NO_MOMENT), ("2024-05-01T12:00", "2024-05-01T12:00", NO_ZONE),
    ("x" * 60, "x" * 60, NO_MOMENT), ("x" * 61, "x" * 57 + "...", NO_MOMENT),
])
def test_a_refused_moment_is_named_and_a_long_one_is_cut(text: str, shown: str, why: str) -> None:
    with pytest.raises(FormatError) as caught:
        filetime.from_iso(text)
    assert str(caught.value) == f"cannot read {shown!r} as a moment: {why}"


def test_a_refused_pax_time_is_named() -> None:
    with pytest.raises(FormatError) as caught:
        filetime.from_pax("1,5")
    assert str(caught.value) == f"cannot read '1,5' as a time: {NO_TIME}"


@pytest.mark.parametrize(("text", "same"), [
    ("2024-05-01T23:59:59+23:59", "2024-05-01T00:00:59Z"), ("2024-05-01T00:00:00-23:59", "2024-05-01T23:59:00Z"),
    ("2024-05-01T00:00:00." + "1" * 100 + "Z", "2024-05-01T00:00:00.1111111Z"), ("2024-12-31", "2024-12-31T00:00:00Z"),
])
def test_the_outermost_moments_are_still_understood(text: str, same: str) -> None:
    assert filetime.to_iso(filetime.from_iso(text)) == same


@pytest.mark.parametrize("text", [
    "2024-05-01T00:00:00+02:60", "2024-05-01T00:00:00." + "1" * 101 + "Z", "2024-12-32", "020240-01-01",
    "2024-05-01T00:00X02:00",
])
def test_what_is_just_beyond_them_is_not(text: str) -> None:
    with pytest.raises(FormatError, match="as a moment"):
        filetime.from_iso(text)


def test_the_longest_pax_times_are_still_understood() -> None:
    assert filetime.from_pax("0" * 19 + "1." + "0" * 100) == filetime.UNIX_EPOCH + filetime.TICKS_PER_SECOND


def test_years_before_the_first_have_a_sign() -> None:
    first = -584_754 * 86_400 * filetime.TICKS_PER_SECOND  # 0000-01-01: four cycles and the leap year 1600 before 1601
    assert filetime.to_iso(first) == "0000-01-01T00:00:00Z"
    assert filetime.to_iso(first - 1) == "-0001-12-31T23:59:59.9999999Z"
