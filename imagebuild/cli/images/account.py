# SPDX-License-Identifier: Apache-2.0
"""``wcow login`` and ``logout``: credentials in Docker's own configuration, where every tool finds them."""

from __future__ import annotations

import sys
from typing import Any

import click

from ... import stores
from ...errors import AuthError, UsageError
from ...wiring import docker_config
from ..options import registry_options, settings_from

MAX_PASSWORD = 1 << 20


@click.command(short_help="Remember credentials for a registry.")
@click.argument("registry", default="docker.io", metavar="[REGISTRY]")
@click.option("-u", "--username", metavar="NAME", help="Who you are there; asked for when not given.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@registry_options
@click.pass_context
def login(ctx: click.Context, /, registry: str, username: str | None, password_stdin: bool, **options: Any) -> None:
    """Log in to REGISTRY (Docker Hub if none is given) and keep the credentials as docker does.

    The registry is asked first; nothing is kept when it refuses. Passwords are typed without echo or come from standard
    input, never from the command line, which other users of the machine can read.

    \b
    Examples:
      wcow login registry.lab
      wcow login -u ci --password-stdin registry.lab < password.txt
    """
    settings = settings_from(ctx, **options)
    if password_stdin:
        if not username:
            raise UsageError("--password-stdin needs --username", why="standard input holds the password only")
        password = sys.stdin.buffer.read(MAX_PASSWORD).decode("utf-8", "replace").rstrip("\r\n")
    else:
        if not sys.stdin.isatty():
            raise UsageError(f"cannot ask for the password of {stores.redact(registry)}",
                             why="standard input is no terminal",
                             hint="give it there: --username NAME --password-stdin < FILE")
        if not username:
            username = str(click.prompt("Username", err=True))
        password = str(click.prompt("Password", err=True, hide_input=True))
    host = registry.removeprefix("https://").removeprefix("http://").rstrip("/")
    try:
        kept = stores.login(registry, username, password, config=docker_config(settings), tls=settings.tls(host))
    except AuthError as error:
        error.hint = "check the user name and the password; nothing was kept"
        raise
    click.echo(f"logged in to {host}; the credentials are kept in {kept}", err=True)


@click.command(short_help="Forget credentials for a registry.")
@click.argument("registry", default="docker.io", metavar="[REGISTRY]")
@click.pass_context
def logout(ctx: click.Context, /, registry: str) -> None:
    """Forget the credentials for REGISTRY (Docker Hub if none is given).

    \b
    Examples:
      wcow logout registry.lab
    """
    settings = settings_from(ctx)
    if stores.logout(registry, config=docker_config(settings)):
        click.echo(f"forgot the credentials for {stores.redact(registry)}", err=True)
    else:
        click.echo(f"there were no credentials for {stores.redact(registry)}", err=True)
