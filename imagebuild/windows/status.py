# SPDX-License-Identifier: Apache-2.0
"""Codes that Windows answers with, by name and in words: HRESULT, NTSTATUS, Win32, and those of HCS and HCN.

The names stand in ``status.json`` beside this file, each with its source: the tables of HCS (containers) and HCN (their
networks) that Microsoft publishes, and those Win32 and NTSTATUS codes that container errors carry.

One condition has many spellings: ``0x80370106`` is what an API of HCS returns, ``0xC0370106`` the same as NTSTATUS,
``-1070137082`` and ``3224830214`` that as a signed and an unsigned decimal; ``0x5b4`` is a Win32 code, ``0x800705b4``
the same as HRESULT and ``0xC00705B4`` as NTSTATUS. :func:`canonical` makes one number of them. Where this module says
"code" without more, it is that number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from ..errors import FormatError, quoted

_MASK = 0xFFFF_FFFF
_HRESULT_OF = {0xC037: 0x8037, 0xC03B: 0x803B, 0xC007: 0x8007}
"""Upper halves of NTSTATUS whose code has the same number as an HRESULT (facilities of HCS, HCN and Win32)."""


@dataclass(frozen=True, slots=True)
class Status:
    """A code by ``name`` (empty where Windows has none that we know), its ``meaning`` in words, and its source.

    ``family`` is ``HCS``, ``HCN``, ``Win32``, ``NTSTATUS`` or ``HRESULT``.
    """

    code: int
    name: str
    family: str
    meaning: str
    source: str

    def __str__(self) -> str:
        return f"{hexadecimal(self.code)} {self.name}".rstrip() + f": {self.meaning}"


@dataclass(frozen=True, slots=True)
class Found:
    """A code in a text: the ``code``, the text as ``written`` there, and where it begins (``start``, characters).

    ``bare``: written as a Win32 number alone (``0x5``), which may be anything else as well.
    """

    code: int
    written: str
    start: int
    bare: bool


def canonical(value: int) -> int:
    """The one number of a code, however it was spelt: an HRESULT where there is one, else an NTSTATUS.

    Takes 32 bits, signed or not. Small numbers are Win32 codes and become their HRESULT (``HRESULT_FROM_WIN32``), an
    NTSTATUS that was wrapped in an HRESULT (``HRESULT_FROM_NT``) is unwrapped, and 0 stays 0.
    """
    value &= _MASK
    if 0 < value < 0x10000:
        return 0x8007_0000 | value
    if value >> 28 == 0xD:
        value &= ~0x1000_0000
    upper = _HRESULT_OF.get(value >> 16)
    return value if upper is None else upper << 16 | value & 0xFFFF


def parse(text: str) -> int:
    """The code that somebody typed (``0xC0370106``, ``-1070137082``, ``3224830214``, ``0x5b4``, ``1460``, or a
    name such as ``HCS_E_UNEXPECTED_EXIT``); FormatError when it is none."""
    wanted = text.strip()
    named = [status.code for status in statuses() if status.name and status.name.lower() == wanted.lower()]
    if named:
        return named[0]
    value = int(wanted, 16 if "x" in wanted.lower() else 10) if _typed().fullmatch(wanted) else 1 << 32
    if not -0x8000_0000 <= value <= _MASK:
        raise FormatError(f"cannot read {quoted(text[:60])} as a Windows code",
                          why="expected like 0xc0370106, -1070137082, 0x5b4 or HCS_E_UNEXPECTED_EXIT")
    found = canonical(value)
    if (value & _MASK) >> 28 == 0xD and find(found) is None:
        return value & _MASK  # a customer's code that looks like a wrapped NTSTATUS: no table has what it would wrap
    return found


def spellings(code: int) -> tuple[str, ...]:
    """Every spelling of a code that logs have: hexadecimal, signed and unsigned decimal, of each form it has."""
    forms = [code]
    forms += [upper << 16 | code & 0xFFFF for upper, same in _HRESULT_OF.items() if same == code >> 16]
    out = [hexadecimal(form) for form in forms] + [str(form) for form in forms]
    out += [str(form - (_MASK + 1)) for form in forms if form >> 31]
    if code >> 16 == 0x8007 and code & 0xFFFF:
        out.append(hex(code & 0xFFFF))
    return tuple(out)


def hexadecimal(code: int) -> str:
    """``0x80370106``: eight digits, small letters."""
    return f"{code & _MASK:#010x}"


def find(code: int) -> Status | None:
    """What is known of a code in any of its forms, ``None`` when it is not in the table."""
    return _table()[1].get(canonical(code))


def statuses() -> tuple[Status, ...]:
    """All of the table, in its order: HCS, HCN, others."""
    return tuple(_table()[1].values())


def updated() -> date:
    """The day the table was last compared with its sources."""
    return _table()[0]


def codes_in(text: str) -> Iterator[Found]:
    """Every number in a text that has the form of a failing code: eight hexadecimal digits with the highest bit set,
    such a number in decimal, or up to four hexadecimal digits (``bare``). It need not be in the table."""
    for match in _code().finditer(text):
        digits, decimal = match.groups()
        if digits is not None:
            value = int(digits, 16)
            bare = len(digits) <= 4
            if not value or (not bare and value < 0x8000_0000):
                continue
        else:
            value, bare = int(decimal), False
            if not (-0x8000_0000 <= value < 0 or 0x8000_0000 <= value <= _MASK):
                continue
        yield Found(canonical(value), match[0], match.start(), bare)


@cache
def _table() -> tuple[date, dict[int, Status]]:
    document = json.loads(Path(__file__).with_name("status.json").read_bytes())
    rows = (Status(int(row["code"], 16), row["name"], row["family"], row["meaning"], row["source"])
            for row in document["codes"])
    return date.fromisoformat(document["updated"]), {row.code: row for row in rows}


@cache  # compiled when first needed: most who import this never search a text
def _code() -> re.Pattern[str]:
    return re.compile(
        r"(?<![0-9A-Za-z_.\-])(?:0[xX](?:[fF]{8}(?=[0-9a-fA-F]{8}))?([0-9a-fA-F]{1,8})(?![0-9A-Za-z_])"
        r"|(-[0-9]{9,10}|[0-9]{10})(?![0-9A-Za-z_]|\.[0-9]))")


@cache
def _typed() -> re.Pattern[str]:
    return re.compile(r"-?[0-9]{1,10}|0[xX][0-9a-fA-F]{1,8}")
