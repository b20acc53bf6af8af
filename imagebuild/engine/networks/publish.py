# SPDX-License-Identifier: Apache-2.0
"""Published ports, outside: sockets that listen on this machine, opened by the engine and carried by the networks."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from ..interfaces import Published
from . import request as net_request
from .kernel import Carried

BACKLOG = 1024


def open_ports(endpoint: str, network: str, address: str, ports: Sequence[Published], default: str
               ) -> tuple[list[Carried], tuple[Published, ...]]:
    """Listen on every port, for a container at ``address``; ``default`` is where, when the binding does not say.

    All or none; Internal, in a Windows engine's words, for one that is taken. What is published has the host's address
    ``0.0.0.0``, as a Windows engine shows it, and the port the one that was taken.
    """
    with ExitStack() as undo:
        carried: list[Carried] = []
        published: list[Published] = []
        for port in ports:
            net_request.check_port(endpoint, network, port)
            try:
                where = port.host_ip if port.host_ip == "0.0.0.0" else default
                listener = _listen(port.protocol, where, port.host_port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise net_request.port_taken(endpoint, network) from error
                raise net_request.endpoint_failed(
                    endpoint, network, f"cannot listen on port {port.host_port}: {error.strerror}") from error
            undo.callback(listener.close)
            carried.append(Carried(listener, port.protocol, address, port.port))
            published.append(replace(port, host_ip="0.0.0.0", host_port=listener.getsockname()[1]))
        undo.pop_all()
        return carried, tuple(published)


def _listen(protocol: str, address: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM)
    try:
        if protocol != "udp":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        if protocol != "udp":
            listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OverflowError):
            raise OSError(errno.EINVAL, "no such port") from error
        raise
    return listener
