# SPDX-License-Identifier: Apache-2.0
"""Small values that stand in instructions: platforms, ports, durations, sizes, booleans, octal modes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from ..errors import FormatError, quoted

_PART = re.compile(r"[A-Za-z0-9_.-]+\Z")
_OS = re.compile(r"([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.-]*)((?:\+[A-Za-z0-9_.-]+)*)\))?\Z")
_SYSTEMS = frozenset(("aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "js", "linux", "macos",
                      "nacl", "netbsd", "openbsd", "plan9", "solaris", "windows", "zos"))
_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "armhf": "arm",
                  "armel": "arm"}
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_DURATION = re.compile(r"([0-9]*)(\.[0-9]*)?([^0-9.]+)")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+) ?(b|[kmgtp](?:i?b)?)?\Z", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,5}\Z")


@dataclass(frozen=True, slots=True)
class TargetPlatform:
    """``windows(10.0.20348.1)/amd64/v2``; what was not written is empty (``containerd/platforms`` ``Parse``)."""

    os: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    architecture: str = ""
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> TargetPlatform:
        """Read it; one part alone is an operating system when it is a known one, else an architecture."""
        parts = text.split("/")
        system = _OS.match(parts[0])
        if len(parts) > 3 or system is None or not all(_PART.match(part) for part in parts[1:]):
            raise FormatError(f"{quoted(text)} is not a platform",
                              why="the form is os[(version)][/architecture[/variant]]",
                              hint="for example windows/amd64 or windows(10.0.20348.1)/amd64")
        name = system[1].lower()
        if len(parts) == 1 and name not in _SYSTEMS and not system[2]:
            return cls(architecture=_ARCHITECTURES.get(name, name))
        architecture = parts[1].lower() if len(parts) > 1 else ""
        return cls(os="darwin" if name == "macos" else name, os_version=system[2] or "",
                   os_features=tuple(sorted((system[3] or "").split("+")[1:])),
                   architecture=_ARCHITECTURES.get(architecture, architecture),
                   variant=parts[2].lower() if len(parts) > 2 else "")


def exposed_ports(words: Iterable[str]) -> tuple[str, ...]:
    """Expanded EXPOSE words → ``("80/tcp", "81/tcp")`` in order, ranges written out, each once.

    ``[ip:][host:]port[-port][/tcp|udp|sctp]``; a host part is checked and dropped, as BuildKit does.
    """
    ports: dict[str, None] = {}
    for word in words:
        parts = word.split(":")
        if len(parts) > 2:
            _check_address(":".join(parts[:-2]), word)
        numbers, _unused, protocol = parts[-1].partition("/")
        protocol = (protocol or "tcp").lower()
        if protocol not in ("tcp", "udp", "sctp"):
            raise _bad_port(word, f"{quoted(protocol)} is not tcp, udp or sctp")
        first, last = _port_range(numbers, word)
        if len(parts) > 1 and parts[-2]:
            host = _port_range(parts[-2], word)
            if last - first != host[1] - host[0] and first != last:
                raise _bad_port(word, "the two ranges differ in length")
        ports.update(dict.fromkeys(f"{number}/{protocol}" for number in range(first, last + 1)))
    return tuple(ports)


def _check_address(text: str, word: str) -> None:
    import ipaddress

    try:
        if text:
            ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise _bad_port(word, f"{quoted(text)} is not an IP address") from None


def _port_range(text: str, word: str) -> tuple[int, int]:
    start, dash, end = text.partition("-")
    numbers = [int(part) if _NUMBER.match(part) else 65536 for part in ((start, end) if dash else (start, start))]
    if max(numbers) > 65535:
        raise _bad_port(word, "a port is a number from 0 to 65535")
    if numbers[0] > numbers[1]:
        raise _bad_port(word, "the range runs backwards")
    return numbers[0], numbers[1]


def _bad_port(word: str, why: str) -> FormatError:
    return FormatError(f"{quoted(word)} is not a port", why=why, hint="for example 80, 80/udp or 8000-8010/tcp")


def duration(text: str) -> int:
    """``1m30s`` → nanoseconds, as Go's ``time.ParseDuration``."""
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if body == "0":
        return 0
    total, pos = Fraction(0), 0
    while match := _DURATION.match(body, pos):
        if match[3] not in _UNITS or not (match[1] or len(match[2] or "") > 1) or len(match[0]) > 40:
            break
        number = (match[1] or "0") + (match[2].ljust(2, "0") if match[2] else "")
        total += Fraction(number) * _UNITS[match[3]]
        pos = match.end()
    if not body or pos != len(body) or total >= 2**63:
        raise FormatError(f"{quoted(text)} is not a duration", why="the units are ns, us, ms, s, m and h",
                          hint="for example 30s or 1m30s")
    return sign * int(total)


def size(text: str) -> int:
    """``64m`` → bytes; k, m, g, t and p are powers of 1024 (docker ``go-units`` ``RAMInBytes``)."""
    match = _SIZE.match(text)
    if match is None or len(match[1]) > 30:
        raise FormatError(f"{quoted(text)} is not a size", why="a number and one of b, k, m, g, t",
                          hint="for example 64m")
    return int(Fraction(match[1].rstrip(".")) * 1024 ** "bkmgtp".index((match[2] or "b")[0].lower()))


def boolean(text: str) -> bool:
    """``true``, ``1``, ``F`` …, as Go's ``strconv.ParseBool``."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise FormatError(f"{quoted(text)} is neither true nor false")


def unsigned(text: str, base: int = 10) -> int:
    """A number of at most 32 bits."""
    digits = "0123456789"[:base]
    if not text or len(text) > 20 or text.strip(digits) or int(text, base) >= 2**32:
        raise FormatError(f"{quoted(text)} is not a number", why="octal digits" if base == 8 else "decimal digits")
    return int(text, base)
