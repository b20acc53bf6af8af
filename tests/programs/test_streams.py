# SPDX-License-Identifier: Apache-2.0
"""Standard streams that are closed, full or gone: no traceback, and an exit code that says whether the work is done."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import programs

if TYPE_CHECKING:
    from support.home import Home

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="closes descriptors as a POSIX shell does")
VERBS = ["--version", "--help", "images", "inspect app:1", "digest app:1"]


def shell(home: Home, line: str) -> tuple[int, str]:
    """Run ``wcow LINE`` by a shell: the exit code, and what came to standard error where that is not redirected."""
    done = subprocess.run(["/bin/sh", "-c", f'"$0" -m imagebuild {line}', sys.executable], env=home.environment(),
                          cwd=home.folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, timeout=60, check=False)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("verb", VERBS)
def test_a_result_that_cannot_be_written_is_an_error(home: Home, app: str, verb: str) -> None:
    assert shell(home, f"{verb} >&-") == (3, "error: cannot write the output\n  Bad file descriptor\n")
    assert shell(home, f"{verb} <&- >&- 2>&-") == (3, "")


def test_what_has_no_result_needs_no_standard_output(home: Home, app: str) -> None:
    assert shell(home, "tag app:1 app:2 >&-") == (0, "")
    assert shell(home, "tag app:1 app:3 <&- >&- 2>&-") == (0, "")
    assert shell(home, "digest app:1 2>&-") == (0, "")


def test_a_build_needs_no_standard_input(home: Home, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile C:/\n")
    assert shell(home, f"build -q {tmp_path} <&-") == (0, "")
    code, said = shell(home, "build -q - <&-")
    assert code == 2 and "Traceback" not in said and len(said.splitlines()) <= 3


def test_ctrl_c_before_anything_has_begun_is_no_traceback(home: Home) -> None:
    code = ("import sys\n"
            "class Stop:\n"
            "    def find_spec(self, name, *rest):\n"
            "        if name == 'click': raise KeyboardInterrupt\n"
            "sys.meta_path.insert(0, Stop())\n"
            "from imagebuild.cli import main\n"
            "sys.exit(main(['images']))\n")
    done = subprocess.run([sys.executable, "-c", code], env=home.environment(), cwd=home.folder, capture_output=True,
                          timeout=60, check=False)
    assert (done.returncode, done.stderr.decode()) == (130, "\nerror: interrupted\n")


@pytest.mark.parametrize("verb", VERBS)
def test_output_that_finds_no_room_is_an_error_told_once(home: Home, app: str, verb: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full, which is always full")
    code, said = shell(home, f"{verb} >/dev/full")
    assert code == 3
    assert said == "error: cannot write the output\n  No space left on device\n"


def ended(home: Home, line: str, reader: str) -> tuple[int, str]:
    """``wcow LINE 2>&1 | READER``: the exit code of wcow, and what the reader said."""
    done = subprocess.run(["/bin/bash", "-c", f'"$0" -m imagebuild {line} | {reader}; exit ${{PIPESTATUS[0]}}',
                           sys.executable], env=home.environment(), cwd=home.folder, capture_output=True, timeout=60,
                          check=False)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout.decode()


@pytest.mark.parametrize("verb", VERBS)
def test_a_result_whose_reader_is_gone_is_no_success(home: Home, app: str, verb: str) -> None:
    assert ended(home, verb, "(exec 0<&-; sleep 3)") == (141, "")
    assert shell(home, "digest nothing:1 --offline 2>/dev/full") == (2, "")


def test_the_first_lines_of_a_long_list_end_it(home: Home) -> None:
    code, said = ended(home, "compat matrix --format json", "head -1")
    assert (code, len(said.splitlines())) == (141, 1)
    assert ended(home, "completion bash", "head -1")[1].count("\n") == 1


def test_progress_that_has_no_reader_ends_no_work(home: Home, tmp_path: Path) -> None:
    """``wcow build --push 2>&1 | grep -m1``: the pipe breaks after the first line, and the image is there all the
    same; that its digest could not be printed is told by the exit code."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile C:/\n")
    code, said = ended(home, f"build -t made:1 {tmp_path} 2>&1", "(head -1; exec 0<&-)")
    assert (code, said.count("\n")) == (141, 1)
    assert home.wcow("digest", "made:1").out.startswith("sha256:")
    copied = tmp_path / "copied"
    assert ended(home, f"copy made:1 oci:{copied} 2>&1 >/dev/null", "(exec 0<&-; sleep 3)") == (0, "")
    assert (copied / "index.json").is_file()
    assert shell(home, f"copy made:1 oci:{copied}2 2>/dev/full") == (0, "")
    assert (tmp_path / "copied2/index.json").is_file()


def test_a_closed_terminal_ends_the_work_as_ctrl_c_does(home: Home) -> None:
    code = ("import os, signal, sys\n"
            "from imagebuild.cli import app\n"
            "def hang(*args, **more): os.kill(os.getpid(), signal.SIGHUP)\n"
            "app.wcow.main = hang\n"
            "sys.exit(app.run(['images']))\n")
    done = subprocess.run([sys.executable, "-c", code], env=home.environment(), cwd=home.folder, capture_output=True,
                          timeout=60, check=False)
    assert (done.returncode, done.stderr.decode()) == (130, "error: interrupted\n  nothing half-done was kept\n")


def test_a_fault_of_ours_ends_with_70_and_is_told_in_lines(home: Home) -> None:
    code = ("import sys\n"
            "from imagebuild.cli import app\n"
            "def fail(*args, **more): raise {error}\n"
            "app.wcow.main = fail\n"
            "sys.exit(app.run(sys.argv[1:]))\n")
    for error, name in (("KeyError('x')", "KeyError"), ("RecursionError('deep')", "RecursionError")):
        done = subprocess.run([sys.executable, "-c", code.format(error=error), "images"], env=home.environment(),
                              cwd=home.folder, capture_output=True, timeout=60, check=False)
        said = done.stderr.decode()
        assert done.returncode == 70 and said.startswith(f"error: a fault in wcow: {name}\n"), said
        assert "Traceback" not in said and len(said.splitlines()) <= 3
    done = subprocess.run([sys.executable, "-c", code.format(error="KeyError('x')"), "--debug", "images"],
                          env=home.environment(), cwd=home.folder, capture_output=True, timeout=60, check=False)
    assert done.returncode == 70 and "Traceback" in done.stderr.decode()


def test_a_connection_that_breaks_is_not_taken_for_our_output(home: Home) -> None:
    """Click ends quietly, with success, on every broken pipe; one of a socket is the work's failure."""
    code = ("import sys\n"
            "from imagebuild.cli import app\n"
            "from imagebuild.cli.images import local\n"
            "def fail(*args, **more): raise BrokenPipeError(32, 'Broken pipe')\n"
            "local.images.callback = fail\n"
            "sys.exit(app.run(['images']))\n")
    done = subprocess.run([sys.executable, "-c", code], env=home.environment(), cwd=home.folder, capture_output=True,
                          timeout=60, check=False)
    assert (done.returncode, done.stderr.decode()) == (3, "error: a connection broke\n  Broken pipe\n")


def test_a_deleted_working_directory_stops_only_what_needs_it(home: Home, app: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile C:/\n")
    begin = f'mkdir {tmp_path}/gone; cd {tmp_path}/gone; rmdir {tmp_path}/gone; "$0" -m imagebuild'

    def run(line: str) -> tuple[int, str]:
        done = subprocess.run(["/bin/sh", "-c", f"{begin} {line}", sys.executable], env=home.environment(), timeout=60,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        return done.returncode, done.stderr.decode()

    assert run("digest app:1") == (0, "")
    assert run(f"build -q {tmp_path}") == (0, "")
    code, said = run("build -q .")
    assert code == 2 and "the working directory has been deleted" in said and len(said.splitlines()) <= 3


def test_debug_is_taken_after_the_verb(home: Home) -> None:
    done = subprocess.run(home.command("digest", "--offline", "nothing:1", "--debug"), env=home.environment(),
                          cwd=home.folder, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Traceback" in done.stderr.decode() and "cannot find nothing:1" in done.stderr.decode()


def test_summaries_of_commands_are_whole(home: Home) -> None:
    for verb in ("index", "reg", "engine", "host", "compat", "base", "system", "powershell"):
        said = home.wcow(verb, "--help").out
        assert "..." not in said.partition("Commands:")[2], said


def test_a_file_that_is_not_there_is_called_so(home: Home) -> None:
    assert "no such file or folder" in home.wcow("ls", "--offline", "./Nothing.tar", code=2).err
    assert "'C:\\Nothing' is not an image name" in home.wcow("ls", "--offline", "C:\\Nothing", code=2).err


def test_a_terminal_shows_a_bar_that_moves_and_none_at_the_end(home: Home, tmp_path: Path) -> None:
    import pty

    (tmp_path / "c").mkdir()
    (tmp_path / "c/big").write_bytes(os.urandom(256 << 20))
    (tmp_path / "c/Dockerfile").write_text("FROM scratch\nCOPY big C:/\n")
    ours, theirs = pty.openpty()
    done = subprocess.Popen([sys.executable, "-m", "imagebuild", "build", "c"], cwd=tmp_path, stderr=theirs,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            env=home.environment(TERM="xterm", COLUMNS="160"))
    os.close(theirs)
    said = b""
    with os.fdopen(ours, "rb", buffering=0) as screen, done:
        try:
            while data := screen.read(1 << 16):
                said += data
        except OSError:  # Linux's end of a terminal whose other side is closed
            pass
    assert done.returncode == 0, said
    moved = set(re.findall(rb"([\d.]+)/[\d.]+ (?:MiB|bytes)", said))
    assert len(moved) >= 3, said
    assert b"\x1b[?25h" in said and said.rpartition(b"\x1b[2K")[2].count(b"MiB") == 0, said[-300:]


def test_a_push_whose_progress_has_no_reader_is_done(home: Home, tmp_path: Path, registry: programs.Registry) -> None:
    """``wcow build --push . 2>&1 | grep -m1 looking``, as in a script that waits for a line."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile C:/\n")
    name = f"{registry.host}/pushed:1"
    code, said = ended(home, f"build --progress plain -t {name} --push {tmp_path} 2>&1", "(head -1; exec 0<&-)")
    assert (code, said.count("\n")) == (141, 1)
    assert home.wcow("inspect", "--format", "json", f"docker://{name}").out
    other = f"{registry.host}/pushed:2"
    assert ended(home, f"copy {name} docker://{other} 2>&1 >/dev/null", "(exec 0<&-; sleep 3)") == (0, "")
    assert home.wcow("digest", f"docker://{other}").out == home.wcow("digest", f"docker://{name}").out
