# SPDX-License-Identifier: Apache-2.0
"""The broker's process."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from ...dockerapi.http.sockets import bind_owner_only
from ...errors import UnsupportedError
from ...files import write_whole
from ..address import HostAddress
from ..tunnel import Tunnel
from ..ways.ssh import SshHost
from ..ways.winrm import WinrmHost
from . import messages

_LOOK = 1.0
"""Seconds between looks at the owner and the clock."""
QUESTION = 30.0
"""Seconds for a question to arrive whole, and for its answer to be taken."""


class _Line:
    """The tunnel to one host, opened by the first who asks; others wait meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.host: WinrmHost | SshHost | None = None
        self.tunnel: Tunnel | None = None
        self.version = ""
        self.kept = False

    def open(self, address: HostAddress, password: str, options: tuple[str, ...]) -> None:
        """Reach the engine, unless that was done."""
        with self.lock:
            if self.tunnel is not None:
                return
            host = _host(address, password, options)
            tunnel = Tunnel(host.dialer, self.path, name=str(address), warm=1)
            try:
                tunnel.start()
                self.version = _version(self.path)
            except BaseException:
                tunnel.close()
                host.close()
                raise
            self.host, self.tunnel = host, tunnel

    def close(self) -> None:
        """Close the tunnel, and the shells that it has at the host."""
        with self.lock:
            host, tunnel = self.host, self.tunnel
            self.host = self.tunnel = None
        if tunnel is not None:
            tunnel.close()
        if host is not None:
            host.close()

    @property
    def used(self) -> bool:
        """Whether it is kept, or a client is connected."""
        tunnel = self.tunnel
        return tunnel is not None and (self.kept or tunnel.clients > 0)


class Broker:
    """Answers questions until its owner ends, or it was idle for long enough."""

    def __init__(self, folder: Path, owner: int, idle: float) -> None:
        self._folder = folder
        self._owner = owner
        self._idle = idle
        self._lines: dict[str, _Line] = {}
        self._lock = threading.Lock()
        self._asking = 0
        self._last = time.monotonic()

    def serve(self, listening: socket.socket) -> None:
        """Serve until the end; then close all tunnels."""
        gone = _Gone(self._owner)
        listening.settimeout(0)
        while not gone.wait(listening, _LOOK) and not self._is_idle():
            with contextlib.suppress(OSError):
                one, _unused = listening.accept()
                one.settimeout(QUESTION)
                with self._lock:
                    self._asking += 1
                threading.Thread(target=self._answer, args=(one,), name="broker-answer", daemon=True).start()
        listening.close()
        threads = [threading.Thread(target=line.close, daemon=True) for line in self._lines.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

    def _is_idle(self) -> bool:
        with self._lock:
            if self._asking or any(line.used for line in self._lines.values()):
                self._last = time.monotonic()
            return time.monotonic() - self._last > self._idle

    def _answer(self, sock: socket.socket) -> None:
        try:
            with sock:
                asked = messages.receive(sock)
                try:
                    answer = self._done(asked)
                except Exception as error:
                    answer = {"error": messages.error_document(error)}
                messages.send(sock, answer)
        except OSError:
            pass  # who asked is gone
        finally:
            with self._lock:
                self._asking -= 1
                self._last = time.monotonic()

    def _done(self, asked: dict[str, Any]) -> dict[str, Any]:
        key = json.dumps([asked["address"], asked["password"], asked["options"]], sort_keys=True)
        if asked["verb"] == "forget":
            with self._lock:
                line = self._lines.pop(key, None)
            if line is not None:
                line.close()
            return {}
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                line = self._lines[key] = _Line(self._folder / f"{len(self._lines)}-{time.monotonic_ns():x}.sock")
        line.open(*messages.host_of(asked))
        line.kept = line.kept or bool(asked["keep"])
        return {"socket": str(line.path), "version": line.version}


class _Gone:
    """Tells when a process has ended, by its descriptor where the system has those, else by its number."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._fd = -1
        with contextlib.suppress(OSError, AttributeError):  # without a pidfd the process is asked for by its number
            self._fd = os.pidfd_open(pid)

    def wait(self, sock: socket.socket, seconds: float) -> bool:
        """Wait for a connection for so long at most; return whether the process has ended."""
        watched: list[Any] = [sock, *([self._fd] if self._fd >= 0 else [])]
        ready, _unused, _neither = select.select(watched, [], [], seconds)
        if self._fd >= 0:
            return self._fd in ready
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False


def _host(address: HostAddress, password: str, options: tuple[str, ...]) -> WinrmHost | SshHost:
    if address.kind in ("winrm", "winrm+http"):
        return WinrmHost(address, password)
    if address.kind == "ssh":
        return SshHost(address, password, options=options)
    raise UnsupportedError(f"the broker cannot reach {address}", why="it keeps ways by WinRM and ssh")


def _version(path: Path) -> str:
    """The version of the API that the engine behind a socket speaks with us."""
    from ...dockerapi import Client

    with Client.at(f"unix://{path}") as client:
        return client.version


def main() -> int:
    """Read the beginning from the pipe, listen, say so, and serve. Returns an exit code."""
    begin = json.loads(sys.stdin.buffer.read())
    os.umask(0o077)
    state, folder = Path(begin["state"]), Path(begin["folder"])
    listening = bind_owner_only(folder / "broker.sock")
    listening.listen(128)
    if os.fork():  # so that the process that started us need not wait for us
        os._exit(0)
    write_whole(state / "broker", str(folder).encode(), mode=0o600)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    quiet = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(quiet, fd)
    try:
        Broker(folder, int(begin["owner"]), float(begin["idle"])).serve(listening)
    finally:
        with contextlib.suppress(OSError):
            (folder / "broker.sock").unlink()
        if begin["made"]:
            shutil.rmtree(folder, ignore_errors=True)
    return 0
