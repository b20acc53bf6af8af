# SPDX-License-Identifier: Apache-2.0
"""The processes of a container: as the engine lists them, with their jobs where it is the embedded one."""

from __future__ import annotations

from dataclasses import dataclass

from ...dockerapi import Client, faults, shapes


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process: its id in Windows, its name, and the job object that holds it (empty where it is not known)."""

    pid: int
    name: str
    job: str = ""


def processes(client: Client, container: str, *, jobs: bool) -> tuple[ProcessRow, ...]:
    """All processes of a container. With ``jobs`` the embedded engine is asked which job each belongs to."""
    if jobs:
        try:
            for one in client.json("GET", "/wcow/processes"):
                if str(one["Id"]) == container:
                    return tuple(ProcessRow(int(row["Pid"]), str(row["Name"]), str(row["Job"]))
                                 for row in one["Processes"])
        except faults.NotFound:
            pass
    top = client.json("GET", f"/containers/{container}/top", shape=shapes.Top)
    name, pid = (top.titles.index(title) for title in ("Name", "PID"))
    return tuple(ProcessRow(int(row[pid]), row[name]) for row in top.processes)
