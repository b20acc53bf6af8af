# SPDX-License-Identifier: Apache-2.0
"""Layers written, and the index of a large base, beside bare decompression of the same bytes."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import images
from support.bench import INFLATE, WCOW, Contender, Report, race

from imagebuild.codec import Compression
from imagebuild.images.put import put_layer
from imagebuild.layer import Entry, Kind, LayerWriter
from imagebuild.stores import LayoutStore

SIZE = int(os.environ.get("BENCH_BASE_MB", "1536")) << 20
FILES = 40_000

WRITE = """
import os, sys
from imagebuild.codec import Compression
from imagebuild.images.put import put_layer
from imagebuild.layer import Entry, Kind, LayerWriter, Times
tree, blob, compression, security = sys.argv[1:]
security, times = bytes.fromhex(security), Times.all(133_000_000_000_000_000)
with open(blob, "wb", buffering=0) as sink, LayerWriter(sink, Compression.parse(compression)) as layer:
    layer.add(Entry("Files", Kind.DIRECTORY, 0, 0x10, None, times))
    layer.add(Entry("Files/app", Kind.DIRECTORY, 0, 0x10, security, times))
    for folder in sorted(os.scandir(tree), key=lambda found: found.name):
        path = "Files/app/" + folder.name
        layer.add(Entry(path, Kind.DIRECTORY, 0, 0x10, security, times))
        for file in sorted(os.scandir(folder.path), key=lambda found: found.name):
            layer.add(Entry(path + "/" + file.name, Kind.FILE, file.stat().st_size, 0x20, security, times), file.path)
    layer.add(Entry("Hives", Kind.DIRECTORY, 0, 0x10, None, times))
    layer.finish()
"""
"""A tree scanned and written as a layer, as a build would, and nothing else of a build."""

INDEX = """
import sys
from imagebuild.layer import Index
with open(sys.argv[1], "rb", buffering=0) as stream:
    Index.build(stream, sys.argv[2]).close()
"""
"""The index of a blob that was verified when it arrived."""

WARM = """
import json, statistics, sys, time
from pathlib import Path
from imagebuild.layer import Index
import sqlite3
took = []
for _ in range(21):
    started = time.perf_counter()
    with Index.open(Path(sys.argv[1])) as index:
        assert index.get("files/WINDOWS/System32/D017/f17.dll")
    took.append(time.perf_counter() - started)
print(json.dumps([took[0] * 1000, statistics.median(took) * 1000]))
"""


def test_writing(tmp_path: Path, half_compressible: Path, many_small: Path, report: Report) -> None:
    """One layer of a tree, with each compression."""
    security = images.file("x")[0].security
    assert security is not None
    for name, tree in (("3,000 files, 300 MB", half_compressible), ("100,000 files of 1 KB", many_small)):
        names = {"gzip:1": "wcow", "zstd:1": "zstd:1", "none": "not compressed"}
        costs = race([Contender(shown, [sys.executable, "-c", WRITE, tree, tmp_path / "layer", compression,
                                        security.hex()]) for compression, shown in names.items()])
        report.table(f"A layer written, nothing else of a build: {name}", costs)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A layout with an image of one large layer: 40,000 files, half of what is in them noise."""
    root, chance = tmp_path_factory.mktemp("base"), random.Random(3)
    noise = chance.randbytes(48 << 20)
    words = b" ".join(chance.choices([bytes(chance.choices(range(97, 123), k=6)) for _ in range(500)], k=8 << 20))
    security, size = images.file("x")[0].security, SIZE * 4 // 3 // FILES

    def fill(writer: LayerWriter) -> None:
        for folder in ("Files", "Files/Windows", "Files/Windows/System32"):
            writer.add(Entry(folder, Kind.DIRECTORY, 0, 0x10, security if "/" in folder else None, images.TIMES))
        for number in range(400):
            folder = f"Files/Windows/System32/d{number:03d}"
            writer.add(Entry(folder, Kind.DIRECTORY, 0, 0x10, security, images.TIMES))
            for file in range(number, FILES, 400):
                pool = noise if file // 400 % 2 else words
                start = chance.randrange(len(pool) - size)
                writer.add(Entry(f"{folder}/f{file}.dll", Kind.FILE, size, 0x20, security, images.TIMES),
                           pool[start:start + size])
        writer.add(Entry("Hives", Kind.DIRECTORY, 0, 0x10, None, images.TIMES))

    with LayoutStore(root / "layout", create=True) as store:
        images.image(store, "1", put_layer(store, fill, Compression()))
    yield root


def test_index_of_a_base(tmp_path: Path, base: Path, report: Report) -> None:
    """Cold, with and without verification in the same pass; then warm."""
    blob = max((base / "layout/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    cache = tmp_path / "cache"

    def fresh() -> None:
        for path in cache.glob("indexes/*"):
            path.unlink()

    costs = race([
        Contender("wcow", [sys.executable, "-c", INDEX, blob, tmp_path / "plain.idx"]),
        Contender("wcow ls, digest and diff id verified in the pass",
                  [*WCOW, "ls", f"oci:{base / 'layout'}:1", "/Windows"], fresh, {"WCOW_CACHE": str(cache)}),
        Contender("bare isal inflate", [sys.executable, "-c", INFLATE, blob])])
    first, median = json.loads(subprocess.run([sys.executable, "-c", WARM, next(cache.glob("indexes/*.idx"))],
                                              check=True, capture_output=True).stdout)
    bare = costs["bare isal inflate"].wall
    report.table(f"Index of a base layer of {blob.stat().st_size / 1e9:.1f} GB, {FILES:,} files", costs,
                 "cold at most 1.2 times bare isal inflate when the blob was verified on arrival, at most 1.4 times "
                 "with digest and diff id verified in the pass; warm at most 5 ms",
                 note=f"Cold {costs['wcow'].wall / bare:.2f} times bare inflate, "
                      f"{list(costs.values())[1].wall / bare:.2f} times with both digests. Warm, opened and one path "
                      f"looked up: {median:.2f} ms, {first:.2f} ms the first time in a process.")
