# SPDX-License-Identifier: Apache-2.0
"""A command over WinRM as a duplex: one shell for each, one connection for what goes there and one for what comes.

The rules, with where they come from:

- one shell for each running command (MS-WSMV's notes 116 and 121 disagree about more);
- one Send at a time in a shell, beside a Receive that waits (3.1.4.13, 3.1.4.14);
- a Receive that the service ended by its limit (fault 2150858793) is asked again; nothing else is asked twice;
- a Send fits into an envelope, base64 included;
- fault 0x803381A6 means that a shell has had too many operations: another shell has its own count;
- Signal comes after the last output, and then the shell is closed.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Mapping

from ...errors import HostError, WcowError
from ..address import HostAddress
from ..command import Command, Lost
from . import answer, names, trouble
from .envelope import OVERHEAD, Sender
from .transport import Refused, Transport, Transports

OPERATION = 60.0
"""Seconds for one request: Windows' MaxTimeoutms is as much."""
RECEIVE = 20.0
"""Seconds that the service holds a Receive: less than what network devices between forget connections after."""
IDLE = 7200.0
_UTF8 = 65001


class WinrmCommand(Command):
    """A command in a shell of its own. It is made by :func:`start`."""

    def __init__(self, name: str, transports: Transports, sender: Sender, address: HostAddress, chunk: int) -> None:
        super().__init__(name)
        self._transports = transports
        self._sender = sender
        self._address = address
        self._chunk = chunk
        self._shell = self._command = ""
        self._outgoing = bytearray()
        self._ending = self._ended_input = self._killing = self._busy = False
        self._threads: list[threading.Thread] = []

    def begin(self, line: str, environment: Mapping[str, str], code_page: int) -> None:
        """Start the command. HostError when the host refuses it."""
        transport = self._transports.take()
        try:
            for again in (True, False):
                self._shell = answer.shell_id(transport.exchange(self._sender.create(
                    code_page=code_page, idle=IDLE, environment=environment, seconds=OPERATION), OPERATION))
                try:
                    identity = str(uuid.uuid4()).upper()
                    self._command = answer.command_id(transport.exchange(
                        self._sender.command(self._shell, identity, line, OPERATION), OPERATION))
                    break
                except Refused as refused:
                    self._delete(transport)
                    if not (again and refused.fault.code == names.OPERATION_QUOTA):
                        raise
        except Refused as refused:
            self._transports.give(transport)
            raise trouble.refused(refused.fault, refused.status, self._address, f"cannot run {self.name}") from refused
        except BaseException:
            transport.close()
            raise
        self._threads = [threading.Thread(target=self._write, args=(transport,), name="winrm-send", daemon=True),
                         threading.Thread(target=self._read, name="winrm-receive", daemon=True)]
        for thread in self._threads:
            thread.start()

    # --- what users call

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """See :class:`Command`."""
        view = memoryview(data)
        with self._changed:
            while view:
                self._wait(lambda: len(self._outgoing) < self._chunk or self._over or self._closed, self._seconds)
                if self._error is not None:
                    raise Lost(self._error)
                if self._over or self._closed or self._ending:
                    raise BrokenPipeError("the program has ended" if self._over else "this direction was ended")
                room = 2 * self._chunk - len(self._outgoing)
                self._outgoing += view[:room]
                view = view[room:]
                self._changed.notify_all()

    def end(self) -> None:
        """See :class:`Command`."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def kill(self) -> None:
        """See :class:`Command`."""
        with self._changed:
            if self._killing or self._over:
                return
            self._killing = True
            busy = self._busy
            self._changed.notify_all()
        if busy:  # a Send waits for a program that does not read: a Signal overtakes it
            threading.Thread(target=self._overtake, name="winrm-signal", daemon=True).start()

    def close(self) -> None:
        """See :class:`Command`."""
        super().close()
        self.kill()

    @property
    def settled(self) -> bool:
        """Whether its shell is closed on the host, and nothing is under way."""
        return not any(thread.is_alive() for thread in self._threads)

    def settle(self, seconds: float) -> None:
        """Wait until the shell is closed on the host, for so long at most."""
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(seconds)

    # --- what goes there

    def _write(self, transport: Transport) -> None:
        """Send what is given, one piece at a time; at the end signal, and close the shell."""
        try:
            while True:
                with self._changed:
                    self._wait(lambda: bool(self._outgoing) or (self._ending and not self._ended_input)
                               or self._over or self._closed or self._killing, None)
                    if self._over or self._closed or self._killing:
                        break
                    piece = bytes(self._outgoing[:self._chunk])
                    del self._outgoing[:self._chunk]
                    last = self._ending and not self._outgoing
                    self._ended_input = last
                    self._busy = True
                    self._changed.notify_all()
                self._send(transport, piece, last)
                self._busy = False
        except WcowError as error:
            self.fail(error)
        finally:
            self._finish(transport)

    def _send(self, transport: Transport, piece: bytes, last: bool) -> None:
        try:
            transport.exchange(self._sender.send(self._shell, self._command, piece, end=last, seconds=OPERATION),
                               OPERATION)
        except Refused as refused:
            if not self._over and refused.fault.code != names.NO_SHELL:
                raise trouble.refused(refused.fault, refused.status, self._address,
                                      f"cannot send to {self.name}") from refused
            # The program has ended meanwhile: what it said about that is on its way.

    def _finish(self, transport: Transport) -> None:
        self._signal(transport)
        self._delete(transport)
        self._transports.give(transport)

    def _overtake(self) -> None:
        transport = self._transports.take()
        self._signal(transport)
        self._transports.give(transport)

    def _signal(self, transport: Transport) -> None:
        with contextlib.suppress(Refused, WcowError):  # it is over; the shell's end ends it, too
            transport.exchange(self._sender.signal(self._shell, self._command, OPERATION), OPERATION)
        if self._killing:
            self.fail(HostError(f"{self.name} was ended", address=str(self._address), why="we ended it"))

    def _delete(self, transport: Transport) -> None:
        with contextlib.suppress(Refused, WcowError):  # it is gone, or the service closes it when it was idle too long
            transport.exchange(self._sender.delete(self._shell, OPERATION), OPERATION)

    # --- what comes

    def _read(self) -> None:
        """Ask for output until there is no more."""
        transport = self._transports.take()
        try:
            while not self._closed:
                try:
                    root = transport.exchange(self._sender.receive(self._shell, self._command, RECEIVE), RECEIVE)
                except Refused as refused:
                    if refused.fault.code == names.TIMED_OUT:
                        continue
                    raise trouble.refused(refused.fault, refused.status, self._address,
                                          f"{self.name} was lost") from refused
                got = answer.output(root)
                for stream, data in got.pieces:
                    self.arrived(stream, data)
                if got.done:
                    self.ended(got.code or 0)
                    break
            self._transports.give(transport)
        except WcowError as error:
            transport.close()
            self.fail(error)


def start(name: str, line: str, transports: Transports, sender: Sender, address: HostAddress, *, chunk: int,
          environment: Mapping[str, str] | None = None, code_page: int = _UTF8) -> WinrmCommand:
    """Start a command line; ``name`` is what errors call it."""
    command = WinrmCommand(name, transports, sender, address, chunk)
    command.begin(line, environment or {}, code_page)
    return command


def chunk_of(envelope: int) -> int:
    """How many bytes of input fit into an envelope of this size, in base64."""
    return max((envelope - OVERHEAD) // 4 * 3, 1024)
