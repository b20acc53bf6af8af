# SPDX-License-Identifier: Apache-2.0
"""``wcow reg``: read and change the registry of an image, or a hive in a file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

import click

from ...errors import InputError, UsageError
from ...hive import KeyLike, Union, delta, walk, write
from ...hive.edits.compare import differences, edits_between
from ...hive.regfile.value_format import facts
from ...hive.regfile.write import Encoding, export, export_edits
from ...images.compare.hive_change import key_facts
from ..files import write_whole
from ..lazy import Commands
from ..options import ImageOrFile, format_option
from ..output import print_json, print_lines
from ..render import Style
from .change import delete, import_, set_
from .lint import lint
from .options import ask, epoch, open_target, source_options
from .target import HiveFile, Shown, Target, is_hive_file
from .text import change_facts, change_lines, head_line, key_lines, value_line


@click.group(cls=Commands)
def reg() -> None:
    """Read and change the registry of an image, or of a hive in a file.

    TARGET is a file (a hive, or a delta of a layer) or else an image. Keys are named as Windows names them, with their
    root (HKLM\\SOFTWARE\\…, in quotes for the shell); in a file they may begin below the hive's root.
    """


@reg.command()
@click.argument("target", type=ImageOrFile())
@click.argument("key", required=False)
@click.option("-v", "--value", "names", multiple=True, metavar="NAME", help="Only this value.")
@click.option("--default", "default", is_flag=True, help="Only the default value.")
@click.option("-s", "--recursive", is_flag=True, help="Also what is below.")
@click.option("-l", "--long", is_flag=True, help="Also class, time of the last write and security.")
@click.option("--layer", type=click.IntRange(min=0), metavar="N",
              help="Only what layer N says, 0 being the base: with what it deletes and replaces.")
@click.option("--forgiving", is_flag=True, help="Read what can be read of a damaged hive.")
@format_option
@source_options
@click.pass_context
def query(ctx: click.Context, /, target: str, key: str | None, names: tuple[str, ...], default: bool, recursive: bool,
          long: bool, layer: int | None, forgiving: bool, as_json: bool, **options: Any) -> None:
    """Show KEY of TARGET, its values and the names of its subkeys.

    \b
    Examples:
      wcow reg query app:1 'HKLM\\SYSTEM\\CurrentControlSet\\Services'
      wcow reg query app:1 'HKLM\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion' -v CurrentBuild
      wcow reg query --layer 1 -s app:1 HKLM\\SYSTEM
      wcow reg query ./NTUSER.DAT 'Software\\Microsoft'
    """
    wanted = (*names, *([""] if default else []))
    with open_target(ctx, target, options, layer=layer, forgiving=forgiving) as opened:
        tops: list[Shown] = ask(opened.tops(), options["progress"]) if key is None else \
            [ask(opened.key(key), options["progress"])]
        if wanted:
            _print_values(tops, wanted, as_json, key or target)
            return
        if as_json:
            print_json([key_facts(path, found) for top, root in tops
                        for path, found in (walk(root, top) if recursive else ((top, root),))])
            return
        for number, (path, found) in enumerate(tops):
            if number:
                print_lines([""])
            if recursive:
                print_lines(line for each, below in walk(found, path)
                            for line in (*key_lines(each, below, long=long), ""))
            else:
                print_lines(key_lines(path, found, long=long))
                print_lines(head_line(f"{path}\\{child.name}", child) for child in found.subkeys)


def _print_values(tops: list[Shown], names: tuple[str, ...], as_json: bool, what: str) -> None:
    out = []
    for path, key in tops:
        for name in names:
            value = key.values.get(name)
            if value is None:
                raise InputError(f"cannot find value {name or '(Default)'} of {path}", why="the key has no such value",
                                 hint=f"it has {', '.join(each.name or '(Default)' for each in key.values) or 'none'}")
            out.append(value)
    if as_json:
        print_json([facts(value) for value in out])
    else:
        print_lines(value_line(value) for value in out)


@reg.command("export")
@click.argument("target", type=ImageOrFile())
@click.argument("key", required=False)
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write to FILE instead of standard output.")
@click.option("--encoding", type=click.Choice(["utf-16", "utf-8"]),
              help="As regedit writes it (default with -o), or for tools of other systems and for reading.")
@click.option("--layer", type=click.IntRange(min=0), metavar="N", help="Only what layer N says.")
@click.option("--forgiving", is_flag=True, help="Read what can be read of a damaged hive.")
@source_options
@click.pass_context
def export_(ctx: click.Context, /, target: str, key: str | None, output: Path | None, encoding: Encoding | None,
            layer: int | None, forgiving: bool, **options: Any) -> None:
    """Write KEY of TARGET and everything below it as the text of a .reg file; without KEY, everything.

    \b
    Examples:
      wcow reg export app:1 'HKLM\\SOFTWARE\\Contoso' -o contoso.reg
      wcow reg export --encoding utf-8 ./SYSTEM | less
    """
    with open_target(ctx, target, options, layer=layer, forgiving=forgiving) as opened:
        tops: list[Shown] = ask(opened.tops(), options["progress"]) if key is None else \
            [ask(opened.key(key), options["progress"])]
        chosen = encoding or ("utf-8" if output is None else "utf-16")
        write_whole(output, export((item for path, found in tops for item in walk(found, path)), encoding=chosen))


@reg.command()
@click.argument("first", metavar="A", type=ImageOrFile())
@click.argument("second", metavar="B", type=ImageOrFile())
@click.argument("key", required=False)
@click.option("--format", "form", type=click.Choice(["text", "json", "reg", "delta"]), default="text",
              show_default=True, help="Text, JSON, the .reg file that makes B of A, or the delta hive that does.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write to FILE instead of standard output.")
@source_options
@click.pass_context
def diff(ctx: click.Context, /, first: str, second: str, key: str | None,
         form: Literal["text", "json", "reg", "delta"], output: Path | None, **options: Any) -> int:
    """Compare the registries of A and B (or KEY and what is below it). Times of the last write do not count.

    A .reg file cannot say all: classes, security and flags of keys are left out of it; a delta has them, and is for one
    hive (a KEY such as HKLM\\SYSTEM, or two files).

    Exit code: 0 equal, 1 different, 2 bad usage or input, 3 a registry or store failed.

    \b
    Examples:
      wcow reg diff app:1 app:2
      wcow reg diff app:1 app:2 'HKLM\\SOFTWARE' --format reg -o changes.reg
      wcow reg diff SYSTEM.old SYSTEM --format delta -o System_Delta
    """
    with open_target(ctx, first, options) as before, open_target(ctx, second, options) as after:
        old, new = _pairs(before, after, key, options["progress"])
        pairs = [(path, old[path], new[path]) for path in old if path in new]
        if not pairs:
            raise UsageError(f"{first} and {second} have no hive in common",
                             why=f"one has {', '.join(old) or 'a hive of no known place'}, the other {', '.join(new)}",
                             hint="name a KEY that both have, or say with --root where the hive of a file belongs")
        if form == "delta":
            return _print_delta(pairs, output)
        if form == "reg":
            edits = [edit for path, one, other in pairs for edit in edits_between(one, other, path)]
            write_whole(output, export_edits(edits, encoding="utf-8" if output is None else "utf-16"))
            return 1 if edits else 0
        changes = [change for path, one, other in pairs for change in differences(one, other, path)]
        if form == "json":
            write_whole(output, [json.dumps([change_facts(change) for change in changes], indent=2).encode() + b"\n"])
        else:
            write_whole(output, (f"{line}\n".encode("utf-8", "replace") for change in changes
                                 for line in change_lines(change)))
    return 1 if changes else 0


def _pairs(before: Target, after: Target, key: str | None,
           progress: Style) -> tuple[dict[str, KeyLike], dict[str, KeyLike]]:
    """The keys to compare, by the path under which they are shown."""
    if key is not None:
        (path, one), (_unused, other) = ask(before.key(key), progress), ask(after.key(key), progress)
        return {path: one}, {path: other}
    old, new = dict(ask(before.tops(), progress)), dict(ask(after.tops(), progress))
    if len(old) == len(new) == 1:  # two hives, wherever they belong
        new = {next(iter(old)): next(iter(new.values()))}
    return old, new


def _print_delta(pairs: list[tuple[str, KeyLike, KeyLike]], output: Path | None) -> int:
    if len(pairs) != 1:
        raise UsageError("a delta is of one hive", why=f"{len(pairs)} were compared", hint=r"name one: HKLM\SYSTEM")
    if output is None and sys.stdout.isatty():
        raise UsageError("a delta is not for a terminal", hint="-o FILE")
    found = delta(pairs[0][1], pairs[0][2])
    if found is None:
        click.echo("no difference, and no delta", err=True)
        return 0
    write_whole(output, [write(found, name=output.name if output else "", layered=True, timestamp=epoch())])
    return 1


@reg.command()
@click.argument("target", metavar="BASE|IMAGE", type=ImageOrFile())
@click.argument("others", nargs=-1, metavar="[DELTA]... | [KEY]")
@click.option("-o", "--output", metavar="FILE", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="The hive to write.")
@click.option("--forgiving", is_flag=True, help="Take hives that are damaged, or that were not closed cleanly and lack "
                                                "their logs, and say so.")
@source_options
@click.pass_context
def merge(ctx: click.Context, /, target: str, others: tuple[str, ...], output: Path, forgiving: bool,
          **options: Any) -> None:
    """Write one plain hive with all that a BASE and the DELTAs above it come to, the lowest first.

    Of an IMAGE, the hive that KEY names, with the deltas of all its layers.

    \b
    Examples:
      wcow reg merge ./SYSTEM ./System_Delta -o SYSTEM.merged
      wcow reg merge app:1 'HKLM\\SYSTEM' -o SYSTEM
    """
    if is_hive_file(target):
        base = HiveFile(Path(target), forgiving=forgiving)
        deltas = [HiveFile(Path(name), forgiving=forgiving) for name in others]
        for opened in (base, *deltas):
            if not forgiving:
                opened.expect_whole("merge", "--forgiving")
            opened.tell()
        for opened in deltas:
            if not opened.hive.layered:
                raise InputError(f"cannot lay {opened.path} over a hive", why="it is a plain hive, not a delta",
                                 hint="wcow reg diff BASE OTHER --format delta makes one")
        if base.hive.layered:
            raise InputError(f"cannot merge into {target}", why="it is a delta itself", hint="name the base first")
        root = Union(base.hive.root, *(opened.hive.root for opened in deltas)).root
        content = write(root, name=output.name, timestamp=base.hive.block.last_written)
        for error in [error for opened in (base, *deltas) for error in opened.hive.damage]:
            click.echo(f"warning: {error}; what is below it is missing", err=True)
        write_whole(output, [content])
        return
    if len(others) != 1:
        raise UsageError("merge of an image writes one hive", hint=rf"wcow reg merge {target} 'HKLM\SYSTEM' -o SYSTEM")
    with open_target(ctx, target, options) as image:
        path, root = ask(image.key(others[0]), options["progress"])
        write_whole(output, [write(root, name=path)])


for _command in (import_, set_, delete, lint):
    reg.add_command(_command)

__all__ = ["reg"]
