# SPDX-License-Identifier: Apache-2.0
"""Layers unpacked into the folders that containers are mounted from, beside bsdtar with the same layers."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest
from support import images
from support.bench import Contender, Report, race

from imagebuild.codec import Compression
from imagebuild.layer import Entry, Kind, LayerWriter

UNPACK = """
import sys
import time
from pathlib import Path
from imagebuild.codec.ahead import ReadAhead
from imagebuild.codec.readers import open_reader
from imagebuild.layer import read
from imagebuild.runtime.snapshots.merged import Merged
from imagebuild.runtime.unpacking.unpack import unpack
with open(sys.argv[1], "rb", buffering=0) as blob, ReadAhead(open_reader(blob)) as ahead:
    unpack(read(ahead), Path(sys.argv[2]), lower=Merged([Path(sys.argv[3])]))
"""
"""One layer, over an empty drive, and nothing else of an engine."""


def layer(tree: Path, blob: Path, compression: str) -> None:
    """The files of a folder as a layer."""
    security = images.file("x")[0].security
    with blob.open("wb", buffering=0) as sink, LayerWriter(sink, Compression.parse(compression)) as writer:
        for folder in ("Files", "Files/app"):
            writer.add(Entry(folder, Kind.DIRECTORY, 0, 0x10, security if "/" in folder else None, images.TIMES))
        for path in sorted(tree.iterdir()):
            writer.add(Entry(f"Files/app/{path.name}", Kind.DIRECTORY, 0, 0x10, security, images.TIMES))
            for file in sorted(path.iterdir()):
                writer.add(Entry(f"Files/app/{path.name}/{file.name}", Kind.FILE, file.stat().st_size, 0x20, security,
                                 images.TIMES), file)
        writer.add(Entry("Hives", Kind.DIRECTORY, 0, 0x10, None, images.TIMES))
        writer.finish()


@pytest.mark.skipif(shutil.which("bsdtar") is None, reason="needs libarchive-tools")
@pytest.mark.parametrize("compression", ["gzip:2", "none"])
@pytest.mark.parametrize(("name", "files"), [("3,000 files, 300 MB", "half_compressible"),
                                             ("100,000 files of 1 KB", "many_small")])
def test_unpacking(tmp_path: Path, request: pytest.FixtureRequest, report: Report, name: str, files: str,
                   compression: str) -> None:
    """A layer, compressed and not; one of many files takes minutes."""
    drive = tmp_path / "drive"
    (drive / "windows").mkdir(parents=True)
    blob = tmp_path / "layer"
    layer(request.getfixturevalue(files), blob, compression)

    def fresh() -> None:
        # Not removed: ext4 looks for a while at every inode that has become free before it takes another one, and files
        # are made at a tenth of the speed.
        for made in ("ours", "theirs"):
            if (tmp_path / made).exists():
                (tmp_path / made).rename(tmp_path / f"{made}-{time.monotonic_ns()}")
        (tmp_path / "theirs").mkdir()

    costs = race([
        Contender("wcow", [sys.executable, "-c", UNPACK, blob, tmp_path / "ours", drive], fresh),
        Contender("bsdtar -x", ["bsdtar", "-xf", blob, "-C", tmp_path / "theirs"], fresh)])
    report.table(f"A layer unpacked: {name}, {compression}", costs, "no slower than bsdtar -x")
