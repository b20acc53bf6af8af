# SPDX-License-Identifier: Apache-2.0
"""``wcow reg import``, ``set`` and ``delete``: change a registry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ...codec import Compression
from ...errors import InputError, UsageError
from ...hive import AddKey, DeleteKey, DeleteValue, Edit, SetValue, edited, write
from ...hive.edits.edit import moved
from ...hive.regfile.read import parse
from ...hive.regfile.value_format import value_from
from ...hive.roots import long_path
from ...images import Rootfs
from ...images.copy import copy
from ...images.hives.edit import Edited, RegistryEdit, edit_registry
from ...oci import Location, Reference
from ...wiring import index_cache, open_library
from ..files import write_whole
from ..options import ImageOrFile, settings_from, wanted_platform
from ..render import follow
from .options import epoch, source_options
from .target import HiveFile, is_hive_file

Decorated = Callable[..., Any]


def _result_options(function: Decorated) -> Decorated:
    """What a changed target becomes."""
    for option in reversed((
        click.option("-t", "--tag", metavar="NAME[:TAG]", help="Name of the new image in the local store."),
        click.option("--push", is_flag=True, help="Push it to its registry as well."),
        click.option("--deltas", type=click.Choice(["auto", "all"]), default="auto", show_default=True,
                     help="Which deltas the new layer has: those it needs, or all five as layers made on Windows."),
        click.option("--compression", default="gzip", show_default=True, metavar="gzip|zstd|none[:LEVEL]"),
        click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
                     help="Where to write a changed hive. Default: in place of the old one."),
        click.option("--as-is", is_flag=True, help="Change a hive that was not closed cleanly although its logs are "
                                                   "missing: what stands only in them is lost."),
    )):
        function = option(function)
    return function


@click.command("import")
@click.argument("target", type=ImageOrFile())
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--ansi", default="cp1252", show_default=True, metavar="CODEPAGE",
              help="Code page of files that begin with REGEDIT4.")
@click.option("--forgiving", is_flag=True, help="Skip lines that cannot be read, as regedit does, but tell of them.")
@_result_options
@source_options
@click.pass_context
def import_(ctx: click.Context, /, target: str, files: tuple[Path, ...], ansi: str, forgiving: bool,
            **options: Any) -> None:
    """Make the changes that .reg FILEs ask for, in their order. '-' is standard input.

    Of an image comes a new image with one layer more. A hive in a file is written anew.

    \b
    Examples:
      wcow reg import app:1 settings.reg -t app:2
      wcow reg import ./SOFTWARE settings.reg
    """
    edits: list[Edit] = []
    for path in files:
        name = "standard input" if str(path) == "-" else str(path)
        try:
            with click.open_file(str(path), "rb") as stream:
                edits += parse(stream, source=name, ansi=ansi, rooted=not is_hive_file(target), forgiving=forgiving,
                               problem=lambda error: click.echo(f"warning: {error}", err=True))
        except OSError as error:
            raise InputError(f"cannot read {name}", why=error.strerror or str(error)) from error
        except LookupError as error:
            raise UsageError(f"there is no code page {ansi}", hint="--ansi cp1252") from error
    _change(ctx, target, edits, f"wcow reg import {' '.join(path.name for path in files)}", options)


@click.command("set")
@click.argument("target", type=ImageOrFile())
@click.argument("key")
@click.option("-v", "--value", "name", metavar="NAME", help="The value to set.")
@click.option("--default", "default", is_flag=True, help="Set the default value.")
@click.option("--type", "kind", default="sz", show_default=True, metavar="TYPE",
              help="sz, expand_sz, multi_sz, dword, qword, binary, none, or a number.")
@click.option("-d", "--data", "data", multiple=True, metavar="DATA",
              help="Text, a number (42, 0x2a), or hexadecimal digits; several for multi_sz.")
@_result_options
@source_options
@click.pass_context
def set_(ctx: click.Context, /, target: str, key: str, name: str | None, default: bool, kind: str,
         data: tuple[str, ...], **options: Any) -> None:
    """Set a value of KEY, which is made where it is not there; without a value, make KEY.

    \b
    Examples:
      wcow reg set app:1 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\Dnscache' -v Start --type dword -d 4 -t app:2
      wcow reg set app:1 'HKLM\\SOFTWARE\\Contoso' -t app:2
      wcow reg set ./NTUSER.DAT 'Environment' -v TEMP --type expand_sz -d '%USERPROFILE%\\Temp'
    """
    if default and name is not None:
        raise UsageError("--default and --value name two values", hint="--default is the one without a name")
    if not default and name is None:
        if data:
            raise UsageError("--data is for a value, and none is named", hint="--value NAME, or --default")
        edits: list[Edit] = [AddKey(key)]
    else:
        edits = [SetValue(key, value_from(name or "", kind, data))]
    shown = f" /v {name}" if name else " /ve" if default else ""
    _change(ctx, target, edits, f"wcow reg set {key}{shown}", options)


@click.command()
@click.argument("target", type=ImageOrFile())
@click.argument("key")
@click.option("-v", "--value", "names", multiple=True, metavar="NAME", help="Delete only this value.")
@click.option("--default", "default", is_flag=True, help="Delete only the default value.")
@_result_options
@source_options
@click.pass_context
def delete(ctx: click.Context, /, target: str, key: str, names: tuple[str, ...], default: bool, **options: Any) -> None:
    """Delete KEY and everything below it, or only values of it. What is not there is no error.

    \b
    Examples:
      wcow reg delete app:1 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\DiagTrack' -t app:2
      wcow reg delete app:1 'HKLM\\SOFTWARE\\Contoso' -v Licence -t app:2
    """
    values = (*names, *([""] if default else []))
    edits: list[Edit] = [DeleteValue(key, name) for name in values] or [DeleteKey(key)]
    _change(ctx, target, edits, f"wcow reg delete {key}{''.join(f' /v {name}' for name in names)}", options)


def _change(ctx: click.Context, target: str, edits: list[Edit], says: str, options: dict[str, Any]) -> None:
    """Make the edits, and print what came of them: the digest of an image, nothing for a file."""
    if is_hive_file(target):
        _change_file(Path(target), edits, options)
        return
    if options["output"] is not None:
        raise UsageError("-o is for a hive in a file", why=f"{target} is an image", hint="-t NAME names the new image")
    if not options["tag"]:
        raise UsageError("the new image needs a name", hint=f"-t NAME (-t {target} gives the new image the old name)")
    reference = Reference.parse(options["tag"]).tagged()
    request = RegistryEdit(edits=tuple(edits), epoch=epoch(), compression=Compression.parse(options["compression"]),
                           deltas=options["deltas"], says=says[:1000], user=options["user"])
    settings, progress = settings_from(ctx, **options), options["progress"]
    place = Location("docker", reference)
    with open_library(settings) as library:
        if options["push"]:
            library.stores.expect_push(place)
        found = library.find(target, wanted_platform(options["platform"], options["os_version"]))
        rootfs = Rootfs(found.image, found.store, index_cache(settings), name=target)
        made: Edited = follow(edit_registry(found, rootfs, request, library.local, tag=str(reference)), progress)
        rootfs.close()
        if options["push"]:
            remote = library.stores.create(place)
            follow(copy(library.local, made.descriptor, remote, tag=reference.tag, name=str(reference)), progress)
            remote.close()
    if not made.hives:
        click.echo("nothing to change: the image is as it was", err=True)
    click.echo(str(made.descriptor.digest))


def _change_file(path: Path, edits: list[Edit], options: dict[str, Any]) -> None:
    """Write a hive anew with the edits in it."""
    if options["tag"] or options["push"]:
        raise UsageError("-t and --push are for images", why=f"{path} is a file", hint="-o FILE writes another file")
    opened = HiveFile(path, root=options["root"])
    if opened.hive.layered:
        raise UsageError(f"cannot change {path}", why="it is the delta of a layer, which says little without its base",
                         hint="change the image: wcow reg set IMAGE … -t NAME")
    if not options["as_is"]:
        opened.expect_whole("change", "--as-is")
    opened.tell()
    if not opened.mount and any(long_path(edit.path) for edit in edits):
        raise UsageError(f"cannot tell where {path} belongs", hint=r"--root HKLM\SOFTWARE")
    placed = [moved(edit, opened.below(edit.path)) for edit in edits]
    now = epoch()
    before = opened.hive.root
    root = edited(before, [edit for edit in placed if edit.path or not isinstance(edit, AddKey)],
                  timestamp=now)
    output = options["output"] or path
    if root is before and output == path:
        click.echo("nothing to change: the hive is as it was", err=True)
        return
    write_whole(output, [write(root, name=path.name, timestamp=now)])
