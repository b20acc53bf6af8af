# SPDX-License-Identifier: Apache-2.0
"""Images made ready to run: folders over a drive, a registry over another, and what is left when an image goes."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from support import images
from support.engine_images import GROUND_FILES as ROOTS
from support.engine_images import Owner, ground, owner, put

from imagebuild.dockerapi import faults
from imagebuild.engine.images import unpack as image_unpack
from imagebuild.engine.images.remove import remove
from imagebuild.hive import Key, Value
from imagebuild.hive.edits.change import Change
from imagebuild.hive.edits.edit import SetValue
from imagebuild.hive.tree import find
from imagebuild.images.put import put_image
from imagebuild.oci import with_config
from imagebuild.runtime.registry.winereg import parse


@pytest.fixture
def engine(tmp_path: Path) -> Owner:
    made, place = owner(tmp_path / "root"), ground(tmp_path)  # made once: it must not be written while it is read
    made.images.ground = lambda: place
    return made


def test_an_image_becomes_a_folder_for_each_layer_lowest_first(engine: Owner) -> None:
    made = engine.images.unpack(put(engine, "app:1"))
    assert len(made.layers) == 2
    assert (made.layers[0] / "app" / "readme.txt").read_text() == "below\n"
    assert (made.layers[1] / "app" / "readme.txt").read_text() == "hello\n"
    assert made.registry is not None
    assert sorted(path.name for path in made.registry.iterdir()) == ["layers.json", *sorted(ROOTS)]


def test_names_are_written_as_the_ground_spells_them(engine: Owner) -> None:
    entries = (images.folder("Files", security=False), images.folder("Files/Windows"),
               images.file("Files/Windows/mine.txt", b"x"), images.folder("Hives", security=False))
    made = engine.images.unpack(put(engine, "app:1", layers=entries))
    assert (made.layers[1] / "windows" / "mine.txt").exists()


def test_unpacking_again_makes_nothing_anew(engine: Owner) -> None:
    identifier = put(engine, "app:1")
    before = engine.images.unpack(identifier)
    inodes = [path.stat().st_ino for path in before.layers]
    assert engine.images.unpack(identifier) == before
    assert [path.stat().st_ino for path in before.layers] == inodes


def test_what_is_missing_of_it_is_made_again(engine: Owner) -> None:
    identifier = put(engine, "app:1")
    made = engine.images.unpack(identifier)
    made.layers[1].rename(made.layers[1].with_name("elsewhere"))
    assert engine.images.unpack(identifier) == made
    assert made.layers[1].is_dir()


def test_a_layer_of_two_images_is_one_folder_and_stays_while_one_has_it(engine: Owner) -> None:
    first = engine.images.unpack(put(engine, "app:1"))
    other = (images.folder("Files", security=False), images.file("Files/new.txt", b"n"),
             images.folder("Hives", security=False))
    second = engine.images.unpack(put(engine, "new:1", layers=other))
    assert first.layers[0] == second.layers[0]
    remove(engine.images, "app:1")
    assert [path.is_dir() for path in (*second.layers, first.layers[1])] == [True, True, False]
    assert first.registry is not None and not first.registry.exists()


def test_what_a_container_stands_on_stays_when_its_image_is_forced_away(engine: Owner) -> None:
    identifier = put(engine, "app:1")
    made = engine.images.unpack(identifier)
    engine.images.use(identifier, "c1")
    remove(engine.images, "app:1", force=True)
    assert engine.images.unpack(identifier) == made
    engine.images.release("c1")
    engine.images.clear_unpacked()
    assert not any(path.exists() for path in made.layers)
    with pytest.raises(faults.NotFound):
        engine.images.unpack(identifier)


def test_the_registry_of_the_layers_lies_over_wines(engine: Owner) -> None:
    base = Key("ROOT", subkeys=(Key("Base", (Value.sz("v", "base"),)),))
    change = Change(base, timestamp=1)
    change.apply(SetValue("Acme", Value.sz("v", "mine")))
    delta = change.delta()
    with engine.images.shelf.writing() as store:
        below = images.layer(store, (*images.BASE, images.folder("Files/Windows"), images.folder(
            "Files/Windows/System32"), images.folder("Files/Windows/System32/config"), images.hive_file(
            "Files/Windows/System32/config/SOFTWARE", base)), base=True)
        above = images.layer(store, (images.folder("Files", security=False), images.folder("Hives", security=False),
                                     images.hive_file("Hives/Software_Delta", delta)))
        _, descriptor = images.image(store, None, below, above)
        identifier = str(engine.images.shelf.keep(store, descriptor).id)
    made = engine.images.unpack(identifier)
    assert made.registry is not None
    root = parse((made.registry / "system.reg").read_bytes()).root
    key = find(root, r"Software\Acme")
    assert key is not None and key.values.get("v") is not None
    assert find(root, r"Software\Base") is None  # of the OS only what programs ask for
    assert not [path.name for path in made.layers[0].iterdir() if path.name.lower() == "windows"]
    assert (made.layers[0] / "app" / "readme.txt").exists()


def test_local_accounts_are_those_of_the_sam_and_looked_for_again_where_an_engine_of_before_did_not(
        engine: Owner) -> None:
    def sam(*names: str) -> Key:
        keys = Key("Names", subkeys=tuple(Key(name) for name in names))
        for name in ("Users", "Account", "Domains", "SAM"):
            keys = Key(name, subkeys=(keys,))
        return Key("ROOT", subkeys=(keys,))

    with engine.images.shelf.writing() as store:
        below = images.layer(store, (*images.BASE, images.folder("Files/Windows"), images.folder(
            "Files/Windows/System32"), images.folder("Files/Windows/System32/config"), images.hive_file(
            "Files/Windows/System32/config/SAM", sam("Guest"))), base=True)
        above = images.layer(store, (images.folder("Files", security=False), images.folder("Hives", security=False),
                                     images.hive_file("Hives/Sam_Delta", sam("app"))))
        _, descriptor = images.image(store, None, below, above)
        identifier = str(engine.images.shelf.keep(store, descriptor).id)
    made = engine.images.unpack(identifier)
    assert sorted(made.accounts) == ["Guest", "app"]
    assert engine.images.unpack(identifier) == made
    assert made.registry is not None
    document = made.registry / "layers.json"
    document.write_text(document.read_text().replace('"accounts"', '"before"'))
    assert engine.images.unpack(identifier) == made


def test_what_an_older_engine_made_is_made_anew(engine: Owner) -> None:
    identifier = put(engine, "app:1")
    made = engine.images.unpack(identifier)
    assert made.registry is not None
    whole = (made.registry / "system.reg").read_bytes()
    document = made.registry / "layers.json"
    document.write_text(document.read_text().replace(f'"form": {image_unpack.FORM}', '"form": 1'))
    (made.registry / "system.reg").write_bytes(b"of before")
    assert engine.images.unpack(identifier) == made
    assert (made.registry / "system.reg").read_bytes() == whole


def test_images_that_differ_in_their_settings_alone_are_merged_once(
        engine: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    merged: list[object] = []
    merge = image_unpack.merge
    monkeypatch.setattr(image_unpack, "merge", lambda *args: merged.append(1) or merge(*args))
    with engine.images.shelf.writing() as store:
        below, above = images.layer(store, images.BASE, base=True), images.layer(store, (
            images.folder("Files", security=False), images.folder("Hives", security=False)))
        descriptors = [images.image(store, None, *layers, created=f"2024-01-0{day}T00:00:00Z")[1]
                       for day, layers in enumerate(((below,), (below, above), (below, above)), 1)]
        kept = [engine.images.shelf.keep(store, one).id for one in descriptors]
    made = [engine.images.unpack(str(one)) for one in kept]
    assert len({one.registry for one in made}) == 3
    assert len(merged) == 1, "layers without registry do not count"
    texts = {(one.registry / "system.reg").read_bytes() for one in made if one.registry is not None}
    assert len(texts) == 1


def test_images_that_differ_in_a_delta_or_in_their_account_have_registries_of_their_own(engine: Owner) -> None:
    value = Key("ROOT", subkeys=(Key("Mine", (Value.sz("x", "y"),)),))
    with engine.images.shelf.writing() as store:
        below = images.layer(store, images.BASE, base=True)
        delta = images.layer(store, (images.folder("Files", security=False), images.folder("Hives", security=False),
                                     images.hive_file("Hives/Software_Delta", value)))
        profile = images.layer(store, (
            images.folder("Files", security=False), images.folder("Files/Users"),
            images.folder("Files/Users/ContainerUser"),
            images.hive_file("Files/Users/ContainerUser/NTUSER.DAT", value), images.folder("Hives", security=False)))
        made = [images.image(store, None, *layers)[0] for layers in ((below,), (below, delta), (below, profile))]
        made.append(with_config(made[2], run=replace(made[2].config.run, user="ContainerUser")))
        kept = [engine.images.shelf.keep(store, put_image(store, one)).id for one in made]
    places = [engine.images.unpack(str(one)).registry for one in kept]
    found = [[b"Mine" in (place / name).read_bytes() for name in ("system.reg", "user.reg")]
             for place in places if place is not None]
    assert found == [[False, False], [True, False], [False, False], [False, True]]


def test_a_damaged_layer_is_named_and_leaves_no_folder(engine: Owner) -> None:
    identifier = put(engine, "app:1")
    layer = engine.images.get(identifier).image.layers[1]
    path = engine.images.shelf.path / "blobs" / "sha256" / layer.digest.hex
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(faults.Internal, match="damaged"):
        engine.images.unpack(identifier)
    folder = engine.settings.root / "layers"
    assert len(list(folder.iterdir()) if folder.exists() else []) <= 1


def test_a_full_disk_is_said_with_the_layer_and_leaves_nothing(engine: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    identifier = put(engine, "app:1")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(image_unpack, "unpack", full)
        with pytest.raises(faults.Internal, match=r"cannot unpack layer sha256:\w+ of image .*: No space left on"):
            engine.images.unpack(identifier)
    assert len(engine.images.unpack(identifier).layers) == 2


def test_ten_at_once_make_it_once(engine: Owner) -> None:
    identifier, found = put(engine, "app:1"), []
    threads = [threading.Thread(target=lambda: found.append(engine.images.unpack(identifier))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 10
    assert len(set(found)) == 1


CHILD = """
import sys; from pathlib import Path
sys.path[:0] = [{tests!r}, {root!r}]
from support.engine_images import ground, owner
engine = owner(Path({folder!r}) / "root"); below = ground(Path({folder!r})); engine.images.ground = lambda: below
print("go", flush=True)
engine.images.unpack({identifier!r})
"""


def test_a_process_that_is_killed_in_the_middle_is_cleaned_up_after(engine: Owner, tmp_path: Path) -> None:
    identifier = put(engine, "app:1")
    here = Path(__file__).parent
    code = CHILD.format(tests=str(here.parents[1]), root=str(here.parents[2]), folder=str(tmp_path),
                        identifier=identifier)
    for delay in (0.0, 0.02):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        threading.Event().wait(delay)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
    made = engine.images.unpack(identifier)
    assert (made.layers[1] / "app" / "readme.txt").read_text() == "hello\n"
    engine.images.clear_unpacked()
    assert all(not path.name.startswith(".") for path in (engine.settings.root / "layers").iterdir())


def test_without_a_sandbox_nothing_can_be_made_ready(tmp_path: Path) -> None:
    engine = owner(tmp_path / "root")
    with pytest.raises(faults.Internal):
        engine.images.unpack(put(engine, "app:1"))


def test_the_stand_in_for_powershell_lies_over_the_layers_of_a_windows_that_has_it(engine: Owner,
                                                                                    tmp_path: Path) -> None:
    layer = tmp_path / "powershell"
    engine.images.powershell = lambda: layer
    plain = put(engine, "app:1")
    core = put(engine, "core:1", stand_in="mcr.microsoft.com/windows/servercore")
    nano = put(engine, "nano:1", stand_in="mcr.microsoft.com/windows/nanoserver")
    assert layer not in engine.images.unpack(plain).layers and layer not in engine.images.unpack(nano).layers
    made = engine.images.unpack(core)
    assert made.powershell and made.layers[made.windows] == layer and len(made.layers) == 3
    again = engine.images.unpack(core)
    assert again == made, "what was found out is read again from the disk"
    engine.images.powershell = None
    assert layer not in engine.images.unpack(core).layers
