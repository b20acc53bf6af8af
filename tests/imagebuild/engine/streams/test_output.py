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

from imagebuild.engine.streams.output import LONGEST, STDERR, STDOUT, Limit, Output
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


@given(chunks)
def test_what_was_written_is_read_again_by_a_later_engine_too(parts: list[tuple[int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        output = written(Path(name), parts)
        for one in (output, Output(output.path)):
            assert [(chunk.stream, chunk.data) for _, chunk in one.chunks()] == parts


async def follow(output: Output, start: int = 0) -> list[bytes]:
    with output.held() as held:
        return [chunk.data async for chunk in output.follow(start, held)]


def test_a_follower_gets_everything_until_the_run_is_over(tmp_path: Path) -> None:
    async def play() -> list[bytes]:
        output = Output(tmp_path / "output")
        output.begin()
        output.add(STDOUT, b"before\n")
        reading = asyncio.create_task(follow(output))
        for number in range(50):
            await asyncio.sleep(0)
            output.add(STDOUT, b"%d\n" % number)
        output.finish()
        return await asyncio.wait_for(reading, 5)

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


def test_a_run_after_another_is_marked(tmp_path: Path) -> None:
    output = written(tmp_path, [(STDOUT, b"one")])
    output.begin()
    output.add(STDOUT, b"two")
    output.finish()
    assert [chunk.data for _, chunk in output.chunks()] == [b"one", b"two"]
    assert [chunk.stream for _, chunk in output.chunks(marks=True)] == [STDOUT, 0, STDOUT]


# --- several files

def limited(folder: Path, size: int, files: int) -> Output:
    output = Output(folder / "output")
    output.limit = Limit(size, files, 0)
    output.begin()
    return output


def files(folder: Path) -> dict[str, bytes]:
    """Each file's text, without the heads of its records."""
    out = {}
    for path in sorted(folder.iterdir()):
        alone = folder.parent / "alone"
        alone.write_bytes(path.read_bytes())
        out[path.name] = b"".join(chunk.data for _, chunk in Output(alone).chunks())
    return out


def folder_of(tmp_path: Path) -> Path:
    (folder := tmp_path / "logs").mkdir()
    return folder


def test_a_full_file_is_put_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    output = limited(folder := folder_of(tmp_path), 10, 3)
    for number in range(8):
        output.add(STDOUT, b"line %d\n" % number)
    assert files(folder) == {"output": b"line 6\nline 7\n", "output.1": b"line 4\nline 5\n",
                             "output.2": b"line 2\nline 3\n"}
    assert [chunk.data for _, chunk in output.chunks()] == [b"line %d\n" % number for number in range(2, 8)]
    output.finish()
    again = Output(output.path)  # a later engine
    again.limit = output.limit
    assert [chunk.data for _, chunk in again.chunks()] == [b"line %d\n" % number for number in range(2, 8)]
    again.begin()
    again.add(STDOUT, b"line 8\n")
    assert files(folder)["output"] == b"line 8\n"
    assert sorted(files(folder)) == ["output", "output.1", "output.2"]


def test_one_file_begins_anew(tmp_path: Path) -> None:
    output = limited(folder := folder_of(tmp_path), 10, 1)
    output.add(STDOUT, b"one\ntwo\nthree\nfour\nfive\n")
    assert files(folder) == {"output": b"four\nfive\n"}


def test_a_chunk_is_cut_between_lines_and_a_long_line_in_parts(tmp_path: Path) -> None:
    output = limited(folder := folder_of(tmp_path), 10, 9)
    output.add(STDOUT, b"a" * (2 * LONGEST + 1))
    output.add(STDERR, b"e\n")
    output.add(STDOUT, b"b\nc")
    output.add(STDOUT, b"d\ne\n")
    assert list(files(folder).values()) == [b"ae\nb\ncd\ne\n", b"a" * LONGEST, b"a" * LONGEST]
    output.add(STDERR, b"new\n")
    assert files(folder)["output"] == b"new\n"


@given(st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.text("ab\n", min_size=1, max_size=30)), max_size=20),
       st.integers(1, 40), st.integers(1, 4))
def test_nothing_but_the_oldest_is_ever_lost(parts: list[tuple[int, str]], size: int, most: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        output = limited(Path(name), size, most)
        for stream, text in parts:
            output.add(stream, text.encode())
        for stream in (STDOUT, STDERR):
            whole = "".join(text for which, text in parts if which == stream).encode()
            kept = b"".join(chunk.data for _, chunk in output.chunks() if chunk.stream == stream)
            assert whole.endswith(kept)
        assert len(list(Path(name).iterdir())) <= most
        output.finish()


def test_a_follower_loses_nothing_however_often_files_are_put_aside(tmp_path: Path) -> None:
    async def play() -> list[bytes]:
        output = limited(tmp_path, 20, 2)
        output.add(STDOUT, b"0\n")
        reading = asyncio.create_task(follow(output))
        await asyncio.sleep(0)
        for number in range(1, 500):
            output.add(STDOUT, b"%d\n" % number)
            if not number % 100:
                await asyncio.sleep(0)
        output.finish()
        return await asyncio.wait_for(reading, 5)

    before = len(list(Path("/proc/self/fd").iterdir()))
    assert asyncio.run(play()) == [b"%d\n" % number for number in range(500)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_log_that_cannot_be_put_aside_grows(tmp_path: Path) -> None:
    output = limited(tmp_path, 5, 2)
    (tmp_path / "output.1").mkdir()
    for number in range(5):
        output.add(STDOUT, b"line %d\n" % number)
    assert len([chunk for _, chunk in output.chunks()]) == 5
