# SPDX-License-Identifier: Apache-2.0
"""PowerShell servers that are started before a client asks for one.

Ansible's psrp connection opens and closes a runspace for every task, and each is a process of its own, whose start and
whose first compilation take longer than most tasks. So the next one is started meanwhile. It runs a session of our own,
in which its compiler works once, and waits; when a client comes, it reads the machine's environment again, as a process
that is started now would, and closes that session. ``-s`` then takes the client's as the first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...errors import FormatError
from ..program import STDOUT, Machine, Program
from . import psrp
from .envelope import xml
from .psrp import POOL, Packet

log = logging.getLogger("wcow.hostd.winrm")

KEEP = 120.0
"""Seconds for which a server waits for a client, before its memory is given back."""
WARM = 60.0
"""Seconds that it has to start."""
HAND_OVER = 3.0
"""Seconds that it has to be handed over; one that takes longer is ended, and the client gets a new one."""
_HEAD = b"\xef\xbb\xbf"
_CAPABILITY = (b'<Obj RefId="0"><MS><Version N="protocolversion">2.3</Version><Version N="PSVersion">2.0</Version>'
               b'<Version N="SerializationVersion">1.1.0.1</Version></MS></Obj>')
_HOST = ('<Obj N="HostInfo" RefId="{0}"><MS><B N="_isHostNull">true</B><B N="_isHostUINull">true</B>'
         '<B N="_isHostRawUINull">true</B><B N="_useRunspaceHost">true</B></MS></Obj>')
_POOL = ('<Obj RefId="0"><MS><I32 N="MinRunspaces">1</I32><I32 N="MaxRunspaces">1</I32>'
         '<I32 N="PSThreadOptions">0</I32><I32 N="ApartmentState">2</I32>'
         f'{_HOST.format(3)}<Nil N="ApplicationArguments" /></MS></Obj>').encode()
_PIPELINE = ('<Obj RefId="0"><MS><B N="NoInput">true</B><I32 N="ApartmentState">2</I32>'
             '<I32 N="RemoteStreamOptions">0</I32><B N="AddToHistory">false</B>' + _HOST.format(1) +
             '<Obj N="PowerShell" RefId="2"><MS><B N="IsNested">false</B><Nil N="ExtraCmds" />'
             '<Obj N="Cmds" RefId="3"><LST><Obj RefId="4"><MS><S N="Cmd">{0}</S><B N="IsScript">true</B>'
             '<Nil N="UseLocalScope" /><I32 N="MergeMyResult">0</I32><I32 N="MergeToResult">0</I32>'
             '<I32 N="MergePreviousResults">0</I32><I32 N="MergeError">0</I32><I32 N="MergeWarning">0</I32>'
             '<I32 N="MergeVerbose">0</I32><I32 N="MergeDebug">0</I32><I32 N="MergeInformation">0</I32>'
             '<Obj N="Args" RefId="5"><LST /></Obj></MS></Obj></LST></Obj><Nil N="History" />'
             '<B N="RedirectShellErrorOutputPipe">false</B></MS></Obj><B N="IsNested">false</B></MS></Obj>')
_WARM = """
$ErrorActionPreference = 'SilentlyContinue'
Add-Type -TypeDefinition 'namespace Wcow.Ahead { public static class Type { public static string Of(string x)
{ return string.Format("{0}", x); } } }'
$null = '{"a": [1, "b"]}' | ConvertFrom-Json | ConvertTo-Json -Compress
$null = [ScriptBlock]::Create('param($x) $x').Invoke(1)
function global:Get-WcowEnvironment {
  $of = @{}
  foreach ($t in 'Machine', 'User') {
    $of[$t] = @{}
    foreach ($e in [Environment]::GetEnvironmentVariables($t).GetEnumerator()) { $of[$t][$e.Key] = $e.Value }
  }
  $of
}
$global:WcowBefore = Get-WcowEnvironment
"""
_FRESH = """
$ErrorActionPreference = 'SilentlyContinue'
$now = Get-WcowEnvironment
$names = @{}
foreach ($all in $global:WcowBefore, $now) {
  foreach ($t in 'Machine', 'User') { foreach ($n in $all[$t].Keys) { $names[$n] = 1 } }
}
foreach ($n in $names.Keys) {
  $of = @('Machine', 'User' | ForEach-Object { $now[$_][$n] } | Where-Object { $_ })
  $value = if ($n -eq 'PATH') { $of -join ';' } elseif ($of) { $of[-1] } else { $null }
  if ([string]$value -cne [string][Environment]::GetEnvironmentVariable($n)) {
    [Environment]::SetEnvironmentVariable($n, $value)
  }
}
"""


@dataclass(slots=True, eq=False)
class Ahead:
    """At most one server of a machine that waits. All happens on one event loop."""

    machine: Machine
    _ready: Warm | None = None
    _starting: asyncio.Task[None] | None = None

    async def take(self) -> Program:
        """Return a server that waits for a session, started before or now. One that is not ready yet waits for the next
        client."""
        warm, self._ready = self._ready, None
        if warm is not None:
            with contextlib.suppress(TimeoutError, FormatError, OSError, EOFError):
                return await asyncio.wait_for(warm.hand_over(), HAND_OVER)
            await warm.end()
        return await self.machine.start_powershell()

    def prepare(self) -> None:
        """Start one in the background, unless one is there."""
        if self._ready is None and (self._starting is None or self._starting.done()):
            self._starting = asyncio.create_task(self._start())

    async def reap(self) -> None:
        """End one that has waited in vain."""
        if self._ready is not None and time.monotonic() - self._ready.since > KEEP:
            warm, self._ready = self._ready, None
            await warm.end()

    async def close(self) -> None:
        """End what waits or starts."""
        if self._starting is not None:
            self._starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._starting
        warm, self._ready = self._ready, None
        if warm is not None:
            await warm.end()

    async def _start(self) -> None:
        warm = Warm(await self.machine.start_powershell())
        try:
            await asyncio.wait_for(warm.warm(), WARM)
        except (TimeoutError, FormatError, OSError, EOFError) as error:
            log.info("a PowerShell server did not start ahead: %s", type(error).__name__)
            await warm.end()
        except asyncio.CancelledError:
            await warm.end()
            raise
        else:
            self._ready = warm


@dataclass(slots=True, eq=False)
class Warm:
    """A server with a session of our own in it."""

    program: Program
    since: float = field(default_factory=time.monotonic)
    _lines: bytearray = field(default_factory=bytearray)
    _objects: int = 0
    _pool: bytes = field(default_factory=lambda: uuid.uuid4().bytes)

    async def warm(self) -> None:
        """Open the session, and let the compiler work. EOFError when the server ends."""
        await self._write(Packet("Data", POOL, "Default", self._message(psrp.SESSION_CAPABILITY, _CAPABILITY)
                                 + self._message(psrp.INIT_RUNSPACEPOOL, _POOL)))
        states = psrp.Assembler(frozenset({psrp.RUNSPACEPOOL_STATE}))
        await self._until(lambda packet: any(
            b'"RunspaceState">2<' in found.data for found in _messages(packet, states)))
        await self._run(_WARM)

    async def hand_over(self) -> Program:
        """Make the environment what it is now, close the session, and return the program."""
        await self._run(_FRESH)
        await self._write(Packet("Close", POOL))
        await self._until(lambda packet: packet.name == "CloseAck" and packet.pipeline == POOL)
        return self.program

    async def end(self) -> None:
        """End the program."""
        await self.program.kill()

    async def _run(self, script: str) -> None:
        identity = uuid.uuid4()
        name = str(identity).upper()
        await self._write(Packet("Command", name))
        await self._until(lambda packet: packet.name == "CommandAck")
        escaped = xml.text(script).replace("\n", "_x000A_")
        await self._write(Packet("Data", name, "Default", self._message(
            psrp.CREATE_PIPELINE, _PIPELINE.format(escaped).encode(), identity.bytes_le)))
        states = psrp.Assembler(frozenset({psrp.PIPELINE_STATE}))
        await self._until(lambda packet: any(map(psrp.is_over, _messages(packet, states))))
        await self._write(Packet("Close", name))
        await self._until(lambda packet: packet.name == "CloseAck" and packet.pipeline == name)

    def _message(self, kind: int, data: bytes, pipeline: bytes = bytes(16)) -> bytes:
        self._objects += 1
        return psrp.fragment(self._objects, psrp.request(kind, self._pool, _HEAD + data, pipeline))

    async def _write(self, packet: Packet) -> None:
        await self.program.write(packet.line())

    async def _until(self, found: object) -> None:
        assert callable(found)
        while True:
            end = self._lines.find(b"\n")
            if end < 0:
                got = await self.program.read()
                if got is None:
                    raise EOFError
                if got[0] == STDOUT:
                    self._lines += got[1]
                continue
            line = bytes(self._lines[:end]).strip()
            del self._lines[:end + 1]
            if line.startswith(b"<") and found(psrp.packet(line)):
                return


def _messages(packet: Packet, assembler: psrp.Assembler) -> Iterator[psrp.Message]:
    if packet.name == "Data":
        for one in psrp.fragments(packet.data):
            found = assembler.feed(one)
            if found is not None:
                yield found
