# SPDX-License-Identifier: Apache-2.0
"""``docker cp``: tars out of a container and into it, and never past its drive."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import layers

from imagebuild.errors import FormatError, InputError, NotFoundError, UnsupportedError, WcowError
from imagebuild.runtime.snapshots.archive import MODE_FOLDER, MODE_LINK, Asked, PathStat
from imagebuild.runtime.snapshots.archive import read as read_archive
from imagebuild.runtime.snapshots.archive import stat as stat_archive
from imagebuild.runtime.snapshots.archive_write import write
from imagebuild.runtime.snapshots.changes import How, changes
from imagebuild.runtime.snapshots.drive import Drive
from imagebuild.runtime.snapshots.merged import Merged, Parts
from imagebuild.runtime.snapshots.overlay import Sort, make_whiteout, opened


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Wine's drive, a layer and an upper folder, and beside them what nobody may touch."""
    (tmp_path / "drive/windows").mkdir(parents=True)
    (tmp_path / "layer/App/sub").mkdir(parents=True)
    (tmp_path / "layer/App/a.txt").write_bytes(b"lower")
    (tmp_path / "layer/App/sub/b").write_bytes(b"b")
    (tmp_path / "upper").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_bytes(b"secret")
    return tmp_path


def drive(root: Path) -> Drive:
    return Drive(Merged([root / "drive", root / "layer", root / "upper"]))


def read(of: Drive, path: Parts, **options: bool) -> bytes:
    return b"".join(read_archive(of, Asked(path, path[-1] if path else "\\"), **options))


def stat(of: Drive, path: Parts) -> PathStat:
    return stat_archive(of, Asked(path, path[-1] if path else "\\"))


def members(data: bytes) -> dict[str, bytes | str | None]:
    out: dict[str, bytes | str | None] = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            out[member.name] = content.read() if content is not None else member.linkname or None
    return out


def put(root: Path, path: tuple[str, ...], *content: tuple[str, dict[str, object]], **options: bool) -> int:
    return write(drive(root), path, io.BytesIO(layers.tar(*content)), **options)


def test_a_folder_is_read_as_the_container_sees_it_in_any_case_by_the_name_that_was_asked(root: Path) -> None:
    (root / "upper/App").mkdir()
    (root / "upper/App/new").write_bytes(b"n" * 3000)
    with opened(root / "upper/App", ()) as folder:
        assert folder is not None
        make_whiteout(folder, "a.txt")
    os.mkfifo(root / "upper/App/pipe")
    assert members(read(drive(root), ("APP",))) == {
        "APP": None, "APP/new": b"n" * 3000, "APP/sub": None, "APP/sub/b": b"b"}
    assert members(read(drive(root), ("app", "SUB", "B"))) == {"B": b"b"}
    assert members(b"".join(read_archive(drive(root), Asked(("app", "sub"), ".", folder=True)))) == {
        ".": None, "./b": b"b"}
    assert "/windows" in members(read(drive(root), ()))
    for missing in (("app", "a.txt"), ("app", "pipe"), ("nothing", "here"), ("app", "sub", "b", "c")):
        with pytest.raises(NotFoundError):
            read(drive(root), missing)


def test_a_path_has_the_size_and_mode_that_windows_tells(root: Path) -> None:
    (root / "layer/App/a.txt").chmod(0o444)
    (root / "upper/link").symlink_to("./App/.")
    os.utime(root / "layer/App/a.txt", ns=(5, 5))
    found = stat(drive(root), ("app", "A.TXT"))
    assert (found.name, found.size, found.mode, found.modified, found.target) == ("A.TXT", 5, 0o444, 5, "")
    assert stat(drive(root), ("app", "sub", "b")).mode == 0o666
    assert stat(drive(root), ("APP",)).mode == MODE_FOLDER | 0o777
    assert stat(drive(root), ()).name == "\\"
    link = stat(drive(root), ("LINK",))
    assert (link.mode, link.target) == (MODE_LINK | 0o777, "\\App")
    assert stat(drive(root), ("link", "a.txt")).size == 5


def test_what_is_put_goes_to_the_upper_folder_and_over_what_is_there(root: Path) -> None:
    assert put(root, ("APP",), ("A.TXT", {"data": b"new"}), ("Deep/er/f", {"data": b"1", "mode": 0o444}),
               ("SUB", {"type": b"5"}), ("sub/c", {"data": b"c"})) == 4
    assert (root / "layer/App/a.txt").read_bytes() == b"lower"
    assert members(read(drive(root), ("app",))) == {
        "app": None, "app/Deep": None, "app/Deep/er": None, "app/Deep/er/f": b"1", "app/a.txt": b"new",
        "app/sub": None, "app/sub/b": b"b", "app/sub/c": b"c"}
    told = [("/".join(change.path), change.how) for change in changes(
        root / "upper", Merged([root / "drive", root / "layer"]))]
    assert ("App/a.txt", How.MODIFIED) in told
    assert ("App/Deep/er/f", How.ADDED) in told


def test_what_was_deleted_does_not_come_back_with_a_folder_of_its_name(root: Path) -> None:
    with opened(root / "upper", ()) as folder:
        assert folder is not None
        make_whiteout(folder, "App")
    put(root, (), ("app/x", {"data": b"x"}))
    assert members(read(drive(root), ("app",))) == {"app": None, "app/x": b"x"}
    assert os.getxattr(root / "upper/app", "user.overlay.opaque") == b"y"


def test_a_folder_gives_way_to_a_file_only_when_it_may(root: Path) -> None:
    with pytest.raises(InputError, match=r'cannot overwrite directory "C:\\App" with non-directory'):
        put(root, (), ("app", {"data": b"x"}), replace_folders=False)
    with pytest.raises(InputError, match=r'cannot overwrite non-directory "C:\\App\\a.txt" with directory'):
        put(root, ("app",), ("a.txt/x", {"data": b"x"}), replace_folders=False)
    put(root, (), ("app", {"data": b"x"}))
    assert members(read(drive(root), ("app",))) == {"app": b"x"}
    put(root, (), ("app/y", {"data": b"y"}))
    assert members(read(drive(root), ("app",))) == {"app": None, "app/y": b"y"}


def test_links_and_hard_links_of_a_tar_stay_on_the_drive(root: Path) -> None:
    put(root, ("app",), ("f", {"data": b"f"}), ("g", {"type": b"1", "linkname": "f"}),
        ("l", {"type": b"2", "linkname": "C:\\APP\\SUB"}), ("up", {"type": b"2", "linkname": "../../../App/a.txt"}),
        ("l/through", {"data": b"t"}))
    assert (root / "upper/App/g").read_bytes() == b"f"
    assert (root / "upper/App/sub/through").read_bytes() == b"t"
    assert stat(drive(root), ("app", "up")).target == "\\App\\a.txt"
    for bad in ({"type": b"2", "linkname": "D:\\x"}, {"type": b"1", "linkname": "../../outside/secret"},
                {"type": b"1", "linkname": "missing"}):
        with pytest.raises(InputError):
            put(root, ("app",), ("bad", dict(bad)))


@pytest.mark.parametrize("text", ["{outside}", "../outside", "../../../../../../..{outside}",
                                  "/proc/self/root{outside}"])
def test_a_link_that_a_program_made_to_this_machine_leads_nowhere(root: Path, text: str) -> None:
    (root / "upper/out").symlink_to(text.format(outside=root / "outside"))
    before = sorted((path.name, path.read_bytes()) for path in (root / "outside").iterdir())
    for path in (("out", "secret"), ("OUT", "secret")):
        with pytest.raises(NotFoundError):
            read(drive(root), path)
    for name in ("out/planted", "out", "out/secret"):
        try:
            put(root, (), (name, {"data": b"!"}))
        except WcowError:
            continue
    assert sorted((path.name, path.read_bytes()) for path in (root / "outside").iterdir()) == before
    assert {path.name for path in root.iterdir()} == {"drive", "layer", "upper", "outside"}


@pytest.mark.parametrize(("name", "values", "error"), [
    ("../x", {}, InputError), ("a/../../x", {}, InputError), ("a\\..\\..\\x", {}, InputError),
    ("nul", {}, UnsupportedError), ("a:b", {}, UnsupportedError), ("x.", {}, UnsupportedError),
    ("pipe", {"type": b"6"}, UnsupportedError), ("dev", {"type": b"3"}, UnsupportedError)])
def test_what_windows_cannot_have_is_refused(root: Path, name: str, values: dict[str, object],
                                             error: type[WcowError]) -> None:
    with pytest.raises(error):
        put(root, (), (name, dict(values)))
    assert list((root / "upper").iterdir()) == []


def test_the_folder_must_be_there_and_the_tar_a_tar(root: Path) -> None:
    with pytest.raises(NotFoundError):
        put(root, ("nothing",))
    with pytest.raises(InputError, match="extraction point is not a directory"):
        put(root, ("app", "a.txt"))
    good = layers.tar(("x", {"data": b"1" * 5000}))
    for bad in (b"what", good[:2000], b"\x1f\x8b" + good, b"BZh9" + good[:600]):
        with pytest.raises(FormatError):
            write(drive(root), (), io.BytesIO(bad))


def test_a_running_container_is_written_to_through_its_mounted_drive(root: Path) -> None:
    mounted = Drive(Merged([root / "layer"]))
    write(mounted, ("app",), io.BytesIO(layers.tar(("SUB/x/y", {"data": b"y"}), ("A.txt", {"data": b"2"}))))
    assert (root / "layer/App/sub/x/y").read_bytes() == b"y"
    assert (root / "layer/App/a.txt").read_bytes() == b"2"
    assert os.listxattr(root / "layer/App/sub/x") == []


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="archive."))
    yield made
    shutil.rmtree(made)


NAMES = st.sampled_from(["a", "A", "b", "c.txt", "..", "link", "out"])
ENTRIES = st.lists(st.tuples(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join),
    st.one_of(st.just({"data": b"!"}), st.just({"type": b"5"}),
              st.builds(lambda target: {"type": b"2", "linkname": target}, st.sampled_from(
                  ["..", "/", "../../..", "a", "C:\\a\\b", "out", "C:\\out\\x", "link", "b/.", "/etc"])),
              st.builds(lambda target: {"type": b"1", "linkname": target},
                        st.sampled_from(["a", "a/b", "out/secret"])))), max_size=8)


@settings(deadline=None, max_examples=200)
@given(st.lists(ENTRIES, min_size=1, max_size=3))
def test_no_tar_gets_out_and_what_was_put_is_seen(place: Path, tars: list[list[tuple[str, dict[str, object]]]]) -> None:
    root = Path(tempfile.mkdtemp(dir=place))
    (root / "lower/a").mkdir(parents=True)
    (root / "upper").mkdir()
    (root / "outside").mkdir()
    (root / "outside/secret").write_bytes(b"secret")
    (root / "upper/out").symlink_to(root / "outside")
    view = Merged([root / "lower", root / "upper"])
    for content in tars:
        with suppress(WcowError):
            write(Drive(view), (), io.BytesIO(layers.tar(*((name, dict(values)) for name, values in content))))
        fresh = Merged([root / "lower", root / "upper"])
        assert dict(view.walk()) == dict(fresh.walk()), "the view was kept up to date"
        for path, node in fresh.walk():
            if node.sort is Sort.FILE:
                assert b"secret" not in read(Drive(fresh), path)
    assert [path.name for path in (root / "outside").iterdir()] == ["secret"]
    assert (root / "outside/secret").read_bytes() == b"secret"
    assert list((root / "lower").rglob("*")) == [root / "lower/a"]
    assert {path.name for path in root.iterdir()} == {"lower", "upper", "outside"}
    shutil.rmtree(root)
