# SPDX-License-Identifier: Apache-2.0
"""Where mounts go, and that no link on the way takes them elsewhere."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import sandboxes, users
from support.racing import as_account, exchanging

from imagebuild.errors import ToolError, UsageError
from imagebuild.runtime import BoxSpec, Limits, Stdio
from imagebuild.runtime import install as wine_install
from imagebuild.runtime.linux import bwrap, launch, targets
from imagebuild.runtime.linux.account import Account, choose
from imagebuild.runtime.linux.limits import Group, Means
from imagebuild.runtime.linux.targets import Targets


@pytest.fixture
def spec(tmp_path: Path) -> BoxSpec:
    for name in ("low/windows/System32", "high/windows", "box/upper", "box/prefix/dosdevices", "box/prefix/drives"):
        (tmp_path / name).mkdir(parents=True)
    return BoxSpec("x", tmp_path / "box")


@pytest.fixture
def places(spec: BoxSpec, tmp_path: Path) -> Targets:
    return Targets(spec, [tmp_path / "low", tmp_path / "high"], choose())


@pytest.fixture
def source(tmp_path: Path) -> Iterator[int]:
    """An open volume with a folder and links in it."""
    volume = tmp_path / "volume"
    (volume / "Sub" / "deep").mkdir(parents=True)
    (volume / "etc").symlink_to("/etc")
    (volume / "proc").symlink_to("/proc/self")
    (volume / "Sub" / "up").symlink_to("..")
    descriptor = os.open(volume, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize(("path", "inside"), [
    (r"C:\Example", "/prefix/drive_c/Example"),
    (r"c:/WINDOWS/system32/x", "/prefix/drive_c/windows/System32/x"),
    (r"D:\data", "/prefix/drives/d/data"),
    ("E:", "/prefix/drives/e"),
])
def test_a_target_takes_the_spelling_that_is_there(places: Targets, source: int, path: str, inside: str) -> None:
    assert places.place(path, source) == inside


@pytest.mark.parametrize("path", ["example", "C:", "C:\\", r"C:\a\..\b", r"\\server\share", r"B:\x", ""])
def test_what_is_no_folder_of_a_drive_is_refused(places: Targets, source: int, path: str) -> None:
    with pytest.raises(UsageError):
        places.place(path, source)


@pytest.mark.parametrize("path", [r"C:\OUT", r"C:\OUT\x", r"C:\dir\In\x\y"])
def test_a_target_through_a_link_of_the_boxes_own_is_refused(places: Targets, spec: BoxSpec, source: int, path: str
                                                             ) -> None:
    (spec.folder / "upper" / "out").symlink_to("/etc")
    (spec.folder / "upper" / "dir").mkdir()
    (spec.folder / "upper" / "dir" / "in").symlink_to("../..")
    with pytest.raises(UsageError, match="is a link there"):
        places.place(path, source)


def test_a_target_through_a_link_of_a_layer_is_refused(places: Targets, tmp_path: Path, source: int) -> None:
    (tmp_path / "low" / "out").symlink_to("windows")
    with pytest.raises(UsageError, match="is a link there"):
        places.place(r"C:\out\x", source)


def test_a_target_through_a_link_on_another_drive_is_refused(places: Targets, spec: BoxSpec, source: int) -> None:
    (spec.folder / "prefix" / "drives" / "d").mkdir()
    (spec.folder / "prefix" / "drives" / "d" / "data").symlink_to("/etc")
    with pytest.raises(UsageError, match="data is a link there"):
        places.place(r"D:\data\x", source)


@pytest.mark.parametrize("drive", ["C:\\a", "D:"])
@pytest.mark.parametrize("way", ["etc", "ETC", r"etc\x", r"proc\fd\5", r"Sub\up\Sub", r"sub\UP"])
def test_a_target_through_a_link_in_another_mount_is_refused(places: Targets, source: int, drive: str, way: str
                                                             ) -> None:
    places.place(drive, source)
    with pytest.raises(UsageError, match="is a link there"):
        places.place(rf"{drive}\{way}", source)


def test_a_target_in_another_mount_takes_the_spelling_of_that(places: Targets, source: int, tmp_path: Path) -> None:
    (tmp_path / "low" / "a" / "SUB").mkdir(parents=True)  # the mount is over it
    assert places.place("C:\\A", source) == "/prefix/drive_c/a"
    assert places.place(r"c:\a\SUB\new\x", source) == "/prefix/drive_c/a/Sub/new/x"
    assert places.place(r"C:\ab\sub", source) == "/prefix/drive_c/ab/sub"
    with ExitStack() as stack:
        empty = os.open(tmp_path / "high", os.O_PATH)
        stack.callback(os.close, empty)
        assert places.place(r"c:\a\sub\NEW", empty) == "/prefix/drive_c/a/Sub/NEW"
        assert places.place(r"c:\a\sub\new\WINDOWS", source) == "/prefix/drive_c/a/Sub/NEW/windows"


def test_nothing_is_left_open(places: Targets, source: int, spec: BoxSpec) -> None:
    (spec.folder / "upper" / "out").symlink_to("/etc")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    places.place(r"C:\windows\x", source)
    places.place(r"D:\x", source)
    with pytest.raises(UsageError):
        places.place(r"C:\out", source)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_an_older_bubblewrap_gets_no_mount_inside_another(places: Targets, source: int, tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bwrap"
    monkeypatch.setattr(wine_install, "find", lambda name: str(program))
    for version, refused in (("0.11.2", True), ("0.12.0", False), ("1.0", False)):
        program.write_text(f"#!/bin/sh\necho bubblewrap {version}\n")
        program.chmod(0o755)
        wine_install._NESTING.clear()
        places.place("C:\\a", source)
        if refused:
            with pytest.raises(ToolError, match=r"older than 0\.12"):
                places.place(r"C:\a\sub", source)
        else:
            places.place(r"C:\a\sub", source)
    wine_install._NESTING.clear()


def test_a_mount_that_is_somewhere_else_is_noticed() -> None:
    targets.check(os.getpid(), ["/", "/proc"])
    with pytest.raises(ToolError, match="the way to the mount '/nowhere' leads through a link"):
        targets.check(os.getpid(), ["/proc", "/nowhere"])


@pytest.mark.parametrize(("line", "path"), [(r"/a\040b\134\011", "/a b\\\t"), ("/é", "/é"), (r"/\303\251", "/é")])
def test_paths_of_mountinfo_are_read(line: str, path: str) -> None:
    assert targets._unescaped(line) == path


def start_in_a_race(root: Path, starts: int) -> Counter[str]:
    """Start boxes with a volume, and another one inside it below a name which is a folder and, every other moment, a
    link to ``/etc``. What became of them, how often: a program that finds the mount in its ``/etc`` ends with 7.

    The look before is left out, as if each time it had seen the folder.
    """
    seen: Counter[str] = Counter()
    account = Account(os.geteuid(), os.getegid(), False)
    null = os.open(os.devnull, os.O_RDWR)
    outer, inner = (os.open(root / name, os.O_PATH) for name in ("volume", "other"))
    binds = [(outer, "/prefix/drive_c/a"), (inner, "/prefix/drive_c/a/sub/c")]
    with exchanging(root / "volume" / "sub", root / "volume" / "link"):
        for _ in range(starts):
            try:
                child = launch.first(
                    account, Group(Means(), "x", Limits()), Limits(), None, Stdio(null, null, null), terminal=False,
                    command=["/usr/bin/sh", "-c", "[ ! -e /etc/c/inside ] || exit 7"], etc={"passwd": b""},
                    arguments=lambda descriptors: arguments(descriptors, binds), inherited=[outer, inner],
                    check=lambda process: targets.check(process, [path for _, path in binds]))
            except ToolError as error:
                seen["noticed" if "leads through a link" in str(error.why) else str(error.why)[:17]] += 1
                continue
            seen[str(child.popen.wait())] += 1
            os.close(child.init)
    return seen


def arguments(descriptors: bwrap.Descriptors, binds: list[tuple[int, str]]) -> list[str]:
    return ["--unshare-user", "--unshare-pid", "--info-fd", str(descriptors.info), "--block-fd", str(descriptors.block),
            "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
            "--tmpfs", "/prefix/drive_c", "--file", str(descriptors.etc[0][1]), "/etc/passwd",
            *(word for fd, path in binds for word in ("--bind-fd", str(fd), path)),
            "--file", str(descriptors.mounted), "/etc/.mounted"]


@pytest.mark.slow
@pytest.mark.parametrize("account", ["root", "user"])
def test_in_a_thousand_races_none_starts_with_a_mount_that_a_link_took_elsewhere(account: str) -> None:
    if account == "root" and os.geteuid():
        pytest.skip("the tests do not run as root")
    with sandboxes.folder() as root:
        for name in ("volume/sub", "other", "box/upper"):
            (root / name).mkdir(parents=True)
        (root / "other" / "inside").touch()
        (root / "volume" / "link").symlink_to("/etc")
        if account == "user" and os.geteuid() == 0:
            for path in (root / "volume", root / "volume" / "sub"):
                os.chown(path, users.UID, users.UID)
        seen = as_account(0 if account == "root" else users.UID, lambda: start_in_a_race(root, 1000))
    # 1, and an end: bubblewrap met the link where it was to make a folder.
    assert set(seen) <= {"0", "1", "noticed", "bubblewrap ended "}, seen
    assert min(seen["0"], seen["noticed"]) > 10, seen
