# SPDX-License-Identifier: Apache-2.0
"""Standard streams of a program, with programs of this machine in place of Windows ones."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Sequence

import pytest

from imagebuild.engine.streams import streams as module
from imagebuild.engine.streams.output import STDERR, STDOUT
from imagebuild.engine.streams.streams import Streams


async def run(command: Sequence[str], *, typed: bytes = b"", tty: bool = False, stdin: bool = True,
              size: tuple[int, int] | None = None, passed: tuple[int, ...] = ()) -> tuple[dict[int, bytes], int]:
    said = {STDOUT: b"", STDERR: b""}

    def keep(stream: int, data: bytes) -> None:
        said[stream] += data

    streams = Streams(keep, tty=tty, stdin=stdin)
    if size:
        streams.resize(*size)
    ends = streams.stdio
    child = subprocess.Popen(command, stdin=ends.stdin, stdout=ends.stdout, stderr=ends.stderr, start_new_session=tty,
                             pass_fds=passed)
    streams.started()
    if typed:
        await streams.write(typed)
        streams.close_input()
    code = await asyncio.to_thread(child.wait, 20)
    await streams.ended()
    return said, code


def test_output_and_errors_are_apart_and_nothing_is_lost() -> None:
    said, code = asyncio.run(run(["sh", "-c", "head -c 3000000 /dev/zero; echo oops >&2; exit 3"]))
    assert (len(said[STDOUT]), said[STDERR], code) == (3_000_000, b"oops\n", 3)


def test_a_process_that_stays_and_holds_a_pipe_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAIN", 3600)  # of terminals
    ours, theirs = os.pipe()
    stays = f"cat /dev/fd/{ours} >/dev/null"  # until the test lets it go
    command = ["sh", "-c", f"{stays} & head -c 200000 /dev/zero >&2; echo last; exit 5"]
    said, code = asyncio.run(asyncio.wait_for(run(command, passed=(ours,)), 60))
    os.close(theirs)
    os.close(ours)
    assert (len(said[STDERR]), said[STDOUT], code) == (200_000, b"last\n", 5)


def test_input_of_any_size_reaches_the_program_and_ends() -> None:
    data = os.urandom(2_000_000)
    said, _ = asyncio.run(run(["cat"], typed=data))
    assert said[STDOUT] == data


def test_without_input_the_program_reads_nothing() -> None:
    assert asyncio.run(run(["cat"], stdin=False)) == ({STDOUT: b"", STDERR: b""}, 0)


def test_a_terminal_has_a_size_and_one_stream() -> None:
    said, code = asyncio.run(run(["sh", "-c", "stty size; echo err >&2"], tty=True, size=(33, 101)))
    assert (said[STDOUT].split(), said[STDERR], code) == ([b"33", b"101", b"err"], b"", 0)


def test_what_is_typed_before_the_program_asks_is_neither_echoed_nor_changed() -> None:
    said, _ = asyncio.run(run(["sh", "-c", "dd bs=1 count=4 2>&1 | od -An -c"], typed=b"a\r\x03b", tty=True))
    assert said[STDOUT].split()[:4] == [b"a", b"\\r", b"003", b"b"]


def test_a_program_that_reads_no_more_ends_the_writing() -> None:
    async def play() -> bool:
        streams = Streams(lambda stream, data: None, tty=False, stdin=True)
        ends = streams.stdio
        child = subprocess.Popen(["true"], stdin=ends.stdin, stdout=ends.stdout, stderr=ends.stderr)
        streams.started()
        await asyncio.to_thread(child.wait, 20)
        alive = await streams.write(b"x" * 1_000_000)
        await streams.ended()
        return alive

    assert asyncio.run(play()) is False


def test_no_descriptor_is_left_over() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count
    for tty in (False, True):
        asyncio.run(run(["true"], tty=tty))
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - a count
