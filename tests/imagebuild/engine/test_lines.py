# SPDX-License-Identifier: Apache-2.0
"""Logs: the last lines, times before lines, moments and streams."""

from __future__ import annotations

import asyncio
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.engine.lines import LONGEST, Wanted, read
from imagebuild.engine.output import Output

_CHUNKS = st.lists(st.tuples(st.integers(1, 2), st.text("ab\n", min_size=1, max_size=6)), max_size=10)


def _read(folder: Path, chunks: list[tuple[int, str]], wanted: Wanted) -> list[tuple[int, bytes]]:
    async def work() -> list[tuple[int, bytes]]:
        output = Output(folder / "output")
        output.begin()
        for number, (stream, text) in enumerate(chunks):
            output.add(stream, text.encode(), number + 1)
        output.finish()
        return [piece async for piece in read(output, wanted)]

    return asyncio.run(work())


@given(chunks=_CHUNKS, tail=st.integers(0, 6))
def test_the_last_lines_of_one_stream_are_the_last_of_its_text(
        tmp_path_factory: pytest.TempPathFactory, chunks: list[tuple[int, str]], tail: int) -> None:
    found = _read(tmp_path_factory.mktemp("log"), chunks, Wanted(stderr=False, tail=tail))
    whole = "".join(text for stream, text in chunks if stream == 1)
    lines = whole.splitlines(keepends=True)
    assert b"".join(data for _, data in found).decode() == "".join(lines[-tail:] if tail else [])
    assert {stream for stream, _ in found} <= {1}


@given(chunks=_CHUNKS, stdout=st.booleans(), stderr=st.booleans())
def test_streams_are_chosen_and_nothing_is_changed(tmp_path_factory: pytest.TempPathFactory,
                                                   chunks: list[tuple[int, str]], stdout: bool, stderr: bool) -> None:
    found = _read(tmp_path_factory.mktemp("log"), chunks, Wanted(stdout, stderr))
    assert _joined(found) == _joined([(stream, text.encode()) for stream, text in chunks
                                      if (stdout if stream == 1 else stderr)])


def _lines(chunks: list[tuple[int, str]]) -> list[tuple[int, str]]:
    return [(stream, text + "\n") for stream, text in chunks]


def _joined(pieces: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Neighbours of one stream as one: where a line is cut says nothing."""
    return [(stream, b"".join(data for _, data in group)) for stream, group in groupby(pieces, lambda piece: piece[0])]


@given(chunks=_CHUNKS)
def test_a_piece_ends_where_a_line_ends_if_it_goes_on_at_once(tmp_path_factory: pytest.TempPathFactory,
                                                              chunks: list[tuple[int, str]]) -> None:
    found = _read(tmp_path_factory.mktemp("log"), chunks, Wanted())
    for (stream, data), (after, _) in pairwise(found):
        assert data.endswith(b"\n") or stream != after


async def _followed(output: Output, chunks: list[tuple[int, str]], wanted: Wanted) -> list[tuple[int, bytes]]:
    """Read while it is written."""
    found: list[tuple[int, bytes]] = []

    async def follow() -> None:
        async for piece in read(output, wanted):
            found.append(piece)

    output.begin()
    reading = asyncio.create_task(follow())
    for number, (stream, text) in enumerate(chunks):
        output.add(stream, text.encode(), number + 1)
        await asyncio.sleep(0)
    output.finish()
    await asyncio.wait_for(reading, 20)
    return found


@given(chunks=_CHUNKS)
def test_a_follower_gets_whole_lines_however_they_are_written(tmp_path_factory: pytest.TempPathFactory,
                                                              chunks: list[tuple[int, str]]) -> None:
    found = asyncio.run(_followed(Output(tmp_path_factory.mktemp("log") / "output"), chunks, Wanted(follow=True)))
    for stream in (1, 2):
        pieces = [data for which, data in found if which == stream]
        assert b"".join(pieces).decode() == "".join(text for which, text in chunks if which == stream)
        assert all(piece.endswith(b"\n") for piece in pieces[:-1])


def test_a_line_that_is_followed_has_the_time_of_its_beginning_and_no_line_waits_for_ever(tmp_path: Path) -> None:
    long = "x" * (LONGEST - 1)
    chunks = [(1, "a"), (2, "e"), (1, "b\nc\nd"), (1, "\n"), (2, long), (2, "y"), (1, long + "zz")]
    found = asyncio.run(_followed(Output(tmp_path / "output"), chunks, Wanted(follow=True, timestamps=True)))
    stamp = "1970-01-01T00:00:00.00000000{}Z "
    assert [(stream, data.decode()) for stream, data in found] == [
        (1, stamp.format(1) + "ab\n"), (1, stamp.format(3) + "c\n"), (1, stamp.format(3) + "d\n"),
        (2, stamp.format(2) + "e" + long), (1, stamp.format(7) + long + "zz"), (2, "y")]


@given(chunks=_CHUNKS.map(_lines), since=st.integers(0, 11), until=st.integers(0, 11))
def test_moments_cut(tmp_path_factory: pytest.TempPathFactory, chunks: list[tuple[int, str]], since: int,
                     until: int) -> None:
    found = _read(tmp_path_factory.mktemp("log"), chunks, Wanted(since=since, until=until))
    assert found == [(stream, text.encode()) for at, (stream, text) in enumerate(chunks, 1)
                     if at >= since and (not until or at <= until)]


def test_a_time_stands_before_each_line_once(tmp_path: Path) -> None:
    found = _read(tmp_path, [(1, "a"), (2, "x\n"), (1, "b\nc"), (1, "\n")], Wanted(timestamps=True))
    stamp = "1970-01-01T00:00:00.00000000{}Z "
    assert [data.decode() for _, data in found] == [
        stamp.format(1) + "a", stamp.format(2) + "x\n", "b\n" + stamp.format(3) + "c\n"]
