# SPDX-License-Identifier: Apache-2.0
"""``wcow tunnel``: a Windows host's Docker engine on a socket of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from ...errors import ToolError, UsageError
from ...host import SshHost, WinrmHost
from ...host.tunnel import Tunnel, tunnel_context, usual_path
from ..options import FILE_NAME
from .reach import host_at, reach_options


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("host")
@click.option("--socket", "socket", type=FILE_NAME, metavar="PATH",
              help="Where to listen.  [default: in the user's runtime folder]")
@click.option("--context", "context", metavar="NAME", help="A docker context of this name leads there meanwhile.")
@reach_options
@click.argument("command", nargs=-1, metavar="[-- COMMAND...]", type=click.UNPROCESSED)
@click.pass_context
def tunnel(ctx: click.Context, /, host: str, socket: str | None, context: str | None, command: tuple[str, ...],
           **options: Any) -> int:
    """Put the Docker engine of HOST on a local socket, on which the docker command, compose, SDKs and Ansible's modules
    work unchanged. With a COMMAND it is there while that runs, in whose environment DOCKER_HOST names it.

    HOST is winrm://[user@]host, winrm+http://…, ssh://[user@]host, host://NAME (of 'wcow host'), or a name of [hosts]
    in wcow.toml. Nothing is installed there but Docker.

    \b
    Examples:
      wcow tunnel winrm://Administrator@build1 -- docker ps
      wcow tunnel ssh://admin@build1 --context build1
    """
    reached = host_at(ctx, host, **options)
    if not isinstance(reached, WinrmHost | SshHost):
        raise UsageError(f"{host} needs no tunnel", why="docker speaks to it as it is",
                         hint="DOCKER_HOST=ADDRESS, or 'docker --context NAME'")
    path = Path(socket).absolute() if socket else usual_path(host.partition("://")[2] or host)
    try:
        with ExitStack() as stack:
            served = stack.enter_context(Tunnel(reached.dialer, path, say=_say, name=host))
            if context:
                stack.enter_context(tunnel_context(context, served.address, host))
            _say(f"{served.address} by {served.way}")
            if command:
                return _run(command, served.address)
            click.echo(f"DOCKER_HOST={served.address}")
            _until_stopped()
            return 0
    finally:
        reached.close()


def _say(line: str) -> None:
    click.echo(f"tunnel: {line}", err=True)


def _run(command: tuple[str, ...], address: str) -> int:
    """Run the command; its exit code is ours. What the terminal sends is for it."""
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_CERT_PATH",
                                  "WCOW_HOST_PASSWORD")}
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = subprocess.Popen(command, env={**environment, "DOCKER_HOST": address},
                                 preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        code = child.wait()
        return code if code >= 0 else 128 - code
    except OSError as error:
        raise ToolError(f"cannot run {command[0]}", why=error.strerror or str(error), program=command[0]) from error
    finally:
        signal.signal(signal.SIGINT, previous)


def _until_stopped() -> None:
    stop = threading.Event()
    previous = {number: signal.signal(number, lambda *_unused: stop.set())
                for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        while not stop.wait(1):
            pass
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
