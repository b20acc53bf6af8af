# SPDX-License-Identifier: Apache-2.0
"""Which names are the same name to Windows: upper case as NTFS and the registry see it.

NTFS keeps a table of 65,536 UTF-16 code units, ``$UpCase``, on every volume, and compares names after replacing each
unit by its entry; the registry uses the kernel's table for the same purpose (RtlUpcaseUnicodeChar). The table knows
no locale, maps one unit to one unit, and leaves surrogates alone, so characters beyond U+FFFF have no case.
``str.upper`` differs from it for some 220 characters (U+00B5, U+0131, U+017F, Georgian, Cherokee ...) and may lengthen
a name (U+00DF).

Source: the ``$UpCase`` of a volume freshly made by ``mkntfs`` (ntfs-3g 2022.10.3). Compared unit by unit with the
values RtlUpcaseUnicodeChar returns on Windows 10, as msuhanov/yarp records them (yarp/RegistryUnicode.py): no
difference. Volumes formatted by Windows XP and before carry an older table; container images never see one.
"""

from __future__ import annotations

from functools import lru_cache

UPCASE: tuple[int, ...]
"""All 65,536 entries, made when first asked for: ``UPCASE[unit]`` is the unit in upper case."""

# FIRST[-LAST|=LAST]+DELTA: every unit (-) or every second unit (=) from FIRST to LAST has FIRST+DELTA and so on.
_RUNS = """
0061-007A-32 00E0-00F6-32 00F8-00FE-32 00FF+121 0101=012F-1 0133=0137-1 013A=0148-1 014B=0177-1 017A=017E-1 0180+195
0183=0185-1 0188-1 018C-1 0192-1 0195+97 0199-1 019A+163 019E+130 01A1=01A5-1 01A8-1 01AD-1 01B0-1 01B4=01B6-1
01B9-1 01BD-1 01BF+56 01C6-2 01C9-2 01CC-2 01CE=01DC-1 01DD-79 01DF=01EF-1 01F3-2 01F5-1 01F9=021F-1 0223=0233-1
023C-1 0242-1 0247=024F-1 0250+10783 0251+10780 0253-210 0254-206 0256-0257-205 0259-202 025B-203 0260-205 0263-207
0268-209 0269-211 026B+10743 026F-211 0271+10749 0272-213 0275-214 027D+10727 0280-218 0283-218 0288-218 0289-69
028A-028B-217 028C-71 0292-219 0371=0373-1 0377-1 037B-037D+130 03AC-38 03AD-03AF-37 03B1-03C1-32 03C3-03CB-32
03CC-64 03CD-03CE-63 03D7-8 03D9=03EF-1 03F2+7 03F8-1 03FB-1 0430-044F-32 0450-045F-80 0461=0481-1 048B=04BF-1
04C2=04CE-1 04CF-15 04D1=0523-1 0561-0586-48 1D79+35332 1D7D+3814 1E01=1E95-1 1EA1=1EFF-1 1F00-1F07+8 1F10-1F15+8
1F20-1F27+8 1F30-1F37+8 1F40-1F45+8 1F51=1F57+8 1F60-1F67+8 1F70-1F71+74 1F72-1F75+86 1F76-1F77+100 1F78-1F79+128
1F7A-1F7B+112 1F7C-1F7D+126 1F80-1F87+8 1F90-1F97+8 1FA0-1FA7+8 1FB0-1FB1+8 1FB3+9 1FC3+9 1FD0-1FD1+8 1FE0-1FE1+8
1FE5+7 1FF3+9 214E-28 2170-217F-16 2184-1 24D0-24E9-26 2C30-2C5E-48 2C61-1 2C65-10795 2C66-10792 2C68=2C6C-1 2C73-1
2C76-1 2C81=2CE3-1 2D00-2D25-7264 A641=A65F-1 A663=A66D-1 A681=A697-1 A723=A72F-1 A733=A76F-1 A77A=A77C-1
A77F=A787-1 A78C-1 FF41-FF5A-32
"""


def fold(text: str) -> str:
    """The form under which NTFS and the registry compare a name; equal forms cannot live in one folder."""
    return text.upper() if text.isascii() else text.translate(_MAP)


def sort_key(text: str) -> bytes:
    """A key that sorts names as NTFS and the registry do: by upper-cased UTF-16 code units, not by code points."""
    return fold(text).encode("utf-16-be", "surrogatepass")


def _changes() -> dict[int, int]:
    """Each unit that is not its own upper case."""
    changes: dict[int, int] = {}
    for run in _RUNS.split():
        sign = max(run.rfind("+"), run.rfind("-"))
        units, delta = run[:sign], int(run[sign:])
        last, step = int(units[-4:], 16), 2 if "=" in units else 1
        changes.update((unit, unit + delta) for unit in range(int(units[:4], 16), last + 1, step))
    return changes


_MAP = _changes()


@lru_cache(maxsize=1)
def _table() -> tuple[int, ...]:
    return tuple(_MAP.get(unit, unit) for unit in range(0x10000))


def __getattr__(name: str) -> tuple[int, ...]:
    if name == "UPCASE":
        return _table()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
