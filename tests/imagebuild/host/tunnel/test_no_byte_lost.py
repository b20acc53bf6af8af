# SPDX-License-Identifier: Apache-2.0
"""Ten thousand hijacked answers whose head and first frame come together: no client loses a byte of one."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import scripted_engines, tunnels

from imagebuild.dockerapi import Client
from imagebuild.dockerapi.streams import STDERR, STDOUT, frame
from imagebuild.host.engine import Dialer
from imagebuild.host.tunnel import Tunnel

pytestmark = pytest.mark.slow

EXECS, BY_SDK, BY_WINRM = 10_000, 300, 300
START = re.compile(rb"POST (?:/v[\d.]+)?/exec/(\w+)/start HTTP/1.1\r\n")
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def said(identity: str) -> tuple[bytes, bytes]:
    """What the exec of this identity writes to its streams; it differs from that of others."""
    return f"out of {identity}\r\n".encode(), f"err of {identity}\r\n".encode()


def engine(there: socket.socket) -> None:
    """Answers creates, inspects and starts of execs; the head of a start and its first frame are one packet."""
    held = b""
    while True:
        while b"\r\n\r\n" not in held:
            data = there.recv(65536)
            if not data:
                return
            held += data
        head, _, held = held.partition(b"\r\n\r\n")
        found = LENGTH.search(head)
        while len(held) < (int(found[1]) if found else 0):
            held += there.recv(65536)
        body, held = held[:int(found[1]) if found else 0], held[int(found[1]) if found else 0:]
        if started := START.match(head):
            out, err = said(started[1].decode())
            status = b"101 UPGRADED" if b"pgrade: tcp" in head else b"200 OK"
            there.sendall(b"HTTP/1.1 " + status + b"\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n"
                          b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n" + frame(STDOUT, out))
            there.sendall(frame(STDERR, err))
            return
        answer = {"Running": False, "ExitCode": 0} if head.startswith(b"GET") else \
            {"Id": json.loads(body)["Cmd"][0]} if body else {}
        if b"/_ping" in head:
            answer = {}
        text = json.dumps(answer).encode()
        there.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text)
                      + (b"" if head.startswith(b"HEAD") else text))


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with scripted_engines.on_unix(tmp_path / "engine.sock", engine):
        yield f"unix://{tmp_path}/engine.sock"


def by_our_client(address: str) -> Callable[[str], tuple[bytes, bytes]]:
    """Start an exec by our client, one for each thread."""
    mine = threading.local()

    def start(identity: str) -> tuple[bytes, bytes]:
        if not hasattr(mine, "client"):
            mine.client = Client.at(address, version="1.45")
        streams: dict[int, bytes] = {STDOUT: b"", STDERR: b""}
        with mine.client.attach(f"/exec/{identity}/start", body={"Detach": False, "Tty": False}) as stream:
            for piece in stream.pieces():
                streams[piece.stream] += piece.data
        return streams[STDOUT], streams[STDERR]
    return start


def lost(start: Callable[[str], tuple[bytes, bytes]], count: int, threads: int = 4) -> list[str]:
    """The execs of which something was lost."""
    names = [f"e{number:05d}" for number in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        return [name for name, got in zip(names, pool.map(start, names), strict=True) if got != said(name)]


def test_on_a_unix_socket_our_client_loses_nothing(address: str) -> None:
    assert lost(by_our_client(address), EXECS) == []


def test_through_a_tunnel_our_client_loses_nothing(address: str, tmp_path: Path) -> None:
    with Tunnel(Dialer(tunnels.SocketHost(address)), tmp_path / "t" / "t.sock") as tunnel:
        assert lost(by_our_client(tunnel.address), EXECS) == []


def test_through_a_tunnel_over_winrm_our_client_loses_nothing(address: str, tmp_path: Path) -> None:
    with (tunnels.winrm_host(tmp_path, engine=address) as (host, _),
          Tunnel(host.dialer, tmp_path / "t" / "t.sock") as tunnel):
        assert lost(by_our_client(tunnel.address), BY_WINRM) == []


def test_through_a_tunnel_dockers_sdk_loses_nothing(address: str, tmp_path: Path) -> None:
    docker = pytest.importorskip("docker", reason="the docker SDK is not installed: pip install 'wcow[test]'")
    with Tunnel(Dialer(tunnels.SocketHost(address)), tmp_path / "t" / "t.sock") as tunnel:
        client = docker.APIClient(base_url=tunnel.address, version="1.45")
        try:
            def start(identity: str) -> tuple[bytes, bytes]:
                made = client.exec_create("c", [identity])["Id"]
                out, err = client.exec_start(made, demux=True)
                return out or b"", err or b""
            assert lost(start, BY_SDK, threads=1) == []
        finally:
            client.close()
