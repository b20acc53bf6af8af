# SPDX-License-Identifier: Apache-2.0
"""The values of one key, examined: records, names, data, and data in segments."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct, unpack_from
from typing import NamedTuple

from ...errors import quoted
from ...windows.upcase import fold
from ..layout import INLINE, MAX_VALUE_NAME, NONE, PAGE, SEGMENT, VALUE, VALUE_COMPRESSED, VALUE_SIZE, VALUE_TOMBSTONE
from .cells import Cells, Found
from .damage import Damage, found

_RECORD = Struct("<" + VALUE.format[2:]).unpack_from  # without the cell's size


class Seen(NamedTuple):
    """What the key's own record and the rule for links want to know of a value."""

    name: str
    type: int
    size: int
    deleted: bool


class ValueCheck:
    """The examination of values in one hive."""

    def __init__(self, cells: Cells, version: tuple[int, int], layered: bool) -> None:
        self._cells = cells
        self._segmented = version >= (1, 4)
        self._flags = 0 if version <= (1, 1) else VALUE_COMPRESSED
        self._tombstones = VALUE_TOMBSTONE if layered else 0

    def examine(self, count: int, listed: int, holder: int, path: str) -> Found[list[Seen]]:
        """The values of the key at ``holder``."""
        content = yield from self._cells.claim(listed, 4 * count, f"the list of {count} values", holder, path)
        seen: list[Seen] = []
        names: set[str] = set()
        for at in unpack_from(f"<{count}I", content) if content is not None else ():
            value = yield from self._value(at, holder, path)
            if value is None:
                continue
            folded = fold(value.name)
            if folded in names:
                yield found("value-duplicate", PAGE + at, path, f"there is another value {quoted(value.name)}")
            names.add(folded)
            seen.append(value)
        return seen

    def _value(self, at: int, holder: int, path: str) -> Found[Seen | None]:
        content = yield from self._cells.claim(at, VALUE_SIZE, "a value", holder, path)
        if content is None:
            return None
        signature, length, size, where, kind, flags, _unused = _RECORD(content)
        if signature != b"vk":
            yield found("value-signature", PAGE + at, path, f"a value begins with {quoted(signature)}, not with 'vk'")
            return None
        name = yield from self._name(content[VALUE_SIZE:], length, flags, at, path)
        if self._flags and flags & ~(VALUE_COMPRESSED | self._tombstones):
            yield found("value-flags", PAGE + at, path,
                        f"value {quoted(name[:80])} has flags {flags:#x}, not all known")
        if flags & self._tombstones:
            if (kind, size, where) != (0, 0, NONE):
                yield found("value-tombstone", PAGE + at, path, f"a tombstone {quoted(name[:80])} has a type or data")
            return Seen(name, kind, 0, True)
        yield from self._data(size, where, at, f"{path}: {quoted(name[:80])}", path)
        return Seen(name, kind, size & ~INLINE if size & INLINE else size, False)

    def _name(self, rest: bytes, length: int, flags: int, at: int, path: str) -> Found[str]:
        if length > len(rest):
            yield found("value-name", PAGE + at, path, f"a value's name has {length} bytes, its cell has room for "
                                                       f"{len(rest)}")
        stored = rest[:length]
        if flags & self._flags:
            return stored.decode("latin-1")
        if length & 1:
            yield found("value-name", PAGE + at, path, f"a value's name of {length} bytes is no UTF-16")
        name = stored[: len(stored) & ~1].decode("utf-16-le", "surrogatepass")
        if self._flags and name and max(name) < "\u0100":
            yield found("value-name-wide", PAGE + at, path, f"value {quoted(name[:80])} has a wide name and needs none")
        if length > 2 * MAX_VALUE_NAME:
            yield found("value-name", PAGE + at, path, f"a value's name has {length // 2} characters, {MAX_VALUE_NAME} "
                                                       "are allowed")
        return name

    def _data(self, size: int, where: int, at: int, what: str, path: str) -> Iterator[Damage]:
        if size & INLINE:
            if size & ~INLINE > 4:
                yield found("value-data", PAGE + at, path, f"{what} has {size & ~INLINE} bytes in its own record, 4 "
                                                           "are allowed")
            return
        if not size:
            return
        content = yield from self._cells.claim(where, 0, f"the data of {what}", at, path)
        if content is None:
            return
        if size <= 4:
            yield found("value-not-inline", PAGE + at, path, f"{what} has {size} bytes in a cell of their own")
        if self._segmented and size > SEGMENT:
            if content[:2] == b"db" and len(content) < size:
                yield from self._segments(content, size, where, what, path)
                return
            yield found("value-not-segmented", PAGE + where, path, f"{what} has {size} bytes in one cell; this version "
                                                                   f"has more than {SEGMENT} in segments")
        if len(content) < size:
            yield found("value-data", PAGE + where, path, f"{what} claims {size} bytes, its cell has {len(content)}")

    def _segments(self, content: bytes, size: int, at: int, what: str, path: str) -> Iterator[Damage]:
        if len(content) < 8:
            yield found("big-data", PAGE + at, path, f"{what} has a 'db' cell of {len(content)} bytes")
            return
        count, listed = unpack_from("<HI", content, 2)
        if count != -(-size // SEGMENT):
            yield found("big-data", PAGE + at, path, f"{what} has {size} bytes in {count} segments")
        numbers = yield from self._cells.claim(listed, 4 * count, f"the list of segments of {what}", at, path)
        left = size
        for segment in unpack_from(f"<{count}I", numbers) if numbers is not None else ():
            need = min(left, SEGMENT)
            part = yield from self._cells.claim(segment, 0, f"a segment of {what}", listed, path)
            if part is not None and len(part) < need:
                yield found("big-data", PAGE + segment, path, f"a segment of {what} has {len(part)} bytes, {need} are "
                                                              "needed")
            left -= need
