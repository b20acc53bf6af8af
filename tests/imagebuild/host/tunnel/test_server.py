# SPDX-License-Identifier: Apache-2.0
"""A tunnel as other people's clients use it, over WinRM and over a real sshd, to an engine of scripts."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import programs, toy_engine, tunnels, wire

from imagebuild.dockerapi import Client
from imagebuild.errors import HostError, StoreError
from imagebuild.host import LocalHost
from imagebuild.host.engine import Dialer, Way
from imagebuild.host.tunnel import Tunnel


class ProcessHost(LocalHost):
    """A host whose engine a program of this machine reaches; ``gone`` ends what runs there."""

    name = "test"

    def __init__(self, engine: str) -> None:
        super().__init__()
        self.command = ("docker", "--host", engine, "system", "dial-stdio")
        self.running: list[Any] = []

    def open(self, command: Any, *, deadline: float | None = None) -> Any:
        found = super().open(command, deadline=deadline)
        self.running.append(found)
        return found

    def ways(self) -> Iterator[Way]:
        yield Way("docker system dial-stdio", self.command)

    def gone(self) -> None:
        for one in self.running:
            one.kill()


class Opened:
    """A tunnel, the engine at its end, and what it said."""

    def __init__(self, tunnel: Tunnel, engine: toy_engine.Engine, said: list[str], host: Any) -> None:
        self.tunnel, self.engine, self.said, self.host = tunnel, engine, said, host

    def docker(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["docker", *words], input=stdin, capture_output=True, timeout=60,
                              env={**os.environ, "DOCKER_HOST": self.tunnel.address}, check=False)


@pytest.fixture(params=["process", "winrm", "ssh"])
def opened(request: Any, tmp_path: Path) -> Iterator[Opened]:
    engine, said = toy_engine.Engine(), list[str]()
    with programs.skipping():
        programs.find("docker")
        with wire.running(toy_engine.routes(), engine, tmp_path) as path:
            address = f"unix://{path}"
            if request.param == "process":
                host: Any = ProcessHost(address)
                with Tunnel(Dialer(host), tmp_path / "t" / "t.sock", say=said.append, name="test") as tunnel:
                    yield Opened(tunnel, engine, said, host)
            elif request.param == "winrm":
                with (tunnels.winrm_host(tmp_path, engine=address) as (host, _),
                      Tunnel(host.dialer, tmp_path / "t" / "t.sock", say=said.append, name="test") as tunnel):
                    yield Opened(tunnel, engine, said, host)
            else:
                with tunnels.sshd(tmp_path, {"DOCKER_HOST": address}) as server:
                    host = server.host()
                    with Tunnel(host.dialer, tmp_path / "t" / "t.sock", say=said.append, name="test") as tunnel:
                        yield Opened(tunnel, engine, said, host)
                    host.close()


def test_the_docker_command_runs_over_it_unchanged(opened: Opened) -> None:
    assert b"0.1" in opened.docker("version", "--format", "{{.Server.Version}}").stdout
    done = opened.docker("run", "--rm", "hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello\r\n", b"oops\r\n")
    done = opened.docker("run", "--rm", "-i", "upper", stdin=b"abc\n" * 1000)
    assert (done.returncode, done.stdout) == (3, b"ABC\n" * 1000)
    assert opened.said == []


def test_an_image_is_loaded_whole(opened: Opened) -> None:
    data = os.urandom(1 << 20) * 12
    with Client.at(opened.tunnel.address) as client:
        client.call("POST", "/images/load", body=data).read()
    assert opened.engine.loaded == len(data)


def test_streams_serve_one_client_after_another(opened: Opened) -> None:
    for _ in range(12):
        with Client.at(opened.tunnel.address) as client:
            client.ping()
        time.sleep(0.02)
    assert opened.tunnel._pool.opened <= 6


def test_the_socket_is_its_owners_alone_and_goes_with_the_tunnel(opened: Opened, tmp_path: Path) -> None:
    path = opened.tunnel.path
    assert stat.S_IMODE(path.lstat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.lstat().st_mode) == 0o700
    with pytest.raises(StoreError, match="another server is listening"):
        Tunnel(opened.host.dialer if hasattr(opened.host, "dialer") else Dialer(opened.host), path).start()
    opened.tunnel.close()
    assert not path.exists()


def test_a_client_that_leaves_ends_what_it_wanted(opened: Opened) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(opened.tunnel.path))
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: docker\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
        assert len(opened.tunnel._clients) == 1
    end = time.monotonic() + 20
    while opened.tunnel._clients and time.monotonic() < end:
        time.sleep(0.05)
    assert not opened.tunnel._clients


def test_what_is_not_http_is_told_so(opened: Opened) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(opened.tunnel.path))
        sock.sendall(b"hello\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 400 Bad Request")


@pytest.mark.parametrize("opened", ["process"], indirect=True)
class TestBreaks:
    """A way that breaks: what is safe is asked again, the rest is told."""

    def test_a_request_that_changes_nothing_is_asked_again(self, opened: Opened) -> None:
        with Client.at(opened.tunnel.address) as client:
            client.ping()
            opened.host.gone()
            client.json("GET", "/version")
            opened.host.gone()
            time.sleep(0.2)
            client.json("GET", "/version")

    def test_a_request_under_way_is_lost_by_name(self, opened: Opened) -> None:
        create = opened.docker("create", "upper").stdout.decode().strip()
        answers: list[bytes] = []

        def wait() -> None:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(str(opened.tunnel.path))
                sock.sendall(f"POST /v1.45/containers/{create}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: d\r\n"
                             "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n".encode())
                while data := sock.recv(4096):
                    answers.append(data)

        thread = threading.Thread(target=wait)
        thread.start()
        while not any(b"101" in one for one in answers):
            time.sleep(0.01)
        opened.host.gone()
        thread.join(20)
        assert not thread.is_alive()
        assert opened.docker("version").returncode == 0  # it has connected anew


def test_an_engine_that_is_not_there_is_told_with_docker_s_words(tmp_path: Path) -> None:
    with programs.skipping():
        programs.find("docker")
    host = ProcessHost(f"unix://{tmp_path}/none.sock")
    with pytest.raises(HostError, match=r"(?i)dial-stdio.*cannot|no such file") as caught:
        Tunnel(Dialer(host), tmp_path / "t.sock").start()
    assert not (tmp_path / "t.sock").exists()
    assert caught.value.facts["cause"]
