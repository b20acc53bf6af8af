# SPDX-License-Identifier: Apache-2.0
"""``wcow reg lint``: everything that is wrong with hives, in files or in the layers of an image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from ...errors import InputError
from ...hive.checks.check import check
from ...hive.checks.damage import ERROR, NOTE, Damage
from ...images.inspect.tree import shown
from ...lint.checks.contained import hives_in
from ...wiring import open_library
from ..options import ImageOrFile, format_option, platform_options, registry_options, settings_from, wanted_platform
from ..output import print_json, print_lines
from .target import is_hive_file

_Facts = dict[str, Any]
_Hive = tuple[str, _Facts, Iterator[Damage]]
"""A hive: what it is called, what JSON says of where it is, and what is wrong with it."""


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...", type=ImageOrFile())
@click.option("--strict", is_flag=True, help="Let warnings count as errors.")
@click.option("--notes/--no-notes", default=False, help="Also tell what is only odd.")
@format_option
@platform_options
@registry_options
@click.pass_context
def lint(ctx: click.Context, /, targets: tuple[str, ...], strict: bool, notes: bool, as_json: bool,
         **options: Any) -> int:
    """Would Windows load these hives? Names everything that is wrong with each: with a hive in a file, or with all the
    hives of all the layers of an image. 'wcow lint' tells what of it matters to whom, and everything else of an image.

    Exit code: 0 nothing wrong, 1 something is, 2 bad usage or input, 3 a registry or store failed.

    \b
    Examples:
      wcow reg lint ./SYSTEM ./System_Delta
      wcow reg lint --notes app:1
    """
    wrong = False
    out: list[_Facts] = []
    for target in targets:
        for name, where, damages in _in_file(target) if is_hive_file(target) else _in_image(ctx, target, options):
            for damage in damages:
                if damage.severity == NOTE and not notes:
                    continue
                wrong = wrong or damage.severity == ERROR or strict
                if as_json:
                    out.append({**where, "id": damage.id, "severity": damage.severity, "offset": damage.offset,
                                "path": damage.path, "message": damage.sentence})
                else:
                    print_lines([f"{name}: {_line(damage)}"])
    if as_json:
        print_json(out)
    return 1 if wrong else 0


def _in_file(target: str) -> Iterator[_Hive]:
    path = Path(target)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}", why=error.strerror or str(error)) from error
    yield str(path), {"file": str(path)}, check(content)


def _in_image(ctx: click.Context, target: str, options: dict[str, Any]) -> Iterator[_Hive]:
    with open_library(settings_from(ctx, **options)) as library:
        found = library.find(target, wanted_platform(options["platform"], options["os_version"]))
        for number, path, content in hives_in(found.image, found.store):
            yield (f"{target}: layer {number}: {shown(path)}", {"image": target, "layer": number, "file": path},
                   check(content))


def _line(damage: Damage) -> str:
    where = f"{shown(damage.path)}: " if damage.path else ""
    return f"{damage.severity}: {where}{damage.sentence} (at byte {damage.offset}) [{damage.id}]"


__all__ = ["lint"]
