# SPDX-License-Identifier: Apache-2.0
"""OCI layouts: shared by processes, whole after trouble, read by skopeo."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support import plain_images as images
from support import programs

import imagebuild
from imagebuild.errors import FormatError, IntegrityError, NotFoundError, StoreError
from imagebuild.oci import Descriptor, Digest, Location, Manifest, media
from imagebuild.stores import LayoutStore, MemoryStore, copy_blob, put_bytes
from imagebuild.stores.layout import files

LAYER = images.layer_tar()


def everything(root: Path) -> set[str]:
    """Every file below a folder."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def described(data: bytes) -> Descriptor:
    return Descriptor("application/x-data", Digest.of(data), len(data))


# --- what a layout is -------------------------------------------------------------------------------------------------

def test_a_new_layout_is_what_the_specification_says(tmp_path: Path) -> None:
    LayoutStore(tmp_path / "new" / "layout", create=True)
    root = tmp_path / "new" / "layout"
    assert json.loads((root / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    assert json.loads((root / "index.json").read_bytes()) == {
        "schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": []}
    assert (root / "blobs" / "sha256").is_dir()


def test_opening_what_is_no_layout_is_not_found(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(NotFoundError, match="no OCI layout"):
            LayoutStore(path)


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match=r"letter\.txt"):
        LayoutStore(tmp_path, create=True)
    assert everything(tmp_path) == {"letter.txt"}


@pytest.mark.parametrize("text", ["", "{}", '{"imageLayoutVersion":"2.0.0"}', "[]"])
def test_a_layout_of_another_version_is_refused(tmp_path: Path, text: str) -> None:
    LayoutStore(tmp_path, create=True)
    (tmp_path / "oci-layout").write_text(text)
    with pytest.raises(FormatError):
        LayoutStore(tmp_path)


# --- names ------------------------------------------------------------------------------------------------------------

def test_full_names_are_kept_for_skopeo_and_for_containerd(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path, create=True)
    images.store(store, images.sample(LAYER), LAYER, tag="docker.io/library/app:1")
    entry, = json.loads((tmp_path / "index.json").read_bytes())["manifests"]
    assert entry["annotations"] == {"io.containerd.image.name": "docker.io/library/app:1",
                                    "org.opencontainers.image.ref.name": "docker.io/library/app:1"}
    assert store.resolve("app:1") == store.resolve("docker.io/library/app:1") == store.resolve("")


def test_the_only_image_needs_no_name_but_one_of_two_does(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path, create=True)
    with pytest.raises(NotFoundError):
        store.resolve("")
    images.store(store, images.sample(LAYER), LAYER, tag="")
    assert store.resolve("").digest == images.sample(LAYER).descriptor().digest
    assert store.tags() == []
    images.store(store, images.sample(b"other"), b"other", tag="other")
    with pytest.raises(NotFoundError, match="several"):
        store.resolve("")


def test_an_image_put_twice_without_a_name_is_listed_once(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path, create=True)
    for _ in range(2):
        images.store(store, images.sample(LAYER), LAYER, tag="")
    assert len(json.loads((tmp_path / "index.json").read_bytes())["manifests"]) == 1


def test_what_others_wrote_into_the_index_stays(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path, create=True)
    index = json.loads((tmp_path / "index.json").read_bytes())
    index["annotations"] = {"theirs": "x"}
    index["later"] = {"y": 1.0}
    (tmp_path / "index.json").write_text(json.dumps(index))
    images.store(store, images.sample(LAYER), LAYER, tag="1")
    after = json.loads((tmp_path / "index.json").read_bytes())
    assert (after["annotations"], after["later"]) == ({"theirs": "x"}, {"y": 1.0})


# --- trouble ----------------------------------------------------------------------------------------------------------

def test_a_full_disk_leaves_no_blob_no_tag_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LayoutStore(tmp_path, create=True)
    images.store(store, images.sample(LAYER), LAYER, tag="1")
    before = everything(tmp_path)
    room = [1000]

    def write(fd: int, data: Any) -> int:
        if room[0] < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room[0] -= len(data)
        return len(data)

    monkeypatch.setattr(files.os, "write", write)
    with pytest.raises(StoreError, match="No space left") as caught, store.new_blob() as blob:
        for _ in range(100):
            blob.write(b"x" * 300)
    assert "nothing half-written" in caught.value.hint
    room[0] = 0
    with pytest.raises(StoreError, match="No space left"):
        store.put_manifest(images.sample(LAYER).manifest_bytes(), media.OCI_MANIFEST, tag="2")
    monkeypatch.undo()
    assert everything(tmp_path) == before
    assert store.tags() == ["1"]


def test_no_space_for_the_index_alone_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LayoutStore(tmp_path, create=True)
    images.store(store, images.sample(LAYER), LAYER, tag="1")
    old = (tmp_path / "index.json").read_bytes()

    def replace(self: Path, target: Path) -> Path:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(files.Path, "replace", replace)
    with pytest.raises(StoreError):
        store.untag("1")
    monkeypatch.undo()
    assert (tmp_path / "index.json").read_bytes() == old
    assert list((tmp_path / ".wcow" / "tmp").iterdir()) == []


def test_a_process_killed_while_writing_leaves_a_store_that_works(tmp_path: Path) -> None:
    LayoutStore(tmp_path, create=True)
    program = (
        "import os, sys\nfrom imagebuild.stores import LayoutStore\n"
        "blob = LayoutStore(sys.argv[1]).new_blob()\nblob.write(b'half')\nprint('ready', flush=True)\n"
        "os.kill(os.getpid(), 9)\n")
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, timeout=60)
    store = LayoutStore(tmp_path, create=True)
    assert not store.has_blob(described(b"half"))
    draft, = (tmp_path / ".wcow" / "tmp").iterdir()
    old = time.time() - files.STALE_SECONDS - 60
    os.utime(draft, (old, old))
    LayoutStore(tmp_path, create=True)
    assert not draft.exists()


def test_a_draft_in_use_is_not_swept(tmp_path: Path) -> None:
    with LayoutStore(tmp_path, create=True).new_blob() as blob:
        blob.write(b"data")
        LayoutStore(tmp_path, create=True)
        blob.commit(Digest.of(b"data"), 4)
    assert LayoutStore(tmp_path).has_blob(described(b"data"))


def test_a_blob_that_lost_its_end_is_not_there_and_can_be_written_again(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path, create=True)
    blob = put_bytes(store, b"data", "x")
    path = tmp_path / "blobs" / "sha256" / blob.digest.hex
    path.chmod(0o644)
    path.write_bytes(b"da")
    assert not store.has_blob(blob)
    put_bytes(store, b"data", "x")
    assert path.read_bytes() == b"data"


def test_a_pipe_in_the_place_of_a_blob_is_refused_not_waited_for(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path, create=True)
    os.mkfifo(tmp_path / "blobs" / "sha256" / Digest.of(b"x").hex)
    with pytest.raises(StoreError, match="not a file"):
        store.open_blob(described(b"x"))


def test_blobs_are_readable_by_whom_the_umask_says(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        store = LayoutStore(tmp_path, create=True)
        blob = put_bytes(store, b"data", "x")
    finally:
        os.umask(old)
    assert (tmp_path / "blobs" / "sha256" / blob.digest.hex).stat().st_mode & 0o777 == 0o640


def test_a_lock_that_is_not_given_up_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    from imagebuild.stores.layout import layout

    store = LayoutStore(tmp_path, create=True)
    images.store(store, images.sample(LAYER), LAYER, tag="1")
    monkeypatch.setattr(layout, "_LOCK_SECONDS", 0.1)
    with FileLock(tmp_path / ".wcow" / "lock"), pytest.raises(StoreError, match="in use"):
        store.untag("1")
    assert store.tags() == ["1"]


# --- many at once -----------------------------------------------------------------------------------------------------

WORKER = """
import sys
from support import plain_images as images
from imagebuild.stores import LayoutStore
root, number = sys.argv[1], sys.argv[2]
for turn in range(6):
    store = LayoutStore(root, create=True)
    data = b"shared" if turn % 2 else f"{number}.{turn}".encode()
    images.store(store, images.sample(data), data, tag=f"docker.io/library/app:{number}.{turn}")
    if turn == 3:
        store.untag(f"docker.io/library/app:{number}.0")
"""


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    root = tmp_path / "layout"
    # The library before tests/, which has a folder of the same name.
    places = [Path(imagebuild.__file__).parent.parent, Path(images.__file__).parent.parent]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    running = [subprocess.Popen([sys.executable, "-c", WORKER, str(root), str(number)], env=env) for number in range(5)]
    assert [process.wait(120) for process in running] == [0] * 5
    store = LayoutStore(root)
    assert store.tags() == sorted(f"docker.io/library/app:{n}.{turn}" for n in range(5) for turn in range(1, 6))
    for tag in store.tags():
        manifest = Manifest.from_bytes(store.manifest(store.resolve(tag)))
        for item in (manifest.config, *manifest.layers):
            with store.open_blob(item) as stream:
                stream.read()
    assert list((root / ".wcow" / "tmp").iterdir()) == []


# --- promised blobs ---------------------------------------------------------------------------------------------------

HOME = Location.parse("docker://mcr.microsoft.com/windows/nanoserver:ltsc2022")


def test_a_promised_blob_lets_an_image_in_and_is_read_from_its_origin(tmp_path: Path) -> None:
    far = MemoryStore()
    image = images.sample(LAYER)
    images.store(far, image, LAYER)
    opened: list[Location] = []

    def opener(location: Location) -> MemoryStore:
        opened.append(location)
        return far

    store = LayoutStore(tmp_path, create=True, opener=opener)
    put_bytes(store, image.config_bytes(), "x")
    with pytest.raises(StoreError, match="neither stored nor promised"):
        store.put_manifest(image.manifest_bytes(), image.manifest.kind, tag="1")
    store.remember_origin(image.layers[0].digest, HOME)
    store.put_manifest(image.manifest_bytes(), image.manifest.kind, tag="1")
    assert not store.has_blob(image.layers[0])
    with store.open_blob(image.layers[0], offset=3) as stream:
        assert stream.read() == LAYER[3:]
    assert opened == [HOME]
    assert not store.has_blob(image.layers[0])


def test_a_promise_nobody_can_keep_names_the_origin(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path, create=True)
    store.remember_origin(Digest.of(LAYER), HOME)
    with pytest.raises(NotFoundError, match=r"mcr\.microsoft\.com/windows/nanoserver"):
        store.open_blob(described(LAYER))


def test_origins_are_kept_newest_first_each_once(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path, create=True)
    other = Location.parse("docker://localhost:5000/x")
    for location in (HOME, other, HOME):
        store.remember_origin(Digest.of(b""), location)
    assert LayoutStore(tmp_path).origins(Digest.of(b"")) == [HOME, other]
    assert store.origins(Digest.of(b"x")) == []


def test_a_damaged_note_of_origins_is_no_origin(tmp_path: Path) -> None:
    store = LayoutStore(tmp_path, create=True)
    store.remember_origin(Digest.of(b""), HOME)
    (tmp_path / ".wcow" / "origins" / "sha256" / Digest.of(b"").hex).write_text('["docker://A B", 7, {')
    assert store.origins(Digest.of(b"")) == []


# --- other people's tools ---------------------------------------------------------------------------------------------

def test_skopeo_reads_what_a_layout_holds(tmp_path: Path) -> None:
    with programs.skipping():
        skopeo = programs.find("skopeo")
    store = LayoutStore(tmp_path / "ours", create=True)
    image = images.sample(LAYER)
    images.store(store, image, LAYER, tag="docker.io/library/app:1")
    place = f"oci:{tmp_path / 'ours'}:docker.io/library/app:1"
    told = json.loads(programs.run(skopeo, "inspect", place).stdout)
    assert (told["Digest"], told["Os"]) == (image.descriptor().digest, "windows")
    programs.run(skopeo, "copy", "--preserve-digests", "--insecure-policy", place, f"oci:{tmp_path / 'theirs'}:2")
    theirs = LayoutStore(tmp_path / "theirs")
    assert theirs.resolve("2").digest == image.descriptor().digest
    with theirs.open_blob(image.layers[0]) as stream:
        assert stream.read() == LAYER
    images.store(theirs, images.sample(b"more"), b"more", tag="3")
    assert json.loads(programs.run(skopeo, "inspect", f"oci:{tmp_path / 'theirs'}:3").stdout)["Os"] == "windows"


def content(store: LayoutStore, descriptor: Descriptor) -> bytes:
    """A whole blob."""
    with store.open_blob(descriptor) as stream:
        return stream.read()


def test_a_blob_of_a_layout_on_the_same_disk_is_verified_and_linked(tmp_path: Path) -> None:
    with LayoutStore(tmp_path / "a", create=True) as one, LayoutStore(tmp_path / "b", create=True) as other:
        descriptor = put_bytes(one, b"content", "x/y")
        heard: list[int] = []
        assert copy_blob(one, other, descriptor, progress=heard.append) == "copied"
        paths = [store.path / "blobs" / "sha256" / descriptor.digest.hex for store in (one, other)]
        assert paths[0].samefile(paths[1])
        assert heard[-1] == 7
        paths[0].unlink()
        assert content(other, descriptor) == b"content"
        bad = put_bytes(one, b"contents", "x/y")
        (tmp_path / "a" / "blobs" / "sha256" / bad.digest.hex).write_bytes(b"contentz")
        with pytest.raises(IntegrityError):
            copy_blob(one, other, bad)
        assert not other.has_blob(bad)


def test_a_blob_that_cannot_be_linked_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError(errno.EXDEV, "other disk")

    monkeypatch.setattr(os, "link", refuse)
    with LayoutStore(tmp_path / "a", create=True) as one, LayoutStore(tmp_path / "b", create=True) as other:
        descriptor = put_bytes(one, b"content", "x/y")
        assert copy_blob(one, other, descriptor) == "copied"
        assert content(other, descriptor) == b"content"


def test_a_damaged_blob_is_named_with_the_way_out_and_healed_by_writing_it_again(tmp_path: Path) -> None:
    with LayoutStore(tmp_path, create=True) as store:
        descriptor = put_bytes(store, b"content", "x/y")
        path = tmp_path / "blobs" / "sha256" / descriptor.digest.hex
        path.write_bytes(b"contenT")
        with pytest.raises(IntegrityError) as caught:
            content(store, descriptor)
        assert f"remove {path}" in caught.value.hint
        with store.new_blob() as blob:
            blob.write(b"content")
            blob.commit(descriptor.digest, 7)
        assert content(store, descriptor) == b"content"


@pytest.mark.parametrize("damage", [b"", b"{", b"[]",
                                    b'{"schemaVersion":2,"manifests":[{]}', b'{"schemaVersion": 2, "manifests": 3}'])
def test_a_damaged_list_of_images_is_the_stores_fault_and_says_what_to_do(tmp_path: Path, damage: bytes) -> None:
    with LayoutStore(tmp_path, create=True) as store:
        (tmp_path / "index.json").write_bytes(damage)
        with pytest.raises(StoreError, match="cannot read the list of images") as caught:
            store.tags()
        assert caught.value.exit_code == 3
        assert "index.json" in caught.value.why
        assert "move" in caught.value.hint
