# SPDX-License-Identifier: Apache-2.0
"""Times as Go writes them: durations (``1h2m3.5s``), moments in RFC 3339 with nanoseconds, and what clients may type.

Sources: Go ``time.ParseDuration`` and ``Duration.String``; moby ``api/types/time/timestamp.go``, ``go-units`` (what
``docker ps`` says). Moments are nanoseconds since 1970, so that nothing is rounded.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ..errors import FormatError, quoted

#: Go's zero time: what has not happened.
NEVER = "0001-01-01T00:00:00Z"
SECOND = 1_000_000_000

_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND,
          "h": 3600 * SECOND}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_RFC3339 = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?)?)?"
                      r"(Z|z|[+-][0-9]{2}:[0-9]{2})?")
_SECONDS = re.compile(r"(-?[0-9]{1,18})(?:\.([0-9]{1,18}))?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX = (1 << 63) - 1


def parse_duration(text: str) -> int:
    """Nanoseconds of ``300ms``, ``-1.5h`` or ``2h45m``. FormatError for anything else, and past 292 years."""
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    total, position = 0, 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if not part or not (part[1] or part[2]):
            break
        unit = _UNITS[part[3]]
        digits = part[2] or ""
        total += int((part[1] or "0")[-30:]) * unit + int(digits[:30] or "0") * unit // 10 ** len(digits[:30])
        position = part.end()
    if not rest or position < len(rest) or total > _MAX or len(rest) > 200:
        raise FormatError(f"invalid duration {quoted(text)}", why="write it like 300ms, 1.5h or 2h45m")
    return -total if text[:1] == "-" else total


def duration_text(nanoseconds: int) -> str:
    """As Go prints a duration: ``1h0m0s``, ``1.5s``, ``300ms``, ``0s``."""
    sign, value = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if value < SECOND:
        for unit, size in (("ms", 1_000_000), ("µs", 1_000), ("ns", 1)):
            if value >= size:
                return f"{sign}{_decimal(value, size)}{unit}"
        return "0s"
    minutes, rest = divmod(value, 60 * SECOND)
    hours, minutes = divmod(minutes, 60)
    out = f"{_decimal(rest, SECOND)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{out}"
    return f"{sign}{minutes}m{out}" if minutes else sign + out


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    fraction = str(rest + unit)[1:].rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)


def moment_text(nanoseconds: int, *, fixed: bool = False) -> str:
    """A moment in UTC as RFC3339Nano: ``2024-05-01T10:00:00.5Z``.

    With ``fixed`` all nine digits are written, as in the timestamps of logs.
    """
    seconds, rest = divmod(nanoseconds, SECOND)
    when = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    digits = f"{rest:09d}" if fixed else f"{rest:09d}".rstrip("0")
    return f"{when}.{digits}Z" if digits else f"{when}Z"


def parse_moment(text: str, *, now: int = 0) -> int:
    """A moment a client typed, in nanoseconds: RFC 3339 (short forms too, without a zone in UTC), seconds since 1970
    (``1136073600.5``), or a duration before ``now`` (``10m``). FormatError for anything else."""
    seconds = _SECONDS.fullmatch(text)
    if seconds:
        whole, fraction = int(seconds[1]), (seconds[2] or "")[:9].ljust(9, "0")
        return whole * SECOND + int(fraction)
    found = _RFC3339.fullmatch(text)
    if found:
        try:
            return _moment(found)
        except (ValueError, OverflowError):
            raise FormatError(f"invalid time {quoted(text)}", why="there is no such day or hour") from None
    try:
        return now - parse_duration(text)
    except FormatError:
        raise FormatError(f"failed to parse value as time or duration: {quoted(text)}") from None


def _moment(found: re.Match[str]) -> int:
    year, month, day, hour, minute, second = (int(found[group] or 0) for group in range(1, 7))
    zone = found[8] or "Z"
    offset = timedelta()
    if zone not in "Zz":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6])) * (-1 if zone[0] == "-" else 1)
    when = datetime(year, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH - offset
    return (when.days * 86400 + when.seconds) * SECOND + int((found[7] or "")[:9].ljust(9, "0"))


def ago(nanoseconds: int) -> str:
    """A duration as ``docker ps`` says it: ``Less than a second``, ``About a minute``, ``3 weeks`` (go-units)."""
    seconds = nanoseconds // SECOND
    minutes, hours = seconds // 60, (seconds + 1800) // 3600
    if seconds < 1:
        return "Less than a second"
    if seconds == 1:
        return "1 second"
    if seconds < 60:
        return f"{seconds} seconds"
    if minutes == 1:
        return "About a minute"
    if minutes < 60:
        return f"{minutes} minutes"
    if hours == 1:
        return "About an hour"
    for limit, size, unit in ((48, 1, "hours"), (24 * 7 * 2, 24, "days"), (24 * 30 * 2, 24 * 7, "weeks"),
                              (24 * 365 * 2, 24 * 30, "months")):
        if hours < limit:
            return f"{hours // size} {unit}"
    return f"{seconds // (3600 * 24 * 365)} years"
