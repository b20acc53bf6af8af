# SPDX-License-Identifier: Apache-2.0
"""Edits of an image's registry: which layers come out, where they stand, and what a container sees then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import images
from support.hives import OTHER
from support.registries import found, open_registry, open_rootfs, opened, stand_in

from imagebuild import lint
from imagebuild.codec import Compression
from imagebuild.errors import InputError, UnsupportedError
from imagebuild.events import Result, Warn, result_of
from imagebuild.hive import Key, Value, read, write
from imagebuild.hive.edits.edit import AddKey, DeleteKey, DeleteValue, Edit, SetValue
from imagebuild.hive.places import HIVES
from imagebuild.images.hives.edit import Deltas, Edited, RegistryEdit, edit_registry
from imagebuild.images.put import put_image
from imagebuild.layer import Kind
from imagebuild.lint.images import image as lint_image
from imagebuild.oci import Image, append
from imagebuild.stores import MemoryStore

EPOCH = 133_485_408_000_000_000
TAG = "docker.io/library/new:1"
SYSTEM = SetValue(r"HKLM\SYSTEM\CurrentControlSet\Services\mine", Value.dword("Start", 4))
SOFTWARE = SetValue(r"HKLM\SOFTWARE\Mine", Value.sz("v", "x"))


def change(store: MemoryStore, tag: str, *edits: Edit, deltas: Deltas = "auto", user: str = "",
           warnings: list[str] | None = None) -> Edited:
    this = found(store, tag)
    request = RegistryEdit(edits=edits, epoch=EPOCH, compression=Compression.parse("gzip:1"), deltas=deltas, user=user)
    edited: Edited | None = None
    for event in edit_registry(this, open_rootfs(this.image, store), request, store, tag=TAG):
        if isinstance(event, Result):
            edited = event.value
        elif isinstance(event, Warn) and warnings is not None:
            warnings.append(event.text)
    assert edited is not None
    assert opened(store, TAG) == edited.image
    return edited


def with_layers(store: MemoryStore, *layers: tuple[str, ...]) -> str:
    """A stand-in with more layers, which have (empty) deltas of these names."""
    image = stand_in(store)
    empty = write(Key("ROOT"), layered=True)
    for number, deltas in enumerate(layers, 1):
        entries = [images.folder("Files", security=False), images.file(f"Files/{number}.txt", b"x"),
                   images.folder("Hives", security=False)]
        entries += [(replace(images.hive(name)[0], size=len(empty)), empty) for name in sorted(deltas)]
        made = images.layer(store, entries)
        image = append(image, made.descriptor, made.diff_id)
    put_image(store, image, tag="docker.io/library/old:1")
    return "docker.io/library/old:1"


def hives_of(image: Image, store: MemoryStore) -> list[list[str]]:
    """Of each layer, what is in its Hives."""
    rootfs = open_rootfs(image, store)
    list(rootfs.prepare())
    return [[entry.path.removeprefix("Hives/").removesuffix("_Delta") for entry in index.children("Hives")]
            for index in rootfs.union().indexes]


def test_a_changed_value_makes_a_layer_with_one_delta_and_a_container_sees_it() -> None:
    store = MemoryStore()
    tag = with_layers(store)
    edited = change(store, tag, SYSTEM)
    assert hives_of(edited.image, store) == [[], ["System"]]
    assert edited.hives == (r"HKEY_LOCAL_MACHINE\SYSTEM",)
    key = result_of(open_registry(edited.image, store).find(r"HKLM\SYSTEM\ControlSet001\Services\mine"))
    assert key is not None and key.values["start"].number() == 4
    assert key.last_write == EPOCH
    step = edited.image.config.history[-1]
    assert (step.created_by, step.created) == ("wcow reg", "2024-01-01T00:00:00Z")
    assert len(edited.image.config.diff_ids) == len(edited.image.layers) == 2


def test_the_layer_has_what_windows_exports_and_nothing_more() -> None:
    store = MemoryStore()
    edited = change(store, with_layers(store), SYSTEM, SOFTWARE)
    rootfs = open_rootfs(edited.image, store)
    list(rootfs.prepare())
    entries = list(rootfs.union().indexes[1].walk())
    assert [entry.path for entry in entries] == ["Files", "Hives", "Hives/Software_Delta", "Hives/System_Delta"]
    assert all(entry.security is None for entry in entries)
    assert {entry.times for entry in entries} == {images.TIMES}
    assert [finding for finding in lint_image(edited.image, store) if finding.severity >= lint.Severity.WARNING] == []


def test_the_same_edits_give_the_same_image() -> None:
    one, two = MemoryStore(), MemoryStore()
    assert change(one, with_layers(one), SYSTEM, SOFTWARE).descriptor == \
        change(two, with_layers(two), SYSTEM, SOFTWARE).descriptor


@pytest.mark.parametrize(("layers", "edits", "after"), [
    # CimFS merges a delta with what the layer directly below left: the new layer stands above the base, or above the
    # topmost layer with such a delta, and has what the layer above it needs.
    ([], (SYSTEM, SOFTWARE), [[], ["Software", "System"]]),
    ([()], (SYSTEM,), [[], ["System"], []]),
    ([(), ()], (SYSTEM,), [[], ["System"], [], []]),
    ([("System",)], (SYSTEM,), [[], ["System"], ["System"]]),
    ([("System",), ()], (SYSTEM,), [[], ["System"], ["System"], []]),
    ([("System",)], (SOFTWARE,), [[], ["Software", "System"], ["System"]]),
    ([("System",)], (SOFTWARE, SYSTEM), [[], ["Software", "System"], ["System"], ["System"]]),
    ([("Sam", "Software", "System"), ("Sam", "Software")], (SYSTEM,),
     [[], ["Sam", "Software", "System"], ["Sam", "Software", "System"], ["Sam", "Software"]]),
])
def test_where_a_layer_stands_and_what_it_brings(layers: list[tuple[str, ...]], edits: tuple[Edit, ...],
                                                 after: list[list[str]]) -> None:
    store = MemoryStore()
    tag = with_layers(store, *(tuple(f"{name}_Delta" for name in names) for names in layers))
    edited = change(store, tag, *edits)
    assert hives_of(edited.image, store) == after
    assert "delta-above-no-delta" not in {finding.rule for finding in lint_image(edited.image, store)}
    registry = open_registry(edited.image, store)
    for edit in edits:
        key = result_of(registry.find(edit.path))
        assert key is not None and len(key.values) == 1
    assert [step.created_by for step in edited.image.config.history if not step.created_by.startswith("wcow base")] == \
        ["wcow reg"] * (len(after) - len(layers) - 1)


def test_all_gives_a_layer_all_five_deltas_where_the_layer_below_lets_it() -> None:
    store = MemoryStore()
    edited = change(store, with_layers(store), SYSTEM, deltas="all")
    assert hives_of(edited.image, store)[1] == ["DefaultUser", "Sam", "Security", "Software", "System"]
    again = change(store, TAG, SOFTWARE, deltas="all")
    assert hives_of(again.image, store)[2] == ["DefaultUser", "Sam", "Security", "Software", "System"]
    warnings: list[str] = []
    partly = change(store, with_layers(store, ("System_Delta",)), SYSTEM, deltas="all", warnings=warnings)
    assert hives_of(partly.image, store)[2] == ["System"]
    assert "the layer below it has no DefaultUser_Delta, Sam_Delta" in " ".join(warnings)


def test_an_empty_delta_hides_nothing_of_what_is_below_it() -> None:
    store = MemoryStore()
    image = stand_in(store)
    below = write(Key("ROOT", security=OTHER, last_write=5), layered=True)
    made = images.layer(store, [images.folder("Files", security=False), images.folder("Hives", security=False), *(
        (replace(images.hive(hive.delta())[0], size=len(below)), below)
        for hive in sorted(HIVES.values(), key=lambda hive: hive.delta()))])
    put_image(store, append(image, made.descriptor, made.diff_id), tag="docker.io/library/old:1")
    edited = change(store, "docker.io/library/old:1", SYSTEM, deltas="all")
    registry = open_registry(edited.image, store)
    for hive in HIVES.values():
        before = result_of(open_registry(opened(store, "docker.io/library/old:1"), store).root(hive))
        assert result_of(registry.root(hive)).security == before.security == OTHER
        delta = registry.delta(hive, 2)
        assert delta is not None and delta.root.security == OTHER


def test_edits_that_come_to_nothing_leave_the_image_as_it_is() -> None:
    store = MemoryStore()
    tag = with_layers(store)
    edited = change(store, tag, DeleteKey(r"HKLM\SOFTWARE\Nowhere"), AddKey(r"HKLM\SOFTWARE\Microsoft"),
                    DeleteValue(r"HKLM\SOFTWARE", "x"), AddKey(r"HKLM\SYSTEM"))
    assert edited.hives == ()
    assert edited.descriptor == store.resolve(tag)


def test_a_deleted_key_is_gone_and_may_come_back() -> None:
    store = MemoryStore()
    change(store, with_layers(store), DeleteKey(r"HKLM\SOFTWARE\Microsoft\Windows NT"))
    registry = open_registry(opened(store, TAG), store)
    assert result_of(registry.find(r"HKLM\SOFTWARE\Microsoft\Windows NT")) is None
    edited = change(store, TAG, SetValue(r"HKLM\SOFTWARE\Microsoft\Windows NT", Value.sz("back", "")))
    key = result_of(open_registry(edited.image, store).find(r"HKLM\SOFTWARE\Microsoft\Windows NT"))
    assert key is not None and [value.name for value in key.values] == ["back"] and not key.subkeys


def test_a_users_hive_is_written_whole_on_top_with_the_folders_on_its_way() -> None:
    store = MemoryStore()
    stand_in(store)
    default = write(Key("ROOT", (Value.sz("from", "default"),)))
    made = images.layer(store, [images.folder("Files", security=False), images.folder("Files/Users"),
                                images.folder("Files/Users/Default"),
                                images.file("Files/Users/Default/NTUSER.DAT", default, attributes=0x26),
                                images.folder("Hives", security=False)])
    image = append(opened(store, "docker.io/library/nano:1"), made.descriptor, made.diff_id)
    put_image(store, image, tag="docker.io/library/old:1")
    edited = change(store, "docker.io/library/old:1", SetValue(r"HKCU\Environment", Value.sz("A", "1")), SYSTEM)
    assert hives_of(edited.image, store) == [[], ["System"], [], []]
    assert edited.hives == ("HKEY_CURRENT_USER", r"HKEY_LOCAL_MACHINE\SYSTEM")
    rootfs = open_rootfs(edited.image, store)
    list(rootfs.prepare())
    index = rootfs.union().indexes[3]
    assert [entry.path for entry in index.walk()] == [
        "Files", "Files/Users", "Files/Users/ContainerUser", "Files/Users/ContainerUser/NTUSER.DAT", "Hives"]
    file, folder = index.get("Files/Users/ContainerUser/NTUSER.DAT"), index.get("Files/Users/ContainerUser")
    assert file is not None and folder is not None
    assert (file.kind, file.attributes) == (Kind.FILE, 0x26), "as the default profile's has it"
    assert file.security is not None and folder.security is not None
    local = result_of(rootfs.fetch((file.path,)))[file.path].read_bytes()
    hive = read(local)
    assert hive.root.values["from"].text() == "default"
    assert hive["Environment"].values["A"].text() == "1"
    assert not hive.layered
    assert [finding for finding in lint_image(edited.image, store) if finding.severity is lint.Severity.ERROR] == []
    again = change(store, TAG, SetValue(r"HKCU\Environment", Value.sz("B", "2")))
    key = result_of(open_registry(again.image, store).find(r"HKCU\Environment"))
    assert key is not None and {value.name for value in key.values} == {"A", "B"}


@pytest.mark.parametrize(("edit", "error", "said"), [
    (DeleteKey(r"HKLM\SOFTWARE"), InputError, "root of a hive"), (DeleteKey("HKCU"), InputError, "root of a hive"),
    (AddKey(r"HKLM\COMPONENTS\x"), UnsupportedError, "no delta"), (AddKey("HKLM"), InputError, "is no hive"),
    (AddKey("HKLM\\SOFTWARE\\" + "x" * 256), InputError, "255 are allowed")])
def test_what_cannot_be_done_is_refused_and_nothing_is_named(edit: Edit, error: type[Exception], said: str) -> None:
    store = MemoryStore()
    tag = with_layers(store)
    before = set(store.tags())
    with pytest.raises(error, match=said):
        change(store, tag, SOFTWARE, edit)
    assert set(store.tags()) == before


def test_hives_have_one_delta_each() -> None:
    assert {hive.delta() for hive in HIVES.values()} == {
        "DefaultUser_Delta", "Sam_Delta", "Security_Delta", "Software_Delta", "System_Delta"}


def test_what_is_written_is_examined_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own writer would stop it: here, a delta that nobody would take for one."""
    store = MemoryStore()
    tag = with_layers(store)
    monkeypatch.setattr("imagebuild.images.hives.edit._delta_bytes", lambda delta, hive, epoch: write(
        Key("ROOT", (), [Key("k", [Value.dword("v", 1)], semantics=1)]), layered=True))
    with pytest.raises(InputError, match="would not import") as caught:
        change(store, tag, SYSTEM)
    assert "delta-tombstone: Hives/System_Delta: k: a deleted key has" in caught.value.why
