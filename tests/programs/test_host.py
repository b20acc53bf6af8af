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
from support import engine, programs, sandboxes, users, windows_programs

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
    assert "there is no host win" in host("reset", "win", status=2)
    assert host("list") == "NAME  BUILD  STATE  WINRM  WINRM-TLS  SSH  USER\n"
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
    assert "it runs" in host("reset", "win", status=3)
    host("reset", "-f", "win")
    [third] = json.loads(host("list", "--format", "json"))
    assert [third[key] for key in ("running", "build", "user")] == [True, 17763, "Administrator"]
    assert run(third, "type C:\\kept.txt")[0] == 1
    assert run(third, "reg query HKLM\\SOFTWARE\\Kept /v x")[0] == 1
    host("remove", "-f", "win")
    assert json.loads(host("list", "--format", "json")) == []
    assert not (host.root / "hosts" / "win").exists()
    assert PASSWORD not in "".join(path.read_text(errors="replace") for path in host.root.rglob("*.log"))


def _run(document: dict[str, Any], *lines: str) -> list[tuple[int, str]]:
    """Command lines on a host, over WinRM, each with its exit code and what it said."""
    import winrm

    session = winrm.Session(f"http://127.0.0.1:{document['winrm_port']}/wsman", auth=("Administrator", PASSWORD),
                            transport="ntlm", message_encryption="always")
    out = []
    for line in lines:
        done = session.run_cmd(line)
        out.append((done.status_code, (done.std_out + done.std_err).decode("utf-8", "replace").replace("\r\n", "\n")))
    return out


@pytest.fixture
def prepared(host: Command) -> Command:
    """The command where Wine's prefix is there, and docker.exe."""
    pytest.importorskip("winrm", reason="pywinrm is not installed: pip install 'wcow[test]'")
    with programs.skipping():
        (host.root / "engine").mkdir()
        engine.template(host.root / "engine" / "sandbox", users.ourselves())
        client = windows_programs.docker()
    host("docker-cli", "install", "--from", str(client / "docker.exe"))
    return host


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning",
                            "ignore::pytest.PytestUnraisableExceptionWarning")  # pywinrm's own
def test_docker_on_a_host_mounts_the_hosts_folder_and_ends_with_its_service(prepared: Command) -> None:
    document = json.loads(prepared("start", "win", "--format", "json"))
    mount = "docker.exe run --rm -v C:\\test:C:\\example nanoserver cmd /c "
    said = _run(document, "docker.exe version --format {{.Server.Os}}/{{.Server.Arch}}",
                "mkdir C:\\test & echo Hello from the host> C:\\test\\win2016_me.txt",
                f"{mount}type C:\\example\\win2016_me.txt", f'{mount}"echo back> C:\\example\\back.txt"',
                "type C:\\test\\back.txt", "mklink /J C:\\other C:\\test",
                "docker.exe run --rm -v C:\\other:C:\\x nanoserver cmd /c type C:\\x\\back.txt",
                "docker.exe ps -aq", "dockerd --version",
                "docker.exe run --rm -v /etc:C:\\x nanoserver cmd /c dir C:\\x",
                "docker.exe run --rm -v C:\\..\\..\\etc:C:\\x nanoserver cmd /c dir C:\\x")
    assert said[0] == (0, "windows/amd64\n")
    environment = "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
    machine = _run(document, f'reg query "{environment}" /v PATH', "sc query winrm")
    assert ";C:\\Program Files\\docker" in machine[0][1] and "WindowsApps" not in machine[0][1]  # that is the user's
    assert "RUNNING" in machine[1][1]
    assert said[2] == (0, "Hello from the host\n")
    assert said[4] == (0, "back\n")
    assert said[6] == (0, "back\n")
    assert said[7:9] == [(0, ""), (0, "Docker version 26.1.5, build wcow\n")]  # the host itself is in no list
    assert all(code == 125 and "does not exist" in text for code, text in said[9:])  # nothing of this machine is there

    config = "C:\\ProgramData\\docker\\config"
    said = _run(document, "net stop docker", "docker.exe ps", f"mkdir {config} & echo {{ \"labels\": [\"a=b\"], "
                f"\"no\": 1 }}> {config}\\daemon.json", "dockerd --validate",
                f"echo {{ \"labels\": [\"a=b\"] }}> {config}\\daemon.json", "dockerd --validate", "sc start docker",
                "docker.exe info --format {{.Labels}}", "dockerd --register-service")
    assert said[1][0] == 1
    assert said[1][1].endswith("open //./pipe/docker_engine: The system cannot find the file specified.\n")
    assert said[3] == (1, f"unable to configure the Docker daemon with file {config}\\daemon.json: the following "
                          "directives don't match any configuration option: no\n")
    assert said[5] == (0, "configuration OK\n")
    assert "a=b" in said[7][1]
    assert said[8] == (1, "service docker already exists\n")

    prepared("stop", "win")
    document = json.loads(prepared("start", "win", "--format", "json"))
    assert _run(document, "docker.exe images --format {{.Repository}}", "type C:\\test\\back.txt") == [
        (0, "nanoserver\n"), (0, "back\n")]
    said = _run(document, "net stop docker", "dockerd --unregister-service", "sc query docker")
    assert said[1] == (0, "") and said[2][0] == 1060
    prepared("stop", "win")
    document = json.loads(prepared("start", "win", "--format", "json"))
    assert "cannot find the file specified." in _run(document, "docker.exe ps")[0][1]  # a host without it has no engine


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning",
                            "ignore::pytest.PytestUnraisableExceptionWarning")  # pywinrm's own
def test_hosts_of_two_builds_know_nothing_of_each_other(prepared: Command) -> None:
    for name, build in (("one", "17763"), ("two", "20348")):
        document = json.loads(prepared("start", name, "--build", build, "--format", "json"))
        said = _run(document, "docker.exe ps -aq", f"docker.exe run --name {name} nanoserver cmd /c ver",
                    "docker.exe ps -a --format {{.Names}}", "docker.exe volume create v",
                    "docker.exe info --format {{.Name}}/{{.OSVersion}}")
        assert said[0] == (0, "")
        assert f"10.0.{build}" in said[1][1]
        assert said[2][1] == f"{name}\n" and said[4][1] == f"{name}/10.0.{build}\n"
