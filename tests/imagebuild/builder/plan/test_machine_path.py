# SPDX-License-Identifier: Apache-2.0
"""When PATH of a base is asked for, and what is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import images
from support.builds import NANOSERVER, Bench
from support.registries import open_rootfs, stand_in

from imagebuild.builder.plan.machine_path import asks_for_path, cannot_read, registry_path
from imagebuild.dockerfile import parse
from imagebuild.errors import UnsupportedError
from imagebuild.hive import Key, Value, write
from imagebuild.images.inspect.rootfs import IndexCache, Rootfs
from imagebuild.oci import append
from imagebuild.stores import MemoryStore


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


def test_deltas_above_the_base_count() -> None:
    store = MemoryStore()
    image = stand_in(store)
    over = Key("ROOT", subkeys=(Key("ControlSet001", subkeys=(Key("Control", subkeys=(Key("Session Manager", subkeys=(
        Key("Environment", (Value.expand_sz("Path", r"%SystemRoot%;C:\more"),), inherit_class=True),)),)),)),))
    content = write(over, layered=True)
    entry, _ = images.hive("System_Delta")
    made = images.layer(store, [images.folder("Files", security=False), images.folder("Hives", security=False),
                                (replace(entry, size=len(content)), content)])
    opened = open_rootfs(append(image, made.descriptor, made.diff_id), store)
    list(opened.prepare())
    assert registry_path(opened) == r"C:\Windows;C:\more"


def test_an_image_without_hives_has_no_path() -> None:
    store = MemoryStore()
    opened = open_rootfs(images.sample(store)[0], store)
    list(opened.prepare())
    assert registry_path(opened) is None


def test_where_nothing_may_be_looked_at_path_is_an_error() -> None:
    with pytest.raises(UnsupportedError, match=r"\$\{PATH\}"):
        cannot_read("why")()
