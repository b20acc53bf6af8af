# SPDX-License-Identifier: Apache-2.0
"""The WinRM service without its wire: an envelope comes in, an envelope goes out."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from ...errors import FormatError
from ..program import Machine
from .ahead import Ahead
from .envelope import answer, fault, names, request
from .envelope.answer import ShellState
from .envelope.fault import Fault
from .envelope.request import Request
from .powershell import PowerShellShell
from .quotas import SHELLS, Operations
from .shell import CommandShell
from .trouble import Troubles

log = logging.getLogger("wcow.hostd.winrm")

IDLE = 7200.0
"""Seconds after which a shell of which nothing is asked is closed: ``IdleTimeout`` of Windows."""
REAP = 5.0
"""How often shells are looked at for that, in seconds."""

Shell = CommandShell | PowerShellShell


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, by which address."""

    user: str
    address: str


@dataclass(slots=True)
class Answer:
    """What goes back: HTTP's status and a body. ``lost`` is called when the client has gone before it had it."""

    status: int
    body: bytes
    lost: Callable[[], None] = field(default=lambda: None)


class Service:
    """The shells of a machine, and what is asked of them. Everything happens on one event loop. With ``ahead`` the next
    PowerShell is started as soon as a client has taken one."""

    def __init__(self, machine: Machine, *, ahead: bool = False) -> None:
        self.machine = machine
        self._servers, self._ahead = Ahead(machine), ahead
        self.troubles = Troubles()
        self.operations = Operations()
        self._shells: dict[str, Shell] = {}
        self._reaper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look for shells that are idle for too long."""
        self._reaper = asyncio.create_task(self._reap())

    async def close(self) -> None:
        """Close all shells; safe to call twice."""
        if self._reaper is not None:
            self._reaper.cancel()
        shells, self._shells = list(self._shells.values()), {}
        await asyncio.gather(self._servers.close(), *(shell.close() for shell in shells), return_exceptions=True)

    @property
    def shells(self) -> list[ShellState]:
        """What is open."""
        return [shell.state for shell in self._shells.values()]

    async def answer(self, data: bytes, caller: Caller | None) -> Answer:
        """Answer an envelope. Without a caller only Identify is answered (the wire refuses the rest before).
        ConnectionResetError where a fault that was asked for drops the connection."""
        message = ""
        try:
            asked = request.parse(data)
            message = asked.message
            await self.troubles.meet(asked.operation)
            if asked.operation == "identify":
                return Answer(200, answer.identified(self.machine.version if caller else ""))
            if caller is None:
                raise Fault(fault.INTERNAL, "Access is denied. ")
            with self.operations.one(caller.user):
                return await self._answer(asked, caller)
        except Fault as refused:
            log.debug("fault %d: %s", refused.kind.code, refused.message)
            return Answer(500, answer.refusal(message or request.message_of(data), refused, self.machine.name))
        except ConnectionResetError:
            raise
        except Exception:
            identity = secrets.token_hex(4)
            log.exception("a request failed (%s)", identity)
            return Answer(500, answer.refusal(message, Fault(fault.INTERNAL, f"Unspecified error (see the host's log, "
                                                                             f"{identity}) "), self.machine.name))

    async def _answer(self, asked: Request, caller: Caller) -> Answer:
        do = getattr(self, f"_{asked.operation}", None)
        if do is None:
            raise Fault(fault.NO_ACTION)
        done = await do(asked, caller)
        return done if isinstance(done, Answer) else Answer(200, done)

    async def _create(self, asked: Request, caller: Caller) -> bytes:
        wanted = request.shell_wanted(asked)
        powershell = asked.resource.lower().startswith(f"{names.POWERSHELL}/".lower())
        if not powershell and asked.resource.lower() != names.CMD_RESOURCE:
            raise Fault(fault.NO_RESOURCE)
        if sum(shell.state.owner == caller.user for shell in self._shells.values()) >= SHELLS:
            raise Fault(fault.SHELL_QUOTA)
        identity = wanted.id or str(uuid.uuid4()).upper()
        if identity in self._shells:
            raise Fault(fault.EXISTS)
        state = ShellState(identity, asked.resource, caller.user, caller.address, wanted.inputs, wanted.outputs,
                           wanted.idle or IDLE, 0, wanted.name, wanted.environment, wanted.folder)
        if powershell:
            shell = PowerShellShell(self._servers, wanted, asked, state)
            self._shells[identity] = shell
            try:
                await shell.begin(wanted)
            except BaseException:
                self._shells.pop(identity, None)
                await shell.close()
                raise
            if self._ahead:
                self._servers.prepare()
        else:
            self._shells[identity] = CommandShell(self.machine, wanted, asked, state)
        return answer.created(asked, state)

    async def _delete(self, asked: Request, caller: Caller) -> bytes:
        shell = self._find(asked, caller)
        del self._shells[shell.state.id]
        await shell.close()
        return answer.envelope(asked)

    async def _get(self, asked: Request, caller: Caller) -> bytes:
        if asked.resource.lower() == f"{names.CONFIG}".lower() or asked.resource.lower().startswith(f"{names.CONFIG}/"):
            return answer.configured(asked)
        shell = self._find(asked, caller, touch=False)
        return answer.envelope(asked, answer.described(shell.state, running=len(shell.commands)))

    async def _enumerate(self, asked: Request, caller: Caller) -> bytes:
        if asked.resource.lower() == f"{names.SHELL}/command":
            shell = self._shells.get(request.chosen_shell(asked))
            commands = {} if shell is None or shell.state.owner != caller.user else shell.commands
            return answer.listed(asked, [answer.running_command(*one) for one in commands.items()])
        if asked.resource.lower() != names.SHELL:
            raise Fault(fault.NO_RESOURCE)
        return answer.listed(asked, [answer.described(shell.state, running=len(shell.commands))
                                     for shell in self._shells.values() if shell.state.owner == caller.user])

    async def _command(self, asked: Request, caller: Caller) -> bytes:
        shell = self._find(asked, caller)
        return answer.commanded(asked, await shell.command(asked, request.command_wanted(asked)))

    async def _send(self, asked: Request, caller: Caller) -> bytes:
        shell = self._find(asked, caller)
        try:
            await asyncio.wait_for(shell.send(asked, request.sent(asked)), asked.timeout)
        except TimeoutError:
            raise Fault(fault.TIMED_OUT) from None
        return answer.sent(asked)

    async def _receive(self, asked: Request, caller: Caller) -> Answer:
        shell = self._find(asked, caller)
        command, streams = request.desired(asked)
        output = shell.output(command, streams)
        pieces, last = await output.take(asked.room, asked.timeout)
        if not pieces and not last:
            raise Fault(fault.TIMED_OUT)
        code = output.code if last and command else None
        shell.state.touched = time.monotonic()
        return Answer(200, answer.received(asked, command, pieces, output.streams, code),
                      lambda: output.give_back(pieces))

    async def _signal(self, asked: Request, caller: Caller) -> bytes:
        shell = self._find(asked, caller)
        await shell.signal(*request.signalled(asked))
        return answer.signalled(asked)

    async def _disconnect(self, asked: Request, caller: Caller) -> bytes:
        shell = self._find(asked, caller)
        if not isinstance(shell, PowerShellShell):
            raise Fault(fault.NO_ACTION)
        shell.state.state = "Disconnected"
        return answer.envelope(asked)

    async def _reconnect(self, asked: Request, caller: Caller) -> bytes:
        shell = self._find(asked, caller)
        if not isinstance(shell, PowerShellShell):
            raise Fault(fault.NO_ACTION)
        shell.state.state = "Connected"
        return answer.envelope(asked)

    async def _connect(self, asked: Request, caller: Caller) -> bytes:
        shell = self._find(asked, caller)
        if not isinstance(shell, PowerShellShell):
            raise Fault(fault.NO_ACTION)
        command, creation = request.connected(asked)
        if command:
            shell.output(command, frozenset())  # raises where it is not there
            return answer.connected(asked)
        try:
            fragments = await shell.connect(creation)
        except FormatError:
            raise Fault(fault.BAD_PARAMETER) from None
        shell.state.state = "Connected"
        return answer.connected(asked, answer.connection(shell.state, fragments))

    def _find(self, asked: Request, caller: Caller, *, touch: bool = True) -> Shell:
        """Return the shell that is asked for; one of another user is not there."""
        shell = self._shells.get(asked.shell)
        if shell is None or shell.state.owner != caller.user:
            raise Fault(fault.NO_SHELL)
        if touch:
            shell.state.touched = time.monotonic()
        return shell

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(REAP)
            await self._servers.reap()
            now = time.monotonic()
            for identity, shell in list(self._shells.items()):
                if now - shell.state.touched > shell.state.idle:
                    self._shells.pop(identity, None)
                    log.info("shell %s was idle for %d s: closed", identity, shell.state.idle)
                    await shell.close()
