# SPDX-License-Identifier: Apache-2.0
"""One report for the whole session, written to ``BENCH_PAGE`` at its end."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bench import Report

NOTES = "## Where a bar is missed"


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """The session's report, written to ``BENCH_PAGE``. Tables that a run of some benchmarks does not renew stay."""
    made = Report()
    yield made
    page = os.environ.get("BENCH_PAGE")
    if page and made.tables:
        old = Path(page).read_text(encoding="utf-8") if Path(page).exists() else ""
        tables, notes, kept = old.partition(NOTES)  # what people wrote about the figures stays
        kept = notes + kept
        options = request.config.option
        if options.keyword or options.markexpr or [Path(arg).name for arg in request.config.args] != ["bench"]:
            made.keep(tables)
        Path(page).write_text(made.page() + kept, encoding="utf-8")


@pytest.fixture(scope="session")
def half_compressible(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3,000 files, 300 MB: every second one random, the rest words."""
    root, chance = tmp_path_factory.mktemp("context") / "files", random.Random(1)
    words = [bytes(chance.choices(range(97, 123), k=6)) for _ in range(500)]
    for number in range(3000):
        folder = root / f"d{number % 50:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        data = chance.randbytes(104_000) if number % 2 else b" ".join(chance.choices(words, k=14_857))
        (folder / f"f{number}.bin").write_bytes(data)
    return root


@pytest.fixture(scope="session")
def many_small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100,000 files of 1 KB in 400 folders."""
    root, chance = tmp_path_factory.mktemp("small") / "files", random.Random(2)
    block = chance.randbytes(1 << 20)
    for number in range(100_000):
        if not number % 250:
            folder = root / f"d{number // 250:03d}"
            folder.mkdir(parents=True)
        start = chance.randrange(len(block) - 1024)
        (folder / f"f{number}.bin").write_bytes(block[start:start + 512] * 2)
    return root
