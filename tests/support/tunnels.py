# SPDX-License-Identifier: Apache-2.0
"""Hosts to tunnel to: WinRM's service or a real sshd in front of programs of this machine."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from imagebuild.host import HostAddress, LocalHost, SshHost, WinrmHost
from imagebuild.host.command import Command
from imagebuild.host.engine import Way
from imagebuild.host.tunnel import Tunnel

from . import ansible_hosts, programs
from .winrm_machine import ShellMachine
from .winrm_service import PASSWORD, USER, Served, serving

__all__ = ["PASSWORD", "USER", "SocketHost", "Sshd", "sshd", "stand_in", "through", "wanted", "winrm_address",
           "winrm_host"]


def stand_in(host: ansible_hosts.Host, **more: str) -> WinrmHost:
    """A ``wcow host`` as the library reaches it, by TLS with its own certificate."""
    address = HostAddress("winrm", "127.0.0.1", host.document["winrm_tls_port"], "Administrator",
                          ca=str(host.root / "hosts" / host.name / "winrm.pem"), **more)
    return WinrmHost(address, ansible_hosts.PASSWORD)


def winrm_address(served: Served, folder: Path, *, tls: bool = True) -> HostAddress:
    """The address of a service of :func:`~.winrm_service.serving`, by TLS or with encrypted messages."""
    if tls:
        return HostAddress("winrm", "localhost", served.tls_port, USER, ca=str(folder / "winrm.pem"), docker="docker")
    return HostAddress("winrm+http", "127.0.0.1", served.port, USER, docker="docker")


@contextmanager
def winrm_host(folder: Path, *, engine: str = "", tls: bool = True) -> Iterator[tuple[WinrmHost, Served]]:
    """A host whose commands are this machine's, and docker's those of the engine at ``engine``."""
    with serving(folder, ShellMachine()) as served:
        host = WinrmHost(winrm_address(served, folder, tls=tls), PASSWORD,
                         environment={"DOCKER_HOST": engine} if engine else {})
        try:
            yield host, served
        finally:
            host.close()


class Sshd:
    """A real sshd of this machine, with keys of its own, for the user who runs the test."""

    def __init__(self, folder: Path, port: int, options: list[str]) -> None:
        self.folder, self.port, self.options = folder, port, options

    def host(self, **more: str) -> SshHost:
        """A host over it."""
        return SshHost(HostAddress("ssh", "127.0.0.1", self.port, getpass.getuser(), **more), options=self.options)


@contextmanager
def sshd(folder: Path, environment: dict[str, str] | None = None) -> Iterator[Sshd]:
    """Run sshd for the block; ``environment`` is what its programs get."""
    program = programs.find("sshd")
    keys = folder / "ssh"
    keys.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)], check=True)
    shutil.copy(keys / "user.pub", keys / "authorized_keys")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lines = [f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {keys / 'host'}", "PidFile none", "UsePAM no",
             f"AuthorizedKeysFile {keys / 'authorized_keys'}", "StrictModes no", "PasswordAuthentication no",
             "PermitRootLogin prohibit-password", "MaxSessions 100", "MaxStartups 100"]
    lines += [f"SetEnv {' '.join(f'{key}={value}' for key, value in environment.items())}"] if environment else []
    (keys / "config").write_text("\n".join(lines) + "\n")
    public = (keys / "host.pub").read_text().split()
    (keys / "known_hosts").write_text(f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
    Path("/run/sshd").mkdir(exist_ok=True)
    with (keys / "log").open("wb") as log:
        process = subprocess.Popen([program, "-D", "-e", "-f", str(keys / "config")], stdout=log, stderr=log)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, (keys / "log").read_text()
                time.sleep(0.02)
        yield Sshd(keys, port, ["-i", str(keys / "user"), "-o", f"UserKnownHostsFile={keys / 'known_hosts'}",
                                "-o", "IdentitiesOnly=yes", "-F", "none"])
    finally:
        process.terminate()
        process.wait(10)


def wanted() -> bool:
    """Whether tests that use an engine are to reach it through a tunnel."""
    return bool(os.environ.get("WCOW_TEST_TUNNEL"))


@contextmanager
def through(address: str, folder: Path) -> Iterator[str]:
    """The address by which a test's clients reach the engine at ``address``: its own, or that of a tunnel to it over
    WinRM where ``WCOW_TEST_TUNNEL`` is set."""
    if not wanted():
        yield address
        return
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        with winrm_host(place, engine=address) as (host, _), Tunnel(host.dialer, place / "t" / "t.sock") as tunnel:
            yield tunnel.address


class SocketCommand(Command):
    """A program whose standard streams are a connection to a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("socket")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._thread = threading.Thread(target=self._read, name="socket-command", daemon=True)
        self._thread.start()

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """Send it."""
        self._socket.sendall(data)

    def end(self) -> None:
        """No more from here."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def kill(self) -> None:
        """End both directions."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of it."""
        super().close()
        self.kill()
        self._thread.join(5)
        self._socket.close()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._socket.recv(1 << 18):
                self.arrived("stdout", data)
        self.ended(0)


class SocketHost(LocalHost):
    """A host whose engine is the one at ``engine``, without a program between: what is left is the tunnel alone."""

    name = "socket"

    def __init__(self, engine: str) -> None:
        super().__init__()
        self._path = engine.removeprefix("unix://")

    def open(self, command: Sequence[str], *, deadline: float | None = None) -> Command:
        """Connect."""
        return SocketCommand(self._path)

    def ways(self) -> Iterator[Way]:
        """The only way."""
        yield Way("a socket", ("socket",))
