# SPDX-License-Identifier: Apache-2.0
"""Docker's own client for Windows in a container of the engine, over ``\\\\.\\pipe\\docker_engine``."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, windows_programs
from support.engine import IMAGE, Docker, Engine

pytestmark = pytest.mark.slow

PIPE = "\\\\.\\pipe\\docker_engine"
CLIENT = r"C:\dk\docker.exe"


@pytest.fixture
def inner(windows: Engine, docker: Docker) -> Iterator[Docker]:
    """A container with the engine's pipe; what is given runs in it, with docker.exe before."""
    with programs.skipping():
        folder = windows_programs.docker()
    made = docker("run", "-d", "--network", "none", "-v", f"{PIPE}:{PIPE}", "-v", f"{folder}:C:\\dk:ro", IMAGE,
                  "cmd", "/c", "ping -t 127.0.0.1 >nul")

    def run(*words: str | Path, stdin: bytes | None = None) -> str:
        return docker("exec", "-i", made, CLIENT, *words, stdin=stdin)

    yield run
    docker("rm", "-f", made)


def test_a_client_in_a_container_without_a_network_reaches_the_engine(inner: Docker) -> None:
    assert "windows/amd64" in inner("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}")
    assert inner("run", "--rm", IMAGE, "cmd", "/c", "echo hello") == "hello"
    assert inner("run", "-i", "--rm", IMAGE, "findstr", "b", stdin=b"abc\r\nxyz\r\n") == "abc"  # its input ended


def test_megabytes_arrive_both_ways_as_they_were(windows: Engine, inner: Docker, docker: Docker) -> None:
    data = bytes(range(256)) * 65536
    folder = windows.fresh()
    made = docker("create", IMAGE)
    with tarfile.open(folder / "in.tar", "w") as archive:
        entry = tarfile.TarInfo("big")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    inner("cp", "-", f"{made}:C:\\app", stdin=(folder / "in.tar").read_bytes())
    inner("cp", f"{made}:C:\\app\\big", "C:\\back")
    inner("cp", "C:\\back", f"{made}:C:\\app\\again")
    docker("cp", f"{made}:/app/again", folder / "back")
    docker("rm", made)
    assert hashlib.sha256((folder / "back").read_bytes()).digest() == hashlib.sha256(data).digest()


def test_the_first_program_finds_the_pipe(windows: Engine, docker: Docker) -> None:
    with programs.skipping():
        folder = windows_programs.docker()
    for _ in range(3):
        said = docker("run", "--rm", "-v", f"{PIPE}:{PIPE}", "-v", f"{folder}:C:\\dk:ro", IMAGE, CLIENT, "version",
                      "--format", "{{.Server.Os}}")
        assert said == "windows"


def test_a_pipe_that_this_machine_has_not_is_refused(windows: Engine) -> None:
    said = windows.refused("run", "--rm", "-v", f"\\\\.\\pipe\\other:{PIPE}", IMAGE, "cmd", "/c", "exit")
    assert "The system cannot find the file specified." in said


def test_without_the_mount_a_client_says_what_windows_says(windows: Engine) -> None:
    with programs.skipping():
        folder = windows_programs.docker()
    done = windows.docker("run", "--rm", "-v", f"{folder}:C:\\dk:ro", IMAGE, CLIENT, "ps", ok=False)
    assert done.returncode == 1
    assert "open //./pipe/docker_engine: The system cannot find the file specified." in done.stderr
