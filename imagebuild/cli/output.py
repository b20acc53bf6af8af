# SPDX-License-Identifier: Apache-2.0
"""What a verb prints of its facts: JSON for programs, tables that fit the terminal for people."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from ..images.inspect.tree import shown

GAP = "  "


def print_lines(lines: Iterable[str]) -> None:
    """Lines as they come. A list of a base has a hundred thousand: a pipe gets them in blocks, a terminal at once."""
    for line in lines:
        sys.stdout.write(line + "\n")


def print_json(value: Any) -> None:
    """A value as indented JSON; nothing but ASCII, so that no locale can spoil it."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=True))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), shrink: int | None = None,
          width: int | None = None) -> list[str]:
    """Lines of a table under its ``head``. ``right`` are columns of numbers. On a terminal (or with ``width``) the
    column ``shrink`` is cut to what fits; in a file or a pipe nothing is ever cut."""
    cells = [list(head), *([shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    if width is None and sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
    if shrink is not None and width is not None:
        over = sum(widths) + len(GAP) * (len(widths) - 1) - width
        if over > 0:
            widths[shrink] = max(len(head[shrink]), 8, widths[shrink] - over)
    lines = []
    for row in cells:
        parts = [_fit(cell, widths[column], column in right) for column, cell in enumerate(row)]
        lines.append(GAP.join(parts).rstrip())
    return lines


def _fit(cell: str, width: int, right: bool) -> str:
    if len(cell) > width:
        cell = cell[:width - 1] + "…"
    return cell.rjust(width) if right else cell.ljust(width)


def fields(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """``Name:   value`` lines with the values under one another; empty values are left out."""
    kept = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _unused in kept), default=0) + 1
    return [f"{name + ':':<{width}} {shown(value)}" for name, value in kept]


def day(moment: str) -> str:
    """The date and minute of an ISO 8601 moment."""
    return moment[:16].replace("T", " ")
