# SPDX-License-Identifier: Apache-2.0
"""``wcow host state``, ``shell`` and ``fault``: what a host says of itself, a prompt on it, and faults for tests."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from ...dockerapi import Client
from ...errors import InputError, NotFoundError, ToolError, UsageError
from ...host import collected, collector_script
from ...hostd import commands, record
from ...hostd.state import files as state_files
from ...hostd.state import state
from ...hostd.winrm import trouble
from ...windows import machine_json
from ..containers.terminal import feed, raw_terminal, show
from ..options import format_option
from ..output import print_json, print_lines, table

_COLLECTOR = "facts.ps1"
_FACTS = "powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File C:\\ProgramData\\wcow\\facts.ps1"


def complete_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a host."""
    return [place.name for place in record.all_places() if place.name.lower().startswith(incomplete.lower())]


@click.command("state")
@click.argument("name", shell_complete=complete_name)
@click.argument("file", required=False, type=click.Path(allow_dash=True, path_type=str))
@click.option("--facts", is_flag=True, help="Print what 'wcow doctor facts' collects on the host, which must run.")
def state_command(name: str, file: str | None, facts: bool) -> None:
    """Print the state document of a host, or give it another one: features, firewall, Defender, updates, and what else
    its cmdlets say.

    FILE (- is standard input) is such a document, or the facts of a machine that 'wcow doctor facts' collected. What it
    leaves out is as on a new host. A host that runs is changed at once.

    \b
    Examples:
      wcow host state win > state.json
      wcow host state win state.json
      wcow host state win --facts
    """
    place = record.place_of(name)
    kept = record.read(place)
    if file is not None and facts:
        raise UsageError("FILE and --facts exclude each other", why="one writes the state, the other reads facts")
    if facts:
        click.echo(_collected(place), nl=False)
    elif file is None:
        click.echo(state.write(state_files.read(place, kept)).decode(), nl=False)
    else:
        state_files.write(place, kept, state.read(read_file(file), client=kept.client))
        if record.running(place) is not None:
            commands.ask(place, "state")


def read_file(file: str) -> bytes:
    """Return a document that the user names. InputError when it cannot be read."""
    try:
        if file == "-":
            return sys.stdin.buffer.read(state.LARGEST + 1)
        with Path(file).open("rb") as stream:
            return stream.read(state.LARGEST + 1)
    except OSError as error:
        raise InputError(f"cannot read {file}", why=error.strerror or str(error)) from error


def _collected(place: record.HostPlace) -> str:
    """What the collector prints on a host."""
    state_files.lay_script(place, _COLLECTOR, collector_script().encode())
    with _machine(place) as (client, container):
        code, out, err = _run(client, container, _FACTS)
    if code:
        raise ToolError(f"cannot collect the facts of the host {place.name}", program="powershell", code=code,
                        why=(err or out).strip()[-600:] or f"it ended with {code}")
    return machine_json.write(collected(out))


class _machine:
    """The engine of a host's box, and the box."""

    def __init__(self, place: record.HostPlace) -> None:
        answer = commands.ask(place, "engine")
        self._client, self._container = Client.at(answer["engine"], timeout=60), answer["container"]

    def __enter__(self) -> tuple[Client, str]:
        return self._client.__enter__(), self._container

    def __exit__(self, *error: Any) -> None:
        self._client.__exit__(*error)


def _run(client: Client, container: str, line: str) -> tuple[int, str, str]:
    """Run a program of the host; return its exit code and what it wrote to its streams."""
    identity = client.json("POST", f"/wcow/containers/{container}/exec", body={
        "CommandLine": line, "AttachStdout": True, "AttachStderr": True})["Id"]
    said: dict[bool, bytearray] = {True: bytearray(), False: bytearray()}
    with client.attach(f"/exec/{identity}/start", body={"Detach": False, "Tty": False}) as stream:
        for piece in stream.pieces():
            said[piece.stream == 1] += piece.data
    return _code(client, identity), said[True].decode("utf-8", "replace"), said[False].decode("utf-8", "replace")


def _code(client: Client, identity: str) -> int:
    while (found := client.json("GET", f"/exec/{identity}/json"))["Running"]:
        time.sleep(0.02)
    return int(found["ExitCode"] or 0)


@click.command()
@click.argument("name", shell_complete=complete_name)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def shell(name: str, command: tuple[str, ...]) -> int:
    """Open a prompt on a host that runs: PowerShell, or another COMMAND. Its exit code is the command's.

    \b
    Examples:
      wcow host shell win
      wcow host shell win cmd
      wcow host shell win powershell Get-WindowsFeature Containers
    """
    place = record.place_of(name)
    record.read(place)
    terminal = os.isatty(sys.stdin.fileno()) and os.isatty(sys.stdout.fileno())
    with _machine(place) as (client, container):
        identity = client.json("POST", f"/containers/{container}/exec", body={
            "Cmd": list(command) or ["powershell.exe", "-NoLogo"], "Tty": terminal, "AttachStdin": True,
            "AttachStdout": True, "AttachStderr": True, "WorkingDir": "C:\\"})["Id"]

        def resized(rows: int, columns: int) -> None:
            with client.call("POST", f"/exec/{identity}/resize", query={"h": rows, "w": columns}) as answer:
                answer.read()

        with client.attach(f"/exec/{identity}/start", body={"Detach": False, "Tty": terminal}) as stream:
            feed(stream)
            if terminal:
                with raw_terminal(resized):
                    show(stream, terminal=True)
            else:
                show(stream, terminal=False)
        code = _code(client, identity)
        return code & 0xFF or int(code != 0)


@click.command("fault")
@click.argument("name", shell_complete=complete_name)
@click.argument("kind", required=False, type=click.Choice(trouble.KINDS),
                metavar=f"[{'|'.join(trouble.KINDS)}]")  # Click 8.1 writes two pairs of brackets
@click.argument("value", default="")
@click.option("--operation", type=click.Choice(trouble.OPERATIONS), default=None,
              help="Only requests of this kind; without it, all.")
@click.option("--times", type=click.IntRange(1), metavar="N", help="So many requests; without it, until --clear.")
@click.option("--clear", is_flag=True, help="End all faults before.")
@format_option
def fault(name: str, kind: str | None, value: str, operation: str | None, times: int | None, clear: bool,
          as_json: bool) -> None:
    """Let clients of a host that runs meet a fault, and print those that they will meet.

    \b
    latency SECONDS    each answer comes so much later
    drop               the connection is dropped in place of an answer
    http STATUS        HTTP answers 400, 401, 403, 404, 413, 500 or 503
    wsman FAULT        WS-Management answers a fault: shell-quota, timed-out, no-shell, ...
    stall              no answer comes

    \b
    Examples:
      wcow host fault win latency 0.5
      wcow host fault win wsman shell-quota --operation create --times 1
      wcow host fault win stall --operation send
      wcow host fault win --clear
    """
    place = record.place_of(name)
    record.read(place)
    asked = None
    if kind is not None:
        asked = trouble.check(trouble.Trouble(kind, value, operation or "", times or 0))
    elif value or operation or times:
        raise UsageError("name the fault", hint=", ".join(trouble.KINDS))
    if record.running(place) is None:
        raise NotFoundError(f"the host {place.name} does not run", why="faults end with its process",
                            hint=f"'wcow host start {place.name}' starts it")
    fields = {"kind": asked.kind, "value": asked.value, "operation": asked.operation, "times": asked.times} \
        if asked else None
    rows = commands.ask(place, "fault", clear=clear, fault=fields)["faults"]
    if as_json:
        print_json(rows)
    else:
        print_lines(_rows(rows))


def _rows(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [line.rstrip() for line in table(["FAULT", "VALUE", "OPERATION", "TIMES"], [
        [row["kind"], row["value"], row["operation"] or "any", str(row["times"] or "until --clear")] for row in rows])]
