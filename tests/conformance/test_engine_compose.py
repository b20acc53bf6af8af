# SPDX-License-Identifier: Apache-2.0
"""Debian's ``docker-compose`` against the embedded engine: a project of a server, its client and a volume."""

from __future__ import annotations

import json
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import programs
from support.engine import IMAGE, LOOP, Engine, until

pytestmark = pytest.mark.slow

PROJECT = r"""
services:
  server:
    image: app:1
    command: serve 8080
    ports: ["8080"]
    healthcheck: {test: fetch localhost 8080, interval: 200ms, timeout: 10s, retries: 20}
    labels: {part: front}
    stop_grace_period: 1s
    volumes: ["kept:C:\\data", "./shared:C:\\shared:ro"]
    networks: {inner: {aliases: [shop]}}
  client:
    image: app:1
    command: cmd /c "fetch shop 8080 & echo. & echo %WHO%"
    environment: {WHO: the client}
    networks: [inner]
    depends_on: {server: {condition: service_healthy}}
  loop:
    image: app:1
    command: ["cmd", "/c", "LOOP"]
    profiles: [more]
    networks: [inner]
networks:
  inner: {driver: nat}
volumes:
  kept: {}
"""


@dataclass(frozen=True, slots=True)
class Compose:
    """``compose("up", …)`` in the folder of a project: what it said on stdout; a failure when it fails."""

    windows: Engine
    folder: Path
    name: str

    def __call__(self, *args: str, stdin: bytes | None = None) -> str:
        return self.run(*args, stdin=stdin).stdout

    def run(self, *args: str, ok: bool = True, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
        return programs.run(programs.find("docker-compose"), "--ansi", "never", "-p", self.name, *args, ok=ok,
                            cwd=self.folder, env=self.windows.env, stdin=stdin, timeout=120)


@pytest.fixture
def compose(windows: Engine) -> Iterator[Compose]:
    with programs.skipping():
        programs.find("docker-compose")
    folder = windows.fresh()
    (folder / "shared").mkdir()
    (folder / "shared" / "f.txt").write_bytes(b"from the project\r\n")
    (folder / "compose.yaml").write_text(PROJECT.replace("LOOP", LOOP))
    made = Compose(windows, folder, f"p{uuid.uuid4().hex[:8]}")
    yield made
    made.run("--profile", "more", "down", "--volumes", "--timeout", "1", ok=False)


def test_a_project_comes_up_is_used_and_goes_down(compose: Compose) -> None:
    assert set(compose("config", "--services").split()) >= {"server", "client"}
    compose("create")
    assert {json.loads(line)["State"] for line in compose("ps", "-a", "--format", "json").splitlines()} == {"created"}
    compose("up", "-d", "--wait", "server")
    assert "healthy" in compose("ps", "server")
    assert compose("run", "--rm", "client").splitlines()[-1].strip() == "the client"
    assert "hello from" in compose("run", "--rm", "-e", "WHO=other", "client")
    assert compose("exec", "-T", "server", "cmd", "/c", r"type C:\shared\f.txt").strip() == "from the project"
    assert compose("exec", "-T", "-w", r"C:\windows", "-e", "A=b", "server", "cmd", "/c", "echo %A% %CD%").strip() == \
        r"b C:\windows"
    assert compose.run("exec", "-T", "server", "cmd", "/c", "exit 7", ok=False).returncode == 7
    assert compose("exec", "-T", "server", "findstr", "b", stdin=b"abc\r\nxyz\r\n").strip() == "abc"
    compose("exec", "-T", "server", "cmd", "/c", r"echo kept> C:\data\a.txt")
    host, _, port = compose("port", "server", "8080").strip().rpartition(":")
    assert host == "0.0.0.0"
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        assert answer.read().startswith(b"hello from ")
    assert "serving" in compose("logs", "server")
    assert "served" in compose("logs", "--no-log-prefix", "--tail", "1", "server")
    assert "serve.exe" in compose("top", "server")
    assert IMAGE.partition(":")[0] in compose("images")
    compose("restart", "-t", "1", "server")
    compose("stop", "-t", "1", "server")
    assert "exited" in compose("ps", "-a", "--format", "{{.State}}", "server")
    compose("start", "server")
    until(lambda: "running" in compose("ps", "-a", "--format", "{{.State}}", "server"))
    compose("kill", "server")
    compose("rm", "-f", "server")
    compose("up", "-d", "--wait", "server")
    assert compose("exec", "-T", "server", "cmd", "/c", r"type C:\data\a.txt").strip() == "kept"  # the volume stayed
    compose("down", "--timeout", "1")
    assert not compose("ps", "-aq")
    assert f"{compose.name}_kept" in compose.windows.docker("volume", "ls", "-q").stdout
    compose("down", "--volumes")
    assert f"{compose.name}_kept" not in compose.windows.docker("volume", "ls", "-q").stdout
    assert compose.name not in compose.windows.docker("network", "ls", "--format", "{{.Name}}").stdout


def test_services_are_scaled_and_followed(compose: Compose) -> None:
    compose("--profile", "more", "up", "-d", "--scale", "loop=3", "loop")
    assert len(compose("--profile", "more", "ps", "-q", "loop").split()) == 3
    until(lambda: all(f"loop-{number}  | line 1" in logs for logs in [compose("--profile", "more", "logs", "loop")]
                      for number in (1, 2, 3)))
    compose("--profile", "more", "up", "-d", "--scale", "loop=1", "loop")
    assert len(compose("--profile", "more", "ps", "-q", "loop").split()) == 1
    assert compose.name in compose("ls", "--format", "json")
    compose("--profile", "more", "down", "--timeout", "1")


def test_up_in_the_foreground_ends_with_the_code_of_a_service(compose: Compose) -> None:
    (compose.folder / "compose.yaml").write_text("""
services:
  one: {image: "app:1", command: ["cmd", "/c", "echo done & exit 5"]}
""")
    done = compose.run("up", "--exit-code-from", "one", ok=False)
    assert done.returncode == 5
    assert "one-1" in done.stdout and "done" in done.stdout


def test_a_service_in_the_network_of_another(compose: Compose) -> None:
    (compose.folder / "compose.yaml").write_text("""
services:
  server: {image: "app:1", command: serve 8080, hostname: shop, stop_grace_period: 1s}
  side:
    image: app:1
    command: cmd /c "hostname & fetch 127.0.0.1 8080"
    network_mode: "service:server"
    depends_on: [server]
""")
    compose("up", "-d")
    until(lambda: "serving" in compose("logs", "server"))
    compose("up", "-d", "side")
    until(lambda: "hello from" in compose("logs", "side"))
    assert "shop" in compose("logs", "side").lower()


def test_a_windows_engine_refuses_what_a_project_asks_for(compose: Compose) -> None:
    for line, text in (("privileged: true", "privileged mode"), ("tmpfs: /x", "tmpfs"),
                       ("read_only: true", "read-only mode"), ("network_mode: host", "host")):
        (compose.folder / "compose.yaml").write_text(f"services:\n  one:\n    image: app:1\n    {line}\n")
        done = compose.run("up", "-d", ok=False)
        assert done.returncode and text in done.stderr, line
