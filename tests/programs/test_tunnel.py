# SPDX-License-Identifier: Apache-2.0
"""``wcow tunnel`` to a ``wcow host``: other people's clients on its socket, unmodified, and Docker's own ``docker.exe``
at the other end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ansible_hosts, programs, sessions, tunnels, windows_programs

from imagebuild.cli.hosts.passwords import PASSWORD

pytestmark = pytest.mark.slow

GUIDE = Path(__file__).resolve().parents[2] / "docs/guides/remote.md"
LOOP = "for /l %i in (1,1,1000) do @(echo line %i & ping -n 2 127.0.0.1 >nul)"
WORDS = "This file was created by user 'me' on windows host"


class Opened:
    """A tunnel that is open: its socket, the host behind it, a folder for the tests' files."""

    def __init__(self, host: ansible_hosts.Host, folder: Path) -> None:
        self.host, self.folder = host, folder
        self.socket = folder / "tunnel.sock"
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0",
                            "DOCKER_CONFIG": str(folder / "docker"), "WCOW_ENGINE_ROOT": str(host.root / "engine"),
                            "WCOW_STORE": str(folder / "store"), "WCOW_CACHE": str(folder / "cache")}

    def __call__(self, *words: str | Path, stdin: bytes | None = None, code: int = 0, timeout: float = 200) -> str:
        """Run a program with the tunnel as its DOCKER_HOST; return what it printed on stdout."""
        done = subprocess.run(list(words), env=self.environment, cwd=self.folder, input=stdin, capture_output=True,
                              timeout=timeout, check=False)
        assert done.returncode == code, (done.stdout + done.stderr).decode("utf-8", "replace")
        return done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")

    def docker(self, *words: str | Path, stdin: bytes | None = None, code: int = 0) -> str:
        """The real docker command."""
        return self("docker", *words, stdin=stdin, code=code)

    def wcow(self, *words: str | Path) -> str:
        """Our own command."""
        return self(sys.executable, "-m", "imagebuild", *words)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: Any) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("tunnel")
    with programs.skipping():
        programs.find("docker")
        started = ansible_hosts.host(docker=windows_programs.docker() / "docker.exe")
    with started as host:
        made = Opened(host, folder)
        process = subprocess.Popen([sys.executable, "-m", "imagebuild", "tunnel", "--socket", made.socket, "host://win"],
                                   env=made.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None and process.stderr is not None
            line = process.stdout.readline()
            assert line == f"DOCKER_HOST=unix://{made.socket}\n", process.stderr.read()
            yield made
        finally:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
        assert r"C:\Program Files\docker\docker.exe system dial-stdio" in said
        assert process.returncode == 0, said
        lost = [line for line in said.splitlines() if ": lost" in line]
        assert all(re.match(r"tunnel: (HEAD|GET) (/v[\d.]+)?/(_ping|version): lost, .* cannot find the file", line)
                   for line in lost), lost  # those of `docker version` while the service was stopped


def test_the_docker_command_mounts_a_folder_of_the_host(opened: Opened) -> None:
    with tunnels.stand_in(opened.host) as host:
        host.powershell(f"mkdir C:\\test; [IO.File]::WriteAllText('C:\\test\\win2016_me.txt', \"{WORDS}\")")
    assert opened.docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}") == "windows/amd64\n"
    assert opened.docker("run", "--rm", "-v", "C:\\test:C:\\example", "nanoserver", "cmd", "/c",
                         "type C:\\example\\win2016_me.txt") == WORDS
    assert opened.docker("run", "--rm", "-i", "nanoserver", "cmd", "/c", "findstr l", stdin=b"hello\n") == "hello\n"


def test_exec_logs_and_copies_go_through_it(opened: Opened) -> None:
    opened.docker("run", "-d", "--name", "loop", "nanoserver", "cmd", "/c", LOOP)
    try:
        assert opened.docker("exec", "loop", "cmd", "/c", "echo in exec& exit 5", code=5) == "in exec\n"
        follow = subprocess.Popen(["docker", "logs", "-f", "loop"], env=opened.environment, stdout=subprocess.PIPE)
        assert follow.stdout is not None
        assert [follow.stdout.readline() for _ in range(3)] == [b"line 1 \r\n", b"line 2 \r\n", b"line 3 \r\n"]
        follow.send_signal(signal.SIGINT)
        follow.wait(20)
        follow.stdout.close()
        (opened.folder / "big").write_bytes(content := os.urandom(3 << 20))
        opened.docker("cp", opened.folder / "big", "loop:C:\\big")
        opened.docker("cp", "loop:/big", opened.folder / "back")
        assert (opened.folder / "back").read_bytes() == content
    finally:
        opened.docker("rm", "-f", "loop")


def test_an_image_is_built_there_from_a_context_here(opened: Opened) -> None:
    context = opened.folder / "context"
    context.mkdir()
    (context / "words.txt").write_text("from the context")
    (context / "Dockerfile").write_text("FROM nanoserver\nCOPY words.txt C:/words.txt\nCMD type C:\\words.txt\n")
    opened.docker("build", "-q", "-t", "built:1", context)
    assert opened.docker("run", "--rm", "built:1") == "from the context"


def test_an_image_of_300_megabytes_is_loaded(opened: Opened) -> None:
    context = opened.folder / "large"
    context.mkdir()
    with (context / "blob").open("wb") as blob:
        for _ in range(300):
            blob.write(os.urandom(1_000_000))
    (context / "Dockerfile").write_text("FROM nano:1\nCOPY blob C:/blob\n")
    opened.wcow("base", "create", "--like", "nanoserver", "--os-version", "10.0.20348.1", "--quiet", "--tag", "nano:1")
    opened.wcow("build", "--quiet", "--tag", "large:1", context)
    opened.wcow("copy", "--quiet", "large:1", f"docker-archive:{opened.folder}/large.tar:large:1")
    assert "large:1" in opened.docker("load", "--quiet", "--input", opened.folder / "large.tar")
    assert opened.docker("run", "--rm", "large:1", "cmd", "/c", "for %i in (C:\\blob) do @echo %~zi") == "300000000\n"


def test_the_docker_sdk_loses_no_output(opened: Opened) -> None:
    docker = pytest.importorskip("docker", reason="the docker SDK is not installed: pip install 'wcow[test]'")
    client = docker.DockerClient(base_url=f"unix://{opened.socket}", version="auto")
    try:
        assert client.containers.run("nanoserver", ["cmd", "/c", "echo hi"], remove=True) == b"hi\r\n"
        container = client.containers.run("nanoserver", ["cmd", "/c", LOOP], detach=True)
        try:
            for at in range(20):
                assert container.exec_run(["cmd", "/c", f"echo {at}"]).output == f"{at}\r\n".encode()
        finally:
            container.remove(force=True)
    finally:
        client.close()


def test_compose_brings_a_project_up_and_down(opened: Opened) -> None:
    with programs.skipping():
        compose = programs.find("docker-compose")
    project = opened.folder / "project"
    project.mkdir()
    (project / "compose.yml").write_text("services:\n  one:\n    image: nanoserver\n    command: cmd /c \"echo one\"\n"
                                         "    networks: [inner]\nnetworks:\n  inner: {driver: nat}\n")
    said = opened(compose, "-f", project / "compose.yml", "up", "--abort-on-container-exit")
    assert "| one" in said
    opened(compose, "-f", project / "compose.yml", "down")
    assert opened.docker("ps", "-aq") == ""


def test_modules_of_community_docker_work_unmodified(opened: Opened) -> None:
    playbook = Path(sys.executable).with_name("ansible-playbook")
    if not playbook.exists():
        pytest.skip("Ansible is not installed: pip install 'wcow[test]'")
    options = {"docker_host": f"unix://{opened.socket}"}
    container = {**options, "name": "kept", "image": "nanoserver", "command": ["cmd", "/c", LOOP], "state": "started"}
    network = {**options, "name": "inner", "driver": "nat"}
    tasks = [
        {"community.docker.docker_host_info": options, "register": "info"},
        {"ansible.builtin.assert": {"that": ["info.host_info.OSType == 'windows'"]}},
        {"community.docker.docker_network": network},
        {"community.docker.docker_container": container, "register": "made"},
        {"community.docker.docker_container": container, "register": "again"},
        {"community.docker.docker_container_exec": {**options, "container": "kept", "command": "cmd /c echo hello"},
         "register": "said"},
        {"ansible.builtin.assert": {"that": ["made is changed", "again is not changed", "said.stdout == 'hello'"]}},
        {"community.docker.docker_container": {**options, "name": "kept", "state": "absent", "force_kill": True}},
        {"community.docker.docker_network": {**network, "state": "absent"}},
    ]
    play = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks,
             "vars": {"ansible_python_interpreter": sys.executable}}]
    (opened.folder / "play.yml").write_text(json.dumps(play))
    opened.environment |= {"ANSIBLE_HOME": str(opened.folder / "ansible"), "ANSIBLE_LOCALHOST_WARNING": "0"}
    assert "failed=0" in opened(playbook, "-i", "localhost,", opened.folder / "play.yml")


def test_the_guide_runs_as_it_is_printed(opened: Opened, tmp_path: Path) -> None:
    """Its host ``build1.example`` is this one."""
    names = {"winrm://Administrator@build1.example":
             f"winrm://Administrator@127.0.0.1:{opened.host.document['winrm_tls_port']}",
             "/ca-of-build1": str(opened.host.root / "hosts" / opened.host.name / "winrm.pem"),
             "password-of-build1": ansible_hosts.PASSWORD}
    page = GUIDE.read_text(encoding="utf-8")
    for name, real in names.items():
        page = page.replace(name, real)
    found = sessions.commands(page)
    said = sessions.run(found, tmp_path, "127.0.0.1:1")
    assert len(said) == len(found) > 8, "the shell ended before the page did"
    for command, output in zip(found, said, strict=True):
        if command.shown:
            assert sessions.words(output) == sessions.words(command.output), command.text


def test_the_live_tests_run_on_a_stand_in(opened: Opened) -> None:
    environment = {**opened.environment, "WCOW_LIVE_PASSWORD": ansible_hosts.PASSWORD, "WCOW_LIVE_IMAGE": "nanoserver",
                   "WCOW_LIVE_CA": str(opened.host.root / "hosts" / opened.host.name / "winrm.pem"),
                   "WCOW_LIVE_HOST": f"winrm://Administrator@127.0.0.1:{opened.host.document['winrm_tls_port']}"}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/live",
                           "-k", "not minute"], env=environment, cwd=GUIDE.parents[2], capture_output=True, text=True,
                          timeout=500, check=False)
    assert done.returncode == 0 and "13 passed, 2 skipped" in done.stdout, done.stdout


def test_leftovers_of_tests_are_swept_there(opened: Opened) -> None:
    assert opened.wcow("sweep", "--engine", "host://win") == ""


def test_a_command_has_the_tunnel_while_it_runs_and_its_code_is_ours(opened: Opened) -> None:
    environment = {**opened.environment, PASSWORD: "not for the command"}
    done = subprocess.run([sys.executable, "-m", "imagebuild", "tunnel", "--socket", opened.folder / "other.sock",
                           "host://win", "--", "sh", "-c", f"docker ps -q && echo [${PASSWORD}] && exit 7"],
                          env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (7, "[]\n"), done.stderr
    assert not (opened.folder / "other.sock").exists()


def test_the_tunnel_goes_on_when_the_docker_service_was_stopped_and_started(opened: Opened) -> None:
    with tunnels.stand_in(opened.host) as host:
        assert host.run([r"C:\Windows\System32\net.exe", "stop", "docker"]).code == 0
        opened.docker("version", code=1)
        assert host.run([r"C:\Windows\System32\net.exe", "start", "docker"]).code == 0
    end = time.monotonic() + 30
    version = ["docker", "version"]
    while subprocess.run(version, env=opened.environment, capture_output=True, check=False).returncode:
        assert time.monotonic() < end
        time.sleep(0.5)
    assert opened.docker("ps", "-q") == ""
