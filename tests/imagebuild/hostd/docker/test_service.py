# SPDX-License-Identifier: Apache-2.0
"""The other end of dockerd.exe, with a test in dockerd.exe's place."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from imagebuild.errors import StoreError
from imagebuild.hostd.docker.dockerd import DaemonConfig
from imagebuild.hostd.docker.service import DockerService
from imagebuild.hostd.record import HostPlace, HostRecord

PROGRAM = r"C:\Program Files\docker\dockerd.exe"


class Engine:
    """An engine that only remembers."""

    def __init__(self) -> None:
        self.started: list[tuple[DaemonConfig, str]] = []
        self.running = False

    def start(self, config: DaemonConfig, version: str) -> None:
        if self.running:
            raise StoreError("the engine of win runs already", why="a dockerd.exe holds it")
        self.started.append((config, version))
        self.running = True

    def stop(self) -> None:
        self.running = False


class Daemon:
    """What dockerd.exe does on the wire. ``files`` are what it can read, ``error`` what Windows says of services."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, files: dict[str, bytes], error: int
                 ) -> None:
        self._reader, self._writer, self._files, self._error = reader, writer, files, error
        self.said = ""
        self.services: list[str] = []

    def send(self, kind: str, body: bytes = b"") -> None:
        self._writer.write(struct.pack("<II", ord(kind), len(body)) + body)

    async def obey(self) -> int | None:
        """Until the engine runs (``None``), or dockerd.exe ends with a code."""
        while True:
            kind, length = struct.unpack("<II", await asyncio.wait_for(self._reader.readexactly(8), 10))
            body = await self._reader.readexactly(length)
            if chr(kind) in "oe":
                self.said += body.decode()
            elif chr(kind) == "f":
                found = self._files.get(body.decode())
                self.send("f", found) if found is not None else self.send("n", struct.pack("<I", 2))
            elif chr(kind) in "cd":
                self.services.append(chr(kind) + body.decode())
                self.send("r", struct.pack("<I", self._error))
            elif chr(kind) == "s":
                return None
            else:
                assert chr(kind) == "x"
                return int(struct.unpack("<I", body)[0])


class Host:
    """A host's service with an engine of the test's."""

    def __init__(self, folder: Path) -> None:
        place = HostPlace(folder)
        nothing: Any = None
        self.service = DockerService(place, HostRecord("win", 20348), nothing, nothing, "host", nothing)
        self.engine = Engine()
        self.service.engine = self.engine  # type: ignore[assignment]
        self.socket = place.dockerd

    @asynccontextmanager
    async def dockerd(self, *words: str, files: dict[str, bytes] | None = None, error: int = 0
                      ) -> AsyncIterator[Daemon]:
        reader, writer = await asyncio.open_unix_connection(self.socket)
        made = Daemon(reader, writer, files or {}, error)
        made.send("h", "\0".join(("26.1.5", "C:\\", PROGRAM, *words, "")).encode())
        yield made
        writer.close()

    async def run(self, *words: str, files: dict[str, bytes] | None = None, error: int = 0
                  ) -> tuple[int | None, str, list[str]]:
        async with self.dockerd(*words, files=files, error=error) as daemon:
            code = await daemon.obey()
            return code, daemon.said.replace("\r\n", "\n"), daemon.services


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Host]:
    host = Host(folder)
    host.service._server = await asyncio.start_unix_server(host.service._hear, host.socket)
    try:
        yield host
    finally:
        await host.service.close()
        assert not host.engine.running and not host.socket.exists()


def test_questions_are_answered_and_start_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as host:
            assert await host.run("--version") == (0, "Docker version 26.1.5, build wcow\n", [])
            assert await host.run("--validate") == (0, "configuration OK\n", [])
            code, said, _ = await host.run("--config-file", "C:\\a.json", files={"C:\\a.json": b'{"no": 1}'})
            assert code == 1 and "don't match any configuration option: no" in said
            assert (await host.run("--nothing"))[0] == 1
            assert host.engine.started == []

    asyncio.run(work())


def test_services_are_made_and_removed_by_dockerd(tmp_path: Path) -> None:
    async def work() -> None:
        async with serving(tmp_path) as host:
            assert await host.run("--register-service") == (0, "", [f'cdocker\0"{PROGRAM}" --run-service\0'])
            assert await host.run("--unregister-service", "--service-name", "d2") == (0, "", ["dd2"])
            assert (await host.run("--register-service", error=1073))[:2] == (1, "service docker already exists\n")
            assert (await host.run("--unregister-service", error=1060))[:2] == (
                1, "The specified service does not exist as an installed service.\n")
            assert (await host.run("--register-service", "--unregister-service"))[0] == 1

    asyncio.run(work())


@pytest.mark.parametrize("asked", [True, False])
def test_the_engine_lives_as_long_as_its_dockerd(tmp_path: Path, asked: bool) -> None:
    async def work() -> None:
        async with serving(tmp_path) as host:
            async with host.dockerd("--run-service", "--label", "a=b") as daemon:
                assert await daemon.obey() is None
                assert host.engine.running
                code, said, _ = await host.run()
                assert code == 1 and said.startswith("failed to start daemon: the engine of win runs already")
                assert host.engine.running
                if asked:
                    daemon.send("q")
                    assert await daemon.obey() == 0
                    assert 'msg="API listen on //./pipe/docker_engine"' in daemon.said
            while host.engine.running:
                await asyncio.sleep(0.01)
            assert host.engine.started == [(DaemonConfig(labels=("a=b",)), "26.1.5")]

    asyncio.run(asyncio.wait_for(work(), 20))


@pytest.mark.parametrize("said", [b"", b"\0" * 7, struct.pack("<II", 0x68, 1 << 30), struct.pack("<II", 0x68, 0),
                                  struct.pack("<II", 0x71, 3) + b"a\0b", struct.pack("<II", 0xFFFF, 1) + b"\xff"])
def test_what_is_no_dockerd_is_let_go(tmp_path: Path, said: bytes) -> None:
    async def work() -> None:
        async with serving(tmp_path) as host:
            reader, writer = await asyncio.open_unix_connection(host.socket)
            writer.write(said)
            writer.write_eof()
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
            assert await host.run("--version") == (0, "Docker version 26.1.5, build wcow\n", [])

    asyncio.run(work())
