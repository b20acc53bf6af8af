# SPDX-License-Identifier: Apache-2.0
"""Archives: one tar that everybody reads, and reading what everybody writes."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from support import plain_images as images
from support import programs

from imagebuild.errors import FormatError, IntegrityError, NotFoundError, StoreError, UnsupportedError, WcowError
from imagebuild.oci import Config, Descriptor, Digest, Image, Index, Manifest, RunConfig, create, media
from imagebuild.stores import ArchiveStore, put_bytes
from imagebuild.stores.layout import files

LAYER = images.layer_tar(content=b"hello" * 1000)
APP = "docker.io/library/app:1"


def listing(folder: Path) -> list[str]:
    """What is in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


def written(path: Path, tag: str = APP) -> Image:
    """An archive with one image."""
    image = images.sample(LAYER)
    with ArchiveStore(path, create=True) as store:
        images.store(store, image, LAYER, tag=tag)
    return image


def make_tar(path: Path, members: dict[str, bytes | str]) -> Path:
    """A tar by another writer; a text value makes a symbolic link."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return path


def old_docker_save(path: Path, layers: list[bytes], *, diff_ids: list[bytes] | None = None, **more: Any) -> Path:
    """An archive as docker wrote them before 25."""
    config = Config(os="windows", architecture="amd64",
                    diff_ids=tuple(Digest.of(data) for data in (layers if diff_ids is None else diff_ids))).to_bytes()
    name = Digest.of(config).hex + ".json"
    table = [{"Config": name, "RepoTags": ["app:1", "other.example.com/b:2"],
              "Layers": [f"{number}/layer.tar" for number in range(len(layers))]}]
    members: dict[str, bytes | str] = {f"{number}/layer.tar": data for number, data in enumerate(layers)}
    return make_tar(path, {name: config, **members, "manifest.json": json.dumps(table).encode(), **more})


# --- writing ----------------------------------------------------------------------------------------------------------

def test_an_archive_is_an_oci_layout_and_a_docker_save_at_once(tmp_path: Path) -> None:
    image = written(tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        members = {member.name: tar.extractfile(member) for member in tar}
        data = {name: stream.read() for name, stream in members.items() if stream}
    assert set(data) == {"oci-layout", "index.json", "manifest.json"} | {
        f"blobs/sha256/{digest.hex}" for digest in (
            image.descriptor().digest, image.manifest.config.digest, image.layers[0].digest)}
    entry, = json.loads(data["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == APP
    row, = json.loads(data["manifest.json"])
    assert row == {"Config": f"blobs/sha256/{image.manifest.config.digest.hex}", "RepoTags": ["app:1"],
                   "Layers": [f"blobs/sha256/{image.layers[0].digest.hex}"]}
    assert data[row["Layers"][0]] == LAYER


def test_the_same_images_make_the_same_archive(tmp_path: Path) -> None:
    written(tmp_path / "a.tar")
    written(tmp_path / "b.tar")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_blobs_given_up_or_given_twice_leave_no_trace(tmp_path: Path) -> None:
    written(tmp_path / "a.tar")
    with ArchiveStore(tmp_path / "b.tar", create=True) as store:
        images.store(store, images.sample(LAYER), LAYER, tag=APP)
        with pytest.raises(KeyboardInterrupt), store.new_blob() as blob:
            blob.write(bytes(1_000_000))
            raise KeyboardInterrupt
        with store.new_blob() as blob:
            blob.write(LAYER)
            blob.commit(Digest.of(LAYER), len(LAYER))
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_an_archive_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(b"old")
    with ArchiveStore(tmp_path / "a.tar", create=True) as store:
        images.store(store, images.sample(LAYER), LAYER, tag="1")
        assert (tmp_path / "a.tar").read_bytes() == b"old"
    assert ArchiveStore(tmp_path / "a.tar").tags() == ["1"]
    assert listing(tmp_path) == ["a.tar"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_an_exception_leaves_what_was_there_before(tmp_path: Path, stop: type[BaseException]) -> None:
    (tmp_path / "a.tar").write_bytes(b"old")
    with pytest.raises(stop), ArchiveStore(tmp_path / "a.tar", create=True) as store:
        images.store(store, images.sample(LAYER), LAYER, tag="1")
        raise stop
    assert (tmp_path / "a.tar").read_bytes() == b"old"
    assert listing(tmp_path) == ["a.tar"]


def test_an_archive_without_an_image_is_not_made(tmp_path: Path) -> None:
    with ArchiveStore(tmp_path / "a.tar", create=True) as store:
        put_bytes(store, b"data", "x")
    assert listing(tmp_path) == []


def test_a_full_disk_leaves_no_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    room = [20_000]

    def write(fd: int, data: Any) -> int:
        room[0] -= len(data)
        if room[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data)

    monkeypatch.setattr(files.os, "write", write)
    with pytest.raises(StoreError, match="No space left"), ArchiveStore(tmp_path / "a.tar", create=True) as store, \
            store.new_blob() as blob:
        for _ in range(100):
            blob.write(b"x" * 1000)
    monkeypatch.undo()
    assert listing(tmp_path) == []


def test_two_names_of_one_image_are_one_row_for_docker(tmp_path: Path) -> None:
    with ArchiveStore(tmp_path / "a.tar", create=True) as store:
        for tag in (APP, "docker.io/library/app:2"):
            images.store(store, images.sample(LAYER), LAYER, tag=tag)
    row, = member(tmp_path / "a.tar", "manifest.json")
    assert row["RepoTags"] == ["app:1", "app:2"]


def test_a_plain_tag_is_no_name_for_docker(tmp_path: Path) -> None:
    written(tmp_path / "a.tar", tag="1")
    row, = member(tmp_path / "a.tar", "manifest.json")
    assert row["RepoTags"] == []
    assert ArchiveStore(tmp_path / "a.tar").tags() == ["1"]


def test_of_an_index_docker_gets_the_first_image(tmp_path: Path) -> None:
    image, other = images.sample(LAYER), images.sample(b"other")
    index = Index((image.index_entry(), other.index_entry()))
    with ArchiveStore(tmp_path / "a.tar", create=True) as store:
        images.store(store, image, LAYER)
        images.store(store, other, b"other")
        store.put_manifest(index.to_bytes(), index.kind, tag=APP)
    row, = member(tmp_path / "a.tar", "manifest.json")
    assert row["Config"].endswith(image.manifest.config.digest.hex)
    store = ArchiveStore(tmp_path / "a.tar")
    assert store.manifest(store.resolve("app:1")) == index.to_bytes()


def test_a_foreign_layer_that_is_not_inside_is_told_to_docker(tmp_path: Path) -> None:
    foreign = Descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Digest.of(b"far"), 3,
                         urls=("https://x.example/far",))
    image = create(Config(os="windows", diff_ids=(Digest.of(b"plain"),), run=RunConfig()), layers=(foreign,),
                   family="docker")
    with ArchiveStore(tmp_path / "a.tar", create=True) as store:
        images.store(store, image, tag=APP)
    row, = member(tmp_path / "a.tar", "manifest.json")
    assert row["LayerSources"][Digest.of(b"plain")]["urls"] == ["https://x.example/far"]


def test_a_written_archive_is_not_written_again(tmp_path: Path) -> None:
    written(tmp_path / "a.tar")
    with ArchiveStore(tmp_path / "a.tar") as store:
        with pytest.raises(StoreError):
            store.new_blob()
        with pytest.raises(StoreError):
            store.untag(APP)


def test_digests_that_do_not_fit_a_tar_header_are_refused(tmp_path: Path) -> None:
    digest = Digest.parse("sha512:" + "0" * 128)
    with ArchiveStore(tmp_path / "a.tar", create=True) as store, pytest.raises(UnsupportedError), \
            store.new_blob() as blob:
        blob.commit(digest, 0)


def member(path: Path, name: str) -> Any:
    with tarfile.open(path) as tar:
        stream = tar.extractfile(name)
        assert stream is not None
        return json.load(stream)


# --- reading ----------------------------------------------------------------------------------------------------------

def test_an_archive_compressed_as_a_whole_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = written(tmp_path / "a.tar")
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress((tmp_path / "a.tar").read_bytes()))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    with ArchiveStore(tmp_path / "a.tar.gz") as store:
        assert store.manifest(store.resolve("app:1")) == image.manifest_bytes()
        assert len(listing(tmp_path / "scratch")) == 1
    assert listing(tmp_path / "scratch") == []


def test_an_archive_that_unpacks_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(20 << 20)))
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    with pytest.raises(UnsupportedError, match="grows past"):
        ArchiveStore(tmp_path / "bomb.gz", bound=10 << 20)
    assert listing(tmp_path / "scratch") == []


def test_an_archive_by_an_older_docker_is_given_a_manifest(tmp_path: Path) -> None:
    packed = gzip.compress(b"two" * 100, mtime=0)
    path = old_docker_save(tmp_path / "a.tar", [LAYER, packed], diff_ids=[LAYER, b"two" * 100])
    with ArchiveStore(path) as store:
        assert store.tags() == ["app:1", "other.example.com/b:2"]
        found = store.resolve("docker.io/library/app:1")
        assert found == store.resolve("other.example.com/b:2") == store.resolve("") == store.resolve(found.digest)
        manifest = Manifest.from_bytes(store.manifest(found))
        assert [layer.media_type for layer in manifest.layers] == [media.DOCKER_LAYER, media.DOCKER_LAYER_GZIP]
        assert Config.from_bytes(store.manifest(manifest.config)).os == "windows"
        for layer, data in zip(manifest.layers, (LAYER, packed), strict=True):
            with store.open_blob(layer) as stream:
                assert stream.read() == data


def test_layers_an_older_docker_saved_as_links_are_followed(tmp_path: Path) -> None:
    config = Config(os="windows", diff_ids=(Digest.of(LAYER), Digest.of(LAYER))).to_bytes()
    table = [{"Config": "c.json", "RepoTags": None, "Layers": ["1/layer.tar", "2/layer.tar"]}]
    path = make_tar(tmp_path / "a.tar", {"1/layer.tar": LAYER, "2/layer.tar": "../1/layer.tar", "c.json": config,
                                         "manifest.json": json.dumps(table).encode()})
    store = ArchiveStore(path)
    layer = Manifest.from_bytes(store.manifest(store.resolve(""))).layers[1]
    with store.open_blob(layer) as stream:
        assert stream.read() == LAYER


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../../../etc/passwd", "2/layer.tar"])
def test_a_link_out_of_the_archive_or_to_itself_leads_nowhere(tmp_path: Path, target: str) -> None:
    config = Config(os="windows", diff_ids=(Digest.of(LAYER),)).to_bytes()
    table = [{"Config": "c.json", "Layers": ["2/layer.tar"]}]
    path = make_tar(tmp_path / "a.tar", {"2/layer.tar": target, "c.json": config,
                                         "manifest.json": json.dumps(table).encode()})
    with pytest.raises(FormatError, match="lacks the member"):
        ArchiveStore(path)


def test_a_plain_layer_that_is_not_its_diff_id_is_found_out_by_reading(tmp_path: Path) -> None:
    store = ArchiveStore(old_docker_save(tmp_path / "a.tar", [LAYER], diff_ids=[b"other"]))
    layer = Manifest.from_bytes(store.manifest(store.resolve(""))).layers[0]
    with pytest.raises(IntegrityError), store.open_blob(layer) as stream:
        stream.read()


@pytest.mark.parametrize("table", [b"", b"{}", b"[1]", b'[{"Config":"none.json"}]', b'[{"Layers":[]}]', b"[" * 5000,
                                   b'[{"Config":"c.json","Layers":["x"]}]', b'[{"Config":"c.json","RepoTags":7}]'])
def test_a_broken_table_of_images_is_refused(tmp_path: Path, table: bytes) -> None:
    path = make_tar(tmp_path / "a.tar", {"c.json": Config().to_bytes(), "manifest.json": table})
    with pytest.raises(FormatError):
        ArchiveStore(path)


def test_names_in_an_archive_never_become_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = old_docker_save(tmp_path / "in" / "a.tar", [LAYER], **{"../evil": b"x", "/abs": b"x"})
    with ArchiveStore(path) as store:
        store.resolve("app:1")
    assert listing(tmp_path) == ["in"]
    assert listing(tmp_path / "in") == ["a.tar"]


def test_what_is_no_image_archive_says_so(tmp_path: Path) -> None:
    (tmp_path / "layer.tar").write_bytes(LAYER)
    with pytest.raises(FormatError, match="no image archive") as caught:
        ArchiveStore(tmp_path / "layer.tar")
    assert "docker save" in caught.value.hint
    with pytest.raises(NotFoundError):
        ArchiveStore(tmp_path / "nothing.tar")


def test_an_archive_cut_anywhere_is_one_error(tmp_path: Path) -> None:
    written(tmp_path / "a.tar")
    data = (tmp_path / "a.tar").read_bytes()
    for length in (0, 1, 511, 512, 1000, 1536, 3000, len(data) // 2, len(data) - 3000):
        (tmp_path / "cut.tar").write_bytes(data[:length])
        with pytest.raises(WcowError):
            ArchiveStore(tmp_path / "cut.tar")


def test_an_archive_that_changes_while_it_is_read_is_found_out(tmp_path: Path) -> None:
    image = written(tmp_path / "a.tar")
    store = ArchiveStore(tmp_path / "a.tar")
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(data.replace(b"hello", b"hallo"))
    with pytest.raises(IntegrityError), store.open_blob(image.layers[0]) as stream:
        stream.read()


# --- other people's tools ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("place", ["oci-archive:{}", "oci-archive:{}:docker.io/library/app:1",
                                   "docker-archive:{}", "docker-archive:{}:app:1"])
def test_skopeo_reads_what_we_write(tmp_path: Path, place: str) -> None:
    with programs.skipping():
        skopeo = programs.find("skopeo")
    image = written(tmp_path / "a.tar")
    done = programs.run(skopeo, "inspect", "--config", "--raw", place.format(tmp_path / "a.tar"))
    assert done.stdout.encode() == image.config_bytes()
    programs.run(skopeo, "copy", "--insecure-policy", place.format(tmp_path / "a.tar"), f"dir:{tmp_path / 'out'}")


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_we_read_what_skopeo_writes(tmp_path: Path, kind: str) -> None:
    with programs.skipping():
        skopeo = programs.find("skopeo")
    image = written(tmp_path / "a.tar")
    programs.run(skopeo, "copy", "--insecure-policy", f"oci-archive:{tmp_path / 'a.tar'}",
                 f"{kind}:{tmp_path / 'b.tar'}:app:2")
    with ArchiveStore(tmp_path / "b.tar") as store:
        manifest = Manifest.from_bytes(store.manifest(store.resolve("app:2")))
        assert store.manifest(manifest.config) == image.config_bytes()
        with store.open_blob(manifest.layers[0]) as stream:
            data = stream.read()
        assert (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data) == LAYER
