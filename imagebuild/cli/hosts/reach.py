# SPDX-License-Identifier: Apache-2.0
"""Hosts as users name them: options that verbs share, and the host that comes of them."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import click

from ...host import Host
from ...wiring import host_named
from ..options import FILE_NAME, Decorated, settings_from
from .passwords import PASSWORD


def reach_options(function: Decorated) -> Decorated:
    """``--password-stdin``, ``--auth``, ``--ca`` and ``--allow-clear-text``; see :func:`host_at`."""
    for option in reversed((
        click.option("--password-stdin", is_flag=True, help=f"Read the host's password from standard input; else "
                     f"{PASSWORD} has it, the keyring (service wcow), or it is asked for."),
        click.option("--auth", type=click.Choice(["negotiate", "ntlm", "kerberos", "credssp", "basic", "certificate"]),
                     help="How to log in by WinRM.  [default: negotiate]"),
        click.option("--ca", "host_ca", type=FILE_NAME, metavar="FILE",
                     help="Trust the CAs in this PEM file. Also WCOW_CA_FILE."),
        click.option("--allow-clear-text", "clear_text", is_flag=True,
                     help="Allow Basic over plain HTTP, which shows the password to the network."),
    )):
        function = option(function)
    return function


def host_at(ctx: click.Context, text: str, *, password_stdin: bool = False, auth: str | None = None,
            host_ca: str | None = None, clear_text: bool = False) -> Host:
    """The host that was named. UsageError where a password is needed and none was given."""
    settings = settings_from(ctx)
    changes: dict[str, Any] = {"clear_text": clear_text}
    if auth:
        changes["auth"] = auth
    if host_ca:
        changes["ca"] = host_ca
    if password_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
        settings = replace(settings, password=lambda address: given)
    return host_named(settings, text, **changes)
