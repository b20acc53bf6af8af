# SPDX-License-Identifier: Apache-2.0
"""``wcow engine``: a Windows Docker engine on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Literal

import click

from ...engine import EngineSettings, engine_place, read_log, running, start_engine, stop_engine
from ...errors import ToolError, UsageError, WcowError, quoted
from ..lazy import Commands
from ..options import MemorySize, container_ca_option, format_option, publish_option, settings_from
from ..output import fields, print_json


@click.group(cls=Commands)
def engine() -> None:
    """A Windows Docker engine on this machine: docker, compose and SDKs use it through DOCKER_HOST. Programs run in
    Wine in a sandbox; what a Windows engine refuses is refused."""


def place_options(function: Any) -> Any:
    for option in reversed((
        click.option("--root", type=click.Path(file_okay=False), metavar="DIR",
                     help="Where the engine keeps everything. Also WCOW_ENGINE_ROOT."),
        click.option("--socket", type=click.Path(dir_okay=False), metavar="PATH",
                     help="Its socket. Also WCOW_ENGINE_SOCKET."),
    )):
        function = option(function)
    return function


@engine.command()
@click.option("--foreground", is_flag=True, help="Stay, and say what goes on; for systemd and containers.")
@click.option("--windows-build", "build", type=click.IntRange(10240, 65535), default=20348, show_default=True,
              metavar="BUILD", help="The Windows it says it is.")
@click.option("--host-drive", "drives", multiple=True, metavar="C=DIR",
              help=r"The folder that stands for a drive where a mount's source is a Windows path, as in -v C:\a:C:\b. "
                   "Repeatable.")
@publish_option()
@container_ca_option()
@click.option("--build-memory", type=MemorySize(), default="4g", show_default=True, metavar="SIZE",
              envvar="WCOW_ENGINE_BUILD_MEMORY", show_envvar=True,
              help="Memory (address space) that one docker build may use, at least 256m; 0 is no limit.")
@click.option("--idle", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS",
              help="End when no container ran and no client was connected for so long; else it stays.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info",
              show_default=True, envvar="WCOW_ENGINE_LOG_LEVEL", show_envvar=True,
              help="The least that the engine's log has.")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True,
              envvar="WCOW_ENGINE_LOG_FORMAT", show_envvar=True, help="How a line of the log is written.")
@click.option("--starter", type=int, hidden=True, help="The pipe of the process that starts us.")
@place_options
@click.pass_context
def start(ctx: click.Context, /, foreground: bool, build: int, drives: tuple[str, ...], publish_address: str,
          build_memory: int, container_ca: Path | None, idle: float, log_level: str,
          log_format: Literal["text", "json"], starter: int | None, root: str | None, socket: str | None) -> None:
    """Start the engine, and print how to use it.

    \b
    Examples:
      wcow engine start --host-drive C=$HOME/windows
      export DOCKER_HOST=unix://$XDG_RUNTIME_DIR/wcow/engine.sock
      docker version
    """
    place = engine_place(root, socket)
    settings = EngineSettings(place.root, build=build, drives=dict(drive_of(text) for text in drives),
                              name=os.uname().nodename.split(".")[0], publish_address=publish_address,
                              build_memory=build_memory, ca=container_ca and container_ca.absolute(),
                              log_level=log_level, log_format=log_format)
    if foreground:
        _serve(ctx, settings, place.socket, idle, starter)
        return
    config = (ctx.find_root().obj or {}).get("config")
    start_engine(settings, place.socket, idle=idle, options=["--config", config] if config else [], say=_say)
    click.echo(f"export DOCKER_HOST=unix://{place.socket}")


def _serve(ctx: click.Context, settings: EngineSettings, socket: Path, idle: float, starter: int | None) -> None:
    """Be the engine, until it is stopped; what a process that started us has to hear goes to it, too."""
    from ...engine.serving.log import LogSettings
    from ...engine.serving.serve import serve
    from ...engine.serving.starter import Starter
    from ...wiring import make_engine

    told = Starter.detached(starter) if starter is not None else None
    log = LogSettings(settings.log_level, settings.log_format, stderr=told is None)
    try:
        asyncio.run(serve(lambda: make_engine(settings, settings_from(ctx)), settings.root, socket, idle=idle, log=log,
                          say=told.say if told else _quiet, ready=told.ready if told else lambda: None))
    except WcowError as error:
        if told:
            told.fail(error)
        raise


def _say(line: str) -> None:
    click.echo(line, err=True)


def _quiet(_unused: str) -> None:
    """Say nothing: the log goes to standard error, too."""


@engine.command()
@place_options
def stop(root: str | None, socket: str | None) -> None:
    """Stop the engine; its containers are killed, as a Windows engine's are."""
    stop_engine(engine_place(root, socket).root)


@engine.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until the engine ends.")
@click.option("-n", "--tail", type=click.IntRange(min=0), metavar="LINES", help="Begin with the last lines only.")
@place_options
def logs(follow: bool, tail: int | None, root: str | None, socket: str | None) -> None:
    """Print what the engine wrote of itself: what it did, and where it failed. No variables, command lines or
    credentials are in it."""
    for line in read_log(engine_place(root, socket).root, tail=tail, follow=follow):
        click.echo(line)


@engine.command()
@place_options
@format_option
def status(root: str | None, socket: str | None, as_json: bool) -> int:
    """Say whether the engine runs, what it enforces on this machine and what it does not. Exit code 1: it does not run.
    """
    place = engine_place(root, socket)

    from ...runtime import WineSandbox  # loads on Linux only

    folder, path, found = place.root, place.socket, running(place.root)
    facts = WineSandbox(folder / "sandbox").facts()
    document = {"running": found is not None, "pid": found.pid if found else 0,
                "socket": str(found.socket if found else path), "root": str(folder),
                "publish_address": found.publish_address if found else "", "idle": found.idle if found else 0,
                "sandbox": facts.engine,
                "version": facts.version, "template": facts.template, "memory": facts.memory, "cpus": facts.cpus,
                "account": facts.account, "not_enforced": list(facts.gaps), "missing": list(facts.missing),
                "messages": facts.messages, "problems": list(facts.problems)}
    if as_json:
        print_json(document)
    else:
        click.echo("\n".join(fields([
            ("Engine", f"runs, process {found.pid}" if found else "does not run"),
            ("Socket", str(document["socket"])), ("Folder", str(folder)),
            ("Ports published on", str(document["publish_address"])),
            *([("Ends when idle for", f"{found.idle:g} s")] if found and found.idle else []),
            ("Programs run in", f"{facts.engine} {facts.version}".strip()), ("Prefix", facts.template),
            ("System messages", _messages(facts.messages)),
            ("Memory limits by", facts.memory), ("Processor limits by", facts.cpus),
            *[("Not enforced", gap) for gap in facts.gaps],
            ("Missing packages", ", ".join(facts.missing)),
            *[("Cannot start", problem) for problem in facts.problems]])))
    return 0 if found else 1


def _messages(source: str) -> str:
    if source == "wine":
        return "Wine's own texts; the Debian package python3-impacket has those of Windows"
    return f"Windows' texts, from {source}"


@engine.command()
@click.option("--print", "only", is_flag=True, help="Print the command instead of running it.")
@click.option("--name", default="wcow", show_default=True, help="The context's name.")
@place_options
def context(only: bool, name: str, root: str | None, socket: str | None) -> None:
    """Make a docker context of the engine: docker --context wcow …"""
    path = engine_place(root, socket).socket
    command = ["docker", "context", "create", name, "--description", "Windows containers in Wine (wcow)", "--docker",
               f"host=unix://{path}"]
    if only:
        click.echo(" ".join(json.dumps(word) if " " in word else word for word in command))
        return
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ToolError("cannot make a docker context", program="docker", why=error.strerror or str(error)) from error
    if done.returncode:
        raise ToolError("cannot make a docker context", program="docker", why=done.stderr.strip().splitlines()[0][:300])
    click.echo(f"docker --context {name} version")


def drive_of(text: str) -> tuple[str, Path]:
    """The letter and the folder of ``C=DIR``. UsageError when it is none, or there is no such folder."""
    letter, equals, folder = text.partition("=")
    if not equals or len(letter.rstrip(":")) != 1 or not letter[0].isalpha():
        raise UsageError(f"{quoted(text)} is no drive", hint="--host-drive C=/home/me/windows")
    path = Path(folder).expanduser().absolute()
    if not path.is_dir():
        raise UsageError(f"there is no folder {path}", why=f"it was to stand for drive {letter[0].upper()}:")
    return letter[0].upper(), path
