# SPDX-License-Identifier: Apache-2.0
"""The images on disk: what survives, who may write meanwhile, what is freed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engine_images import owner, put

from imagebuild.engine.images.layers import chain_ids
from imagebuild.engine.images.store import Shelf, _facts
from imagebuild.oci import Digest, Reference

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), lambda inner: st.lists(
    inner, max_size=3) | st.dictionaries(st.sampled_from(["images", "layers", "parent", "x"]), inner, max_size=3))


@given(JSON)
def test_facts_of_any_form_are_read_as_far_as_they_are_ours(document: object) -> None:
    found = _facts(document)
    assert set(found) == {"images", "layers"}
    assert all(isinstance(size, int) for size in found["layers"].values())
    assert _facts(json.loads(json.dumps(found))) == found


def test_without_its_facts_the_images_are_still_there(tmp_path: Path) -> None:
    engine = owner(tmp_path / "root")
    identifier = put(engine, "app:1")
    (tmp_path / "root" / "images.json").write_text("{")
    again = Shelf(tmp_path / "root")
    kept = again.by_name(Reference.parse("app:1"))
    assert kept is not None
    assert kept.id == identifier


def test_a_second_engine_sees_what_the_first_does(tmp_path: Path) -> None:
    engine, other = owner(tmp_path / "root"), Shelf(tmp_path / "root")
    put(engine, "app:1")
    assert other.by_name(Reference.parse("app:1")) is not None
    engine.images.shelf.remove(engine.images.get("app:1"))
    assert other.all() == {}


def test_an_image_whose_documents_are_damaged_does_not_hide_the_others(tmp_path: Path) -> None:
    engine = owner(tmp_path / "root")
    put(engine, "app:1")
    good = put(engine, "other:1", created="2025-01-01T00:00:00Z")
    config = engine.images.get("app:1").image.manifest.config
    (engine.images.shelf.path / "blobs" / "sha256" / config.digest.hex).write_bytes(b"{}")
    assert [str(identifier) for identifier in Shelf(tmp_path / "root").all()] == [good]


def test_the_beginning_of_two_ids_is_none(tmp_path: Path) -> None:
    engine = owner(tmp_path / "root")
    first, second = put(engine, "a:1"), put(engine, "b:1", created="2025-01-01T00:00:00Z")
    shared = first[:next(at for at in range(80) if first[at] != second[at])]
    assert engine.images.shelf.by_prefix(shared) is None
    assert engine.images.shelf.by_prefix("") is None
    found = engine.images.shelf.by_prefix(first[:len(shared) + 1])
    assert found is not None
    assert found.id == first


def test_a_layer_with_all_below_it_has_one_name() -> None:
    one, two = Digest.of(b"1"), Digest.of(b"2")
    assert chain_ids([one, two]) == [one, Digest.of(f"{one} {two}".encode())]
    assert chain_ids([]) == []
    assert chain_ids([two, one])[1] != chain_ids([one, two])[1]


CHILD = """
import itertools, sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {root!r}]
from support.engine_images import owner, put
from imagebuild.engine.images.remove import remove, tag
from imagebuild.oci import Reference
engine = owner(Path({folder!r}) / "root")
print("go", flush=True)
for number in itertools.count():
    put(engine, "busy:1", created="2025-01-01T00:00:%02dZ" % (number % 60))
    tag(engine.images, "busy:1", Reference.parse("busy:2"))
    remove(engine.images, "busy:2"); remove(engine.images, "busy:1")
"""


@pytest.mark.parametrize("delay", [0.03, 0.15])
def test_a_killed_engine_loses_no_image(tmp_path: Path, delay: float) -> None:
    engine = owner(tmp_path / "root")
    identifier = put(engine, "app:1")
    here = Path(__file__).parent
    child = subprocess.Popen([sys.executable, "-c", CHILD.format(
        tests=str(here.parents[1]), root=str(here.parents[2]), folder=str(tmp_path))], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(delay)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    again = owner(tmp_path / "root")
    assert str(again.images.get("app:1").id) == identifier
    for kept in again.images.shelf.all().values():
        for blob in (*kept.image.layers, kept.image.manifest.config):
            with again.images.shelf.store.open_blob(blob) as stream:
                while stream.read(1 << 16):
                    pass
    put(again, "new:1")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["put", "tag", "untag", "remove"]), st.integers(0, 2), st.integers(0, 2)),
                max_size=8))
def test_names_go_where_they_are_put_whatever_the_order(tmp_path_factory: pytest.TempPathFactory,
                                                        acts: list[tuple[str, int, int]]) -> None:
    engine = owner(tmp_path_factory.mktemp("shelf") / "root")
    model: dict[str, set[str]] = {}
    for act, number, label in acts:
        name = f"n:{label}"
        if act == "put":
            identifier = put(engine, name, created=f"202{number}-01-01T00:00:00Z")
            for names in model.values():
                names.discard(name)
            model.setdefault(identifier, set()).add(name)
        elif len(model) > number:
            identifier = sorted(model)[number]
            kept = engine.images.shelf.all()[Digest(identifier)]
            if act == "remove":
                engine.images.shelf.remove(kept)
                del model[identifier]
            elif act == "untag" and name in model[identifier]:
                engine.images.shelf.untag(kept, Reference.parse(name))
                model[identifier].discard(name)
            elif act == "tag":
                with engine.images.shelf.writing() as store:
                    engine.images.shelf.keep(store, kept.descriptor, [Reference.parse(name)])
                for names in model.values():
                    names.discard(name)
                model[identifier].add(name)
        found = {str(kept.id): {one.familiar for one in kept.tags} for kept in engine.images.shelf.all().values()}
        assert found == model
