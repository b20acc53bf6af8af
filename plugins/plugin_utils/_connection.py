# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine behind a host's own connection: WinRM, PSRP and ssh as the inventory configures them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...imagebuild.dockerapi import Client
from ...imagebuild.host import HostAddress, SshHost, WinrmHost
from ._task import TaskError, plain

_LOGINS = {"plaintext": "basic", "ssl": "basic", "basic": "basic", "ntlm": "ntlm", "kerberos": "kerberos",
           "credssp": "credssp", "certificate": "certificate", "negotiate": "negotiate"}
"""The ways to log in that Ansible's connections name, and how the library calls them."""


def through_connection(connection: Any) -> Callable[[float], Client]:
    """Return what connects to the engine of the host that an Ansible connection reaches."""
    def connect(seconds: float) -> Client:
        kind = str(connection.transport).rpartition(".")[2]
        if kind == "winrm":
            host: Any = WinrmHost(*_winrm(connection))
        elif kind == "psrp":
            host = WinrmHost(*_psrp(connection))
        elif kind == "ssh":
            host = SshHost(_ssh(connection))
        else:
            raise TaskError(f"the engine cannot be reached through a connection of the kind {kind}: winrm, psrp and ssh"
                            " can; else name the engine's address in docker_host")
        client: Client = host.engine()
        client.silence = seconds
        return client

    return connect


def _winrm(connection: Any) -> tuple[HostAddress, str]:
    connection._build_winrm_kwargs()  # where ansible-core puts its options together, in 2.19 and 2.21 alike
    extras = plain(getattr(connection, "_winrm_kwargs", None) or {})
    login = next(iter(plain(connection._winrm_transport) or []), "negotiate")
    secure = str(connection._winrm_scheme) == "https"
    shown = login == "ssl" and extras.get("cert_pem") and not connection._winrm_pass
    address = HostAddress(
        "winrm" if secure else "winrm+http", name=str(connection._winrm_host), port=int(connection._winrm_port),
        user=str(connection._winrm_user or ""), auth="certificate" if shown else _login(login),
        ca=_path(extras.get("ca_trust_path")),
        certificate=_path(extras.get("cert_pem")), key=_path(extras.get("cert_key_pem")),
        proxy=_path(extras.get("proxy")), clear_text=not secure and login in ("plaintext", "basic"),
        unverified=extras.get("server_cert_validation") == "ignore")
    return address, str(connection._winrm_pass or "")


def _psrp(connection: Any) -> tuple[HostAddress, str]:
    def option(name: str) -> Any:
        return plain(connection.get_option(name))

    port, scheme = option("port"), option("protocol")
    secure = scheme == "https" or (scheme is None and port != 5985)
    login = _login(str(option("auth") or "negotiate"))
    address = HostAddress(
        "winrm" if secure else "winrm+http", name=str(option("remote_addr")),
        port=int(port or (5986 if secure else 5985)), user=str(option("remote_user") or ""), auth=login,
        ca=_path(option("ca_cert")), certificate=_path(option("certificate_pem")),
        key=_path(option("certificate_key_pem")), proxy=_path(option("proxy")),
        clear_text=not secure and login == "basic", unverified=option("cert_validation") == "ignore")
    return address, str(option("remote_password") or "")


def _ssh(connection: Any) -> HostAddress:
    def option(name: str) -> Any:
        return plain(connection.get_option(name))

    return HostAddress("ssh", name=str(option("host") or ""), port=int(option("port") or 22),
                       user=str(option("remote_user") or ""))


def _login(name: str) -> str:
    try:
        return _LOGINS[name]
    except KeyError:
        raise TaskError(f"the engine cannot be reached with the login {name!r}: {', '.join(sorted(_LOGINS))} can"
                        ) from None


def _path(value: object) -> str:
    return "" if value in (None, True, False, "legacy_requests") else str(value)
