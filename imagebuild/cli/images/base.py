# SPDX-License-Identifier: Apache-2.0
"""``wcow base``: make base images."""

from __future__ import annotations

import os
import re
from typing import Any, cast

import click

from ...codec import Compression
from ...errors import UsageError, quoted
from ...images.bases.base import NAMES_OF, BaseRequest, Flavour, make_base
from ...images.copy import copy
from ...images.local import local_name
from ...oci import Location, Reference
from ...windows.filetime import DOS_EPOCH, UNIX_EPOCH
from ...wiring import open_library
from ..lazy import Commands
from ..options import progress_option, registry_options, settings_from
from ..render import Style, follow


@click.group(cls=Commands)
def base() -> None:
    """Make base images: from scratch, or stand-ins for Microsoft's."""


@base.command()
@click.option("--like", type=click.Choice(["nanoserver", "servercore", "server", "hostprocess"]),
              help="Make a labelled stand-in: this base's folders, ACLs, accounts and minimal hives, and no programs.")
@click.option("--os-version", default="", metavar="10.0.BUILD.REV", help="The Windows version it stands for.")
@click.option("--arch", "architecture", type=click.Choice(["amd64", "arm64"]), default="amd64", show_default=True)
@click.option("-t", "--tag", required=True, metavar="NAME[:TAG]", help="Name in the local store.")
@click.option("--push", is_flag=True, help="Push it to its registry as well.")
@click.option("--compression", default="gzip", show_default=True, metavar="gzip|zstd|none[:LEVEL]")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Add a label.")
@registry_options
@progress_option
@click.pass_context
def create(ctx: click.Context, /, like: str | None, os_version: str, architecture: str, tag: str, push: bool,
           compression: str, labels: tuple[str, ...], progress: Style, **options: Any) -> None:
    """Make a base image of the local store.

    Without --like: the smallest base Windows takes, five valid hives and nothing else, as HostProcess containers use.
    With --like: a stand-in for a Microsoft base, to build, test and demonstrate with. It holds no program of Windows
    and carries the label io.wcow.stand-in.

    \b
    Examples:
      wcow base create -t registry.example/hpc:1
      wcow base create --like nanoserver --os-version 10.0.20348.2762 -t mcr.microsoft.com/windows/nanoserver:ltsc2022
    """
    if os_version and not re.fullmatch(r"10\.0\.\d{4,6}\.\d{1,6}", os_version):
        raise UsageError(f"{quoted(os_version)} is not a Windows version", hint="--os-version 10.0.20348.2762")
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch and not re.fullmatch(r"\d{1,12}", epoch):
        raise UsageError(f"SOURCE_DATE_EPOCH={epoch} is not a time", why="it is a number of seconds since 1970")
    reference = Reference.parse(local_name(tag))
    pairs = [label.partition("=") for label in labels]
    request = BaseRequest(flavour=cast(Flavour, like or "scratch"), os_version=os_version, architecture=architecture,
                          epoch=UNIX_EPOCH + int(epoch) * 10_000_000 if epoch else DOS_EPOCH,
                          compression=Compression.parse(compression),
                          labels=tuple((name, value) for name, _unused, value in pairs))
    place = Location("docker", reference)
    with open_library(settings_from(ctx, **options)) as library:
        if push:
            library.stores.expect_push(place)
        _unused, descriptor = make_base(request, library.local, tag=str(reference))
        if push:
            target = library.stores.create(place)
            follow(copy(library.local, descriptor, target, tag=reference.tag, name=str(reference)), progress)
            target.close()
    if like:
        click.echo(f"a stand-in for {NAMES_OF[like]}: no program of Windows is in it", err=True)
    click.echo(descriptor.digest)
