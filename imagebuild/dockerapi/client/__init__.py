# SPDX-License-Identifier: Apache-2.0
"""The only client of Docker engines here, over anything that carries bytes both ways.

::

    client = Client.at("unix:///var/run/docker.sock")      # or Client.from_environment(): as the docker command does
    info = client.json("GET", "/info", shape=shapes.Info)
    with client.attach(f"/containers/{id}/attach", query={"stream": True, "stdout": True}) as stream:
        for number, data in stream.pieces(): …

Refusals are the faults of :mod:`..faults`; a connection that does not come about, breaks or stays silent is a
DaemonError with status 0.
"""

from __future__ import annotations

from .answer import Answer
from .client import SPEAKS, Client, Ping
from .duplex import Duplex, SocketDuplex
from .environment import endpoint
from .stream import Stream

__all__ = ["SPEAKS", "Answer", "Client", "Duplex", "Ping", "SocketDuplex", "Stream", "endpoint"]
