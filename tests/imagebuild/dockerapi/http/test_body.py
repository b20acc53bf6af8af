# SPDX-License-Identifier: Apache-2.0
"""A body that comes in pieces, read by tasks and by threads."""

from __future__ import annotations

import asyncio
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi.http.body import Body, ClientGone


def body(pieces: list[bytes], end: Exception | None = None) -> Body:
    rest = iter(pieces)

    async def receive() -> bytes:
        await asyncio.sleep(0)
        piece = next(rest, b"")
        if not piece and end is not None:
            raise end
        return piece
    return Body(receive, None)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=8), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_nothing_is_lost_whatever_sizes_are_asked_for(pieces: list[bytes], sizes: list[int]) -> None:
    async def run() -> None:
        one, out, turn = body(pieces), b"", 0
        while data := await one.read(sizes[turn % len(sizes)]):
            assert len(data) <= sizes[turn % len(sizes)]
            out, turn = out + data, turn + 1
        assert out == b"".join(pieces) and one.finished and await one.read() == b""
    asyncio.run(run())


def test_a_thread_reads_it_as_a_file() -> None:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        member = tarfile.TarInfo("a")
        member.size = 100_000
        tar.addfile(member, io.BytesIO(b"x" * 100_000))
    wire = made.getvalue()

    async def run() -> list[tuple[str, int]]:
        file = body([wire[at:at + 1000] for at in range(0, len(wire), 1000)]).blocking()

        def unpack() -> list[tuple[str, int]]:
            with tarfile.open(fileobj=file, mode="r|*") as tar:
                return [(member.name, len((tar.extractfile(member) or io.BytesIO()).read())) for member in tar]
        return await asyncio.to_thread(unpack)
    assert asyncio.run(run()) == [("a", 100_000)]


def test_a_client_that_leaves_is_an_os_error_for_tasks_and_threads() -> None:
    async def run() -> None:
        with pytest.raises(ClientGone):
            await body([b"a"], ClientGone("gone")).whole(100)
        with pytest.raises(OSError, match="gone"):
            await asyncio.to_thread(body([b"a"], ClientGone("gone")).blocking().read)
    asyncio.run(run())
