# SPDX-License-Identifier: Apache-2.0
"""Hives we write: what is in them, and what an independent reader (hivex) says of them."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from struct import unpack_from
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hives import SHARED

from imagebuild.errors import InputError
from imagebuild.hive import DEFAULT_SECURITY, REG_BINARY, Key, KeyLike, Value, freeze, read, write
from imagebuild.hive.base_block import parse_base_block
from imagebuild.hive.layout import KEY, checksum, name_hash
from imagebuild.hive.tree import MERGE, NO_DELETE, SUPERSEDE_LOCAL, SUPERSEDE_TREE, SYMLINK, TOMBSTONE
from imagebuild.windows.acl.sddl import format_sddl
from imagebuild.windows.security import SecurityDescriptor
from imagebuild.windows.upcase import fold

THIRD = DEFAULT_SECURITY[:2] + b"\x04\x80" + DEFAULT_SECURITY[4:]
OTHER = DEFAULT_SECURITY[:2] + b"\x04\x84" + DEFAULT_SECURITY[4:]


def cells(data: bytes) -> list[tuple[int, int, bytes]]:
    """Every cell of every bin as (offset, size, content), checking that they fill the bins exactly."""
    out, at = [], 0
    size = unpack_from("<I", data, 40)[0]
    assert len(data) == 4096 + size
    while at < size:
        sig, own, length = unpack_from("<4sII", data, 4096 + at)
        assert (sig, own, length % 4096) == (b"hbin", at, 0)
        cell, end = at + 32, at + length
        while cell < end:
            amount = unpack_from("<i", data, 4096 + cell)[0]
            assert amount and abs(amount) % 8 == 0
            assert cell + abs(amount) <= end
            out.append((cell, amount, data[4096 + cell + 4 : 4096 + cell + abs(amount)]))
            cell += abs(amount)
        at = end
    return out


def tree_of(data: bytes) -> Key:
    return freeze(read(data).root)


def resolved(key: KeyLike, security: bytes = DEFAULT_SECURITY, time: int = 0, *, root: bool = True) -> Key:
    """The tree as a reader must see it: inherited security and time filled in, subkeys sorted."""
    mine = key.security or security
    children = sorted(key.subkeys, key=lambda k: fold(k.name).encode("utf-16-be", "surrogatepass"))
    return Key(key.name, key.values, tuple(resolved(child, mine, time, root=False) for child in children),
               mine, key.class_name or None, 0 if key.semantics == TOMBSTONE else
               time if key.last_write is None else key.last_write, key.flags | (NO_DELETE if root else 0), key.control,
               key.semantics, key.inherit_class)


SAMPLE = Key("ROOT", (Value.sz("", "default"), Value.dword("Number", 7)), (
    Key("Software", (Value("Big", REG_BINARY, bytes(range(256)) * 300),), class_name="Class"),
    Key("ControlSet001", security=OTHER, subkeys=(Key("Ключ", (Value.multi_sz("имя", ["a", "b"]),)),)),
    Key("Third", security=THIRD),
))


def test_a_hive_reads_back_as_the_tree_it_was_made_of() -> None:
    assert tree_of(write(SAMPLE)) == resolved(SAMPLE)
    assert tree_of(write(SAMPLE, layered=True, timestamp=5)) == resolved(SAMPLE, time=5)


def test_the_base_block_is_clean_and_its_checksum_right() -> None:
    data = write(SAMPLE, name="C:\\Windows\\System32\\config\\SYSTEM", timestamp=123)
    assert unpack_from("<4sIIQIIII", data) == (b"regf", 1, 1, 123, 1, 5, 0, 1)
    assert unpack_from("<I", data, 508)[0] == checksum(data[:512])
    assert data[48:112].decode("utf-16-le").rstrip("\0") == r"C:\Windows\System32\config\SYSTEM"[-31:]
    assert data == write(SAMPLE, name="C:\\Windows\\System32\\config\\SYSTEM", timestamp=123)


def test_a_checksum_never_is_zero_or_all_ones() -> None:
    assert checksum(bytes(508)) == 1
    assert checksum(b"\xff\xff\xff\xff" + bytes(504)) == 0xFFFFFFFE


def test_cells_fill_their_bins_and_the_root_comes_first() -> None:
    found = cells(write(SAMPLE))
    assert found[0][0] == 0x20
    assert found[0][2][:4] == b"nk\x2c\x00"


def test_equal_security_is_shared_counted_and_linked_in_a_ring() -> None:
    ring = {at: unpack_from("<IIII", content, 4) for at, size, content in cells(write(SAMPLE))
            if size < 0 and content[:2] == b"sk"}
    assert sorted(fields[2] for fields in ring.values()) == [1, 2, 2]
    root = next(content for _, _, content in cells(write(SAMPLE)) if content[:2] == b"nk")
    first = unpack_from("<I", root, 44)[0]
    assert first < ring[first][0] < ring[ring[first][0]][0], "forward is the order they were written in"
    start = at = next(iter(ring))
    for _ in ring:
        assert ring[ring[at][0]][1] == at
        at = ring[at][0]
    assert at == start
    used = Counter(unpack_from("<I", content, 44)[0] for _, size, content in cells(write(SAMPLE))
                   if size < 0 and content[:2] == b"nk")
    assert used == {at: fields[2] for at, fields in ring.items()}


def test_a_key_keeps_the_longest_name_class_and_data_below_it() -> None:
    data = write(SAMPLE)
    fields = KEY.unpack_from(data, 4096 + 0x20)
    assert fields[16] == 2 * len("ControlSet001")
    assert fields[19] == 2 * len("Class")
    assert fields[20] == 2 * len("Number")
    assert fields[21] == len(Value.sz("", "default").data)
    assert (fields[8], fields[12]) == (3, 2)


@pytest.mark.parametrize(("count", "leaves"), [(1, [1]), (507, [507]), (508, [507, 1]), (1100, [507, 507, 86])])
def test_many_subkeys_are_split_into_leaves_of_507(count: int, leaves: list[int]) -> None:
    data = write(Key("ROOT", subkeys=tuple(Key(f"k{number}") for number in reversed(range(count)))))
    lists = [content for _, size, content in cells(data) if size < 0 and content[:2] == b"lh"]
    assert [unpack_from("<H", content, 2)[0] for content in lists] == leaves
    assert any(content[:2] == b"ri" for _, size, content in cells(data) if size < 0) == (len(leaves) > 1)
    names = [key.name for key in tree_of(data).subkeys]
    assert names == sorted((f"k{number}" for number in range(count)), key=str.upper)


def test_the_hash_of_a_name_goes_by_upcased_code_units() -> None:
    assert name_hash("A") == 65
    assert name_hash("AB") == 37 * 65 + 66
    assert name_hash("\U00010400") == 37 * 0xD801 + 0xDC00
    listed = [content for _, _, content in cells(write(SAMPLE)) if content[:2] == b"lh"][-1]
    assert [unpack_from("<I", listed, 8 + 8 * at)[0] for at in (0, 1)] == \
        [name_hash("CONTROLSET001"), name_hash("SOFTWARE")]


@pytest.mark.parametrize(("size", "form"), [(0, "inline"), (4, "inline"), (5, "cell"), (16344, "cell"), (16345, "db"),
                                            (16344 * 2, "db"), (16344 * 2 + 1, "db")])
def test_data_lies_where_windows_looks_for_it(size: int, form: str) -> None:
    data = write(Key("ROOT", (Value("v", REG_BINARY, b"\xa5" * size),)))
    stored = next(content for _, _, content in cells(data) if content[:2] == b"vk")
    assert bool(unpack_from("<I", stored, 4)[0] & 0x80000000) == (form == "inline")
    assert any(content[:2] == b"db" for _, _, content in cells(data)) == (form == "db")
    assert tree_of(data).values[0].data == b"\xa5" * size


def test_the_default_value_has_no_name_and_no_flag() -> None:
    stored = [content for _, _, content in cells(write(Key("R", (Value.sz("", "x"), Value.sz("n", "x")))))
              if content[:2] == b"vk"]
    assert [unpack_from("<HxxxxxxxxxxxxH", content, 2)[1] for content in stored] == [0, 1]


@pytest.mark.parametrize(("tree", "said"), [
    (Key("R", subkeys=(Key("a"), Key("A"))), "two subkeys of one name"),
    (Key("R", (Value.sz("n", ""), Value.sz("N", ""))), "two values of one name"),
    (Key("R", subkeys=(Key("a\\b"),)), "backslash"),
    (Key("R", subkeys=(Key("x" * 256),)), "255 are allowed"),
    (Key("R", (Value.sz("x" * 16384, ""),)), "16383"),
    (Key("R", subkeys=(Key("k", class_name="c" * 40000),)), "65535"),
])
def test_what_no_registry_can_hold_is_refused(tree: Key, said: str) -> None:
    with pytest.raises(InputError, match=said):
        write(tree)


def test_a_tree_deeper_than_512_levels_is_refused_and_512_is_written() -> None:
    tree = Key("leaf")
    for _ in range(511):
        tree = Key("k", subkeys=(tree,))
    assert len(write(tree)) > 4096
    with pytest.raises(InputError, match="512 levels"):
        write(Key("k", subkeys=(tree,)))


names = st.text(st.characters(exclude_characters="\\", codec="utf-16-le"), min_size=1, max_size=8)
values = st.lists(st.builds(Value, st.one_of(st.just(""), names), st.integers(0, 2**32 - 1), st.binary(max_size=40),
                            st.just(False)),
                  max_size=4, unique_by=lambda value: fold(value.name)).map(tuple)
trees = st.recursive(
    st.builds(Key, names, values),
    lambda below: st.builds(
        Key, names, values, st.lists(below, max_size=5, unique_by=lambda key: fold(key.name)).map(tuple),
        st.sampled_from([None, OTHER, DEFAULT_SECURITY]), st.one_of(st.none(), names), st.integers(0, 2**63),
        st.sampled_from([0, SYMLINK, 0x80]), st.sampled_from([0, 0xA0, 0x11])),
    max_leaves=12)


tombstones = st.builds(Value.tombstone, names)
delta_values = st.lists(st.one_of(values.map(lambda some: some[0] if some else Value.sz("", "")), tombstones),
                        max_size=4, unique_by=lambda value: fold(value.name)).map(tuple)
deltas = st.recursive(
    st.builds(Key, names, delta_values, semantics=st.sampled_from([MERGE, TOMBSTONE, SUPERSEDE_LOCAL, SUPERSEDE_TREE]),
              inherit_class=st.booleans()),
    lambda below: st.builds(
        Key, names, delta_values, st.lists(below, max_size=5, unique_by=lambda key: fold(key.name)).map(tuple),
        semantics=st.sampled_from([MERGE, SUPERSEDE_LOCAL, SUPERSEDE_TREE]), inherit_class=st.booleans()),
    max_leaves=12).map(lambda key: Key("ROOT", key.values, key.subkeys))


@settings(max_examples=60, deadline=None)
@given(deltas)
def test_any_delta_reads_back_as_itself(tree: Key) -> None:
    data = write(tree, layered=True, timestamp=9)
    cells(data)
    assert tree_of(data) == resolved(tree, time=9)


def test_a_delta_says_so_in_its_base_block_as_those_of_windows_do() -> None:
    block = parse_base_block(write(SAMPLE, layered=True, timestamp=77))
    assert (block.version, block.flags, block.offreg, block.last_written, block.reorganized) == ((1, 6), 2, True, 0, 77)
    assert block.layered() and not block.dirty()
    assert not parse_base_block(write(SAMPLE)).layered()


def test_tombstones_have_the_shape_that_windows_gives_them() -> None:
    data = write(Key("ROOT", (Value.tombstone("v"),), (Key("gone", semantics=TOMBSTONE, last_write=5),)), layered=True)
    fields = next(KEY.unpack_from(data, 4096 + at) for at, _, content in cells(data)
                  if content[:2] == b"nk" and content[13] == 1)
    none = 0xFFFFFFFF
    assert fields[2:6] == (0x20, 0, 2, 1), "compressed name, no time, access bits 2, layer byte 1"
    assert (fields[8], fields[10], fields[12], fields[13], fields[15]) == (0, none, 0, none, none)
    assert fields[14] == KEY.unpack_from(data, 4096 + 0x20)[14], "it has a security descriptor, and counts for it"
    stored = next(content for _, _, content in cells(data) if content[:2] == b"vk")
    assert unpack_from("<2sHIIIH", stored) == (b"vk", 1, 0, none, 0, 3)


@pytest.mark.parametrize("tree", [
    Key("R", subkeys=(Key("k", semantics=TOMBSTONE),)), Key("R", semantics=SUPERSEDE_TREE),
    Key("R", inherit_class=True), Key("R", (Value.tombstone("v"),))])
def test_a_plain_hive_deletes_and_supersedes_nothing(tree: Key) -> None:
    with pytest.raises(InputError, match="only a delta can"):
        write(tree)
    write(tree, layered=True)


@settings(max_examples=60, deadline=None)
@given(trees)
def test_any_tree_reads_back_as_itself(tree: Key) -> None:
    data = write(tree)
    cells(data)
    assert tree_of(data) == resolved(tree)


@pytest.mark.skipif(not shutil.which("hivexml"), reason="hivexml is missing (Debian package libhivex-bin)")
def test_hivex_reads_the_same_keys_and_values(tmp_path) -> None:  # type: ignore[no-untyped-def]
    many = Key("Many", subkeys=tuple(Key(f"k{number}", (Value.dword("n", number),)) for number in range(1100)))
    tree = Key("ROOT", SAMPLE.values, (*SAMPLE.subkeys, many))
    (tmp_path / "hive").write_bytes(write(tree, timestamp=132_000_000_000_000_000))
    xml = ElementTree.fromstring(subprocess.run(["hivexml", tmp_path / "hive"], capture_output=True, check=True).stdout)
    root = xml.find("node")
    assert root is not None
    assert [node.get("name") for node in root.findall("node")] == \
        ["ControlSet001", "Many", "Software", "Third"]
    assert len(root.findall("node[@name='Many']/node")) == 1100
    assert root.find("node[@name='Many']/node[@name='k77']/value").get("value") == "77"  # type: ignore[union-attr]
    assert root.find("node[@name='ControlSet001']/node").get("name") == "Ключ"  # type: ignore[union-attr]
    dump = subprocess.run(["hivexget", tmp_path / "hive", "Software", "Big"], capture_output=True, check=True).stdout
    assert dump == bytes(range(256)) * 300


def test_the_default_security_is_that_of_hklm_software() -> None:
    assert format_sddl(SecurityDescriptor.from_bytes(DEFAULT_SECURITY)) == \
        "O:BAG:SYD:PAI(A;CIIO;KA;;;CO)(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;BU)(A;CI;KR;;;AC)"


REAL_DELTAS = ["System_Delta.sandbox", "Software_Delta.image-layer"]


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no hives in {SHARED}")
@pytest.mark.parametrize("name", REAL_DELTAS)
def test_the_deltas_of_windows_written_anew_keep_every_field_that_means_something(name: str) -> None:
    """Key by key and value by value; ``docs/registry.md`` lists what differs. Bytes that Windows leaves as they were
    in memory (a value's spare word, a security cell's), and maxima that it does not lower, are not kept."""
    hive = read((SHARED / "delta" / name).read_bytes())
    ours = read(write(hive.root, layered=True, name=hive.block.name, timestamp=hive.block.reorganized))
    assert freeze(ours.root) == freeze(hive.root)
    old, new = dict(hive.walk()), dict(ours.walk())
    assert list(old) == list(new)
    for path in old:
        one = KEY.unpack_from(hive.data, 4096 + old[path].at)
        other = KEY.unpack_from(ours.data, 4096 + new[path].at)
        # signature, flags, time, access bits, layer byte, spare; subkeys; values; control, debug; work; name, class
        for fields in (slice(1, 7), 8, 12, slice(17, 19), slice(22, 25)):
            assert one[fields] == other[fields], (path, fields)
        for maximum in (16, 19, 20, 21):
            assert other[maximum] <= one[maximum], path
        assert (one[10] == 0xFFFFFFFF, one[13] == 0xFFFFFFFF, one[15] == 0xFFFFFFFF) == \
            (other[10] == 0xFFFFFFFF, other[13] == 0xFFFFFFFF, other[15] == 0xFFFFFFFF)
    block, written = hive.block, ours.block
    assert replace(written, size=0, sequences=(0, 0), serialized=0) == \
        replace(block, size=0, sequences=(0, 0), serialized=0)
