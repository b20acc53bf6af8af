# SPDX-License-Identifier: Apache-2.0
"""Keys written as Wine writes its registry, to the byte. The form and its source are told in ``winereg``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ...hive import REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_SZ, KeyLike, Value
from ...hive.tree import SYMLINK
from ...windows.filetime import TICKS_PER_SECOND, UNIX_EPOCH
from .winereg import MAGIC, RegFile

_STRINGS = (REG_SZ, REG_EXPAND_SZ, REG_MULTI_SZ)
_C_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 27: "e"}
_NAMES = re.compile(r"[\x00-\x1f\\\[\]\u0080-\uffff]")
_TEXTS = re.compile(r'[\x00-\x1f\\"\u0080-\uffff]')
_WIDTH = 76


def write(file: RegFile) -> bytes:
    """The bytes of the file. Keys and values stand in the order that they have; Wine sorts them when it reads."""
    parts = [f"{MAGIC}\n;; All keys relative to {_path(file.base)}\n"]
    if file.arch:
        parts.append(f"\n#arch={file.arch}\n")
    parts += _keys(file.root)
    return "".join(parts).encode("ascii")


def sections(keys: Iterable[tuple[str, KeyLike]]) -> bytes:
    r"""Keys to be put at the end of a file: what Wine reads there comes over what it has read before.

    Each comes with its path below the file's base, and without its subkeys.
    """
    return "".join(_key(_path(path), key) for path, key in keys).encode("ascii")


def escape(text: str, special: re.Pattern[str]) -> str:
    """A string without what would end a line or the string: ``_NAMES`` or ``_TEXTS`` say what else is special."""
    if text.isascii() and special.search(text) is None:
        return text
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H").tolist()
    out = []
    for at, unit in enumerate(units):
        after = units[at + 1] if at + 1 < len(units) else 0
        if unit > 127:
            hexadecimal = after < 128 and chr(after) in "0123456789abcdefABCDEF"
            out.append(f"\\x{unit:04x}" if hexadecimal else f"\\x{unit:x}")
        elif unit < 32:
            if not unit and at + 1 == len(units):
                continue
            out.append("\\" + (_C_ESCAPES.get(unit) or (f"{unit:03o}" if 0x30 <= after <= 0x37 else f"{unit:o}")))
        else:
            out.append("\\" + chr(unit) if special.match(chr(unit)) else chr(unit))
    return "".join(out)


def _keys(root: KeyLike) -> Iterator[str]:
    stack: list[tuple[str, KeyLike]] = [("", root)]
    while stack:
        path, key = stack.pop()
        subkeys = key.subkeys
        if key.values or key.class_name or key.flags & SYMLINK or (not subkeys and path):
            yield _key(path, key)
        prefix = path + "\\\\" if path else ""
        stack += [(prefix + escape(child.name, _NAMES), child) for child in reversed(subkeys)]


def _key(path: str, key: KeyLike) -> str:
    time = key.last_write or UNIX_EPOCH
    stamp = (time - UNIX_EPOCH) // TICKS_PER_SECOND & 0xFFFFFFFF
    out = [f"\n[{path}] {stamp}\n#time={time >> 32:x}{time & 0xFFFFFFFF:08x}\n"]
    if key.class_name:
        out.append(f'#class="{escape(key.class_name, _TEXTS)}"\n')
    if key.flags & SYMLINK:
        out.append("#link\n")
    out += [_value(value) for value in key.values]
    return "".join(out)


def _value(value: Value) -> str:
    name = f'"{escape(value.name, _TEXTS)}"=' if value.name else "@="
    kind, data = value.type, value.data
    if kind in _STRINGS and len(data) >= 2 and not len(data) % 2 and data[-2:] == b"\0\0":
        text = escape(data.decode("utf-16-le", "surrogatepass"), _TEXTS)
        return f'{name}"{text}"\n' if kind == REG_SZ else f'{name}str({kind:x}):"{text}"\n'
    if kind == REG_DWORD and len(data) == 4:
        return f"{name}dword:{int.from_bytes(data, 'little'):08x}\n"
    return name + _hex(len(name), "hex:" if kind == REG_BINARY else f"hex({kind:x}):", data)


def _hex(count: int, head: str, data: bytes) -> str:
    """Bytes, in lines that are broken where Wine breaks them; ``count`` characters are on the first already."""
    out = [head]
    count += len(head)
    last = len(data) - 1
    for at, byte in enumerate(data):
        out.append(f"{byte:02x}")
        count += 2
        if at < last:
            out.append(",")
            count += 1
            if count > _WIDTH:
                out.append("\\\n  ")
                count = 2
    return "".join(out) + "\n"


def _path(path: str) -> str:
    return "\\\\".join(escape(name, _NAMES) for name in path.split("\\"))
