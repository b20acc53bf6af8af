# SPDX-License-Identifier: Apache-2.0
"""RUN in ``docker build``, by the real command: commands execute, and whatever ends a build, nothing of it is left."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import programs
from support.engine import IMAGE, Engine, until

pytestmark = pytest.mark.slow


def context(folder: Path, *lines: str) -> Path:
    """A folder with a Dockerfile of these lines over the engine's image."""
    (folder / "Dockerfile").write_text("\n".join([f"FROM {IMAGE}", *lines]) + "\n")
    (folder / "a.txt").write_text("file a\n")
    return folder


def left(windows: Engine) -> tuple[str, str, str]:
    """What the engine has."""
    return (windows.docker("ps", "-aq").stdout, windows.docker("images", "-aq").stdout,
            windows.docker("volume", "ls", "-q").stdout)


def test_commands_execute_and_the_image_has_what_they_did(windows: Engine, tmp_path: Path, name: str) -> None:
    folder = context(
        tmp_path, "ARG WHO=me", "ENV GREETING=hello", r"WORKDIR C:\\made", "COPY a.txt .",
        r"RUN echo %GREETING% %WHO%> b.txt& type b.txt& echo to stderr 1>&2",
        r"RUN reg add HKLM\SOFTWARE\Made /v By /d run /f", r"RUN mklink /J C:\linked C:\made",
        'RUN ["cmd", "/c", "del a.txt"]', "VOLUME C:/data", "HEALTHCHECK --interval=1s CMD exit 1", "RUN cmd /c exit 0",
        r'CMD ["cmd", "/c", "type C:\\linked\\b.txt & dir /b C:\\made & reg query HKLM\\SOFTWARE\\Made /v By"]')
    begun = left(windows)
    said = windows.docker("build", "--build-arg", "WHO=you", "-t", f"{name}:1", folder).stdout.replace("\r", "")
    assert "hello you\n" in said
    assert "to stderr" in said
    ran = windows.docker("run", "--rm", f"{name}:1").stdout.split()
    assert ran[:3] == ["hello", "you", "b.txt"]
    assert ran[-3:] == ["By", "REG_SZ", "run"]
    again = windows.docker("build", "-q", "--build-arg", "WHO=you", folder).stdout.strip()
    assert again == windows.docker("images", "-q", "--no-trunc", f"{name}:1").stdout.strip()
    windows.docker("rmi", f"{name}:1")
    assert left(windows) == begun


@pytest.mark.parametrize(("line", "code", "words"), [
    ("RUN echo before& exit 7", 7, "The command 'cmd /S /C echo before& exit 7' returned a non-zero code: 7"),
    ("RUN nosuch", 9009 & 0xFF, "returned a non-zero code: 9009"),
    ('RUN ["nosuch.exe"]', 1, "The system cannot find the file specified. (0x2)")])
def test_a_command_that_fails_ends_the_build(windows: Engine, tmp_path: Path, line: str, code: int, words: str) -> None:
    begun = left(windows)
    done = windows.docker("build", context(tmp_path, "RUN echo first> f.txt", line), ok=False)
    assert done.returncode == code
    assert words in done.stderr
    assert left(windows) == begun


def test_network_none_reaches_the_commands(windows: Engine, tmp_path: Path) -> None:
    said = windows.docker("build", "--network", "none", "--no-cache", context(tmp_path, "RUN ipconfig")).stdout
    assert "127.0.0.1" in said
    assert "172." not in said
    said = windows.docker("build", "--no-cache", "--add-host", "db:10.0.0.9", context(
        tmp_path, "RUN ipconfig & ping -n 1 -w 10 db & exit 0")).stdout
    assert "172." in said
    assert "10.0.0.9" in said


@contextmanager
def running(windows: Engine, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The docker command of a build whose RUN has begun, and never ends by itself."""
    docker = programs.find("docker")
    with subprocess.Popen([docker, "build", context(folder, "RUN echo begun& ping -n 600 127.0.0.1 >nul")],
                          env=windows.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        assert client.stdout is not None
        while not client.stdout.readline().startswith(b"begun"):
            assert client.poll() is None
        yield client


def test_a_client_that_leaves_ends_the_command(windows: Engine, tmp_path: Path) -> None:
    begun = left(windows)
    with running(windows, tmp_path) as client:
        assert windows.docker("ps", "-q").stdout != begun[0]
        client.send_signal(signal.SIGINT)
        client.wait(20)
    until(lambda: left(windows) == begun)


def test_a_step_that_is_killed_by_hand_is_a_failed_build(windows: Engine, tmp_path: Path) -> None:
    begun = left(windows)
    with running(windows, tmp_path) as client:
        new = set(windows.docker("ps", "-q").stdout.split()) - set(begun[0].split())
        windows.docker("rm", "-f", *new)
        assert client.wait(20) != 0
    until(lambda: left(windows) == begun)


def test_the_same_commands_make_the_same_image_at_another_time(windows: Engine, tmp_path: Path) -> None:
    folder = context(tmp_path, "RUN echo text> new.txt& mkdir sub", r"RUN reg add HKLM\SOFTWARE\Made /v By /d run /f")
    first, second = (windows.docker("build", "-q", "--no-cache", folder).stdout for _ in range(2))
    assert first == second
