# SPDX-License-Identifier: Apache-2.0
"""A daemon gets only the layers that it lacks, as moby's store takes them; where its store wants all, it gets all."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from support import engines, images

from imagebuild.dockerapi import Client
from imagebuild.errors import DaemonError
from imagebuild.images.copy import copy
from imagebuild.oci import Descriptor, Image
from imagebuild.stores import DaemonStore, LayoutStore
from imagebuild.stores.daemon import daemon
from imagebuild.stores.daemon.layers import archive_without, layers_there

FIRST, SECOND = "docker.io/library/first:1", "docker.io/library/second:1"


class Answers:
    """A client whose daemon has images with these layers, and says this of its store."""

    def __init__(self, *layers: list[str], status: Any = None) -> None:
        self.layers, self.status = layers, status

    def json(self, method: str, path: str) -> Any:
        if path == "/info":
            return {"DriverStatus": self.status}
        if path == "/images/json":
            return [{"Id": str(at)} for at in range(len(self.layers))]
        return {"RootFS": {"Type": "layers", "Layers": self.layers[int(path.split("/")[2])]}}


def there(*layers: list[str], status: Any = None) -> int:
    return layers_there(cast(Client, Answers(*layers, status=status)), ["a", "b", "c"])


def test_layers_count_from_the_lowest_on_in_any_image() -> None:
    assert there() == 0
    assert there(["a"], ["a", "b", "x"], ["b", "c"]) == 2
    assert there(["a", "b", "c", "d"]) == 3
    assert there(["b"], []) == 0


def test_a_containerd_store_and_answers_that_make_no_sense_mean_all() -> None:
    status = [["driver-type", "io.containerd.snapshotter.v1"]]
    assert there(["a"], status=status) == 0
    assert there(["a"], status=[["Windows", ""]]) == 1
    assert there(cast(Any, 3)) == 0
    assert there(status=3) == 0


def test_an_archive_without_members_is_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, size in (("one", 700), ("two", 1024), ("three", 1)):
            info = tarfile.TarInfo(name)
            info.size = size
            tar.addfile(info, io.BytesIO(name[:1].encode() * size))
    with tarfile.open(path) as tar:
        places = [(one.offset_data, one.size) for one in tar.getmembers() if one.name in ("one", "two")]
    data = b"".join(archive_without(path, places))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == ["three"]
    assert b"".join(archive_without(path, [])) == path.read_bytes()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The archives that are sent."""
    heard, real = list[bytes](), daemon.load

    def load(client: Client, archive: Any, *, what: str) -> list[str]:
        heard.append(archive.read() if hasattr(archive, "read") else b"".join(archive))
        return real(client, io.BytesIO(heard[-1]), what=what)

    monkeypatch.setattr(daemon, "load", load)
    return heard


@pytest.fixture
def made(tmp_path: Path) -> Iterator[tuple[LayoutStore, dict[str, tuple[Image, Descriptor]]]]:
    """Two images; the lower layer, which is large, is of both."""
    with LayoutStore(tmp_path / "store", create=True) as store:
        large = (*images.BASE, images.file("Files/data/random.bin", os.urandom(300_000)))
        below, above = images.layer(store, large, base=True), images.layer(store, images.UPPER)
        yield store, {FIRST: images.image(store, FIRST, below), SECOND: images.image(store, SECOND, below, above)}


def test_an_engine_gets_the_layers_that_it_lacks(
        tmp_path: Path, sent: list[bytes], made: tuple[LayoutStore, dict[str, tuple[Image, Descriptor]]]) -> None:
    store, both = made
    with engines.served(tmp_path / "engine") as served:
        for name, (image, descriptor) in both.items():
            with DaemonStore(Client.at(served.client.host)) as target:
                for _ in copy(store, descriptor, target, tag=name):
                    pass
            found = served.client.json("GET", f"/images/{name.rpartition('/')[2]}/json")
            assert found["RootFS"]["Layers"] == [str(one) for one in image.diff_ids]
        with DaemonStore(Client.at(served.client.host)) as source:
            descriptor = source.resolve(SECOND)
            for layer in both[SECOND][0].layers:
                with source.open_blob(layer) as one, store.open_blob(layer) as other:
                    assert one.read() == other.read()
    assert len(sent) == 2
    assert len(sent[0]) > 300_000 > 60_000 > len(sent[1])


def test_what_takes_no_part_gets_all(tmp_path: Path, sent: list[bytes], monkeypatch: pytest.MonkeyPatch,
                                     made: tuple[LayoutStore, dict[str, tuple[Image, Descriptor]]]) -> None:
    store, both = made
    real = daemon.load

    def load(client: Client, archive: Any, *, what: str) -> list[str]:
        if not hasattr(archive, "read"):
            raise DaemonError(what, why="content digest: not found", status=200)
        return real(client, archive, what=what)

    monkeypatch.setattr(daemon, "load", load)
    with engines.served(tmp_path / "engine") as served:
        for name, (_image, descriptor) in both.items():
            with DaemonStore(Client.at(served.client.host)) as target:
                for _ in copy(store, descriptor, target, tag=name):
                    pass
    assert [len(one) > 300_000 for one in sent] == [True, True]
