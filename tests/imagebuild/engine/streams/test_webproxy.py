# SPDX-License-Identifier: Apache-2.0
"""A container's way to an HTTP proxy of this machine: asked for, listened for, carried, and in no record."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from support.engines import Served, served

from imagebuild.dockerapi import faults
from imagebuild.engine.interfaces import NetworkPart
from imagebuild.engine.streams.webproxy import PORT, WebProxy
from imagebuild.runtime.port import AUTHORITIES


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


def _put(engine: Served, container: str, body: object) -> None:
    engine.client.call("PUT", f"/wcow/containers/{container}/proxy", body=body).close()


def test_a_proxy_is_given_to_a_container_that_does_not_run(engine: Served) -> None:
    one = engine.create("sleep 60")
    _put(engine, one, {"Socket": "/a", "Certificates": "PEM"})
    shown = engine.client.json("GET", f"/containers/{one}/json")
    assert "PROXY" not in str(shown).upper()
    for wrong in ("", "a", "C:\\a"):
        with pytest.raises(faults.BadRequest, match="not an absolute path"):
            _put(engine, one, {"Socket": wrong})
    engine.post(f"/containers/{one}/start")
    with pytest.raises(faults.Conflict, match="is running"):
        _put(engine, one, {"Socket": "/a"})
    with pytest.raises(faults.NotFound):
        _put(engine, "no", {"Socket": "/a"})


def test_variables_name_the_port_and_the_list_of_authorities_where_there_is_one() -> None:
    plain, secure = WebProxy(Path("/a")).environment(), WebProxy(Path("/a"), b"PEM").environment()
    assert plain == {"HTTP_PROXY": f"http://127.0.0.1:{PORT}", "HTTPS_PROXY": f"http://127.0.0.1:{PORT}",
                     "NO_PROXY": "localhost,127.0.0.1,::1"}
    assert {**plain, **dict.fromkeys(secure.keys() - plain.keys(), AUTHORITIES)} == secure
    assert "NODE_EXTRA_CA_CERTS" in secure


class Loopback:
    """Networks that listen on any port of this machine."""

    def __init__(self) -> None:
        self.port = 0

    def listen(self, container: str, port: int) -> socket.socket:
        made = socket.create_server(("127.0.0.1", 0))
        self.port = made.getsockname()[1]
        return made


def test_connections_are_carried_both_ways_with_their_ends(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read()
        writer.write(data[::-1])
        writer.close()

    async def work() -> None:
        there = await asyncio.start_unix_server(echo, tmp_path / "proxy")
        networks, proxy = Loopback(), WebProxy(tmp_path / "proxy")
        proxy.listen(cast(NetworkPart, networks), "one")
        reader, writer = await asyncio.open_connection("127.0.0.1", networks.port)  # it waits for serve
        await proxy.serve()
        writer.write(b"abc" * 100_000)
        writer.write_eof()
        assert await reader.read() == b"cba" * 100_000
        writer.close()
        held, open_end = await asyncio.open_connection("127.0.0.1", networks.port)
        open_end.write(b"x")
        await asyncio.sleep(0.05)
        await proxy.close()
        assert await held.read() == b""
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", networks.port)
        open_end.close()
        there.close()

    asyncio.run(work())


def test_a_proxy_that_is_gone_ends_the_connection(tmp_path: Path) -> None:
    async def work() -> None:
        networks, proxy = Loopback(), WebProxy(tmp_path / "none")
        proxy.listen(cast(NetworkPart, networks), "one")
        await proxy.serve()
        reader, writer = await asyncio.open_connection("127.0.0.1", networks.port)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        await proxy.close()

    asyncio.run(work())


def test_secrets_are_given_to_a_container_and_shown_to_nobody(engine: Served, tmp_path: Path) -> None:
    one = engine.create("sleep 60")

    def put(container: str, **body: object) -> None:
        engine.client.call("PUT", f"/wcow/containers/{container}/secrets", body=body).close()

    put(one, Files={"C:\\run\\secrets\\a": "c2VzYW1l"}, Environment={"TOKEN": "sesame"})
    assert "sesame" not in str(engine.client.json("GET", f"/containers/{one}/json"))
    for wrong in ({"Files": {"a": ""}}, {"Files": {"D:\\a": ""}}, {"Files": {"C:\\a": "%"}},
                  {"Environment": {"A=B": ""}}, {"Environment": {"A": "\0"}}, {"Files": {"C:\\a\\": ""}}):
        with pytest.raises(faults.BadRequest):
            put(one, **wrong)
    engine.post(f"/containers/{one}/start")
    with pytest.raises(faults.Conflict, match="is running"):
        put(one)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"sesame" in path.read_bytes()]
