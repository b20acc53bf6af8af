# SPDX-License-Identifier: Apache-2.0
"""Hosts as users name them, and their secrets: options that verbs share, and the host that comes of them."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import replace

import click

from ..errors import NotFoundError, UsageError
from ..host import Host
from ..host.address import HostAddress, parse
from ..wiring import reach
from .options import Decorated, settings_from

PASSWORD = "WCOW_HOST_PASSWORD"
SERVICE = "wcow"
"""The keyring's service; the user name in it is ``user@host``."""


def reach_options(function: Decorated) -> Decorated:
    """``--password-stdin``, ``--auth``, ``--ca`` and ``--allow-clear-text``; see :func:`host_at`."""
    for option in reversed((
        click.option("--password-stdin", is_flag=True, help=f"Read the host's password from standard input; else "
                     f"{PASSWORD} has it, the keyring (service wcow), or it is asked for."),
        click.option("--auth", type=click.Choice(["negotiate", "ntlm", "kerberos", "credssp", "basic", "certificate"]),
                     help="How to log in by WinRM.  [default: negotiate]"),
        click.option("--ca", "host_ca", metavar="FILE", help="Trust the CAs in this PEM file. Also WCOW_CA_FILE."),
        click.option("--allow-clear-text", "clear_text", is_flag=True,
                     help="Allow Basic over plain HTTP, which shows the password to the network."),
    )):
        function = option(function)
    return function


def address_of(ctx: click.Context, text: str, *, auth: str | None = None, host_ca: str | None = None,
               clear_text: bool = False) -> tuple[HostAddress, str]:
    """The address that was named, with what the options say, and the password of a host of ``wcow host``."""
    settings = settings_from(ctx)
    found, password = parse(text, settings.hosts), ""
    if found.kind == "host":
        found, password = _of_this_machine(found.name)
    ca = host_ca or found.ca or settings.ca_file
    return replace(found, auth=auth or found.auth, ca=ca, clear_text=clear_text), password


def host_at(ctx: click.Context, text: str, *, password_stdin: bool = False, auth: str | None = None,
            host_ca: str | None = None, clear_text: bool = False) -> Host:
    """The host that was named. UsageError where a password is needed and none was given."""
    address, password = address_of(ctx, text, auth=auth, host_ca=host_ca, clear_text=clear_text)
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif address.kind in ("winrm", "winrm+http") and address.auth not in ("kerberos", "certificate") \
            and not address.certificate:
        password = password or os.environ.get(PASSWORD, "") or _kept(address) or _asked(address)
    return reach(address, password)


def _of_this_machine(name: str) -> tuple[HostAddress, str]:
    from ..hostd import record

    place = record.place_of(name)
    kept, running = record.read(place), record.running(place)
    if running is None:
        raise NotFoundError(f"the host {place.name} does not run", hint=f"'wcow host start {place.name}' starts it")
    if running.tls_port > 0:
        return HostAddress("winrm", kept.address, running.tls_port, kept.user,
                           ca=str(place.certificate[0])), kept.password
    return HostAddress("winrm+http", kept.address, running.port, kept.user), kept.password


def _kept(address: HostAddress) -> str:
    """The password in the keyring; empty without a keyring or without one in it."""
    try:
        import keyring  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return ""
    try:
        return keyring.get_password(SERVICE, f"{address.user}@{address.name}") or ""
    except Exception:  # a keyring that is locked or has no backend has no password for us
        return ""


def _asked(address: HostAddress) -> str:
    if not sys.stdin.isatty():
        raise UsageError(f"{address} needs a password", why="none was given, and there is no terminal to ask at",
                         hint=f"--password-stdin, {PASSWORD}, or the keyring (service {SERVICE}, user "
                              f"{address.user}@{address.name})")
    return getpass.getpass(f"Password of {address}: ")
