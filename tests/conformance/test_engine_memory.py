# SPDX-License-Identifier: Apache-2.0
"""A container whose programs eat memory, to its limit and beyond: it ends, or goes on, and nothing waits for ever."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs
from support.engine import HERE, IMAGE, Docker, Engine, until

pytestmark = pytest.mark.slow

SECONDS = 90
LIMIT = "160m"
"""What Wine itself needs is in it, some 60 MiB."""


@pytest.fixture(scope="module")
def eat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("eat") / "eat.exe"
    programs.run(programs.find("x86_64-w64-mingw32-gcc"), "-O1", "-s", "-o", built,
                 HERE / "engine_programs" / "eat.c")
    return built


@pytest.fixture
def eater(windows: Engine, docker: Docker, name: str, eat: Path) -> Iterator[list[str]]:
    """How a container that holds the program is made."""
    place = windows.fresh() / "eat.exe"
    shutil.copy(eat, place)
    place.chmod(0o644)
    docker("create", "--name", f"{name}-v", IMAGE, "cmd", "/c", "exit")
    docker("cp", place, f"{name}-v:C:/")
    docker("commit", f"{name}-v", f"{name}:eat")
    yield ["--name", name, "-m", LIMIT, f"{name}:eat"]
    windows.docker("rm", "-f", name, f"{name}-v", ok=False)
    windows.docker("rmi", f"{name}:eat", ok=False)


def ended(docker: Docker, name: str) -> dict[str, object]:
    """Its state once it has ended; a failure when it does not."""
    until(lambda: json.loads(docker("inspect", name))[0]["State"]["Status"] == "exited", SECONDS)
    state: dict[str, object] = json.loads(docker("inspect", name))[0]["State"]
    return state


def test_a_program_is_refused_more_than_the_limit_and_the_container_ends_with_its_code(
        docker: Docker, name: str, eater: list[str]) -> None:
    """As on Windows, where a job's limit makes an allocation fail and kills nobody: OOMKilled is false there."""
    docker("run", "-d", *eater, "C:\\eat.exe")
    state = ended(docker, name)
    said = docker("logs", name)
    assert (state["ExitCode"], state["OOMKilled"]) == (3, False), (state, said)
    found = re.search(r"had (\d+) MiB", said)
    assert found, said
    assert 10 < int(found[1]) <= 160
    docker("rm", name)


def test_programs_that_go_beyond_the_limit_together_let_their_container_end(
        windows: Engine, docker: Docker, name: str, eater: list[str]) -> None:
    """Each has less than the limit and all have more. Where the engine may use cgroups the kernel kills some, Wine's
    server perhaps; elsewhere it says that only each process is held. Whatever is left, clients are answered: an exec
    ends, a stop and a removal, too."""
    means = json.loads(docker("info", "--format", "{{json .Warnings}}")) or []
    assert windows.user.uid == 0 or any("a memory limit holds for each process, not for their sum" in one
                                        for one in means) or Path("/sys/fs/cgroup/cgroup.controllers").exists()
    docker("run", "-d", *eater, "C:\\eat.exe", "6")
    time.sleep(3)
    begun = time.monotonic()
    windows.docker("exec", name, "cmd", "/c", "echo", "x", ok=False, timeout=SECONDS)
    windows.docker("top", name, ok=False, timeout=SECONDS)
    windows.docker("cp", f"{name}:C:/eat.exe", windows.fresh() / "eat.exe", ok=False, timeout=SECONDS)
    windows.docker("stop", "-t", "3", name, timeout=SECONDS)
    ended(docker, name)
    docker("rm", name)
    assert time.monotonic() - begun < 3 * SECONDS


def test_a_container_that_cannot_even_begin_says_so(windows: Engine, docker: Docker, name: str) -> None:
    done = windows.docker("run", "--name", name, "-m", "8m", IMAGE, "cmd", "/c", "echo", "x", ok=False, timeout=SECONDS)
    assert done.returncode
    assert json.loads(docker("inspect", name))[0]["State"]["Running"] is False
    docker("rm", name)
