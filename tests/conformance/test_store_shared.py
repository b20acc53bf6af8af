# SPDX-License-Identifier: Apache-2.0
"""Builds, imports, tags, removals and prunes at once on one store: nobody loses anything, and nothing is left over."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import store_worker
from support.workbench import NANOSERVER, Workbench

import imagebuild
from imagebuild.images.housekeeping import prune
from imagebuild.oci import Descriptor, Index, parse
from imagebuild.stores import LayoutStore

pytestmark = pytest.mark.slow

SECONDS = 10


def start(bench: Workbench, job: str, seed: int, seconds: float = SECONDS) -> subprocess.Popen[str]:
    # The library before tests/, which has a folder of the same name.
    places = [Path(imagebuild.__file__).parent.parent, Path(store_worker.__file__).parent.parent]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    return subprocess.Popen([sys.executable, store_worker.__file__, bench.folder, job, str(seed), str(seconds)],
                            env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def verify(bench: Workbench) -> set[str]:
    """Every name leads to an image that is all there and is what its digests say; gives the blobs that are needed."""
    store = LayoutStore(bench.folder / "store")
    for path in (bench.folder / "store").glob("blobs/*/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name, f"{path} is not what its name says"
    needed: set[str] = set()

    def walk(item: Descriptor) -> None:
        needed.add(item.digest)
        document = parse(store.manifest(item), item.media_type)
        if isinstance(document, Index):
            for entry in document.manifests:
                walk(entry)
            return
        for blob in (document.config, *document.layers):
            needed.add(blob.digest)
            with store.open_blob(blob) as stream:
                while stream.read(1 << 20):
                    pass

    for tag in store.tags():
        walk(store.resolve(tag))
    return needed


def prune_all(bench: Workbench) -> None:
    worker = store_worker.Worker(bench.folder, "last")
    with worker.store() as store:
        prune(store, worker.caches(), everything=True)


def check_nothing_left(bench: Workbench, needed: set[str]) -> None:
    root = bench.folder / "store"
    assert {f"sha256:{path.name}" for path in root.glob("blobs/sha256/*")} == needed
    for folder in ("tmp", "trash", "leases"):
        assert [path for path in (root / ".wcow" / folder).rglob("*") if path.is_file()] == []


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    made = Workbench(tmp_path / "bench", offline=True)
    made.base("nanoserver", NANOSERVER)
    return made


def test_all_at_once_ends_with_a_store_that_verifies(bench: Workbench) -> None:
    jobs = ["build", "build", "put", "put", "tidy", "tidy", "prune"]
    running = [start(bench, job, number) for number, job in enumerate(jobs)]
    ended = [process.communicate(timeout=SECONDS * 12) for process in running]
    assert [process.returncode for process in running] == [0] * len(jobs), "\n".join(err for _, err in ended)
    said = "".join(out for out, _ in ended)
    for what in ("built", "put", "tagged", "removed", "pruned", "looked"):
        assert f"'{what}'" in said, said
    needed = verify(bench)
    prune_all(bench)
    assert verify(bench) == needed
    check_nothing_left(bench, needed)


def test_workers_that_are_killed_leave_nothing_that_the_next_prune_does_not_free(bench: Workbench) -> None:
    chance = random.Random(3)
    for turn in range(4):
        running = [start(bench, job, turn, 60) for job in ("build", "put", "tidy", "prune")]
        time.sleep(1.0 + chance.random())
        for process in running:
            process.send_signal(signal.SIGKILL)
        for process in running:
            process.communicate()
        verify(bench)
    needed = verify(bench)
    prune_all(bench)
    assert verify(bench) == needed
    check_nothing_left(bench, needed)
