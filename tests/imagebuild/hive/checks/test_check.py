# SPDX-License-Identifier: Apache-2.0
"""Every kind of damage, made on purpose: what is found, where, and that nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack, pack_into

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hivebytes import RawHive

from imagebuild.errors import InputError
from imagebuild.hive import REG_BINARY, Key, Value, read, write
from imagebuild.hive.checks.check import ERROR, KINDS, NOTE, WARNING, Damage, check
from imagebuild.hive.layout import NONE, PAGE, SEGMENT, checksum

Found = list[tuple[str, int, str]]


def examined(data: bytes) -> Found:
    """The damage as (kind, offset after the base block, path)."""
    out = []
    for damage in check(data):
        assert damage.severity == KINDS[damage.id] and damage.sentence
        out.append((damage.id, damage.offset - PAGE, damage.path))
    return out


class Sample:
    """A hive without damage: keys a, b and a\\c, values, a class, big data."""

    def __init__(self, version: tuple[int, int] = (1, 5), flags: int = 0) -> None:
        self.hive = hive = RawHive(version, flags)
        self.a, self.b = hive.key("a"), hive.key("b")
        hive.below(hive.root, (self.a, "a"), (self.b, "b"))
        self.c = hive.key("c", parent=self.a)
        hive.below(self.a, (self.c, "c"))
        self.list_a = int.from_bytes(hive.bins[self.a + 32 : self.a + 36], "little")
        self.list_root = int.from_bytes(hive.bins[hive.root + 32 : hive.root + 36], "little")
        self.data = hive.cell(b"eight by")
        self.v, self.default = hive.value("v", size=8, data=self.data), hive.value("")
        hive.valued(self.a, self.v, self.default, longest=(2, 8))
        self.list_v = int.from_bytes(hive.bins[self.a + 44 : self.a + 48], "little")
        self.segments = [hive.cell(bytes(SEGMENT)), hive.cell(bytes(16))]
        self.list_s = hive.numbers(*self.segments)
        self.db = hive.cell(pack("<2sHI", b"db", 2, self.list_s))
        self.big = hive.value("g", size=SEGMENT + 9, data=self.db)
        hive.valued(self.b, self.big, longest=(2, SEGMENT + 9))
        self.cls = hive.cell(b"C\0")
        hive.patch(self.b + 52, "<I", self.cls)
        hive.patch(self.b + 78, "<H", 2)
        hive.patch(hive.root + 60, "<I", 2)

    def patch(self, at: int, form: str, *numbers: object) -> None:
        self.hive.patch(at, form, *numbers)

    def found(self) -> Found:
        return examined(self.hive.hive())


Make = Callable[[Sample], Found]
CASES: dict[str, Make] = {}


def case(make: Make) -> Make:
    """A change to the sample, and what is found then."""
    CASES[make.__name__.strip("_").replace("_", " ")] = make
    return make


def test_a_hive_without_damage_has_none() -> None:
    assert Sample().found() == []
    assert Sample((1, 6), 2).found() == []
    assert examined(write(Key("ROOT"))) == []


# -- keys --------------------------------------------------------------------------------------------------------------

@case
def a_key_that_is_none(s: Sample) -> Found:
    s.patch(s.c + 4, "<2s", b"xx")
    return [("key-signature", s.c, "a"), ("key-max-large", s.a, "a"), ("security-count", s.hive.secured, "")]


@case
def a_wrong_parent(s: Sample) -> Found:
    s.patch(s.c + 20, "<I", s.b)
    return [("key-parent", s.c, "a\\c")]


@case
def flags_of_a_root_that_are_missing(s: Sample) -> Found:
    s.patch(s.hive.root + 6, "<H", 0x20)
    return [("key-flags", s.hive.root, "")]


@case
def flags_of_a_root_on_another_key(s: Sample) -> Found:
    s.patch(s.b + 6, "<H", 0x24)
    return [("key-flags", s.b, "b")]


@case
def a_predefined_handle(s: Sample) -> Found:
    s.patch(s.c + 6, "<H", 0x60)
    s.patch(s.c + 40, "<I", 0x80000001)
    return [("key-flags", s.c, "a\\c")]


@case
def a_volatile_subkey(s: Sample) -> Found:
    s.patch(s.c + 28, "<I", 1)
    return [("key-volatile", s.c, "a\\c")]


@case
def a_name_longer_than_its_cell(s: Sample) -> Found:
    s.patch(s.c + 76, "<H", 300)  # its cell has room for eight: the hash and the longest name are of another name then
    return [("key-name", s.c, "a\\c" + "\0" * 7), ("list-hash", s.list_a, "a"), ("key-max-small", s.a, "a")]


@case
def no_name(s: Sample) -> Found:
    s.patch(s.c + 76, "<H", 0)
    return [("key-name", s.c, "a\\"), ("list-hash", s.list_a, "a"), ("key-max-large", s.a, "a")]


@case
def a_backslash_in_a_name(s: Sample) -> Found:
    s.patch(s.c + 80, "<c", b"\\")
    return [("key-name", s.c, "a\\\\"), ("list-hash", s.list_a, "a")]


@case
def half_a_character(s: Sample) -> Found:
    s.patch(s.c + 6, "<H", 0)
    return [("key-name", s.c, "a\\"), ("list-hash", s.list_a, "a"), ("key-max-large", s.a, "a")]


@case
def a_character_and_a_half(s: Sample) -> Found:
    s.patch(s.c + 6, "<H", 0)
    s.patch(s.c + 76, "<H", 3)
    return [("key-name", s.c, "a\\c")]


@case
def a_wide_name_that_needs_none(s: Sample) -> Found:
    s.patch(s.c + 6, "<H", 0)
    s.patch(s.c + 76, "<H", 2)
    return [("key-name-wide", s.c, "a\\c")]


@case
def a_name_too_long(s: Sample) -> Found:
    long = s.hive.key("x" * 256, parent=s.a)
    s.hive.below(s.a, (long, "x" * 256))
    s.patch(s.list_a, "<i", 16)  # the list and the key it had are free now
    s.patch(s.c, "<i", 88)
    s.hive.keys -= 1
    return [("key-name", long, "a\\" + "x" * 256)]


@case
def a_class_of_an_odd_size(s: Sample) -> Found:
    s.patch(s.b + 78, "<H", 3)
    return [("key-max-small", s.hive.root, ""), ("key-class", s.cls, "b")]


@case
def a_class_that_is_nowhere(s: Sample) -> Found:
    s.patch(s.b + 52, "<I", NONE)
    return [("cell-outside", s.b, "b"), ("cell-unused", s.cls, "")]


@case
def longest_of_a_key_too_small(s: Sample) -> Found:
    s.patch(s.a + 56, "<H", 0)
    s.patch(s.a + 64, "<II", 0, 7)
    return [("key-max-small", s.a, "a")] * 3


@case
def longest_of_a_key_too_large(s: Sample) -> Found:
    s.patch(s.a + 56, "<H", 4)
    s.patch(s.a + 60, "<III", 2, 4, 9)
    return [("key-max-large", s.a, "a")] * 4


@case
def a_link_without_its_value(s: Sample) -> Found:
    s.patch(s.c + 6, "<H", 0x30)
    return [("symlink", s.c, "a\\c")]


# -- cells -------------------------------------------------------------------------------------------------------------

@case
def a_list_outside(s: Sample) -> Found:
    s.patch(s.a + 32, "<I", 0x7FFFFFF8)
    return [("cell-outside", s.a, "a"), ("key-max-large", s.a, "a"), ("security-count", s.hive.secured, ""),
            ("cell-unused", s.c, ""), ("cell-unused", s.list_a, "")]


@case
def a_pointer_into_a_cell(s: Sample) -> Found:
    s.patch(s.list_v + 4, "<I", s.v + 8)
    return [("cell-missing", s.v + 8, "a"), ("key-max-large", s.a, "a"), ("key-max-large", s.a, "a"),
            ("cell-unused", s.data, ""), ("cell-unused", s.v, "")]


@case
def data_in_a_free_cell(s: Sample) -> Found:
    s.patch(s.data, "<i", 16)
    return [("cell-free", s.data, "a")]


@case
def a_cell_that_is_too_small(s: Sample) -> Found:
    s.patch(s.list_v + 4, "<I", s.data)
    return [("cell-small", s.data, "a"), ("key-max-large", s.a, "a"), ("key-max-large", s.a, "a"),
            ("cell-unused", s.v, "")]


@case
def a_value_that_is_there_twice(s: Sample) -> Found:
    s.patch(s.list_v + 8, "<I", s.v)
    return [("cell-shared", s.v, "a"), ("cell-unused", s.default, "")]


@case
def a_cell_of_nobody(s: Sample) -> Found:
    lost = s.hive.cell(b"lost")
    return [("cell-unused", lost, "")]


# -- lists of subkeys --------------------------------------------------------------------------------------------------

@case
def a_list_of_another_kind(s: Sample) -> Found:
    s.patch(s.list_a + 4, "<2s", b"lx")
    return [("list-kind", s.list_a, "a"), ("key-max-large", s.a, "a"), ("security-count", s.hive.secured, ""),
            ("cell-unused", s.c, "")]


@case
def a_list_in_a_list_in_a_list(s: Sample) -> Found:
    inner = s.hive.leaf(b"ri", s.list_a)
    outer = s.hive.leaf(b"ri", inner)
    s.patch(s.a + 32, "<I", outer)
    return [("list-nested", inner, "a"), ("list-count", s.a, "a"), ("key-max-large", s.a, "a"),
            ("security-count", s.hive.secured, ""), ("cell-unused", s.c, ""), ("cell-unused", s.list_a, "")]


@case
def a_count_that_is_wrong(s: Sample) -> Found:
    s.patch(s.hive.root + 24, "<I", 3)
    return [("list-count", s.hive.root, "")]


@case
def more_entries_than_a_list_has_room_for(s: Sample) -> Found:
    s.patch(s.list_a + 6, "<H", 9)  # there is room for one, and it is read
    return [("list-count", s.list_a, "a")]


@case
def an_empty_list(s: Sample) -> Found:
    empty = s.hive.leaf(b"lh")
    s.patch(s.a + 32, "<I", s.hive.leaf(b"ri", s.list_a, empty))
    return [("list-empty", empty, "a")]


@case
def lists_in_a_list_that_are_none(s: Sample) -> Found:
    other = s.hive.leaf(b"lx")
    top = s.hive.leaf(b"ri", other, NONE, s.list_a)
    s.patch(s.a + 32, "<I", top)
    return [("list-kind", other, "a"), ("cell-outside", top, "a")]


@case
def a_wrong_order(s: Sample) -> Found:
    entries = bytes(s.hive.bins[s.list_root + 8 : s.list_root + 24])
    s.patch(s.list_root + 8, "<16s", entries[8:] + entries[:8])
    return [("list-order", s.list_root, "")]


@case
def a_wrong_order_between_leaves(s: Sample) -> Found:
    one, other = s.hive.hashed((s.b, "b")), s.hive.hashed((s.a, "a"))
    s.patch(s.hive.root + 32, "<I", s.hive.leaf(b"ri", one, other))
    s.patch(s.list_root, "<i", 24)
    return [("list-order", other, "")]


@case
def two_subkeys_of_one_name(s: Sample) -> Found:
    entries = s.hive.hashed((s.a, "a"), (s.b, "A"))
    s.patch(s.b + 80, "<c", b"A")
    s.patch(s.hive.root + 32, "<I", entries)
    s.patch(s.list_root, "<i", 24)
    return [("list-duplicate", s.b, "")]


@case
def a_wrong_hash(s: Sample) -> Found:
    s.patch(s.list_a + 12, "<I", 1)
    return [("list-hash", s.list_a, "a")]


@case
def a_wrong_hint(s: Sample) -> Found:
    s.patch(s.list_a + 4, "<2s", b"lf")
    s.patch(s.list_a + 12, "<4s", b"d\0\0\0")
    return [("list-hint", s.list_a, "a")]


def test_hints_are_compared_in_any_case_and_as_far_as_they_are_ascii() -> None:
    for name, hint in (("c", b"C\0\0\0"), ("longer", b"LONG"), ("\u00e9", b"\x82\0\0\0"), ("\u0436", b"\0\0\0\0")):
        hive = RawHive()
        cell = hive.key(name, flags=0 if name > "\xff" else 0x20)
        hive.below(hive.root, (cell, name))
        hive.patch(hive.root + 32, "<I", hive.leaf(b"lf", cell, int.from_bytes(hint, "little")))
        assert [found for found in examined(hive.hive()) if found[0] != "cell-unused"] == []


# -- values ------------------------------------------------------------------------------------------------------------

@case
def a_value_that_is_none(s: Sample) -> Found:
    s.patch(s.v + 4, "<2s", b"vx")
    return [("value-signature", s.v, "a"), ("key-max-large", s.a, "a"), ("key-max-large", s.a, "a"),
            ("cell-unused", s.data, "")]


@case
def a_value_name_longer_than_its_cell(s: Sample) -> Found:
    s.patch(s.v + 6, "<H", 300)  # room for eight
    return [("value-name", s.v, "a"), ("key-max-small", s.a, "a")]


@case
def a_value_name_of_half_a_character(s: Sample) -> Found:
    s.patch(s.v + 20, "<H", 0)
    return [("value-name", s.v, "a"), ("value-duplicate", s.default, "a"), ("key-max-large", s.a, "a")]


@case
def a_wide_value_name_that_needs_none(s: Sample) -> Found:
    s.patch(s.v + 20, "<H", 0)
    s.patch(s.v + 6, "<H", 2)
    return [("value-name-wide", s.v, "a")]


@case
def a_value_name_too_long(s: Sample) -> Found:
    value = s.hive.value("n" * 16384, flags=0)
    s.hive.valued(s.c, value, longest=(32768, 0))
    return [("value-name-wide", value, "a\\c"), ("value-name", value, "a\\c")]


@case
def two_values_of_one_name(s: Sample) -> Found:
    s.hive.valued(s.c, s.hive.value("One"), s.hive.value("oNE"), longest=(6, 0))
    return [("value-duplicate", s.hive.bins.index(b"oNE") - 24, "a\\c")]


@case
def unknown_flags_of_a_value(s: Sample) -> Found:
    s.patch(s.v + 20, "<H", 9)
    return [("value-flags", s.v, "a")]


@case
def a_tombstone_where_there_are_no_layers(s: Sample) -> Found:
    s.patch(s.v + 20, "<H", 3)
    return [("value-flags", s.v, "a")]


@case
def too_much_inline(s: Sample) -> Found:
    s.patch(s.default + 8, "<I", 0x80000005)
    return [("value-data", s.default, "a")]


@case
def little_data_in_a_cell_of_its_own(s: Sample) -> Found:
    s.patch(s.v + 8, "<I", 4)
    s.patch(s.a + 68, "<I", 4)
    return [("value-not-inline", s.v, "a")]


@case
def less_data_than_a_value_claims(s: Sample) -> Found:
    s.patch(s.v + 8, "<I", 13)
    s.patch(s.a + 68, "<I", 13)
    return [("value-data", s.data, "a")]


@case
def big_data_in_one_cell(s: Sample) -> Found:
    data = s.hive.cell(bytes(SEGMENT + 1))
    s.hive.valued(s.c, s.hive.value("n", size=SEGMENT + 1, data=data), longest=(2, SEGMENT + 1))
    return [("value-not-segmented", data, "a\\c")]


@case
def big_data_in_one_cell_that_begins_like_its_index(s: Sample) -> Found:
    data = s.hive.cell(pack("<2sHI", b"db", 1, s.data) + bytes(SEGMENT))
    s.hive.valued(s.c, s.hive.value("n", size=SEGMENT + 8, data=data), longest=(2, SEGMENT + 8))
    return [("value-not-segmented", data, "a\\c")]


@case
def as_much_as_fits_in_one_cell(s: Sample) -> Found:
    s.hive.valued(s.c, s.hive.value("n", size=SEGMENT, data=s.hive.cell(bytes(SEGMENT))), longest=(2, SEGMENT))
    return []


@case
def a_wrong_count_of_segments(s: Sample) -> Found:
    s.patch(s.db + 6, "<H", 1)
    return [("big-data", s.db, "b"), ("cell-unused", s.segments[1], "")]


@case
def a_segment_that_is_too_short(s: Sample) -> Found:
    s.patch(s.list_s + 4, "<II", *reversed(s.segments))
    return [("big-data", s.segments[1], "b")]


@case
def a_db_cell_that_is_too_small(s: Sample) -> Found:
    small = s.hive.cell(b"db")
    s.patch(s.big + 12, "<I", small)
    return [("big-data", small, "b"), *(("cell-unused", at, "") for at in (*s.segments, s.list_s, s.db))]


def test_before_version_4_data_are_in_one_cell_whatever_their_size() -> None:
    for minor, expected in ((3, []), (4, ["value-not-segmented"])):
        hive = RawHive((1, minor))
        hive.valued(hive.root, hive.value("n", size=20000, data=hive.cell(bytes(20000))), longest=(2, 20000))
        assert [kind for kind, _, _ in examined(hive.hive())] == expected


@pytest.mark.parametrize(("kind", "since"), [(b"lh", 5), (b"lf", 3), (b"li", 2)])
def test_kinds_of_lists_came_with_versions(kind: bytes, since: int) -> None:
    for minor in range(2, 7):
        hive = RawHive((1, minor))
        cell = hive.key("a")
        hive.below(hive.root, (cell, "a"))
        entries = {b"lh": (cell, 0x41), b"lf": (cell, 0x61), b"li": (cell,)}[kind]
        hive.patch(hive.root + 32, "<I", hive.leaf(kind, *entries))
        kinds = {found[0] for found in examined(hive.hive())} - {"cell-unused"}
        assert kinds == (set() if minor >= since else {"list-version"})


def test_hives_of_version_1_have_wide_names_and_no_flags_of_values() -> None:
    hive = RawHive((1, 1))
    value = hive.value("v", flags=0, size=20000, data=hive.cell(bytes(20000)))
    hive.patch(value + 8 + 16, "<I", 0x00030003)  # an index of titles, where later versions have flags
    key = hive.key("key", flags=0)
    hive.below(hive.root, (key, "key"))
    hive.valued(key, value, longest=(2, 20000))
    assert examined(hive.hive()) == []
    read_back = read(hive.hive())["key"]
    assert [(found.name, len(found.data)) for found in read_back.values] == [("v", 20000)]


# -- security ----------------------------------------------------------------------------------------------------------

@case
def no_security(s: Sample) -> Found:
    s.patch(s.c + 48, "<I", NONE)
    return [("security-missing", s.c, "a\\c"), ("security-count", s.hive.secured, "")]


@case
def security_that_is_none(s: Sample) -> Found:
    other = s.hive.cell(b"sx" + bytes(30))
    s.patch(s.c + 48, "<I", other)
    return [("security-signature", other, "a\\c"), ("security-count", s.hive.secured, "")]


@case
def a_descriptor_that_is_none(s: Sample) -> Found:
    s.patch(s.hive.secured + 24, "<B", 9)
    return [("security-descriptor", s.hive.secured, "")]


@case
def a_descriptor_longer_than_its_cell(s: Sample) -> Found:
    s.patch(s.hive.secured + 20, "<I", 0x7FFFFFFF)
    return [("security-descriptor", s.hive.secured, "")]


@case
def a_descriptor_twice(s: Sample) -> Found:
    other = second(s)
    s.patch(s.c + 48, "<I", other)
    s.patch(other + 16, "<I", 1)
    s.hive.keys -= 1
    return [("security-twice", other, "a\\c")]


@case
def security_of_no_key(s: Sample) -> Found:
    other = second(s)
    s.patch(other + 24 + 2, "<B", 0)
    return [("security-unused", other, "")]


@case
def security_outside_the_ring(s: Sample) -> Found:
    other = second(s)
    s.patch(s.c + 48, "<I", other)
    s.patch(other + 16, "<I", 1)
    s.patch(other + 26, "<B", 0)
    s.patch(s.hive.secured + 8, "<II", s.hive.secured, s.hive.secured)
    s.hive.keys -= 1
    return [("security-ring", other, "")]


@case
def a_ring_with_a_wrong_way_back(s: Sample) -> Found:
    s.patch(s.hive.secured + 12, "<I", s.a)
    return [("security-ring", s.hive.secured, "")]


@case
def an_open_ring(s: Sample) -> Found:
    s.patch(s.hive.secured + 8, "<I", s.hive.root)
    return [("cell-shared", s.hive.root, ""), ("security-ring", s.hive.secured, "")]


@case
def a_ring_that_comes_back_too_early(s: Sample) -> Found:
    other = second(s)
    s.patch(other + 8, "<I", other)
    s.patch(other + 26, "<B", 0)
    return [("security-ring", other, ""), ("security-ring", other, ""), ("security-unused", other, "")]


def second(s: Sample) -> int:
    """A second security cell in the ring, with the same descriptor."""
    content = bytes(s.hive.bins[s.hive.secured + 4 : s.list_root])
    size = int.from_bytes(content[16:20], "little")
    other = s.hive.cell(content[: 20 + size])
    s.patch(s.hive.secured + 8, "<II", other, other)
    s.patch(other + 8, "<III", s.hive.secured, s.hive.secured, 0)
    return other


@pytest.mark.parametrize("kind", CASES)
def test_damage_is_found_where_it_is(kind: str) -> None:
    sample = Sample()
    assert CASES[kind](sample) == sample.found()


# -- links and layers --------------------------------------------------------------------------------------------------

TARGET = "\\REGISTRY\\MACHINE\\X".encode("utf-16-le")


@pytest.mark.parametrize(("name", "kind", "data", "good"), [
    ("SymbolicLinkValue", 6, TARGET, True), ("symboliclinkvalue", 6, TARGET, False),
    ("SymbolicLinkValue", 1, TARGET, False), ("SymbolicLinkValue", 6, TARGET[:-1], False),
    ("SymbolicLinkValue", 6, b"", False),
])
def test_a_link_has_one_value_with_a_path(name: str, kind: int, data: bytes, good: bool) -> None:
    tree = Key("ROOT", (), (Key("Link", (Value(name, kind, data),), flags=0x10),))
    assert [found[0] for found in examined(write(tree))] == ([] if good else ["symlink"])


def test_a_link_has_nothing_below_it() -> None:
    link = Key("Link", (Value("SymbolicLinkValue", 6, TARGET),), (Key("below"),), flags=0x10)
    assert [(found[0], found[2]) for found in examined(write(Key("ROOT", (), (link,))))] == [("symlink", "Link")]


@pytest.mark.parametrize(("layers", "expected"), [
    ((0, 0, 0), []), ((1, 0, 0), [("layer-tombstone", "a")]), ((2, 0, 0), []), ((3, 3, 0), []), ((3, 1, 0), []),
    ((3, 0, 0), [("layer-tree", "a\\c")]), ((3, 2, 0), [("layer-tree", "a\\c")]), ((0x83, 3, 0), []),
    ((4, 0, 0), [("layer-bits", "a")]), ((0x40, 0, 0), [("layer-bits", "a")]), ((0, 0, 0x81), [
        ("layer-class", "b"), ("layer-tombstone", "b")]), ((0, 0, 0x80), [("layer-class", "b")]),
], ids=str)
def test_keys_of_a_delta_say_how_they_are_layered(layers: tuple[int, ...], expected: list[tuple[str, str]]) -> None:
    for version, flags in (((1, 6), 2), ((1, 6), 0), ((1, 5), 2)):
        sample = Sample(version, flags)
        for cell, layer in zip((sample.a, sample.c, sample.b), layers, strict=True):
            sample.patch(cell + 17, "<B", layer)
        found = [(kind, path) for kind, _, path in sample.found()]
        if version == (1, 6) and flags:
            assert found == expected
        elif version == (1, 6):
            assert {kind for kind, _ in found} == ({"layer-unsupported"} if any(layers) else set())
        else:
            assert found == []


def test_a_deleted_key_with_subkeys_alone_is_found() -> None:
    tree = Key("ROOT", (), (Key("a", (), (Key("b"),), semantics=2),))
    data = bytearray(write(tree, layered=True))
    at = data.index(b"nk", PAGE + 0x30)
    data[at + 13] = 1
    assert [(kind, path) for kind, _, path in examined(bytes(data))] == [("layer-tombstone", "a")]


def test_the_root_of_a_delta_merges_and_spare_bytes_are_empty() -> None:
    sample = Sample((1, 6), 2)
    sample.patch(sample.hive.root + 17, "<B", 2)
    sample.patch(sample.a + 18, "<H", 1)
    assert sample.found() == [("layer-root", sample.hive.root, ""), ("layer-bits", sample.a, "a")]


@pytest.mark.parametrize(("size", "data", "type"), [(0, NONE, 0), (0x80000000, NONE, 0), (0, 0, 0), (0, NONE, 1)])
def test_tombstones_of_values_have_neither_type_nor_data(size: int, data: int, type: int) -> None:
    sample = Sample((1, 6), 2)
    sample.patch(sample.default + 8, "<III", size, data, type)
    sample.patch(sample.default + 20, "<H", 2)
    good = (size, data, type) == (0, NONE, 0)
    assert sample.found() == ([] if good else [("value-tombstone", sample.default, "a")])


# -- base block and bins -----------------------------------------------------------------------------------------------

def changed(at: int, number: int, *, seal: bool = True) -> bytes:
    """A hive with one number of its base block changed, and by default its checksum right."""
    data = bytearray(Sample().hive.hive())
    pack_into("<I", data, at, number)
    if seal:
        pack_into("<I", data, 508, checksum(data))
    return bytes(data)


@pytest.mark.parametrize(("at", "number", "kind"), [
    (4, 9, "block-dirty"), (28, 1, "block-kind"), (20, 2, "block-version"), (24, 7, "block-version"),
    (24, 0, "block-version"), (32, 0, "block-format"), (44, 8, "block-sector"),
])
def test_the_base_block_is_examined(at: int, number: int, kind: str) -> None:
    found = examined(changed(at, number))
    assert found[0] == (kind, at - PAGE if kind != "block-version" else 20 - PAGE, "")
    assert len(found) == 1 or number == 0  # version 1.0 has other cells
    assert examined(changed(24, 5, seal=False)) == []


def test_a_wrong_checksum_and_a_wrong_size_are_found() -> None:
    assert examined(changed(48, 0x41, seal=False)) == [("block-checksum", 508 - PAGE, "")]
    data = Sample().hive.hive()
    assert examined(data + b"more") == [("block-rest", len(data) - PAGE, "")]
    for size in (0, len(data), 100, 0x80001000):
        assert examined(changed(40, size))[0] == ("block-size", 40 - PAGE, "")


def test_a_root_that_is_nowhere_is_all_that_is_found() -> None:
    found = examined(changed(36, 0x1000000))
    assert found[0] == ("cell-outside", 36 - PAGE, "") and {kind for kind, _, _ in found[1:]} == {"cell-unused"}


@pytest.mark.parametrize("data", [b"", b"regf", b"MZ" * 4000])
def test_what_is_no_hive_is_one_finding(data: bytes) -> None:
    damage, = check(data)
    assert (damage.id, damage.offset, damage.severity) == ("block-signature", 0, ERROR)


@pytest.mark.parametrize(("at", "number", "kind"), [
    (0, 0x12345678, "bin-signature"), (4, 8, "bin-offset"), (8, 100, "bin-size"), (8, 0, "bin-size"),
    (8, 0x7FFFF000, "bin-size"),
])
def test_bins_are_examined(at: int, number: int, kind: str) -> None:
    data = bytearray(write(Key("ROOT", (Value("v", REG_BINARY, bytes(10000)),))))
    second_bin = data.index(b"hbin", PAGE + 1)
    pack_into("<I", data, second_bin + at, number)
    found = examined(bytes(data))
    assert (kind, second_bin - PAGE, "") in found
    assert (kind == "bin-offset") == (len(found) == 1)


def test_a_file_may_end_anywhere_in_a_bin() -> None:
    data = write(Key("ROOT", (Value("v", REG_BINARY, bytes(10000)),)))
    for length in (PAGE, PAGE + 1, PAGE + 31, 2 * PAGE + 10, 2 * PAGE + 40, len(data) - 1):
        assert {"block-size", "bin-size"} <= {kind for kind, _, _ in examined(data[:length])} or length == PAGE


@pytest.mark.parametrize("size", [0, 4, 9, -12, 0x7FFFFFF8, -0x80000000, 0x10000])
def test_cells_are_examined(size: int) -> None:
    sample = Sample()
    sample.patch(sample.cls, "<i", size)
    found = sample.found()
    assert found[0] == ("cell-size", sample.cls, "") and ("cell-missing", sample.cls, "b") in found


def test_old_hives_have_longer_cells() -> None:
    data = bytearray(write(Key("ROOT")))
    pack_into("<I", data, 24, 1)
    pack_into("<I", data, 508, checksum(data))
    assert [found[0] for found in examined(bytes(data))][:1] == ["cell-size"]


# -- all of it ---------------------------------------------------------------------------------------------------------

def test_damage_reads_as_a_line() -> None:
    assert str(Damage("key-parent", ERROR, 4200, "a\\b", "it is wrong")) == (
        "error key-parent at byte 4200 of 'a\\b': it is wrong")
    assert str(Damage("block-rest", NOTE, 8192, "", "it is there")) == "note block-rest at byte 8192: it is there"
    assert set(KINDS.values()) == {ERROR, WARNING, NOTE}


NAMES = st.text(st.characters(exclude_characters="\\\0", exclude_categories=()), min_size=1, max_size=20)
VALUES = st.builds(Value, st.text(max_size=8), st.integers(0, 12), st.binary(max_size=40), st.just(False))
TREES = st.recursive(st.builds(Key, NAMES, st.lists(VALUES, max_size=3, unique_by=lambda value: value.name.casefold())),
                     lambda below: st.builds(Key, NAMES, subkeys=st.lists(below, max_size=4)), max_leaves=12)


@settings(max_examples=100)
@given(TREES)
def test_what_we_write_has_no_damage(tree: Key) -> None:
    try:
        data = write(tree)
    except InputError as error:
        assert "of one name" in str(error)  # as Windows compares them
        return
    assert [found for found in examined(data) if not found[0].endswith("-wide")] == []


def test_a_quick_look_stops_at_the_heads_of_bins() -> None:
    whole = bytearray(write(Key("ROOT", (), [Key(f"k{number}", [Value("v", 3, bytes(4000))]) for number in range(9)])))
    whole[whole.index(b"lh", 4096) + 8] ^= 1
    assert [damage.id for damage in check(bytes(whole))] == ["list-hash"]
    assert list(check(bytes(whole), quick=True)) == []
    second = 4096 + int.from_bytes(whole[4096 + 8:4096 + 12], "little")
    for at, kind in ((508, "block-checksum"), (second, "bin-signature"), (second + 4, "bin-offset"),
                     (second + 8, "bin-size")):
        broken = bytearray(whole)
        broken[at] ^= 1
        assert [damage.id for damage in check(bytes(broken), quick=True)] == [kind]
