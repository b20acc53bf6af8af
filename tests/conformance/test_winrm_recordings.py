# SPDX-License-Identifier: Apache-2.0
"""What Windows answered, message by message: our service answers the same requests in the same shape.

pypsrp's source package holds exchanges that were recorded with real Windows. They are read where pip puts them, and are
not part of this repository.
"""

from __future__ import annotations

import asyncio
import base64
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from support import programs

from imagebuild.hostd.program import Start
from imagebuild.hostd.winrm import Service, psrp
from imagebuild.hostd.winrm.envelope import fault, names, xml
from imagebuild.hostd.winrm.service import Caller

pytestmark = pytest.mark.slow
USER = Caller("vagrant", "192.168.56.1")
FAULT = (names.FAULT, "WSManFault")
_GUID = re.compile(r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}", re.IGNORECASE)


@dataclass(slots=True)
class Played:
    """A program that says what the recording's said. One that speaks ``-s`` acknowledges what it is given."""

    code_said: int = 0
    speaks: bool = False
    output: asyncio.Queue[tuple[str, bytes] | None] = field(default_factory=asyncio.Queue)

    async def read(self) -> tuple[str, bytes] | None:
        return await self.output.get()

    async def write(self, data: bytes) -> None:
        if self.speaks:
            found = psrp.packet(data.strip())
            self.output.put_nowait(("stdout", psrp.Packet(f"{found.name}Ack", found.pipeline).line()))

    async def end_input(self) -> None: ...

    async def code(self) -> int:
        return self.code_said

    async def interrupt(self) -> None: ...

    async def kill(self) -> None:
        self.output.put_nowait(None)


class Player:
    """A machine whose programs are those of a recording."""

    name, version = "SERVER2016", "10.0.14393"

    def __init__(self) -> None:
        self.programs: list[Played] = []

    async def start(self, start: Start) -> Played:
        self.programs.append(Played())
        return self.programs[-1]

    async def start_terminal(self, start: Start, columns: int, rows: int) -> Any:
        raise NotImplementedError

    async def start_powershell(self) -> Played:
        self.programs.append(Played(speaks=True))
        return self.programs[-1]


@dataclass(frozen=True, slots=True)
class Exchange:
    asked: str
    answered: xml.Element


def recordings() -> dict[str, list[Exchange]]:
    """The exchanges of each file, read from pypsrp's source package."""
    import yaml

    version = metadata.version("pypsrp")
    out = {}
    with tarfile.open(_package(version)) as archive:
        for member in archive.getmembers():
            if re.search(r"/responses/test_\w+\.yml$", member.name):
                file = archive.extractfile(member)
                assert file is not None
                messages = yaml.load(file.read(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["messages"]
                out[Path(member.name).stem] = [Exchange(one["request"], xml.parse(one["response"].encode()))
                                               for one in messages if one.get("response")]
    return out


def _package(version: str) -> Path:
    folder = programs.user_cache() / "downloads"
    found = folder / f"pypsrp-{version}.tar.gz"
    if not found.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
                   "--no-deps", "--no-binary", ":all:", "--dest", str(folder), f"pypsrp=={version}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode or not found.exists():
            with programs.skipping():
                raise programs.Unavailable("pypsrp's source package, which holds the recordings, did not come from "
                                           f"PyPI: {' '.join(command)}")
    return found


@pytest.fixture(scope="module")
def recorded() -> Iterator[dict[str, list[Exchange]]]:
    pytest.importorskip("pypsrp", reason="pypsrp is not installed: pip install 'wcow[test]'")
    yield recordings()


def shape(element: xml.Element, at: str = "") -> set[tuple[str, ...]]:
    """Each element with its namespace, where it stands, and the names of its attributes."""
    path = f"{at}/{{{element.name[0]}}}{element.name[1]}"
    out = {(path, *sorted(local for _unused, local in element.attributes))}
    for child in element.children:
        out |= shape(child, path)
    return out


def _all(element: xml.Element, name: tuple[str, str]) -> Iterator[xml.Element]:
    if element.name == name:
        yield element
    for child in element.children:
        yield from _all(child, name)


def _text(element: xml.Element, name: tuple[str, str]) -> str:
    return next((found.text.strip() for found in _all(element, name)), "")


async def replay(exchanges: list[Exchange]) -> list[tuple[Exchange, xml.Element]]:
    """Ask our service what Windows was asked, while its programs say what those of Windows said."""
    machine = Player()
    service = Service(machine)
    ours: dict[str, str] = {}  # Windows' identifiers of shells and commands
    owner: dict[str, Played] = {}
    out = []
    try:
        for one in exchanges:
            asked = _GUID.sub(lambda found: ours.get(found[0].upper(), found[0]), one.asked)
            asked = re.sub(r">PT\d\dS<", ">PT0.3S<", asked)  # a recording waits for nothing
            await _say(one.answered, ours, owner)
            answer = xml.parse((await service.answer(asked.encode(), USER)).body)
            out.append((one, answer))
            for name in ("ShellId", "CommandId"):
                theirs = _text(one.answered, (names.SHELL, name)).upper()
                if theirs and theirs not in ours:
                    ours[theirs] = _text(answer, (names.SHELL, name)).upper()
                    owner[theirs] = machine.programs[-1] if machine.programs else Played()
    finally:
        for program in machine.programs:
            program.output.put_nowait(None)
        await service.close()
    return out


async def _say(answered: xml.Element, ours: dict[str, str], owner: dict[str, Played]) -> None:
    """Let programs say what an answer of Windows holds, and end where it says that they have ended."""
    for stream in _all(answered, (names.SHELL, "Stream")):
        theirs = stream.attributes.get(("", "CommandId"), "").upper()
        data = base64.b64decode(stream.text)
        program = owner.get(theirs) or (list(owner.values())[-1] if owner else Played())
        if program.speaks:
            line = psrp.Packet("Data", ours.get(theirs, psrp.POOL), "Default", data).line()
            program.output.put_nowait(("stdout", line))
        elif data:
            program.output.put_nowait((stream.attributes["", "Name"], data))
    for state in _all(answered, (names.SHELL, "CommandState")):
        if not state.attributes:
            continue  # of an Enumerate
        program = owner.get(state.attributes["", "CommandId"].upper(), Played())
        if state.attributes["", "State"] == names.DONE and not program.speaks:
            program.code_said = int(_text(state, (names.SHELL, "ExitCode")))
            program.output.put_nowait(None)
    await asyncio.sleep(0.02)


#: Where an exchange is not what Windows answers such a request alone, with the reason; what else differs is a failure.
DIFFER = {
    ("test_winrs_no_cmd_shell", 1): "Server 2008 R2 heeds WINRS_SKIP_CMD_SHELL, later ones do not (MS-WSMV, note 117)",
    ("test_psrp_is_alive_invalid_selectors", 4): "the shell was ended on the host between two requests",
    ("test_psrp_receive_failure", 3): "the command was ended on the host between two requests",
    ("test_psrp_long_running_cmdlet", 4): "the recorder has put the time-out's fault in here",
    ("test_psrp_key_exchange_timeout", 4): "an empty answer was put in where a time-out's fault was",
    ("test_psrp_disconnect_runspaces", 15): "the pool's state, which Windows says again to who connects",
    ("test_psrp_disconnected_commands", 19): "the pool's state, which Windows says again to who connects",
}


def _without(answer: set[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """An answer's shape without the ActivityId, which Windows has begun to send with Server 2012, and the state Pending
    of a pipeline that asks its client something, which no client reads."""
    return {one for one in answer if not one[0].endswith("}ActivityId")}


def _state(element: xml.Element) -> list[str]:
    return [found.attributes.get(("", "State"), "").rpartition("/")[2]
            for found in _all(element, (names.SHELL, "CommandState")) if found.attributes]


def test_windows_exchanges_are_answered_in_their_shape(recorded: dict[str, list[Exchange]]) -> None:
    assert len(recorded) >= 60
    found, compared, faults = [], 0, set()
    for name, exchanges in recorded.items():
        for number, (one, answer) in enumerate(asyncio.run(asyncio.wait_for(replay(exchanges), 60))):
            if (name, number) in DIFFER:
                continue
            compared += 1
            theirs, ours = _without(shape(one.answered)), _without(shape(answer))
            if _state(one.answered) == ["Pending"]:
                theirs = {path for path in theirs if not path[0].endswith("}CommandState")}
            codes = [[said.attributes["", "Code"] for said in _all(each, FAULT)] for each in (one.answered, answer)]
            faults |= set(codes[0])
            if theirs != ours or codes[0] != codes[1]:
                found.append((name, number, codes, sorted(theirs - ours), sorted(ours - theirs)))
    assert not found, "\n".join(map(str, found))
    assert compared > 400
    assert faults >= {"2150858793", "2150858843", "2150858767", "87"}


def test_faults_have_windows_own_words(recorded: dict[str, list[Exchange]]) -> None:
    kinds = {str(kind.code): kind for kind in (
        fault.TIMED_OUT, fault.NO_COMMAND, fault.BAD_TIMEOUT, fault.BAD_PARAMETER, fault.NOT_FOUND)}
    seen = set()
    for exchanges in recorded.values():
        for one in exchanges:
            for said in _all(one.answered, (names.SOAP, "Fault")):
                code = next(_all(said, FAULT)).attributes["", "Code"]
                kind = kinds[code]
                assert _text(said, (names.SOAP, "Text")) == kind.reason.strip()
                subcode = next(_all(said, (names.SOAP, "Subcode")))
                assert subcode.value(names.SOAP, "Value") == kind.subcode
                assert next(_all(said, (names.SOAP, "Code"))).value(names.SOAP, "Value") == f"s:{kind.side}"
                seen.add(code)
    assert seen == set(kinds)
