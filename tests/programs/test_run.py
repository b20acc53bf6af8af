# SPDX-License-Identifier: Apache-2.0
"""``wcow run`` and ``wcow ps`` as a user types them, with Wine."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, users
from support.engine import template
from support.home import Home
from support.users import User

pytestmark = pytest.mark.slow

IMAGE = "nano:1"


@pytest.fixture(scope="module", params=users.KINDS)
def account(request: pytest.FixtureRequest) -> User:
    """Root, and an ordinary user."""
    with programs.skipping():
        return users.find(request.param)


@pytest.fixture(scope="module")
def place(account: User) -> Iterator[Path]:
    """A folder for an engine, with Wine's prefix in it, that the account of boxes may enter."""
    root = Path(tempfile.mkdtemp(prefix="wcow-run-test-"))
    try:
        root.chmod(0o711)
        with programs.skipping():
            (root / "engine").mkdir()
            template(account.own(root / "engine") / "sandbox", account)
        (root / "data").mkdir()
        (root / "data").chmod(0o777)
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def home(account: User, place: Path) -> Iterator[Home]:
    """The account's home, whose local store is empty."""
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Home(account.own(Path(folder)), account)


@pytest.fixture
def nano(home: Home) -> Home:
    """A home whose local store has a base."""
    home.wcow("base", "create", "--like", "nanoserver", "--os-version", "10.0.20348.2762", "-t", IMAGE)
    return home


def _run(home: Home, place: Path, *args: str | Path, **more: object) -> tuple[int, str, str]:
    done = home.wcow("run", "--root", place / "engine", *args, **more)  # type: ignore[arg-type]
    return done.code, done.out.replace("\r\n", "\n"), done.err


def test_a_program_runs_with_its_streams_variables_mounts_and_code(nano: Home, place: Path) -> None:
    (place / "data" / "a.txt").write_text("from here\n")
    code, out, err = _run(nano, place, "-i", "-e", "GREETING=hello", "-w", r"C:\data", "-v",
                          rf"{place / 'data'}:C:\data", IMAGE, "cmd", "/c",
                          "echo %GREETING% & cd & type a.txt & findstr x & echo bad>&2 & echo new> b.txt & exit 7",
                          stdin=b"line x\n", code=7)
    assert out.split() == ["hello", "C:\\data", "from", "here", "line", "x"]
    assert (code, err.strip()) == (7, "bad")
    assert (place / "data" / "b.txt").read_text().strip() == "new"
    assert list((place / "engine" / "containers").iterdir()) == []


@pytest.mark.parametrize(("program", "code"), [("exit 256", 1), ("exit 0", 0), ("exit -1", 255)])
def test_the_exit_code_is_what_fits(nano: Home, place: Path, program: str, code: int) -> None:
    assert _run(nano, place, IMAGE, "cmd", "/c", program, code=code)[0] == code


def test_what_cannot_run_says_so_and_leaves_no_container(nano: Home, place: Path) -> None:
    assert "cannot find the file specified" in _run(nano, place, IMAGE, "nonsense.exe", code=3)[2]
    assert "it is not in the local store" in _run(nano, place, "--offline", "none:1", code=2)[2]
    _run(nano, place, "--privileged", IMAGE, code=2)
    _run(nano, place, "-p", "http", IMAGE, code=2)
    assert list((place / "engine" / "containers").iterdir()) == []


def test_a_terminal_has_our_size_and_our_keys(nano: Home, place: Path) -> None:
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
    process = subprocess.Popen(nano.command("run", "--root", place / "engine", "-it", IMAGE, "cmd"), stdin=side,
                               stdout=side, stderr=side, env=nano.environment(), start_new_session=True, cwd="/",
                               **nano.user.popen())
    os.close(side)
    said = b""
    try:
        said = _until(main, said, b"C:\\>")
        os.write(main, b"set /a 6*7\r")
        said = _until(main, said, b"42")
        os.write(main, b"exit 5\r")
        assert process.wait(30) == 5
    finally:
        process.kill()
        os.close(main)


def _until(descriptor: int, said: bytes, wanted: bytes) -> bytes:
    end = time.monotonic() + 40
    while wanted not in said:
        assert time.monotonic() < end, said
        said += os.read(descriptor, 4096)
    return said


def _begin(home: Home, *options: str | Path) -> subprocess.Popen[bytes]:
    """A run that goes on for a minute, and says when it has begun."""
    return subprocess.Popen(
        home.command("run", *options, IMAGE, "cmd", "/c", "echo begun & ping -n 60 127.0.0.1 >nul"),
        stdout=subprocess.PIPE, env=home.environment(), cwd="/", **home.user.popen())


def test_an_interrupted_run_leaves_nothing(nano: Home, place: Path) -> None:
    process = _begin(nano, "--root", place / "engine")
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"begun"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 130
        assert list((place / "engine" / "containers").iterdir()) == []
    finally:
        process.kill()
        process.stdout.close()  # type: ignore[union-attr]


def test_the_engine_that_runs_is_used_and_ps_shows_its_processes(nano: Home, place: Path) -> None:
    root = place / "engine"
    assert "no engine runs" in nano.wcow("ps", "--root", root, code=2).err
    nano.wcow("engine", "start", "--root", root)
    process = _begin(nano, "--root", root, "--name", "shown")
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"begun"
        [shown] = json.loads(nano.wcow("ps", "--root", root, "--format", "json").out)
        assert (shown["name"], shown["state"]) == ("shown", "running")
        jobs = {row["name"].lower(): row["job"] for row in shown["processes"]}
        assert jobs.pop("launcher.exe", "") == ""  # it made the job, and is none of the container's programs
        assert set(jobs.values()) == {f"Container_{shown['id']}"}
        assert any(row["name"].lower() == "ping.exe" for row in shown["processes"])
        for row in shown["processes"]:
            assert row["pid"] > 0
            assert Path(f"/proc/{row['host_pid']}").is_dir()
        text = nano.wcow("ps", "--root", root).out
        assert text.splitlines()[0].split() == [
            "CONTAINER", "NAME", "IMAGE", "STATUS", "PROCESS", "PID", "HOST", "PID", "JOB"]
        assert "shown" in text and f"Container_{shown['id']}" in text
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert json.loads(nano.wcow("ps", "-a", "--root", root, "--format", "json").out) == []
    finally:
        process.kill()
        process.stdout.close()  # type: ignore[union-attr]
        with contextlib.suppress(AssertionError):
            nano.wcow("engine", "stop", "--root", root)


def test_an_image_that_only_the_engine_has_is_run_and_asked_for_nowhere(nano: Home, place: Path) -> None:
    assert _run(nano, place, IMAGE, "cmd", "/c", "exit 4", code=4)[0] == 4
    nano.wcow("rm", IMAGE)
    assert _run(nano, place, IMAGE, "cmd", "/c", "exit 5", code=5)[0] == 5
    assert "cannot find" in _run(nano, place, "--offline", "nano:2", code=2)[2]
