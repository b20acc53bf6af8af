# SPDX-License-Identifier: Apache-2.0
"""What a container leaves in its overlay is removed by its owner, whatever permissions it has."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, users
from support.users import User

REMOVE = """
import os, sys
from pathlib import Path
from imagebuild.sandbox import overlay
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
