# SPDX-License-Identifier: Apache-2.0
"""The lists of a hive: of subkeys in their four kinds, of values, and of the segments of big data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from mmap import mmap
from struct import Struct, unpack_from

from ..errors import FormatError, quoted
from .cells import CellReader
from .layout import SEGMENT

_WIDTHS = {b"li": 4, b"ri": 4, b"lf": 8, b"lh": 8}


class ListReader(CellReader):
    """What lists name; each is read for the one key that it belongs to."""

    def _subkey_offsets(self, at: int, count: int, owner: int) -> Sequence[int]:
        """The cells of ``count`` subkeys, looked at closely."""
        try:
            out: Sequence[int] = ()
            if self._room < 0:
                self._own(at, owner, 0, "a list of subkeys")
            for kind, content in self._leaves(at):
                width = _WIDTHS[kind]
                part = numbers(content, len(content) >> 2)[:: width >> 2]
                out = part if not out else (*out, *part)
                if len(out) > count:
                    break
            self._own(at, owner, 4 * len(out), "a list of subkeys")
            if len(out) != count:
                raise self._bad(f"a key claims {count} subkeys, its lists have "
                                f"{'more' if len(out) > count else len(out)}", owner)
            if count > 1 and len(set(out)) != count:
                raise self._bad("a key has the same subkey twice", owner)
        except FormatError as error:
            self._pass_over(error)
            out = tuple(dict.fromkeys(out)) if self._owners.get(at) == owner else ()
        return out

    def _leaves(self, at: int) -> Iterator[tuple[bytes, bytes]]:
        """The lists of subkeys that name subkeys, each with its kind and the bytes of its entries."""
        try:
            content = self._cell(at, 4, "a list of subkeys")
            kind, listed = content[:2], self._entries(content, at)
            if kind != b"ri":
                yield kind, listed
                return
            leaves = numbers(listed, len(listed) >> 2)
            if len(set(leaves)) != len(leaves):
                raise self._bad("a list of lists names one of them twice", at)
        except FormatError as error:
            self._pass_over(error)
            return
        total = 0
        for leaf in leaves:
            if total > self.end:
                self._pass_over(self._bad("a list of lists names more subkeys than the hive has bytes for", at))
                return
            try:
                content = self._cell(leaf, 4, "a list of subkeys")
                if content[:2] == b"ri":
                    raise self._bad("a list of lists is in a list of lists", leaf)
                listed = self._entries(content, leaf)
                total += len(listed)
            except FormatError as error:
                self._pass_over(error)
            else:
                yield content[:2], listed

    def _entries(self, content: bytes, at: int) -> bytes:
        kind, count = content[:2], int.from_bytes(content[2:4], "little")
        size = count * _WIDTHS.get(kind, 0)
        if kind not in _WIDTHS or 4 + size > len(content):
            raise self._bad(f"a list of subkeys is {quoted(kind)} with {count} entries in {len(content)} bytes", at)
        return content[4 : 4 + size]

    def _value_offsets(self, where: int, count: int, at: int) -> Sequence[int]:
        """The cells of ``count`` values, looked at closely."""
        out: Sequence[int] = ()
        try:
            content = self._cell(where, 0, "a list of values")
            out = numbers(content, min(count, len(content) >> 2))
            self._own(where, at, 4 * len(out), "a list of values")
            if count > len(out):
                raise self._bad(f"a key claims {count} values, the cell of their list has room for {len(out)}", where)
            if len(set(out)) != count:
                raise self._bad("a key has the same value twice", at)
        except FormatError as error:
            self._pass_over(error)
            out = tuple(dict.fromkeys(out)) if self._owners.get(where) == at else ()
        return out

    def _long_data(self, at: int, where: int, size: int, owner: int) -> bytes:
        """Data that do not fit the cell of their value as they stand: big data, or damage."""
        if size > self.end:
            raise self._bad(f"a value claims {size} bytes, more than the hive has", at)
        content = self._cell(where, min(size, 8), "the data of a value")
        if len(content) >= size:
            self._own(at, owner, size, "a value")
            return content[:size]
        if size <= SEGMENT or content[:2] != b"db":
            self._own(at, owner, len(content), "a value")
            self._pass_over(self._bad(f"a value claims {size} bytes, its cell has {len(content)}", where))
            return content
        count, listed = unpack_from("<HI", content, 2)
        if size > count * SEGMENT:
            raise self._bad(f"a value claims {size} bytes in {count} segments", where)
        self._own(at, owner, size, "a value")
        parts, left = [], size
        for segment in numbers(self._cell(listed, 4 * count, "a list of segments"), count):
            if not left:
                break
            part = self._cell(segment, min(left, SEGMENT), "a segment of data")[: min(left, SEGMENT)]
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


def numbers(data: bytes | mmap, count: int, at: int = 0) -> tuple[int, ...]:
    """``count`` unsigned numbers of 32 bits."""
    return _COUNTED[count](data, at) if count < 64 else unpack_from(f"<{count}I", data, at)


_COUNTED = [Struct(f"<{count}I").unpack_from for count in range(64)]
