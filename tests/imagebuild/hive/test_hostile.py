# SPDX-License-Identifier: Apache-2.0
"""Hives made to hang, to crash or to fill the memory of who reads them: each ends in FormatError, and soon.

Every shape is opened twice, once as any hive and once forgiving, gone through with all that is in it, and examined.
What they come to is bounded by the file: no more keys than fit in it, no more bytes of data than it has.
"""

from __future__ import annotations

import time
import tracemalloc
from itertools import pairwise
from struct import pack

import pytest
from support.hivebytes import RawHive

from imagebuild.errors import FormatError
from imagebuild.hive import freeze, read
from imagebuild.hive.checks.check import check
from imagebuild.hive.layout import NONE, PAGE

SOON = 20.0
"""Seconds that none of them takes, on a machine that does other work too; without its guard each takes minutes."""


def totals(data: bytes, *, forgiving: bool = False) -> tuple[int, int, int]:
    """Keys, values and bytes of data, everything read."""
    keys = values = size = 0
    for _, key in read(data, forgiving=forgiving).walk():
        keys += 1
        for value in key.values:
            values += 1
            size += len(value.data)
        assert key.security is None or key.security
        size += len(key.class_name or "")
    return keys, values, size


def refused(data: bytes, why: str, at: int) -> set[str]:
    """That a hive is refused for this reason at this place in it; returns the kinds of damage found in it."""
    started = time.monotonic()
    with pytest.raises(FormatError, match=why) as caught:
        totals(data)
    assert caught.value.offset == PAGE + at
    tracemalloc.start()
    try:
        keys, _, size = totals(data, forgiving=True)
        assert tracemalloc.get_traced_memory()[1] < 200 * len(data) + 30_000_000
    finally:
        tracemalloc.stop()
    assert keys <= len(data) // 80 and size <= 65 * len(data)
    kinds = {damage.id for damage in check(data) if damage.severity == "error"}
    assert time.monotonic() - started < SOON
    return kinds


def keys(hive: RawHive, count: int) -> list[int]:
    """So many subkeys of the root."""
    names = [f"k{number:05}" for number in range(count)]
    cells = [hive.key(name) for name in names]
    hive.below(hive.root, *zip(cells, names, strict=True))
    return cells


# -- keys --------------------------------------------------------------------------------------------------------------

def test_a_key_below_itself() -> None:
    hive = RawHive()
    hive.below(hive.root, (hive.root, "ROOT"))
    assert "cell-shared" in refused(hive.hive(), "a key is below two keys, or below itself", hive.root)
    hive = RawHive()
    one = hive.key("a")
    hive.below(hive.root, (one, "a"))
    hive.below(one, (one, "a"))
    assert "cell-shared" in refused(hive.hive(), "a key is below two keys, or below itself", one)


def test_keys_in_a_circle() -> None:
    hive = RawHive()
    cells = [hive.key(f"{number}") for number in range(5)]
    hive.below(hive.root, (cells[0], "0"))
    for number in range(5):
        after = (number + 1) % 5
        hive.below(cells[number], (cells[after], f"{after}"))
    assert "cell-shared" in refused(hive.hive(), "a key is below two keys, or below itself", cells[0])


def test_lists_that_are_shared_on_every_level() -> None:
    # Two keys a level, both with the same list: 2 ** 60 paths in nine thousand bytes.
    hive, above, first = RawHive(), [], 0
    pair = [hive.key("a"), hive.key("b")]
    hive.below(hive.root, (pair[0], "a"), (pair[1], "b"))
    for _ in range(60):
        above, pair = pair, [hive.key("a"), hive.key("b")]
        shared = hive.hashed((pair[0], "a"), (pair[1], "b"))
        first = shared
        for cell in above:
            hive.patch(cell + 24, "<I", 2)
            hive.patch(cell + 32, "<I", shared)
    assert "cell-shared" in refused(hive.hive(), "a list of subkeys belongs to two keys", first)


def test_ten_thousand_levels() -> None:
    hive = RawHive()
    cells = [hive.root, *(hive.key("k") for _ in range(10_000))]
    for above, below in pairwise(cells):
        hive.below(above, (below, "k"))
        hive.patch(below + 20, "<I", above)
    assert refused(hive.hive(), "a key is more than 512 levels deep", cells[512]) == {"key-depth"}
    forgiving = read(hive.hive(), forgiving=True)
    assert len(list(forgiving.walk())) == 512 and freeze(forgiving.root).name == "ROOT"


def test_long_paths_with_many_keys_at_their_end() -> None:
    hive, name = RawHive(), "n" * 200
    cells = [hive.root, *(hive.key(name) for _ in range(500))]
    for above, below in pairwise(cells):
        hive.below(above, (below, name))
    ends = [hive.key(f"{number:05}") for number in range(4000)]
    hive.below(cells[-1], *((cell, f"{number:05}") for number, cell in enumerate(ends)))
    data = hive.hive()
    tracemalloc.start()
    try:
        assert sum(1 for _ in read(data).walk()) == 4501  # all paths together have 400 MB
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


# -- lists of subkeys --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("where", "why", "at"), [
    (0x7FFFFFF8, "a list of subkeys lies outside the hive", PAGE),
    (NONE, "a list of subkeys lies outside the hive", PAGE),
    (0x24, "a list of subkeys lies outside the hive", 0x24),
    (0, "a list of subkeys", 0),
], ids=["outside", "nowhere", "unaligned", "bin"])
def test_lists_that_are_no_lists(where: int, why: str, at: int) -> None:
    hive = RawHive()
    hive.patch(hive.root + 24, "<I", 1)
    hive.patch(hive.root + 32, "<I", where)
    assert refused(hive.hive(), why, at) & {"cell-outside", "cell-missing"}


def test_entries_that_point_outside() -> None:
    hive = RawHive()
    hive.below(hive.root, (0xFFFFFFF8, "a"))
    assert "cell-outside" in refused(hive.hive(), "a key lies outside the hive", PAGE)


@pytest.mark.parametrize("count", [2, 0xFFFF, 0xFFFFFFFF])
def test_a_key_that_claims_more_subkeys_than_it_has(count: int) -> None:
    hive = RawHive()
    hive.below(hive.root, (hive.key("a"), "a"))
    hive.patch(hive.root + 24, "<I", count)
    assert refused(hive.hive(), f"a key claims {count} subkeys, its lists have 1", hive.root) == {"list-count"}
    assert totals(hive.hive(), forgiving=True)[0] == 2


def test_a_list_that_claims_more_entries_than_its_cell_has() -> None:
    hive = RawHive()
    cell = hive.key("a")
    hive.patch(hive.root + 24, "<I", 0xFFFF)
    listed = hive.leaf(b"lh", cell, 0, count=0xFFFF)
    hive.patch(hive.root + 32, "<I", listed)
    assert "list-count" in refused(hive.hive(), "is b'lh' with 65535 entries in", listed)


def test_lists_of_lists_in_a_circle_and_nested() -> None:
    hive = RawHive()
    cell = hive.key("a")
    leaf = hive.hashed((cell, "a"))
    inner = hive.leaf(b"ri", leaf)
    outer = hive.leaf(b"ri", inner)
    hive.patch(hive.root + 24, "<I", 1)
    hive.patch(hive.root + 32, "<I", outer)
    assert "list-nested" in refused(hive.hive(), "a list of lists is in a list of lists", inner)
    hive.patch(outer + 8, "<I", outer)
    assert "cell-shared" in refused(hive.hive(), "a list of lists is in a list of lists", outer)


def test_a_list_of_lists_that_names_one_leaf_again_and_again() -> None:
    hive = RawHive()
    leaf = hive.leaf(b"li", *[hive.key("a")] * 1000)
    outer = hive.leaf(b"ri", *[leaf] * 8000)
    hive.patch(hive.root + 24, "<I", 8_000_000)
    hive.patch(hive.root + 32, "<I", outer)
    assert "cell-shared" in refused(hive.hive(), "a list of lists names one of them twice", outer)


def test_leaves_inside_each_other() -> None:
    # A leaf begins every eight bytes and reaches to the end: a thousand leaves of thousands of entries in 8 KiB.
    hive = RawHive()
    first, count = len(hive.bins), 8000
    for number in range(count):
        hive.bins += pack("<i2sH", -8 * (count - number), b"li", 2 * (count - number) - 2)
    outer = hive.leaf(b"ri", *range(first, first + 8 * count, 8))
    hive.patch(hive.root + 24, "<I", 0xFFFFFFFF)
    hive.patch(hive.root + 32, "<I", outer)
    assert "cell-missing" in refused(hive.hive(), "names more subkeys than the hive has bytes for", outer)
    with pytest.raises(FormatError):
        read(hive.hive()).get("anything")


def test_many_keys_with_one_list_of_nothing() -> None:
    hive = RawHive()
    cells = keys(hive, 300)
    listed = hive.leaf(b"li", *range(0, 64000, 8))
    for cell in cells:
        hive.patch(cell + 24, "<I", 8000)
        hive.patch(cell + 32, "<I", listed)
    assert "cell-shared" in refused(hive.hive(), "a key", 0)


# -- values and their data -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("count", [2**31, 0xFFFFFFFF, 0x40000001])
def test_a_key_that_claims_giant_counts_of_values(count: int) -> None:
    hive = RawHive()
    hive.valued(hive.root, hive.value())
    hive.patch(hive.root + 40, "<I", count)
    where = int.from_bytes(hive.bins[hive.root + 44 : hive.root + 48], "little")
    assert refused(hive.hive(), f"a key claims {count} values, the cell of their list has room for", where) == {
        "cell-small"}


def test_many_keys_with_one_list_of_values() -> None:
    hive = RawHive()
    cells, data = keys(hive, 200), hive.cell(b"x" * 16000)
    listed = hive.numbers(*[hive.value(size=16000, data=data)] * 4000)  # all together 12.8 GB
    for cell in cells:
        hive.patch(cell + 40, "<II", 4000, listed)
    assert "cell-shared" in refused(hive.hive(), "a key has the same value twice", cells[0])
    hive = RawHive()
    cells, listed = keys(hive, 2), hive.numbers(hive.value())
    for cell in cells:
        hive.patch(cell + 40, "<II", 1, listed)
    assert "cell-shared" in refused(hive.hive(), "a list of values belongs to two keys", listed)


def test_many_values_with_the_same_data() -> None:
    hive = RawHive()
    data = hive.cell(b"x" * 16000)
    values = [hive.value(f"{number}", size=16000, data=data) for number in range(2000)]  # all together 32 MB
    hive.valued(hive.root, *values)
    room = len(hive.hive()) - PAGE - 4 * len(values)
    assert "cell-shared" in refused(hive.hive(), "a value shares its bytes with others", values[room // 16000])


def test_many_values_that_claim_a_little_more_than_the_same_data() -> None:
    hive = RawHive()
    data = hive.cell(b"x" * 16000)
    values = [hive.value(f"{number}", size=16100, data=data) for number in range(500)]
    hive.valued(hive.root, *values)
    assert "value-data" in refused(hive.hive(), "a value claims 16100 bytes, its cell has 16004", data)


def test_a_list_of_values_that_is_too_short_and_of_two_keys() -> None:
    hive = RawHive()
    cells, listed = keys(hive, 2), hive.numbers(hive.value())
    for cell in cells:
        hive.patch(cell + 40, "<II", 5, listed)
    assert "cell-small" in refused(hive.hive(), "a key claims 5 values, the cell of their list has room for 1", listed)
    forgiving = read(hive.hive(), forgiving=True)
    assert [len(key.values) for key in forgiving] == [1, 0]
    assert "a list of values belongs to two keys" in forgiving.damage[1].why


def test_one_value_of_many_keys() -> None:
    hive = RawHive()
    cells, value = keys(hive, 2), hive.value(size=300, data=hive.cell(bytes(300)))
    for cell in cells:
        hive.valued(cell, value)
    assert "cell-shared" in refused(hive.hive(), "a value belongs to two keys", value)


@pytest.mark.parametrize(("size", "kinds"), [
    (0x7FFFFFFF, {"value-not-segmented", "value-data"}), (20000, {"value-not-segmented", "value-data"}),
    (5000, {"value-data"}),
])
def test_a_value_that_claims_more_data_than_there_is(size: int, kinds: set[str]) -> None:
    hive = RawHive()
    data = hive.cell(b"some")
    value = hive.value(size=size, data=data)
    hive.valued(hive.root, value)
    assert refused(hive.hive(), f"claims {size} bytes, more than the hive has", value) == kinds


def test_big_data_with_giant_counts() -> None:
    hive = RawHive()
    segment = hive.cell(bytes(16344))
    listed = hive.numbers(*[segment] * 60)
    big = hive.cell(pack("<2sHI", b"db", 0xFFFF, listed))
    value = hive.value(size=20000, data=big)
    hive.valued(hive.root, value)
    assert refused(hive.hive(), "a list of segments has a cell of 248 bytes, at least 262144 are needed", listed) >= {
        "big-data", "cell-small"}
    hive.patch(big + 6, "<H", 1)
    assert "big-data" in refused(hive.hive(), "a value claims 20000 bytes in 1 segments", big)


def test_many_values_of_the_same_segments() -> None:
    hive = RawHive()
    segment = hive.cell(bytes(16344))
    listed = hive.numbers(segment, segment)
    values = []
    for number in range(500):
        values.append(hive.value(f"{number}", size=20000, data=hive.cell(pack("<2sHI", b"db", 2, listed))))
    hive.valued(hive.root, *values)
    room = len(hive.hive()) - PAGE - 4 * len(values)
    assert "cell-shared" in refused(hive.hive(), "a value shares its bytes with others", values[room // 20000])


def test_many_keys_with_one_class() -> None:
    hive = RawHive()
    cells, where = keys(hive, 300), hive.cell(b"x\0" * 30000)
    for cell in cells:
        hive.patch(cell + 52, "<I", where)
        hive.patch(cell + 78, "<H", 60000)
    assert "cell-shared" in refused(hive.hive(), "a class name belongs to two keys", where)


# -- cells and security ------------------------------------------------------------------------------------------------

def test_a_cell_that_ends_behind_its_bin() -> None:
    hive = RawHive()
    cell = hive.key("a")
    hive.below(hive.root, (cell, "a"))
    hive.patch(cell, "<i", -0x2000)
    assert "cell-size" in refused(hive.hive(), "a key has a cell of 8192 bytes, which ends behind its bin", cell)


@pytest.mark.parametrize("size", [0, PAGE])
def test_data_that_look_like_a_bin_are_none(size: int) -> None:
    hive = RawHive()
    data = bytearray(3 * PAGE)
    start = len(hive.bins) + 4
    page = -start % PAGE
    data[page : page + 12] = pack("<4sII", b"hbin", start + page, size)
    hive.valued(hive.root, hive.value(size=len(data), data=hive.cell(bytes(data))))
    hive.below(hive.root, (hive.key("after the page that has it"), "after the page that has it"))
    where = start + page + PAGE
    assert totals(hive.hive()) == (2, 1, len(data)) and where > PAGE
    only = hive.key("x")  # asked for first, without the bin known
    assert read(hive.hive(root=only)).root.name == "x"


def test_security_cells_inside_each_other() -> None:
    # One begins every eight bytes, and each has a descriptor that reaches to the end: 300 of up to 27 KiB in 64 KiB.
    hive = RawHive()
    cells, first = keys(hive, 300), len(hive.bins)
    for number in range(4000):
        hive.bins += pack("<i2sH", -8 * (4000 - number), b"sk", 0)
    for number, cell in enumerate(cells):
        hive.patch(cell + 48, "<I", first + 8 * number)
    data = hive.hive()
    with pytest.raises(FormatError, match="a security descriptor shares its bytes with others"):
        for _, key in read(data).walk():
            assert key.security
    known = {key.security for _, key in read(data, forgiving=True).walk()}
    assert sum(len(descriptor or b"") for descriptor in known) < len(data)
    assert "cell-missing" in {damage.id for damage in check(data)}


@pytest.mark.parametrize("links", [(0, 0), (0x20, 0x20), (0xFFFFFFF8, 0), (0x10, 0x10)])
def test_security_rings_that_lead_away(links: tuple[int, int]) -> None:
    hive = RawHive()
    hive.patch(hive.secured + 8, "<II", *links)
    assert "security-ring" in {damage.id for damage in check(hive.hive())}


def test_bins_that_are_missing_are_looked_for_once() -> None:
    hive = RawHive()
    cells = keys(hive, 20_000)
    data = bytearray(hive.hive())
    data[PAGE + 8 : PAGE + 12] = pack("<I", PAGE)  # the first bin ends early, behind it is none
    started = time.monotonic()
    found, _, _ = totals(bytes(data), forgiving=True)
    assert found < len(cells) and time.monotonic() - started < SOON
