# SPDX-License-Identifier: Apache-2.0
"""Layers unpacked into folders: what comes out looks like the layers, whatever they try."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import layers

from imagebuild.errors import FormatError, StoreError
from imagebuild.layer import Entry, Index, Kind, Union, read
from imagebuild.runtime import links
from imagebuild.runtime.scratch import SUFFIX, sweep
from imagebuild.runtime.snapshots.merged import Merged
from imagebuild.runtime.snapshots.overlay import Sort
from imagebuild.runtime.unpacking.unpack import Unpacked, chain, unpack
from imagebuild.windows.upcase import fold

NAMES = ("a", "A", "b", "App", "APP", "x.txt", "ä", "Ä", "\u017f", "s")
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(tuple)
TARGETS = st.one_of(PATHS.map(lambda path: "C:\\" + "\\".join(path)), PATHS.map("\\".join),
                    st.sampled_from(["..\\..\\..\\..\\etc\\passwd", "/etc/passwd", "\\", "..", ".", "C:", "D:\\x",
                                     "\\\\server\\share", "\\??\\C:\\a\\b", "../../../../tmp", "C:\\..\\..\\etc", ""]))
KINDS = st.sampled_from([Kind.FILE, Kind.FILE, Kind.DIRECTORY, Kind.DIRECTORY, Kind.WHITEOUT, Kind.HARD_LINK,
                         Kind.SYMLINK, Kind.DIRECTORY_SYMLINK, Kind.JUNCTION])
ITEMS = st.lists(st.tuples(PATHS, KINDS, TARGETS, PATHS), max_size=14)


def tarred(items: list[tuple[tuple[str, ...], Kind, str, tuple[str, ...]]], number: int) -> bytes:
    """A layer with these entries in this order, by Python's tarfile, which refuses nothing."""
    members = []
    for at, (path, kind, target, linked) in enumerate(items):
        name = "/".join(("Files", *path))
        folder, _, last = name.rpartition("/")
        pax = {"MSWINDOWS.fileattr": "1040" if kind in (Kind.DIRECTORY_SYMLINK, Kind.JUNCTION) else "32"}
        if kind is Kind.JUNCTION:
            pax["MSWINDOWS.mountpoint"] = "1"
        if kind is Kind.WHITEOUT:
            members.append((f"{folder}/.wh.{last}", {}))
        elif kind is Kind.DIRECTORY:
            members.append((name, {"type": b"5", "mtime": at}))
        elif kind is Kind.FILE:
            members.append((name, {"data": f"{number}.{at}".encode(), "mtime": at}))
        elif kind is Kind.HARD_LINK:
            members.append((name, {"type": b"1", "linkname": "/".join(("Files", *linked))}))
        else:
            members.append((name, {"type": b"2", "linkname": target or "x", "pax_headers": pax}))
    return layers.tar(("Files", {"type": b"5"}), *members)


def content(blobs: list[bytes], layer: int, path: str) -> bytes:
    """The last content that a layer has for a path."""
    out = b""
    for entry, stream in read(io.BytesIO(blobs[layer])):
        if fold(entry.path) == fold(path) and stream is not None:
            out = stream.read()
    return out


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def snapshot(root: Path) -> list[tuple[str, int, int]]:
    return sorted((str(path), path.lstat().st_mode, path.lstat().st_size) for path in root.rglob("*"))


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="unpack."))
    yield root
    shutil.rmtree(root)


def over(blobs: list[bytes], root: Path, drive: Path | None = None) -> Merged:
    """The layers unpacked over one another."""
    folders = [drive] if drive else []
    for number, blob in enumerate(blobs):
        unpack(read(io.BytesIO(blob)), root / str(number), lower=Merged(folders))
        folders.append(root / str(number))
    return Merged(folders)


@settings(deadline=None, max_examples=150)
@given(st.lists(ITEMS, min_size=1, max_size=3))
@example([[(("a",), Kind.FILE, "", ("a",))],
          [(("A",), Kind.WHITEOUT, "", ("a",)), (("A", "b"), Kind.FILE, "", ("a",))]])
@example([[(("a", "b"), Kind.FILE, "", ("a",))],
          [(("A",), Kind.DIRECTORY, "", ("a",)), (("a",), Kind.WHITEOUT, "", ())]])
@example([[(("a",), Kind.SYMLINK, "../../../../tmp", ("a",)), (("a", "b"), Kind.FILE, "", ("a",))]])
def test_what_a_container_sees_is_what_the_union_of_the_layers_says(
        place: Path, given_layers: list[list[tuple[tuple[str, ...], Kind, str, tuple[str, ...]]]]) -> None:
    root = Path(tempfile.mkdtemp(dir=place))
    outside = root / "outside"
    outside.mkdir()
    (outside / "file").write_bytes(b"untouched")
    before = snapshot(outside)
    blobs = [tarred(items, number) for number, items in enumerate(given_layers)]
    try:
        view = over(blobs, root / "made")
    except FormatError:
        assert not list((root / "made").glob(f".*{SUFFIX}"))
        return
    finally:
        assert snapshot(outside) == before
        assert {path.name for path in root.iterdir()} <= {"outside", "made"}
    indexes = [Index.build(io.BytesIO(blob), root / f"{number}.idx") for number, blob in enumerate(blobs)]
    union = Union(indexes)
    expected = {}
    for found in union.walk("Files"):
        key = fold(found.entry.path).partition("/")[2]
        if found.entry.kind is Kind.HARD_LINK:
            source = union.content_of(found)
            if source is None:
                continue
            expected[key] = (Sort.FILE, content(blobs, source.layer, source.entry.path))
        elif found.entry.kind is Kind.FILE:
            expected[key] = (Sort.FILE, content(blobs, found.layer, found.entry.path))
        elif found.entry.kind is Kind.DIRECTORY:
            expected[key] = (Sort.FOLDER, b"")
        else:
            expected[key] = (Sort.LINK, b"")
    shown = {}
    for path, node in view.walk():
        file = view.place(node).joinpath(*path)
        shown[fold("/".join(path))] = (node.sort, file.read_bytes() if node.sort is Sort.FILE else b"")
        if node.sort is Sort.LINK:
            assert_stays_inside(str(file.readlink()), len(path) - 1)
        assert view.get(path) == node
    hard = {fold(found.entry.path).partition("/")[2] for found in union.walk("Files")
            if found.entry.kind is Kind.HARD_LINK}
    # A hard link into a lower layer means what is seen there; the union also finds what was taken away since.
    assert {key: what for key, what in shown.items() if key not in hard} == \
        {key: what for key, what in expected.items() if key not in hard}
    for key in shown.keys() & hard:
        assert shown[key] == expected[key]
    shutil.rmtree(root)


def assert_stays_inside(text: str, depth: int) -> None:
    """No way through the link leads above the drive, nor through an absolute name that the sandbox has."""
    if text.startswith(links.NOWHERE):
        return
    assert not text.startswith("/")
    for name in text.split("/"):
        depth += -1 if name == ".." else 0 if name in ("", ".") else 1
        assert depth >= 0, text


HOSTILE = {
    "a file through a link": [("Files/out", {"type": b"2", "linkname": "/tmp"}), ("Files/out/x", {"data": b"!"})],
    "a file through a junction": [("Files/out", {"type": b"2", "linkname": "C:\\..\\..",
                                                 "pax_headers": {"MSWINDOWS.mountpoint": "1"}}),
                                  ("Files/OUT/x", {"data": b"!"})],
    "a folder over a link": [("Files/out", {"type": b"2", "linkname": "/tmp"}), ("Files/out", {"type": b"5"})],
    "a file below a file": [("Files/out", {"data": b"1"}), ("Files/out/x", {"data": b"!"})],
    "a folder that becomes a link": [("Files/out/x", {"data": b"1"}), ("Files/OUT", {"type": b"2", "linkname": "/"})],
    "a hard link that becomes a folder": [("Files/f", {}), ("Files/out", {"type": b"1", "linkname": "Files/f"}),
                                          ("Files/out/x", {"data": b"!"})],
    "C: itself a link": [("Files", {"type": b"2", "linkname": "/"})],
    "C: itself taken away": [(".wh.Files", {})],
    "dots": [("Files/../../x", {"data": b"!"})],
    "dots after backslashes": [("Files/a\\..\\..\\..\\x", {"data": b"!"})],
    "a whiteout of dots": [("Files/.wh...", {})],
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_layer_that_tries_to_get_out_is_refused_and_leaves_nothing(what: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        unpack(read(io.BytesIO(layers.tar(*HOSTILE[what]))), tmp_path / "store/made", lower=Merged([]))
    assert list((tmp_path / "store").iterdir()) == []


def test_a_hard_link_to_a_file_of_this_machine_or_through_a_link_gives_nothing(tmp_path: Path) -> None:
    lower = tmp_path / "lower"
    lower.mkdir()
    (lower / "out").symlink_to("/etc")
    made = unpack(read(io.BytesIO(layers.tar(
        ("Files/one", {"type": b"1", "linkname": "Files/out/passwd"}),
        ("Files/two", {"type": b"1", "linkname": "Files/out"}),
        ("Files/three", {"type": b"1", "linkname": "etc/passwd"}),
        ("Files/four", {"type": b"1", "linkname": "Files/four"}),
    ))), tmp_path / "made", lower=Merged([lower]))
    assert list(made.folder.iterdir()) == []
    assert [one.path for one in made.left_out] == ["Files/one", "Files/two", "Files/three", "Files/four"]


def test_names_take_the_spelling_of_what_is_below(tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    (drive / "windows/system32").mkdir(parents=True)
    (drive / "Program Files").mkdir()
    (drive / "windows/win.ini").write_bytes(b"")
    view = over([layers.tar(("Files/Windows/System32/New.dll", {}), ("Files/WINDOWS/Win.INI", {"data": b"1"}),
                            ("Files/PROGRAM FILES/App/a", {})),
                 layers.tar(("Files/program files/APP/b", {}), ("Files/Windows/SYSTEM32/NEW.DLL", {"data": b"2"}))],
                tmp_path, drive)
    assert ["/".join(path) for path, _ in view.walk()] == [
        "Program Files", "Program Files/App", "Program Files/App/a", "Program Files/App/b", "windows",
        "windows/system32", "windows/system32/New.dll", "windows/win.ini"]


def test_links_lead_to_what_is_there_as_it_is_spelt(tmp_path: Path) -> None:
    def link(target: str, attributes: int = 0x410, **more: str) -> dict[str, object]:
        return {"type": b"2", "linkname": target, "pax_headers": {"MSWINDOWS.fileattr": str(attributes), **more}}

    drive = tmp_path / "drive"
    (drive / "users/Public").mkdir(parents=True)
    (drive / "users/Public/f.txt").write_bytes(b"found")
    folder = unpack(read(io.BytesIO(layers.tar(
        ("Files/Users/a/to public", link("C:\\USERS\\PUBLIC")),
        ("Files/Users/a/file", link("..\\public\\F.TXT", 0x420)),
        ("Files/Users/a/junction", link("C:\\users\\Public", **{"MSWINDOWS.mountpoint": "1"})),
        ("Files/Users/a/self", link(".")), ("Files/root", link("C:\\")), ("Files/d", link("D:\\x")),
        ("Files/late/link", link("..\\Later\\Z.txt", 0x420)), ("Files/Later/z.txt", {"data": b"z"}),
    ))), tmp_path / "made", lower=Merged([drive])).folder
    shutil.copytree(folder, drive, symlinks=True, dirs_exist_ok=True)
    assert (drive / "users/a/to public/f.txt").read_bytes() == b"found"
    assert (drive / "users/a/file").read_bytes() == b"found"
    assert (drive / "users/a/junction/f.txt").read_bytes() == b"found"
    assert (drive / "users/a/self").resolve() == drive / "users/a"
    assert (drive / "root").resolve() == drive
    assert (drive / "late/link").read_bytes() == b"z"
    assert os.readlink(drive / "d") == "/nowhere/D:\\x/"  # noqa: PTH115 - pathlib drops the slash


def test_a_whiteout_where_nothing_below_is_seen_is_not_made(tmp_path: Path) -> None:
    """The kernel lists it as a file in a folder that it does not merge."""
    drive = tmp_path / "drive"
    (drive / "d/sub").mkdir(parents=True)
    (drive / "d/sub/x").write_bytes(b"")
    folder = unpack(read(io.BytesIO(layers.tar(
        ("Files/.wh.d", {}), ("Files/d/sub/.wh.x", {}), ("Files/new/.wh.y", {}), ("Files/.wh.z", {}),
    ))), tmp_path / "made", lower=Merged([drive])).folder
    assert [str(path.relative_to(folder)) for path in sorted(folder.rglob("*"))] == ["d", "d/sub", "new"]


def test_times_modes_attributes_and_hard_links_are_kept(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        folder = unpack(read(io.BytesIO(layers.tar(
            ("Files/d", {"type": b"5", "mtime": 1_000_000_000}), ("Files/d/f", {"data": b"1", "mtime": 1_100_000_000}),
            ("Files/d/g", {"type": b"1", "linkname": "Files/D/F"}),
            ("Files/r", {"pax_headers": {"MSWINDOWS.fileattr": "33"}}),
            ("Files/h", {"pax_headers": {"MSWINDOWS.fileattr": "34"}}),
        ))), tmp_path / "made", lower=Merged([])).folder
    finally:
        os.umask(old)
    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("", "d", "d/f", "r", "h")}
    assert modes == {"": 0o755, "d": 0o755, "d/f": 0o644, "r": 0o444, "h": 0o644}
    assert (folder / "d").stat().st_mtime == 1_000_000_000
    assert (folder / "d/f").stat().st_mtime == 1_100_000_000
    assert (folder / "d/f").stat().st_ino == (folder / "d/g").stat().st_ino
    assert os.getxattr(folder / "h", "user.DOSATTRIB") == b"0x22"
    assert os.listxattr(folder / "r") == []


def test_what_this_machine_cannot_have_is_left_out_and_told(tmp_path: Path) -> None:
    made = unpack(read(io.BytesIO(layers.tar(
        ("Files/" + "ä" * 200, {}), ("Files/" + "ä" * 127, {}), ("Files/a.txt:stream", {}),
        ("Files/" + "é" * 200 + "/below", {}), ("Files/what?", {}), ("Files/con", {}), ("Files/end. ", {}),
    ))), tmp_path / "made", lower=Merged([]))
    assert names(made.folder) == ["con", "end. ", "what?", "ä" * 127]
    assert [one.path[:20] for one in made.left_out] == ["Files/" + "ä" * 14, "Files/a.txt:stream", "Files/" + "é" * 14]
    assert made.left_out_count == 3


def test_hives_and_the_utility_vm_are_no_files_of_a_container(tmp_path: Path) -> None:
    made = unpack(read(io.BytesIO(layers.tar(
        ("Files", {"type": b"5"}), ("Hives/System_Delta", {"data": b"x"}), ("UtilityVM/Files/x", {}),
        ("files/x", {})))), tmp_path / "made", lower=Merged([]))
    assert names(made.folder) == ["x"]


def test_a_folder_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    first = unpack(read(io.BytesIO(layers.tar(("Files/x", {"data": b"12"})))), tmp_path / "made", lower=Merged([]))
    assert (first.made, first.files, first.size) == (True, 1, 2)
    assert unpack(iter(()), tmp_path / "made", lower=Merged([])) == Unpacked(tmp_path / "made", made=False)
    assert names(tmp_path / "made") == ["x"]


def test_of_two_that_unpack_at_once_both_get_the_whole_folder(tmp_path: Path) -> None:
    blob, ready, results = layers.tar(*((f"Files/{number}", {}) for number in range(50))), threading.Barrier(2), []

    def entries() -> Iterator[tuple[Entry, object]]:
        ready.wait()
        yield from read(io.BytesIO(blob))
        ready.wait()

    def work() -> None:
        results.append(unpack(entries(), tmp_path / "made", lower=Merged([])).made)  # type: ignore[arg-type]

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, True]
    assert len(names(tmp_path / "made")) == 50
    assert names(tmp_path) == ["made"]


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_makes_is_not(tmp_path: Path) -> None:
    code = ("import sys, time\nfrom pathlib import Path\nfrom imagebuild.runtime.scratch import made_whole\n"
            "with made_whole(Path(sys.argv[1])) as place:\n"
            "    (place.path / 'd').mkdir(); print('ready', flush=True); time.sleep(60)\n")
    with subprocess.Popen([sys.executable, "-c", code, tmp_path / "made"], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        sweep(tmp_path)
        assert len(names(tmp_path)) == 1
        other.kill()
    sweep(tmp_path)
    assert names(tmp_path) == []


def test_a_full_disk_or_a_damaged_layer_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = layers.tar(("Files/a", {"data": b"1" * 2000}), ("Files/b", {"data": b"1" * 2000}))
    with pytest.raises(FormatError):
        unpack(read(io.BytesIO(blob[:3000])), tmp_path / "made", lower=Merged([]))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match="No space left"):
        unpack(read(io.BytesIO(blob)), tmp_path / "made", lower=Merged([]))
    assert names(tmp_path) == []


def test_everything_belongs_to_the_owner(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away")
    drive = tmp_path / "drive"
    (drive / "gone").mkdir(parents=True)
    blob = layers.tar(("Files/d/f", {}), ("Files/l", {"type": b"2", "linkname": "d"}), ("Files/.wh.gone", {}))
    made = unpack(read(io.BytesIO(blob)), tmp_path / "made", lower=Merged([drive]), owner=65534)
    found = [made.folder, *made.folder.rglob("*")]
    assert len(found) == 5
    assert {path.lstat().st_uid for path in found} == {65534}


def test_a_chain_names_a_layer_and_all_below() -> None:
    assert chain("template", "sha256:1") != chain("other", "sha256:1")
    assert chain(chain("template", "sha256:1"), "sha256:2") == chain(chain("template", "sha256:1"), "sha256:2")
    assert len(chain("", "")) == 64
