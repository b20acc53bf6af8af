# SPDX-License-Identifier: Apache-2.0
"""Resource attributes: the claim inside an ``RA`` entry, in bytes and as SDDL writes it.

A claim is a name, a type, flags and values: ``("Project",TS,0x0,"Windows","SQL")``. Layout:
CLAIM_SECURITY_ATTRIBUTE_RELATIVE_V1, [MS-DTYP] 2.4.10.1; text: 2.5.1.1, "resource-attribute". Files get them from
File Classification; they grant nothing by themselves. In a name, ``%0022`` stands for the character U+0022.
"""

from __future__ import annotations

import re
from struct import Struct, error, unpack_from

from ...errors import FormatError, quoted
from ..sid import Sid, alias, from_alias

TYPES: dict[str, int] = {"TI": 1, "TU": 2, "TS": 3, "TD": 5, "TB": 6, "TX": 0x10}
"""Signed and unsigned 64-bit numbers, strings, SIDs, booleans, octets."""

_MAX_TOTAL = 1 << 22
_HEADER = Struct("<IHHII")
_NAMES = {value: name for name, value in TYPES.items()}
_VALUE = re.compile(r',(\s*"[^"]*"\s*|[^",()]*(?:\([^",()]*\)\s*)?)')
_CLAIM = re.compile(rf'\(\s*"([^"]*)"\s*,\s*(\w\w)\s*,\s*(\w+)\s*((?:{_VALUE.pattern.replace("(", "(?:", 1)})*)\)')
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{4})")
_HEX = re.compile(r"#?((?:[0-9A-Fa-f]{2})*)")


def parse_claim(text: str, *, domain: Sid | None = None) -> bytes:
    """The bytes of a claim written as SDDL does; ``FormatError`` when it is not one."""
    match = _CLAIM.fullmatch(text.strip())
    if not match:
        raise _bad(text, 'a resource attribute is written like ("Name",TS,0,"value")')
    name, kind, flags, values = match.groups()
    code = TYPES.get(kind.upper())
    if code is None:
        raise _bad(text, f"{kind} is no type of value; there are {' '.join(TYPES)}")
    chunks = [_value_bytes(code, value.strip(), text, domain) for value in _VALUE.findall(values)]
    name = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), name)
    return _pack(name, code, number(flags, 32, text), chunks)


def format_claim(data: bytes) -> str | None:
    """The claim as SDDL writes it, or ``None`` when text could not bring back the same name, type, flags and values."""
    try:
        name, code, flags, values = read_claim(data)
        words = [_value_text(code, value) for value in values]
        name = name.replace("%", "%0025").replace('"', "%0022")
        text = ",".join([f'("{name}"', _NAMES[code], f"0x{flags:x}", *words]) + ")"
        return text if read_claim(parse_claim(text)) == read_claim(data) else None
    except (KeyError, FormatError):
        return None


def read_claim(data: bytes) -> tuple[str, int, int, tuple[bytes, ...]]:
    """Name, type, flags and the values' bytes (without terminator or length) of a claim in whatever order it stands."""
    try:
        name_at, code, _unused, flags, count = _HEADER.unpack_from(data)
        places = unpack_from(f"<{count}I", data, 16)
        name = _string(data, name_at).decode("utf-16-le", "surrogatepass")
        values: list[bytes] = []
        for place in places:
            values.append(_value_read(code, data, place))
            if len(values[-1]) * count > _MAX_TOTAL:  # many offsets may point at one long value
                raise error
        return name, code, flags, tuple(values)
    except (error, UnicodeError) as problem:
        raise FormatError("cannot read a resource attribute", why="an offset in it points outside") from problem


def number(text: str, bits: int, whole: str, *, signed: bool = False) -> int:
    """A number as Windows reads it (strtoul with base 0): ``0x1f``, ``017`` octal, ``15``; it must fit ``bits``."""
    digits = text.removeprefix("-") if signed else text
    octal = len(digits) > 1 and digits[0] == "0" and digits.isdecimal()
    try:
        if len(text) > 24 or "_" in text or not digits[:1].isdigit() or not digits.isascii():
            raise ValueError
        value = int(digits, 8) if octal else int(digits, 0)
    except ValueError:
        raise _bad(whole, f"{quoted(text[:30])} is no number") from None
    value = -value if digits != text else value
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if not low <= value <= high:
        raise _bad(whole, f"{text} does not fit {bits} bits")
    return value


def _pack(name: str, code: int, flags: int, chunks: list[bytes]) -> bytes:
    """Offsets, the name, the values, nothing between them, and zeros up to a multiple of four: as Samba lays it out."""
    body = (name + "\0").encode("utf-16-le", "surrogatepass")
    start = 16 + 4 * len(chunks)
    places = []
    for chunk in chunks:
        places.append((start + len(body)).to_bytes(4, "little"))
        body += chunk
    return _HEADER.pack(start, code, 0, flags, len(chunks)) + b"".join(places) + body + bytes(-len(body) % 4)


def _value_bytes(code: int, text: str, whole: str, domain: Sid | None) -> bytes:
    if code in (1, 2):
        return number(text, 64, whole, signed=code == 1).to_bytes(8, "little", signed=code == 1)
    if code == 6:
        if text not in ("0", "1"):
            raise _bad(whole, f"{quoted(text)} is no boolean; write 0 or 1")
        return int(text).to_bytes(8, "little")
    if code == 3:
        if not (len(text) >= 2 and text[0] == text[-1] == '"'):
            raise _bad(whole, "a string stands in quotes")
        return (text[1:-1] + "\0").encode("utf-16-le", "surrogatepass")
    if code == 5:
        inner = text[4:-1] if text[:4].upper() == "SID(" and text.endswith(")") else ""
        sid = (from_alias(inner, domain) if len(inner) == 2 else Sid.parse(inner)) if inner else None
        if sid is None:
            raise _bad(whole, f"{quoted(text)} is no account; write SID(BA) or SID(S-1-5-32-544)")
        return len(sid.to_bytes()).to_bytes(4, "little") + sid.to_bytes()
    match = _HEX.fullmatch(text)
    if not match:
        raise _bad(whole, f"{quoted(text)} is no hexadecimal string")
    octets = bytes.fromhex(match[1])
    return len(octets).to_bytes(4, "little") + octets


def _value_read(code: int, data: bytes, at: int) -> bytes:
    if code in (1, 2, 6):
        return data[at:at + 8] if at + 8 <= len(data) else _outside()
    if code == 3:
        return _string(data, at)
    (length,) = unpack_from("<I", data, at)
    return data[at + 4:at + 4 + length] if at + 4 + length <= len(data) else _outside()


def _value_text(code: int, value: bytes) -> str:
    if code in (1, 2, 6):
        return str(int.from_bytes(value, "little", signed=code == 1))
    if code == 3:  # a quote in it cannot be written: reading the text back shows that
        return f'"{value.decode("utf-16-le", "surrogatepass")}"'
    return f"SID({alias(Sid.from_bytes(value))})" if code == 5 else value.hex()


def _string(data: bytes, at: int) -> bytes:
    """The UTF-16 text at ``at`` up to its NUL."""
    end = data.find(b"\0\0", at)
    while end >= 0 and (end - at) % 2:
        end = data.find(b"\0\0", end + 1)
    return data[at:end] if end >= 0 else _outside()


def _outside() -> bytes:
    raise error


def _bad(text: str, why: str) -> FormatError:
    return FormatError(f"cannot read {quoted(text if len(text) <= 80 else text[:77] + '...')} in an SDDL text", why=why)
