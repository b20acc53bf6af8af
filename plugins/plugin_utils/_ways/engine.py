# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine that a task is about: at an address, of this machine, or of the host behind its connection."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ....imagebuild.dockerapi import Client
from ....imagebuild.errors import WcowError
from .._errors import failed
from .._task import TaskError

ThroughConnection = Callable[[float], Client]
"""Gives the client of the engine behind a connection; takes the seconds that it may be silent."""


LOCAL = ("local", "ansible.builtin.local")
"""Connections whose host is the control node."""


def address_of(args: Mapping[str, Any]) -> str:
    """Return the address of an engine that the control node reaches itself."""
    return str(args.get("docker_host") or "") or Client.from_environment().host


def client_of(args: Mapping[str, Any], transport: str, through: ThroughConnection) -> Client:
    """Return the client for a task's arguments and connection.

    Raises TaskError for an address that has no meaning and an engine that cannot be reached.
    """
    seconds = float(args.get("timeout") or 60)
    host = str(args.get("docker_host") or "")
    try:
        if host:
            return Client.at(host, timeout=min(seconds, 30), deadline=None, silence=seconds, tls=_tls(args))
        if transport in LOCAL:
            return Client.from_environment(timeout=min(seconds, 30), silence=seconds)
        return through(seconds)
    except WcowError as error:
        raise failed(error) from error


def engine_at(args: Mapping[str, Any], seconds: float) -> Client:
    """Return the client of an engine that the control node reaches itself, by its ``docker_host``, else by its
    ``docker_context``, else the one that ``docker`` would use.

    Raises TaskError for an address that has no meaning and an engine that cannot be reached.
    """
    context = str(args.get("docker_context") or "")
    if args.get("docker_host") or not context:
        return client_of({**args, "timeout": seconds}, LOCAL[0], lambda _seconds: Client.from_environment())
    environment = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
    try:
        return Client.from_environment({**environment, "DOCKER_CONTEXT": context}, timeout=min(seconds, 30),
                                       silence=seconds)
    except WcowError as error:
        raise failed(error) from error


def _tls(args: Mapping[str, Any]) -> Any:
    ca, certificate, key = (args.get(name) or "" for name in ("tls_ca_cert", "tls_client_cert", "tls_client_key"))
    if not (ca or certificate):
        return None
    if bool(certificate) != bool(key):
        raise TaskError("tls_client_cert and tls_client_key go together")
    import ssl

    context = ssl.create_default_context(cafile=ca or None)
    if certificate:
        context.load_cert_chain(certificate, key)
    return context
