# SPDX-License-Identifier: Apache-2.0
"""Logs: cut into messages as moby cuts them, the last of them, moments and streams."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.engine.streams import lines
from imagebuild.engine.streams.lines import Messages, Wanted, read
from imagebuild.engine.streams.output import LONGEST, Output

_RUNS = st.lists(st.lists(st.tuples(st.integers(1, 2), st.text("ab\n", min_size=1, max_size=12)), max_size=6),
                 min_size=1, max_size=3)
Chunks = Iterable[tuple[int, str]]
Told = list[tuple[int, int, bytes]]


def _flat(found: Iterable[Messages]) -> Told:
    return [(one.at, one.stream, line) for one in found for line in one.lines]


def _write(folder: Path, runs: Iterable[Chunks]) -> Output:
    """Runs of a container, each chunk a nanosecond after the one before."""
    made, at = Output(folder / "output"), 0
    for chunks in runs:
        made.begin()
        for stream, text in chunks:
            made.add(stream, text.encode(), at := at + 1)
        made.finish()
    return made


async def _collect(found: Output, wanted: Wanted) -> Told:
    return _flat([one async for one in read(found, wanted)])


def _read(folder: Path, runs: Iterable[Chunks], **wanted: int) -> Told:
    return asyncio.run(_collect(_write(folder, runs), Wanted(**wanted)))  # type: ignore[arg-type]


def _copied(runs: Iterable[Chunks], longest: int) -> Told:
    """What moby's copier makes of it, a byte at a time (daemon/logger/copier.go)."""
    told: Told = []
    at = 0
    for chunks in runs:
        held = {1: (b"", 0, 0), 2: (b"", 0, 0)}  # bytes, when the last came, when the first part was passed on
        for stream, text in chunks:
            at += 1
            buffer, _, first = held[stream]
            for byte in text.encode():
                if byte == 10:
                    told.append((first or at, stream, buffer + b"\n"))
                    buffer, first = b"", 0
                    continue
                buffer += bytes((byte,))
                if len(buffer) == longest:
                    first = first or at
                    told.append((first, stream, buffer))
                    buffer = b""
            held[stream] = buffer, at, first
        for last, stream in sorted((last, stream) for stream, (buffer, last, _) in held.items() if buffer):
            told.append((held[stream][2] or last, stream, held[stream][0]))
    return told


@given(runs=_RUNS)
def test_messages_are_those_of_mobys_copier(tmp_path_factory: pytest.TempPathFactory, runs: list[Chunks]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LONGEST", 5)
        assert _read(tmp_path_factory.mktemp("log"), runs) == _copied(runs, 5)


@given(runs=_RUNS, tail=st.integers(0, 9), stdout=st.booleans(), stderr=st.booleans())
def test_the_last_messages_are_counted_over_both_streams(tmp_path_factory: pytest.TempPathFactory, runs: list[Chunks],
                                                         tail: int, stdout: bool, stderr: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LONGEST", 5)
        found = _read(tmp_path_factory.mktemp("log"), runs, tail=tail, stdout=stdout, stderr=stderr)
        whole = _copied(runs, 5)
    assert found == [one for one in whole[max(len(whole) - tail, 0):] if (stdout if one[1] == 1 else stderr)]


@given(runs=_RUNS, since=st.integers(0, 19), until=st.integers(0, 19))
def test_moments_cut(tmp_path_factory: pytest.TempPathFactory, runs: list[Chunks], since: int, until: int) -> None:
    told = _copied(runs, LONGEST)
    if until:
        over = [number for number, (at, _, _) in enumerate(told) if at > until]
        told = told[:over[0]] if over else told
    found = _read(tmp_path_factory.mktemp("log"), runs, since=since, until=until)
    assert found == [one for one in told if one[0] >= since]


def test_a_long_line_comes_in_parts_of_one_moment(tmp_path: Path) -> None:
    text = "x" * (2 * LONGEST + 3)
    assert _read(tmp_path, [[(1, text[:9]), (2, "e\n"), (1, text[9:] + "\nshort\n")]]) == [
        (2, 2, b"e\n"), (3, 1, b"x" * LONGEST), (3, 1, b"x" * LONGEST), (3, 1, b"xxx\n"), (3, 1, b"short\n")]


async def _followed(runs: list[Chunks], where: Output, wanted: Wanted) -> Told:
    """Read a run while it is written."""
    found: Told = []

    async def follow() -> None:
        async for one in read(where, wanted):
            found.extend(_flat([one]))

    where.begin()
    reading = asyncio.create_task(follow())
    at = 0
    for stream, text in runs[0]:
        where.add(stream, text.encode(), at := at + 1)
        await asyncio.sleep(0)
    where.finish()
    await asyncio.wait_for(reading, 20)
    return found


@given(runs=_RUNS)
def test_a_follower_gets_the_same_messages(tmp_path_factory: pytest.TempPathFactory, runs: list[Chunks]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LONGEST", 5)
        where = Output(tmp_path_factory.mktemp("log") / "output")
        assert asyncio.run(_followed(runs, where, Wanted(follow=True))) == _copied(runs[:1], 5)


def test_what_has_no_end_yet_is_shown_when_it_has(tmp_path: Path) -> None:
    async def work() -> list[Told]:
        where = Output(tmp_path / "output")
        where.begin()
        where.add(1, b"whole\nhalf", 1)
        seen = [await _collect(where, Wanted()), await _collect(where, Wanted(tail=1))]
        where.add(1, b" and half\n", 2)
        seen.append(await _collect(where, Wanted(tail=1)))
        where.finish()
        return seen

    whole, half = (1, 1, b"whole\n"), (2, 1, b"half and half\n")
    assert asyncio.run(work()) == [[whole], [whole], [half]]


def test_a_follower_of_no_lines_gets_the_line_that_is_being_written(tmp_path: Path) -> None:
    async def work() -> Told:
        where = Output(tmp_path / "output")
        where.begin()
        where.add(1, b"before\nbeg", 1)
        reading = asyncio.create_task(_collect(where, Wanted(follow=True, tail=0)))
        await asyncio.sleep(0)
        where.add(1, b"un\nafter\n", 2)
        where.finish()
        return await asyncio.wait_for(reading, 20)

    assert asyncio.run(work()) == [(2, 1, b"begun\n"), (2, 1, b"after\n")]
