# SPDX-License-Identifier: Apache-2.0
"""The modes of the engine's folder: of a new one, and of one that an earlier version left open."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.engines import make, new, opened, run

from imagebuild.engine import modes
from imagebuild.errors import StoreError
from imagebuild.runtime.linux.account import Account

GROUP = 54321
PASSES = Account(GROUP, GROUP, True)
HIMSELF = Account(os.geteuid(), os.getegid(), False)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    kept = os.umask(0)  # the worst that a user can have
    yield
    os.umask(kept)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def _old(root: Path) -> None:
    """What an earlier version left."""
    for folder in ("containers/abc/box/upper", "volumes/vol/_data", "images/blobs", "networks", "layers/l"):
        (root / folder).mkdir(parents=True)
    for file in ("engine.json", "engine.log", "containers/abc/container.json", "containers/abc/output",
                 "volumes/vol/volume.json", "networks/n.json", "volumes/vol/_data/theirs.json"):
        (root / file).write_text("{}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders to a group that it is not in")
def test_roots_folders_are_passed_through_by_the_group_of_boxes_and_listed_by_no_other_account(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "choose", lambda: PASSES)
    _old(tmp_path)
    modes.claim(tmp_path)
    for name in ("", "containers", "containers/abc", "volumes", "volumes/vol", "layers"):
        assert (_mode(tmp_path / name), (tmp_path / name).stat().st_gid) == (0o710, GROUP), name
    for name in ("images", "networks", "cache", "tmp", "registries"):
        assert (_mode(tmp_path / name), (tmp_path / name).stat().st_gid) == (0o700, 0), name


def test_a_users_folders_are_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "choose", lambda: HIMSELF)
    _old(tmp_path)
    modes.claim(tmp_path)
    for rule in modes.FOLDERS:
        for path in [tmp_path] if not rule.pattern else tmp_path.glob(rule.pattern):
            assert _mode(path) == 0o700, path


def test_records_are_closed_and_what_programs_wrote_is_left_as_it_is(tmp_path: Path) -> None:
    _old(tmp_path)
    modes.claim(tmp_path)
    for name in ("engine.json", "engine.log", "layers.lock", "containers/abc/container.json", "containers/abc/output",
                 "volumes/vol/volume.json", "networks/n.json"):
        assert _mode(tmp_path / name) == 0o600, name
    assert _mode(tmp_path / "volumes/vol/_data/theirs.json") == 0o666
    assert _mode(tmp_path / "volumes/vol/_data") == 0o777
    assert os.umask(0) == modes.UMASK


def test_a_link_is_not_followed_out_of_the_folder_but_for_the_users_own(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (outside / "layers").mkdir(parents=True)
    (outside / "passwd").write_text("x")
    root.mkdir()
    (root / "layers").symlink_to(outside / "layers")  # another disk
    (root / "engine.json").symlink_to(outside / "passwd")
    modes.claim(root)
    assert _mode(outside / "passwd") == 0o666
    assert _mode(outside / "layers") in (0o700, 0o710)


def test_a_folder_of_another_account_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted", "/srv/engine")

    tmp_path.chmod(0o755)
    monkeypatch.setattr(os, "fchmod", refused)
    with pytest.raises(StoreError, match="/srv/engine: Operation not permitted"):
        modes.claim(tmp_path)


def test_an_engines_records_are_closed_from_their_first_moment(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine, "echo hello")
            await engine.containers.start(one)
            await (await engine.containers.wait(one))
            volume = engine.volumes.create("vol")
            assert {_mode(path) for path in one.folder.iterdir() if path.is_file()} == {0o600}
            assert _mode(one.folder) in (0o700, 0o710)
            assert _mode(volume.folder) in (0o700, 0o710)
            assert _mode(volume.folder / "volume.json") == 0o600

    make(tmp_path)
    run(work())
