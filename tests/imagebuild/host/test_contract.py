# SPDX-License-Identifier: Apache-2.0
"""The port's contract, over every adapter that runs programs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import programs, tunnels

from imagebuild.errors import HostError, ToolError
from imagebuild.host import Done, Host, LocalHost, MemoryHost
from imagebuild.host.command import Lost
from imagebuild.host.wsman import post

ANSWERS = {"echo hello": Done(0, b"hello\n"), "sh -c exit\\ 3": Done(3), "cat": Done(0, b"hello\x00\xff\r\n"),
           "ls /nowhere/at/all": Done(2, b"", b"ls: not there\n"), "sleep 60": Done(0)}
KINDS = ("local", "memory", "ssh", "winrm", "winrm+http", "winrm by pywinrm", "winrm+http by pywinrm")


@pytest.fixture(scope="module", params=KINDS)
def host(request: Any, tmp_path_factory: Any) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    if request.param == "local":
        yield LocalHost()
    elif request.param == "memory":
        yield MemoryHost(programs=ANSWERS)
    elif request.param == "ssh":
        with programs.skipping(), tunnels.sshd(folder) as server:
            found = server.host()
            yield found
            found.close()
    else:
        kind, _by, library = request.param.partition(" by ")
        with pytest.MonkeyPatch.context() as patch, tunnels.winrm_host(folder, tls=kind == "winrm") as (found_host, _):
            if library:
                patch.setattr(post, "LIBRARIES", [post.by_pywinrm])
            yield found_host


def test_a_program_runs_to_its_end(host: Host) -> None:
    assert host.run(["echo", "hello"]) == Done(0, b"hello\n")


def test_input_arrives_as_it_is_and_ends(host: Host) -> None:
    assert host.run(["cat"], stdin=b"hello\x00\xff\r\n").out == b"hello\x00\xff\r\n"


def test_an_exit_code_is_no_error_and_stderr_is_apart(host: Host) -> None:
    done = host.run(["ls", "/nowhere/at/all"])
    assert (done.code, done.out) == (2, b"")
    assert b"ls:" in done.err


def test_a_program_that_is_not_there_is_told(host: Host) -> None:
    try:
        done = host.run(["wcow-no-such-program"])
    except (ToolError, HostError):
        return
    assert done.code != 0  # a shell there says so
    assert b"not found" in done.err


def test_bytes_go_both_ways_while_it_runs(host: Host) -> None:
    if isinstance(host, MemoryHost):
        pytest.skip("its programs answer when their input has ended")
    with host.open(["cat"]) as running:
        running.silent(20)
        for word in (b"one", b"two"):
            running.send(word)
            assert running.receive(100) == word
        assert not running.readable()
        running.end()
        assert running.receive(100) == b""
        assert running.wait(20) == 0
        with pytest.raises(OSError):
            for _ in range(10):
                running.send(b"x")
                time.sleep(0.05)


def test_a_silent_program_is_a_time_out_and_goes_on(host: Host) -> None:
    with host.open(["sleep", "60"]) as running:
        running.silent(0.1)
        with pytest.raises(TimeoutError):
            running.receive(1)
        with pytest.raises(TimeoutError):
            running.wait(0.1)
        assert running.code is None


def test_a_kill_ends_it_soon(host: Host) -> None:
    with host.open(["sleep", "60"]) as running:
        running.kill()
        began = time.monotonic()
        try:
            assert running.wait(20) != 0
        except HostError as error:
            assert "was" in error.what
        assert time.monotonic() - began < 15
        running.kill()


def test_a_deadline_ends_it(host: Host) -> None:
    if isinstance(host, MemoryHost):
        pytest.skip("its programs take no time")
    with host.open(["sleep", "60"], deadline=0.2) as running, \
            pytest.raises((Lost, HostError), match="did not end within"):
        running.receive(1)
    with pytest.raises(ToolError, match="did not end within"):
        host.run(["sleep", "60"], timeout=0.2)


def test_a_close_wakes_who_waits(host: Host) -> None:
    running = host.open(["sleep", "60"])
    woken: list[BaseException | bytes] = []

    def read() -> None:
        try:
            woken.append(running.receive(1))
        except OSError as error:
            woken.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    time.sleep(0.1)
    running.close()
    thread.join(10)
    assert woken and woken[0] != b"x"
    running.close()


def test_many_threads_use_it(host: Host) -> None:
    done: list[Done] = []
    threads = [threading.Thread(target=lambda: done.append(host.run(["echo", "hello"]))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert done == [Done(0, b"hello\n")] * 8


def test_a_file_is_put_got_back_and_not_sent_twice(host: Host, tmp_path: Path) -> None:
    if not isinstance(host, MemoryHost):
        pytest.skip("needs PowerShell at the other end, which none of these has; docs/unproven.md names it")
    source, target, back = tmp_path / "source", str(tmp_path / "there"), tmp_path / "back"
    source.write_bytes(b"data" * 1000)
    assert host.put(source, target) == 4000
    assert host.put(source, target) == 0
    assert host.get(target, back) == 4000
    assert back.read_bytes() == source.read_bytes()
