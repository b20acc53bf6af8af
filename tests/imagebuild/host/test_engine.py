# SPDX-License-Identifier: Apache-2.0
"""The ladder of ways to a host's engine: which are tried, which is taken, and why the others were not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from imagebuild.compat.failures.catalogue import failure
from imagebuild.errors import HostError, ToolError
from imagebuild.host import Done
from imagebuild.host.command import Command
from imagebuild.host.engine import USUAL, Dialer, Way, windows_ways

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
PIPE = "failed to open the raw stream connection: open //./pipe/docker_engine: "
SERVICE = r"""
HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\docker
    ImagePath    REG_EXPAND_SZ    "D:\docker\dockerd.exe" --run-service
"""


class Program(Command):
    """A program that answers a ping, or says why not and ends."""

    def __init__(self, name: str, said: str) -> None:
        super().__init__(name)
        self._said = said

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        if self._said:
            self.arrived("stderr", self._said.encode())
            self.ended(1)
        else:
            self.arrived("stdout", ANSWER)

    def end(self) -> None:
        pass

    def kill(self) -> None:
        self.ended(1)


class Windows:
    """A host where programs say what ``said`` has for them ("" is an engine's answer); others are not there."""

    name = "winrm://me@build1"

    def __init__(self, said: dict[str, str], service: str = SERVICE) -> None:
        self.said, self.service, self.opened = said, service, list[str]()

    def open(self, command: Sequence[str], *, deadline: float | None = None) -> Command:
        name = "relay" if "-EncodedCommand" in command else command[0]
        self.opened.append(name)
        missing = f"'{name}' is not recognized as an internal or external command,\r\noperable program or batch file."
        return Program(name, self.said.get(name, missing))

    def run(self, command: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Done:
        if not self.service:
            raise ToolError("cannot run reg.exe")
        return Done(0, self.service.encode())

    def ways(self) -> Iterator[Way]:
        return windows_ways(self)


def failed(host: Windows) -> HostError:
    with pytest.raises(HostError) as caught:
        Dialer(host).dial()
    assert failure(str(caught.value.facts["cause"]))  # the doctor knows it
    return caught.value


def test_docker_beside_the_services_program_is_the_first_way() -> None:
    host = Windows({r"D:\docker\docker.exe": ""})
    dialer = Dialer(host)
    dialer.dial()
    assert host.opened == [r"D:\docker\docker.exe"]
    assert dialer.reasons == []
    dialer.dial()
    assert host.opened == [r"D:\docker\docker.exe"] * 2  # what worked is not looked for again


def test_the_usual_places_follow_and_each_is_tried_once() -> None:
    host = Windows({USUAL[1]: ""}, SERVICE.replace(r"D:\docker", r"C:\program files\DOCKER"))
    dialer = Dialer(host)
    dialer.dial()
    assert host.opened == [r"C:\program files\DOCKER\docker.exe", USUAL[1]]
    assert dialer.reasons == [r"C:\program files\DOCKER\docker.exe system dial-stdio: it is not there"]


def test_without_docker_a_relay_in_powershell_leads_there() -> None:
    host = Windows({"relay": ""}, service="")
    dialer = Dialer(host)
    dialer.dial()
    assert host.opened == [*USUAL, "relay"]
    assert dialer.way is not None and not dialer.way.half_close
    assert len(dialer.reasons) == 3


def test_a_pipe_without_half_close_is_a_case_for_the_relay() -> None:
    host = Windows({USUAL[0]: "the raw stream connection does not implement halfCloser", "relay": ""}, service="")
    dialer = Dialer(host)
    dialer.dial()
    assert dialer.way is not None and dialer.way.name == "a relay in PowerShell"
    assert "halfCloser" in dialer.reasons[0]


@pytest.mark.parametrize(("words", "cause", "hint"), [
    ("The system cannot find the file specified.", "pipe-missing", "sc start docker"),
    ("Access is denied.", "pipe-denied", "as an administrator")])
def test_what_docker_says_of_the_pipe_ends_the_search(words: str, cause: str, hint: str) -> None:
    host = Windows({r"D:\docker\docker.exe": PIPE + words})
    error = failed(host)
    assert host.opened == [r"D:\docker\docker.exe"]
    assert (error.facts["cause"], words in (error.why or ""), hint in (error.hint or "")) == (cause, True, True)


def test_a_host_without_docker_and_engine_is_told_so() -> None:
    error = failed(Windows({"relay": "the pipe docker_engine did not answer within 3 seconds"}))
    assert error.facts["cause"] == "docker-missing"
    assert (error.why or "").startswith("no docker.exe is there; a relay in PowerShell: relay says: the pipe")


def test_a_host_that_is_lost_is_not_asked_by_other_ways() -> None:
    host = Windows({})

    def lost(command: Sequence[str], *, deadline: float | None = None) -> Command:
        host.opened.append(command[0])
        raise HostError("cannot reach it", cause="winrm-unreachable")

    host.open = lost  # type: ignore[method-assign]
    with pytest.raises(HostError, match="cannot reach it"):
        Dialer(host).dial()
    assert len(host.opened) == 1
