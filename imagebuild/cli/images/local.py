# SPDX-License-Identifier: Apache-2.0
"""``wcow images``, ``tag`` and ``rm``: the names in the local store."""

from __future__ import annotations

import fnmatch
from typing import Any

import click

from ...errors import NotFoundError
from ...images import LocalImage, find_local, list_images, local_name, tag_image
from ...images.housekeeping import blob_facts, remove_images
from ...oci import Reference
from ...stores import LayoutStore
from ...wiring import Settings, Stores
from ..options import ImageName, format_option, settings_from, store_option
from ..output import day, print_json, table
from ..render import human


@click.command(short_help="List the images of the local store.")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
@click.option("-q", "--quiet", is_flag=True, help="Names only.")
@store_option
@format_option
@click.pass_context
def images(ctx: click.Context, /, patterns: tuple[str, ...], quiet: bool, as_json: bool, **options: Any) -> None:
    """List the images of the local store, or those whose name matches a PATTERN.

    \b
    Examples:
      wcow images
      wcow images 'registry.lab/*' --format json
    """
    settings = settings_from(ctx, **options)
    store = _local(settings)
    shown = [image for image in list_images(store) if not patterns or _matches(image, patterns)]
    if as_json:
        print_json([image.facts() for image in shown])
    elif quiet:
        for image in shown:
            click.echo(_short(image.name))
    elif shown:
        rows = [(_short(image.name), _platform(image), day(image.created), _size(image), image.digest[:19])
                for image in shown]
        click.echo("\n".join(table(("NAME", "PLATFORM", "CREATED", "SIZE", "DIGEST"), rows, right=(3,), shrink=0)))
    elif patterns:
        raise NotFoundError(f"no image in the local store matches {' '.join(patterns)}")
    else:
        click.echo("no images yet: 'wcow pull NAME' or 'wcow build -t NAME .' makes the first", err=True)


@click.command(short_help="Give an image of the local store one more name.")
@click.argument("source", type=ImageName())
@click.argument("names", nargs=-1, required=True, metavar="NAME...", type=ImageName())
@store_option
@click.pass_context
def tag(ctx: click.Context, /, source: str, names: tuple[str, ...], **options: Any) -> None:
    """Give SOURCE, a name or digest of the local store, one or more further names.

    \b
    Examples:
      wcow tag app:1 registry.lab/team/app:1 registry.lab/team/app:latest
    """
    store = _local(settings_from(ctx, **options))
    descriptor = find_local(store, source)
    for full in [local_name(name) for name in names]:
        tag_image(store, descriptor, full)


@click.command(short_help="Remove images from the local store.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", type=ImageName())
@click.option("--keep-blobs", is_flag=True, help="Take the names away and free nothing; 'wcow system prune' will.")
@store_option
@format_option
@click.pass_context
def rm(ctx: click.Context, /, names: tuple[str, ...], keep_blobs: bool, as_json: bool, **options: Any) -> None:
    """Remove names from the local store and free what only they led to. When one is not there, none is removed.

    NAME may be a digest: then every name of that image goes. What other names lead to stays, and so does what a build
    or copy that is running relies on. With --keep-blobs an image can be had again: 'wcow tag sha256:… NAME'.

    \b
    Examples:
      wcow rm app:1 app:2
      wcow rm --keep-blobs app:1
    """
    with _local(settings_from(ctx, **options)) as store:
        removed = remove_images(store, names, keep_blobs=keep_blobs)
    if removed.problem:
        click.echo(f"warning: nothing could be freed: {removed.problem}", err=True)
    if as_json:
        print_json({"names": list(removed.names), "freed": removed.freed.size, "blobs": blob_facts(removed.freed)})
        return
    for name in removed.names:
        click.echo(_short(name))
    if removed.freed.size:
        click.echo(f"freed {human(removed.freed.size)}", err=True)


def _local(settings: Settings) -> LayoutStore:
    return Stores(settings).local()


def _short(name: str) -> str:
    return Reference.parse(name).familiar


def _matches(image: LocalImage, patterns: tuple[str, ...]) -> bool:
    names = (image.name, _short(image.name))
    return any(fnmatch.fnmatchcase(name, pattern) or name.rpartition(":")[0] == pattern
               for name in names for pattern in patterns)


def _platform(image: LocalImage) -> str:
    if image.problem:
        return "damaged"
    if len(image.platforms) == 1:
        return str(image.platforms[0])
    return f"{len(image.platforms)} platforms"


def _size(image: LocalImage) -> str:
    return human(image.size) + (f" (+{image.missing} not here)" if image.missing else "")
