# SPDX-License-Identifier: Apache-2.0
"""An index answers what the layer holds, and is never half there."""

from __future__ import annotations

import contextlib
import io
import os
import random
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.layers import OTHER_SECURITY, SECURITY, entry, folder, tar, write

from imagebuild.errors import FormatError, NotFoundError, StoreError
from imagebuild.layer import Entry, Index, Kind, Limits, read
from imagebuild.layer.index import _TABLES, _Filler

CONFIG = "Files/Windows/System32/config"
HIVE = random.Random(4).randbytes(700_000)
LAYER: list[Any] = [
    folder("Files"), entry("Files/old", Kind.WHITEOUT), folder("Files/App", security=OTHER_SECURITY),
    entry("Files/App/gone", Kind.WHITEOUT),
    (entry("Files/App/Äpfel.txt", size=5, eas=(("A b", b"\n=1"), ("B", b""))), b"hello"),
    entry("Files/App/jct", Kind.JUNCTION, target="C:\\x"), entry("Files/App/lnk", Kind.SYMLINK, target="ä"),
    entry("Files/App/sub", Kind.DIRECTORY_SYMLINK, target="x"),
    folder("Files/Windows"), folder("Files/Windows/System32"), folder(CONFIG),
    (entry(f"{CONFIG}/SYSTEM", size=len(HIVE)), HIVE), entry(f"{CONFIG}/SAM"), folder(f"{CONFIG}/sub"),
    (entry(f"{CONFIG}/sub/x", size=1), b"x"), entry("Files/z", Kind.HARD_LINK, target="Files/App/Äpfel.txt")]


def build(tmp_path: Path, blob: bytes, **options: Any) -> Index:
    return Index.build(io.BytesIO(blob), tmp_path / "layer.idx", **options)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return build(tmp_path, write(LAYER, "gzip"))


def test_every_entry_is_found_as_it_was(index: Index) -> None:
    everything = [item for item, _ in read(io.BytesIO(write(LAYER)))]
    for item in everything:
        assert index.get(item.path) == item
    assert sorted(index.walk(), key=lambda item: item.path) == sorted(everything, key=lambda item: item.path)


@pytest.mark.parametrize("path", ["FILES/APP/ÄPFEL.TXT", "files/app/äpfel.txt", "/Files/App/Äpfel.txt/"])
def test_case_does_not_matter(index: Index, path: str) -> None:
    found = index.get(path)
    assert found is not None
    assert found.path == "Files/App/Äpfel.txt"


@pytest.mark.parametrize("path", ["", "Files/nothing", "App", "Files/App/", "\udc80"])
def test_what_is_not_there_is_none(index: Index, path: str) -> None:
    found = index.get(path)
    assert found is None or path == "Files/App/"


def test_children_stand_directly_in_a_directory_by_name(index: Index) -> None:
    assert [item.path for item in index.children("files/APP")] == [
        "Files/App/gone", "Files/App/jct", "Files/App/lnk", "Files/App/sub", "Files/App/Äpfel.txt"]
    assert [item.path for item in index.children()] == ["Files", "Hives"]
    assert index.children("Files/z") == []


def test_the_hives_are_kept_and_nothing_else(index: Index) -> None:
    assert index.kept(f"{CONFIG}/system") == HIVE
    assert index.kept(f"{CONFIG}/SAM") == b""
    assert index.kept("Files/App/Äpfel.txt") is None
    assert index.kept(f"{CONFIG}/sub/x") is None
    assert index.kept("missing") is None


@pytest.mark.parametrize(("keep", "kept"), [
    ((), False), (["files/*/ÄP*.TXT"], True), (["Files/*"], False), (["Files.App.Äpfel.txt"], False),
    (lambda path: path.endswith(".txt"), True)])
def test_what_is_kept_can_be_chosen(tmp_path: Path, keep: Any, kept: bool) -> None:
    assert (build(tmp_path, write(LAYER), keep=keep).kept("Files/App/Äpfel.txt") == b"hello") == kept


def test_a_file_over_the_limit_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagebuild.layer.index.KEEP_LIMIT", len(HIVE))
    assert build(tmp_path, write(LAYER)).kept(f"{CONFIG}/SYSTEM") == HIVE
    monkeypatch.setattr("imagebuild.layer.index.KEEP_LIMIT", len(HIVE) - 1)
    assert build(tmp_path, write(LAYER)).kept(f"{CONFIG}/SYSTEM") is None


def test_hives_of_a_delta_layer_are_kept(tmp_path: Path) -> None:
    blob = tar(("Hives", {"type": tarfile.DIRTYPE}), ("Hives/System_Delta", {"data": b"reg"}))
    assert build(tmp_path, blob).kept("hives/system_delta") == b"reg"


def test_descriptors_are_stored_once(index: Index) -> None:
    with sqlite3.connect(index.path) as connection:
        assert connection.execute("SELECT count(*) FROM security").fetchone() == (2,)
    connection.close()
    assert {item.security for item in index.walk()} == {None, SECURITY, OTHER_SECURITY}


def test_parents_that_the_tar_only_implies_are_there_without_metadata(tmp_path: Path) -> None:
    index = build(tmp_path, tar(("Files/A/b/c.txt", {}), ("Files/A/d", {}), ("Files/x/.wh.y", {})))
    assert [item.path for item in index.walk()] == ["Files", "Files/A", "Files/A/b", "Files/A/b/c.txt", "Files/A/d",
                                                    "Files/x", "Files/x/y"]
    assert index.get("files/a/B") == Entry("Files/A/b", Kind.DIRECTORY)


def test_an_alternate_stream_is_no_entry(tmp_path: Path) -> None:
    blob = tar(("Files/a", {}), ("Files/a:stream", {"data": b"x"}), ("Files/b", {}))
    assert [item.path for item in build(tmp_path, blob).walk()] == ["Files", "Files/a", "Files/b"]
    assert build(tmp_path, blob, linux=True).get("Files/a:stream") is not None


def test_of_a_name_that_comes_twice_the_later_counts(tmp_path: Path) -> None:
    index = build(tmp_path, tar(("Files/a", {"data": b"1"}), ("Files/A", {"data": b"22"})))
    assert [(item.path, item.size) for item in index.children("Files")] == [("Files/A", 2)]


def test_a_linux_layer_keeps_case_apart(tmp_path: Path) -> None:
    index = build(tmp_path, tar(("etc/a", {"data": b"1"}), ("etc/A", {"data": b"22"})), linux=True, keep=["etc/A"])
    assert [item.path for item in index.children("etc")] == ["etc/A", "etc/a"]
    assert index.get("ETC/a") is None
    assert (index.kept("etc/A"), index.kept("etc/a")) == (b"22", None)
    assert index.linux
    assert Index.open(index.path).linux
    assert build(tmp_path, tar(("a\\b", {})), linux=True).get("a\\b") is not None


def test_a_windows_index_is_not_a_linux_one(index: Index) -> None:
    assert not Index.open(index.path).linux


def test_an_index_is_built_whole_or_not_at_all(tmp_path: Path) -> None:
    blob = write(LAYER)
    with pytest.raises(FormatError):
        build(tmp_path, blob[:len(blob) // 2 + 7])
    assert list(tmp_path.iterdir()) == []
    build(tmp_path, blob).close()
    before = (tmp_path / "layer.idx").read_bytes()
    with pytest.raises(FormatError):
        build(tmp_path, blob[:len(blob) // 2 + 7])
    assert (tmp_path / "layer.idx").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["layer.idx"]


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    class Interrupting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 300_000:
                raise KeyboardInterrupt
            return super().read(size)

        read1 = read

    with pytest.raises(KeyboardInterrupt):
        Index.build(Interrupting(write(LAYER)), tmp_path / "layer.idx")
    assert list(tmp_path.iterdir()) == []


def test_two_builds_at_once_end_with_a_whole_index(tmp_path: Path) -> None:
    import threading

    blob = write(LAYER, "gzip")
    threads = [threading.Thread(target=lambda: build(tmp_path, blob).close()) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.name for path in tmp_path.iterdir()] == ["layer.idx"]
    assert Index.open(tmp_path / "layer.idx").kept(f"{CONFIG}/SYSTEM") == HIVE


def test_the_bytes_of_an_index_depend_on_the_layer_alone(tmp_path: Path) -> None:
    build(tmp_path, write(LAYER, "gzip")).close()
    first = (tmp_path / "layer.idx").read_bytes()
    build(tmp_path, write(LAYER, "zstd")).close()
    assert (tmp_path / "layer.idx").read_bytes() == first


def test_a_folder_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "layer.idx"
    with pytest.raises(StoreError) as caught:
        Index.build(io.BytesIO(write(LAYER)), path)
    assert caught.value.lines() == [f"cannot write the index {path}", "No such file or directory"]
    assert caught.value.path == str(path)  # type: ignore[attr-defined]


@pytest.mark.parametrize("failing", ["os.fsync", "tempfile.mkstemp"])
def test_an_error_that_the_system_has_no_words_for_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                                     failing: str) -> None:
    def fail(*values: object, **named: object) -> None:
        raise OSError("the disk is odd")

    monkeypatch.setattr(failing, fail)
    with pytest.raises(StoreError) as caught:
        build(tmp_path, write(LAYER))
    assert caught.value.lines() == [f"cannot write the index {tmp_path / 'layer.idx'}", "the disk is odd"]
    assert list(tmp_path.iterdir()) == []


def test_what_the_database_cannot_do_is_a_store_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagebuild.layer.index._TABLES", "CREATE NONSENSE;")
    with pytest.raises(StoreError) as caught:
        build(tmp_path, write(LAYER))
    assert caught.value.lines() == [f"cannot write the index {tmp_path / 'layer.idx'}",
                                    'near "NONSENSE": syntax error']


def test_while_it_is_built_an_index_has_a_hidden_name_beside_its_own(tmp_path: Path) -> None:
    seen: set[str] = set()

    class Looking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            seen.update(path.name for path in tmp_path.iterdir())
            return super().read(size)

        read1 = read

    Index.build(Looking(write(LAYER)), tmp_path / "layer.idx").close()
    (name,) = seen
    assert name.startswith(".layer.idx.") and name.endswith(".tmp")


def test_letting_go_of_an_index_lets_go_of_its_file(tmp_path: Path) -> None:
    index = build(tmp_path, write(LAYER))
    connection = index._connection
    index.__del__()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
    Index.__new__(Index).__del__()  # one that could not be made


def test_what_was_asked_about_a_key_is_remembered(index: Index) -> None:
    asked: list[str] = []
    index._connection.set_trace_callback(asked.append)
    keys = [("FILES/OLD", True), ("FILES/APP", False), ("FILES/Z", True), ("FILES/NONE", False),
            ("FILES/APP/JCT", True)]
    for _ in range(2):
        assert [index.hides(key) for key, _ in keys] == [hides for _, hides in keys]
    assert len(asked) == len(keys)


def test_slashes_around_a_path_do_not_matter_but_letters_do(tmp_path: Path) -> None:
    index = build(tmp_path, tar(("X/x", {})))
    assert (index.key("/X/x/"), index.key("x")) == ("X/X", "X")
    found = index.get("X/x")
    assert found is not None and found.path == "X/x"


def test_an_index_that_is_missing_is_not_found(tmp_path: Path) -> None:
    path = tmp_path / "layer.idx"
    with pytest.raises(NotFoundError) as caught:
        Index.open(path)
    assert (caught.value.lines(), caught.value.facts) == ([f"there is no index {path}"], {"path": str(path)})


@pytest.mark.parametrize("damage", ["empty", "text", "version", "application", "cut"])
def test_an_index_that_is_damaged_or_old_asks_to_be_built_anew(index: Index, damage: str) -> None:
    index.close()
    path = index.path
    if damage == "empty":
        path.write_bytes(b"")
    elif damage == "text":
        path.write_text("this is no database, and long enough to be sure of it" * 40)
    elif damage == "cut":
        os.truncate(path, 4096)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA {'user_version' if damage == 'version' else 'application_id'} = 99")
        connection.close()
    with pytest.raises(FormatError) as caught:
        found = Index.open(path)
        list(found.walk())
    what, why, *hint = caught.value.lines()
    words = {"version": "it has version 99, not 1", "application": "it is no index of a layer",
             "empty": "it is no index of a layer", "text": "it is damaged: file is not a database",
             "cut": "it is damaged: database disk image is malformed"}[damage]
    assert (what, why) == (f"cannot use the index {path}", f"{words} (in {path})")
    assert caught.value.source == str(path)
    assert hint == (["remove it; it is made anew when needed"] if damage in ("text", "cut") else [])


def test_entries_and_implied_parents_are_limited(tmp_path: Path) -> None:
    build(tmp_path, tar(("a/b/c/d", {})), limits=Limits(entries=4))
    with pytest.raises(FormatError, match="a path of 3 characters"):
        build(tmp_path, tar(("a/b", {})), limits=Limits(depth=1))
    for named, source in (({}, "layer"), ({"source": "layer 3"}, "layer 3")):
        with pytest.raises(FormatError) as caught:
            build(tmp_path, tar(("a/b/c/d", {})), limits=Limits(entries=3), **named)
        assert caught.value.lines() == [f"cannot index the {source}",
                                        f"it has more than 3 entries and parents (in {source})"]
        with pytest.raises(FormatError, match=f"^cannot read the {source}: "):
            build(tmp_path, b"x" * 1000, **named)


def test_an_index_can_be_read_from_another_thread_and_closed(index: Index) -> None:
    import threading

    seen: list[Entry | None] = []
    thread = threading.Thread(target=lambda: seen.append(index.get("Files")))
    thread.start()
    thread.join()
    assert seen[0] is not None
    with index:
        pass
    with pytest.raises(FormatError) as caught:
        index.get("Files")
    assert caught.value.lines() == [f"cannot use the index {index.path}",
                                    f"it is damaged: Cannot operate on a closed database. (in {index.path})",
                                    "remove it; it is made anew when needed"]


# --- the rows -------------------------------------------------------------------------------------------------------

@pytest.fixture
def filler() -> Iterator[_Filler]:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(_TABLES)
        yield _Filler(connection, lambda path: True, False, Limits(), "layer")


def test_descriptors_are_numbered_and_remembered_up_to_eight_mebibytes(filler: _Filler) -> None:
    many = [bytes([number]) + bytes((1 << 16) - 1) for number in range(128)]
    assert [filler._descriptor(one) for one in many] == list(range(1, 129))
    assert [filler._descriptor(one) for one in many] == list(range(1, 129))
    assert [filler._descriptor(b"one more"), filler._descriptor(b"one more")] == [129, 130]
    assert filler._descriptor(many[0]) == 1


def test_content_is_copied_in_pieces_and_the_later_counts(filler: _Filler) -> None:
    sizes = set()

    class Content(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            sizes.add(size)
            return super().read(size)

    for data in (HIVE, b"short", b""):
        filler._keep_content("A", len(data), Content(data))
        assert filler._connection.execute("SELECT path, content FROM kept").fetchall() == [("A", data)]
    assert sizes == {1 << 18}
