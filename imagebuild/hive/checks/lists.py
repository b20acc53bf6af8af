# SPDX-License-Identifier: Apache-2.0
"""The lists of subkeys of one key, examined: kinds, counts, and the hash or hint of each entry."""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from

from ...errors import quoted
from ...windows.upcase import fold
from ..layout import PAGE, name_hash
from .cells import Cells, Found
from .damage import Damage, found

_WIDTHS = {b"li": 4, b"ri": 4, b"lf": 8, b"lh": 8}


class Leaf:
    """A list that names keys: its kind, its place, and its entries as (cell of a key, hash or hint)."""

    __slots__ = ("at", "entries", "kind")

    def __init__(self, kind: bytes, at: int, entries: list[tuple[int, int]]) -> None:
        self.kind, self.at, self.entries = kind, at, entries


def examine_lists(cells: Cells, minor: int, listed: int, count: int, holder: int, path: str) -> Found[list[Leaf]]:
    """The leaves of the key at ``holder``, which claims ``count`` subkeys."""
    leaves: list[Leaf] = []
    top = yield from _list(cells, minor, listed, holder, path)
    if top is not None and top.kind == b"ri":
        for at, _unused in top.entries:
            leaf = yield from _list(cells, minor, at, top.at, path)
            if leaf is not None and leaf.kind == b"ri":
                yield found("list-nested", PAGE + at, path, "a list of lists is in a list of lists")
            elif leaf is not None:
                leaves.append(leaf)
    elif top is not None:
        leaves.append(top)
    have = sum(len(leaf.entries) for leaf in leaves)
    if top is not None and have != count:
        yield found("list-count", PAGE + holder, path, f"a key claims {count} subkeys, its lists have {have}")
    return leaves


def _list(cells: Cells, minor: int, at: int, holder: int, path: str) -> Found[Leaf | None]:
    content = yield from cells.claim(at, 4, "a list of subkeys", holder, path)
    if content is None:
        return None
    kind, count = content[:2], int.from_bytes(content[2:4], "little")
    width = _WIDTHS.get(kind, 0)
    if not width:
        yield found("list-kind", PAGE + at, path, f"a list of subkeys begins with {quoted(kind)}")
        return None
    if 4 + width * count > len(content):
        yield found("list-count", PAGE + at, path, f"a list has {count} entries, its cell has room for "
                                                   f"{(len(content) - 4) // width}")
        count = (len(content) - 4) // width
    if not count:
        yield found("list-empty", PAGE + at, path, "a list of subkeys is empty")
    if (kind == b"lh" and minor < 5) or (kind == b"lf" and minor < 3):
        yield found("list-version", PAGE + at, path, f"version 1.{minor} has no lists of the kind {quoted(kind)}")
    numbers = unpack_from(f"<{width // 4 * count}I", content, 4)
    if width == 4:
        return Leaf(kind, at, [(number, 0) for number in numbers])
    return Leaf(kind, at, list(zip(numbers[::2], numbers[1::2], strict=True)))


def examine_entry(kind: bytes, name: str, number: int, at: int, path: str) -> Iterator[Damage]:
    """Compare the hash or hint of an entry with the name of its key, as Windows does to find it."""
    if kind == b"lh" and number != name_hash(fold(name)):
        yield found("list-hash", PAGE + at, path, f"the hash of subkey {quoted(name)} is {number:#010x}, not "
                                                  f"{name_hash(fold(name)):#010x}")
    elif kind == b"lf" and not _hints(number.to_bytes(4, "little"), name):
        yield found("list-hint", PAGE + at, path,
                    f"the hint of subkey {quoted(name)} is {quoted(number.to_bytes(4, 'little'))}")


def _hints(hint: bytes, name: str) -> bool:
    """Whether a hint has the first four characters of a name. Those beyond ASCII say nothing: they were written in the
    code page of a machine, or as a NUL."""
    first = name[:4]
    return not first.isascii() or fold(hint.decode("latin-1")) == fold(first.ljust(4, "\0"))
