# SPDX-License-Identifier: Apache-2.0
"""``wcow lint`` beside bare decompression of the same layer, and what linting adds to writing one."""

from __future__ import annotations

import io
import statistics
import sys
import time
from pathlib import Path

from support import images
from support.bench import INFLATE, WCOW, Contender, Report, race

from imagebuild.codec import Compression
from imagebuild.layer import Entry, Kind, LayerWriter
from imagebuild.lint import LayerLinter
from imagebuild.stores import LayoutStore


def entries(root: Path, limit: int | None = None) -> list[tuple[Entry, Path | bytes | None]]:
    """The files of a tree, at most ``limit`` bytes of each, as entries of a layer."""
    file, folder = images.file("x")[0], images.folder("x")[0]
    out: list[tuple[Entry, Path | bytes | None]] = [images.folder("Files", security=False), images.folder("Files/app")]
    for sub in sorted(root.iterdir()):
        out.append((Entry(f"Files/app/{sub.name}", Kind.DIRECTORY, 0, 0x10, folder.security, images.TIMES), None))
        for path in sorted(sub.iterdir()):
            size = path.stat().st_size if limit is None else min(limit, path.stat().st_size)
            entry = Entry(f"Files/app/{sub.name}/{path.name}", Kind.FILE, size, 0x20, file.security, images.TIMES)
            out.append((entry, path if limit is None else path.read_bytes()[:limit]))
    return [*out, images.folder("Hives", security=False)]


def write(blob: Path, content: list[tuple[Entry, Path | bytes | None]]) -> None:
    with blob.open("wb", buffering=0) as sink, LayerWriter(sink, Compression()) as writer:
        for entry, data in content:
            writer.add(entry, data)
        writer.finish()


def test_lint(tmp_path: Path, half_compressible: Path, report: Report) -> None:
    """A layer alone, 300 MB and 3 MB in 3,000 entries, and an image whose diff id is verified."""
    for name, limit, bar in (("300 MB", None, "at most 1.3 times bare inflate and 0.2 s more"),
                             ("3 MB", 1000, "at most 0.4 s")):
        blob = tmp_path / f"{limit}.tar.gz"
        write(blob, entries(half_compressible, limit))
        contenders = [Contender("wcow", [*WCOW, "lint", "--no-base", blob]),
                      Contender("bare isal inflate", [sys.executable, "-c", INFLATE, blob])]
        if limit is None:
            with LayoutStore(tmp_path / "layout", create=True) as store:
                def content() -> list[images.Content]:
                    return [(entry, data.read_bytes() if isinstance(data, Path) else data)
                            for entry, data in entries(half_compressible)]
                images.image(store, "1", images.layer(store, images.BASE, base=True), images.layer(store, content()))
            place = f"oci:{tmp_path / 'layout'}:1"
            contenders.append(Contender("wcow, in an image (both digests)",
                                        [*WCOW, "lint", "--ignore", "base-hive-missing", place]))
        report.table(f"Lint of a layer of 3,000 entries, {name}", race(contenders), bar)


def test_lint_while_writing(tmp_path: Path, half_compressible: Path, many_small: Path, report: Report) -> None:
    """Writing a layer with and without the linter beside it, in turn; only what the linter adds is in question."""
    lines = ["| | written | with lint | lint alone | share |", "|---|---:|---:|---:|---:|"]
    for name, tree in (("3,000 files, 300 MB", half_compressible), ("100,000 files of 1 KB", many_small)):
        content = entries(tree)
        figures: dict[bool, list[float]] = {False: [], True: []}
        for run in range(4):
            for linted in (False, True):
                took = _written(content, linted)
                if run:
                    figures[linted].append(took)
        alone = min(_linted(content) for _ in range(3))
        plain, with_lint = (statistics.median(figures[linted]) for linted in (False, True))
        lines.append(f"| {name} | {plain:.2f} s | {with_lint:.2f} s | {alone:.3f} s | {alone / plain:.1%} |")
    report.lines("Lint while a layer is written", [*lines, "", "Bar: at most 5 % of the build; the share here is that "
                                                  "of writing the layer alone, which is the least a build can be."])


def _written(content: list[tuple[Entry, Path | bytes | None]], linted: bool) -> float:
    started = time.perf_counter()
    linter = LayerLinter(base=False)
    with LayerWriter(io.BytesIO(), Compression()) as writer:
        for entry, data in content:
            if linted:
                assert not linter.entry(entry)
            writer.add(entry, data)
        writer.finish()
    if linted:
        assert not linter.finish()
    return time.perf_counter() - started


def _linted(content: list[tuple[Entry, Path | bytes | None]]) -> float:
    started = time.perf_counter()
    linter = LayerLinter(base=False)
    for entry, _ in content:
        linter.entry(entry)
    linter.finish()
    return time.perf_counter() - started
