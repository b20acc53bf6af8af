# SPDX-License-Identifier: Apache-2.0
"""``wcow run``: one container, without any client."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from ...dockerapi import Client, shapes
from ...engine import EngineSettings, engine_place, inside
from ...errors import DaemonError, UsageError, quoted
from ...images import bring_image
from ...oci import Platform
from ...wiring import Settings, docker_client, make_engine, open_library
from ..options import (
    ImageName,
    container_ca_option,
    platform_options,
    publish_option,
    registry_options,
    settings_from,
    wanted_platform,
)
from .engine import drive_of, place_options
from .terminal import feed, raw_terminal, show


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("image", type=ImageName())
@click.argument("command", nargs=-1)
@click.option("-v", "--volume", "volumes", multiple=True, metavar="SOURCE:TARGET[:ro]",
              help=r"A folder or a named volume in the container: -v ./data:C:\data. Repeatable.")
@click.option("-e", "--env", "variables", multiple=True, metavar="NAME[=VALUE]",
              help="A variable; without a value it has ours. Repeatable.")
@click.option("-w", "--workdir", default="", metavar="PATH", help="The program's working directory.")
@click.option("-u", "--user", default="", metavar="NAME", help="The user that the program is told it runs as.")
@click.option("--entrypoint", default=None, metavar="PROGRAM", help="Instead of the image's.")
@click.option("--network", default="", metavar="NAME", help="A network of the engine, or none.")
@click.option("-p", "--publish", "ports", multiple=True, metavar="[0.0.0.0:][PORT:]PORT[/udp]",
              help="Publish a port, with 0.0.0.0: on all of this machine's addresses; Windows takes no other. "
                   "Repeatable.")
@click.option("--name", default="", help="The container's name.")
@click.option("-i", "--interactive", is_flag=True, help="Give it our standard input.")
@click.option("-t", "--tty", "terminal", is_flag=True, help="Give it a terminal.")
@click.option("--rm", "_", is_flag=True, help="Nothing: it is always removed at its end.")
@click.option("--host", "host", default="", metavar="ADDRESS",
              help="Run it in the engine of another machine: an engine's address, winrm://[user@]host, ssh://…, "
                   "host://NAME, or a name of [hosts].")
@click.option("--host-drive", "drives", multiple=True, metavar="C=DIR",
              help="The folder that stands for a drive in a mount's source, when no engine runs. Repeatable.")
@click.option("--windows-build", "build", type=click.IntRange(10240, 65535), default=20348, show_default=True,
              metavar="BUILD", help="The Windows that it sees, when no engine runs.")
@publish_option(", and no engine runs")
@container_ca_option("--container-ca", ", when no engine runs")
@place_options
@platform_options
@registry_options
@click.pass_context
def run(ctx: click.Context, /, image: str, command: tuple[str, ...], interactive: bool, terminal: bool, name: str,
        drives: tuple[str, ...], build: int, publish_address: str, container_ca: Path | None,
        root: str | None, socket: str | None, host: str,
        platform: str | None, os_version: str | None, **asked: Any) -> int:
    """Run one program of IMAGE in a container of its own and remove the container at its end. The image is taken from
    the local store, else from the engine, else from its registry. The engine that runs is used, else one is started.

    Exit code: the program's (its last eight bits), or 3 when it could not be run.

    \b
    Examples:
      wcow run app:1
      wcow run -v ./data:C:\\data app:1 cmd /c dir C:\\data
      echo dir | wcow run -i app:1 cmd
      wcow run -it app:1 cmd
      wcow run --host winrm://Administrator@build1 app:1
    """
    settings = settings_from(ctx, **asked, docker_host=host)
    request = _request(image, command, interactive=interactive, terminal=terminal, elsewhere=host, **asked)
    if host:
        if root or socket or drives:
            raise UsageError("--host goes without --root, --socket and --host-drive",
                             why="they are about an engine of this machine")
        with docker_client(settings) as client:
            return _brought(client, settings, request, image, wanted_platform(platform, os_version), name, interactive,
                            terminal)
    place = EngineSettings(engine_place(root, socket).root, build=build, drives=dict(drive_of(text) for text in drives),
                           name=os.uname().nodename.split(".")[0], publish_address=publish_address, ca=container_ca)
    with inside(lambda: make_engine(place, settings), place.root,
                say=lambda line: click.echo(line, err=True)) as found, \
            Client.at(found.host, timeout=600) as client:
        return _brought(client, settings, request, image, wanted_platform(platform, os_version), name, interactive,
                        terminal)


def _brought(client: Client, settings: Settings, request: dict[str, Any], image: str, platform: Platform, name: str,
             interactive: bool, terminal: bool) -> int:
    """See that the engine has the image, and run the container."""
    with open_library(settings) as library:
        identifier = bring_image(client, library, image, platform)
    return _run(client, {**request, "Image": identifier}, name, interactive, terminal)


def _request(image: str, command: tuple[str, ...], *, interactive: bool, terminal: bool, elsewhere: str,
             volumes: tuple[str, ...], variables: tuple[str, ...], workdir: str, user: str, entrypoint: str | None,
             network: str, ports: tuple[str, ...], **_unused: Any) -> dict[str, Any]:
    """The document of the create call."""
    published: dict[str, list[dict[str, str]]] = {}
    for text in ports:
        address, inner = text.rpartition(":")[::2]
        inner, _slash, protocol = inner.partition("/")
        ip, _colon, outer = address.rpartition(":")
        if not inner.isdecimal() or not (outer.isdecimal() or not outer):
            raise UsageError(f"{quoted(text)} is no port to publish", hint="8080:80, or 0.0.0.0:8080:80/udp")
        if ip not in ("", "0.0.0.0"):  # refused now, in the engine's words, and not when everything else is done
            raise UsageError(f"cannot publish {quoted(text)}",
                             why="Windows does not support host IP addresses in NAT settings",
                             hint="leave the address out: the engine's --publish-address says where such ports are")
        published.setdefault(f"{inner}/{protocol or 'tcp'}", []).append({"HostIp": ip, "HostPort": outer})
    return {
        "Cmd": list(command) or None, "Entrypoint": None if entrypoint is None else [entrypoint], "Tty": terminal,
        "OpenStdin": interactive, "StdinOnce": interactive, "AttachStdin": interactive, "AttachStdout": True,
        "AttachStderr": True, "WorkingDir": workdir, "User": user, "ExposedPorts": {port: {} for port in published},
        "Env": [text if "=" in text else f"{text}={os.environ[text]}" for text in variables
                if "=" in text or text in os.environ],
        "HostConfig": {"AutoRemove": True, "Binds": [_bind(text, elsewhere) for text in volumes],
                       "PortBindings": published, "NetworkMode": network or "default"}}


def _bind(text: str, elsewhere: str) -> str:
    """A mount, with a source that is said from where we stand made absolute. UsageError for one of this machine in an
    engine elsewhere."""
    source, colon, rest = text.partition(":")
    if elsewhere and source.startswith((".", "~", "/")):
        raise UsageError(f"cannot mount {source}", why=f"it is a folder of this machine, and the container runs at "
                         f"{elsewhere}", hint=r"a folder there (-v C:\data:C:\data), or a volume")
    if source.startswith((".", "~")):
        return f"{Path(source).expanduser().absolute()}{colon}{rest}"
    return text


def _run(client: Client, request: dict[str, Any], name: str, interactive: bool, terminal: bool) -> int:
    created = client.json("POST", "/containers/create", shape=shapes.Created, query={"name": name or None},
                          body=request)
    for warning in created.warnings or ():
        click.echo(f"warning: {warning}", err=True)
    path, ended = f"/containers/{created.id}", False
    sys.stdout.flush()

    def resized(rows: int, columns: int) -> None:
        with client.call("POST", f"{path}/resize", query={"h": rows, "w": columns}) as answer:
            answer.read()

    try:
        with client.call("POST", f"{path}/wait", query={"condition": "removed"}) as waiting, \
                client.attach(f"{path}/attach", query={"stream": True, "stdin": interactive, "stdout": True,
                                                       "stderr": True}) as stream:
            with client.call("POST", f"{path}/start") as answer:
                answer.read()
            if interactive:
                feed(stream)
            if terminal and interactive:
                with raw_terminal(resized):
                    show(stream, terminal=True)
            else:
                show(stream, terminal=terminal)
            waited = shapes.from_json(shapes.Waited, json.loads(waiting.read()))
            ended = True
    finally:
        if not ended:  # interrupted, or it could not start: nothing of it stays
            with suppress(DaemonError), client.call("DELETE", path, query={"force": True, "v": True}) as answer:
                answer.read()
    if waited.error is not None:
        raise DaemonError(f"the program ended with {waited.status_code}, and its container could not be removed",
                          status=500, why=waited.error.message, hint=f"'docker rm {created.id[:12]}' tries it again")
    return waited.status_code & 0xFF or int(waited.status_code != 0)
