# SPDX-License-Identifier: Apache-2.0
"""``wcow host``: Windows container hosts on this machine, reached over WinRM."""

from __future__ import annotations

import getpass
import logging
import os
import sys
from dataclasses import replace
from typing import Any, cast

import click

from ...engine.serving.starter import Starter
from ...errors import NotFoundError, UsageError, WcowError
from ...hostd import control, inventory, record
from ...hostd.state import files as state_files
from ...hostd.state import state
from ...windows.releases import release
from ..lazy import Commands
from ..options import format_option, settings_from
from ..output import print_json, print_lines, table
from . import state as host_state
from .docker import docker_cli, docker_zip
from .state import complete_name

PASSWORD = "WCOW_HOST_PASSWORD"


@click.group(cls=Commands)
def host() -> None:
    """Windows hosts on this machine, with WinRM and PowerShell remoting: for playbooks, modules and clients that are
    tested without Windows. Programs run in Wine in a sandbox."""


@host.command()
@click.argument("name", default="win", shell_complete=complete_name)
@click.option("--build", type=click.IntRange(10240, 65535), metavar="BUILD", help="The Windows Server it is, by its "
              "build.  [default: 20348]")
@click.option("--client", is_flag=True, default=None, help="It is the Windows 10 or 11 of that build.")
@click.option("--like", "like", metavar="FILE", type=click.Path(allow_dash=True, path_type=str),
              help="Make it like a machine, whose facts 'wcow doctor facts' collected: build, revision, features, "
              "services and the rest of its state. - is standard input.")
@click.option("--winrm", "port", type=click.IntRange(0, 65535), metavar="PORT",
              help="The port of WinRM over HTTP; 0 is a free one.  [default: 0]")
@click.option("--winrm-tls", "tls_port", type=click.IntRange(-1, 65535), metavar="PORT",
              help="The port of WinRM over HTTPS; 0 is a free one, -1 none.  [default: 0]")
@click.option("--ssh", "ssh_port", type=click.IntRange(-1, 65535), metavar="PORT",
              help="The port of ssh; 0 is a free one, -1 none.  [default: 0]")
@click.option("--address", metavar="ADDRESS", help="Where it listens.  [default: 127.0.0.1]")
@click.option("--user", metavar="NAME", help=f"Who may log in.  [default: {record.USER}]")
@click.option("--password-stdin", is_flag=True, help=f"Read the password from standard input; else {PASSWORD} has it, "
              "or it is asked for.")
@click.option("--allow-unencrypted/--no-allow-unencrypted", "unencrypted", default=None,
              help="Take plain messages and Basic logins over HTTP, as winrm's AllowUnencrypted.")
@click.option("--keytab", metavar="FILE", type=click.Path(exists=True, dir_okay=False, resolve_path=True),
              help="Take Kerberos logins, by the keys of this file.")
@click.option("--client-ca", metavar="FILE", type=click.Path(exists=True, dir_okay=False, resolve_path=True),
              help="Take logins by client certificates over HTTPS, which this authority (PEM) has signed.")
@format_option
@click.pass_context
def start(ctx: click.Context, /, name: str, build: int | None, client: bool | None, like: str | None,
          port: int | None, tls_port: int | None, ssh_port: int | None, address: str | None, user: str | None,
          password_stdin: bool, unencrypted: bool | None, keytab: str | None, client_ca: str | None,
          as_json: bool) -> None:
    """Start a host, which is made the first time; later it is as it was left.

    \b
    Examples:
      wcow host start win --password-stdin < password.txt
      wcow host start laptop --like facts.json
      wcow host inventory win > hosts.ini
      ansible -i hosts.ini windows -m ansible.windows.win_ping
    """
    place = record.place_of(name)
    asked = {"build": build, "port": port, "tls_port": tls_port, "ssh_port": ssh_port, "address": address, "user": user,
             "unencrypted": unencrypted, "keytab": keytab, "client_ca": client_ca}
    changes: dict[str, Any] = {key: value for key, value in asked.items() if value is not None}
    new = not place.record.is_file()
    if like == "-" and password_stdin:
        raise UsageError("--like - and --password-stdin exclude each other", why="both read standard input",
                         hint=f"{PASSWORD} can have the password")
    if not new:
        control.refuse_running(place)
    given = state.read(host_state.read_file(like)) if like else None
    if new:
        kept = _made(name, build, client, given)
    else:
        kept = record.read(place)
        if build not in (None, kept.build) or (client and not kept.client):
            raise UsageError(f"the host {name} has build {kept.build}", why="a Windows does not change its build by a "
                             "start", hint=f"'wcow host remove {name}' first, or another name")
        _check_build(kept)
    if given is not None:
        state_files.check(kept, given)
    password = _password(password_stdin, needed=not kept.password)
    if password:
        changes["password"] = password
    kept = replace(kept, **changes)
    record.write(place, kept)
    if given is not None:
        state_files.write(place, kept, given)
    try:
        found = control.start(place, options=_config(ctx), say=lambda line: click.echo(line, err=True))
    except WcowError:
        if new and not place.box.exists():
            control.remove(place)
        raise
    if as_json:
        print_json(_document(kept, found))
        return
    click.echo(f"http://{kept.address}:{found.port}/wsman")
    if found.tls_port > 0:
        click.echo(f"https://{kept.address}:{found.tls_port}/wsman")
    if found.ssh_port > 0:
        click.echo(f"ssh://{kept.user}@{kept.address}:{found.ssh_port}")


def _config(ctx: click.Context) -> list[str]:
    config = (ctx.find_root().obj or {}).get("config")
    return ["--config", config] if config else []


def _made(name: str, build: int | None, client: bool | None, given: state.HostState | None) -> record.HostRecord:
    """Return a new host's record."""
    kept = record.HostRecord(name, build or 20348, client=bool(client))
    if given is not None:
        like = state_files.like(kept, given)
        if build not in (None, like.build):
            raise UsageError("--build and --like exclude each other", why=f"the machine has build {like.build}")
        kept = like
    found = release(kept.build)
    if client is None and found is not None and not found.server and found.client:
        kept = replace(kept, client=True)
    _check_build(kept)
    return kept


def _check_build(kept: record.HostRecord) -> None:
    found = release(kept.build)
    if found is None:
        raise UsageError(f"no Windows has build {kept.build}", why="'wcow compat builds' lists those that are known")
    if kept.client and not found.client:
        raise UsageError(f"no Windows 10 or 11 has build {kept.build}", why=f"it is {found.server}",
                         hint="leave --client out")


def _password(from_stdin: bool, *, needed: bool) -> str:
    """Return the password that was given, empty when none was and none is needed."""
    text = sys.stdin.readline().rstrip("\r\n") if from_stdin else os.environ.get(PASSWORD, "")
    if not text and needed and not from_stdin:
        if not sys.stdin.isatty():
            raise UsageError("a new host needs a password", why="there is no default one",
                             hint=f"--password-stdin, or {PASSWORD}")
        text = getpass.getpass("Password: ")
    if not text and (needed or from_stdin):
        raise UsageError("the password is empty", why="anybody could log in", hint="type one")
    return text


@host.command("list")
@format_option
def list_hosts(as_json: bool) -> None:
    """List the hosts, with how they are reached."""
    rows = [(record.read(place), record.running(place)) for place in record.all_places()]
    if as_json:
        print_json([_document(kept, found) for kept, found in rows])
        return
    print_lines(line.rstrip() for line in table(["NAME", "BUILD", "STATE", "WINRM", "WINRM-TLS", "SSH", "USER"], [
        [kept.name, str(kept.build), "running" if found else "stopped",
         f"{kept.address}:{found.port}" if found else "",
         f"{kept.address}:{found.tls_port}" if found and found.tls_port > 0 else "",
         f"{kept.address}:{found.ssh_port}" if found and found.ssh_port > 0 else "", kept.user]
        for kept, found in rows]))


@host.command()
@click.argument("name", shell_complete=complete_name)
def stop(name: str) -> None:
    """Stop a host; what it holds stays."""
    control.stop(record.place_of(name))


@host.command()
@click.argument("name", shell_complete=complete_name)
@click.option("-f", "--force", is_flag=True, help="Stop it before, and start it again.")
@click.pass_context
def reset(ctx: click.Context, /, name: str, force: bool) -> None:
    """Make a host as new: its files, registry, images and containers go; build, user, password and certificate stay."""
    place = record.place_of(name)
    was_running = force and record.running(place) is not None
    if was_running:
        control.stop(place)
    control.reset(place)
    if was_running:
        control.start(place, options=_config(ctx), say=lambda line: click.echo(line, err=True))


@host.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_name)
@click.option("-f", "--force", is_flag=True, help="Stop it before.")
def remove(names: tuple[str, ...], force: bool) -> None:
    """Remove hosts and all that they hold."""
    for name in names:
        control.remove(record.place_of(name), force=force)


@host.command("inventory")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_name)
@click.option("--connection", type=click.Choice(["winrm", "psrp", "ssh"]), default="winrm", show_default=True)
@click.option("--yaml", "as_yaml", is_flag=True, help="YAML in place of INI.")
def print_inventory(names: tuple[str, ...], connection: str, as_yaml: bool) -> None:
    """Print an Ansible inventory of the hosts that run. It holds no password: plays read WCOW_HOST_PASSWORD."""
    places = [record.place_of(name) for name in names] or record.all_places()
    reached = []
    for place in places:
        kept, found = record.read(place), record.running(place)
        if found is None and names:
            raise NotFoundError(f"the host {place.name} does not run", why="its ports are known when it runs",
                                hint=f"'wcow host start {place.name}' starts it")
        if found is not None:
            reached.append(inventory.Reached(kept, found))
    write = inventory.yaml if as_yaml else inventory.ini
    click.echo(write(reached, cast(Any, connection)), nl=False)


host.add_command(docker_cli)
host.add_command(host_state.state_command)
host.add_command(host_state.shell)
host.add_command(host_state.fault)
host.add_command(docker_zip)


@host.command(hidden=True)
@click.argument("name")
@click.option("--starter", type=int)
@click.pass_context
def serve(ctx: click.Context, /, name: str, starter: int | None) -> None:
    """Be a host, until it is stopped."""
    from ...hostd import daemon
    from ...wiring import make_engine

    place = record.place_of(name)
    kept = record.read(place)
    told = Starter.detached(starter) if starter is not None else None
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        daemon.serve(place, kept, lambda settings: make_engine(settings, settings_from(ctx)),
                     say=told.say if told else lambda line: click.echo(line, err=True),
                     ready=lambda found: told.ready() if told else click.echo(f"port {found.port}", err=True))
    except WcowError as error:
        if told:
            told.fail(error)
        raise


def _document(kept: record.HostRecord, found: record.RunningHost | None) -> dict[str, Any]:
    return {"name": kept.name, "build": kept.build, "user": kept.user, "running": found is not None,
            "address": kept.address, "winrm_port": found.port if found else None,
            "winrm_tls_port": found.tls_port if found and found.tls_port > 0 else None,
            "ssh_port": found.ssh_port if found and found.ssh_port > 0 else None,
            "pid": found.pid if found else None}
