# SPDX-License-Identifier: Apache-2.0
"""A Windows host over WinRM."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ...errors import WcowError
from .. import engine
from ..address import HostAddress
from ..command import Command
from ..reached import ReachedHost, plain_line
from ..wsman import answer, shell, transport
from ..wsman.envelope import sender

if TYPE_CHECKING:
    from ...dockerapi import Client

ENVELOPE = 150 << 10
"""Bytes that every WinRM takes: MaxEnvelopeSizekb before Windows 8."""
LARGEST = 4 << 20


class WinrmHost(ReachedHost):
    """A host that WS-Management reaches. Nothing is sent before it is used.

    ``envelope`` is its MaxEnvelopeSizekb in bytes, where the caller knows it; 0 asks the host.
    """

    def __init__(self, address: HostAddress, password: str = "", *, environment: Mapping[str, str] | None = None,
                 envelope: int = 0) -> None:
        self.address = address
        self.name = str(address)
        self._transports = transport.Transports(address, password)
        self._environment = dict(environment or {})
        self._sender = sender(address.url)
        self._envelope = envelope
        self._lock = threading.Lock()
        self._open: set[shell.WinrmCommand] = set()
        self.dialer = engine.Dialer(self)

    def open(self, command: Sequence[str], *, deadline: float | None = None) -> Command:
        """See the port."""
        line = plain_line(command)
        found = shell.start(command[0], line, self._transports, self._sender, self.address,
                            chunk=shell.chunk_of(self.envelope()), environment=self._environment)
        with self._lock:
            self._open = {one for one in self._open if not one.settled}
            self._open.add(found)
        found.limit(deadline)
        return found

    def envelope(self) -> int:
        """The longest envelope that the host takes, in bytes; what all take where it does not tell us."""
        with self._lock:
            if self._envelope:
                return self._envelope
        used = self._transports.take()
        found = 0
        try:
            found = answer.envelope_size(used.exchange(self._sender.configuration(shell.OPERATION), shell.OPERATION))
            self._transports.give(used)
        except transport.Refused:  # only administrators are told
            self._transports.give(used)
        except WcowError:
            used.close()
            raise
        with self._lock:
            self._envelope = min(max(found, 8192), LARGEST) if found else ENVELOPE
        return self._envelope

    def ways(self) -> Iterator[engine.Way]:
        """The ways to its engine."""
        return engine.windows_ways(self, self.address.docker)

    def engine(self) -> Client:
        """See the port."""
        return engine.client(self.dialer, self.name)

    def close(self) -> None:
        """See the port."""
        with self._lock:
            found, self._open = self._open, set()
        for one in found:
            one.close()
        for one in found:
            one.settle(5)
        self._transports.close()
