# SPDX-License-Identifier: Apache-2.0
"""``wcow engine``: a Windows Docker engine on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click

from ..engine.serve import running, serve
from ..engine.settings import EngineSettings
from ..errors import NotFoundError, StoreError, ToolError, UsageError
from ..wiring import make_engine
from .options import MemorySize, container_ca_option, format_option, publish_option, settings_from
from .output import fields, print_json

READY_SECONDS = 120
"""The first start makes Wine's prefix, which takes some ten seconds on a fast machine."""


@click.group()
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
@place_options
@click.pass_context
def start(ctx: click.Context, /, foreground: bool, build: int, drives: tuple[str, ...], publish_address: str,
          build_memory: int, container_ca: Path | None, root: str | None, socket: str | None) -> None:
    """Start the engine, and print how to use it.

    \b
    Examples:
      wcow engine start --host-drive C=$HOME/windows
      export DOCKER_HOST=unix://$XDG_RUNTIME_DIR/wcow/engine.sock
      docker version
    """
    folder, path = engine_place(root, socket)
    settings = EngineSettings(folder, build=build, drives=dict(drive_of(text) for text in drives),
                              name=os.uname().nodename.split(".")[0], publish_address=publish_address,
                              build_memory=build_memory, ca=container_ca and container_ca.absolute())
    if foreground:
        asyncio.run(serve(lambda: make_engine(settings, settings_from(ctx)), folder, path,
                          say=lambda line: click.echo(line, err=True)))
        return
    found = running(folder)
    if found is not None:
        raise StoreError("an engine runs there already", why=f"process {found.pid} on {found.socket}",
                         hint="'wcow engine stop' ends it")
    _start_behind(_command(settings, path, (ctx.find_root().obj or {}).get("config")), folder, path)
    click.echo(f"export DOCKER_HOST=unix://{path}")


def _command(settings: EngineSettings, socket: Path, config: str | None) -> list[str]:
    """What runs such an engine in a process of its own, with the configuration file that was named to us."""
    command = [sys.executable, "-m", "imagebuild", *(["--config", config] if config else []), "engine", "start",
               "--foreground", "--windows-build", str(settings.build), "--publish-address", settings.publish_address,
               "--build-memory", str(settings.build_memory), "--root", str(settings.root), "--socket", str(socket)]
    for letter, folder in settings.drives.items():
        command += ["--host-drive", f"{letter}={folder}"]
    if settings.ca is not None:
        command += ["--ca", str(settings.ca)]
    return command


def _start_behind(command: list[str], root: Path, socket: Path) -> None:
    """A process of its own that outlives this one; what it says goes to a file."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = root / "engine.log"
    with open(log, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as said:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
    try:
        _await_ready(child, root, socket, log)
    except BaseException:  # also when the user stops us: nothing is left behind that starts
        child.terminate()
        child.wait()
        raise
    child.returncode = 0  # it outlives us: nobody waits for it


def _await_ready(child: subprocess.Popen[bytes], root: Path, socket: Path, log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    shown = 0
    while time.monotonic() < end:
        text = log.read_text(encoding="utf-8", errors="replace")
        for line in text[shown:].splitlines():
            if not line.startswith("listening"):
                click.echo(line, err=True)
        shown = len(text)
        found = running(root)
        if found is not None and found.socket == socket and socket.exists():
            return
        if child.poll() is not None:
            raise ToolError("the engine did not start", program="wcow engine", why="what it said stands above")
        time.sleep(0.05)
    raise ToolError("the engine did not start", program="wcow engine", why=f"no answer in {READY_SECONDS} s",
                    hint=f"look into {log}")


@engine.command()
@place_options
def stop(root: str | None, socket: str | None) -> None:
    """Stop the engine; its containers are killed, as a Windows engine's are."""
    folder, _ = engine_place(root, socket)
    found = running(folder)
    if found is None or not found.pid:
        raise NotFoundError("no engine runs", why=f"nobody holds {folder}")
    os.kill(found.pid, signal.SIGTERM)
    end = time.monotonic() + 30
    while running(folder) is not None:
        if time.monotonic() > end:
            raise ToolError("the engine does not stop", program="wcow engine", why="it had 30 s",
                            hint=f"kill -9 {found.pid}: no container and no state is lost by that")
        time.sleep(0.02)


@engine.command()
@place_options
@format_option
def status(root: str | None, socket: str | None, as_json: bool) -> int:
    """Say whether the engine runs, what it enforces on this machine and what it does not. Exit code 1: it does not run.
    """
    folder, path = engine_place(root, socket)
    found = running(folder)
    from ..sandbox.wine import WineSandbox

    facts = WineSandbox(folder / "sandbox").facts()
    document = {"running": found is not None, "pid": found.pid if found else 0,
                "socket": str(found.socket if found else path), "root": str(folder),
                "publish_address": found.publish_address if found else "", "sandbox": facts.engine,
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
    _, path = engine_place(root, socket)
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
        raise UsageError(f"{text!r} is no drive", hint="--host-drive C=/home/me/windows")
    path = Path(folder).expanduser().absolute()
    if not path.is_dir():
        raise UsageError(f"there is no folder {path}", why=f"it was to stand for drive {letter[0].upper()}:")
    return letter[0].upper(), path


def engine_place(root: str | None, socket: str | None) -> tuple[Path, Path]:
    """The folder and the socket of the embedded engine: as asked, from ``WCOW_ENGINE_ROOT`` and ``WCOW_ENGINE_SOCKET``,
    else the user's own; root's are the machine's."""
    chosen = root or os.environ.get("WCOW_ENGINE_ROOT")
    path = socket or os.environ.get("WCOW_ENGINE_SOCKET")
    if chosen:
        folder = Path(chosen).expanduser().absolute()
    elif os.getuid() == 0:
        folder = Path("/var/lib/wcow/engine")
    else:
        from platformdirs import user_data_path

        folder = user_data_path("wcow") / "engine"
    if path:
        return folder, Path(path).expanduser().absolute()
    return folder, (None if chosen else _runtime_socket()) or folder / "engine.sock"


def _runtime_socket() -> Path | None:
    """The socket's usual place; ``None`` where the machine has none for this user: a container, cron, ``su``. A folder
    in ``/tmp`` is no substitute, for any user could make it first."""
    if os.getuid() == 0:
        return Path("/run/wcow/engine.sock")
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    try:
        about = folder.stat()
    except OSError:
        return None
    return folder / "wcow" / "engine.sock" if stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() else None
