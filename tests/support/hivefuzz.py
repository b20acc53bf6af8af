# SPDX-License-Identifier: Apache-2.0
"""Hives broken at random, each with a number that always gives the same one, and what must hold for any of them.

Numbers and pieces that a hive believes in are put where others stand; the checksum of the base block is mostly made
right again, or nothing but it would be tested.
"""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from random import Random
from struct import pack_into

from imagebuild.errors import FormatError, InputError
from imagebuild.hive import DEFAULT_SECURITY, REG_BINARY, Key, Value, freeze, read, write
from imagebuild.hive.checks.check import check
from imagebuild.hive.checks.damage import ERROR
from imagebuild.hive.layout import PAGE, checksum

LIMIT = 65536
"""Bytes of the largest hive that is broken."""
_OTHER = DEFAULT_SECURITY[:2] + b"\x04\x84" + DEFAULT_SECURITY[4:]
_TARGET = "\\REGISTRY\\MACHINE\\X".encode("utf-16-le")
_NUMBERS = (0, 1, 2, 4, 8, 0x10, 0x20, 0xFF, 0xFFF, 0x1000, 0x7FFF, 0x8000, 0xFFFF, 0x3FD8, 0x3FD9, 0x7FFFFFFF,
            0x80000000, 0x80000004, 0x80000005, 0xFFFFFFF8, 0xFFFFFFF0, 0xFFFFFF00, 0xFFFFF000, 0xFFFFFFFE, 0xFFFFFFFF)
_PIECES = (b"nk", b"vk", b"sk", b"li", b"lf", b"lh", b"ri", b"db", b"hbin", b"regf", b"\0\0", b"\xff\xff", b"\\\0",
           b"\0\xd8")


def own_seeds(*, large: bool = True) -> list[bytes]:
    """Hives of our own writer that between them have every kind of record; without the large ones no lists of lists."""
    small = Key("ROOT", (Value.sz("", "default"), Value.dword("Number", 7)), (
        Key("Software", (Value("v", REG_BINARY, bytes(40)),), class_name="Class"),
        Key("\u041a\u043b\u044e\u0447", (Value.multi_sz("\u0438\u043c\u044f", ["a", "b"]),), (Key("deep"), Key("er")),
            security=_OTHER),
        Key("Link", (Value("SymbolicLinkValue", 6, _TARGET),), flags=0x10),
    ))
    delta = Key("ROOT", (Value.sz("x", "y"), Value.tombstone("gone")), (
        Key("gone", semantics=1), Key("tree", (), (Key("a", semantics=3), Key("b", semantics=1)), semantics=3),
        Key("local", (Value.tombstone("z"),), semantics=2), Key("up", (), (Key("new", security=_OTHER),),
                                                                 inherit_class=True)))
    chain = Key("end")
    for depth in range(20):
        chain = Key(f"level {depth}", (Value.sz("at", str(depth)),), (chain,))
    big = Key("ROOT", (Value("big", REG_BINARY, bytes(range(256)) * 130), Value.sz("s", "t")))
    many = Key("ROOT", (), tuple(Key(f"{number:x}") for number in range(520)))
    seeds = [write(small), write(delta, layered=True), write(chain), write(Key("ROOT"))]
    return [*seeds, write(big), write(many)] if large else seeds


def other_seeds(folder: Path) -> list[bytes]:
    """The hives below a folder that are small, without what follows their bins."""
    seeds = []
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and path.stat().st_size < 1 << 20:
            data = path.read_bytes()
            end = PAGE + int.from_bytes(data[40:44], "little")
            if data[:4] == b"regf" and data[28:32] == bytes(4) and end <= LIMIT:
                seeds.append(data[:end])
    return seeds


def mutated(seeds: list[bytes], number: int) -> bytes:
    """The broken hive of that number. Most are made of the first seed, which is small."""
    random = Random(number)
    data = bytearray(seeds[0] if random.random() < 0.5 else random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5, 9))):
        _change(data, random)
    if random.random() < 0.9 and len(data) >= PAGE:
        pack_into("<I", data, 508, checksum(data))
    return bytes(data[:LIMIT])


def _change(data: bytearray, random: Random) -> None:
    """One change: a number, a piece, a bit, a number or a stretch from elsewhere, an end."""
    size = len(data)
    if size < 64:
        return
    # A third of the time in the base block where it counts, else in the bins, mostly at what is no zero.
    at = random.randrange(0, 64) if random.random() < 0.1 else random.randrange(min(PAGE, size - 1), size)
    for _ in range(4):
        if not data[at]:
            at = random.randrange(min(PAGE, size - 1), size)
    at = min(at, size - 16)
    kind = random.randrange(12)
    if kind < 4:
        pack_into("<I", data, at & ~3, random.choice(_NUMBERS))
    elif kind < 5:
        pack_into("<H", data, at & ~1, random.choice(_NUMBERS) & 0xFFFF)
    elif kind < 6:
        data[at] ^= 1 << random.randrange(8)
    elif kind < 7:
        piece = random.choice(_PIECES)
        data[at : at + len(piece)] = piece
    elif kind < 9:  # an offset of another cell, or any other number that the hive has
        there = random.randrange(PAGE, max(size - 4, PAGE + 1)) & ~3
        data[at & ~3 : (at & ~3) + 4] = data[there : there + 4].ljust(4, b"\0")
    elif kind < 10:
        pack_into("<I", data, at & ~3, random.randrange(0, size, 8))
    elif kind < 11:
        there, length = random.randrange(0, size - 16), random.choice((8, 16, 80, 400))
        piece = bytes(data[there : there + length])
        data[at : at + len(piece)] = piece
        del data[size:]
    elif random.random() < 0.2:
        del data[random.randrange(64, size) :]
    else:
        pack_into("<i", data, at & ~7, -(random.choice((8, 16, 32, 96, 1000)) & ~7))


def examine(data: bytes, *, closely: bool = True) -> str:
    """Open a hive both ways, read all of it, check it, write what could be read; returns what came of it.

    ``closely`` reads and checks what was written, too. Anything but FormatError from a reader and InputError from the
    writer goes out, and AssertionError when what was written is not what was read.
    """
    said = "refused"
    for forgiving in (False, True):
        try:
            hive = read(data, forgiving=forgiving)
            tree = freeze(hive.root)
        except FormatError as error:
            assert error.offset is not None
            continue
        said = "read" if not hive.damage else "forgiven"
        try:
            again = write(tree, layered=hive.layered)
        except InputError:
            said += ", not writable"
        else:
            if closely:
                assert _same(freeze(read(again).root), tree)
                wrong = [damage for damage in check(again) if damage.severity == ERROR and damage.id not in _CARRIED]
                assert not wrong, wrong
        if said.startswith("read"):
            break  # a forgiving reader has nothing to forgive
    found = list(check(data))
    assert len(found) <= len(data) + 64
    return said


def _same(one: Key, other: Key) -> bool:
    """Whether two trees have the same names and data; subkeys in any order, and tombstones are written without the
    data that a broken one has."""
    by_name = attrgetter("name")
    expected = tuple(Value.tombstone(value.name) if value.deleted else value for value in other.values)
    return (one.name, one.values, one.class_name) == (other.name, expected, other.class_name or None) and all(
        map(_same, sorted(one.subkeys, key=by_name), sorted(other.subkeys, key=by_name)))


#: What the writer takes over from the tree it is given.
_CARRIED = {"security-descriptor", "layer-tree", "layer-tombstone", "layer-root", "key-name"}
__all__ = ["LIMIT", "examine", "mutated", "other_seeds", "own_seeds"]
