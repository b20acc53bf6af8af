# SPDX-License-Identifier: Apache-2.0
"""When PATH of a base is asked for, and what is answered."""

from __future__ import annotations

import pytest
from support.builds import NANOSERVER, Bench

from imagebuild.builder.machine_path import asks_for_path, cannot_read, registry_path
from imagebuild.dockerfile import parse
from imagebuild.errors import UnsupportedError
from imagebuild.images.rootfs import IndexCache, Rootfs
from imagebuild.layer import Entry, Kind


@pytest.mark.parametrize(("line", "asks"), [
    ("ENV PATH=x;${PATH}", True), ("ENV X=$path", True), ("LABEL p=${Path:-x}", True), ("ENV PATH=x", False),
    ("ENV X=$PATHEXT", False), ("RUN echo ${PATH}", False), ("CMD $PATH", False)])
def test_the_registry_is_looked_at_only_when_path_is_expanded(line: str, asks: bool) -> None:
    assert asks_for_path(parse(f"FROM a\n{line}\n".encode())) is asks


def rootfs(bench: Bench) -> Rootfs:
    found = bench.shop().library.find(NANOSERVER, bench.build(f"FROM {NANOSERVER}\n").image.config.platform)
    opened = Rootfs(found.image, found.store, IndexCache(bench.folder / "indexes"), name="base")
    list(opened.prepare())
    return opened


def test_the_bases_hive_answers_with_its_variables_expanded(bench: Bench) -> None:
    assert (registry_path(rootfs(bench)) or "").startswith("C:\\Windows\\system32;C:\\Windows;")


def test_a_delta_above_the_base_is_not_read_over(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = rootfs(bench)
    index = opened.union().indexes[0]

    class Upper:
        def get(self, path: str) -> Entry | None:
            return Entry(path, Kind.FILE) if path == "Hives/System_Delta" else None

    union = opened.union()
    monkeypatch.setattr(union, "indexes", (index, Upper()))
    with pytest.raises(UnsupportedError, match=r"\$\{PATH\}"):
        registry_path(opened)
    with pytest.raises(UnsupportedError):
        cannot_read("why")()
