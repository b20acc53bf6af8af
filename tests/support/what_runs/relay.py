# SPDX-License-Identifier: Apache-2.0
"""A container's way to the engine that it runs in: a TCP port in its network, which leads to the engine's socket.

``python relay.py PID SOCKET PORT`` enters the network of a process, listens on 127.0.0.1 there, says ``ready``, and
relays until it is ended. The socket is reached by its path, from every network.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from .. import programs

PORT = 2375


@contextlib.contextmanager
def relaying(pid: int, target: Path) -> Iterator[None]:
    """Let programs in the network of a process reach a socket of this machine on :data:`PORT`."""
    if os.geteuid():
        raise programs.Unavailable("only root may enter a container's network")
    command = ["nsenter", "--target", str(pid), "--net", sys.executable, "-c", _RELAY, str(target), str(PORT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout and process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


def serve(target: str, port: int) -> None:
    """Relay every connection, both ways, until each way is at its end."""
    with socket.create_server(("127.0.0.1", port)) as listening:
        print("ready", flush=True)
        while True:
            asked, _ = listening.accept()
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(target)
            for here, there in ((asked, engine), (engine, asked)):
                threading.Thread(target=_copy, args=(here, there), daemon=True).start()


def _copy(here: socket.socket, there: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := here.recv(65536):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)


_RELAY = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from support.what_runs.relay import serve
serve(sys.argv[1], int(sys.argv[2]))
"""
