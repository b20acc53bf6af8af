# SPDX-License-Identifier: Apache-2.0
"""PowerShell over WS-Management: a runspace pool is a shell, a pipeline is a command of it.

A real PowerShell serves each pool: ``-s`` reads and writes on its standard streams the fragments that the envelopes
carry. Nothing here reads a script or makes an object.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from dataclasses import dataclass, field

from ...errors import FormatError
from ..program import STDOUT, Program
from . import psrp
from .ahead import Ahead
from .envelope import fault
from .envelope.answer import ShellState
from .envelope.fault import Fault
from .envelope.request import CommandWanted, Piece, Request, ShellWanted, creation_of
from .output import Output
from .psrp import POOL, Assembler, Message, Packet

ANSWER = 120.0
"""Seconds that PowerShell has for an acknowledgement. It acknowledges a packet before it works on it."""
CLOSE = 5.0
"""Seconds that it has to close by itself."""
LINE = 64 << 20
"""Bytes of a line of its: one fragment, in base64."""
_KEPT = (psrp.SESSION_CAPABILITY, psrp.RUNSPACEPOOL_STATE)


@dataclass(slots=True, eq=False)
class Pipeline:
    """A pipeline, or the pool itself: what it has said, and the packets that wait for each other."""

    output: Output
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    closing: bool = False


class PowerShellShell:
    """A runspace pool, served by one PowerShell process."""

    def __init__(self, servers: Ahead, wanted: ShellWanted, request: Request, state: ShellState) -> None:
        self.state = state
        self._servers = servers
        self._pool = Pipeline(Output("", ("stdout",), keeps_pieces=True))
        self._pipelines: dict[str, Pipeline] = {POOL: self._pool}
        self._program: Program | None = None
        self._pump: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._seen = Assembler(frozenset({psrp.PIPELINE_STATE, *_KEPT}))
        self._begun: dict[int, Message] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._gone = False

    @property
    def commands(self) -> dict[str, str]:
        """Its pipelines that have not ended: identifier and an empty command line, as Windows gives them."""
        return {key: "" for key, one in self._pipelines.items() if key != POOL and not one.output.over}

    async def begin(self, wanted: ShellWanted) -> None:
        """Start PowerShell, and hand it the fragments with which the pool begins."""
        if not wanted.creation:
            raise Fault(fault.BAD_PARAMETER)
        self._program = await self._servers.take()
        self._pump = asyncio.create_task(self._read())
        await self._data(POOL, wanted.creation)

    async def command(self, request: Request, wanted: CommandWanted) -> str:
        """Begin a pipeline; return its identifier."""
        if not wanted.id:
            raise Fault(fault.BAD_PARAMETER)
        if wanted.id in self._pipelines:
            raise Fault(fault.EXISTS)
        pipeline = Pipeline(Output(wanted.id, ("stdout",), keeps_pieces=True))
        self._pipelines[wanted.id] = pipeline
        await self._ask(pipeline, Packet("Command", wanted.id))
        await self._data(wanted.id, creation_of(wanted))
        return wanted.id

    async def send(self, request: Request, pieces: tuple[Piece, ...]) -> None:
        """Pass fragments on: ``stdin`` to a pipeline or the pool; ``pr`` answers what the host was asked, and clients
        send it without a pipeline."""
        for piece in pieces:
            stream = "PromptResponse" if piece.stream == "pr" else "Default"
            if piece.command and piece.command not in self._pipelines:
                raise Fault(fault.NO_COMMAND)
            await self._data(piece.command or POOL, piece.data, stream)

    def output(self, command: str, streams: frozenset[str]) -> Output:
        """Return what a Receive takes from."""
        found = self._pipelines.get(command or POOL)
        if found is None:
            raise Fault(fault.NO_COMMAND)
        return found.output

    async def signal(self, command: str, word: str) -> None:
        """Stop a pipeline (``ctrl_c``, ``powershell/signal/crtl_c``), or forget it (``terminate``)."""
        found = self._pipelines.get(command)
        if found is None or command == POOL:
            return
        if not found.output.over:
            await self._ask(found, Packet("Signal", command))
        if word == "terminate" and found.output.over and found.output.empty:
            del self._pipelines[command]

    async def connect(self, fragments: bytes) -> str:
        """Return what a client that connects from elsewhere is told, in base64: what the pool said when it began. As
        with Windows its state, which clients wait for, comes with the pool's output.

        ``-s`` knows no such packet, so the answer is made of what was kept (MS-PSRP 3.2.5.4.1)."""
        if not all(kind in self._begun for kind in _KEPT):
            raise Fault(fault.BUSY)
        wanted = Assembler(frozenset({psrp.CONNECT_RUNSPACEPOOL}))
        if not any(wanted.feed(one) is not None for one in psrp.fragments(fragments)):
            raise Fault(fault.BAD_PARAMETER)
        capability, state = (self._begun[kind] for kind in _KEPT)
        init = psrp.message(psrp.RUNSPACEPOOL_INIT_DATA, capability.pool,
                            b'\xef\xbb\xbf<Obj RefId="0"><MS><I32 N="MinRunspaces">1</I32><I32 N="MaxRunspaces">1</I32>'
                            b"</MS></Obj>")
        if self._pool.output.empty:  # else the client finds what the one before it did not take
            await self._pool.output.put("stdout", state.raw)
        return base64.b64encode(capability.raw + psrp.fragment(2**62, init)).decode()

    async def close(self) -> None:
        """Close the pool, and end its process, which may not do so by itself."""
        self._gone = True
        if self._program is None:
            return
        if self._pump is not None and not self._pump.done():
            with contextlib.suppress(TimeoutError, Fault):
                await asyncio.wait_for(self._ask(self._pool, Packet("Close", POOL)), CLOSE)
        await self._program.kill()
        if self._pump is not None:
            for one in self._pipelines.values():
                one.output.fail(Fault(fault.NO_SHELL))
            await asyncio.wait((self._pump,), timeout=CLOSE)
            self._pump.cancel()

    async def _data(self, pipeline: str, data: bytes, stream: str = "Default") -> None:
        """Hand fragments over, one after the other: ``-s`` gives each line to a thread of its own, so the next may go
        only when the one before was acknowledged."""
        found = self._pipelines.get(pipeline)
        if found is None or found.closing:
            return
        await self._ask(found, Packet("Data", pipeline, stream, data))

    async def _ask(self, pipeline: Pipeline, packet: Packet) -> None:
        async with pipeline.turn:
            if self._program is None or self._pump is None or self._pump.done():
                raise Fault(fault.BROKEN_SHELL)
            pipeline.acknowledged.clear()
            async with self._writing:
                await self._program.write(packet.line())
            try:
                await asyncio.wait_for(pipeline.acknowledged.wait(), ANSWER)
            except TimeoutError:
                raise Fault(fault.BROKEN_SHELL) from None
        if self._pump.done() and packet.name != "Close":
            raise Fault(fault.BROKEN_SHELL)

    async def _read(self) -> None:
        """Pass on what PowerShell says until it ends."""
        assert self._program is not None
        waiting = bytearray()
        try:
            while (got := await self._program.read()) is not None:
                stream, data = got
                if stream != STDOUT:
                    continue
                waiting += data
                while (end := waiting.find(b"\n")) >= 0:
                    line = bytes(waiting[:end])
                    del waiting[:end + 1]
                    await self._take(line)
                if len(waiting) > LINE:
                    break
        except FormatError:
            pass  # what it says is no packet: it is not to be trusted any more
        finally:
            for pipeline in self._pipelines.values():
                pipeline.output.fail(Fault(fault.BROKEN_SHELL))
                pipeline.acknowledged.set()

    async def _take(self, line: bytes) -> None:
        line = line.strip()
        if not line.startswith(b"<"):
            return  # a program that PowerShell started has written to its standard output
        packet = psrp.packet(line)
        pipeline = self._pipelines.get(packet.pipeline)
        if pipeline is None:
            return
        if packet.name in ("DataAck", "CommandAck", "SignalAck", "CloseAck"):
            pipeline.acknowledged.set()
            if packet.name == "CloseAck" and packet.pipeline != POOL:
                pipeline.output.end(0)
        elif packet.name == "Data":
            over = False
            for one in psrp.fragments(packet.data):
                await pipeline.output.put("stdout", one.raw)
                found = self._seen.feed(one)
                if found is not None and found.type == psrp.PIPELINE_STATE:
                    over = over or psrp.is_over(found)
                elif found is not None:
                    self._begun.setdefault(found.type, found)
            if over and not pipeline.closing:
                pipeline.closing = True
                task = asyncio.create_task(self._close_pipeline(packet.pipeline, pipeline))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    async def _close_pipeline(self, identity: str, pipeline: Pipeline) -> None:
        """Tell ``-s`` that a pipeline which has ended is done with, or the pool's Close would wait for ever."""
        try:
            await self._ask(pipeline, Packet("Close", identity))
        except Fault as broken:
            pipeline.output.fail(broken)
