# SPDX-License-Identifier: Apache-2.0
"""A container's drive while its programs change it: what they exchange becomes an error, and never another place."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import layers
from support.sandboxes import Boxes, folder, run, start, wait_for

from imagebuild.errors import InputError, NotFoundError, StoreError, ToolError, WcowError
from imagebuild.runtime import Box, Mount
from imagebuild.runtime.linux.account import Account
from imagebuild.runtime.port import MountedDrive
from imagebuild.runtime.snapshots.archive import Asked, read, stat
from imagebuild.runtime.snapshots.archive_write import write
from imagebuild.runtime.snapshots.drive import Drive

EXCHANGE = """
import ctypes, os, sys
libc, one, other = ctypes.CDLL(None), os.fsencode(sys.argv[1]), os.fsencode(sys.argv[2])
print("begun", flush=True)
while os.getppid() != 1:
    for _ in range(1000):
        libc.renameat2(-100, one, -100, other, 2)
"""
ROUNDS = 150
SECRET = b"secret of the host"


def held(folder: Path, acting: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
         over: Callable[[], bool] = lambda: False) -> Drive:
    """A drive as that of a box that runs, over a folder of this machine."""
    return Drive.of_running(MountedDrive(os.open(folder, os.O_PATH | os.O_DIRECTORY), acting, over))


def of(box: Box) -> Drive:
    return Drive.of_running(box.drive())


def asked(*parts: str) -> Asked:
    return Asked(parts, parts[-1])


def put(drive: Drive, path: tuple[str, ...], *content: tuple[str, dict[str, object]], **options: bool) -> int:
    return write(drive, path, io.BytesIO(layers.tar(*content)), **options)


def attack(open_drive: Callable[[], Drive]) -> tuple[int, int]:
    """Copy both ways where ``C:\\race\\a`` is exchanged all the time; how many copies went well, how many did not. What
    is read must be the container's."""
    tries: list[Callable[[Drive], object]] = [
        lambda drive: list(read(drive, asked("race"))),
        lambda drive: list(read(drive, asked("race", "a", "file"))),
        lambda drive: list(read(drive, Asked(("race", "a"), "a", folder=True))),
        lambda drive: stat(drive, asked("race", "a", "file")),
        lambda drive: put(drive, ("race", "a"), ("file", {"data": b"put"}), ("new/er", {"data": b"put"})),
        lambda drive: put(drive, ("race",), ("a/planted", {"data": b"put"}), ("a/file", {"data": b"put"})),
        lambda drive: put(drive, (), ("race/a/deep/er/still", {"data": b"put"}), ("race/a/deep", {"type": b"5"})),
        lambda drive: put(drive, ("race", "a"), ("deep", {"data": b"a file in place of a folder"}))]
    good = bad = 0
    for _ in range(ROUNDS):
        for one in tries:
            try:
                found = one(open_drive())
            except WcowError:
                bad += 1
                continue
            good += 1
            if isinstance(found, list):
                assert SECRET not in b"".join(found)
    return good, bad


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder of the host that may be neither read nor written, though every account could; looked at again after
    the test."""
    with folder() as place:
        place.chmod(0o777)
        (place / "file").write_bytes(SECRET)
        yield place
        assert {path.name: path.read_bytes() for path in place.iterdir()} == {"file": SECRET}


def test_a_race_with_a_link_to_the_host_is_never_won(tmp_path: Path, outside: Path) -> None:
    race = tmp_path / "drive" / "race"
    (race / "a").mkdir(parents=True)
    (race / "a" / "file").write_bytes(b"the container's")
    (race / "b").symlink_to(outside)
    with subprocess.Popen([sys.executable, "-c", EXCHANGE, race / "a", race / "b"], stdout=subprocess.PIPE) as racer:
        assert racer.stdout is not None
        try:
            assert racer.stdout.readline() == b"begun\n"
            good, bad = attack(lambda: held(tmp_path / "drive"))
        finally:
            racer.kill()
    assert good > ROUNDS / 2, "the folder was met"
    assert bad > ROUNDS / 2, "the link was met"


def test_a_link_to_another_folder_of_the_container_is_followed_within_it(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "drive" / "windows").mkdir(parents=True)
    (tmp_path / "drive" / "there").symlink_to("./windows/.")
    (tmp_path / "drive" / "up").symlink_to("../../../outside")
    put(held(tmp_path / "drive"), ("there",), ("x", {"data": b"x"}))
    assert (tmp_path / "drive" / "windows" / "x").read_bytes() == b"x"
    put(held(tmp_path / "drive"), (), ("outside/y", {"data": b"y"}))  # ".." ends at C:\
    assert b"y" in b"".join(read(held(tmp_path / "drive"), asked("up", "y")))


def test_a_drive_whose_box_has_ended_is_neither_read_nor_written(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(5 << 20))
    over = threading.Event()
    pieces = iter(read(held(tmp_path, over=over.is_set), asked("big")))
    next(pieces)
    over.set()
    for work in (lambda: list(pieces), lambda: stat(held(tmp_path, over=over.is_set), asked("big")),
                 lambda: put(held(tmp_path, over=over.is_set), (), ("x", {"data": b"x"}))):
        with pytest.raises(ToolError, match="ended meanwhile"):
            work()
    assert [path.name for path in tmp_path.iterdir()] == ["big"]


def test_the_descriptor_is_closed_with_the_last_reference(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(5 << 20))
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    pieces = iter(read(held(tmp_path), asked("big")))
    next(pieces)
    assert len(os.listdir("/proc/self/fd")) > before  # noqa: PTH208
    del pieces
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.skipif(os.geteuid() != 0, reason="only root acts as another account")
def test_roots_engine_reads_and_writes_as_the_account_of_the_box_in_this_thread_alone(tmp_path: Path) -> None:
    account = Account(65534, 65534, True)
    tmp_path.chmod(0o777)
    (tmp_path / "roots").write_bytes(SECRET)
    (tmp_path / "roots").chmod(0o600)
    (tmp_path / "closed").mkdir(mode=0o755)
    put(held(tmp_path, account.acting), (), ("new/er/file", {"data": b"x"}),
        ("link", {"type": b"2", "linkname": "new"}))
    for name in ("new", "new/er", "new/er/file", "link"):
        assert (tmp_path / name).lstat().st_uid == 65534
    with pytest.raises(StoreError, match=r"cannot read C:\\roots: Permission denied"):
        list(read(held(tmp_path, account.acting), asked("roots")))
    with pytest.raises(StoreError, match=r"cannot write to C:\\closed: Permission denied"):
        put(held(tmp_path, account.acting), ("closed",), ("x", {"data": b"x"}))
    (tmp_path / "dark").mkdir(mode=0o700)
    with pytest.raises(StoreError, match=r"cannot read C:/dark: Permission denied"):
        list(read(held(tmp_path, account.acting), asked("dark")))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit((tmp_path / "roots").read_bytes).result() == SECRET
        with account.acting():
            assert pool.submit((tmp_path / "roots").read_bytes).result() == SECRET
    assert (tmp_path / "roots").read_bytes() == SECRET


# --- in boxes

@pytest.mark.slow
def test_a_running_box_is_seen_and_written_as_its_programs_see_it(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, r'cmd /c "mkdir C:\made & echo text> C:\made\a.txt & C:\probe sleep"')
    assert wait_for(lambda: "text" in run(box, r'cmd /c "type C:\made\a.txt 2> nul"', main=False).out)
    with tarfile.open(fileobj=io.BytesIO(b"".join(read(of(box), asked("MADE"))))) as tar:
        assert tar.getnames() == ["MADE", "MADE/a.txt"]
    assert stat(of(box), asked("probe.exe")).size > 1000  # of a layer
    put(of(box), ("made",), ("A.TXT", {"data": b"new"}), ("deep/er/b.txt", {"data": b"b"}), ("größe", {"data": b"g"}))
    assert run(box, r'cmd /c "type C:\made\a.txt C:\made\deep\er\b.txt"', main=False).out.strip() == "newb"
    run(box, r'cmd /c "echo more>> C:\made\a.txt"', main=False)
    upper = boxes.root / "box" / "upper" / "made"
    assert (upper / "a.txt").read_bytes() == b"newmore\r\n"
    account = boxes.sandbox.facts().account
    assert {path.lstat().st_uid for path in (upper, *upper.rglob("*"))} == {account}
    box.kill()
    with pytest.raises(NotFoundError):
        box.drive()


@pytest.mark.slow
def test_a_program_that_races_wins_nothing(boxes: Boxes, outside: Path) -> None:
    box = boxes.open()
    start(box, "probe sleep")
    put(of(box), (), ("race/a/file", {"data": b"the container's"}))
    run(box, f"probe call 88 @{outside} @/prefix/drive_c/race/b", main=False)  # symlink
    threading.Thread(target=run, args=(box, "probe exchange /prefix/drive_c/race/a /prefix/drive_c/race/b"),
                     kwargs={"main": False}).start()
    assert wait_for(lambda: stat(of(box), asked("race", "a")).target != "")
    good, bad = attack(lambda: of(box))
    box.kill()
    assert good > ROUNDS / 2
    assert bad > ROUNDS / 2


@pytest.mark.slow
def test_what_is_mounted_is_read_and_written_and_never_emptied(boxes: Boxes) -> None:
    source = boxes.root / "source"
    source.mkdir()
    source.chmod(0o777)
    (source / "kept").write_bytes(b"kept")
    box = boxes.open(mounts=(Mount(source, r"C:\data\here"), Mount(source, r"C:\read", read_only=True)))
    start(box, "probe sleep")
    put(of(box), ("data", "here"), ("new", {"data": b"n"}))
    assert (source / "new").read_bytes() == b"n"
    assert b"kept" in b"".join(read(of(box), asked("data")))
    for path, name in (((), "data"), (("data",), "here"), ((), "read")):
        with pytest.raises(InputError, match="mounted there"):
            put(of(box), path, (name, {"data": b"a file in place of the folder"}))
    with pytest.raises(StoreError, match="Read-only file system"):
        put(of(box), ("read",), ("new", {"data": b"n"}))
    assert {path.name for path in source.iterdir()} == {"kept", "new"}
    box.kill()
