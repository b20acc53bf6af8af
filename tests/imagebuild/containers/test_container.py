# SPDX-License-Identifier: Apache-2.0
"""A container by its handle, on an engine whose programs are scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import engines

from imagebuild.containers import CommandError, Container, DeadlineError, Spec, run_container
from imagebuild.dockerapi import faults


@pytest.fixture
def served(tmp_path: Path) -> Iterator[engines.Served]:
    with engines.served(tmp_path) as found:
        yield found


@pytest.fixture
def box(served: engines.Served) -> Container:
    return run_container(served.client, Spec.of(engines.IMAGE, command=["sleep", "60"], labels={"a": "b"}))


def test_a_program_gives_its_output_apart_and_its_code(box: Container) -> None:
    found = box.run(["cmd", "/c", "echo", "out", "&&", "error", "err", "&&", "exit", "0xC0000005"])
    assert (found.stdout, found.stderr) == ("out\n", "err\n")
    assert (found.exit_code, found.status) == (0xC0000005, "STATUS_ACCESS_VIOLATION")


def test_a_program_gets_input_environment_and_account(box: Container) -> None:
    assert box.run(["cat"], stdin=b"given").stdout == "given"
    assert box.run(["echo", "%WHO%"], environ={"WHO": "me"}).stdout == "me\n"


def test_a_program_that_does_not_end_is_left_at_its_deadline(box: Container) -> None:
    with pytest.raises(DeadlineError, match=r"sleep 30 did not end: it had 0\.1 s$") as caught:
        box.run(["sleep", "30"], timeout=0.1)
    assert "timeout=" in caught.value.hint


def test_a_program_that_does_not_end_is_told_with_what_it_had_printed(box: Container) -> None:
    with pytest.raises(DeadlineError, match=r"did not end: it had 0\.5 s, and printed until then:\nhalfway$"):
        box.run(["cmd", "/c", "echo", "halfway", "&&", "sleep", "30"], timeout=0.5)


def test_a_program_that_cannot_be_started_is_an_error_and_one_that_ends_with_127_is_not(box: Container) -> None:
    with pytest.raises(CommandError, match=r"cannot start nonsense: .*The system cannot find the file specified"):
        box.run(["nonsense"])
    assert box.run(["exit", "127"]).exit_code == 127


def test_logs_are_what_its_own_program_printed(served: engines.Served) -> None:
    line = "echo one && error two && sleep 60"
    box = run_container(served.client, Spec.of(engines.IMAGE, command=line.split(" ")))
    engines.wait_for(lambda: box.logs() == "one\ntwo\n")


def test_it_is_removed_once_and_for_all(served: engines.Served, box: Container) -> None:
    assert box.inspect().config.labels == {"maintainer": "tests", "a": "b"}
    assert box.remove() is None
    assert box.remove() is None
    with pytest.raises(faults.NotFound):
        box.inspect()


def test_one_that_cannot_start_is_removed_and_the_error_is_the_engines(served: engines.Served) -> None:
    with pytest.raises(faults.Fault):
        run_container(served.client, Spec.of(engines.IMAGE, command=["nonsense"]))
    assert served.client.json("GET", "/containers/json", query={"all": True}) == []
