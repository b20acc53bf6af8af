# SPDX-License-Identifier: Apache-2.0
"""``wcow engine``: what its process is started with, and what its status says."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from imagebuild.cli.app import run
from imagebuild.dockerapi import Client
from imagebuild.engine.serving import starting
from imagebuild.engine.serving.lock import Lock
from imagebuild.runtime.port import SandboxFacts
from imagebuild.runtime.wine import sandbox as wine


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The engine's folder, as the environment names it, and a machine on which all is well."""
    monkeypatch.setenv("WCOW_ENGINE_ROOT", str(tmp_path / "engine"))
    for name in ("WCOW_ENGINE_SOCKET", "WCOW_ENGINE_PUBLISH_ADDRESS", "WCOW_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    facts(monkeypatch)
    return tmp_path / "engine"


def facts(monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    made = SandboxFacts("wine", "wine-10.0", "ready", "cgroup", "cgroup", 1, **more)
    monkeypatch.setattr(wine.WineSandbox, "facts", lambda self: made)


def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *before: str, args: tuple[str, ...] = ()) -> list[str]:
    """The command line of the process that a start makes."""
    said: list[list[str]] = []

    def start(command: list[str], root: Path, *_: object) -> None:
        said.append(command)
        locks.append(Lock(root))
        locks[-1].tell(root / "sock", "127.0.0.1")

    locks: list[Lock] = []
    monkeypatch.setattr(starting, "_start", start)
    monkeypatch.setattr(Client, "ping", lambda self: None)
    try:
        assert run([*before, "engine", "start", *args]) == 0
    finally:
        for lock in locks:
            lock.close()
    return said[0]


def test_the_process_behind_gets_all_that_was_asked_for(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "wcow.toml").touch()
    command = started(monkeypatch, tmp_path, "--config", str(tmp_path / "wcow.toml"), args=(
        "--publish-address", "0.0.0.0", "--windows-build", "17763", "--build-memory", "512m", "--host-drive",
        f"c={tmp_path / 'c'}"))
    assert command == [
        sys.executable, "-m", "imagebuild", "--config", str(tmp_path / "wcow.toml"), "engine", "start", "--foreground",
        "--windows-build", "17763", "--publish-address", "0.0.0.0", "--build-memory", str(512 << 20),
        "--root", str(root), "--socket", str(root / "engine.sock"), "--host-drive", f"C={tmp_path / 'c'}"]
    assert capsys.readouterr().out == f"export DOCKER_HOST=unix://{root / 'engine.sock'}\n"


def test_the_authorities_that_containers_trust_are_an_option_or_a_variable(tmp_path: Path,
                                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ca.pem").touch()
    monkeypatch.chdir(tmp_path)
    command = started(monkeypatch, tmp_path, args=("--ca", "ca.pem"))
    assert command[command.index("--ca") + 1] == str(tmp_path / "ca.pem")
    monkeypatch.setenv("WCOW_ENGINE_CA", str(tmp_path / "ca.pem"))
    command = started(monkeypatch, tmp_path)
    assert command[command.index("--ca") + 1] == str(tmp_path / "ca.pem")
    assert run(["engine", "start", "--ca", str(tmp_path / "missing")]) == 2


def test_without_options_it_gets_the_defaults_and_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                ) -> None:
    command = started(monkeypatch, tmp_path)
    assert command[command.index("--publish-address") + 1] == "127.0.0.1"
    assert "--config" not in command
    assert run([*command[3:], "--help"]) == 0


def test_an_engine_that_ends_when_it_is_idle_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = started(monkeypatch, tmp_path, args=("--idle", "90"))
    assert command[command.index("--idle") + 1] == "90"
    assert run(["engine", "start", "--idle", "-1"]) == 2


def test_an_engine_that_runs_is_not_started_again(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = Lock(root)
    lock.tell(root / "sock", "127.0.0.1")
    try:
        assert run(["engine", "start"]) == 3
    finally:
        lock.close()
    assert f"process {os.getpid()} on {root / 'sock'}" in capsys.readouterr().err


def test_status_says_where_the_engine_and_its_ports_are(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["engine", "status"]) == 1
    assert "does not run" in (out := capsys.readouterr().out) and "Ports" not in out
    lock = Lock(root)
    lock.tell(root / "sock", "192.0.2.1")
    try:
        assert run(["engine", "status"]) == 0
        lines = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
        assert lines["Ports published on"].strip() == "192.0.2.1"
        assert lines["Socket"].strip() == str(root / "sock")
        assert run(["engine", "status", "--format", "json"]) == 0
    finally:
        lock.close()
    found = json.loads(capsys.readouterr().out)
    assert (found["publish_address"], found["running"], found["pid"]) == ("192.0.2.1", True, os.getpid())


def test_status_says_what_is_missing_and_what_is_not_enforced(monkeypatch: pytest.MonkeyPatch,
                                                              capsys: pytest.CaptureFixture[str]) -> None:
    facts(monkeypatch, gaps=("no limits",), missing=("wine64", "bubblewrap"), problems=("wine64 is too old; do that",))
    assert run(["engine", "status"]) == 1
    out = capsys.readouterr().out
    lines = dict(line.split(":", 1) for line in out.splitlines())
    assert lines["Not enforced"].strip() == "no limits"
    assert lines["Missing packages"].strip() == "wine64, bubblewrap"
    assert lines["Cannot start"].strip() == "wine64 is too old; do that"
    assert run(["engine", "status", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["missing"], found["not_enforced"]) == (["wine64", "bubblewrap"], ["no limits"])
    assert found["problems"] == ["wine64 is too old; do that"]


@pytest.mark.parametrize(("text", "why"), [("12q", "is not a size"), ("100m", "less than a build needs"), ("-1", "")])
def test_a_size_of_memory_that_is_none_is_refused(root: Path, capsys: pytest.CaptureFixture[str], text: str,
                                                  why: str) -> None:
    assert run(["engine", "start", "--build-memory", text]) == 2
    assert why in capsys.readouterr().err
