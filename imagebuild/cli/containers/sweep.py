# SPDX-License-Identifier: Apache-2.0
"""``wcow sweep``: remove what dead test runs left in an engine."""

from __future__ import annotations

import re
import time

import click

from ...containers import find_leftovers, owner, remove_leftovers
from ...engine import engine_place, running
from ...errors import NotFoundError, UsageError, quoted
from ...wiring import docker_client
from ..options import format_option, settings_from
from ..output import print_json, print_lines, table

_AGE = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.command()
@click.option("--engine", "address", metavar="ADDRESS", envvar="WCOW_ENGINE", show_envvar=True,
              help="The engine: unix://PATH, tcp://HOST:PORT, npipe://PIPE, context://NAME, or a host's: "
                   "winrm://[user@]host, ssh://…, host://NAME, a name of [hosts]; default: the embedded one that runs.")
@click.option("--older-than", metavar="AGE", default="0s", help="Only what is older: 90s, 30m, 2h, 7d.")
@click.option("--all", "everything", is_flag=True,
              help="Also what other machines made and what was kept on purpose. Lists only, without --yes.")
@click.option("--yes", is_flag=True, help="Remove what --all lists.")
@format_option
@click.pass_context
def sweep(ctx: click.Context, /, address: str | None, older_than: str, everything: bool, yes: bool,
          as_json: bool) -> int:
    """Remove containers, networks, volumes and images that test runs left: those that a process of this machine made
    which is gone, by their labels. What has no such label is never touched.

    \b
    Examples:
      wcow sweep
      wcow sweep --all --older-than 2h
    """
    found = _AGE.fullmatch(older_than)
    if found is None:
        raise UsageError(f"{quoted(older_than)} is not an age", hint="--older-than 90s, 30m, 2h or 7d")
    with docker_client(settings_from(ctx, docker_host=address or _running())) as client:
        things = list(find_leftovers(client, owner(), everything=everything,
                                     older_than=int(found[1]) * _SECONDS[found[2]]))
        removes = yes or not everything
        if removes:
            things = list(remove_leftovers(client, things))
    if as_json:
        print_json([{"kind": one.kind, "id": one.id, "name": one.name, "why": one.why, "created": one.created,
                     "test": one.test, "removed": removes and not one.failed, "failed": one.failed} for one in things])
    elif things:
        print_lines(line.rstrip() for line in table(["KIND", "NAME", "AGE", "TEST", "WHY", ""], [
            [one.kind, one.name[:40], _age(one.created), one.test, one.why,
             one.failed or ("removed" if removes else "--yes removes it")] for one in things]))
    return 1 if any(one.failed for one in things) else 0


def _running() -> str:
    folder = engine_place(None, None).root
    found = running(folder)
    if found is None or not found.pid:
        raise NotFoundError("no engine runs", why=f"no process holds {folder}",
                            hint="--engine ADDRESS names another one; 'wcow engine start' starts this one")
    return found.host


def _age(created: int) -> str:
    seconds = max(0, int(time.time()) - created)
    return f"{seconds // 3600}h" if seconds >= 3600 else f"{seconds // 60}m" if seconds >= 60 else f"{seconds}s"
