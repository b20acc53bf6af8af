# SPDX-License-Identifier: Apache-2.0
"""Digests remembered from build to build."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.builder.context import Context
from imagebuild.builder.statcache import StatCache

SECOND = 1_000_000_000
OLD = (3, 100 * SECOND, 100 * SECOND, 7)


def test_a_digest_is_remembered_for_exactly_the_same_facts(tmp_path: Path) -> None:
    cache = StatCache(tmp_path / "deep" / "c.json", now=lambda: 200 * SECOND)
    cache.put("a\udcff", OLD, "sha256:aa")
    cache.save()
    again = StatCache(tmp_path / "deep" / "c.json")
    assert again.get("a\udcff", OLD) == "sha256:aa"
    for position in range(4):
        changed = tuple(number + (index == position) for index, number in enumerate(OLD))
        assert again.get("a\udcff", changed) is None  # type: ignore[arg-type]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["c.json"]


@pytest.mark.parametrize("facts", [(3, 199 * SECOND, 0, 7), (3, 0, 199 * SECOND, 7), (3, 300 * SECOND, 0, 7)])
def test_a_file_touched_just_before_it_was_read_is_not_trusted(facts: tuple[int, int, int, int]) -> None:
    cache = StatCache(now=lambda: 200 * SECOND)
    cache.put("a", facts, "sha256:aa")
    assert cache.get("a", facts) is None
    later = StatCache(now=lambda: 303 * SECOND)
    later.put("a", facts, "sha256:aa")
    assert later.get("a", facts) == "sha256:aa"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version":2,"files":{"a":[1,2,3,4,"sha256:x"]}}',
                                     b'{"version":1,"files":{"a":[1,2,3,"x","sha256:x"]}}',
                                     b'{"version":1,"files":{"a":[1]}}', b"\xff", b"[" * 100000])
def test_a_damaged_cache_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.json").write_bytes(content)
    assert StatCache(tmp_path / "c.json").get("a", (1, 2, 3, 4)) is None


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = StatCache(tmp_path / "file" / "c.json", now=lambda: 200 * SECOND)
    cache.put("a", OLD, "sha256:aa")
    cache.save()
    assert cache.get("a", OLD) == "sha256:aa"


def test_what_was_not_asked_for_can_be_forgotten(tmp_path: Path) -> None:
    cache = StatCache(tmp_path / "c.json", now=lambda: 200 * SECOND)
    cache.put("a", OLD, "sha256:aa")
    cache.put("b", OLD, "sha256:bb")
    cache.save()
    again = StatCache(tmp_path / "c.json")
    again.get("b", OLD)
    again.forget_unused()
    again.save()
    last = StatCache(tmp_path / "c.json")
    assert (last.get("a", OLD), last.get("b", OLD)) == (None, "sha256:bb")


def test_a_second_build_reads_no_unchanged_file_and_sees_a_changed_one(tmp_path: Path) -> None:
    root, folder = tmp_path / "context", tmp_path / "cache"
    root.mkdir()
    (root / "a.txt").write_text("one")
    tomorrow = (root / "a.txt").stat().st_ctime_ns + 86400 * SECOND

    def digest() -> str:
        with Context.from_folder(root, cache=StatCache.for_folder(root, folder, now=lambda: tomorrow)) as context:
            return context.digest("a.txt")

    first = digest()
    table = next(folder.iterdir())
    table.write_text(table.read_text().replace(first, "sha256:remembered"))
    assert digest() == "sha256:remembered"
    (root / "a.txt").write_text("two")
    assert digest() not in (first, "sha256:remembered")
