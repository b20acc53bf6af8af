# SPDX-License-Identifier: Apache-2.0
"""FILETIME: how Windows counts time, and how a layer's PAX records write it down.

A FILETIME is a number of 100 ns ticks since 1601-01-01 00:00:00 UTC, leap seconds not counted ([MS-DTYP] 2.3.3).
Here it is a plain ``int`` that may be negative: a PAX record can name a moment before 1601 even though NTFS cannot
keep one. Nothing here goes through floating point, so no tick is ever lost, before 1970 and after 2107 alike.
"""

from __future__ import annotations

from ..errors import FormatError, quoted

TICKS_PER_SECOND = 10_000_000
UNIX_EPOCH = 116_444_736_000_000_000
"""1970-01-01T00:00:00Z, where Unix time and PAX records count from."""
DOS_EPOCH = 119_600_064_000_000_000
"""1980-01-01T00:00:00Z, the earliest moment zip files and FAT can name; our default when no time is known."""
MAX = 0x7FFF_FFFF_FFFF_FFFF
"""The last FILETIME that NTFS keeps: it is a signed 64 bit number on disk (year 30828)."""

_DIGITS = frozenset("0123456789")
_DAYS_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


def from_unix_ns(ns: int) -> int:
    """The FILETIME of a Unix time in nanoseconds (``os.stat_result.st_mtime_ns``), rounded down to 100 ns."""
    return ns // 100 + UNIX_EPOCH


def to_unix_ns(filetime: int) -> int:
    """The Unix time in nanoseconds of a FILETIME; exact."""
    return (filetime - UNIX_EPOCH) * 100


def to_pax(filetime: int) -> str:
    """The FILETIME as the decimal seconds of a PAX record: ``1700000000.1234567``, ``0``, ``-0.5``.

    At most seven fraction digits, no trailing zeros, no point without digits after it (POSIX pax, "extended header").
    """
    ticks = filetime - UNIX_EPOCH
    seconds, fraction = divmod(abs(ticks), TICKS_PER_SECOND)
    sign = "-" if ticks < 0 else ""
    if not fraction:
        return f"{sign}{seconds}"
    return f"{sign}{seconds}.{fraction:07d}".rstrip("0")


def from_pax(text: str) -> int:
    """The FILETIME of a PAX record's decimal seconds; digits finer than 100 ns are rounded down, towards the past.

    ``FormatError`` when it is anything but digits with at most one sign before and one point between.
    """
    negative = text.startswith("-")
    whole, point, fraction = text[negative:].partition(".")
    if not (whole or fraction) or not _DIGITS.issuperset(whole) or not _DIGITS.issuperset(fraction) \
            or (point and not fraction) or len(whole) > 20 or len(fraction) > 100:
        raise FormatError(f"cannot read {_shown(text)} as a time",
                          why="a PAX time is decimal seconds, like 1700000000.5")
    ticks = int(whole or "0") * TICKS_PER_SECOND + int(fraction[:7].ljust(7, "0"))
    if not negative:
        return ticks + UNIX_EPOCH
    finer = bool(fraction[7:].strip("0"))
    return UNIX_EPOCH - ticks - finer


def to_iso(filetime: int) -> str:
    """The FILETIME in words of ISO 8601, always UTC: ``1980-01-01T00:00:00Z``, ``2024-05-01T12:00:00.1234567Z``."""
    days, ticks = divmod(filetime, 86_400 * TICKS_PER_SECOND)
    year, month, day = _civil(days)
    seconds, fraction = divmod(ticks, TICKS_PER_SECOND)
    digits = f".{fraction:07d}".rstrip("0") if fraction else ""
    sign = "-" if year < 0 else ""
    return (f"{sign}{abs(year):04d}-{month:02d}-{day:02d}"
            f"T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{digits}Z")


def from_iso(text: str) -> int:
    """The FILETIME of an ISO 8601 moment: a date, or date and time with ``Z`` or an offset such as ``+02:00``.

    Years from 1601 to 30828, because NTFS keeps no others. A time without a zone is refused: what it means would
    depend on the machine. ``FormatError`` on anything else.
    """
    date, separator, clock = text.strip().upper().partition("T")
    parts = date.split("-")
    if len(parts) != 3 or [len(p) for p in parts[1:]] != [2, 2] or not 4 <= len(parts[0]) <= 5 \
            or not all(map(_DIGITS.issuperset, parts)):
        raise _not_iso(text)
    year, month, day = map(int, parts)
    if not (1601 <= year <= 30828 and 1 <= month <= 12 and 1 <= day <= _days_in(year, month)):
        raise _not_iso(text)
    filetime = _days(year, month, day) * 86_400 * TICKS_PER_SECOND
    if separator:
        filetime += _clock_ticks(clock, text)
    if not 0 <= filetime <= MAX:
        raise _not_iso(text)
    return filetime


def _clock_ticks(clock: str, text: str) -> int:
    """Ticks since midnight UTC of ``12:00``, ``12:00:00.5`` with its zone; may leave the day through the offset."""
    if clock.endswith("Z"):
        clock, offset = clock[:-1], 0
    elif len(clock) > 6 and clock[-6] in "+-" and clock[-3] == ":":
        hours, minutes = clock[-5:-3], clock[-2:]
        if not _DIGITS.issuperset(hours + minutes) or int(hours) > 23 or int(minutes) > 59:
            raise _not_iso(text)
        offset = (int(hours) * 60 + int(minutes)) * (-60 if clock[-6] == "-" else 60)
        clock = clock[:-6]
    else:
        raise _not_iso(text, "it has no zone; write Z or an offset such as +02:00")
    clock, point, fraction = clock.partition(".")
    parts = clock.split(":")
    if len(parts) not in (2, 3) or not all(len(p) == 2 and _DIGITS.issuperset(p) for p in parts) \
            or not _DIGITS.issuperset(fraction) or (point and (not fraction or len(parts) == 2)) or len(fraction) > 100:
        raise _not_iso(text)
    hour, minute, second = (*map(int, parts), 0)[:3]
    if hour > 23 or minute > 59 or second > 59:
        raise _not_iso(text)
    return (hour * 3600 + minute * 60 + second - offset) * TICKS_PER_SECOND + int(fraction[:7].ljust(7, "0"))


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1601-01-01, in the Gregorian calendar both ways without end."""
    cycle, day = divmod(days, 146_097)  # 1601 opens a cycle of 400 years
    century = min(day // 36_524, 3)
    day -= century * 36_524
    four, day = divmod(day, 1_461)
    single = min(day // 365, 3)
    day -= single * 365
    year = 1601 + cycle * 400 + century * 100 + four * 4 + single
    month = 12
    while _day_of_year(year, month) > day:
        month -= 1
    return year, month, day - _day_of_year(year, month) + 1


def _days(year: int, month: int, day: int) -> int:
    """Days from 1601-01-01 to a date."""
    past = year - 1601
    return past * 365 + past // 4 - past // 100 + past // 400 + _day_of_year(year, month) + day - 1


def _day_of_year(year: int, month: int) -> int:
    return _DAYS_BEFORE_MONTH[month - 1] + (1 if month > 2 and _leap(year) else 0)


def _days_in(year: int, month: int) -> int:
    return 31 if month == 12 else _day_of_year(year, month + 1) - _day_of_year(year, month)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _shown(text: str) -> str:
    return quoted(text if len(text) <= 60 else text[:57] + "...")


def _not_iso(text: str, why: str = "") -> FormatError:
    return FormatError(f"cannot read {_shown(text)} as a moment",
                       why=why or "expected like 2024-05-01T12:00:00Z, years 1601 to 30828")
