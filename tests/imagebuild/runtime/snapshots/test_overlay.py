# SPDX-License-Identifier: Apache-2.0
"""What a container leaves in its overlay is removed by its owner, whatever permissions it has."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, users
from support.users import User

from imagebuild.errors import StoreError
from imagebuild.runtime.descent import Descent
from imagebuild.runtime.snapshots import overlay

REMOVE = """
import os, sys
from pathlib import Path
from imagebuild.runtime.snapshots import overlay
root = Path(sys.argv[1])
for path, mode in eval(sys.argv[2]):
    (root / path).mkdir(parents=True, exist_ok=True)
for path, mode in eval(sys.argv[2]):
    (root / path).chmod(mode)
folder = os.open(root, os.O_RDONLY)
overlay.remove(folder, "box")
print(sorted(os.listdir(root)), oct((root / "kept").stat().st_mode & 0o777))
"""
"""Run by a user without rights, whom permissions hold."""


@pytest.fixture
def user() -> User:
    with programs.skipping():
        return users.ordinary()


@pytest.fixture
def root(user: User) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=user.home) as folder:
        made = user.own(Path(folder))
        (made / "kept").mkdir()
        kept = user.own(made / "kept")
        (kept / "file").write_bytes(b"x")
        kept.chmod(0o500)
        yield made
        kept.chmod(0o700)


@pytest.mark.parametrize("modes", [
    [("box/work/work", 0)],
    [("box/upper/a/b", 0), ("box/upper/a", 0o100), ("box", 0)],
    [("box/upper/a", 0o444), ("box/upper", 0o500)],
], ids=["the work folder of the kernel", "folders in folders", "what can be listed and not entered"])
def test_a_user_removes_its_folders_that_permit_nothing(user: User, root: Path, modes: list[tuple[str, int]]) -> None:
    assert user.run(REMOVE, root, repr(modes)).strip() == "['kept'] 0o500"


def test_what_a_link_points_at_keeps_its_permissions_and_content(user: User, root: Path) -> None:
    (root / "box").mkdir()
    (user.own(root / "box") / "link").symlink_to(root / "kept")
    assert user.run(REMOVE, root, "[]").strip() == "['kept'] 0o500"
    assert (root / "kept" / "file").read_bytes() == b"x"


DEEP = """
import os, resource, sys
from pathlib import Path
from imagebuild.runtime.snapshots import overlay
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
here = top = os.open(sys.argv[1], os.O_RDONLY)
for _ in range(3000):
    os.mkdir("box", dir_fd=here)
    Path(f"/proc/self/fd/{here}/file").write_bytes(b"xy")
    inner = os.open("box", os.O_RDONLY, dir_fd=here)
    if here != top:
        os.close(here)
    here = inner
os.close(here)
print(sum(one.st_size for one in overlay.sizes(Path(sys.argv[1], "box"))))
overlay.remove(top, "box")
print(sorted(os.listdir(top)))
"""
"""With fewer descriptors than the tree has levels, and more levels than Python has frames."""


@pytest.mark.parametrize("kind", [users.ROOT, users.USER])
def test_a_tree_of_three_thousand_folders_is_counted_and_removed(kind: str) -> None:
    with programs.skipping():
        account = users.find(kind)
    with account.folder() as folder:
        assert account.run(DEEP, folder).split("\n")[:2] == ["5998", "['file']"]


FOREIGN = """
import os, sys
from pathlib import Path
from imagebuild.runtime.snapshots import overlay
from imagebuild.runtime.wine import folder
root = Path(sys.argv[1])
try:
    overlay.remove_path(root)
except OSError as error:
    print(type(error).__name__)
folder.remove(root)
print(sorted(str(one.relative_to(root)) for one in root.rglob("*")))
"""


def test_what_cannot_be_removed_is_left_and_all_else_goes(user: User, root: Path) -> None:
    """A folder of root's, in which the user may remove nothing."""
    box = root / "box"
    for name in ("a/one", "a/foreign", "z/deep"):
        (box / name).mkdir(parents=True)
    for one in (box, *box.rglob("*")):
        user.own(one)
        (one / "file").write_bytes(b"x")
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder to another account")
    os.chown(box / "a" / "foreign", 0, 0)
    assert user.run(FOREIGN, box).split("\n")[:2] == ["PermissionError", "['a', 'a/foreign', 'a/foreign/file']"]


def test_sizes_follow_no_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_bytes(b"x" * 1000)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    assert [one.st_size for one in overlay.sizes(tmp_path / "in")] == [len(str(tmp_path / "out"))]


def test_a_folder_that_was_moved_away_is_not_left_by_its_new_parent(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with Descent(os.open(tmp_path / "a", os.O_RDONLY)) as place:
        place.down("b")
        (tmp_path / "a" / "b").rename(tmp_path / "b")
        with pytest.raises(OSError, match="moved"):
            place.up()


def test_a_small_file_is_read_and_no_more_than_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"four")
    assert overlay.read_small(tmp_path / "file", 4) == b"four"
    with pytest.raises(StoreError, match="more than"):
        overlay.read_small(tmp_path / "file", 3)


def test_a_pipe_or_a_link_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(StoreError, match="not a plain file"):
        overlay.read_small(tmp_path / "pipe", 4)
    with pytest.raises(StoreError, match="cannot read"):
        overlay.read_small(tmp_path / "link", 4)


@pytest.mark.parametrize("number", [errno.EIO, errno.EBADF])
def test_a_mark_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                          number: int) -> None:
    """The files that it hides would be there again."""
    def broken(*_words: object) -> bytes:
        raise OSError(number, os.strerror(number))

    with overlay.opened(tmp_path, ()) as folder:
        assert folder is not None
        assert overlay.opacity(folder) == b""
        monkeypatch.setattr(os, "getxattr", broken)
        with pytest.raises(OSError, match=re.escape(os.strerror(number))):
            overlay.opacity(folder)
