# SPDX-License-Identifier: Apache-2.0
"""Many hosts at once, and what is left when they go; what a user meets where something is in the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import engine, programs, sandboxes, users, windows_programs

from imagebuild.hostd import commands
from imagebuild.hostd.record import HostPlace

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning")]  # pywinrm's own
PASSWORD = "pass:word1"
BUILDS = ("14393", "17763", "20348", "26100")


class Hosts:
    """``wcow host`` in a folder of the test's own, with Wine's prefix and docker.exe there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __call__(self, *words: str, status: int = 0) -> str:
        environment = {**os.environ, "WCOW_ENGINE_ROOT": str(self.root / "engine"), "WCOW_HOST_PASSWORD": PASSWORD}
        done = subprocess.run([sys.executable, "-m", "imagebuild", "host", *words], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout if not status else done.stderr

    def start(self, name: str, *options: str) -> dict[str, Any]:
        return dict(json.loads(self("start", name, *options, "--format", "json")))

    def place(self, name: str) -> HostPlace:
        return HostPlace(self.root / "hosts" / name)


def run(document: dict[str, Any], line: str) -> tuple[int, str]:
    """A command line on a host, over WinRM."""
    import winrm

    session = winrm.Session(f"http://127.0.0.1:{document['winrm_port']}/wsman", auth=("Administrator", PASSWORD),
                            transport="ntlm", message_encryption="always")
    done = session.run_cmd(line)
    return done.status_code, (done.std_out + done.std_err).decode("utf-8", "replace").replace("\r\n", "\n")


def processes(root: Path) -> list[str]:
    """The processes that know a folder by its name, or stand in it."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            line = (one / "cmdline").read_bytes() + (one / "environ").read_bytes()
            here = str((one / "cwd").readlink())
        except OSError:
            continue
        if str(root).encode() in line or here.startswith(str(root)):
            found.append(line.replace(b"\0", b" ").decode(errors="replace")[:200])
    return found


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    pytest.importorskip("winrm", reason="pywinrm is not installed: pip install 'wcow[test]'")
    with sandboxes.folder() as folder:
        made = Hosts(folder)
        with programs.skipping():
            (folder / "engine").mkdir()
            engine.template(folder / "engine" / "sandbox", users.ourselves())
            client = windows_programs.docker()
        made("docker-cli", "install", "--from", str(client / "docker.exe"))
        yield made
        names = [row["name"] for row in json.loads(made("list", "--format", "json"))]
        if names:
            made("remove", "-f", *names)


def test_ten_hosts_know_nothing_of_each_other_and_leave_nothing(hosts: Hosts) -> None:
    names = [f"host{number}" for number in range(10)]
    documents = {name: hosts.start(name, "--build", BUILDS[at % 4]) for at, name in enumerate(names)}
    for at, name in enumerate(names):
        said = run(documents[name], f"docker.exe run --name {name} nanoserver cmd /c ver")
        assert f"10.0.{BUILDS[at % 4]}" in said[1]
        assert run(documents[name], f"echo {name}> C:\\who.txt")[0] == 0
    for name in names:
        assert run(documents[name], "docker.exe ps -a --format {{.Names}}") == (0, f"{name}\n")
        assert run(documents[name], "type C:\\who.txt & hostname") == (0, f"{name}\n{name.upper()}\n")
    engines = [Path(commands.ask(hosts.place(name), "engine")["engine"].partition("://")[2]) for name in names]
    ports = [documents[name][key] for name in names for key in ("winrm_port", "winrm_tls_port")]
    assert all(answers(port) for port in ports) and all(path.exists() for path in engines)
    hosts("remove", "-f", *names)
    assert list((hosts.root / "hosts").iterdir()) == []
    assert not any(answers(port) for port in ports) and not any(path.exists() for path in engines)
    assert processes(hosts.root / "hosts") == []
    assert str(hosts.root / "hosts") not in Path("/proc/self/mounts").read_text()


def test_a_port_that_is_taken_is_said_and_nothing_is_left(hosts: Hosts) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = hosts("start", "win", "--winrm", port, status=3)
        assert f"cannot listen on 127.0.0.1:{port}" in said and "in use" in said
    assert processes(hosts.root / "hosts") == []
    document = hosts.start("win", "--winrm", port)
    assert document["winrm_port"] == int(port) and run(document, "ver")[0] == 0
    assert "runs already" in hosts("start", "WIN", status=3)


def test_a_host_that_is_killed_in_mid_reboot_is_started_as_it_was(hosts: Hosts) -> None:
    document = hosts.start("win")
    assert run(document, "echo kept> C:\\kept.txt & shutdown /r /t 0")[0] == 0
    log = hosts.place("win").log
    end = time.monotonic() + 60
    while "win restarts" not in log.read_text() and time.monotonic() < end:
        time.sleep(0.01)
    os.kill(document["pid"], signal.SIGKILL)
    end = time.monotonic() + 30
    while processes(hosts.root / "hosts") and time.monotonic() < end:
        time.sleep(0.1)
    assert json.loads(hosts("list", "--format", "json"))[0]["running"] is False
    again = hosts.start("win")
    assert run(again, "type C:\\kept.txt") == (0, "kept \n")
    assert run(again, "docker.exe ps -aq") == (0, "")


def test_a_state_document_that_a_program_of_the_host_spoilt_keeps_no_host_from_starting(hosts: Hosts) -> None:
    document = hosts.start("win")
    assert run(document, "echo {> C:\\ProgramData\\wcow\\state.json")[0] == 0
    assert "cannot read this JSON" in hosts("state", "win", status=2)
    hosts("stop", "win")
    document = hosts.start("win")
    assert run(document, "ver")[0] == 0
    assert "the state document is not used" in hosts.place("win").log.read_text()
    assert run(document, "type C:\\ProgramData\\wcow\\state.json") == (0, "{\n")


def test_the_engines_sentence_is_one_that_the_doctor_explains(hosts: Hosts) -> None:
    document = hosts.start("win")
    assert run(document, "net stop docker")[0] == 0
    code, said = run(document, "docker.exe ps")
    assert code == 1
    assert said.endswith("open //./pipe/docker_engine: The system cannot find the file specified.\n")
    explained = subprocess.run([sys.executable, "-m", "imagebuild", "doctor", "explain", "--format", "json"],
                               input=said, capture_output=True, text=True, check=False)
    [cause] = json.loads(explained.stdout)["causes"]
    assert (explained.returncode, cause["id"], cause["confidence"]) == (1, "pipe-missing", "high")
