# SPDX-License-Identifier: Apache-2.0
"""The registry of an image: base, deltas of the layers, profiles."""

from __future__ import annotations

import pytest
from support import images
from support.registries import open_registry, opened, stand_in

from imagebuild.errors import FormatError, InputError, NotFoundError, UnsupportedError
from imagebuild.events import result_of
from imagebuild.hive import Key, Value, write
from imagebuild.hive.places import HIVES
from imagebuild.hive.tree import TOMBSTONE
from imagebuild.images.hives.read import Registry
from imagebuild.images.put import Layer, put_image
from imagebuild.oci import append
from imagebuild.stores import MemoryStore


def delta(*subkeys: Key) -> bytes:
    return write(Key("ROOT", subkeys=subkeys), layered=True)


def with_hives(store: MemoryStore, *layers: dict[str, bytes], profiles: dict[str, bytes] | None = None) -> Registry:
    """The registry of a stand-in with more layers, each with these deltas; the last one with these files, too."""
    image = stand_in(store)
    for number, deltas in enumerate(layers):
        entries: list[images.Content] = [images.folder("Files", security=False)]
        if profiles and number == len(layers) - 1:
            folders = sorted({"/".join(path.split("/")[:depth]) for path in profiles
                              for depth in range(2, path.count("/") + 1)})
            entries += [images.folder(path) for path in folders]
            entries += [images.file(path, content) for path, content in sorted(profiles.items())]
        entries.append(images.folder("Hives", security=False))
        for name, content in sorted(deltas.items()):
            entry, _ = images.hive(name)
            entries.append((type(entry)(entry.path, entry.kind, len(content), 0x20, None, entry.times), content))
        made: Layer = images.layer(store, entries)
        image = append(image, made.descriptor, made.diff_id)
    put_image(store, image, tag="x")
    return open_registry(image, store)


def test_keys_of_the_base_are_found_by_their_root() -> None:
    registry = with_hives(MemoryStore())
    for path in (r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion", r"hkey_local_machine\software\MICROSOFT",
                 r"HKLM\SYSTEM\CurrentControlSet\Control", r"HKU\.DEFAULT\Environment"):
        key = result_of(registry.find(path))
        assert key is not None, path
    assert result_of(registry.find(r"HKLM\SOFTWARE\Nowhere")) is None
    assert result_of(registry.place(r"HKLM\SYSTEM\CurrentControlSet\Services")).path == r"ControlSet001\Services"
    assert result_of(registry.place(r"HKCC\Software")).path == \
        r"ControlSet001\Hardware Profiles\Current\Software"
    assert result_of(registry.place(r"HKCR\.txt")).hive == HIVES["SOFTWARE"]


def test_deltas_of_all_layers_lie_over_the_base() -> None:
    registry = with_hives(
        MemoryStore(),
        {"Software_Delta": delta(Key("Mine", (Value.sz("v", "one"),))), "System_Delta": delta()}, {},
        {"Software_Delta": delta(Key("Mine", (Value.sz("v", "two"),), inherit_class=True),
                                 Key("Microsoft", semantics=TOMBSTONE))})
    mine = result_of(registry.find(r"HKLM\SOFTWARE\Mine"))
    assert mine is not None and mine.values["v"].text() == "two"
    assert result_of(registry.find(r"HKLM\SOFTWARE\Microsoft")) is None
    assert registry.layers_with(HIVES["SOFTWARE"]) == [1, 3]
    assert registry.layers_with(HIVES["SYSTEM"]) == [1]
    assert registry.layers_with(HIVES["SAM"]) == []
    one = registry.delta(HIVES["SOFTWARE"], 1)
    assert one is not None and one.layered and one["Mine"].values["v"].text() == "one"
    assert registry.delta(HIVES["SOFTWARE"], 2) is None
    base = registry.delta(HIVES["SOFTWARE"], 0)
    assert base is not None and not base.layered and "Microsoft" in base


def test_a_users_hive_is_the_file_of_the_profile_or_of_the_default_one() -> None:
    def hive(text: str) -> bytes:
        return write(Key("ROOT", (Value.sz("whose", text),)))

    profiles = {"Files/Users/Default/NTUSER.DAT": hive("default"), "Files/Users/me/NTUSER.DAT": hive("me"),
                "Files/Users/me/AppData/Local/Microsoft/Windows/UsrClass.dat": hive("classes"),
                "Files/Users/ContainerAdministrator/NTUSER.DAT": hive("admin"),
                "Files/Windows/ServiceProfiles/LocalService/NTUSER.DAT": hive("service")}
    store = MemoryStore()
    registry = with_hives(store, {}, profiles=profiles)

    def whose(path: str, registry: Registry = registry) -> str:
        key = result_of(registry.find(path))
        assert key is not None
        return key.values["whose"].text()

    image = opened(store, "x")
    assert whose("HKCU") == "default", "ContainerUser, as whom the image runs, has no hive yet"
    assert whose("HKCU", open_registry(image, store, user="me")) == "me"
    assert whose(r"HKCU\Software\Classes", open_registry(image, store, user="me")) == "classes"
    assert whose(r"HKU\S-1-5-93-2-1") == "admin", "found by the profile list of the registry"
    assert whose(r"HKU\s-1-5-93-2-2") == "default"
    assert whose(r"HKU\S-1-5-19") == "service"
    with pytest.raises(NotFoundError, match=r"S-1-5-21-1-2-3-500.*no such key"):
        whose(r"HKU\S-1-5-21-1-2-3-500")
    with pytest.raises(NotFoundError, match=r"neither .*UsrClass.dat nor"):
        whose(r"HKU\S-1-5-93-2-1_Classes")


@pytest.mark.parametrize(("path", "error", "said"), [
    ("SOFTWARE\\x", InputError, "does not begin with a root"), ("HKLM", InputError, "is no hive"),
    ("HKU", InputError, "is no hive"), ("HKLM\\NOTHING\\x", InputError, "no hive NOTHING"),
    ("HKLM\\COMPONENTS", UnsupportedError, "no delta for COMPONENTS"), ("HKLM\\DRIVERS", UnsupportedError, "DRIVERS"),
    ("HKLM\\BCD00000000", UnsupportedError, "starting Windows"), ("HKLM\\HARDWARE", UnsupportedError, "made anew"),
    ("HKLM\\DEFAULT", InputError, "no hive DEFAULT"), ("HKU\\me", InputError, "neither .DEFAULT nor the SID"),
    ("HKU\\S-1-5-93-2-1_More", InputError, "neither .DEFAULT nor the SID")])
def test_what_is_no_key_of_an_image_is_refused_by_name(path: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        result_of(with_hives(MemoryStore()).find(path))


def test_an_image_without_hives_says_so() -> None:
    store = MemoryStore()
    image, _ = images.sample(store)
    with pytest.raises(NotFoundError, match="has no Files/Windows/System32/config/SOFTWARE"):
        result_of(open_registry(image, store).find(r"HKLM\SOFTWARE"))


def test_a_damaged_delta_is_named_with_its_layer() -> None:
    registry = with_hives(MemoryStore(), {"Software_Delta": b"no hive at all"})
    with pytest.raises(FormatError, match=r"Hives/Software_Delta of layer 1 of app") as caught:
        result_of(registry.find(r"HKLM\SOFTWARE"))
    assert "wcow lint" in caught.value.hint
