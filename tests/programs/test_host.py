# SPDX-License-Identifier: Apache-2.0
"""``wcow host`` as a user runs it: a Windows host that clients of WinRM reach."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import engine, programs, sandboxes, users

from imagebuild.hostd import control

PASSWORD = "pass:word1"


class Command:
    """``wcow`` with an engine's folder of the test's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = {**os.environ, "WCOW_ENGINE_ROOT": str(root / "engine"), "WCOW_HOST_PASSWORD": PASSWORD}

    def __call__(self, *words: str, status: int = 0, password: str | None = PASSWORD, data: str = "") -> str:
        environment = dict(self.environment)
        if password is None:
            del environment["WCOW_HOST_PASSWORD"]
        done = subprocess.run([sys.executable, "-m", "imagebuild", "host", *words], env=environment, input=data,
                              capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout if not status else done.stderr


@pytest.fixture
def host() -> Iterator[Command]:
    # Not in pytest's folder, which the account of root's boxes cannot enter.
    with sandboxes.folder() as folder:
        command = Command(folder)
        yield command
        for row in json.loads(command("list", "--format", "json")):
            command("remove", "-f", row["name"])


def test_a_host_that_is_not_there_is_said_so(host: Command) -> None:
    assert "there is no host win" in host("remove", "win", status=2)
    assert "does not run" in host("stop", "win", status=2)
    assert host("list") == "NAME  BUILD  STATE  WINRM  WINRM-TLS  USER\n"
    assert host("inventory") == "[windows]\n"


@pytest.mark.parametrize("name", ["", "a_b", "x" * 16, "-a", "123", "../x"])
def test_a_name_that_no_computer_has_is_refused(host: Command, name: str) -> None:
    assert "cannot be a host's name" in host("start", "--", name, status=2)


def test_a_new_host_needs_a_password_and_a_build_that_exists(host: Command) -> None:
    assert "a new host needs a password" in host("start", "win", status=2, password=None)
    assert "the password is empty" in host("start", "win", "--password-stdin", status=2, data="\n")
    assert "no Windows has build 12345" in host("start", "win", "--build", "12345", status=2)
    assert json.loads(host("list", "--format", "json")) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning",
                            "ignore::pytest.PytestUnraisableExceptionWarning")  # pywinrm's own
def test_a_host_is_started_reached_stopped_and_found_as_it_was_left(host: Command) -> None:
    winrm = pytest.importorskip("winrm", reason="pywinrm is not installed: pip install 'wcow[test]'")
    with programs.skipping():
        (host.root / "engine").mkdir()
        engine.template(host.root / "engine" / "sandbox", users.ourselves())

    def run(document: dict[str, Any], line: str, transport: str = "ntlm") -> tuple[int, bytes, bytes]:
        session = winrm.Session(f"http://127.0.0.1:{document['winrm_port']}/wsman", auth=("Administrator", PASSWORD),
                                transport=transport, message_encryption="always")
        done = session.run_cmd(line)
        return done.status_code, done.std_out, done.std_err

    first = json.loads(host("start", "win", "--build", "17763", "--format", "json"))
    assert run(first, "ver") == (0, b"\r\nMicrosoft Windows [Version 10.0.17763]\r\n", b"")
    assert run(first, 'echo "a b" & exit 300') == (300, b'"a b" \r\n', b"")
    assert run(first, "echo kept> C:\\kept.txt & reg add HKLM\\SOFTWARE\\Kept /v x /d y /f >nul")[0] == 0
    assert "runs already" in host("start", "win", status=3)
    assert "it runs" in host("remove", "win", status=3)
    [row] = json.loads(host("list", "--format", "json"))
    assert row["running"] and row["winrm_port"] == first["winrm_port"]
    host("stop", "win")
    assert not control._lives(first["pid"])
    assert "has build 17763" in host("start", "win", "--build", "20348", status=2)
    second = json.loads(host("start", "win", "--format", "json", password=None))
    assert run(second, "type C:\\kept.txt")[1] == b"kept \r\n"
    assert b"y" in run(second, "reg query HKLM\\SOFTWARE\\Kept /v x")[1]
    host("remove", "-f", "win")
    assert json.loads(host("list", "--format", "json")) == []
    assert not (host.root / "hosts" / "win").exists()
    assert PASSWORD not in "".join(path.read_text(errors="replace") for path in host.root.rglob("*.log"))
