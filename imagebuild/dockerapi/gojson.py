# SPDX-License-Identifier: Apache-2.0
"""JSON as Go's ``encoding/json`` writes and reads it, for plain values and for shapes.

Writing: no spaces, text as UTF-8, U+2028 and U+2029 escaped. Reading: one document, nothing after it, and the
complaints in Go's words, because clients show them.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

from . import faults

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, allow_nan=False)


def dumps(value: Any) -> bytes:
    """A value as one line of JSON without its end. Shapes are written by their own rules, also inside lists."""
    text = _ENCODER.encode(_plain(value))
    if "\u2028" in text or "\u2029" in text:
        text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a pair of UTF-16: Go, too, writes what stands for no character
        return _HALF.sub("\ufffd", text).encode()


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        from .shape import to_json
        return to_json(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def loads(data: bytes) -> Any:
    """The one document in ``data``. BadRequest with Go's complaint: empty, cut short, a wrong character, more."""
    text = data.decode("utf-8", "replace")
    start = len(text) - len(text.lstrip(" \t\r\n"))
    if start == len(text):
        raise faults.bad_json("got EOF while reading request body")
    try:
        value, end = _DECODER.raw_decode(text, start)
        if _ESCAPED_HALF.search(text):
            value = _whole(value)
    except json.JSONDecodeError as error:
        raise faults.bad_json(_complaint(text, error)) from None
    except (RecursionError, ValueError):
        raise faults.bad_json("exceeded max depth") from None
    if text[end:].strip(" \t\r\n"):
        raise faults.BadRequest("unexpected content after JSON")
    return value


_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def _whole(value: Any) -> Any:
    """The value without halves of UTF-16 pairs, which no file name and no program can be given: Go, too, reads what
    stands for no character."""
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return {_whole(name): _whole(item) for name, item in value.items()} if isinstance(value, dict) else value


_CONSTANT = "a constant that is no JSON"


def _refuse(name: str) -> Any:
    raise json.JSONDecodeError(_CONSTANT, name, 0)


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _complaint(text: str, error: json.JSONDecodeError) -> str:
    """Python's complaint in Go's words: cut short, or the character that does not belong there."""
    if error.msg == _CONSTANT:  # NaN, Infinity: Go stops at the first letter
        return f"invalid character '{error.doc[:1]}' looking for beginning of value"
    if error.pos >= len(text.rstrip(" \t\r\n")) or error.msg.startswith("Unterminated string"):
        return "unexpected EOF"
    where = {"Expecting value": "looking for beginning of value",
             "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
             "Expecting ':' delimiter": "after object key",
             "Illegal trailing comma before end of object": "looking for beginning of object key string",
             "Illegal trailing comma before end of array": "looking for beginning of value",
             "Expecting ',' delimiter": "after object key:value pair or array element",
             "Invalid control character at": "in string literal"}.get(error.msg, "in string escape code")
    return f"invalid character '{text[error.pos]}' {where}"
