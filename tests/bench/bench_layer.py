# SPDX-License-Identifier: Apache-2.0
"""How fast layers are written, read and indexed; run by hand: ``python tests/bench/bench_layer.py [--scratch DIR]``.

Makes two trees once (3,000 files of 100 KB, every second one incompressible; 100,000 files of 1 KB), then writes each
as a layer, reads it back and indexes it, every step in a process of its own: seconds, CPU seconds, peak memory. Trust
the ratios of one run more than its seconds.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECURITY = bytes.fromhex("010004801400000024000000000000003400000001020000000000052000000020020000"
                         "01020000000000052000000020020000020008000000000000000000")


def make_trees(scratch: Path) -> None:
    """The two trees, made once and kept."""
    chance = random.Random(1)
    for name, count, size, per_folder in (("many", 100_000, 1024, 1000), ("large", 3000, 104_000, 100)):
        tree = scratch / name
        if tree.exists():
            continue
        words = [b"%x" % chance.getrandbits(40) for _ in range(4000)]
        for number in range(count):
            folder = tree / f"folder{number // per_folder}"
            if number % per_folder == 0:
                folder.mkdir(parents=True)
            data = chance.randbytes(size) if number % 2 else b" ".join(chance.choices(words, k=size // 9))[:size]
            (folder / f"file{number}.txt").write_bytes(data.ljust(size, b"."))


def write(tree: Path, blob: Path, compression: str) -> None:
    """Scan a tree and write it as a layer, as a build would."""
    from imagebuild.codec import Compression
    from imagebuild.layer import Entry, Kind, LayerWriter, Times

    times = Times.all(133_000_000_000_000_000)
    with blob.open("wb", buffering=0) as sink:
        layer = LayerWriter(sink, Compression.parse(compression))
        layer.add(Entry("Files", Kind.DIRECTORY, 0, 0x10, None, times))
        layer.add(Entry("Files/app", Kind.DIRECTORY, 0, 0x10, SECURITY, times))
        layer.cut()
        for folder in sorted(os.scandir(tree), key=lambda found: found.name):
            path = "Files/app/" + folder.name
            layer.add(Entry(path, Kind.DIRECTORY, 0, 0x10, SECURITY, times))
            for file in sorted(os.scandir(folder.path), key=lambda found: found.name):
                size = file.stat().st_size
                layer.add(Entry(f"{path}/{file.name}", Kind.FILE, size, 0x20, SECURITY, times), file.path)
        layer.add(Entry("Hives", Kind.DIRECTORY, 0, 0x10, None, times))
        print(layer.finish().size, "bytes")


def inflate(blob: Path) -> None:
    """Only decompress: what reading cannot be faster than."""
    from imagebuild.codec import open_reader

    with blob.open("rb", buffering=0) as stream:
        reader = open_reader(stream)
        while reader.read1(1 << 18):  # type: ignore[attr-defined]
            pass


def read(blob: Path) -> None:
    """Every entry, contents skipped."""
    from imagebuild import layer

    with blob.open("rb", buffering=0) as stream:
        print(sum(1 for _ in layer.read(stream)), "entries")


def index(blob: Path) -> None:
    """The index of a layer."""
    from imagebuild.layer import Index

    with blob.open("rb", buffering=0) as stream:
        Index.build(stream, blob.with_suffix(".idx"))


def warm(blob: Path) -> None:
    """Open the index and look one file up."""
    started = time.perf_counter()
    from imagebuild.layer import Index

    imported = time.perf_counter()
    with Index.open(blob.with_suffix(".idx")) as index:
        index.get("files/APP/folder1")
    done = time.perf_counter()
    print(f"import {(imported - started) * 1e3:.1f} ms, open and look up {(done - imported) * 1e3:.2f} ms")


def step(*arguments: str) -> None:
    """One step in its own process, measured."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, __file__, "--step", *arguments], stdout=subprocess.PIPE, text=True)
    text = process.communicate()[0].strip()
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    name = " ".join(Path(argument).name for argument in arguments)
    print(f"{name:34} {wall:6.2f} s  {cpu:6.2f} cpu  {text}", flush=True)


def main() -> None:
    """Run all steps, or with ``--step`` one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "bench-layer")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--step", nargs="+")
    options = parser.parse_args()
    if options.step:
        verb, *rest = options.step
        {"write": lambda: write(Path(rest[0]), Path(rest[1]), rest[2]), "read": lambda: read(Path(rest[0])),
         "inflate": lambda: inflate(Path(rest[0])), "index": lambda: index(Path(rest[0])),
         "warm": lambda: warm(Path(rest[0]))}[verb]()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f" peak {peak / 1024:.0f} MB")
        return
    scratch = options.scratch
    make_trees(scratch)
    for _ in range(options.rounds):
        for name in ("large", "many"):
            for compression in ("gzip:1", "zstd:1", "none"):
                step("write", str(scratch / name), str(scratch / f"{name}-{compression[:4]}.layer"), compression)
            blob = str(scratch / f"{name}-gzip.layer")
            for verb in ("inflate", "read", "index", "warm"):
                step(verb, blob)


if __name__ == "__main__":
    main()
