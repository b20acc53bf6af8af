# SPDX-License-Identifier: Apache-2.0
"""Asks the broker for a host's engine, and starts the broker where there is none."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import HostError, UnsupportedError
from ..address import HostAddress
from . import messages

SECONDS = 120.0
"""What the broker may take to reach a host: its own bounds are shorter."""
START = 30.0
_LONGEST = 80
"""Bytes of a folder's path in which a socket can be named: a Unix socket's path has 107 at most."""
_RUN = "import sys; sys.path.insert(0, sys.argv[1]); from {package} import main; sys.exit(main())"


@dataclass(frozen=True, slots=True)
class Reached:
    """A host's engine on a local socket, and the version of the API that it speaks."""

    socket: str
    version: str


def engine(state: Path, owner: int, address: HostAddress, password: str = "", options: tuple[str, ...] = (), *,
           idle: float = 60.0, keep: bool = False) -> Reached:
    """Return the engine of a host by the broker of ``state``, a folder that is its user's alone and that all who share
    the broker know. It is started where it does not run, and ends with the process ``owner``.

    ``options`` are more of ssh's own. With ``keep`` the socket stays until it is forgotten or ``owner`` ends, however
    long no client uses it. Raises what the host's way raised: HostError, UsageError, DependencyError.
    """
    question = {"verb": "engine", "keep": keep, **messages.question(address, password, options)}
    answer = _asked(state, question)
    if answer is None:
        with _alone(state):
            answer = _asked(state, question)
            if answer is None:
                _start(state, owner, idle)
                answer = _asked(state, question)
    if answer is None:
        raise HostError(f"cannot reach {address}", address=str(address), temporary=True,
                        why="the broker, which keeps the connections to hosts, ended without an answer")
    if "error" in answer:
        raise messages.raised(answer["error"])
    return Reached(str(answer["socket"]), str(answer["version"]))


def forget(state: Path, address: HostAddress, password: str = "", options: tuple[str, ...] = ()) -> None:
    """Have the broker close its way to a host, so that the next question looks for one anew."""
    _asked(state, {"verb": "forget", **messages.question(address, password, options)})


def _asked(state: Path, question: dict[str, Any]) -> dict[str, Any] | None:
    """The broker's answer, None when no broker answers."""
    try:
        folder = Path((state / "broker").read_text("utf-8"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(SECONDS)
            sock.connect(str(folder / "broker.sock"))
            messages.send(sock, question)
            return messages.receive(sock)
    except TimeoutError:
        raise HostError("the broker, which keeps the connections to hosts, did not answer", temporary=True,
                        why=f"the host was not reached within {SECONDS:g} seconds") from None
    except OSError:
        return None


def _start(state: Path, owner: int, idle: float) -> None:
    """Start the broker; return when it listens."""
    if not hasattr(socket, "AF_UNIX"):
        raise UnsupportedError("cannot start the broker here", why="Python has no Unix sockets on Windows",
                               hint="run Ansible on Linux or macOS, as its control nodes are")
    short = len(os.fsencode(state)) <= _LONGEST
    folder = state if short else Path(tempfile.mkdtemp(prefix="wcow-"))
    package = __package__ or ""
    root = Path(__file__).resolve().parents[3]
    run = _RUN.format(package=".".join(package.split(".")[-3:]))
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([sys.executable, "-c", run, str(root)], stdin=subprocess.PIPE, cwd="/",
                                   stdout=subprocess.PIPE, stderr=said, start_new_session=True)
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(json.dumps({"folder": str(folder), "owner": owner, "idle": idle, "made": not short,
                                   "state": str(state)}).encode())
        ready = process.stdout.read()
        process.stdout.close()
        process.wait()  # the broker itself is its child, which outlives it and us
        if ready.strip() != b"ready":
            said.seek(0)
            last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
            raise HostError("cannot start the broker, which keeps the connections to hosts",
                            why=" ".join(last) or "it ended without a word")


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Hold the lock under which one process starts the broker."""
    import fcntl

    with (state / "broker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
