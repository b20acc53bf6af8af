# SPDX-License-Identifier: Apache-2.0
"""The Docker API of a host where programs can be started: ``docker system dial-stdio``, whose standard streams are a
connection to the engine, or a relay of ours.

``docker.exe`` is named by its full path: beside the ``dockerd.exe`` that the service docker runs, else where installers
put it. A way counts when the engine answers a ping over it; why one did not is kept.
"""

from __future__ import annotations

import ntpath
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..errors import HostError, ToolError, WcowError
from .command import Command, Lost
from .ways import powershell

if TYPE_CHECKING:
    from ..dockerapi import Client
    from .port import Done

USUAL = (r"C:\Program Files\Docker\docker.exe", r"C:\Windows\System32\docker.exe",
         r"C:\Program Files\Docker\Docker\resources\bin\docker.exe")
"""Where installers put it: the zip of Docker and Microsoft's script, that script before August 2026, Docker Desktop."""
PING_SECONDS = 30.0
_REG = [r"C:\Windows\System32\reg.exe", "query", r"HKLM\SYSTEM\CurrentControlSet\Services\docker", "/v", "ImagePath"]


class Opens(Protocol):
    """What is needed of a host."""

    name: str

    def open(self, command: Sequence[str], *, deadline: float | None = None) -> Command:
        """See the port."""

    def run(self, command: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Done:
        """See the port."""

    def ways(self) -> Iterator[Way]:
        """The ways to its engine, the best first."""


@dataclass(frozen=True, slots=True)
class Way:
    """A program that leads to the engine; ``half_close`` is whether one direction can end alone."""

    name: str
    command: tuple[str, ...]
    half_close: bool = True


class EngineStream:
    """A connection to an engine over a program. When the program ends before the engine said anything, the error has
    what the program wrote to stderr."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self._heard = False

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """See :class:`Command`."""
        try:
            self.command.send(data)
        except BrokenPipeError:
            raise self._reason(BrokenPipeError(f"{self.command.name} has ended")) from None

    def receive(self, size: int, /) -> bytes:
        """See :class:`Command`."""
        data = self.command.receive(size)
        if not data and not self._heard:
            raise self._reason(ConnectionAbortedError(f"{self.command.name} ended without a word"))
        self._heard = True
        return data

    def end(self) -> None:
        """See :class:`Command`."""
        self.command.end()

    def close(self) -> None:
        """See :class:`Command`."""
        self.command.close()

    def silent(self, seconds: float | None) -> None:
        """See :class:`Command`."""
        self.command.silent(seconds)

    def readable(self) -> bool:
        """See :class:`Command`."""
        return self.command.readable()

    def offer(self, data: memoryview, /) -> int:
        """See :class:`Command`."""
        return self.command.offer(data)

    def _reason(self, error: ConnectionError) -> ConnectionError:
        said = " ".join(self.command.errors.decode("utf-8", "replace").split())
        return ConnectionAbortedError(f"{self.command.name} says: {said[:500]}") if said else error


class Dialer:
    """Connects to the engine of a host, by the first way that works. Many threads may use it."""

    def __init__(self, host: Opens) -> None:
        self._host = host
        self._lock = threading.Lock()
        self.way: Way | None = None
        self.reasons: list[str] = []  #: why better ways were not taken

    def dial(self) -> EngineStream:
        """A connection over which nothing was said yet but, on the first, a ping. HostError when no way works."""
        with self._lock:
            if self.way is None:
                return self._choose()
        return EngineStream(self._host.open(self.way.command))

    def probed(self) -> EngineStream:
        """A connection over which a ping was answered just now."""
        stream = self.dial()
        try:
            ping(stream)
        except OSError as error:
            stream.close()
            raise self._failed([str(error)]) from error
        return stream

    def _choose(self) -> EngineStream:
        reasons: list[str] = []
        for way in self._host.ways():
            stream: EngineStream | None = None
            try:
                stream = EngineStream(self._host.open(way.command, deadline=None))
                ping(stream)
            except (OSError, ToolError, HostError) as error:
                if stream is not None:
                    stream.close()
                found = error.error if isinstance(error, Lost) else error
                if isinstance(found, HostError) and not found.code:
                    raise found from None  # the host itself is lost: no other way is better
                reason = _reason(found if isinstance(found, WcowError) else error)
                reasons.append(f"{way.name}: {reason}")
                if way.half_close and _cause(reason) in ("pipe-missing", "pipe-denied"):
                    break  # docker.exe is there, and speaks of the pipe that all ways lead to
                continue
            self.way, self.reasons = way, reasons
            return stream
        raise self._failed(reasons)

    def _failed(self, reasons: list[str]) -> HostError:
        left = [reason for reason in reasons if not reason.endswith(NOT_THERE)]
        if len(left) < len(reasons) and not any("dial-stdio" in reason for reason in left):
            left = ["no docker.exe is there", *left]
        said = "; ".join(left) or "no way to it is known"
        cause = _cause(said)
        return HostError(f"cannot reach the engine of {self._host.name}", address=self._host.name, why=said[:1000],
                         hint=_HINTS.get(cause, "is Docker installed there, and does its service run? 'wcow doctor "
                                                "examine ADDRESS' says"), cause=cause)


def ping(stream: EngineStream, seconds: float = PING_SECONDS) -> None:
    """Ask the engine whether it is there, and read its whole answer. OSError when it does not."""
    from ..dockerapi.client.connection import Connection, Patience
    from ..dockerapi.client.request import Prepared, head
    from ..dockerapi.client.wire import NotHttp

    connection = Connection(stream)
    question = head("GET", "/_ping", [("Host", "docker"), ("User-Agent", "wcow"), ("Content-Length", "0")])
    try:
        answer = connection.ask("GET", question, Prepared(None, ""), Patience(seconds, None))
        for _unused in connection.parts():
            pass
    except NotHttp as error:
        raise ConnectionAbortedError(str(error)) from None
    except TimeoutError:
        raise ConnectionAbortedError(f"the engine did not answer within {seconds:g} seconds") from None
    stream.silent(None)
    if answer.status >= 500:
        raise ConnectionAbortedError(f"the engine answered a ping with HTTP's status {answer.status}")


def windows_ways(host: Opens, docker: str = "") -> Iterator[Way]:
    """The ways to a Windows host's engine. ``docker`` is the full path of docker.exe, when it is known."""
    tried: set[str] = set()
    for program in [docker] if docker else [*_beside_service(host), *USUAL]:
        if program.lower() in tried:
            continue
        tried.add(program.lower())
        yield Way(f"{program} system dial-stdio", (program, "system", "dial-stdio"))
    yield Way("a relay in PowerShell", tuple(powershell.relay()), half_close=False)


def _beside_service(host: Opens) -> Iterator[str]:
    """docker.exe beside the dockerd.exe that the service docker runs."""
    try:
        done = host.run(_REG, timeout=30)
    except ToolError:
        return
    path = _image_path(done.out.decode("utf-8", "replace"))
    if ntpath.isabs(path) and '"' not in path and "%" not in path:
        yield ntpath.join(ntpath.dirname(path), "docker.exe")


def _image_path(text: str) -> str:
    """The program in reg.exe's answer about a service; empty when it names none."""
    for line in text.splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[0].lower() == "imagepath" and words[1].upper().startswith("REG_"):
            value = words[2].strip()
            path = value[1:].partition('"')[0] if value.startswith('"') else value[:value.lower().find(".exe") + 4]
            for name, folder in (("%programfiles%", r"C:\Program Files"), ("%systemroot%", r"C:\Windows")):
                if path.lower().startswith(name):
                    path = folder + path[len(name):]
            return path
    return ""


def client(dialer: Dialer, name: str) -> Client:
    """A client of the engine there."""
    from ..dockerapi import Client

    return Client(dialer.dial, host=name)


def _reason(error: Exception) -> str:
    """Why a way does not lead to the engine, in few words."""
    said = error.why or error.what if isinstance(error, WcowError) else str(error)
    missing = isinstance(error, WcowError) and error.facts.get("cause") == "program-missing"
    return NOT_THERE if missing or any(words in said.lower() for words in _MISSING) else said


def _cause(text: str) -> str:
    """The doctor's cause of what docker.exe, PowerShell or the pipe said."""
    said = text.lower()
    return next((cause for cause, words in _CAUSES if any(word in said for word in words)), "engine-not-there")


NOT_THERE = "it is not there"
_MISSING = ("is not recognized as an internal or external command", "is not recognized as the name of a cmdlet",
            "the system cannot find the path specified", "there is no such program")
_CAUSES = (
    ("pipe-denied", ("access is denied", "permission denied", "access to the path is denied", "0x80070005")),
    ("dial-stdio", ("halfcloser", "half-close")),
    ("pipe-missing", ("cannot find the file specified", "no such file")),
    ("docker-missing", ("no docker.exe is there",)),
)
_HINTS = {
    "pipe-missing": "the engine does not run: 'sc start docker' there starts its service, or start Docker Desktop",
    "pipe-denied": "log in as an administrator there, or as a member of the group that daemon.json names",
    "docker-missing": "install Docker there, or name its docker.exe: docker in [hosts.NAME] of wcow.toml",
    "dial-stdio": "the docker.exe there is too old, or Docker Desktop's pipe takes no half-close",
}
