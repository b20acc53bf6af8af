# SPDX-License-Identifier: Apache-2.0
"""A process that works on a store that others work on, too: ``store_worker.py FOLDER JOB SEED SECONDS``.

It prints what it did and ends with 0, or with a traceback when something happened that its job does not allow: builds
and imports must always come out whole; who tags or removes may be told that another was quicker.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from support import images
from support.workbench import NANOSERVER, Workbench

from imagebuild.builder.cache.cache import read_record
from imagebuild.errors import NotFoundError, StoreError
from imagebuild.images.housekeeping import Caches, prune, remove_images, usage
from imagebuild.images.local import find_local, tag_image
from imagebuild.oci import Image, Index, media
from imagebuild.stores import LayoutStore
from imagebuild.wiring import cache_folders

NAMES = 12


class Worker:
    """One process' work; each turn opens the store anew, as each run of the command does."""

    def __init__(self, folder: Path, seed: str) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.bench = Workbench(folder, offline=True)

    def name(self) -> str:
        return f"app{self.chance.randrange(NAMES)}:1"

    def build(self) -> str:
        """A build of two layers, of which others make the same now and then."""
        tree = {"Dockerfile": f"FROM {NANOSERVER}\nCOPY a C:/\nCOPY b C:/\n",
                "a": str(self.chance.randrange(4)) * 5000, "b": str(self.chance.randrange(1000)) * 500}
        self.bench.build(tree, tag=self.name())
        return "built"

    def put(self) -> str:
        """Layers, a pause, then their image: what a slow build looks like."""
        with self.store() as store:
            first = images.layer(store, images.BASE, base=True)
            made: list[tuple[Image, str]] = []
            for version in ("10.0.20348.1", "10.0.26100.1"):
                text = f"{self.chance.randrange(6)} {version}".encode()
                own = images.layer(store, (images.folder("Files", security=False), images.file("Files/own.txt", text),
                                           images.folder("Hives", security=False)))
                time.sleep(self.chance.random() * 0.2)
                image, _ = images.image(store, None, first, own, os_version=version)
                made.append((image, version))
            index = Index(tuple(image.index_entry() for image, _ in made))
            store.put_manifest(index.to_bytes(), media.OCI_INDEX, tag=f"docker.io/library/{self.name()}")
        return "put"

    def tag(self) -> str:
        with self.store() as store:
            try:
                tag_image(store, find_local(store, self.name()), self.name())
            except NotFoundError:
                return "nothing to tag"
            except StoreError as error:
                if "neither stored nor promised" not in error.why:
                    raise
                return "too late to tag"
        return "tagged"

    def rm(self) -> str:
        with self.store() as store:
            try:
                removed = remove_images(store, [self.name()])
            except NotFoundError:
                return "nothing to remove"
            assert not removed.problem, removed.problem
            return "removed"

    def prune(self) -> str:
        with self.store() as store:
            pruned = prune(store, self.caches(), everything=self.chance.random() < 0.5)
        return "pruned" if pruned.freed.blobs else "nothing to prune"

    def look(self) -> str:
        with self.store() as store:
            facts = usage(store, self.caches())
        assert not facts["problem"], facts["problem"]
        return "looked"

    def store(self) -> LayoutStore:
        return LayoutStore(self.folder / "store", create=True)

    def caches(self) -> Caches:
        folders = cache_folders(self.bench.settings)
        return Caches(folders.indexes, folders.steps, folders.root / "stat", read_record)


JOBS = {"build": (Worker.build,), "put": (Worker.put,), "tidy": (Worker.tag, Worker.rm, Worker.rm, Worker.look),
        "prune": (Worker.prune,)}


def main(folder: str, job: str, seed: str, seconds: str) -> None:
    worker = Worker(Path(folder), f"{job}{seed}")
    end = time.monotonic() + float(seconds)
    done: dict[str, int] = {}
    while time.monotonic() < end:
        what = worker.chance.choice(JOBS[job])(worker)
        done[what] = done.get(what, 0) + 1
        time.sleep(worker.chance.random() * 0.03)
    print(job, done)


if __name__ == "__main__":
    main(*sys.argv[1:])
