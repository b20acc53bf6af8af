# SPDX-License-Identifier: Apache-2.0
"""Events as lines, as JSON, and as nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from imagebuild.cli.render import follow, human
from imagebuild.events import Advance, Event, Finish, Result, Step, Warn


def operation() -> Iterator[Event]:
    yield Step("1", "layer a", 2000)
    yield Advance("1", 1000)
    yield Finish("1", "cached")
    yield Warn("careful", where="Dockerfile:3", code="x")
    yield Result("value", {"digest": "sha256:1"})


def test_plain_lines_tell_of_steps_their_end_and_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    assert follow(operation(), "plain") == "value"
    said = capsys.readouterr()
    assert said.err.splitlines() == ["layer a (2 kB)", "  cached", "warning: Dockerfile:3: careful"]
    assert said.out == ""


def test_the_end_of_a_step_names_it_when_another_began_since(capsys: pytest.CaptureFixture[str]) -> None:
    follow(iter([Step("1", "layer a"), Step("2", "layer b"), Finish("1", "mounted"), Finish("2", "mounted")]), "plain")
    assert capsys.readouterr().err.splitlines() == ["layer a", "layer b", "  layer a: mounted", "  mounted"]


def test_quiet_lets_warnings_through(capsys: pytest.CaptureFixture[str]) -> None:
    follow(operation(), "quiet")
    assert capsys.readouterr().err == "warning: Dockerfile:3: careful\n"


def test_json_has_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    follow(operation(), "json")
    records = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [record["event"] for record in records] == ["step", "advance", "finish", "warning", "result"]
    assert records[-1]["digest"] == "sha256:1"


def test_a_live_display_leaves_lines_of_what_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert follow(operation(), "tty") == "value"
    said = capsys.readouterr().err
    assert "layer a  cached" in said and "warning: Dockerfile:3: careful" in said


def test_an_error_closes_the_display(capsys: pytest.CaptureFixture[str]) -> None:
    def failing() -> Iterator[Event]:
        yield Step("1", "layer a")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        follow(failing(), "tty")
    assert "\x1b[?25l" not in capsys.readouterr().err.rpartition("\x1b[?25h")[2]


@pytest.mark.parametrize(("size", "text"), [(None, ""), (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (4432, "4.43 kB"),
                                            (188_900_000, "189 MB"), (2_000_000_000_000, "2 TB")])
def test_sizes_for_people(size: int | None, text: str) -> None:
    assert human(size) == text
