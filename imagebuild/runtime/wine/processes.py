# SPDX-License-Identifier: Apache-2.0
"""Which Windows process is which process of this machine.

Wine gives each program a process of its own, named like it, and says nowhere which. What ``launcher.exe list`` writes
and what ``/proc`` shows are paired by name and order of start.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..port import ProcessRow

_NAME_BYTES = 15
"""The kernel keeps so many bytes of a process's name."""
_LINUX = {"bwrap", "nsenter", "setpriv", "prlimit", "wineserver64", "wineserver"}
"""Processes of a box that are no Windows programs."""


@dataclass(frozen=True, slots=True)
class Windows:
    """One row of the launcher's list; ``made`` is a FILETIME."""

    pid: int
    made: int
    in_job: bool
    name: str


@dataclass(frozen=True, slots=True)
class Host:
    """One process of this machine; ``started`` is in clock ticks since boot."""

    pid: int
    parent: int
    started: int
    name: str


def parse(text: str) -> list[Windows]:
    """The launcher's list: four lines a process (``pid``, ``made``, ``job``, ``name``). Lines that are something else
    are passed over: a hostile program can write the file."""
    out, fields = [], dict[str, str]()
    for line in text.splitlines():
        word, _unused, value = line.partition(" ")
        fields[word] = value
        if word == "name":
            if all(fields.get(key, "").isascii() and fields.get(key, "").isdigit() and len(fields[key]) <= 20
                   for key in ("pid", "made", "job")):
                out.append(Windows(int(fields["pid"]), int(fields["made"]), fields["job"] == "1", value[:260]))
            fields = {}
    return out


def scan(proc: Path = Path("/proc")) -> list[Host]:
    """Every process of this machine that can be read."""
    out = []
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text("utf-8", "replace")
        except OSError:
            continue  # it ended while we looked
        name, _unused, rest = stat.partition(" (")[2].rpartition(") ")
        fields = rest.split()
        out.append(Host(int(folder.name), int(fields[1]), int(fields[19]), name))
    return out


def below(everything: Iterable[Host], roots: Iterable[int]) -> list[Host]:
    """The processes that descend from one of ``roots``, those included."""
    children: dict[int, list[Host]] = {}
    known = {}
    for process in everything:
        children.setdefault(process.parent, []).append(process)
        known[process.pid] = process
    out, waiting, seen = [], [known[pid] for pid in roots if pid in known], set[int]()
    while waiting:
        process = waiting.pop()
        if process.pid not in seen:
            seen.add(process.pid)
            out.append(process)
            waiting += children.get(process.pid, [])
    return out


def pair(windows: Iterable[Windows], host: Iterable[Host], job: str) -> tuple[ProcessRow, ...]:
    """One row for each Windows process, by its id.

    A process here is named like the first word of its command line, with or without ``.exe``; those of one name are in
    the order of their start on both sides. What has another name (a program may be started under any) is paired by
    order of start alone.
    """
    here = sorted((process for process in host if process.name not in _LINUX), key=lambda one: (one.started, one.pid))
    there = sorted(windows, key=lambda one: (one.made, one.pid))
    found: dict[int, int] = {}
    for row in there:
        match = next((one for one in here if _stem(one.name) == _stem(row.name)), None)
        if match is not None:
            found[row.pid] = match.pid
            here.remove(match)
    left = [row for row in there if row.pid not in found]
    if len(left) == len(here):
        found |= {row.pid: one.pid for row, one in zip(left, here, strict=True)}
    return tuple(ProcessRow(row.pid, found.get(row.pid, 0), row.name, job if row.in_job else "")
                 for row in sorted(there, key=lambda one: one.pid))


def _stem(name: str) -> str:
    """A name as both sides have it: without ``.exe``, cut to what the kernel keeps."""
    return name.encode("utf-8", "replace")[:_NAME_BYTES].decode("utf-8", "ignore").lower().removesuffix(".exe")
