# SPDX-License-Identifier: Apache-2.0
"""Handles of programs in containers: nothing is lost at the end, and nothing waits for what children still hold."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from support.engine import IMAGE, Docker, Engine

pytestmark = pytest.mark.slow

LINES = "(for /l %i in (1,1,2000) do @echo line %i) & echo last"
HELD = f"start /b ping -n 3600 127.0.0.1 & {LINES} & exit 3"
"""Starts a program that holds the handles for an hour, writes much, and ends with 3."""


@pytest.fixture
def container(docker: Docker) -> Iterator[str]:
    made = docker("run", "-d", IMAGE, "ping", "-n", "3600", "127.0.0.1")
    yield made
    docker("rm", "-f", made)


@pytest.mark.parametrize("options", [(), ("-i",), ("-t",)])
def test_an_exec_ends_with_its_program_though_a_child_holds_its_handles(windows: Engine, container: str,
                                                                       options: tuple[str, ...]) -> None:
    command = ("docker", "exec", *options, container, "cmd", "/c", HELD)
    before = time.monotonic()
    if options == ("-t",):
        with windows.terminal(*command) as screen:
            screen.read_to(b"last", 60)
            assert screen.wait(30) == 3
    else:
        done = windows.docker(*command[1:], ok=False)
        assert done.returncode == 3
        lines = [line for line in done.stdout.splitlines() if line.startswith(("line ", "last"))]
        assert len(lines) == 2001 and lines[-1].strip() == "last"
    assert time.monotonic() - before < 40


@pytest.mark.parametrize("options", [(), ("-i",)])
def test_a_container_ends_with_its_program_though_a_child_holds_its_handles(windows: Engine,
                                                                           options: tuple[str, ...]) -> None:
    done = windows.docker("run", "--rm", *options, IMAGE, "cmd", "/c", HELD, stdin=b"", ok=False)
    assert done.returncode == 3
    assert "last" in done.stdout and done.stdout.count("line ") == 2000


def test_the_input_of_an_exec_comes_whole_and_its_end_is_told(windows: Engine, container: str) -> None:
    given = b"".join(b"%d x\r\n" % number for number in range(50_000))
    done = windows.docker("exec", "-i", container, "findstr", "x", stdin=given)
    assert done.stdout.replace("\r\n", "\n").encode() == given.replace(b"\r\n", b"\n")
