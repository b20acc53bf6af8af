# SPDX-License-Identifier: Apache-2.0
"""Hives put together cell by cell, so that every number in them can be a lie."""

from __future__ import annotations

from struct import pack, pack_into

from imagebuild.hive import DEFAULT_SECURITY
from imagebuild.hive.base_block import BaseBlock, serialise_base_block
from imagebuild.hive.layout import KEY, NONE, PAGE, VALUE, name_hash
from imagebuild.windows.upcase import fold


class RawHive:
    """Cells in one bin that grows. Offsets are relative to the bin, as they stand in a hive. Before version 1.2 a cell
    has eight bytes before its content (:attr:`head`), and sixteen is the step between cells."""

    def __init__(self, version: tuple[int, int] = (1, 5), flags: int = 0) -> None:
        self.version, self.flags = version, flags
        self.head = 8 if version <= (1, 1) else 4
        self.bins = bytearray(b"hbin" + bytes(28))
        self.root = self.key("ROOT", flags=0x2C if self.head == 4 else 0x0C)  # at 0x20, as always
        self.secured = self.cell(pack("<2sH4I", b"sk", 0, 0, 0, 0, len(DEFAULT_SECURITY)) + DEFAULT_SECURITY)
        self.patch(self.secured + self.head + 4, "<II", self.secured, self.secured)
        self.patch(self.root + self.head + 44, "<I", self.secured)
        self.keys = 1

    def cell(self, content: bytes, *, size: int = 0) -> int:
        """An allocated cell; ``size`` is what it claims where that is not what it has."""
        at = len(self.bins)
        step = 2 * self.head - 1
        length = len(content) + self.head + step & ~step
        self.bins += pack("<i", -(size or length)).ljust(self.head, b"\0") + content
        self.bins += bytes(at + length - len(self.bins))
        return at

    def key(self, name: str = "k", *, parent: int = 0x20, flags: int = 0x20, layer: int = 0, subkeys: int = 0,
            listed: int = NONE, values: int = 0, value_list: int = NONE, security: int | None = None,
            class_cell: int = NONE, class_size: int = 0, longest: tuple[int, int, int, int] = (0, 0, 0, 0)) -> int:
        stored = name.encode("latin-1" if flags & 0x20 else "utf-16-le")
        if len(self.bins) > 32 and security is None:
            security, self.keys = self.secured, self.keys + 1
        return self.cell(KEY.pack(
            0, b"nk", flags, 0, 0, layer, 0, parent, subkeys, 0, listed, NONE, values, value_list, security or NONE,
            class_cell, longest[0], 0, 0, longest[1], longest[2], longest[3], 0, len(stored), class_size)[4:] + stored)

    def value(self, name: str = "v", *, size: int = 0x80000000, data: int = 0, type: int = 3, flags: int = 1) -> int:
        stored = name.encode("latin-1" if flags & 1 or not name else "utf-16-le")
        return self.cell(VALUE.pack(0, b"vk", len(stored), size, data, type, flags if name else 0, 0)[4:] + stored)

    def numbers(self, *numbers: int) -> int:
        """A cell of 32-bit numbers: a list of values or of segments."""
        return self.cell(pack(f"<{len(numbers)}I", *numbers))

    def leaf(self, kind: bytes, *entries: int, count: int | None = None) -> int:
        """A list of any kind with its numbers as they are handed in."""
        if count is None:
            count = len(entries) // (2 if kind in (b"lh", b"lf") else 1)
        return self.cell(pack(f"<2sH{len(entries)}I", kind, count, *entries))

    def hashed(self, *keys: tuple[int, str]) -> int:
        """An ``lh`` list with right hashes."""
        return self.leaf(b"lh", *(number for at, name in keys for number in (at, name_hash(fold(name)))))

    def below(self, at: int, *keys: tuple[int, str]) -> None:
        """Put keys below another one, with everything right that its record says about them."""
        listed = self.hashed(*keys) if self.version >= (1, 5) else self.leaf(b"li", *(cell for cell, _ in keys))
        self.patch(at + self.head + 20, "<I", len(keys))
        self.patch(at + self.head + 28, "<I", listed)
        self.patch(at + self.head + 52, "<H", max(2 * len(name) for _, name in keys))

    def valued(self, at: int, *values: int, longest: tuple[int, int] = (2, 0)) -> None:
        """Give a key these values."""
        self.patch(at + self.head + 36, "<II", len(values), self.numbers(*values))
        self.patch(at + self.head + 60, "<II", *longest)

    def patch(self, at: int, form: str, *numbers: object) -> None:
        pack_into(form, self.bins, at, *numbers)

    def hive(self, *, root: int | None = None, count: bool = True) -> bytes:
        """The bytes of it, with the rest of the bin free and the security cell's count right."""
        if count:
            self.patch(self.secured + self.head + 12, "<I", self.keys)
        bins = bytearray(self.bins)
        if rest := -len(bins) % PAGE:
            bins += pack("<i", rest) + bytes(rest - 4)
        pack_into("<I", bins, 8, len(bins))
        return serialise_base_block(BaseBlock(self.version, self.root if root is None else root, len(bins),
                                              flags=self.flags)) + bytes(bins)
