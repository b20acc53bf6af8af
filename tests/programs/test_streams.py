# SPDX-License-Identifier: Apache-2.0
"""Standard streams that are closed, full or gone: no traceback, and an exit code that says whether the work is done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
def test_closed_streams_are_as_good_as_none(home: Home, app: str, verb: str) -> None:
    assert shell(home, f"{verb} >&-") == (0, "")
    assert shell(home, f"{verb} <&- >&- 2>&-") == (0, "")


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


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_needs_to_listen(home: Home, app: str, verb: str) -> None:
    assert shell(home, f"{verb} | true") == (0, "")
    assert shell(home, "digest nothing:1 --offline 2>/dev/full") == (2, "")


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
