# SPDX-License-Identifier: Apache-2.0
"""``wcow digest``, ``inspect``, ``ls`` and ``cat``: look at an image and into it, without unpacking it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import click

from ...errors import UsageError
from ...images import (
    Files,
    Found,
    Item,
    Library,
    Rootfs,
    cat_file,
    draw_tree,
    image_facts,
    index_facts,
    load,
    pick,
    rootfs_of_layer,
)
from ...images.inspect.tree import Acl, shown
from ...layer import Kind
from ...oci import is_index
from ...wiring import index_cache, open_library
from ..options import (
    ImageName,
    format_option,
    platform_options,
    progress_option,
    registry_options,
    settings_from,
    wanted_platform,
)
from ..output import day, print_json, print_lines
from ..render import Style, follow
from .facts import image_text, index_text

_SIZES = {Kind.DIRECTORY: "<DIR>", Kind.SYMLINK: "<SYMLINK>", Kind.DIRECTORY_SYMLINK: "<SYMLINKD>",
          Kind.JUNCTION: "<JUNCTION>", Kind.WHITEOUT: "<GONE>"}
"""What stands in the column of sizes, as ``dir`` prints it; a whiteout is a path the layer takes away."""


@click.command(short_help="Print the digest of an image.")
@click.argument("name", type=ImageName())
@platform_options
@registry_options
@format_option
@click.pass_context
def digest(ctx: click.Context, /, name: str, platform: str | None, os_version: str | None, as_json: bool,
           **options: Any) -> None:
    """Print the digest of the manifest or index that NAME means: in the local store, else in its registry.

    With --platform or --os-version it is that of the one image of an index.

    \b
    Examples:
      wcow digest app:1
      wcow digest --os-version 10.0.20348 docker://mcr.microsoft.com/windows/nanoserver:ltsc2022
    """
    with open_library(settings_from(ctx, **options)) as library:
        store, location, descriptor = library.resolve(name)
        if is_index(descriptor.media_type) and (platform or os_version):
            descriptor = pick(store, descriptor, wanted_platform(platform, os_version), name=name)
    if as_json:
        print_json({"name": name, "location": str(location), "digest": str(descriptor.digest),
                    "media_type": descriptor.media_type, "size": descriptor.size})
    else:
        click.echo(str(descriptor.digest))


@click.command(short_help="Show an image's config, layers and platforms.")
@click.argument("name", type=ImageName())
@click.option("--raw", "raw", flag_value="manifest", help="The manifest or index, byte for byte.")
@click.option("--config", "raw", flag_value="config", help="The config, byte for byte.")
@platform_options
@registry_options
@format_option
@click.pass_context
def inspect(ctx: click.Context, /, name: str, raw: str | None, platform: str | None, os_version: str | None,
            as_json: bool, **options: Any) -> None:
    """Show what an image says about itself: platform, config, layers, base, history.

    Of an index (many Windows versions under one name) its entries are shown; --platform or --os-version look at one.

    \b
    Examples:
      wcow inspect app:1
      wcow inspect --format json docker://mcr.microsoft.com/windows/nanoserver:ltsc2022
      wcow inspect --raw oci:./layout:app
    """
    with open_library(settings_from(ctx, **options)) as library:
        store, location, descriptor = library.resolve(name)
        if is_index(descriptor.media_type) and not (platform or os_version or raw == "config"):
            if raw:
                _bytes(store.manifest(descriptor))
                return
            facts = index_facts(store, descriptor, name)
            text = index_text
        else:
            found = load(store, location, descriptor, name, wanted_platform(platform, os_version))
            if raw:
                _bytes(found.image.manifest_bytes() if raw == "manifest" else found.image.config_bytes())
                return
            facts = image_facts(found)
            text = image_text
    if as_json:
        print_json(facts)
    else:
        click.echo("\n".join(text(facts)))


@click.command(short_help="List files of an image, with owner, ACL and attributes.")
@click.argument("name", metavar="IMAGE", type=ImageName())
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("-l", "long", is_flag=True, help="Attributes, size, time, owner, layer, link targets and the ACL.")
@click.option("-R", "--recursive", is_flag=True, help="Also what is below.")
@click.option("-d", "--directory", "itself", is_flag=True, help="Folders themselves, not what is in them.")
@click.option("--tree", is_flag=True, help="Everything below, drawn as a tree.")
@click.option("--layer", type=click.IntRange(min=0), metavar="N",
              help="Only what layer N says, 0 being the lowest: with its whiteouts and hives.")
@click.option("--acl", type=click.Choice(["sddl", "words", "none"]),
              help="How to show ACLs in long lists (default: sddl) and trees (default: none).")
@platform_options
@registry_options
@progress_option
@format_option
@click.pass_context
def ls(ctx: click.Context, /, name: str, paths: tuple[str, ...], long: bool, recursive: bool, itself: bool, tree: bool,
       layer: int | None, acl: Acl | None, platform: str | None, os_version: str | None, progress: Style,
       as_json: bool, **options: Any) -> None:
    """List files of IMAGE as a container would see them: all layers laid over one another.

    PATH is written as on Windows ('C:\\app', quoted for the shell) or with slashes (/app); *, ? and [...] match names
    in any case. Long lists name the layer a file comes from, 0 being the lowest. Times are UTC.

    \b
    Examples:
      wcow ls app:1
      wcow ls -l app:1 'C:\\app'
      wcow ls -l --acl words app:1 '/app/*.dll'
      wcow ls --tree --layer 1 app:1
    """
    if tree and as_json:
        raise UsageError("--tree and --format json exclude each other", hint="use -R --format json")
    settings = settings_from(ctx, **options)
    with open_library(settings) as library:
        found = _find(library, name, platform, os_version)
        cache = index_cache(settings)
        if layer is None:
            rootfs = Rootfs(found.image, found.store, cache, name=name)
        else:
            rootfs = rootfs_of_layer(found.image, layer, found.store, cache, name=name)
        follow(rootfs.prepare(), progress)
        files = Files(rootfs, layer=layer)
        asked = paths or ("",)
        if tree:
            for path in asked:
                print_lines(draw_tree(files, path, acl=acl or ("sddl" if long else "none")))
            return
        items = (item for path in asked for item in files.find(path, recursive=recursive, itself=itself))
        if as_json:
            print_json({"name": name, "digest": str(found.descriptor.digest), "layer": layer,
                        "entries": [item.facts() for item in items]})
            return
        whole = recursive or itself or len(asked) > 1
        if long or acl:
            print_lines(_long(items, acl or "sddl", whole))
        else:
            print_lines(shown(item.path if whole else item.name) for item in items)


@click.command(short_help="Print a file of an image.")
@click.argument("name", metavar="IMAGE", type=ImageName())
@click.argument("path")
@platform_options
@registry_options
@progress_option
@click.pass_context
def cat(ctx: click.Context, /, name: str, path: str, platform: str | None, os_version: str | None, progress: Style,
        **options: Any) -> None:
    """Print the file PATH of IMAGE, byte for byte, following links.

    \b
    Examples:
      wcow cat app:1 'C:\\app\\config.json'
      wcow cat app:1 /Windows/System32/config/SOFTWARE > SOFTWARE
    """
    settings = settings_from(ctx, **options)
    with open_library(settings) as library, _folder() as folder:
        found = _find(library, name, platform, os_version)
        rootfs = Rootfs(found.image, found.store, index_cache(settings), name=name)
        local = follow(cat_file(rootfs, path, folder), progress)
        with local.open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer, 1 << 18)
        sys.stdout.buffer.flush()


def _find(library: Library, name: str, platform: str | None, os_version: str | None) -> Found:
    return library.find(name, wanted_platform(platform, os_version))


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder. Its name is told nobody, so nothing is lost when it cannot be removed."""
    with tempfile.TemporaryDirectory(prefix="wcow-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _bytes(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _long(items: Iterator[Item], acl: Literal["sddl", "words", "none"], whole: bool) -> Iterator[str]:
    """Long lines under a head; an entry's ACL stands indented below it."""
    yield f"{'ATTR':<6}  {'SIZE':>13}  {'MODIFIED':<16}  {'OWNER':<27}  {'LAYER':>5}  NAME"
    for item in items:
        entry = item.entry
        size = _SIZES.get(entry.kind) or f"{item.size:,}"
        text = shown(item.path if whole else item.name)
        if entry.kind is Kind.HARD_LINK:
            text += f" = {shown(entry.target)}"
        elif entry.target:
            text += f" -> {shown(entry.target)}"
        yield (f"{item.letters or '-':<6}  {size:>13}  {day(item.modified) or '-':<16}  {item.owner or '-':<27}  "
               f"{item.layer:>5}  {text}")
        if acl != "none" and entry.security is not None:
            for line in [item.sddl()] if acl == "sddl" else item.words():
                yield f"        {line}"
