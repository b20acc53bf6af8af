# SPDX-License-Identifier: Apache-2.0
"""Output of containers on disk, and as clients ask for it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.engine.lines import Wanted, read
from imagebuild.engine.output import STDERR, STDOUT, Chunk, Output
from imagebuild.errors import StoreError

chunks = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]),
                            st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n", b"\x00"]), min_size=1,
                                     max_size=6).map(b"".join)), max_size=8)


def written(folder: Path, parts: list[tuple[int, bytes]]) -> Output:
    output = Output(folder / "output")
    output.begin()
    for at, (stream, data) in enumerate(parts, 1):
        output.add(stream, data, at)
    output.finish()
    return output


async def collect(output: Output, wanted: Wanted) -> list[tuple[int, bytes]]:
    return [piece async for piece in read(output, wanted)]


def said(output: Output, **how: object) -> list[tuple[int, bytes]]:
    return asyncio.run(collect(output, Wanted(**how)))  # type: ignore[arg-type]


@given(chunks)
def test_what_was_written_is_read_again_by_a_later_engine_too(parts: list[tuple[int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        output = written(Path(name), parts)
        for one in (output, Output(output.path)):
            assert [(chunk.stream, chunk.data) for _, chunk in one.chunks()] == parts
            for stream in (STDOUT, STDERR):
                assert b"".join(data for which, data in said(one) if which == stream) == \
                    b"".join(data for which, data in parts if which == stream)


def test_what_is_there_comes_in_lines_however_it_was_written(tmp_path: Path) -> None:
    output = written(tmp_path, [(STDOUT, b"line 1 "), (STDOUT, b"\r\nline"), (STDOUT, b" 2\r\n"), (STDERR, b"err"),
                                (STDOUT, b"end")])
    assert said(output) == [(STDOUT, b"line 1 \r\n"), (STDOUT, b"line 2\r\n"), (STDERR, b"err"), (STDOUT, b"end")]
    assert said(output, since=2) == [(STDOUT, b"line 2\r\n"), (STDERR, b"err"), (STDOUT, b"end")]


@given(chunks, st.integers(0, 12))
def test_the_last_lines_are_the_last_lines_of_what_was_wanted(parts: list[tuple[int, bytes]], tail: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        output = written(Path(name), parts)
        for stdout, stderr in ((True, True), (True, False), (False, True)):
            text = b"".join(data for stream, data in parts if (stdout if stream == STDOUT else stderr))
            lines = _lines(text)
            expected = b"".join(lines[max(len(lines) - tail, 0):])
            assert b"".join(data for _, data in said(output, stdout=stdout, stderr=stderr, tail=tail)) == expected


def _lines(text: bytes) -> list[bytes]:
    parts = text.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


@given(chunks)
def test_each_line_of_each_stream_gets_its_time_once(parts: list[tuple[int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        output = written(Path(name), parts)
        found = said(output, timestamps=True)
        for stream in (STDOUT, STDERR):
            plain = b"".join(data for which, data in parts if which == stream)
            stamped = b"".join(data for which, data in found if which == stream)
            lines = _lines(stamped)
            assert len(lines) == len(_lines(plain))
            assert b"".join(line.partition(b"Z ")[2] for line in lines) == plain


def test_moments_bound_what_is_read(tmp_path: Path) -> None:
    output = written(tmp_path, [(STDOUT, b"one\n"), (STDOUT, b"two\n"), (STDERR, b"three\n")])
    assert said(output, since=2) == [(STDOUT, b"two\n"), (STDERR, b"three\n")]
    assert said(output, until=2) == [(STDOUT, b"one\n"), (STDOUT, b"two\n")]
    assert said(output, stdout=False) == [(STDERR, b"three\n")]


def test_a_follower_gets_everything_until_the_run_is_over(tmp_path: Path) -> None:
    async def play() -> list[bytes]:
        output = Output(tmp_path / "output")
        output.begin()
        output.add(STDOUT, b"before\n")
        reading = asyncio.create_task(collect(output, Wanted(follow=True)))
        for number in range(50):
            await asyncio.sleep(0)
            output.add(STDOUT, b"%d\n" % number)
        output.finish()
        return [data for _, data in await asyncio.wait_for(reading, 5)]

    assert asyncio.run(play()) == [b"before\n", *(b"%d\n" % number for number in range(50))]


def test_a_follower_until_a_moment_ends_when_it_comes_though_nothing_is_written(tmp_path: Path) -> None:
    async def play() -> list[bytes]:
        output = Output(tmp_path / "output")
        output.begin()
        output.add(STDOUT, b"now\n")
        found = []
        with output.held() as held:
            for until in (1, time.time_ns() + 50_000_000):
                found += [chunk.data async for chunk in output.follow(0, held, until)]
        output.finish()
        return found

    assert asyncio.run(asyncio.wait_for(play(), 20)) == [b"now\n"] * 2


def test_a_reader_gets_all_of_a_run_whose_file_is_taken_away_at_its_end(tmp_path: Path) -> None:
    async def play() -> list[bytes]:
        output = Output(tmp_path / "output")
        with output.held() as held:  # also before there is anything
            output.begin()
            output.add(STDOUT, b"one")
            reading = output.follow(0, held)
            got = [(await anext(reading)).data]
            output.add(STDOUT, b"two")
            output.finish()
            output.path.unlink()
            return got + [chunk.data async for chunk in reading]

    assert asyncio.run(asyncio.wait_for(play(), 5)) == [b"one", b"two"]


def test_a_reader_of_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot read"), Output(tmp_path / "none" / "output").held():
        pass


def test_half_a_record_of_a_killed_engine_is_cut_off(tmp_path: Path) -> None:
    output = written(tmp_path, [(STDOUT, b"whole")])
    with output.path.open("ab") as stream:
        stream.write(b"\x01\x02\x03")
    again = Output(output.path)
    again.begin()
    again.add(STDERR, b"new")
    again.finish()
    assert [chunk.data for _, chunk in again.chunks()] == [b"whole", b"new"]


def test_a_folder_that_is_gone_is_an_error_at_the_start_and_no_error_later(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot write"):
        Output(tmp_path / "none" / "output").begin()
    output = Output(tmp_path / "output")
    output.add(STDOUT, b"nobody runs")
    assert list(output.chunks()) == []


def test_the_tail_of_chunks_begins_at_a_chunk(tmp_path: Path) -> None:
    output = written(tmp_path, [(STDOUT, b"1\n2\n"), (STDOUT, b"3\n")])
    assert [chunk for _, chunk in output.chunks(output.tail(1))][-1] == Chunk(2, STDOUT, b"3\n")
