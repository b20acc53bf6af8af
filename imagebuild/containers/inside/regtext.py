# SPDX-License-Identifier: Apache-2.0
"""The values of one key in what ``reg export`` writes; :mod:`imagebuild.hive.regfile.read` is for whole files."""

from __future__ import annotations

import re

Value = str | int | bytes | tuple[str, ...]

_NAMED = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|(@))=(.*)', re.DOTALL)
_HEX = re.compile(r"hex(?:\(([0-9a-f]+)\))?:(.*)", re.DOTALL)
_UTF16, _BINARY = ("1", "2"), ("", "0", "3")


def values(text: str, key: str) -> dict[str, Value]:
    """The values of ``key`` by name; those of keys below it are left out."""
    found: dict[str, Value] = {}
    here = False
    for line in text.replace("\\\n  ", "").splitlines():
        if line.startswith("["):
            here = line.strip("[]").casefold() == key.casefold()
        elif here and (row := _NAMED.match(line)):
            found[_plain(row[1] or "")] = _value(row[3])
    return found


def _value(text: str) -> Value:
    if text.startswith('"'):
        return _plain(text[1:-1])
    if text.startswith("dword:"):
        return int(text[6:], 16)
    row = _HEX.match(text)
    if row is None:
        return text
    kind, data = row[1] or "", bytes.fromhex(row[2].replace(",", ""))
    if kind in ("b", "4"):
        return int.from_bytes(data, "little")
    if kind == "7":
        return tuple(part for part in data.decode("utf-16-le", "replace").split("\0") if part)
    return data.decode("utf-16-le", "replace").rstrip("\0") if kind in _UTF16 else data


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
