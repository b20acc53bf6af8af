# SPDX-License-Identifier: Apache-2.0
"""The whole engine under requests that ask much of who reads them: other clients are answered all the while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.engine import IMAGE, Engine
from support.floods import HELD_UP, Watch, floods, sent, silent

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def tidy(windows: Engine) -> Iterator[None]:
    yield
    made = windows.docker("ps", "-aq", "--filter", "status=created").stdout.split()
    if made:
        windows.docker("rm", "-v", *made)
    windows.docker("network", "rm", "flood", ok=False)
    windows.docker("volume", "prune", "-f", "-a", ok=False)


def test_no_request_holds_up_the_others(windows: Engine) -> None:
    """One after another, so that a failure says which it was."""
    with Watch(windows.socket) as watch:
        waits = {name: watch.during(lambda make=make: sent(windows.socket, make()))
                 for name, make in floods(IMAGE).items()}
    assert not {name: wait for name, wait in waits.items() if wait >= HELD_UP}


def test_all_of_them_at_once_from_many_connections_do_not(windows: Engine) -> None:
    every = [make() for make in floods(IMAGE).values()]
    heads: list[bytes] = []
    lock = threading.Lock()

    def attack(data: bytes) -> None:
        head = sent(windows.socket, data, 300)
        with lock:
            heads.append(head)

    with Watch(windows.socket) as watch, silent(windows.socket, 1000), ThreadPoolExecutor(8) as pool:
        longest = watch.during(lambda: list(pool.map(attack, every)))
    assert all(head.startswith(b"HTTP/1.1 ") for head in heads) and len(heads) == len(every)
    assert longest < 3 * HELD_UP, longest  # eight at once, and the client's own threads, share the processors
    assert windows.docker("run", "--rm", IMAGE, "cmd", "/c", "echo", "there").stdout.strip() == "there"
