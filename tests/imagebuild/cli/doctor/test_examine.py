# SPDX-License-Identifier: Apache-2.0
"""``wcow doctor examine`` and ``wcow doctor facts`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support import toy_engine, wire
from support.machines import HOME, SAMPLES, SERVER_2022

from imagebuild.cli.app import run, wcow
from imagebuild.cli.doctor.doctor import COMMANDS
from imagebuild.doctor.examine import QUESTIONS, examine
from imagebuild.errors import UsageError
from imagebuild.host import collector_script
from imagebuild.windows import machine_json


def wcow_doctor(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(wcow, ["doctor", *arguments], input=given, standalone_mode=False)


@pytest.fixture(params=SAMPLES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_file_is_examined_and_its_failures_are_the_exit_code(name: str, tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_text(machine_json.write(SAMPLES[name]), encoding="utf-16")
    done = wcow_doctor("examine", "--facts", str(path))
    wrong = [check for check in examine(SAMPLES[name]) if check.status == "fail"]
    assert done.return_value == (1 if wrong else 0)
    assert [line for line in done.output.splitlines() if line.startswith("fail: ")] == [
        f"fail: {check.title}: {check.found} [{check.id}]" for check in wrong]
    assert all(f"  {check.remedy}" in done.output for check in wrong)


def test_failures_come_first_and_a_sum_last() -> None:
    lines = wcow_doctor("examine", "--facts", "-", given=machine_json.write(HOME)).output.splitlines()
    words = [line.partition(":")[0] for line in lines if line.partition(":")[0] in ("fail", "warn", "unknown")]
    assert words == sorted(words, key=["fail", "warn", "unknown"].index)
    assert lines[-1].startswith("home: 7 failed, 1 warned, 2 not known, ")
    assert not [line for line in lines if line.startswith("pass")]


def test_all_shows_what_passed() -> None:
    text = machine_json.write(SERVER_2022)
    assert wcow_doctor("examine", "--facts", "-", given=text).output.splitlines() == ["srv: 32 passed"]
    lines = wcow_doctor("examine", "--facts", "-", "--all", given=text).output.splitlines()
    assert len(lines) == 33
    assert lines[0] == "pass: Windows: Windows Server 2022 (10.0.20348.4405) [windows]"


def test_checks_can_be_chosen() -> None:
    text = machine_json.write(HOME)
    done = wcow_doctor("examine", "--facts", "-", "--only", "build", "--only", "edition", "--skip", "edition",
                       given=text)
    assert done.output.splitlines() == ["pass: Build: 10.0.22631.5189 [build]", "home: 1 passed"]
    assert done.return_value == 0


def test_json_has_every_answer_and_a_sum() -> None:
    done = wcow_doctor("examine", "--facts", "-", "--format", "json", given=machine_json.write(HOME))
    (machine,) = json.loads(done.output)["machines"]
    assert (machine["name"], machine["os"]) == ("home", "windows")
    assert [one["id"] for one in machine["checks"]] == [one.id for one in examine(HOME)]
    assert set(machine["checks"][0]) == {"id", "title", "status", "found", "why", "remedy", "sources"}
    assert machine["summary"] == {"fail": 7, "warn": 1, "unknown": 2, "pass": len(machine["checks"]) - 10}


def test_each_node_of_a_cluster_is_examined() -> None:
    def node(name: str, system: str) -> dict[str, Any]:
        return {"kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/os": system}}, "status": {}}

    given = json.dumps({"kind": "List", "items": [node("win", "windows"), node("lin", "linux")]})
    done = wcow_doctor("examine", "--facts", "-", "--only", "windows", given=given)
    assert done.output.splitlines()[:3] == ["pass: Windows: Windows [windows]", "win: 1 passed", ""]
    assert done.return_value == 1


def test_docker_info_is_examined() -> None:
    done = wcow_doctor("examine", "--facts", "-", given='{"OSType": "linux", "OperatingSystem": "Boot2Docker 19.03"}')
    assert "fail: Docker Toolbox: Boot2Docker 19.03 [toolbox]" in done.output


def test_notes_of_the_collector_and_of_the_reader_are_shown() -> None:
    given = json.dumps({"schema": "wcow.machine/1", "notes": ["not elevated"], "moon": 1})
    done = wcow_doctor("examine", "--facts", "-", given=given)
    assert [line for line in done.output.splitlines() if line.startswith("note")] == [
        "note: not elevated", "note: moon is not known here"]


@pytest.mark.parametrize(("given", "words"), [
    ("", "cannot read this JSON"), ("{", "cannot read this JSON"), ("{}", "cannot tell what host"),
    ('{"schema": "wcow.machine/1", "host": 1}', "in host"), ('{"schema": "wcow.machine/7"}', "wcow.machine/1"),
])
def test_bad_facts_are_bad_input(given: str, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "facts.json"
    path.write_text(given, encoding="utf-8")
    assert run(["doctor", "examine", "--facts", str(path)]) == 2
    assert words in capfd.readouterr().err


def test_a_file_of_any_size_is_not_read_whole(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "disk.img"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    assert run(["doctor", "examine", "--facts", str(path)]) == 2
    assert "more than 64 MiB" in capfd.readouterr().err


@pytest.mark.parametrize("option", ["--only", "--skip"])
def test_a_check_that_there_is_not_is_bad_usage(option: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "examine", option, "moon"]) == 2
    error = capfd.readouterr().err
    assert "no check 'moon'" in error
    assert "nesting" in error


def test_the_script_is_printed_as_it_is() -> None:
    assert wcow_doctor("facts", "--script").output == collector_script()


def test_the_facts_of_this_machine_can_be_examined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")
    text = wcow_doctor("facts").output
    facts = machine_json.read(text).facts
    given = wcow_doctor("examine", "--facts", "-", "--only", "windows", given=text)
    here = wcow_doctor("examine", "--only", "windows")
    assert given.output == here.output
    assert here.return_value == (0 if facts.host.os == "windows" else 1)


def test_every_command_is_there_and_says_what_it_does() -> None:
    done = wcow_doctor("--help")
    for name, (_, text) in COMMANDS.items():
        assert f"  {name}" in done.output
        assert text in done.output
        assert "Usage: " in wcow_doctor(name, "--help").output
    assert "nesting" in QUESTIONS


def test_an_engine_elsewhere_is_asked_what_it_knows(tmp_path: Path) -> None:
    with wire.running(toy_engine.routes(), toy_engine.Engine(), tmp_path) as path:
        said = json.loads(wcow_doctor("facts", f"unix://{path}").output)
        assert said["host"]["name"] == "toy"
        done = wcow_doctor("examine", f"unix://{path}")
    assert "only the engine was asked" in done.output
    assert not isinstance(done.exception, AssertionError)


def test_a_host_and_a_file_of_facts_exclude_each_other() -> None:
    done = wcow_doctor("examine", "local", "--facts", "-")
    assert isinstance(done.exception, UsageError)
    assert isinstance(wcow_doctor("facts", "local", "--online").exception, UsageError)
