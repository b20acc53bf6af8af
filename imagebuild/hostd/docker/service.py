# SPDX-License-Identifier: Apache-2.0
"""The other end of ``dockerd.exe`` on a host: it does what the command line says, and runs the engine meanwhile.

``runtime/programs/dockerd.c`` has the frames. The engine of a host lives as long as a ``dockerd.exe`` is connected:
that of the service ``docker``, or one that was started by hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...dockerapi import Client
from ...engine import EngineSettings
from ...errors import WcowError
from ...files import write_whole
from ..record import HostPlace, HostRecord
from .dockerd import Arguments, Refused, configure, parse
from .engine import HostEngine, open_pipe
from .files import lay_docker

if TYPE_CHECKING:
    from ...engine.core import Engine
    from ..box import Box

log = logging.getLogger("wcow.hostd")

PIPE = "wcow-dockerd"
"""The pipe of dockerd.exe; names that begin so are in no list of pipes."""
FOLDER = r"C:\Program Files\docker"
_MOST = 1 << 20
_HEAD = struct.Struct("<II")
_NUMBER = struct.Struct("<I")
_READY_SECONDS = 20
_PAUSE = 0.02
_MACHINE = r'"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment" /v PATH'
_VALUE = re.compile(r"\bREG_(?:EXPAND_)?SZ\s+(.*)")
_STARTS_ITSELF = (r"sc query docker >nul & reg query HKLM\SYSTEM\CurrentControlSet\Services\docker /v Start "
                  "| findstr 0x2 >nul")
"""Ends with 0 for a service that Windows starts. The registry says so, for the service manager, which begins when it is
first asked, may not answer yet."""
_ASK_AGAIN = 2.0
"""Seconds after which the service manager is asked again: the question that should have begun it may have been lost."""


class DockerService:
    """A host's ``docker``. Used on the loop of the host's process; ``client`` is one of the engine that runs the
    box."""

    def __init__(self, place: HostPlace, record: HostRecord, make: Callable[[EngineSettings], Engine], client: Client,
                 container: str, box: Box) -> None:
        self._place, self._client, self._container, self._box = place, client, container, box
        self.engine = HostEngine(place, record, make, client, container)
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Let dockerd.exe be heard in a box that has just been started, and have Windows start the service, if it is
        there and starts by itself; return when the engine runs. The first time Docker is installed before."""
        if self._server is None:
            self._place.dockerd.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._hear, self._place.dockerd)
            self._place.dockerd.chmod(0o600)
        await asyncio.to_thread(open_pipe, self._client, self._container, PIPE, self._place.dockerd)
        if not self._place.docker_installed.exists():
            await asyncio.to_thread(lay_docker, self._place)
            path = _VALUE.search((await self._box.run(f"reg.exe query {_MACHINE}"))[1].decode("utf-8", "replace"))
            value = f"{path[1].strip()};{FOLDER}" if path else FOLDER
            await self._box.run(f'cmd.exe /c reg add {_MACHINE} /t REG_EXPAND_SZ /f /d "{value}" >nul & '
                                f'"{FOLDER}\\dockerd.exe" --register-service & sc start docker >nul')
            write_whole(self._place.docker_installed, b"", mode=0o600)
        elif (await self._box.run(f"cmd.exe /c {_STARTS_ITSELF}"))[0]:
            return
        await self._wait()

    async def _wait(self) -> None:
        """Wait until Windows has started the service."""
        now = asyncio.get_running_loop().time
        end = now() + _READY_SECONDS
        while not self.engine.running and now() < end:
            again = now() + _ASK_AGAIN
            while not self.engine.running and now() < again:
                await asyncio.sleep(_PAUSE)
            if not self.engine.running:
                await self._box.run("sc.exe query docker")
        if not self.engine.running:
            log.warning("the service docker did not start in %d s", _READY_SECONDS)

    async def close(self) -> None:
        """End the engine, and hear no dockerd.exe any more."""
        if self._server is not None:
            self._server.close()
        for talk in tuple(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await asyncio.to_thread(self.engine.stop)
        self._place.dockerd.unlink(missing_ok=True)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        talk = _Talk(reader, writer)
        try:
            await self._serve(talk)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass  # the program was ended, or it was none of ours
        finally:
            self._talks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):  # the asker has gone
                await writer.wait_closed()

    async def _serve(self, talk: _Talk) -> None:
        kind, body = await talk.read()
        version, _unused, program, *words = body.decode("utf-8", "replace").split("\0")[:-1]
        if kind != "h":
            return
        try:
            arguments = parse(words)
            code = await self._do(talk, arguments, version, program)
        except Refused as refusal:
            await talk.say("e", f"{refusal}\r\n".replace("\r\n", "\n").replace("\n", "\r\n"))
            code = 1
        except WcowError as error:
            await talk.say("e", f"failed to start daemon: {error}\r\n")
            code = 1
        await talk.send("x", _NUMBER.pack(code))
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await talk.read()  # it ends, and with it the connection: nothing that it was sent is lost

    async def _do(self, talk: _Talk, arguments: Arguments, version: str, program: str) -> int:
        flags = arguments.flags
        if flags.get("help"):
            await talk.say("o", _HELP.replace("\n", "\r\n"))
            return 0
        if flags.get("version"):
            await talk.say("o", f"Docker version {version}, build wcow\r\n")
            return 0
        if flags.get("register-service") and flags.get("unregister-service"):
            raise Refused("--register-service and --unregister-service cannot be used together")
        if flags.get("unregister-service"):
            await self._service(talk, "d", arguments.service)
            return 0
        if flags.get("register-service"):
            await self._service(talk, "c", f"{arguments.service}\0{arguments.service_line(program)}\0")
            return 0
        config = configure(arguments, await talk.file(arguments.config_file))
        if flags.get("validate"):
            await talk.say("e", "configuration OK\r\n")
            return 0
        await asyncio.to_thread(self.engine.start, config, version)
        try:
            await talk.send("s")
            for pipe in config.pipes:
                await talk.say("e", f'level=info msg="API listen on //./pipe/{pipe}"\r\n')
            kind = ""
            while kind != "q":
                kind, _unused = await talk.read()
        finally:
            await asyncio.shield(asyncio.to_thread(self.engine.stop))
        return 0

    async def _service(self, talk: _Talk, kind: str, text: str) -> None:
        await talk.say(kind, text)
        answer, body = await talk.read()
        error = _NUMBER.unpack(body)[0] if answer == "r" and len(body) == _NUMBER.size else 0
        if error == 1073 and kind == "c":
            raise Refused(f"service {text.partition(chr(0))[0]} already exists")  # mgr.CreateService is not asked then
        if error:
            sentence = {1060: "The specified service does not exist as an installed service.",
                        1072: "The specified service has been marked for deletion.", 5: "Access is denied."}
            raise Refused(sentence.get(error, f"Windows error {error}"))


class _Talk:
    """Frames to and from one dockerd.exe."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> tuple[str, bytes]:
        """The next frame. ValueError for one that is too long."""
        kind, length = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
        if length > _MOST:
            raise ValueError
        return chr(kind & 0x7F), await self._reader.readexactly(length)

    async def send(self, kind: str, body: bytes = b"") -> None:
        """Send a frame."""
        self._writer.write(_HEAD.pack(ord(kind), len(body)) + body)
        await self._writer.drain()

    async def say(self, kind: str, text: str) -> None:
        """Send a text."""
        await self.send(kind, text.encode("utf-8", "replace"))

    async def file(self, path: str) -> bytes | None:
        """The content of a file on the host; ``None`` when there is none. Refused when it cannot be read."""
        await self.say("f", path)
        kind, body = await self.read()
        if kind == "f":
            return body
        error = _NUMBER.unpack(body)[0] if len(body) == _NUMBER.size else 0
        if error in (2, 3):
            return None
        raise Refused(f"unable to configure the Docker daemon with file {path}: open {path}: "
                      f"{'Access is denied.' if error == 5 else f'Windows error {error}'}")


_HELP = """
Usage:  dockerd [OPTIONS]

A self-sufficient runtime for containers.

Options:
      --config-file string    Daemon configuration file
      --data-root string      Root directory of persistent Docker state
  -D, --debug                 Enable debug mode
      --help                  Print usage
  -H, --host list             Daemon socket(s) to connect to
      --label list            Set key=value labels to the daemon
      --log-driver string     Default driver for container logs
      --log-opt map           Default log driver options for containers
      --register-service      Register the service and exit
      --service-name string   Set the Windows service name
      --unregister-service    Unregister the service and exit
      --validate              Validate daemon configuration and exit
  -v, --version               Print version information and quit
"""
