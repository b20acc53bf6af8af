# SPDX-License-Identifier: Apache-2.0
"""Processes of a box that outlived whoever held it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from support.sandboxes import Boxes, start, wait_for

from imagebuild.runtime.linux import bwrap, leftover

KILLED = 128 + signal.SIGKILL  # as bubblewrap passes it on
BARE = ("bwrap", "--die-with-parent", "--unshare-user", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin",
        "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64")


def _boxed(folder: Path, place: str = bwrap.PREFIX, begin: str = "") -> subprocess.Popen[bytes]:
    """A process that sees the prefix of a box in a place where boxes have it, or in another one."""
    (folder / "prefix").mkdir(parents=True)
    process = subprocess.Popen(["sh", "-c", f'echo ready; {begin} exec "$@"', "sh", *BARE, "--bind",
                                str(folder / "prefix"), place, "sh", "-c", "echo ready; exec sleep 60"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    process.stdout.readline()
    if not begin and process.stdout.readline() != b"ready\n":
        process.wait()
        process.stdout.close()
        pytest.skip("this machine allows no user namespaces, or has no bubblewrap")
    return process


NAMES = ["box", "a box", "tab\tand\nline", "quotes\"'`$x\\040", "a,b=c:d#e", os.fsdecode(b"not \xff UTF-8")]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_in_a_box_is_killed_and_nothing_else(tmp_path: Path, name: str) -> None:
    one, other = _boxed(tmp_path / "one" / name), _boxed(tmp_path / "one" / f"{name}2")
    try:
        leftover.end([tmp_path / "none"])
        assert one.poll() is None
        begun = time.monotonic()
        leftover.end([tmp_path / "one" / name])
        assert one.wait(5) == KILLED
        assert other.poll() is None
        assert time.monotonic() - begun < leftover.SECONDS  # it is gone, though nobody has asked for its code
    finally:
        for process in (one, other):
            _ends(process)


def test_one_that_waits_for_a_dead_outer_bubblewrap_is_ended(tmp_path: Path) -> None:
    """bubblewrap was killed before it wrote the maps of the user namespace: the inner one waits for that for ever."""
    never, keep = os.pipe()
    told, tell = os.pipe()
    outer = subprocess.Popen([*BARE, "--unshare-pid", "--userns-block-fd", str(never), "--info-fd", str(tell),
                              "/usr/lib/wcow/launcher.exe"], pass_fds=(never, tell), stderr=subprocess.DEVNULL)
    os.close(tell)
    try:
        said = b""
        while not said.rstrip().endswith(b"}"):
            more = os.read(told, 4096)
            if not more:
                pytest.skip("this machine allows no user namespaces, or has no bubblewrap")
            said += more
        inner = int(json.loads(said)["child-pid"])
        leftover.end([tmp_path / "none"])
        assert _lives(inner)  # its outer one lives
        outer.kill()
        outer.wait()
        assert _lives(inner)
        leftover.end([tmp_path / "none"])
        wait_for(lambda: not _lives(inner))
    finally:
        outer.kill()
        outer.wait()
        for descriptor in (never, keep, told):
            os.close(descriptor)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


def test_who_only_looks_at_the_folders_of_a_box_is_left_alone(tmp_path: Path) -> None:
    looking = [_boxed(tmp_path / "boxes" / "one" / "box", "/backup"), _boxed(tmp_path / "boxes" / "two", "/box/prefix")]
    shell = subprocess.Popen(["sleep", "60"], cwd=tmp_path / "boxes" / "one", stdout=subprocess.PIPE)
    try:
        leftover.end([tmp_path / "boxes"])
        assert [process.poll() for process in (*looking, shell)] == [None] * 3
    finally:
        for process in (*looking, shell):
            _ends(process)


def test_a_folder_is_known_through_links_and_on_a_file_system_of_its_own(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system only")
    with tempfile.TemporaryDirectory(dir=memory, prefix="wcow test") as folder:
        (tmp_path / "link").symlink_to(folder)
        one = _boxed(Path(folder) / "boxes" / "one")
        try:
            leftover.end([tmp_path / "link" / "boxes"])
            assert one.wait(5) == KILLED
        finally:
            _ends(one)


TABLE = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 254:1 / /srv rw - ext4 /dev/vdb rw
31 22 254:1 /deep/er /home/a\\040b rw - ext4 /dev/vdb rw
"""


@pytest.mark.parametrize(("folder", "device", "root"), [
    ("/none/boxes", b"254:0", b"/none/boxes/"), ("/srv/boxes", b"254:1", b"/boxes/"), ("/srv", b"254:1", b"/"),
    ("/srvx", b"254:0", b"/srvx/"), ("/home/a b/c d", b"254:1", b"/deep/er/c\\040d/")])
def test_a_folder_is_looked_for_by_its_device_and_its_path_there(folder: str, device: bytes, root: bytes) -> None:
    mark = leftover._mark(Path(folder), TABLE.encode())
    assert mark == leftover.Mark(device, root)
    line = b"84 65 %b %bone/box/prefix /prefix rw - ext4 /dev/vda rw\n"
    assert leftover._is_boxed(line % (device, root), [mark], b"")
    assert leftover._is_boxed((line % (device, root)).replace(b" /prefix", b" /newroot/prefix"), [mark], b"")
    assert not leftover._is_boxed(line % (b"254:7", root), [mark], b"")
    assert (root == b"/") == leftover._is_boxed(line % (device, b"/x" + root), [mark], b"")
    assert not leftover._is_boxed((line % (device, root)).replace(b" /prefix", b" /mnt"), [mark], b"")


HOLDER = """
import sys, time
from pathlib import Path
from imagebuild.runtime.linux import leftover
leftover.guard(Path(sys.argv[1]))
print("ready", flush=True)
time.sleep(60)
"""


def _ends(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.parametrize("name", ["boxes", NAMES[2], NAMES[3], NAMES[5]])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_box_is_ended_when_its_holder_is_killed_and_one_of_the_next_holder_is_not(tmp_path: Path, name: str,
                                                                                    number: int) -> None:
    box, other = _boxed(tmp_path / name / "one" / "box"), _boxed(tmp_path / "elsewhere" / "box")
    later = None
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / name)], stdout=subprocess.PIPE,
                              start_new_session=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        assert box.poll() is None
        os.killpg(holder.pid, number)  # with all that is of its group
        time.sleep(0.02)  # a start of a process is told in hundredths of a second
        later = _boxed(tmp_path / name / "two" / "box")
        assert box.wait(10) == KILLED
        time.sleep(leftover.LOOKS)
        assert (later.poll(), other.poll()) == (None, None)
    finally:
        for process in (box, other, holder, *([later] if later else [])):
            _ends(process)


def test_one_that_comes_to_light_late_is_ended_too(tmp_path: Path) -> None:
    slow = _boxed(tmp_path / "boxes" / "box", begin="sleep 0.4;")
    guard = leftover.guard(tmp_path / "boxes")
    try:
        time.sleep(0.02)
        guard.communicate()  # its end of file is what it waits for
        assert slow.wait(10) == KILLED
    finally:
        _ends(slow)


@pytest.mark.slow
def test_a_real_box_is_known_and_another_beside_it_is_not(boxes: Boxes) -> None:
    one, other = (start(boxes.open(name), "probe sleep") for name in ("one", "other"))
    boxes.sandbox.forget({"one": boxes.root / "one"})
    assert wait_for(one.ended.done)
    assert not other.ended.done()
