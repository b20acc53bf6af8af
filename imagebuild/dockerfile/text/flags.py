# SPDX-License-Identifier: Apache-2.0
"""The ``--flags`` each instruction takes, as data, and their check (BuildKit ``instructions/bflag.go``)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from ...errors import FormatError, quoted
from ..suggest import closest


class Takes(Enum):
    """What a flag takes: a value, several (it may be repeated), or true/false (nothing means true)."""

    VALUE = "value"
    VALUES = "values"
    BOOLEAN = "boolean"


_TRANSFER = {"chown": Takes.VALUE, "chmod": Takes.VALUE, "link": Takes.BOOLEAN, "exclude": Takes.VALUES}
_HEALTH = ("interval", "timeout", "start-period", "start-interval", "retries")

#: Instructions that are not named take no flag.
FLAGS: Mapping[str, Mapping[str, Takes]] = {
    "FROM": {"platform": Takes.VALUE},
    "COPY": {**_TRANSFER, "from": Takes.VALUE, "parents": Takes.BOOLEAN},
    "ADD": {**_TRANSFER, "checksum": Takes.VALUE, "keep-git-dir": Takes.BOOLEAN, "unpack": Takes.BOOLEAN},
    "RUN": {"mount": Takes.VALUES, "network": Takes.VALUE, "security": Takes.VALUE},
    "HEALTHCHECK": dict.fromkeys(_HEALTH, Takes.VALUE),
}
#: Flags that exist in BuildKit and that we refuse by name.
REFUSED = {("RUN", "device"): "devices are a BuildKit experiment and Windows builds have none"}


class Flags:
    """The flags of one instruction, checked."""

    def __init__(self, keyword: str, words: tuple[str, ...]) -> None:
        self._values: dict[str, list[str]] = {}
        known = FLAGS.get(keyword, {})
        for word in words:
            name, equals, value = word[2:].partition("=")
            takes = known.get(name)
            if takes is None:
                raise self._unknown(keyword, name, known)
            if name in self._values and takes is not Takes.VALUES:
                raise FormatError(f"--{name} is given twice")
            if not equals and takes is not Takes.BOOLEAN:
                raise FormatError(f"--{name} needs a value", hint=f"--{name}=…")
            if takes is Takes.BOOLEAN:
                value = value.lower() if equals else "true"
                if value not in ("true", "false"):
                    raise FormatError(f"--{name} is true or false, not {quoted(value)}")
            self._values.setdefault(name, []).append(value)

    def value(self, name: str, default: str = "") -> str:
        """The value of a flag, or ``default`` when it was not given."""
        return self._values.get(name, [default])[0]

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a flag that may be repeated."""
        return tuple(self._values.get(name, ()))

    def boolean(self, name: str) -> bool | None:
        """Whether it was turned on; ``None`` when it was not given."""
        return self._values[name][0] == "true" if name in self._values else None

    @staticmethod
    def _unknown(keyword: str, name: str, known: Mapping[str, Takes]) -> FormatError:
        if (keyword, name) in REFUSED:
            return FormatError(f"--{name} is refused", why=REFUSED[keyword, name])
        near = closest(name, known)
        allowed = ", ".join(f"--{flag}" for flag in known)
        return FormatError(f"unknown flag --{name}", why=f"it takes {allowed}" if known else "it takes no flags",
                           hint=f"did you mean --{near}?" if near else "")
