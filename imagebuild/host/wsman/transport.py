# SPDX-License-Identifier: Apache-2.0
"""Carries envelopes to a WinRM service and brings its answers.

Logins, message encryption, TLS, channel binding and proxies are the affair of :mod:`.post`. A transport is one
connection, used by one thread at a time; a login belongs to its connection.
"""

from __future__ import annotations

import threading
import time
from xml.etree import ElementTree

from ...errors import FormatError, HostError
from ..address import HostAddress
from . import answer, post, trouble
from .answer import Fault

GRACE = 15.0
"""Seconds past the operation's own limit in which the service must have answered."""
IDLE = 50.0
"""Seconds after which a silent connection is not used again: HTTP.sys closes one after 120, balancers earlier, and a
sealed message on a new connection cannot be opened there."""


class Refused(Exception):
    """The service answered with a fault."""

    def __init__(self, fault: Fault, status: int) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.status = status


class Transport:
    """One connection to a host's service."""

    def __init__(self, address: HostAddress, password: str) -> None:
        self._address = address
        self._password = password
        self._post: post.Post | None = None
        self._used = 0.0

    @property
    def stale(self) -> bool:
        """Whether it was silent for so long that the other side may have closed it."""
        return self._post is not None and time.monotonic() - self._used > IDLE

    def exchange(self, envelope: bytes, seconds: float) -> ElementTree.Element:
        """Send an envelope, return the answer. ``seconds`` is the operation's limit.

        Refused for a fault; HostError when no answer came, or the host refused us. What was sent may have been
        received then, unless the error is ``unsent``.
        """
        if self.stale:
            self.close()
        if self._post is None:
            self._post = post.connect(self._address, self._password)
        try:
            data = self._post.send(envelope, timeout=(post.CONNECT, seconds + GRACE))
            status = 200
        except Exception as error:
            self.close()
            status, data = trouble.translate(error, self._address)
        self._used = time.monotonic()
        try:
            root = answer.parse(data)
            fault = answer.fault(root)
        except FormatError as error:
            self.close()
            raise HostError(f"cannot understand {self._address}", address=str(self._address), status=status,
                            why=f"{error.what}: {error.why}", hint="is it a WinRM service?", cause="winrm-not-wsman",
                            ) from error
        if fault is not None:
            raise Refused(fault, status)
        return root

    def close(self) -> None:
        """Close the connection; the next exchange makes another."""
        found, self._post = self._post, None
        if found is not None:
            found.close()


class Transports:
    """The idle transports of one host, for all its threads."""

    def __init__(self, address: HostAddress, password: str) -> None:
        self._address, self._password = address, password
        self._idle: list[Transport] = []
        self._lock = threading.Lock()
        self._closed = False

    def take(self) -> Transport:
        """One that is logged in already, else a new one."""
        while True:
            with self._lock:
                if not self._idle:
                    return Transport(self._address, self._password)
                found = self._idle.pop()
            if not found.stale:
                return found
            found.close()

    def give(self, transport: Transport) -> None:
        """Done with it."""
        with self._lock:
            if len(self._idle) < 8 and not self._closed:
                self._idle.append(transport)
                return
        transport.close()

    def close(self) -> None:
        """Close those that are idle, and others when they are given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for transport in idle:
            transport.close()
