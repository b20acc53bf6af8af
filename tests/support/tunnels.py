# SPDX-License-Identifier: Apache-2.0
"""Hosts to tunnel to: WinRM's service or a real sshd in front of programs of this machine."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagebuild.host import HostAddress, SshHost, WinrmHost

from . import ansible_hosts, programs
from .winrm_machine import ShellMachine
from .winrm_service import PASSWORD, USER, Served, serving

__all__ = ["PASSWORD", "USER", "Sshd", "sshd", "stand_in", "winrm_address", "winrm_host"]


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
