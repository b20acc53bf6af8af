# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine behind a host's own connection: WinRM, PSRP and ssh as the inventory configures them."""

from __future__ import annotations

import multiprocessing
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible import constants

from ....imagebuild.dockerapi import Client
from ....imagebuild.errors import quoted
from ....imagebuild.host import HostAddress
from ....imagebuild.host.broker import engine, forget
from .._task import TaskError, plain

_LOGINS = {"plaintext": "basic", "ssl": "basic", "basic": "basic", "ntlm": "ntlm", "kerberos": "kerberos",
           "credssp": "credssp", "certificate": "certificate", "negotiate": "negotiate"}
"""The ways to log in that Ansible's connections name, and how the library calls them."""

KINDS = ("winrm", "psrp", "ssh")
"""The connections beside which a broker of ours reaches the engine."""


def through_connection(connection: Any) -> Callable[[float], Client]:
    """Return what connects to the engine of the host that an Ansible connection reaches, by the broker of this
    ansible-playbook."""
    def connect(seconds: float) -> Client:
        reached = engine(Path(constants.DEFAULT_LOCAL_TMP), _playbook(), *login_of(connection))
        return Client.at(f"unix://{reached.socket}", version=reached.version, timeout=min(seconds, 30),
                         silence=seconds)

    return connect


def tunnel_through(connection: Any, there: bool) -> str:
    """Open a tunnel that stays until ansible-playbook ends, or close it; return its address."""
    state, login = Path(constants.DEFAULT_LOCAL_TMP), login_of(connection)
    if not there:
        forget(state, *login)
        return ""
    return f"unix://{engine(state, _playbook(), *login, keep=True).socket}"


def login_of(connection: Any) -> tuple[HostAddress, str, tuple[str, ...]]:
    """The address that an Ansible connection reaches, its password, and more of ssh's options."""
    kind = str(connection.transport).rpartition(".")[2]
    if kind == "winrm":
        return (*_winrm(connection), ())
    if kind == "psrp":
        return (*_psrp(connection), ())
    if kind == "ssh":
        return _ssh(connection)
    raise TaskError(f"the engine cannot be reached through a connection of the kind {kind}: winrm, psrp and ssh"
                    " can; else name the engine's address in docker_host")


def _playbook() -> int:
    """The process of ansible-playbook, whose child runs this task."""
    parent = multiprocessing.parent_process()
    return os.getpid() if parent is None or parent.pid is None else parent.pid


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


def _ssh(connection: Any) -> tuple[HostAddress, str, tuple[str, ...]]:
    def option(name: str) -> Any:
        return plain(connection.get_option(name))

    options = [word for name in ("ssh_args", "ssh_common_args", "ssh_extra_args")
               for word in shlex.split(str(option(name) or ""))]
    if key := option("private_key_file"):
        options += ["-i", str(Path(str(key)).expanduser())]
    if not option("host_key_checking"):
        options += ["-o", "StrictHostKeyChecking=no"]
    address = HostAddress("ssh", name=str(option("host") or ""), port=int(option("port") or 0),
                          user=str(option("remote_user") or ""))
    return address, str(option("password") or ""), tuple(options)


def _login(name: str) -> str:
    try:
        return _LOGINS[name]
    except KeyError:
        raise TaskError(f"the engine cannot be reached with the login {quoted(name)}: {', '.join(sorted(_LOGINS))} can"
                        ) from None


def _path(value: object) -> str:
    return "" if value in (None, True, False, "legacy_requests") else str(value)
