# SPDX-License-Identifier: Apache-2.0
"""aiodocker against the embedded engine: one asynchronous client, many things at once."""

from __future__ import annotations

import asyncio
import io
import tarfile
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.engine import IMAGE, LOOP, Engine

pytestmark = pytest.mark.slow

Play = Callable[[Any, str], Awaitable[None]]


@pytest.fixture
def play(windows: Engine) -> Callable[[Play], None]:
    """Run a play with a client and a name that nobody has."""
    aiodocker = pytest.importorskip("aiodocker")

    async def run(what: Play) -> None:
        client = aiodocker.Docker(url=windows.host)
        try:
            await what(client, f"a-{uuid.uuid4().hex[:8]}")
        finally:
            await client.close()
    return lambda what: asyncio.run(asyncio.wait_for(run(what), 120))


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < end, f"not within {seconds:g} s"
        await asyncio.sleep(0.05)


def test_the_engine_and_its_images(play: Callable[[Play], None]) -> None:
    from aiodocker.exceptions import DockerError

    async def what(client: Any, name: str) -> None:
        assert (await client.version())["Os"] == "windows"
        assert (await client.system.info())["OSType"] == "windows"
        assert IMAGE in [tag for one in await client.images.list() for tag in one["RepoTags"]]
        image = await client.images.inspect(IMAGE)
        assert image["Os"] == "windows"
        assert await client.images.history(IMAGE)
        await client.images.tag(IMAGE, name, tag="2")
        async with client.images.export_image(f"{name}:2") as archive:
            data = await archive.read()
        assert "manifest.json" in tarfile.open(fileobj=io.BytesIO(data)).getnames()  # noqa: SIM115
        await client.images.delete(f"{name}:2")
        assert any(name in line.get("stream", "") for line in await client.images.import_image(data))
        assert (await client.images.inspect(f"{name}:2"))["Id"] == image["Id"]
        await client.images.delete(f"{name}:2")
        with pytest.raises(DockerError, match="No such image"):
            await client.images.inspect(f"{name}:2")

    play(what)


def test_a_container_from_its_making_to_its_end(play: Callable[[Play], None]) -> None:
    from aiodocker.exceptions import DockerError

    async def what(client: Any, name: str) -> None:
        made = await client.containers.create({"Image": IMAGE, "Cmd": ["cmd", "/c", LOOP], "Labels": {"only": name}},
                                              name=name)
        assert (await made.show())["State"]["Status"] == "created"
        await made.start()
        assert [one.id for one in await client.containers.list(filters={"label": [f"only={name}"]})] == [made.id]
        async def said() -> bool:
            return any("line 2" in line for line in await made.log(stdout=True))
        await until(said)
        assert len(await made.log(stdout=True, tail=1)) == 1
        follow = made.log(stdout=True, follow=True, tail=0)
        assert "line" in await anext(follow)
        assert (await made.stats(stream=False))[0]["name"] == f"/{name}"
        await made.rename(f"{name}-2")
        await made.restart(timeout=1)
        await made.stop(timeout=1)
        assert (await made.wait())["StatusCode"] == (await made.show())["State"]["ExitCode"]
        await made.start()
        await made.kill()
        await made.delete()
        with pytest.raises(DockerError, match="No such container"):
            await client.containers.get(name)

    play(what)


def test_codes_input_and_output(play: Callable[[Play], None]) -> None:
    async def what(client: Any, name: str) -> None:
        crashed = await client.containers.run({"Image": IMAGE, "Cmd": ["crash.exe"]})
        assert (await crashed.wait())["StatusCode"] == 3221225477
        await crashed.delete()
        made = await client.containers.create({"Image": IMAGE, "Cmd": ["cmd", "/v:on", "/c", "set /p x=& echo !x!"],
                                               "OpenStdin": True, "StdinOnce": True}, name=name)
        async with made.attach(stdin=True, stdout=True, stderr=True) as stream:
            await made.start()
            await stream.write_in(b"abc\r\nxyz\r\n")
            message = await stream.read_out()
            assert (message.stream, message.data.strip()) == (1, b"abc")
        assert (await made.wait())["StatusCode"] == 0
        await made.delete(force=True)

    play(what)


def test_programs_beside_the_first(play: Callable[[Play], None]) -> None:
    async def what(client: Any, name: str) -> None:
        made = await client.containers.run({"Image": IMAGE, "Cmd": ["cmd", "/c", LOOP]}, name=name)
        one = await made.exec(["cmd", "/c", "echo %A% & echo err>&2 & exit 7"], environment={"A": "b"})
        said = {}
        async with one.start(detach=False) as stream:
            while (message := await stream.read_out()) is not None:
                said[message.stream] = said.get(message.stream, b"") + message.data
        assert (said[1].strip(), said[2].strip()) == (b"b", b"err")
        assert (await one.inspect())["ExitCode"] == 7
        shell = await made.exec(["cmd"], tty=True, stdin=True)
        async with shell.start() as stream:
            text = b""
            while b"app>" not in text:
                text += (await stream.read_out()).data
            await shell.resize(h=40, w=120)
            await stream.write_in(b"echo a^b\r")
            while b"ab" not in text:
                text += (await stream.read_out()).data
            await stream.write_in(b"exit 3\r")
            while await stream.read_out() is not None:
                pass
        assert (await shell.inspect())["ExitCode"] == 3
        await made.delete(force=True)

    play(what)


def test_volumes_networks_events_and_ten_at_once(play: Callable[[Play], None], windows: Engine) -> None:
    from aiodocker.exceptions import DockerError

    async def what(client: Any, name: str) -> None:
        heard = client.events.subscribe()
        folder = windows.fresh()
        volume = await client.volumes.create({"Name": name})
        network = await client.networks.create({"Name": name, "Driver": "nat"})
        server = await client.containers.run({
            "Image": IMAGE, "Cmd": ["serve", "8080"], "ExposedPorts": {"8080/tcp": {}},
            "HostConfig": {"NetworkMode": name, "PublishAllPorts": True, "Binds": [f"{name}:C:\\data"]}}, name=name)
        async def serving() -> bool:
            return "serving" in "".join(await server.log(stdout=True))
        await until(serving)
        port = (await server.port(8080))[0]["HostPort"]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert b"hello from" in await reader.read()
        writer.close()

        async def ask(number: int) -> int:
            one = await client.containers.run({
                "Image": IMAGE, "Cmd": ["cmd", "/c", rf"fetch {name} 8080> C:\out\{number}.txt"],
                "HostConfig": {"NetworkMode": name, "Binds": [rf"{folder}:C:\out"]}})
            code = (await one.wait())["StatusCode"]
            await one.delete()
            return int(code)

        assert await asyncio.gather(*map(ask, range(10))) == [0] * 10
        assert all(b"hello from" in (folder / f"{number}.txt").read_bytes() for number in range(10))
        assert (await network.show())["Name"] == name
        with pytest.raises(DockerError, match="volume is in use"):
            await volume.delete()
        await server.delete(force=True)
        await network.delete()
        await volume.delete()
        told = set()
        while ("volume", "destroy") not in told:
            event = await asyncio.wait_for(heard.get(), 20)
            told.add((event["Type"], event["Action"]))
        # Not what came first: aiodocker asks for the events in a task that begins when it likes.
        assert told >= {("container", "start"), ("container", "die"), ("container", "destroy"), ("network", "destroy")}
        with pytest.raises(DockerError, match="privileged mode"):
            await client.containers.create({"Image": IMAGE, "HostConfig": {"Privileged": True}})

    play(what)
