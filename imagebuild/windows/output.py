# SPDX-License-Identifier: Apache-2.0
"""Read what a Windows program printed: UTF-8, UTF-16 or a code page of its console, and it does not say which.

:func:`decode` tries in this order, and always gives a text: a byte order mark; UTF-16 without one, where every second
byte of most characters is NUL; UTF-8; the code page; and for what is none of these the bytes as ``\\xNN``. Programs of
the .NET family write UTF-8 or the console's code page, ``wmic`` and PowerShell's ``>`` UTF-16, ``cmd`` the code page.
"""

from __future__ import annotations

import codecs

CODE_PAGE = "cp437"
"""The console's code page in an English Windows, and so in Microsoft's base images."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LOOKED_AT = 4096
_NUL_SHARE = 0.35
"""The share of NULs among the high bytes from which a text counts as UTF-16: half of each character of Latin scripts
is one, and a text in a code page has none."""


def decode(data: bytes, code_page: str = CODE_PAGE, *, newlines: bool = True) -> str:
    """The text of ``data``. With ``newlines`` each ``\\r\\n`` and lone ``\\r`` becomes ``\\n``, as Python reads text.

    Raises LookupError when Python does not know ``code_page``, and nothing for any bytes.
    """
    text = _decoded(data, code_page)
    if newlines and "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def encoding_of(data: bytes, code_page: str = CODE_PAGE) -> str:
    """The name of the encoding in which :func:`decode` reads ``data``; empty where none fits."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    if name := _without_mark(data):
        return name
    for name in ("utf-8", code_page):
        try:
            data.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    return ""


def _decoded(data: bytes, code_page: str) -> str:
    if data.isascii() and b"\0" not in data:  # most output, and the quickest to see
        return data.decode("ascii")
    codecs.lookup(code_page)
    name = encoding_of(data, code_page)
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data[len(mark):], encoding)
    return _strictly(data, name or "utf-8")


def _strictly(data: bytes, encoding: str) -> str:
    """A text whose undecodable bytes are shown as ``\\xNN``; a UTF-16 text may end in half a character."""
    return data.decode(encoding, "backslashreplace")


def _without_mark(data: bytes) -> str:
    """Whether a text is UTF-16 by its NULs: ``utf-16-le``, ``utf-16-be`` or empty."""
    sample = data[:_LOOKED_AT]
    pairs = len(sample) // 2
    if not pairs or b"\0" not in sample:
        return ""
    low, high = sample[0:2 * pairs:2].count(0), sample[1:2 * pairs:2].count(0)
    if high >= pairs * _NUL_SHARE and low <= high // 8:
        return "utf-16-le"
    if low >= pairs * _NUL_SHARE and high <= low // 8:
        return "utf-16-be"
    return ""
