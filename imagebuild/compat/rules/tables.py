# SPDX-License-Identifier: Apache-2.0
"""What Microsoft says it supports: the tables of its page on version compatibility, today's and those before.

They stand in ``support.json`` beside this file (its form: ``support.schema.json``), each as of a commit of
MicrosoftDocs/Virtualization-Documentation. The page says what is supported; what an engine refuses and what Windows
starts is another matter, and older tables are known to be wrong in places (:attr:`Table.note`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ...windows.facts.host import Product


@dataclass(frozen=True, slots=True)
class Cell:
    """One row: may this host run that image, in which isolation?

    ``host`` and ``image`` are the names as printed; the row is for hosts of ``product`` from build ``first`` to
    ``last`` (``None``: no end). ``image_build`` is ``None`` for an image that the page names and nobody ever published.
    ``line`` counts in the page's source at the table's commit, from 1.
    """

    host: str
    product: Literal["server", "client"]
    first: int
    last: int | None
    image: str
    image_build: int | None
    hyperv: bool
    process: bool
    line: int
    note: str = ""

    def is_for(self, host_build: int, product: Product) -> bool:
        """Whether it speaks of this host; a product that is not known (empty) may be either."""
        return self.first <= host_build and (self.last is None or host_build <= self.last) and \
            product in ("", self.product)


@dataclass(frozen=True, slots=True)
class Table:
    """The page as of ``commit``: ``id`` is our name for it, ``note`` what is known to be wrong or particular in it."""

    id: str
    published: date
    commit: str
    url: str
    note: str
    cells: tuple[Cell, ...]

    def source(self, cell: Cell) -> str:
        """Where a row stands, for people who want to read it there."""
        return f"{self.url}?plain=1#L{cell.line}"


@dataclass(frozen=True, slots=True)
class Support:
    """The whole file: when it was last compared with the page's history, the page's address, the tables."""

    updated: date
    page: str
    tables: tuple[Table, ...]


@cache
def support() -> Support:
    """The file, read once."""
    document = json.loads(Path(__file__).with_name("support.json").read_bytes())
    return Support(date.fromisoformat(document["updated"]), document["page"], tuple(map(_table, document["tables"])))


def tables() -> tuple[Table, ...]:
    """All tables, the newest first."""
    return support().tables


def lookup(host_build: int, product: Product, image_build: int) -> tuple[tuple[Table, Cell], ...]:
    """What the tables say of one host and one image, the newest first; empty where no table knows the two.

    A build that a table does not list is not guessed at. The newest table speaks of "Windows 10" and "Windows 11"
    without versions: its cells have a note where they are wider than older ones.
    """
    return tuple((table, cell) for table in tables() for cell in table.cells
                 if cell.image_build == image_build and cell.is_for(host_build, product))


def _table(fields: dict[str, Any]) -> Table:
    cells = tuple(_cell(host, row) for host in fields["hosts"] for row in host["rows"])
    return Table(fields["id"], date.fromisoformat(fields["date"]), fields["commit"], fields["url"], fields["note"],
                 cells)


def _cell(host: dict[str, Any], row: dict[str, Any]) -> Cell:
    first, last = row.get("builds", host["builds"])
    return Cell(host["name"], host["kind"], first, last, row["name"], row["image"], row["hyperv"], row["process"],
                row["line"], row.get("note", host.get("note", "")))
