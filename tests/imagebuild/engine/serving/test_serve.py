# SPDX-License-Identifier: Apache-2.0
"""The engine as a process: one for a folder, found by those who ask, ended by a signal."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.engines import make, run, until

from imagebuild.dockerapi import Client
from imagebuild.engine.core import Engine
from imagebuild.engine.serving import serve as serving
from imagebuild.engine.serving.lock import Lock, Running, running
from imagebuild.engine.serving.serve import serve
from imagebuild.errors import StoreError, ToolError


def test_nobody_runs_where_no_lock_is_held(tmp_path: Path) -> None:
    assert running(tmp_path / "nowhere") is None
    lock = Lock(tmp_path)
    assert running(tmp_path) == Running(0, Path())
    lock.tell(tmp_path / "sock", "192.0.2.1")
    assert running(tmp_path) == Running(os.getpid(), tmp_path / "sock", "192.0.2.1")
    with pytest.raises(StoreError, match=f"one runs there already .process {os.getpid()}."):
        Lock(tmp_path)
    lock.close()
    assert running(tmp_path) is None
    Lock(tmp_path).close()


def test_what_a_killed_engine_said_is_not_taken_for_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "running.json").write_text('{"pid": 1, "socket": "/stale"}')
    lock = Lock(tmp_path)
    assert running(tmp_path) == Running(0, Path())
    lock.close()


def test_those_who_ask_do_not_disturb_each_other_nor_an_engine_that_starts(tmp_path: Path) -> None:
    Lock(tmp_path).close()
    stop = threading.Event()

    def ask() -> list[Running]:
        found = []
        while not stop.is_set():
            found += [one for one in [running(tmp_path)] if one is not None]
        return found

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(ask) for _ in range(3)]
        threading.Event().wait(0.2)
        stop.set()
        assert [one.result() for one in asking] == [[], [], []]
        stop.clear()
        asking = [pool.submit(ask) for _ in range(2)]
        try:
            for _ in range(20):
                Lock(tmp_path).close()
        finally:
            stop.set()


def _serve(root: Path, socket: Path) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    asyncio.run(serve(lambda: make(root), root, socket))


def test_an_engine_serves_until_a_signal_and_cleans_up(tmp_path: Path) -> None:
    socket = tmp_path / "engine.sock"
    child = multiprocessing.get_context("spawn").Process(target=_serve, args=(tmp_path / "root", socket))
    child.start()
    try:
        async def there() -> None:
            await until(lambda: (running(tmp_path / "root") or Running(0, Path())).pid, 30)

        run(there())
        assert running(tmp_path / "root") == Running(child.pid or 0, socket, "127.0.0.1")
        with Client.at(f"unix://{socket}") as client:
            assert client.ping().os_type == "windows"
        limits = Path(f"/proc/{child.pid}/limits").read_text()
        soft, hard = next(line for line in limits.splitlines() if line.startswith("Max open files")).split()[3:5]
        assert soft == hard
        assert child.pid
        os.kill(child.pid, signal.SIGTERM)
        child.join(20)
        assert child.exitcode == 0
        assert running(tmp_path / "root") is None
        assert not socket.exists()
        assert not (tmp_path / "root" / "running.json").exists()
    finally:
        child.kill()


def _serve_stuck(root: Path, socket: Path) -> None:
    def busy() -> None:
        for _ in range(100):
            asyncio.get_running_loop().run_in_executor(None, time.sleep, 3600)

    def engine() -> Engine:
        made = make(root)
        made.containers.resume = busy  # type: ignore[method-assign]
        return made

    serving.STOP_SECONDS = 1.5
    asyncio.run(serve(engine, root, socket))


def test_an_engine_whose_threads_do_not_end_is_gone_all_the_same(tmp_path: Path) -> None:
    """All of the pool's are at work, so what is done in one of them at the end does not begin."""
    child = multiprocessing.get_context("spawn").Process(target=_serve_stuck, args=(tmp_path / "root", tmp_path / "s"))
    child.start()
    try:
        run(until(lambda: (running(tmp_path / "root") or Running(0, Path())).pid, 30))
        assert child.pid
        os.kill(child.pid, signal.SIGTERM)
        child.join(20)
        assert child.exitcode == 0
        assert running(tmp_path / "root") is None
        assert "stopped after 1.5 s" in (tmp_path / "root" / "engine.log").read_text()
    finally:
        child.kill()


def test_an_engine_that_cannot_start_lets_go_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Engine] = []
    closed: list[str] = []

    def engine() -> Engine:
        made.append(make(tmp_path))
        made[0].sandbox.prepare = lambda progress=None: _fail()  # type: ignore[method-assign]
        made[0].sandbox.close = lambda: closed.append("sandbox")  # type: ignore[method-assign]
        return made[0]

    def _fail() -> None:
        raise ToolError("no wine", why="it is not there")

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        with pytest.raises(ToolError, match="no wine"):
            run(serve(engine, tmp_path, tmp_path / "sock"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert closed == ["sandbox"]
    assert running(tmp_path) is None


def test_a_socket_of_a_dead_engine_is_replaced_and_another_file_is_not(tmp_path: Path) -> None:
    import socket as sockets

    path = tmp_path / "sock"
    with sockets.socket(sockets.AF_UNIX) as dead:
        dead.bind(str(path))

    async def work(place: Path) -> None:
        serving = asyncio.ensure_future(serve(lambda: make(tmp_path / "root"), tmp_path / "root", place))
        await until(lambda: serving.done() or (running(tmp_path / "root") or Running(0, Path())).pid)
        if not serving.done():
            os.kill(os.getpid(), signal.SIGTERM)
        await serving

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        run(work(path))
        (tmp_path / "file").write_text("kept")
        with pytest.raises(StoreError, match="no socket"):
            run(work(tmp_path / "file"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (tmp_path / "file").read_text() == "kept"
    assert running(tmp_path / "root") is None
