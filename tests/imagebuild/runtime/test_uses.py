# SPDX-License-Identifier: Apache-2.0
"""Shared folders go when nobody uses them, and never before."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagebuild.runtime import install as wine_install
from imagebuild.runtime import toolchain
from imagebuild.runtime.linux import account
from imagebuild.runtime.linux.account import Account
from imagebuild.runtime.uses import SPARED, Uses
from imagebuild.runtime.wine import template
from imagebuild.runtime.wine.sandbox import WineSandbox

OLD = ("template-old", "layer-old", "programs-old", "modules-old", "roots-old")
OURSELVES = Account(os.geteuid(), os.getegid(), False)
NEW = ("template-new", "layer-new", "programs-new", "modules-new", "roots-new")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the folders of two versions, of which the old one's were used long ago."""
    for name in (*OLD, *NEW):
        (tmp_path / name / "drive_c").mkdir(parents=True)
        (tmp_path / name / "drive_c" / "file").touch()
    (tmp_path / "building").mkdir()
    old = Uses(tmp_path, OURSELVES)
    old.take(tmp_path / name for name in OLD)
    old.close()
    long_ago(tmp_path, *OLD)
    return tmp_path


def long_ago(home: Path, *names: str) -> None:
    moment = time.time() - SPARED - 60
    for name in names:
        os.utime(home / "used" / name, (moment, moment))


def there(home: Path) -> set[str]:
    return {path.name for path in home.iterdir() if path.name not in ("used", "building")}


def started(home: Path) -> Uses:
    """One of the new version."""
    uses = Uses(home, OURSELVES)
    uses.take(home / name for name in NEW)
    uses.sweep()
    return uses


def test_what_an_earlier_version_used_goes_with_its_marks(home: Path) -> None:
    started(home).close()
    assert there(home) == set(NEW)
    assert {path.name for path in (home / "used").iterdir()} == set(NEW)
    assert (home / "building").is_dir()


def test_what_we_use_ourselves_stays_however_long_ago_we_took_it_up(home: Path) -> None:
    uses = started(home)
    long_ago(home, *NEW)
    uses.sweep()
    assert there(home) == set(NEW)
    uses.close()


def test_what_another_process_uses_stays_until_it_is_gone_however_it_ends(home: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", f"""
import os
from pathlib import Path
from imagebuild.runtime.linux.account import Account
from imagebuild.runtime.uses import Uses
home = Path({str(home)!r})
uses = Uses(home, Account(os.geteuid(), os.getegid(), False))
uses.take([home / "template-old"])
print("taken", flush=True)
input()
"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"taken\n"
        long_ago(home, "template-old")
        started(home).close()
        assert there(home) == {"template-old", *NEW}
    finally:
        child.kill()
        child.communicate()
    started(home).close()
    assert there(home) == set(NEW)


def test_two_of_one_version_share_and_the_last_one_out_leaves_it_free(home: Path) -> None:
    first, second = Uses(home, OURSELVES), Uses(home, OURSELVES)
    for uses in (first, second):
        uses.take([home / "template-old"])
    long_ago(home, "template-old")
    first.close()
    started(home).close()
    assert "template-old" in there(home)
    second.close()
    second.close()
    started(home).close()
    assert "template-old" not in there(home)


def test_a_folder_of_a_version_that_takes_no_locks_is_left_alone(home: Path) -> None:
    (home / "used" / "template-old").unlink()
    started(home).close()
    assert there(home) == {"template-old", *NEW}
    assert not (home / "used" / "template-old").exists()


def test_who_changes_between_two_versions_keeps_both(home: Path) -> None:
    old = Uses(home, OURSELVES)
    old.take(home / name for name in OLD)
    old.sweep()
    old.close()
    started(home).close()
    assert there(home) == {*OLD, *NEW}


def test_programs_of_a_wheel_are_not_marked(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "wheel" / "programs-x"
    elsewhere.mkdir(parents=True)
    uses = Uses(home, OURSELVES)
    uses.take([home / "template-new", elsewhere])
    assert not (home / "used" / "programs-x").exists()
    uses.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_marks_belong_to_the_account_that_may_share_the_home(home: Path) -> None:
    uses = Uses(home, Account(65534, 65533, True))
    uses.take([home / "template-new"])
    for path in (home / "used", home / "used" / "template-new"):
        assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65533)
    uses.close()


def test_what_a_killed_sweep_left_goes_with_the_next(home: Path) -> None:
    (home / ".gone-template-older" / "drive_c").mkdir(parents=True)
    started(home).close()
    assert there(home) == set(NEW)


def test_a_home_on_nfs_is_swept_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = fcntl.flock

    def flock(descriptor: int, what: int) -> None:
        """As NFS does it (flock(2)): by locks of ranges, and an exclusive one needs a file open for writing."""
        if what & fcntl.LOCK_EX and fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        really(descriptor, what)

    monkeypatch.setattr(fcntl, "flock", flock)
    started(home).close()
    assert there(home) == set(NEW)


def test_a_prepared_sandbox_holds_its_folders_until_it_closes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install = wine_install.Install(Path("/bin/sh"), Path("/bin/sh"), Path("/bin"), Path("/"), "wine-10.0")
    monkeypatch.setattr(wine_install, "find_wine", lambda: install)
    monkeypatch.setattr(wine_install, "find", lambda program: program)
    monkeypatch.setattr(wine_install, "check_setpriv", lambda: None)
    monkeypatch.setattr(account.Account, "reaches", lambda self, path: None)
    monkeypatch.setattr(toolchain, "find", lambda cache: home / "programs-new")
    monkeypatch.setattr(template, "make", lambda *args: None)
    monkeypatch.setattr(template, "folder_name", lambda install: "template-new")
    monkeypatch.setattr(template, "engine_layer", lambda *args: home / "layer-new")
    monkeypatch.setattr(template, "modules", lambda *args: home / "modules-new")
    monkeypatch.setattr(template, "roots_file", lambda *args: home / "roots-new" / "roots")
    sandbox = WineSandbox(home)
    sandbox.prepare()
    assert there(home) - {"prepare.lock"} == set(NEW)
    other = Uses(home, OURSELVES)
    long_ago(home, *NEW)
    other.sweep()
    assert there(home) - {"prepare.lock"} == set(NEW)
    sandbox.close()
    other.sweep()
    assert there(home) - {"prepare.lock"} == set()
