# SPDX-License-Identifier: Apache-2.0
"""Who left, and who only ended its own direction."""

from __future__ import annotations

import asyncio
import socket
import sys

import pytest

from imagebuild.dockerapi.http.hangups import Hangups

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux's epoll tells")


async def soon(gone: asyncio.Event) -> bool:
    """Whether it happens in a moment."""
    try:
        await asyncio.wait_for(gone.wait(), 0.05)
    except TimeoutError:
        return False
    return True


def test_a_closed_end_is_told_and_a_half_closed_one_is_not() -> None:
    async def run() -> None:
        hangups, gone = Hangups(), asyncio.Event()
        ours, theirs = socket.socketpair()
        hangups.watch(ours.fileno(), gone.set)
        theirs.sendall(b"unread")
        theirs.shutdown(socket.SHUT_WR)
        assert not await soon(gone)
        theirs.close()
        assert await soon(gone)
        hangups.close()
        ours.close()
    asyncio.run(run())


def test_where_there_is_no_half_close_it_counts_as_gone() -> None:
    async def run() -> None:
        hangups, gone = Hangups(), asyncio.Event()
        ours, theirs = socket.socketpair()
        hangups.watch(ours.fileno(), gone.set, half_is_gone=True)
        theirs.shutdown(socket.SHUT_WR)
        assert await soon(gone)
        hangups.close()
        ours.close()
        theirs.close()
    asyncio.run(run())


def test_a_watch_that_was_stopped_is_silent_and_spares_the_next_owner_of_its_number() -> None:
    async def run() -> None:
        hangups, old, new = Hangups(), asyncio.Event(), asyncio.Event()
        ours, theirs = socket.socketpair()
        number = ours.fileno()
        stop = hangups.watch(number, old.set)
        ours.close()
        theirs.close()
        ours, theirs = socket.socketpair()
        if ours.fileno() != number:
            ours, theirs = theirs, ours
        assert ours.fileno() == number
        hangups.watch(number, new.set)
        stop()
        theirs.close()
        assert await soon(new) and not old.is_set()
        hangups.close()
        ours.close()
    asyncio.run(run())
