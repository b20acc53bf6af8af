# SPDX-License-Identifier: Apache-2.0
"""Files of an image by the paths people use: the union, one layer, patterns, links."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import images

from imagebuild.errors import InputError, NotFoundError, UnsupportedError, UsageError
from imagebuild.events import Event, Result
from imagebuild.images.inspect.cat import cat_file
from imagebuild.images.inspect.listing import Files, Item, rootfs_of_layer
from imagebuild.images.inspect.rootfs import IndexCache, Rootfs
from imagebuild.images.inspect.tree import draw_tree, shown
from imagebuild.images.put import Layer
from imagebuild.layer import Entry, Kind
from imagebuild.oci import Descriptor, Digest, Image, media
from imagebuild.stores import MemoryStore


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def image(store: MemoryStore) -> Image:
    return images.sample(store)[0]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> IndexCache:
    return IndexCache(tmp_path_factory.mktemp("indexes"))


@pytest.fixture(scope="module")
def rootfs(store: MemoryStore, image: Image, cache: IndexCache) -> Rootfs:
    made = Rootfs(image, store, cache, name="app:1")
    list(made.prepare())
    return made


@pytest.fixture(scope="module")
def files(rootfs: Rootfs) -> Files:
    return Files(rootfs)


def paths(items: Iterator[Item]) -> list[str]:
    return [item.path for item in items]


def test_the_root_shows_what_a_container_would_see(files: Files) -> None:
    assert paths(files.find()) == ["C:\\app", "C:\\data"]


@pytest.mark.parametrize("path", ["C:\\app", "c:/APP/", "/app", "app", "\\app", "/app/x/.."])
def test_a_folder_can_be_written_in_many_ways(files: Files, path: str) -> None:
    assert [item.name for item in files.find(path)] == \
        ["here", "link.txt", "readme.txt", "same.txt", "to-data"]


def test_a_file_that_was_taken_away_is_not_there(files: Files) -> None:
    with pytest.raises(NotFoundError, match=r"there is no /app/old\.txt in app:1"):
        files.get("/app/old.txt")


def test_an_entry_says_owner_acl_attributes_times_and_layer(files: Files) -> None:
    item = files.get("/app/README.txt")
    assert (item.owner, item.letters, item.layer, item.size) == ("BUILTIN\\Administrators", "RA", 1, 6)
    assert item.sddl() == images.SDDL
    assert item.modified == "2024-01-01T00:00:00Z"
    assert any("allow NT AUTHORITY\\SYSTEM: full control" in line for line in item.words())
    assert files.get("/data/big.bin").layer == 0


def test_links_say_where_they_lead_and_hard_links_how_large_they_are(files: Files) -> None:
    assert files.get("/app/to-data").entry.kind is Kind.JUNCTION
    assert files.get("/app/to-data").entry.target == "C:\\data"
    assert files.get("/app/link.txt").entry.target == "Readme.TXT"
    assert (files.get("/app/same.txt").entry.kind, files.get("/app/same.txt").size) == (Kind.HARD_LINK, 6)


def test_links_on_the_way_are_followed_and_the_last_one_only_when_asked(files: Files) -> None:
    assert files.get("/app/here/here/to-data/big.bin").path == "C:\\data\\big.bin"
    assert files.target("/app/link.txt").path == "C:\\app\\readme.txt"
    assert paths(files.find("/app/to-data/")) == ["C:\\app\\to-data"]


def test_recursive_goes_everywhere_but_through_links(files: Files) -> None:
    found = paths(files.find(recursive=True))
    assert "C:\\data\\big.bin" in found and "C:\\app\\readme.txt" in found
    assert not any(path.startswith("C:\\app\\to-data\\") for path in found)


def test_a_folder_itself_can_be_shown(files: Files) -> None:
    assert paths(files.find("/app", itself=True)) == ["C:\\app"]
    assert [item.path for item in files.find("/", itself=True)] == ["C:\\"]


@pytest.mark.parametrize(("pattern", "found"), [
    ("/app/*.TXT", ["C:\\app\\link.txt", "C:\\app\\readme.txt", "C:\\app\\same.txt"]),
    ("/[ad]*/?eadme.txt", ["C:\\app\\readme.txt"]),
    ("/*/big.bin", ["C:\\data\\big.bin"]),
    ("/*", ["C:\\app", "C:\\data"])])
def test_patterns_match_names_in_any_case(files: Files, pattern: str, found: list[str]) -> None:
    assert paths(files.find(pattern)) == found


def test_a_pattern_that_matches_nothing_is_an_error(files: Files) -> None:
    with pytest.raises(NotFoundError, match=r"matches /app/\*\.exe"):
        list(files.find("/app/*.exe"))


def test_a_pattern_that_is_none_is_an_error_too(files: Files) -> None:
    with pytest.raises(InputError):
        list(files.find("/app/[a"))


def test_other_drives_are_refused(files: Files) -> None:
    with pytest.raises(UnsupportedError, match="D:"):
        files.get("D:\\x")


def test_one_layer_shows_its_whiteouts_and_hives(store: MemoryStore, image: Image, cache: IndexCache) -> None:
    rootfs = rootfs_of_layer(image, 1, store, cache)
    list(rootfs.prepare())
    files = Files(rootfs, layer=1)
    assert paths(files.find()) == ["Files", "Hives"]
    assert [item.name for item in files.find("Hives")] == ["System_Delta"]
    gone = files.get("C:\\app\\old.txt")
    assert (gone.path, gone.entry.kind, gone.layer) == ("Files/app/old.txt", Kind.WHITEOUT, 1)
    assert paths(files.find("Files/app/read*")) == ["Files/app/readme.txt"]
    with pytest.raises(NotFoundError):
        files.get("/data")


def test_one_layer_of_a_whole_image_is_the_same(rootfs: Rootfs) -> None:
    assert paths(Files(rootfs, layer=1).find()) == ["Files", "Hives"]
    assert paths(Files(rootfs, layer=0).find()) == ["Files"]


def test_a_layer_that_is_not_there_is_an_error(store: MemoryStore, image: Image, cache: IndexCache) -> None:
    with pytest.raises(UsageError, match="app:1 has no layer 2"):
        rootfs_of_layer(image, 2, store, cache, name="app:1")


def test_facts_hold_everything_a_program_wants(files: Files) -> None:
    facts = files.get("/app/readme.txt").facts()
    assert facts["attributes"] == 0x21 and facts["layer_path"] == "Files/app/readme.txt"
    assert facts["times"]["modified"] == "2024-01-01T00:00:00Z"
    assert facts["kind"] == "file" and facts["sddl"] == images.SDDL and facts["target"] is None
    assert files.get("/app/to-data").facts()["target"] == "C:\\data"


def test_a_damaged_security_descriptor_is_shown_as_damaged() -> None:
    item = Item("C:\\x", Entry("Files/x", Kind.FILE, security=b"\1" * 30), 0)
    assert "damaged" in item.sddl() and item.owner == "" and item.words() == [item.sddl()]


def test_a_file_is_printed_through_links(rootfs: Rootfs, tmp_path: Path) -> None:
    for path in ("/app/link.txt", "/app/same.txt", "c:\\app\\README.TXT"):
        assert content(cat_file(rootfs, path, tmp_path)) == b"hello\n"
    assert content(cat_file(rootfs, "/app/to-data/big.bin", tmp_path)) == bytes(range(256)) * 4096


def test_a_folder_cannot_be_printed(rootfs: Rootfs, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot print C:\\\\app"):
        content(cat_file(rootfs, "/app", tmp_path))


def content(events: Iterator[Event]) -> bytes:
    last = list(events)[-1]
    assert isinstance(last, Result) and isinstance(last.value, Path)
    return last.value.read_bytes()


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    files = of(tmp_path, images.link("Files/a", Kind.SYMLINK, "b"), images.link("Files/b", Kind.SYMLINK, "a"))
    with pytest.raises(NotFoundError, match="cannot follow /a"):
        files.target("/a")


def test_a_link_to_another_volume_cannot_be_followed(tmp_path: Path) -> None:
    files = of(tmp_path, images.link("Files/v", Kind.JUNCTION, "\\??\\Volume{0c5b2d0e-0000-0000-0000-100000000000}\\"))
    with pytest.raises(NotFoundError, match="cannot follow"):
        files.target("/v/x")


def test_a_name_with_brackets_is_found_before_what_it_matches(tmp_path: Path) -> None:
    files = of(tmp_path, images.file("Files/a1", b"1"), images.file("Files/a[1]", b"22"))
    assert [item.size for item in files.find("/a[1]")] == [2]


def of(folder: Path, *entries: images.Content) -> Files:
    store = MemoryStore()
    made, _ = images.image(store, None, images.layer(store, (images.folder("Files", security=False), *entries),
                                                     base=True))
    rootfs = Rootfs(made, store, IndexCache(folder))
    list(rootfs.prepare())
    return Files(rootfs)


def test_a_tree_shows_kinds_owners_layers_and_each_acl_once(files: Files) -> None:
    lines = list(draw_tree(files, acl="sddl"))
    assert lines[0].startswith("C:\\")
    assert "│   ├── link.txt -> Readme.TXT  AL  BUILTIN\\Administrators  layer 1  [acl 2]" in lines
    assert "│   ├── readme.txt  6 B  RA  BUILTIN\\Administrators  layer 1  [acl 2]" in lines
    assert "│   └── to-data => C:\\data  DL  BUILTIN\\Administrators  layer 1  [acl 2]" in lines
    assert "└── data\\  D  BUILTIN\\Administrators  layer 0  [acl 1]" in lines
    assert lines[-2:] == [f"[acl 1] {images.FOLDER_SDDL}", f"[acl 2] {images.SDDL}"]


def test_a_tree_of_one_layer_shows_whiteouts(rootfs: Rootfs) -> None:
    lines = list(draw_tree(Files(rootfs, layer=1), "Files/app", acl="words"))
    assert "├── old.txt (gone)" in lines
    assert "    owner BUILTIN\\Administrators" in lines


def test_names_cannot_play_tricks_on_a_terminal() -> None:
    assert shown("a\x1b[31mb") == "a\\x1b[31mb"
    assert shown("\u202egnp.exe") == "\\u202egnp.exe"
    assert shown("Größe 日本") == "Größe 日本"


@pytest.fixture
def linux(tmp_path: Path) -> Rootfs:
    """An image whose layer has plain paths, two of which differ only in case."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, content in (("etc/passwd", b"small"), ("etc/Passwd", b"LARGE")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        member = tarfile.TarInfo("sh")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/Passwd"
        tar.addfile(member)
    blob = data.getvalue()
    store = MemoryStore()
    store.blobs[Digest.of(blob)] = blob
    part = Layer(Descriptor(media.OCI_LAYER, Digest.of(blob), len(blob)), Digest.of(blob), len(blob))
    rootfs = Rootfs(images.image(store, None, part, os="linux", os_version="")[0], store, IndexCache(tmp_path))
    list(rootfs.prepare())
    return rootfs


def test_a_linux_image_has_paths_with_slashes_and_names_that_differ_by_case(linux: Rootfs, tmp_path: Path) -> None:
    files = Files(linux)
    assert paths(files.find(recursive=True)) == ["/etc", "/etc/Passwd", "/etc/passwd", "/sh"]
    assert paths(files.find("/etc/P*")) == ["/etc/Passwd"]
    assert content(cat_file(linux, "/etc/passwd", tmp_path)) == b"small"
    assert content(cat_file(linux, "/sh", tmp_path)) == b"LARGE"
    item = files.get("/etc/passwd")
    assert (item.owner, item.letters, item.sddl()) == ("", "", "")
