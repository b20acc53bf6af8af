# SPDX-License-Identifier: Apache-2.0
"""A server written in Go, reached from another container by name and from outside through a published port."""

from __future__ import annotations

import os
import urllib.request
import uuid
from pathlib import Path

import pytest
from support import programs
from support.engine import HERE, IMAGE, Engine, until

pytestmark = pytest.mark.slow


def build(folder: Path, name: str) -> Path:
    """One of the Go programs for Windows."""
    with programs.skipping():
        programs.run(programs.find("go"), "build", "-o", folder / f"{name}.exe",
                     HERE / "engine_programs" / f"{name}.go",
                     env={**os.environ, "GOOS": "windows", "GOARCH": "amd64", "CGO_ENABLED": "0", "GO111MODULE": "off",
                          "GOCACHE": str(programs.user_cache() / "go-build")})
    return folder / f"{name}.exe"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``server.go`` for Windows."""
    return build(tmp_path_factory.mktemp("go"), "server")


def test_a_go_server_is_reached_from_another_container_and_from_outside(windows: Engine, server: Path) -> None:
    name = f"c-{uuid.uuid4().hex[:8]}"
    windows.docker("create", "--name", name, "-e", "WHO=go", "-p", "8080", IMAGE, r"C:\go\server.exe")
    (windows.folder / name / "go").mkdir(parents=True)
    (windows.folder / name / "go" / "server.exe").write_bytes(server.read_bytes())
    windows.docker("cp", windows.folder / name / "go", f"{name}:/")
    windows.docker("start", name)
    until(lambda: "serving" in windows.docker("logs", name).stdout)
    assert "hello from go on windows" in windows.docker("run", "--rm", IMAGE, "fetch", name, "8080").stdout
    port = windows.docker("port", name, "8080").stdout.split()[0].rpartition(":")[2]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        assert answer.read() == b"hello from go on windows"
    windows.docker("rm", "-f", name)


def test_a_go_program_lists_the_interfaces_and_addresses_that_inspect_shows(windows: Engine, tmp_path: Path) -> None:
    program, name = build(tmp_path, "interfaces"), f"c-{uuid.uuid4().hex[:8]}"
    windows.docker("create", "--name", name, IMAGE, "cmd", "/c", "ping -n 60 127.0.0.1 >nul")
    windows.docker("cp", program, f"{name}:/app/interfaces.exe")
    windows.docker("start", name)
    said = windows.docker("exec", name, r"C:\app\interfaces.exe").stdout
    address = windows.docker("inspect", name, "--format", "{{.NetworkSettings.Networks.nat.IPAddress}}").stdout.strip()
    assert f"[{address}/" in said or f" {address}/" in said
    assert "127.0.0.1/8" in said and "loopback" in said and "<nil>" in said
    windows.docker("rm", "-f", name)
