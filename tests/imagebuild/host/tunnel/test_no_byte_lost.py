# SPDX-License-Identifier: Apache-2.0
"""Ten thousand hijacked answers whose head and first frame come together: no client loses a byte of one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import scripted_engines, tunnels
from support.exec_engine import engine, said

from imagebuild.dockerapi import Client
from imagebuild.dockerapi.streams import STDERR, STDOUT
from imagebuild.host.engine import Dialer
from imagebuild.host.tunnel import Tunnel

pytestmark = pytest.mark.slow

EXECS, BY_SDK, BY_WINRM = 10_000, 300, 300


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
