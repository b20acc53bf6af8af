# SPDX-License-Identifier: Apache-2.0
"""An engine that is ended in the middle of long work, cannot write, is not alone, or whose clock jumps."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import images, programs, users
from support.attack import ask
from support.engine import template
from support.engine_images import connect, repository
from support.engines import Heard, make, new, opened, run, until, wait_for
from support.registry_double import RegistryDouble, stall

from imagebuild.builder.run.downloads import Downloads
from imagebuild.dockerapi import Client
from imagebuild.engine.core import Engine
from imagebuild.engine.events import Event, Events
from imagebuild.engine.images.transfer.registry import Registries
from imagebuild.engine.serving.lock import running
from imagebuild.engine.serving.serve import serve
from imagebuild.engine.streams.lines import Wanted, read
from imagebuild.engine.streams.output import STDOUT, Output

REPOSITORY = Path(__file__).parents[3]
HOUR = 3600 * 10 ** 9


def _engine(root: Path) -> Engine:
    made = make(root)
    made.images.registries = Registries(connect)
    made.images.build_tools = Downloads()
    return made


def _serve(root: Path, place: Path) -> None:
    asyncio.run(serve(lambda: _engine(root), root, place))


@contextmanager
def process(root: Path, *, code: int = 0) -> Iterator[tuple[int, Path]]:
    """An engine as a process: its number, and its socket. ``code`` is how it ends."""
    place = root.with_suffix(".sock")
    child = multiprocessing.get_context("spawn").Process(target=_serve, args=(root, place))
    child.start()
    try:
        wait_for(lambda: (found := running(root)) is not None and found.pid, 30)
        assert child.pid
        yield child.pid, place
        child.join(25)
        assert child.exitcode == code
    finally:
        child.kill()


@pytest.mark.parametrize("what", ["pull", "load", "build"])
def test_a_signal_ends_an_engine_whatever_it_waits_for(tmp_path: Path, what: str) -> None:
    root = tmp_path / "root"
    with RegistryDouble() as double:
        image, _ = images.sample(repository(double), "1")
        double.next("GET", f"/blobs/{image.layers[1].digest}", stall(after=10), times=9)
        pull = f"POST /images/create?fromImage={double.host}/team/app&tag=1"
        line, length = {"pull": (pull, 0), "load": ("POST /images/load", 9999), "build": ("POST /build", 9999)}[what]
        with process(root) as (pid, place), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(place))
            client.sendall(f"{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode() + b"x" * (
                length // 2))
            if what == "pull":
                wait_for(lambda: any(str(image.layers[1].digest) in line for line in double.lines()))
                time.sleep(0.2)
            else:
                time.sleep(0.2)
            os.kill(pid, signal.SIGTERM)
        assert not place.exists()
        double._rules.clear()
        with process(root) as (pid, place):
            with Client.at(f"unix://{place}") as other:
                assert [row["RepoTags"] for row in other.json("GET", "/images/json")] == [["app:1"]]
                with other.call("POST", "/images/create", query={"fromImage": f"{double.host}/team/app:1"}) as answer:
                    assert b"Status: Downloaded newer image" in answer.read()
                assert len(other.json("GET", "/images/json")) == 2
            os.kill(pid, signal.SIGTERM)
        assert not list((root / "images" / ".wcow" / "tmp").glob("*"))


def _start(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "imagebuild", "engine", "start", "--foreground", *args], timeout=60,
                          cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("root", ["/proc/wcow", "/sys/wcow"])
def test_a_folder_that_cannot_be_written_is_said_without_a_traceback(tmp_path: Path, root: str) -> None:
    done = _start("--root", root, "--socket", tmp_path / "sock")
    assert done.returncode == 3
    assert f"cannot use {root}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "sock").exists()


def test_a_second_engine_over_a_folder_disturbs_nothing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with process(root) as (pid, place), users.ourselves().folder() as other:
        done = _start("--root", root, "--socket", tmp_path / "other.sock")
        assert done.returncode == 3
        assert f"process {pid}" in done.stderr
        assert not (tmp_path / "other.sock").exists()
        with programs.skipping():
            template(other / "sandbox")
        elsewhere = _start("--root", other, "--socket", place)  # the same socket, another folder
        assert elsewhere.returncode == 3
        assert f"cannot listen on {place}" in elsewhere.stderr
        assert ask(place, b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n").body == b"OK"
        assert (found := running(root)) is not None and found.pid == pid
        os.kill(pid, signal.SIGTERM)


class Clock:
    """A clock of the wall that jumps."""

    def __init__(self) -> None:
        self.now = 1_700_000_000 * 10 ** 9

    def __call__(self) -> int:
        self.now += 1_000_000
        return self.now


def test_logs_are_whole_and_in_order_when_the_clock_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("imagebuild.engine.streams.output.time.time_ns", clock)

    async def lines(output: Output, wanted: Wanted) -> list[bytes]:
        return [line async for found in read(output, wanted) for line in found.lines]

    async def work() -> None:
        output = Output(tmp_path / "output")
        output.begin()
        following = asyncio.create_task(lines(output, Wanted(follow=True)))
        for jump in (0, HOUR, -2 * HOUR, 3 * HOUR):
            clock.now += jump
            output.add(STDOUT, f"{jump}\n".encode())
            await asyncio.sleep(0)
        output.finish()
        whole = [b"0\n", b"%d\n" % HOUR, b"%d\n" % (-2 * HOUR), b"%d\n" % (3 * HOUR)]
        assert await following == whole
        assert await lines(output, Wanted(tail=2)) == whole[2:]
        assert b"".join(await lines(output, Wanted())) == b"".join(whole)
        moments = [found.at async for found in read(output, Wanted())]
        assert moments[2] < moments[0] < moments[1]

    run(work())


def test_events_are_told_in_their_order_when_the_clock_jumps(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        clock = Clock()
        events = Events()
        monkeypatch.setattr("imagebuild.engine.events.time.time_ns", clock)
        heard: list[str] = []

        async def listen() -> None:
            heard.extend([event.action async for event in events.listen()])

        listening = asyncio.create_task(listen())
        await until(lambda: events.listeners)
        for name, jump in (("a", 0), ("b", HOUR), ("c", -2 * HOUR)):
            clock.now += jump
            events.publish(Event("container", name, "x", at=clock()))
        # One who asks for the past and an end that lies behind the clock gets the past, and does not wait.
        past = [event.action async for event in events.listen(since=0, until=clock.now)]
        assert past == ["c"]
        events.close()
        await listening
        assert heard == ["a", "b", "c"]

    run(work())


def test_a_run_is_never_shorter_than_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        clock = Clock()
        async with opened(tmp_path) as engine:
            heard = Heard(engine)
            one = new(engine, "sleep 60")
            monkeypatch.setattr("imagebuild.engine.containers.lifecycle.time.time_ns", clock)
            await engine.containers.start(one)
            clock.now -= 5 * HOUR
            assert one.status_text().startswith("Up ")
            await engine.containers.kill(one)
            await until(lambda: one.status == "exited")
            assert heard.last("die").attributes["execDuration"] == "0"
            assert one.status_text().startswith("Exited (")

    run(work())
