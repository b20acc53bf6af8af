# SPDX-License-Identifier: Apache-2.0
"""What waits for a client: in order, whole, in the room that an envelope has."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.hostd.winrm.envelope import fault
from imagebuild.hostd.winrm.envelope.fault import Fault
from imagebuild.hostd.winrm.output import HELD, Output


@given(st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), st.binary(min_size=1, max_size=30_000)), max_size=12),
       st.integers(8192, 60_000))
def test_all_comes_in_order_and_no_envelope_is_larger_than_asked(written: list[tuple[str, bytes]], room: int) -> None:
    async def run() -> list[tuple[str, bytes]]:
        output = Output("C", ("stdout", "stderr"))
        for stream, data in written:
            await output.put(stream, data)
        output.end(3)
        got: list[tuple[str, bytes]] = []
        while True:
            pieces, last = await output.take(room, 0)
            assert sum(len(piece.data) * 4 / 3 + 100 for piece in pieces) < room
            got += [(piece.stream, piece.data) for piece in pieces]
            if last:
                return got

    def joined(pieces: list[tuple[str, bytes]]) -> dict[str, bytes]:
        return {name: b"".join(data for stream, data in pieces if stream == name) for name in ("stdout", "stderr")}

    assert joined(asyncio.run(run())) == joined(written)


def test_fragments_stay_whole_whatever_the_room() -> None:
    async def run() -> None:
        output = Output("C", ("stdout",), keeps_pieces=True)
        for size in (9000, 20_000, 10):
            await output.put("stdout", b"x" * size)
        sizes = []
        while not output.empty:
            sizes.append([len(piece.data) for piece in (await output.take(16_384, 0))[0]])
        assert sizes == [[9000], [20_000], [10]]

    asyncio.run(run())


def test_the_last_output_and_the_end_come_together() -> None:
    async def run() -> None:
        output = Output("C", ("stdout",))

        async def write() -> None:
            await output.put("stdout", b"x")
            await asyncio.sleep(0.01)
            output.end(0)

        task = asyncio.create_task(write())
        pieces, last = await output.take(100_000, 5)
        assert [piece.data for piece in pieces] == [b"x"] and last
        await task

    asyncio.run(run())


def test_what_a_client_did_not_get_comes_again() -> None:
    async def run() -> None:
        output = Output("C", ("stdout",))
        await output.put("stdout", b"one")
        taken, _ = await output.take(100_000, 0)
        await output.put("stdout", b"two")
        output.give_back(taken)
        output.end(0)
        pieces, last = await output.take(100_000, 0)
        assert b"".join(piece.data for piece in pieces) == b"onetwo" and last

    asyncio.run(run())


def test_a_program_waits_while_too_much_waits_and_nothing_is_dropped() -> None:
    async def run() -> None:
        output = Output("C", ("stdout",))
        await output.put("stdout", b"x" * HELD)
        blocked = asyncio.create_task(output.put("stdout", b"y"))
        await asyncio.sleep(0.01)
        assert not blocked.done()
        got = b""
        while not blocked.done() or not output.empty:
            got += b"".join(piece.data for piece in (await output.take(500_000, 0))[0])
            await asyncio.sleep(0)
        assert len(got) == HELD + 1 and got.endswith(b"xy")

    asyncio.run(run())


def test_a_break_is_told_after_what_was_said_before() -> None:
    async def run() -> None:
        output = Output("C", ("stdout",))
        await output.put("stdout", b"x")
        output.fail(Fault(fault.BROKEN_SHELL))
        assert [piece.data for piece in (await output.take(100_000, 0))[0]] == [b"x"]
        with pytest.raises(Fault):
            await output.take(100_000, 0)

    asyncio.run(run())
