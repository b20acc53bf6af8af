# SPDX-License-Identifier: Apache-2.0
"""Services of an image's or a container's own that start by themselves (``start= auto``)."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import programs, sandboxes
from support.engine import IMAGE, Docker, Engine, until

pytestmark = pytest.mark.slow
SERVICE = Path(__file__).resolve().parents[1] / "imagebuild" / "runtime" / "service.c"
WAIT = ("ping", "-n", "3600", "127.0.0.1")


def test_a_service_that_starts_by_itself_runs_in_the_next_start_and_in_a_committed_image(
        windows: Engine, docker: Docker, name: str) -> None:
    with programs.skipping():
        service = sandboxes.compile_program(SERVICE)
    program = windows.fresh() / "service.exe"
    program.write_bytes(service.read_bytes())
    program.chmod(0o755)
    docker("create", "--name", name, IMAGE, *WAIT)
    try:
        docker("cp", program, f"{name}:C:/service.exe")
        docker("start", name)
        docker("exec", name, "sc", "create", "mine", "binPath=", r"C:\service.exe", "start=", "auto")
        assert "service.exe" not in docker("top", name)
        docker("stop", name)
        docker("start", name)
        until(lambda: "\nservice.exe" in docker("top", name), 30)
        assert "STATE              : 4" in docker("exec", name, "sc", "query", "mine")
        docker("stop", name)
        docker("commit", name, f"{name}:1")
    finally:
        docker("rm", "-f", name)
    docker("run", "-d", "--name", name, f"{name}:1", *WAIT)
    try:
        until(lambda: "\nservice.exe" in docker("top", name), 30)
        assert docker("top", name).count("\nservices.exe") == 1
    finally:
        docker("rm", "-f", name)
        docker("rmi", f"{name}:1")


def test_a_container_without_such_a_service_has_no_service_manager(docker: Docker, name: str) -> None:
    docker("run", "-d", "--name", name, IMAGE, "cmd", "/c", "ping -n 3 127.0.0.1 & ping -n 60 127.0.0.1 >nul")
    try:
        until(lambda: "Reply" in docker("logs", name), 20)
        until(lambda: docker("top", name).count("\nping") == 1 and docker("logs", name).count("Reply") == 3, 20)
        assert "services.exe" not in docker("top", name)
    finally:
        docker("rm", "-f", name)
