# SPDX-License-Identifier: Apache-2.0
"""``wcow doctor examine`` and ``wcow doctor facts``: what is this host, and what stops containers there?"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ...doctor.check import Check, Status
from ...doctor.examine import QUESTIONS, machines
from ...doctor.examine import examine as examine_machine
from ...errors import InputError, UsageError, quoted
from ...host import LocalHost, collector_script
from ...images.inspect.tree import shown
from ...windows import machine_json
from ...windows.facts.machine import MachineFacts
from ..hosts.reach import host_at, reach_options
from ..options import FILE_NAME, format_option
from ..output import print_json, print_lines

_LARGEST = 64 << 20
"""Bytes: the nodes of a large cluster are a few megabytes."""
_COLOURS = {"pass": "32", "warn": "33", "fail": "31", "unknown": "36"}
_WORDS: dict[Status, str] = {"fail": "failed", "warn": "warned", "unknown": "not known", "pass": "passed"}
"""Every status, the worst first, and what the sum calls it."""


def _checks(ctx: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in QUESTIONS:
            raise UsageError(f"there is no check {quoted(name)}", hint="there are " + ", ".join(QUESTIONS))
    return names


@click.command(short_help="Examine a host: what stops Windows containers there?")
@click.argument("host", required=False, default="")
@click.option("--facts", "source", type=FILE_NAME, metavar="FILE",
              help="What is known of the host, - for standard input: facts from "
              "'wcow doctor facts', or JSON of docker info, docker version, kubectl get node(s) or Ansible's setup. "
              "Default: this machine.")
@click.option("--only", multiple=True, metavar="CHECK", callback=_checks, help="Only this check. Repeatable.")
@click.option("--skip", multiple=True, metavar="CHECK", callback=_checks, help="Leave a check out. Repeatable.")
@click.option("--all", "everything", is_flag=True, help="In text, show the checks that passed, too.")
@format_option
@reach_options
@click.pass_context
def examine(ctx: click.Context, /, host: str, source: str | None, only: tuple[str, ...], skip: tuple[str, ...],
            everything: bool, as_json: bool, **options: Any) -> int:
    """Examine a host for running Windows containers, and say what to do about what is found.

    HOST is an address (winrm://[user@]host, ssh://…, tcp://…, host://NAME, local) or a name of [hosts]; without one it
    is this machine. Nothing is asked but the facts, and nothing is changed; they can be brought from there in a file,
    too. Exit code: 0 nothing failed, 1 a check failed, 2 bad usage or input, 3 the facts could not be collected.

    \b
    Examples:
      wcow doctor examine winrm://Administrator@build1
      wcow doctor examine --facts facts.json
      docker info --format json | wcow doctor examine --facts -
      wcow doctor examine --facts facts.json --only nesting --only hypervisor
    """
    if host and source is not None:
        raise UsageError("give a host or --facts, not both")
    found = _given(source) if source is not None else ((_asked(ctx, host, online=False, **options), ()),)
    reports = [(facts, notes, examine_machine(facts, only=only, skip=skip)) for facts, notes in found]
    if as_json:
        print_json({"machines": [_document(*report) for report in reports]})
    else:
        for at, report in enumerate(reports):
            print_lines([""] if at else [])
            print_lines(_text(*report, everything=everything or bool(only)))
    return 1 if any(check.status == "fail" for _facts, _notes, checks in reports for check in checks) else 0


@click.command(short_help="Print the facts of a host, or the script that collects them.")
@click.argument("host", required=False, default="")
@click.option("--script", is_flag=True, help="Print the PowerShell script that collects them on a Windows host.")
@click.option("--online", is_flag=True, help="On Windows, ask Microsoft's registry for the time, to check the clock.")
@reach_options
@click.pass_context
def facts(ctx: click.Context, /, host: str, script: bool, online: bool, **options: Any) -> None:
    """Print the facts of HOST (as for 'wcow doctor examine'), or of this machine, as one JSON document for 'wcow doctor
    examine --facts'.

    \b
    Of a Windows host without wcow:
      wcow doctor facts --script > facts.ps1        here; carry it there
      powershell -ExecutionPolicy Bypass -File facts.ps1 > facts.json     there, elevated
      wcow doctor examine --facts facts.json        here again
    """
    if script:
        click.echo(collector_script(), nl=False)
    else:
        click.echo(machine_json.write(_asked(ctx, host, online=online, **options)), nl=False)


def _asked(ctx: click.Context, host: str, *, online: bool, **options: Any) -> MachineFacts:
    """The facts of the host that was named, else of this machine."""
    if not host:
        return LocalHost(online=online).facts()
    if online:
        raise UsageError("--online is about this machine", why=f"{host} was named")
    reached = host_at(ctx, host, **options)
    try:
        return reached.facts()
    finally:
        reached.close()


def _given(source: str) -> tuple[tuple[MachineFacts, tuple[str, ...]], ...]:
    """The machines in a file, each with notes about what was not understood of it."""
    if source == "-":
        data = sys.stdin.buffer.read(_LARGEST + 1)
    else:
        with Path(source).open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise InputError(f"{source} is too large for the facts of hosts", why=f"more than {_LARGEST >> 20} MiB")
    document = machine_json.parse(data)
    notes = machine_json.from_document(document).notes if _is_ours(document) else ()
    return tuple((machine, notes) for machine in machines(document))


def _is_ours(document: Any) -> bool:
    return isinstance(document, dict) and document.get("schema") == machine_json.SCHEMA


def _document(facts: MachineFacts, notes: tuple[str, ...], checks: tuple[Check, ...]) -> dict[str, Any]:
    counts = Counter(check.status for check in checks)
    return {"name": facts.host.name, "os": facts.host.os, "notes": [*facts.notes, *notes],
            "checks": [asdict(check) for check in checks],
            "summary": {status: counts[status] for status in _WORDS}}


def _text(facts: MachineFacts, notes: tuple[str, ...], checks: tuple[Check, ...], *, everything: bool) -> Iterator[str]:
    """What failed first, then warnings, then what is not known; and a sum."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for status in _WORDS:
        for check in (one for one in checks if one.status == status and (everything or status != "pass")):
            word = f"\x1b[{_COLOURS[status]}m{status}\x1b[0m" if colour else status
            yield f"{word}: {check.title}: {shown(check.found)} [{check.id}]"
            yield from (f"  {shown(text)}" for text in (check.why, check.remedy) if text)
    yield from (f"note: {shown(note)}" for note in (*facts.notes, *notes))
    counts = Counter(check.status for check in checks)
    parts = [f"{counts[status]} {word}" for status, word in _WORDS.items() if counts[status]]
    yield f"{shown(facts.host.name) or 'this host'}: {', '.join(parts) or 'nothing to check'}"
