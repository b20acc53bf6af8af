# SPDX-License-Identifier: Apache-2.0
"""Digests remembered from build to build."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.builder.context.context import Context
from imagebuild.builder.context.statcache import StatCache

SECOND = 1_000_000_000
OLD = (3, 100 * SECOND, 100 * SECOND, 7)
AA, BB = "sha256:" + "aa" * 32, "sha256:" + "bb" * 32


def columns(*facts: tuple[int, int, int, int]) -> array[int]:
    return array("q", [number for each in facts for number in each])


def test_a_digest_is_remembered_for_exactly_the_same_facts(tmp_path: Path) -> None:
    cache = StatCache(tmp_path / "deep" / "c.json", now=lambda: 200 * SECOND)
    cache.put("a\udcff", OLD, AA)
    cache.save()
    again = StatCache(tmp_path / "deep" / "c.json")
    assert again.get("a\udcff", OLD) == AA
    for position in range(4):
        changed = tuple(number + (index == position) for index, number in enumerate(OLD))
        assert again.get("a\udcff", changed) is None  # type: ignore[arg-type]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["c.json"]


@pytest.mark.parametrize("facts", [(3, 199 * SECOND, 0, 7), (3, 0, 199 * SECOND, 7), (3, 300 * SECOND, 0, 7)])
def test_a_file_touched_just_before_it_was_read_is_not_trusted(facts: tuple[int, int, int, int]) -> None:
    cache = StatCache(now=lambda: 200 * SECOND)
    cache.put("a", facts, AA)
    assert cache.get("a", facts) is None
    later = StatCache(now=lambda: 303 * SECOND)
    later.put("a", facts, AA)
    assert later.get("a", facts) == AA


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version":1,"files":{"a":[1,2,3,4,"sha256:x"]}}',
                                     b'{"version":2,"folders":[["","a","AQID","x"]]}', b'{"version":2,"folders":[1]}',
                                     b'{"version":2,"folders":[["","a","",""]]}',
                                     b'{"version":2,"folders":[[1,2,3,4]]}',
                                     b'{"version":2,"folders":null}', b'{"version":2}', b"\xff", b"[" * 100000])
def test_a_damaged_cache_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.json").write_bytes(content)
    assert StatCache(tmp_path / "c.json").get("a", (1, 2, 3, 4)) is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = StatCache(tmp_path / "file" / "c.json", now=lambda: 200 * SECOND)
    cache.put("a", OLD, AA)
    cache.save()
    assert cache.get("a", OLD) == AA


def test_files_of_one_folder_are_remembered_together_and_found_together_or_alone(tmp_path: Path) -> None:
    facts = columns(OLD, (4, *OLD[1:]), (5, *OLD[1:]))
    told = b"".join(bytes([number]) * 32 for number in range(3))
    cache = StatCache(tmp_path / "c.json", now=lambda: 200 * SECOND)
    cache.put_all("d", ["a", "b\udcff", "c"], facts, told)
    cache.put("d/b\udcff", (4, *OLD[1:]), BB)
    cache.put("e", OLD, AA)
    mixed = told[:32] + b"\xbb" * 32 + told[64:]
    cache.save()
    for again in (cache, StatCache(tmp_path / "c.json")):
        assert again.get_all("d", ["a", "b\udcff", "c"], facts) == mixed
        assert again.get_all("d", ["a", "c"], columns(OLD, (5, *OLD[1:]))) == told[:32] + told[64:]
        assert again.get_all("d", ["a", "c"], columns(OLD, OLD)) == [told[:32], None]
        assert again.get_all("x", ["a"], columns(OLD)) == [None]
        assert (again.get("d/a", OLD), again.get("e", OLD)) == ("sha256:" + "00" * 32, AA)
    cache.put_all("d", ["b\udcff"], facts[4:8], told[32:64])
    assert cache.get_all("d", ["a", "b\udcff", "c"], facts) == told


def test_files_of_a_folder_touched_after_the_cache_was_opened_are_not_trusted(tmp_path: Path) -> None:
    clock = [200 * SECOND]
    cache = StatCache(tmp_path / "c.json", now=lambda: clock[0])
    clock[0] = 900 * SECOND
    late = (3, 199 * SECOND, 0, 7)
    cache.put_all("", ["a", "b"], columns(OLD, OLD), b"\xaa" * 64)
    cache.put_all("", ["a", "b"], columns(OLD, late), b"\xbb" * 64)
    cache.save()
    for again in (cache, StatCache(tmp_path / "c.json")):
        assert again.get_all("", ["a", "b"], columns(OLD, late)) == [b"\xbb" * 32, None]
        assert again.get("b", OLD) is None


rows_of_files = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2), st.integers(0, 2)), min_size=1,
                         unique_by=lambda row: row[0])


@given(st.lists(st.tuples(st.booleans(), rows_of_files), max_size=6))
def test_together_or_one_by_one_the_same_is_remembered(steps: list[tuple[bool, list[tuple[str, int, int]]]]) -> None:
    """The latest digest of a name counts, for the facts it was given with; times of 199 s are too late."""
    cache, expected = StatCache(now=lambda: 200 * SECOND), dict[str, tuple[tuple[int, int, int, int], str]]()
    for together, rows in steps:
        facts = [(size, (100, 199)[size == 2] * SECOND, 0, 7) for _, size, _ in rows]
        digests = [bytes([number]) * 32 for _, _, number in rows]
        names = [f"{name}" for name, _, _ in rows]
        if together:
            cache.put_all("d", names, columns(*facts), b"".join(digests))
        for name, fact, digest in zip(names, facts, digests, strict=True):
            if not together:
                cache.put(f"d/{name}", fact, "sha256:" + digest.hex())
            expected[name] = fact, "sha256:" + digest.hex()
    for name in "abc":
        for size in range(3):
            asked = (size, (100, 199)[size == 2] * SECOND, 0, 7)
            known = expected.get(name)
            assert cache.get(f"d/{name}", asked) == (known[1] if known and known[0] == asked and size != 2 else None)


def test_a_second_build_reads_no_unchanged_file_and_sees_a_changed_one(tmp_path: Path) -> None:
    root, folder = tmp_path / "context", tmp_path / "cache"
    root.mkdir()
    (root / "a.txt").write_text("one")
    tomorrow = (root / "a.txt").stat().st_ctime_ns + 86400 * SECOND

    def digest() -> str:
        with Context.from_folder(root, cache=StatCache.for_folder(root, folder, now=lambda: tomorrow)) as context:
            return context.digest("a.txt")

    first = digest()
    with Context.from_folder(root, cache=StatCache.for_folder(root, folder, now=lambda: tomorrow)) as context:
        item = context.get("a.txt")
        assert item is not None
        context.tree.learn(item, AA)
    assert digest() == AA
    (root / "a.txt").write_text("two")
    assert digest() not in (first, AA)
