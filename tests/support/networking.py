# SPDX-License-Identifier: Apache-2.0
"""Networks of an engine for tests: with a kernel that only remembers, and with the real one where it allows that."""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from imagebuild.engine.events import Event, Events
from imagebuild.engine.networks.collection import Networks
from imagebuild.engine.networks.kernel import Kernel, MemoryKernel
from imagebuild.engine.networks.process import AgentKernel
from imagebuild.engine.settings import EngineSettings
from imagebuild.runtime.linux.account import Account, choose
from imagebuild.runtime.port import Namespace

HOST = (IPv4Network("192.0.2.0/24"),)
A, B, C = "a1" * 32, "b2" * 32, "c3" * 32


class Heard(Events):
    """A bus that remembers what was told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Event] = []

    def publish(self, event: Event) -> None:
        self.told.append(event)
        super().publish(event)


def networks(root: Path, kernel: Kernel | None = None, events: Events | None = None, **options: Any) -> Networks:
    """Networks that were opened, on a machine in 192.0.2.0/24."""
    root.mkdir(parents=True, exist_ok=True)
    made = Networks(EngineSettings(root, publish_address=options.pop("publish_address", "127.0.0.1")),
                    events or Heard(), kernel or MemoryKernel(),
                    machine=options.pop("machine", lambda: HOST), **options)
    made.open()
    return made


@contextlib.contextmanager
def real_kernel(*, outbound: bool = False) -> Iterator[AgentKernel]:
    """The kernel's own networks; a skip with what it said where it refuses."""
    for program in ("nsenter", "setpriv"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed (package util-linux)")
    kernel = AgentKernel(outbound=outbound)
    try:
        facts = kernel.start()
        if not facts.works:
            pytest.skip(f"no networks on this machine: {facts.why}")
        yield kernel
    finally:
        kernel.close()


def inside(space: Namespace, account: Account | None = None) -> list[str]:
    """The beginning of a command line that puts a Linux program into a container's network, as a box is put."""
    account = account or choose()
    become = ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"] if account.drop else []
    return [*become, "nsenter", f"--user={space.user}", "--preserve-credentials", f"--net={space.net}"]


@contextlib.contextmanager
def program_in(space: Namespace, *command: str) -> Iterator[subprocess.Popen[str]]:
    """A program that runs in a container's network until the block ends."""
    process = subprocess.Popen([*inside(space), *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, cwd="/")
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run_in(space: Namespace, *command: str) -> str:
    """What a program in a container's network says."""
    return subprocess.run([*inside(space), *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/",
                          timeout=30, check=True).stdout


def eventually(true: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def asked(name: str, kind: int = 1, *, number: int = 7, flags: int = 0x0100, group: int = 1) -> bytes:
    """A DNS query."""
    packed = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", number, flags, 1, 0, 0, 0) + packed + b"\0" + struct.pack("!HH", kind, group)


def resolver(name: str, server: str, kind: int = 1) -> str:
    """A program for ``python3 -c``: asks a DNS server, prints the answer's code and addresses."""
    return f"""
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)
q = b"".join(bytes([len(p)]) + p for p in {name!r}.encode().split(b".")) + b"\\0" + struct.pack("!HH", {kind}, 1)
s.sendto(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + q, ({server!r}, 53))
d = s.recv(4096); n = struct.unpack("!H", d[6:8])[0]
print(d[3] & 15, *sorted(socket.inet_ntoa(d[12 + len(q) + 16 * i + 12:][:4]) for i in range(n)))
"""


PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3"
