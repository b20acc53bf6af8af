# SPDX-License-Identifier: Apache-2.0
"""Connections that post envelopes: by pypsrp, or by pywinrm where that alone is installed, as with Debian's Ansible."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import DependencyError, UsageError
from ..address import HostAddress

if TYPE_CHECKING:
    import winrm.transport

CONNECT = 15.0
"""Seconds for a connection, with the handshake of TLS."""


class Post(Protocol):
    """One connection to a service."""

    def send(self, message: bytes, /, *, timeout: tuple[float, float]) -> bytes:
        """Post an envelope and return the answer. ``timeout``: seconds to connect, and to wait for the answer. Raises
        the library's own errors, which :mod:`.trouble` knows."""

    def close(self) -> None:
        """End it."""


def by_pypsrp(address: HostAddress, password: str) -> Post:
    """Prepare a connection of pypsrp; nothing is sent yet. ImportError where it is not installed."""
    from pypsrp.wsman import WSMan

    auth = login(address)
    secure = address.kind == "winrm"
    more: dict[str, Any] = {"cert_validation": not address.unverified and (address.ca or True)}
    if auth == "certificate":
        more |= {"certificate_pem": address.certificate, "certificate_key_pem": address.key}
    made = WSMan(address.name, port=address.port, ssl=secure, auth=auth, username=address.user or None,
                 password=password or None, connection_timeout=int(CONNECT),
                 encryption="never" if auth == "basic" and not secure else "auto", proxy=address.proxy or None,
                 negotiate_service="HTTP" if auth == "kerberos" else "host", **more)
    found: Post = made.transport
    return found


class _Pywinrm:
    """pywinrm's transport, as :class:`Post` has it."""

    def __init__(self, transport: winrm.transport.Transport) -> None:
        self._transport: Any = transport

    def send(self, message: bytes, /, *, timeout: tuple[float, float]) -> bytes:
        """See :class:`Post`."""
        self._transport.read_timeout_sec = timeout  # it is given to requests as it is
        return bytes(self._transport.send_message(message))

    def close(self) -> None:
        """See :class:`Post`."""
        self._transport.close_session()


def by_pywinrm(address: HostAddress, password: str) -> Post:
    """Prepare a connection of pywinrm; nothing is sent yet. ImportError where it is not installed.

    It negotiates by NTLM alone; Kerberos is a login of its own.
    """
    import requests
    from winrm.transport import Transport

    auth, secure = login(address), address.kind == "winrm"
    name = f"[{address.name}]" if ":" in address.name else address.name
    port = address.port or (5986 if secure else 5985)
    scheme = "https" if secure else "http"
    url = f"{scheme}://{name}:{port}/wsman"
    # What the environment says is given as options: pywinrm warns of it when it finds it by itself.
    proxy = address.proxy or requests.utils.get_environ_proxies(url).get(scheme)
    ca: Any = address.ca or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    return _Pywinrm(Transport(
        url, username=address.user or None, password=password,
        auth_method="ntlm" if auth == "negotiate" else auth, service="HTTP",
        server_cert_validation="ignore" if address.unverified else "validate",
        ca_trust_path=ca, cert_pem=address.certificate or None, cert_key_pem=address.key or None, proxy=proxy))


LIBRARIES: list[Callable[[HostAddress, str], Post]] = [by_pypsrp, by_pywinrm]
"""What can make a connection, the better one first."""


def connect(address: HostAddress, password: str) -> Post:
    """Prepare a connection by the first library that is installed; nothing is sent yet. UsageError for a login that
    lacks something, or that would show the password to the network."""
    _check(address, password)
    for make in LIBRARIES:
        try:
            return make(address, password)
        except ImportError:
            continue
    raise DependencyError(f"cannot reach {address}", package="pypsrp", hint="pip install 'wcow[winrm]'",
                          why="neither of the Python packages pypsrp and pywinrm is installed")


def login(address: HostAddress) -> Any:
    """The way to log in that an address asks for."""
    return address.auth or ("certificate" if address.certificate else "negotiate")


def _check(address: HostAddress, password: str) -> None:
    secure, auth = address.kind == "winrm", login(address)
    what = f"cannot log in at {address}"
    if auth == "certificate":
        if not secure:
            raise UsageError(what, why="a certificate is shown over TLS only", hint="winrm://host")
        if not (address.certificate and address.key):
            raise UsageError(what, why="a login by certificate needs the certificate and its key",
                             hint="certificate and key in [hosts.NAME] of wcow.toml name PEM files")
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
