# SPDX-License-Identifier: Apache-2.0
"""Texts as Go prints them, for refusals that repeat what a client sent."""

from __future__ import annotations

import re

_ESCAPES = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v",
            "\\": r"\\", '"': r"\""}
_FLOAT = re.compile(r"[+-]?(?:\d++\.?\d*|\.\d+)", re.ASCII)
_SUFFIX = re.compile(r"([kmgtp])(?:i?b)?|b|", re.ASCII)
_MOST = (1 << 63) - 1


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
    return _size(text, 1024)


def human_size(text: str) -> int:
    """The same where ``10k`` is 10,000 (go-units ``FromHumanSize``)."""
    return _size(text, 1000)


def _size(text: str, kilo: int) -> int:
    last = max(map(text.rfind, "0123456789. "))
    if last < 0:
        raise ValueError(f"invalid size: '{text}'")
    number, suffix = text[:last + (text[last] != " ")], text[last + 1:]
    if not _FLOAT.fullmatch(number):
        raise ValueError(f"strconv.ParseFloat: parsing {quoted(number)}: invalid syntax")
    if float(number) < 0:
        raise ValueError(f"invalid size: '{text}'")
    found = _SUFFIX.fullmatch(suffix.lower())
    if found is None:
        raise ValueError(f"invalid suffix: '{suffix}'")
    return int(min(float(number) * kilo ** ("kmgtp".index(found[1]) + 1 if found[1] else 0), _MOST))


def atoi(text: str) -> int:
    """A whole number of 64 bits; ValueError with the sentence of Go's ``strconv.Atoi``."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"strconv.Atoi: parsing {quoted(text)}: invalid syntax")
    if len(digits) > 19 or not -_MOST - 1 <= int(text) <= _MOST:
        raise ValueError(f"strconv.Atoi: parsing {quoted(text)}: value out of range")
    return int(text)


def parse_bool(text: str) -> bool:
    """Go's ``strconv.ParseBool``; ValueError with its sentence."""
    if text in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if text in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise ValueError(f"strconv.ParseBool: parsing {quoted(text)}: invalid syntax")
