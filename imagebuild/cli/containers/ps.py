# SPDX-License-Identifier: Apache-2.0
"""``wcow ps``: containers of the running engine, with their processes."""

from __future__ import annotations

from typing import Any

import click

from ...dockerapi import Client, shapes
from ...engine import engine_place, running
from ...engine.api.own.processes import ProcessesOf
from ...errors import NotFoundError
from ..options import format_option
from ..output import print_json, print_lines, table
from .engine import place_options


@click.command()
@click.option("-a", "--all", "everything", is_flag=True, help="Those that do not run, too.")
@place_options
@format_option
def ps(everything: bool, root: str | None, socket: str | None, as_json: bool) -> None:
    """List the containers of the engine that runs: each process with its id in Windows (PID), its id on this machine
    (HOST PID) and the job object that holds it.
    """
    folder = engine_place(root, socket).root
    found = running(folder)
    if found is None or not found.pid:
        raise NotFoundError("no engine runs", why=f"no process holds {folder}", hint="'wcow engine start' starts one")
    with Client.at(found.host) as client:
        listed = [shapes.from_json(shapes.Summary, row) for row in
                  client.json("GET", "/containers/json", query={"all": everything})]
        processes = {one.id: one.processes for one in (shapes.from_json(ProcessesOf, row) for row in
                                                       client.json("GET", "/wcow/processes"))}
    if as_json:
        print_json([{"id": one.id, "name": _name(one), "image": one.image, "state": one.state, "status": one.status,
                     "processes": [{"pid": row.pid, "host_pid": row.host_pid, "name": row.name, "job": row.job}
                                   for row in processes.get(one.id, ())]} for one in listed])
        return
    rows: list[list[Any]] = []
    for one in listed:
        head = [one.id[:12], _name(one), one.image, one.status]
        programs = processes.get(one.id, ())
        if not programs:
            rows.append([*head, "", "", "", ""])
        for row in programs:
            rows.append([*head, row.name, str(row.pid), str(row.host_pid or ""), row.job])
            head = ["", "", "", ""]
    print_lines(line.rstrip() for line in table(
        ["CONTAINER", "NAME", "IMAGE", "STATUS", "PROCESS", "PID", "HOST PID", "JOB"], rows, right=[5, 6]))


def _name(one: shapes.Summary) -> str:
    return (one.names or ("",))[0].removeprefix("/")
