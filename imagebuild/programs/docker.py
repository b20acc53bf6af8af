# SPDX-License-Identifier: Apache-2.0
"""Docker's command line for Windows: its official static archives, and where it lies on a host.

Source: Docker's documentation, "Install Docker Engine from binaries" (the folder of archives ``docker-VERSION.zip``,
each with a folder ``docker`` that holds ``docker.exe``). No digests are published with them.
"""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError, ToolError, UnsupportedError, quoted
from ..fetch import Download, Fetcher
from ..runtime import toolchain
from .powershell import Progress
from .store import Program

DOCKER_CLI = Program("docker-cli", "Docker's command line", "docker.exe", "docker.exe", may_lack_version=True)
"""``docker.exe`` for Windows, x64."""

RELEASES = "https://download.docker.com/win/static/stable/x86_64"
"""A page that links the archive of each release, which lies below it."""
DAEMON = "dockerd.exe"

_VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}(?:-[a-z]{1,12}\d{0,4})?")
_LINK = re.compile(r"docker-(\d{1,4}\.\d{1,4}\.\d{1,4})\.zip")
_MARK = b"wcow-dockerd-version="
_ROOM = 64
"""Bytes that ``runtime/programs/dockerd.c`` has for the mark and the version."""
_LARGEST_PAGE = 4 << 20


def newest_docker(fetcher: Fetcher, releases: str = RELEASES) -> str:
    """Return the newest version that the page of releases links (``28.4.0``). Raises FetchError when it does not
    answer, InputError when it links none."""
    with fetcher.url(f"{releases.rstrip('/')}/") as download:
        text = download.path.read_bytes()[:_LARGEST_PAGE].decode("utf-8", "replace")
    found = {tuple(map(int, version.split("."))) for version in _LINK.findall(text)}
    if not found:
        raise InputError("cannot find the newest docker.exe", why=f"{releases} links no docker-VERSION.zip",
                         hint="name one: --version 28.4.0, or take an archive: --from FILE")
    return ".".join(map(str, max(found)))


def fetch_docker(fetcher: Fetcher, version: str, *, releases: str = RELEASES, progress: Progress | None = None
                 ) -> Download:
    """Download the official archive of a version. The caller closes it. Raises InputError for what is not a version,
    FetchError when it cannot be had."""
    if not _VERSION.fullmatch(version):
        raise InputError(f"{quoted(version[:40])} is not a version of Docker", hint="write it like 28.4.0")
    return fetcher.url(f"{releases.rstrip('/')}/docker-{version}.zip", progress=progress)


def our_daemon(home: Path) -> Path:
    """Return ``dockerd.exe`` of ours; ``home`` is where compiled programs are kept. UnsupportedError without one."""
    return our_program(DAEMON, home)


def our_program(name: str, home: Path) -> Path:
    """Return a program of ours for Windows; ``home`` is where compiled ones are kept. UnsupportedError without one,
    ToolError when the compiler fails (a full disk)."""
    try:
        programs = toolchain.find(home)
    except toolchain.CompileError as error:
        raise ToolError(f"cannot make {name}", program=toolchain.COMPILER,
                        why=str(error).partition("\n")[0]) from error
    if programs is None:
        raise UnsupportedError(f"cannot make {name}", why="no compiler for Windows is installed",
                               hint=f"apt-get install {' '.join(toolchain.missing())}")
    return programs / name


def with_version(program: bytes, version: str) -> bytes:
    """Return ``dockerd.exe`` of ours with another version. InputError for what is none, or too long; UnsupportedError
    for another program."""
    if not _VERSION.fullmatch(version):
        raise InputError(f"{quoted(version[:40])} is not a version of Docker", hint="write it like 24.0.7")
    at = program.find(_MARK)
    if at < 0:
        raise UnsupportedError("cannot change the version of dockerd.exe", why="it is not ours")
    return program[:at] + (_MARK + version.encode()).ljust(_ROOM, b"\0") + program[at + _ROOM:]
