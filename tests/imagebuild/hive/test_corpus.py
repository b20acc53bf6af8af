# SPDX-License-Identifier: Apache-2.0
"""Hives that others made, each with its exact outcome: what the reader says, what it gives when it forgives, what is
found wrong.

``corpus.txt`` has a block for each hive: ``read`` is the refusal, or keys, values and bytes of data; ``forgiving`` the
same with the refusals that were passed over; ``check`` the kinds of damage with the offsets of all. Run this file to
print the table anew, and look at every difference.
"""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest

from imagebuild.errors import FormatError
from imagebuild.hive import Hive, read
from imagebuild.hive.checks.check import check
from imagebuild.hive.checks.damage import KINDS

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[4] / "shared")) / "hives"
TABLE = Path(__file__).with_name("corpus.txt")
ROOMS = ("strict", "hostile", "logs", "synthetic", "delta", "real")
LARGE = 4_000_000


def table() -> dict[str, str]:
    """The blocks of the table by the names of the hives."""
    blocks = TABLE.read_text(encoding="utf-8").split("\n\n")
    return {block.split("\n", 1)[0]: block.strip() for block in blocks if not block.startswith("#")}


def outcome(name: str) -> str:
    """The block of one hive."""
    data = (SHARED / name).read_bytes()
    lines = [name, *_said("read     ", data, forgiving=False), *_said("forgiving", data, forgiving=True)]
    kinds: dict[str, list[int]] = {}
    for damage in check(data):
        kinds.setdefault(damage.id, []).append(damage.offset)
    for kind in KINDS:
        if kind in kinds:
            text = f"  {KINDS[kind]:9} {kind} {' '.join(map(str, kinds[kind]))}"
            lines += textwrap.wrap(text, 116, initial_indent="  ", subsequent_indent=" " * 14)
    return "\n".join(lines)


def _said(what: str, data: bytes, *, forgiving: bool) -> list[str]:
    hive: Hive | None = None
    try:
        hive = read(data, forgiving=forgiving)
        keys = values = size = 0
        for _, key in hive.walk():
            keys += 1
            values += len(key.values)
            size += sum(len(value.data) for value in key.values)
            assert forgiving or (key.security and key.class_name != "")
    except FormatError as error:
        return [f"  {what} {error.offset}: {error.why.split(' (at byte')[0]}"]
    return [f"  {what} {keys} keys, {values} values, {size} bytes",
            *(f"            {error.offset}: {error.why.split(' (at byte')[0]}" for error in hive.damage)]


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there (set WCOW_SHARED)")
@pytest.mark.parametrize("name", table())
def test_a_hive_of_the_corpus_has_its_outcome(name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"{SHARED / name} is not there")
    assert outcome(name) == table()[name]


def primaries() -> list[str]:
    """The hives that are there, without their logs and the very large ones."""
    return [str(path.relative_to(SHARED)) for room in ROOMS for path in sorted((SHARED / room).rglob("*"))
            if path.is_file() and ".LOG" not in path.name and path.stat().st_size < LARGE]


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there (set WCOW_SHARED)")
def test_every_hive_that_is_there_is_in_the_table() -> None:
    assert set(primaries()) <= set(table())


if __name__ == "__main__":
    print("# SPDX-License-Identifier: Apache-2.0\n# What comes of the hives in shared/hives, see test_corpus.py.\n")
    print("\n\n".join(outcome(name) for name in primaries()), file=sys.stdout)
