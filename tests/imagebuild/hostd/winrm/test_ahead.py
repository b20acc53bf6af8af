# SPDX-License-Identifier: Apache-2.0
"""PowerShell servers that are started ahead, by servers that only answer, and by a real PowerShell."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support import programs
from support.winrm_machine import ShellMachine
from support.winrm_service import PASSWORD, USER, serving

from imagebuild.hostd.winrm import ahead, psrp
from imagebuild.hostd.winrm.ahead import Ahead
from imagebuild.hostd.winrm.psrp import POOL, Packet


class Server:
    """A program that speaks ``-s`` and does nothing. ``mute`` ends where it should answer, ``stuck`` never answers."""

    def __init__(self, mute: bool = False) -> None:
        self.mute, self.stuck = mute, False
        self.killed = False
        self.heard: list[Packet] = []
        self._out: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()

    async def read(self) -> tuple[str, bytes] | None:
        return await self._out.get()

    async def write(self, data: bytes) -> None:
        packet = psrp.packet(data.strip())
        self.heard.append(packet)
        if self.mute:
            self._out.put_nowait(None)
        if self.mute or self.stuck:
            return
        self._say(Packet(f"{packet.name}Ack", packet.pipeline))
        if packet.name == "Data":
            kind, state = ((psrp.RUNSPACEPOOL_STATE, '"RunspaceState">2<') if packet.pipeline == POOL
                           else (psrp.PIPELINE_STATE, '"PipelineState">4<'))
            said = psrp.message(kind, bytes(16), f"<Obj><MS><I32 N={state}/I32></MS></Obj>".encode())
            self._say(Packet("Data", packet.pipeline, "Default", psrp.fragment(1, said)))

    def _say(self, packet: Packet) -> None:
        self._out.put_nowait(("stdout", packet.line()))

    async def kill(self) -> None:
        self.killed = True

    async def end_input(self) -> None: ...

    async def code(self) -> int:
        return 0

    async def interrupt(self) -> None: ...


class Machine:
    """Gives servers out, and remembers them."""

    name, version = "X", "10.0"

    def __init__(self, mute: bool = False) -> None:
        self.mute = mute
        self.servers: list[Server] = []

    async def start_powershell(self) -> Server:
        self.servers.append(Server(self.mute))
        return self.servers[-1]

    async def start(self, start: Any) -> Any:
        raise NotImplementedError

    async def start_terminal(self, start: Any, columns: int, rows: int) -> Any:
        raise NotImplementedError


def run(work: Callable[[Ahead, Machine], Awaitable[None]], mute: bool = False) -> None:
    async def main() -> None:
        machine = Machine(mute)
        servers = Ahead(machine)
        await work(servers, machine)
        await servers.close()

    asyncio.run(asyncio.wait_for(main(), 20))


async def prepared(servers: Ahead) -> None:
    servers.prepare()
    assert servers._starting is not None
    await servers._starting


def test_a_server_started_ahead_is_handed_over_with_its_session_closed() -> None:
    async def work(servers: Ahead, machine: Machine) -> None:
        await prepared(servers)
        servers.prepare()  # one is there
        assert await servers.take() is machine.servers[0]
        assert machine.servers[0].heard[-1] == Packet("Close", POOL)
        assert len(machine.servers) == 1
        await servers.take()  # none is there
        assert len(machine.servers) == 2 and machine.servers[1].heard == []

    run(work)


def test_a_server_that_does_not_start_is_ended_and_a_client_gets_a_new_one() -> None:
    async def work(servers: Ahead, machine: Machine) -> None:
        await prepared(servers)
        assert machine.servers[0].killed
        assert await servers.take() is machine.servers[1]

    run(work, mute=True)


def test_a_server_that_stops_to_answer_while_it_waits_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "HAND_OVER", 0.05)

    async def work(servers: Ahead, machine: Machine) -> None:
        await prepared(servers)
        machine.servers[0].stuck = True
        assert await servers.take() is machine.servers[1]
        assert machine.servers[0].killed

    run(work)


def test_a_server_that_waits_for_too_long_and_one_of_a_service_that_ends_are_ended(
        monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(servers: Ahead, machine: Machine) -> None:
        await prepared(servers)
        await servers.reap()
        assert not machine.servers[0].killed
        monkeypatch.setattr(ahead, "KEEP", 0.0)
        await asyncio.sleep(0.01)
        await servers.reap()
        assert machine.servers[0].killed
        await prepared(servers)
        await servers.close()
        assert machine.servers[1].killed
        servers.prepare()
        await asyncio.sleep(0)
        await servers.close()
        assert all(server.killed for server in machine.servers)

    run(work)


@pytest.mark.slow
def test_a_real_powershell_serves_a_client_after_our_own_session(tmp_path: Path) -> None:
    pytest.importorskip("pypsrp", reason="pypsrp is not installed: pip install 'wcow[test]'")
    from pypsrp.powershell import PowerShell, RunspacePool
    from pypsrp.wsman import WSMan
    from support.windows_programs import linux_powershell

    os.environ.setdefault("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
    with programs.skipping():
        machine = ShellMachine((str(linux_powershell()),))

    async def warm(servers: Ahead) -> None:
        await prepared(servers)
        assert servers._ready is not None

    with warnings.catch_warnings(), serving(tmp_path, machine) as served:
        warnings.simplefilter("ignore")
        asyncio.run_coroutine_threadsafe(warm(served.service._servers), served.loop).result(60)
        wsman = WSMan("127.0.0.1", port=served.port, username=USER, password=PASSWORD, ssl=False, auth="ntlm",
                      encryption="always")
        with wsman, RunspacePool(wsman) as pool:
            shell = PowerShell(pool)
            shell.add_script("$null -eq $WcowBefore; [Wcow.Ahead.Type]::Of('x'); (Get-History).Count")
            assert list(shell.invoke()) == [True, "x", 0]
        assert served.service._servers._ready is None
