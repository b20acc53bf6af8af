# SPDX-License-Identifier: Apache-2.0
"""What a container changed, told from its upper folder: whatever stands there, nothing of this machine is touched."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import users

from imagebuild.errors import NotFoundError
from imagebuild.layer import Kind
from imagebuild.runtime.snapshots.changes import Changed, How, changes, open_content
from imagebuild.runtime.snapshots.merged import Merged, Parts
from imagebuild.runtime.snapshots.overlay import Sort, make_whiteout, opened
from imagebuild.windows.upcase import fold

NAMES = st.sampled_from(["a", "A", "b", "Cc", "d"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
TREES = st.lists(st.tuples(PATHS, st.sampled_from(["file", "file", "folder", "link", "whiteout", "opaque", "pipe"])),
                 max_size=10)


def plant(root: Path, tree: list[tuple[tuple[str, ...], str]], text: str, *, upper: bool = False) -> None:
    """A folder with these things, as far as each finds its place."""
    root.mkdir(parents=True, exist_ok=True)
    spelling: dict[Parts, str] = {}  # below, names differ by more than case: unpacking sees to it
    for path, what in tree:
        place = root
        for at, name in enumerate(path):
            place /= name if upper else spelling.setdefault(tuple(map(fold, path[:at + 1])), name)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if any(parent.is_symlink() for parent in place.parents) or place.exists() or place.is_symlink():
                continue
        except OSError:
            continue
        if not upper and what in ("whiteout", "opaque", "pipe"):
            continue
        if what == "file":
            place.write_text(f"{text} {path}")
        elif what == "link":
            place.symlink_to("/etc")
        elif what == "pipe":
            os.mkfifo(place)
        elif what == "whiteout":
            with opened(place.parent, ()) as folder:
                assert folder is not None
                make_whiteout(folder, place.name)
        else:
            place.mkdir()
            if what == "opaque":
                os.setxattr(place, "user.overlay.opaque", b"y")


def seen(view: Merged) -> dict[Parts, tuple[Sort, bytes]]:
    out = {}
    for path, node in view.walk():
        file = view.place(node).joinpath(*path)
        out[tuple(map(fold, path))] = (node.sort, file.read_bytes() if node.sort is Sort.FILE else b"")
    return out


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="changes."))
    yield root
    shutil.rmtree(root)


@settings(deadline=None, max_examples=150)
@given(TREES, TREES)
def test_the_changes_laid_over_what_was_there_are_what_is_seen(
        place: Path, below: list[tuple[tuple[str, ...], str]], above: list[tuple[tuple[str, ...], str]]) -> None:
    root = Path(tempfile.mkdtemp(dir=place))
    plant(root / "lower", below, "lower")
    plant(root / "upper", above, "upper", upper=True)
    lower, both = Merged([root / "lower"]), Merged([root / "lower", root / "upper"])
    skipped: list[str] = []
    told = list(changes(root / "upper", lower, skipped=lambda path, why: skipped.append(path)))
    state = seen(lower)
    for change in told:
        key = tuple(map(fold, change.path))
        kind = Sort.FOLDER if change.kind is Kind.DIRECTORY else Sort.FILE
        if change.how is How.DELETED:
            assert key in state
        if change.how is How.ADDED:
            assert key not in state
        if change.how is How.DELETED or kind is not Sort.FOLDER:
            state = {path: what for path, what in state.items() if path[:len(key)] != key}
        if change.how is not How.DELETED:
            assert key[:-1] == () or state[key[:-1]][0] is Sort.FOLDER, "a folder comes before what is in it"
            state[key] = (kind, b"")
            if kind is Sort.FILE:
                with open_content(root / "upper", change.path) as file:
                    state[key] = (kind, file.read())
    wanted = seen(both)
    unclear = {tuple(map(fold, path.split("\\")[1:])) for path in skipped}
    # Where a name has several spellings, or is a pipe or a link out of C:, only one or none is told.
    for one in (state, wanted):
        for path in [path for path in one if any(path[:len(odd)] == odd for odd in unclear)]:
            del one[path]
    assert state == wanted
    shutil.rmtree(root)


def tell(upper: Path, *lower: Path) -> list[tuple[str, How, Kind, str]]:
    return [("/".join(change.path), change.how, change.kind, change.target)
            for change in changes(upper, Merged(lower))]


def test_a_fresh_container_has_no_changes(tmp_path: Path) -> None:
    (tmp_path / "lower/users").mkdir(parents=True)
    (tmp_path / "upper/users").mkdir(parents=True)  # a parent copied up for something that is gone again
    assert tell(tmp_path / "upper", tmp_path / "lower") == []
    assert tell(tmp_path / "missing", tmp_path / "lower") == []


def test_files_folders_whiteouts_and_links_are_told_as_windows_knows_them(tmp_path: Path) -> None:
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    plant(lower, [(("app", "old.txt"), "file"), (("app", "same.txt"), "file"), (("gone",), "folder"),
                  (("again", "deep", "x"), "file")], "lower")
    plant(upper, [(("app", "old.txt"), "whiteout"), (("app", "same.txt"), "file"), (("app", "new"), "file"),
                  (("gone",), "whiteout"), (("never",), "whiteout"), (("again",), "opaque"), (("again", "y"), "file")],
          "upper", upper=True)
    os.link(upper / "app/new", upper / "app/other")
    for name, text in (("file", "./../app/new"), ("folder", "new/"), ("junction", "./../app/."),
                       ("d", "/nowhere/D:\\x/"), ("plain", "../app"), ("out", "/etc"),
                       ("in", "/prefix/drive_c/app/new")):
        os.symlink(text, upper / "app" / name)  # noqa: PTH211 - pathlib drops the slash
    added, modified, deleted = How.ADDED, How.MODIFIED, How.DELETED
    assert tell(upper, lower) == [
        ("again", modified, Kind.DIRECTORY, ""), ("again/deep", deleted, Kind.WHITEOUT, ""),
        ("again/y", added, Kind.FILE, ""), ("app", modified, Kind.DIRECTORY, ""),
        ("app/d", added, Kind.DIRECTORY_SYMLINK, "D:\\x"), ("app/file", added, Kind.SYMLINK, "C:\\app\\new"),
        ("app/folder", added, Kind.DIRECTORY_SYMLINK, "new"), ("app/in", added, Kind.SYMLINK, "C:\\app\\new"),
        ("app/junction", added, Kind.JUNCTION, "C:\\app"), ("app/new", added, Kind.FILE, ""),
        ("app/old.txt", deleted, Kind.WHITEOUT, ""), ("app/other", added, Kind.HARD_LINK, "Files/app/new"),
        ("app/plain", added, Kind.DIRECTORY_SYMLINK, "..\\app"), ("app/same.txt", modified, Kind.FILE, ""),
        ("gone", deleted, Kind.WHITEOUT, "")]


def test_what_windows_does_not_know_is_skipped_and_told(tmp_path: Path) -> None:
    upper = tmp_path / "upper"
    upper.mkdir()
    os.mkfifo(upper / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(upper / "socket"))
    for name in ("NUL.txt", "a:b", "trailing.", ".wh.x", "Same", "same", "fine"):
        (upper / name).write_bytes(b"")
    (upper / "out").symlink_to("/etc/shadow")
    (upper / b"\xff".decode("utf-8", "surrogateescape")).write_bytes(b"")
    told: list[str] = []
    found = [change.path for change in changes(upper, Merged([tmp_path]), skipped=lambda path, why: told.append(path))]
    assert found == [("fine",), ("Same",)]
    assert sorted(told) == ["C:\\.wh.x", "C:\\NUL.txt", "C:\\a:b", "C:\\out", "C:\\pipe", "C:\\same", "C:\\socket",
                            "C:\\trailing."]


def test_content_is_not_read_through_links_nor_from_pipes(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    upper = tmp_path / "upper"
    (upper / "d").mkdir(parents=True)
    (upper / "d/f").write_bytes(b"fine")
    (upper / "link").symlink_to(tmp_path)
    (upper / "d/file").symlink_to(tmp_path / "secret")
    os.mkfifo(upper / "pipe")
    with open_content(upper, ("d", "f")) as file:
        assert file.read() == b"fine"
    for path in (("link", "secret"), ("d", "file"), ("pipe",), ("missing",), ("d",)):
        with pytest.raises(NotFoundError):
            open_content(upper, path)


def test_a_folder_that_was_renamed_in_case_only_loses_nothing(tmp_path: Path) -> None:
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    plant(lower, [(("foo", "kept"), "file"), (("foo", "dropped"), "file")], "lower")
    plant(upper, [(("foo",), "whiteout"), (("Foo", "kept"), "file")], "upper", upper=True)
    assert tell(upper, lower) == [("Foo", How.MODIFIED, Kind.DIRECTORY, ""),
                                  ("Foo/dropped", How.DELETED, Kind.WHITEOUT, ""),
                                  ("Foo/kept", How.MODIFIED, Kind.FILE, "")]


def test_attributes_are_told_and_those_of_a_folder_are_a_change(tmp_path: Path) -> None:
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    for root in (lower, upper):
        (root / "d").mkdir(parents=True)
    os.setxattr(upper / "d", "user.DOSATTRIB", b"0x2")
    (upper / "f").write_bytes(b"")
    (upper / "f").chmod(0o444)
    found = [(change.path, change.attributes) for change in changes(upper, Merged([lower]))]
    assert found == [(("d",), 2), (("f",), 1)]
    os.setxattr(lower / "d", "user.DOSATTRIB", b"0x2")
    assert [change.path for change in changes(upper, Merged([lower]))] == [("f",)]


def test_mount_points_are_not_the_containers_doing_until_something_is_put_beneath(tmp_path: Path) -> None:
    (tmp_path / "upper/Example").mkdir(parents=True)
    (tmp_path / "upper/x").mkdir()
    found = list(changes(tmp_path / "upper", Merged([tmp_path / "lower"]), ignore=[("example",)]))
    assert [change.path for change in found] == [("x",)]
    assert isinstance(found[0], Changed)
    (tmp_path / "upper/Example/copied").write_bytes(b"x")
    found = list(changes(tmp_path / "upper", Merged([tmp_path / "lower"]), ignore=[("example",)]))
    assert [change.path for change in found] == [("Example",), ("Example", "copied"), ("x",)]


def test_whiteouts_made_of_marks_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lower, upper = tmp_path / "lower", tmp_path / "upper"
    plant(lower, [(("d", "x"), "file"), (("d", "y"), "file")], "lower")

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "mknod", forbidden)
    plant(upper, [(("d", "x"), "whiteout"), (("d", "empty"), "file")], "", upper=True)
    assert (upper / "d/x").is_file()
    assert tell(upper, lower)[1:] == [("d/empty", How.ADDED, Kind.FILE, ""), ("d/x", How.DELETED, Kind.WHITEOUT, "")]
    assert [path for path, _ in Merged([lower, upper]).walk()] == [("d",), ("d", "empty"), ("d", "y")]


DEEP = """
import os, resource, sys
from pathlib import Path
from imagebuild.runtime.snapshots import overlay
from imagebuild.runtime.snapshots.changes import changes
from imagebuild.runtime.snapshots.merged import Merged
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
root = Path(sys.argv[1])
(root / "low").mkdir()
here = os.open(root, os.O_RDONLY)
for name in ["up"] + ["d"] * 1100:
    os.mkdir(name, dir_fd=here)
    inner = os.open(name, os.O_RDONLY, dir_fd=here)
    os.close(here)
    here = inner
os.close(here)
told = []
found = list(changes(root / "up", Merged((root / "low",)), skipped=lambda path, why: told.append(why)))
print(len(found), len(found[-1].path), told)
overlay.remove_path(root / "up")
"""


def test_more_levels_than_python_has_frames_are_told_and_too_deep_ones_skipped() -> None:
    account = users.find(users.USER if os.geteuid() else users.ROOT)
    with account.folder() as folder:
        told = account.run(DEEP, folder).strip()
    assert told == "1023 1023 ['its path is too long for a layer']"
