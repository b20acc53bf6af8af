# SPDX-License-Identifier: Apache-2.0
"""A start that fails leaves nothing open and nothing running, wherever it fails."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagebuild.errors import ToolError
from imagebuild.runtime import install as wine_install
from imagebuild.runtime.linux import bwrap, launch
from imagebuild.runtime.linux.account import Account
from imagebuild.runtime.linux.limits import Group, Means
from imagebuild.runtime.port import Limits, Stdio

OURSELVES = Account(os.geteuid(), os.getegid(), False)
ETC = {"passwd": b"x", "fonts/fonts.conf": b"y"}


@pytest.fixture
def stdio() -> Iterator[Stdio]:
    with Path(os.devnull).open("r+b") as null:
        yield Stdio(null.fileno(), null.fileno(), null.fileno())


@pytest.fixture
def group(tmp_path: Path) -> Group:
    """A group of cgroups v2 that starts hold their programs for."""
    return Group(Means(v2=tmp_path), "x", Limits(processes=9))


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in place of every other, which says what bubblewrap says of its child and waits. It notes its id."""
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/ids\n[ -e {tmp_path}/silent ] && exit 3\n"
                    "for fd in /proc/self/fd/*; do fd=${fd##*/}; [ \"$fd\" -gt 2 ] && [ -p /proc/self/fd/$fd ] && "
                    "echo \"{\\\"child-pid\\\": $$}\" > /proc/self/fd/$fd; done 2>/dev/null\nexec sleep 60\n")
    path.chmod(0o755)
    monkeypatch.setattr(wine_install, "find", lambda name: str(path))
    return path


def opened() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def running(tmp_path: Path) -> list[str]:
    ids = (tmp_path / "ids").read_text().split() if (tmp_path / "ids").exists() else []
    return [one for one in ids if Path(f"/proc/{one}").exists()]


def failing(number: int) -> Callable[..., int]:
    def call(*arguments: object, **more: object) -> int:
        raise OSError(number, os.strerror(number))
    return call


def first(group: Group, stdio: Stdio, arguments: Callable[[bwrap.Descriptors], list[str]] = lambda _: []) -> None:
    launch.first(OURSELVES, group, Limits(), None, stdio, terminal=False, command=["x"], etc=ETC, arguments=arguments)


def no_arguments(descriptors: bwrap.Descriptors) -> list[str]:
    raise ValueError(str(descriptors))


def nothing_found(name: str) -> str:
    raise ToolError("cannot run", program=name, why="is not installed")


@pytest.mark.parametrize("where", ["arguments", "find", "memory", "popen", "silent", "pidfd", "group"])
def test_a_first_program(where: str, group: Group, stdio: Stdio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                         ) -> None:
    before = opened()
    if where == "find":
        monkeypatch.setattr(wine_install, "find", nothing_found)
    elif where == "memory":
        monkeypatch.setattr(os, "lseek", failing(errno.ENOMEM))
    elif where == "popen":
        monkeypatch.setattr(wine_install, "find", lambda name: str(tmp_path / "none"))
    elif where == "silent":
        (tmp_path / "silent").touch()
    elif where == "pidfd":
        monkeypatch.setattr(os, "pidfd_open", failing(errno.EMFILE))
    elif where == "group":
        monkeypatch.setattr(Group, "add", failing(errno.EBUSY))
    for _ in range(2):
        with pytest.raises((OSError, ToolError, ValueError)):
            first(group, stdio, no_arguments if where == "arguments" else lambda _: [])
    assert (opened(), running(tmp_path)) == (before, [])


@pytest.mark.parametrize("where", ["find", "popen", "pidfd"])
def test_one_that_joins(where: str, stdio: Stdio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = opened()
    monkeypatch.setattr(wine_install, "SETPRIV", wine_install.find("setpriv"))
    if where == "find":
        monkeypatch.setattr(wine_install, "find", nothing_found)
    elif where == "popen":
        monkeypatch.setattr(wine_install, "SETPRIV", str(tmp_path / "none"))
    else:
        monkeypatch.setattr(os, "pidfd_open", failing(errno.EMFILE))
    with pytest.raises(ToolError):
        launch.joining(os.getpid(), OURSELVES, Group(Means(), "x", Limits()), Limits(), stdio, {}, ["x"],
                       terminal=False)
    assert (opened(), running(tmp_path)) == (before, [])


def test_a_start_that_goes_well_leaves_its_pidfd_open_and_nothing_else(stdio: Stdio, tmp_path: Path) -> None:
    before = opened()
    child = launch.first(OURSELVES, Group(Means(), "x", Limits()), Limits(), None, stdio, terminal=False,
                         command=["x"], etc=ETC, arguments=lambda _: [])
    assert opened() == before + 1
    assert isinstance(child.popen, subprocess.Popen)
    child.popen.kill()
    child.popen.wait()
    os.close(child.init)


def test_root_has_given_itself_up_before_it_reads_a_filter_in_a_folder(stdio: Stdio, monkeypatch: pytest.MonkeyPatch
                                                                           ) -> None:
    """setpriv loads a filter first and changes the user then: under a filter that lets that fail silently."""
    seen: list[str] = []

    def popen(argv: list[str], *_: object) -> subprocess.Popen[bytes]:
        seen.extend(argv)
        raise ToolError("cannot start", program="x", why="seen enough")

    monkeypatch.setattr(launch, "_popen", popen)
    with pytest.raises(ToolError, match="seen enough"):
        launch.joining(os.getpid(), Account(4, 5, True), Group(Means(), "x", Limits()), Limits(), stdio, {}, ["x"],
                       terminal=False)
    assert seen[:5] == [wine_install.SETPRIV, "--reuid=4", "--regid=5", "--clear-groups", wine_install.SETPRIV]
    assert "--seccomp-filter" in seen[5:]


def test_a_number_that_another_process_has_by_now_opens_no_drive(tmp_path: Path,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bwrap, "DRIVE_C", str(tmp_path))
    ended = subprocess.Popen(["/bin/true"])
    gone, here = os.pidfd_open(ended.pid), os.pidfd_open(os.getpid())
    ended.wait()
    assert launch.open_drive(launch.Child(ended, gone, os.getpid())) is None
    opened = launch.open_drive(launch.Child(ended, here, os.getpid()))
    assert opened is not None
    assert os.path.samestat(os.fstat(opened), tmp_path.stat())
    (tmp_path / "link").symlink_to("/")
    monkeypatch.setattr(bwrap, "DRIVE_C", f"{tmp_path}/link")
    with pytest.raises(ToolError, match="cannot open the drive"):
        launch.open_drive(launch.Child(ended, here, os.getpid()))
    for number in (gone, here, opened):
        os.close(number)


def test_a_bubblewrap_that_says_nothing_does_not_keep_the_thread_that_starts_all(
        stdio: Stdio, group: Group, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/ids\nexec sleep 60\n")
    monkeypatch.setattr(launch, "TOLD_SECONDS", 0.3)
    before = opened()
    with pytest.raises(ToolError, match=r"bubblewrap said nothing for 0\.3 s"):
        launch.first(OURSELVES, group, Limits(), None, stdio, terminal=False, command=[], etc=ETC,
                     arguments=lambda descriptors: [])
    assert opened() == before
    assert not running(tmp_path)
