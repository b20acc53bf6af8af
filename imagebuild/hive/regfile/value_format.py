# SPDX-License-Identifier: Apache-2.0
"""Values as people write and read them: ``REG_DWORD 0x2a``, as ``reg.exe`` prints them and ``reg add`` takes them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import UsageError, quoted
from ..tree import (
    REG_BINARY,
    REG_DWORD,
    REG_DWORD_BIG_ENDIAN,
    REG_EXPAND_SZ,
    REG_FULL_RESOURCE_DESCRIPTOR,
    REG_LINK,
    REG_MULTI_SZ,
    REG_NONE,
    REG_QWORD,
    REG_RESOURCE_LIST,
    REG_RESOURCE_REQUIREMENTS_LIST,
    REG_SZ,
    Value,
)

TYPE_NAMES = {
    REG_NONE: "REG_NONE", REG_SZ: "REG_SZ", REG_EXPAND_SZ: "REG_EXPAND_SZ", REG_BINARY: "REG_BINARY",
    REG_DWORD: "REG_DWORD", REG_DWORD_BIG_ENDIAN: "REG_DWORD_BIG_ENDIAN", REG_LINK: "REG_LINK",
    REG_MULTI_SZ: "REG_MULTI_SZ", REG_RESOURCE_LIST: "REG_RESOURCE_LIST",
    REG_FULL_RESOURCE_DESCRIPTOR: "REG_FULL_RESOURCE_DESCRIPTOR",
    REG_RESOURCE_REQUIREMENTS_LIST: "REG_RESOURCE_REQUIREMENTS_LIST", REG_QWORD: "REG_QWORD",
}
"""Types that winnt.h names."""
_NUMBERS = {name.removeprefix("REG_"): number for number, name in TYPE_NAMES.items()}
_TEXTS = (REG_SZ, REG_EXPAND_SZ, REG_LINK)
_WIDTHS = {REG_DWORD: 4, REG_DWORD_BIG_ENDIAN: 4, REG_QWORD: 8}


def type_name(number: int) -> str:
    """The name of a type, ``0xFFFF0011`` for one that has none."""
    return TYPE_NAMES.get(number, f"0x{number:08X}")


def plain(value: Value) -> str | int | list[str] | None:
    """The data as text, number or texts; None when they are not what the type says, or the type says nothing."""
    kind, data = value.type, value.data
    if kind in _WIDTHS:
        return value.number() if len(data) == _WIDTHS[kind] else None
    if kind in _TEXTS:
        text = _decoded(data)
        return text.removesuffix("\0") if text is not None and "\0" not in text.removesuffix("\0") else None
    if kind == REG_MULTI_SZ:
        text = _decoded(data)
        if text is None or (text and not text.endswith("\0")):
            return None
        texts = text.removesuffix("\0").removesuffix("\0").split("\0") if text.strip("\0") else []
        return texts if Value.multi_sz("", texts).data == data else None
    return None


def show(value: Value) -> str:
    r"""The data in one line: text as it is, numbers as ``0x2a``, texts with ``\0`` between them, bytes as digits."""
    found = plain(value)
    if isinstance(found, int):
        return f"0x{found:x}"
    if isinstance(found, list):
        return r"\0".join(found)
    return found if found is not None else value.data.hex().upper()


def facts(value: Value) -> dict[str, object]:
    """A value for JSON: ``data`` is a text, a number or texts where it can be, ``hex`` always the bytes."""
    return {"name": value.name, "type": type_name(value.type), "data": plain(value), "hex": value.data.hex(),
            **({"deleted": True} if value.deleted else {})}


def value_from(name: str, kind: str, texts: Sequence[str]) -> Value:
    """The value that a person describes: ``kind`` is ``dword`` or ``REG_DWORD``, or a number; ``texts`` its data.

    Numbers are decimal or hexadecimal with ``0x``; bytes are hexadecimal digits; only ``multi_sz`` has several texts.
    """
    number = _type_number(kind)
    if number == REG_MULTI_SZ:
        if "" in texts:
            raise UsageError(f"value {quoted(name)} cannot have an empty text in it",
                             why="an empty text ends the list of a REG_MULTI_SZ")
        return Value.multi_sz(name, texts)
    if len(texts) > 1:
        raise UsageError(f"value {quoted(name)} has {len(texts)} data", why=f"{type_name(number)} has one",
                         hint="--type multi_sz takes several")
    text = texts[0] if texts else ""
    if number in _TEXTS:
        data = text.encode("utf-16-le", "surrogatepass")
        return Value(name, number, data if number == REG_LINK else data + b"\0\0")
    if number in _WIDTHS:
        return Value(name, number, _number(name, text or "0", _WIDTHS[number], number))
    digits = re.sub(r"[\s,]|^0x", "", text)
    if len(digits) % 2 or not re.fullmatch("[0-9a-fA-F]*", digits):
        raise UsageError(f"value {quoted(name)} cannot be {quoted(text)}",
                         why=f"{type_name(number)} takes pairs of hexadecimal "
                         "digits", hint="for text, --type sz")
    return Value(name, number, bytes.fromhex(digits))


def _type_number(kind: str) -> int:
    found = _NUMBERS.get(kind.upper().removeprefix("REG_"))
    if found is not None:
        return found
    if re.fullmatch(r"0x[0-9a-fA-F]{1,8}|[0-9]{1,10}", kind) and int(kind, 0) < 1 << 32:
        return int(kind, 0)
    raise UsageError(f"there is no type {quoted(kind)}",
                     hint=f"types are {', '.join(name.lower() for name in _NUMBERS)}, or a number")


def _number(name: str, text: str, width: int, kind: int) -> bytes:
    if not re.fullmatch(r"-?[0-9]{1,20}|0x[0-9a-fA-F]{1,16}", text):
        raise UsageError(f"value {quoted(name)} cannot be {quoted(text)}", why=f"{type_name(kind)} takes a number",
                         hint="42 or 0x2a")
    number = int(text, 16 if text.startswith("0x") else 10)
    if not -(1 << 8 * width - 1) <= number < 1 << 8 * width:
        raise UsageError(f"value {quoted(name)} cannot be {text}", why=f"{type_name(kind)} has {width} bytes")
    return (number % (1 << 8 * width)).to_bytes(width, "big" if kind == REG_DWORD_BIG_ENDIAN else "little")


def _decoded(data: bytes) -> str | None:
    try:
        return data.decode("utf-16-le")
    except UnicodeDecodeError:  # shown as bytes then
        return None
