# SPDX-License-Identifier: Apache-2.0
"""``wcow lint``: would Windows take it?"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Literal

import click

from ... import __version__
from ...errors import UsageError, quoted
from ...images.index import load_index
from ...images.inspect.tree import shown
from ...lint import IMPORTERS, RULES, Finding, Severity, explain, find_rule, sarif_pieces
from ...lint import image as lint_image
from ...lint import layer as lint_layer
from ...lint.checks.inside import DEPTHS, Depth
from ...oci import Descriptor
from ...wiring import open_library
from ..options import ImageName, platform_options, registry_options, settings_from, wanted_platform
from ..output import print_lines

_ARCHIVES = {"oci-layout": "oci-archive", "blobs": "oci-archive", "index.json": "oci-archive",
             "manifest.json": "docker-archive", "repositories": "docker-archive"}
"""Names at the head of tars that hold whole images, and how those are called."""
_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.NOTE: "36"}


def _rules(ctx: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        find_rule(name)
    return names


def _importers(ctx: click.Context, parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    if text is None:
        return IMPORTERS
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    wrong = [name for name in names if name not in IMPORTERS]
    if wrong or not names:
        raise UsageError(f"there is no importer {', '.join(map(quoted, wrong)) or quoted(text)}",
                         hint=f"--importer takes {', '.join(IMPORTERS)}, with commas between them")
    return names


def _explain(ctx: click.Context, parameter: click.Parameter, name: str | None) -> None:
    if name is None:
        return
    if name == "all":
        width = max(map(len, RULES))
        print_lines(f"{rule.id:<{width}}  {rule.worst().word():<7}  {rule.title}" for rule in RULES.values())
    else:
        click.echo(explain(name))
    ctx.exit(0)


@click.command(short_help="Would Windows take it? Examine an image or a layer.")
@click.argument("name", metavar="IMAGE|LAYER.tar", type=ImageName())
@click.option("--importer", "importers", metavar="LIST", callback=_importers,
              help="Only what these mind: base, wcifs, cimfs, engine, with commas (default: all that apply).")
@click.option("--ignore", multiple=True, metavar="RULE", callback=_rules, help="Leave a rule out. Repeatable.")
@click.option("--layer", "layers", multiple=True, type=click.IntRange(min=0), metavar="N",
              help="Read only layer N of the image, 0 being the lowest. Repeatable.")
@click.option("--base/--no-base", default=None,
              help="A layer alone: whether it is the first of its image (default: found out).")
@click.option("--hives", "depth", type=click.Choice(DEPTHS), default="quick", show_default=True,
              help="quick looks at deltas and small hives key by key, at large ones by their outline; full at all.")
@click.option("-q", "--quiet", is_flag=True, help="In text, the last line alone: how many errors, warnings and notes.")
@click.option("--strict", is_flag=True, help="Warnings count as errors for the exit code.")
@click.option("--limit", type=click.IntRange(min=0), default=5, show_default=True, metavar="N",
              help="In text, places shown of each rule in each layer; 0 shows all.")
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True,
              help="Text for people, JSON for programs, SARIF 2.1.0 for code scanning.")
@click.option("--explain", metavar="RULE", is_eager=True, expose_value=False, callback=_explain,
              help="Say what a rule is about, with its source, and stop; 'all' lists the rules.")
@platform_options
@registry_options
@click.pass_context
def lint(ctx: click.Context, /, name: str, importers: tuple[Any, ...], ignore: tuple[str, ...], layers: tuple[int, ...],
         base: bool | None, depth: Depth, strict: bool, limit: int, quiet: bool,
         form: Literal["text", "json", "sarif"],
         platform: str | None, os_version: str | None, **options: Any) -> int:
    """Examine an image, or the tar of one layer (compressed or not; - is standard input), as the importers of Windows
    would: base takes the first layer, wcifs the others, cimfs both, and engine looks at manifest and config.

    Exit code: 0 nothing wrong (warnings and notes are not), 1 errors found, 2 bad usage or input, 3 a registry or store
    failed.

    \b
    Examples:
      wcow lint app:1
      wcow lint --importer base,wcifs --ignore times-missing docker://registry.example/app:1
      wcow lint --format sarif layer.tar.gz > lint.sarif
      wcow lint --explain hard-link-unprefixed
    """
    counts: Counter[Severity] = Counter()
    with ExitStack() as stack:
        if name == "-" or Path(name).is_file():
            if layers:
                raise UsageError("--layer chooses a layer of an image", why=f"{name} is a layer")
            stream = sys.stdin.buffer if name == "-" else stack.enter_context(Path(name).open("rb", buffering=0))
            found = lint_layer(_LayerFile(stream, name), base=base, importers=importers, ignore=ignore,
                               source="standard input" if name == "-" else name, hives=depth)
            places: list[Descriptor] = []
        else:
            if base is not None:
                raise UsageError("--base and --no-base are for a layer alone",
                                 why=f"{name} is no file: of an image, the first layer is the base")
            library = stack.enter_context(open_library(settings_from(ctx, **options)))
            image = library.find(name, wanted_platform(platform, os_version))
            places = list(image.image.layers)
            found = lint_image(image.image, image.store, entry=image.descriptor if image.index else None,
                               index=load_index(image.store, image.index, name) if image.index else None,
                               only=sorted(set(layers)) if layers else None, importers=importers, ignore=ignore,
                               hives=depth)
        findings = _counted(found, counts)
        if form == "text":
            lines = _text(findings, places, limit)
            if quiet:
                deque(lines, maxlen=0)  # they are counted as they pass
            else:
                print_lines(lines)
            print_lines([_summary(name, counts)])
        else:
            pieces = sarif_pieces(findings, target=name, version=__version__) if form == "sarif" else \
                _json(findings, name, counts)
            for piece in pieces:
                sys.stdout.write(piece)
    return 1 if counts[Severity.ERROR] or (strict and counts[Severity.WARNING]) else 0


def _counted(findings: Iterable[Finding], counts: Counter[Severity]) -> Iterator[Finding]:
    for finding in findings:
        counts[finding.severity] += 1
        yield finding


class _LayerFile:
    """A stream whose beginning must not be that of a whole image's archive."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._looked = False

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(size)
        if not self._looked:
            self._looked = True
            first = data[:100].partition(b"\0")[0].decode("utf-8", "replace").removeprefix("./").partition("/")[0]
            if data[257:262] == b"ustar" and first in _ARCHIVES:
                raise UsageError(f"{self._name} is an image, not a layer", why=f"it begins with {first}",
                                 hint=f"wcow lint {_ARCHIVES[first]}:{self._name}")
            if data[:4] == b"regf":
                raise UsageError(f"{self._name} is a registry hive, not a layer", hint=f"wcow reg lint {self._name}")
        return data


def _text(findings: Iterable[Finding], layers: list[Descriptor], limit: int) -> Iterator[str]:
    """Findings under a line for each layer; of one rule the first few, and how many more there are."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    place: int | None = -1
    seen: Counter[str] = Counter()
    for finding in findings:
        if finding.layer != place:
            yield from _more(seen, limit)
            seen.clear()
            place = finding.layer
            if place is not None:
                yield f"layer {place}  {layers[place].digest}" if place < len(layers) else f"layer {place}"
        seen[finding.rule] += 1
        if limit and seen[finding.rule] > limit:
            continue
        word = finding.severity.word()
        if colour:
            word = f"\x1b[{_COLOURS[finding.severity]}m{word}\x1b[0m"
        path = f"{shown(finding.path)}: " if finding.path else ""
        at = "" if finding.offset is None else f" (at byte {finding.offset})"
        yield f"  {word}: {path}{shown(finding.message)}{at} [{finding.rule}: {','.join(finding.importers)}]"
        if seen[finding.rule] == 1:
            yield f"    {RULES[finding.rule].fix}"
    yield from _more(seen, limit)


def _more(seen: Counter[str], limit: int) -> Iterator[str]:
    for rule, count in seen.items():
        if limit and count > limit:
            yield f"  ... and {count - limit:,} more [{rule}]"


def _summary(name: str, counts: Counter[Severity]) -> str:
    parts = [f"{counts[severity]:,} {severity.word()}{'' if counts[severity] == 1 else 's'}"
             for severity in sorted(Severity, reverse=True) if counts[severity]]
    return f"{shown(name)}: {', '.join(parts) or 'nothing found'}"


def _json(findings: Iterable[Finding], name: str, counts: Counter[Severity]) -> Iterator[str]:
    """One document, written as it comes."""
    yield f'{{\n  "name": {json.dumps(name)},\n  "findings": ['
    gap = "\n    "
    for finding in findings:
        yield gap + json.dumps(finding.facts())
        gap = ",\n    "
    told = {f"{severity.word()}s": counts[severity] for severity in sorted(Severity, reverse=True)}
    yield f'\n  ],\n  "summary": {json.dumps(told)}\n}}\n'
