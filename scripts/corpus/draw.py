# SPDX-License-Identifier: Apache-2.0
"""Which Dockerfiles: a draw with a fixed seed from an index, and where their texts are."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SEED = 29
TIERS = ("T0", "T1", "T1+")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the index."""

    repository: str
    path: str
    commit: str
    runs: int
    tier: str

    @property
    def name(self) -> str:
        """``OWNER/NAME/PATH``, which is also where the text is below the folder of Dockerfiles."""
        return f"{self.repository}/{self.path}"


def read(index: Path) -> list[Row]:
    """The rows of the tiers that need no Windows of their own."""
    with index.open(encoding="utf-8", newline="") as file:
        return [Row(line["repo"], line["path"], line["commit"], int(line["RUNs"]), line["hardest tier"])
                for line in csv.DictReader(file, delimiter="\t") if line["hardest tier"] in TIERS]


def draw(rows: list[Row]) -> Iterator[Row]:
    """All rows in the order in which they are drawn."""
    order = list(rows)
    random.Random(SEED).shuffle(order)
    yield from order


def take(rows: list[Row], folder: Path, count: int) -> tuple[list[Row], list[Row]]:
    """The first ``count`` whose text is there, and those that were drawn and are not."""
    taken: list[Row] = []
    missing: list[Row] = []
    for row in draw(rows):
        if len(taken) == count:
            break
        (taken if (folder / row.name).is_file() else missing).append(row)
    return taken, missing
