# SPDX-License-Identifier: Apache-2.0
"""``wcow compat matrix``: the hosts of a team by the tags of an image."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal

import click

from ...compat.facts import host_facts, pick_facts, report_facts
from ...compat.grid import BOTH, Cell, Matrix, known_hosts, known_images
from ...compat.grid import matrix as make_matrix
from ...compat.rules.generations import Generation
from ...compat.verdict import Answer
from ...errors import NotFoundError, UsageError
from ...images.inspect.tree import shown
from ...oci import Location
from ...windows.facts.host import HostFacts, Isolation, Store
from ...wiring import Settings, open_library
from ..options import ImageOrFile, progress_option, settings_from
from ..output import print_json, print_lines
from ..render import Style
from .html import page
from .options import engine_for, engine_options, host_of, host_options, image_options, subject_for
from .text import coloured

MARKS: dict[str, str] = {"yes": "yes", "likely": "(yes)", "maybe": "maybe", "no": "no", "unknown": "?"}
LEGEND = "yes; (yes): it should; maybe: it depends, or reports differ; no; ?: cannot be judged"


@click.command()
@click.argument("names", nargs=-1, metavar="[IMAGE]...", type=ImageOrFile())
@click.option("--host", "hosts", multiple=True, metavar="HOST",
              help="A host, as for 'compat check'. Repeatable; default: every release that gets updates.")
@click.option("--tag", "tags", multiple=True, metavar="PATTERN",
              help="Of the one IMAGE take the tags of its registry that are like this, as 'ltsc*'. Repeatable.")
@click.option("--all", "every", is_flag=True, help="Count releases, too, that get no updates any more.")
@host_options
@engine_options
@click.option("--format", "form", type=click.Choice(["text", "markdown", "html", "json"]), default="text",
              show_default=True, help="Text for people, markdown or one HTML page to keep, JSON for programs.")
@image_options
@progress_option
@click.pass_context
def matrix(ctx: click.Context, /, names: tuple[str, ...], hosts: tuple[str, ...], tags: tuple[str, ...],
           every: bool, engine: str | None, store: Store | None, generation: Generation | None,
           isolation: Isolation | None, form: Literal["text", "markdown", "html", "json"], progress: Style,
           local_store: str | None, **options: Any) -> None:
    """Show on which hosts which images run, in process and Hyper-V isolation.

    Without IMAGE it is about Microsoft's base images, without --host about the releases that get updates. A cell counts
    what the engine takes and what Windows starts; the page and JSON have the reasons.

    \b
    Examples:
      wcow compat matrix
      wcow compat matrix app:1 --host web1.json --host 10.0.26200 --format html > matrix.html
      wcow compat matrix mcr.microsoft.com/windows/servercore --tag 'ltsc*' --host ltsc2022
    """
    said = {name: options.pop(name) for name in ("product", "architecture", "hyperv")}
    settings = settings_from(ctx, store=local_store, **options)
    today = datetime.now(UTC).date()
    shown_until = None if every else today
    machines = [host for text in hosts for host in host_of(text, settings, **said)] or list(known_hosts(shown_until))
    if tags:
        if len(names) != 1:
            raise UsageError("--tag chooses tags of one IMAGE", why=f"{len(names)} were named")
        names = _tags(names[0], tags, settings)
    subjects = [subject_for(name, settings, inside=False, progress=progress) for name in names] or \
        list(known_images(shown_until))
    found = make_matrix(machines, subjects, isolations=(isolation,) if isolation else BOTH, today=today,
                        engine=lambda host: engine_for(host, engine, store, generation))
    if form == "html":
        click.echo(page(found), nl=False)
    elif form == "json":
        print_json(_facts(found))
    elif form == "markdown":
        print_lines(markdown(found))
    else:
        print_lines(_text(found))


def _tags(name: str, patterns: tuple[str, ...], settings: Settings) -> tuple[str, ...]:
    """The names of a repository's tags that are like one of the patterns."""
    location = Location.parse(name if ":" in name.partition("/")[0] or "://" in name else f"docker://{name}")
    if location.reference is None:
        raise UsageError("--tag asks a registry", why=f"{name} is none", hint="name a repository: docker://HOST/NAME")
    with open_library(settings) as library:
        store = library.open(location)
        every = store.tags()
    kept = [tag for tag in sorted(every) if any(fnmatch.fnmatchcase(tag, pattern) for pattern in patterns)]
    if not kept:
        raise NotFoundError(f"{name} has no tag like {' or '.join(patterns)}", why=f"of {len(every)} tags")
    return tuple(f"docker://{location.reference.repository}:{tag}" for tag in kept)


def host_label(host: HostFacts) -> str:
    """A host for the head of a row."""
    version = str(host.version).removeprefix("10.0.") if host.version else host.os
    return f"{host.name} ({version})" if host.name and not host.name.endswith(version) else host.name or version


def _text(found: Matrix) -> Iterator[str]:
    """A table; in each cell process isolation, then Hyper-V."""
    heads = [shown(subject.name) for subject in found.images]
    plain = [[_mark(cells) for cells in row] for row in found.rows]
    widths = [max(len(head), *(len(row[column]) for row in plain)) for column, head in enumerate(heads)]
    labels = [shown(host_label(host)) for host in found.hosts]
    left = max(map(len, labels), default=0)
    if len(found.isolations) == 2:
        yield "in each cell: process / Hyper-V isolation"
    yield "  ".join((" " * left, *(head.ljust(width) for head, width in zip(heads, widths, strict=True)))).rstrip()
    for label, row, texts in zip(labels, found.rows, plain, strict=True):
        cells = [_coloured(cells) + " " * (width - len(text))
                 for cells, width, text in zip(row, widths, texts, strict=True)]
        yield "  ".join((label.ljust(left), *cells)).rstrip()
    yield ""
    yield LEGEND


def markdown(found: Matrix) -> Iterator[str]:
    """A table in Markdown, with its legend."""
    yield "| host \\ image | " + " | ".join(_escaped(subject.name) for subject in found.images) + " |"
    yield "|---" * (len(found.images) + 1) + "|"
    for host, row in zip(found.hosts, found.rows, strict=True):
        yield f"| {_escaped(host_label(host))} | " + " | ".join(_mark(cells) for cells in row) + " |"
    yield ""
    both = "In each cell: process / Hyper-V isolation. " if len(found.isolations) == 2 else ""
    yield f"{both}Words: {LEGEND}."


def _mark(cells: tuple[Cell, ...]) -> str:
    return " / ".join(MARKS[cell.runs] for cell in cells)


def _coloured(cells: tuple[Cell, ...]) -> str:
    return " / ".join(_colour(cell.runs) for cell in cells)


def _colour(runs: Answer) -> str:
    return coloured(runs).replace(runs, MARKS[runs], 1)


def _escaped(text: str) -> str:
    return shown(text).replace("|", "\\|")


def _facts(found: Matrix) -> dict[str, Any]:
    return {"hosts": [host_facts(host) for host in found.hosts],
            "images": [{"name": subject.name} for subject in found.images],
            "isolations": list(found.isolations),
            "rows": [[[_cell(cell) for cell in cells] for cells in row] for row in found.rows]}


def _cell(cell: Cell) -> dict[str, Any]:
    if cell.pick is not None:
        return {"isolation": cell.isolation, "runs": cell.runs, "pick": pick_facts(cell.pick)}
    return {"isolation": cell.isolation, "runs": cell.runs,
            "report": report_facts(cell.report) if cell.report else None}
