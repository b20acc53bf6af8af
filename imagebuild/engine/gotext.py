# SPDX-License-Identifier: Apache-2.0
"""Texts as Go prints them, for refusals that repeat what a client sent."""

from __future__ import annotations

import re

_ESCAPES = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v",
            "\\": r"\\", '"': r"\""}
_SIZE = re.compile(r"(\d+(?:\.\d+)*) ?([kKmMgGtTpP])?[iI]?[bB]?", re.ASCII)


def quoted(text: str) -> str:
    """A text as ``%q`` prints it: in double quotes, what cannot be printed as an escape."""
    return '"' + "".join(_ESCAPES.get(char) or _printable(char) for char in text) + '"'


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def ram_in_bytes(text: str) -> int:
    """Bytes of ``20GB``, ``1.5g``, ``512``. ValueError with go-units' sentence for anything else."""
    found = _SIZE.fullmatch(text)
    if found is None or found[1].count(".") > 1:
        raise ValueError(f"invalid size: '{text}'")
    return int(float(found[1]) * 1024 ** ("kmgtp".index(found[2].lower()) + 1 if found[2] else 0))
