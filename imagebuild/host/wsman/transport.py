# SPDX-License-Identifier: Apache-2.0
"""Carries envelopes to a WinRM service and brings its answers.

Logins, message encryption, TLS, channel binding and proxies are pypsrp's (``docs/decisions`` says why). A transport is
one connection, used by one thread at a time; a login belongs to its connection.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from ...errors import DependencyError, FormatError, HostError, UsageError
from ..address import HostAddress
from . import answer, trouble
from .answer import Fault

if TYPE_CHECKING:
    from pypsrp.wsman import WSMan

CONNECT = 15.0
"""Seconds for a connection, with the handshake of TLS."""
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
        self._wsman: WSMan | None = None
        self._used = 0.0

    @property
    def stale(self) -> bool:
        """Whether it was silent for so long that the other side may have closed it."""
        return self._wsman is not None and time.monotonic() - self._used > IDLE

    def exchange(self, envelope: bytes, seconds: float) -> ElementTree.Element:
        """Send an envelope, return the answer. ``seconds`` is the operation's limit.

        Refused for a fault; HostError when no answer came, or the host refused us. What was sent may have been
        received then, unless the error is ``unsent``.
        """
        if self.stale:
            self.close()
        if self._wsman is None:
            self._wsman = connect(self._address, self._password)
        try:
            data = self._wsman.transport.send(envelope, timeout=(CONNECT, seconds + GRACE))
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
        wsman, self._wsman = self._wsman, None
        if wsman is not None:
            wsman.transport.close()


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


def connect(address: HostAddress, password: str) -> WSMan:
    """Prepare a connection; nothing is sent yet. UsageError for a login that lacks something, or that would show the
    password to the network."""
    try:
        from pypsrp.wsman import WSMan
    except ImportError as error:
        raise DependencyError(f"cannot reach {address}", package="pypsrp",
                              why="the Python package pypsrp is not installed", hint="pip install 'wcow[winrm]'",
                              ) from error
    secure = address.kind == "winrm"
    auth = address.auth or ("certificate" if address.certificate else "negotiate")
    what = f"cannot log in at {address}"
    more: dict[str, Any] = {"cert_validation": not address.unverified and (address.ca or True)}
    if auth == "certificate":
        if not secure:
            raise UsageError(what, why="a certificate is shown over TLS only", hint="winrm://host")
        if not (address.certificate and address.key):
            raise UsageError(what, why="a login by certificate needs the certificate and its key",
                             hint="certificate and key in [hosts.NAME] of wcow.toml name PEM files")
        more |= {"certificate_pem": address.certificate, "certificate_key_pem": address.key}
    elif auth != "kerberos" and not address.user:
        raise UsageError(what, why=f"a login by {auth} needs a user", hint=f"{address.kind}://user@{address.name}")
    elif auth != "kerberos" and not password:
        raise UsageError(what, why="there is no password",
                         hint="WCOW_HOST_PASSWORD, --password-stdin, or the keyring (service wcow)")
    if auth == "basic" and not secure and not address.clear_text:
        raise UsageError(what, why="Basic over plain HTTP shows the password to the network",
                         hint="winrm://host has TLS; another login encrypts; --allow-clear-text allows it")
    if auth == "credssp":
        try:
            import requests_credssp  # type: ignore[import-not-found,import-untyped,unused-ignore] # noqa: F401
        except ImportError:
            raise DependencyError(what, package="requests-credssp", hint="pip install 'pypsrp[credssp]'",
                                  why="the Python package requests-credssp is not installed") from None
    return WSMan(address.name, port=address.port, ssl=secure, auth=auth, username=address.user or None,
                 password=password or None, connection_timeout=int(CONNECT),
                 encryption="never" if auth == "basic" and not secure else "auto", proxy=address.proxy or None,
                 negotiate_service="HTTP" if auth == "kerberos" else "host", **more)
