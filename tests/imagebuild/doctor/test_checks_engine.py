# SPDX-License-Identifier: Apache-2.0
"""Which engine, what it runs, and how it keeps images."""

from __future__ import annotations

from typing import Any

import pytest
from support.machines import GUEST, HOME, SERVER_2022, TOOLBOX, WINDOWS_11, changed, services

from imagebuild.doctor.examine import QUESTIONS
from imagebuild.windows.facts.host import EngineFacts, WindowsVersion
from imagebuild.windows.facts.machine import MachineFacts


def ask(name: str, facts: MachineFacts, changes: dict[str, Any] | None = None) -> tuple[str, str, str]:
    answer = QUESTIONS[name].ask(changed(facts, changes or {}))
    assert answer is not None
    return answer.status, answer.found, answer.remedy


def engine(**changes: str) -> dict[str, Any]:
    return {f"host.engine.{name}": value for name, value in changes.items()}


def build(number: int) -> dict[str, Any]:
    return {"host.version": WindowsVersion(10, 0, number)}


@pytest.mark.parametrize(("facts", "changes", "status", "words"), [
    (SERVER_2022, {}, "pass", "docker 29.1.0 (srv)"), (HOME, {}, "fail", "none is installed"),
    (HOME, {"services": services(docker="stopped")}, "unknown", "version"), (HOME, {"services": None}, "unknown",
                                                                             "version"),
    (HOME, {"daemon.error": "permission denied"}, "unknown", "permission denied"),
    (SERVER_2022, engine(version=""), "unknown", "version"), (SERVER_2022, engine(name=""), "pass", "docker 29.1.0"),
])
def test_an_engine_is_there(facts: MachineFacts, changes: dict[str, Any], status: str, words: str) -> None:
    answer = ask("engine", facts, changes)
    assert answer[0] == status
    assert words in answer[1]


@pytest.mark.parametrize(("facts", "changes", "status", "remedy"), [
    (SERVER_2022, {}, "pass", ""), (SERVER_2022, engine(os="linux"), "fail", "npipe"),
    (WINDOWS_11, engine(os="linux"), "fail", "-SwitchDaemon"), (TOOLBOX, {}, "fail", "DOCKER_HOST"),
    (TOOLBOX, {"system.product_name": "Docker Desktop"}, "fail", "-SwitchDaemon"), (SERVER_2022, engine(os=""),
                                                                                    "unknown",
                                                                                    "docker info"),
])
def test_an_engine_runs_windows_containers_or_is_told_how(facts: MachineFacts, changes: dict[str, Any], status: str,
                                                          remedy: str) -> None:
    answer = ask("engine-os", facts, changes)
    assert answer[0] == status
    assert remedy in answer[2]


def test_the_toolbox_is_known_by_the_name_of_its_linux() -> None:
    assert ask("toolbox", TOOLBOX)[0] == "fail"
    assert QUESTIONS["toolbox"].ask(changed(TOOLBOX, {"system.product_name": "Ubuntu 24.04"})) is None
    assert QUESTIONS["toolbox"].ask(changed(TOOLBOX, {"system.product_name": None})) is None


@pytest.mark.parametrize(("version", "number", "status"), [
    ("29.1.0", 20348, "pass"), ("23.0.0", 17763, "pass"), ("23.0.0", 17762, "fail"), ("20.10.9", 14393, "warn"),
    ("28.0.0", 14393, "fail"), ("20.10.9", 10586, "fail"), ("22.06.0-beta", 20348, "warn"), ("master", 20348,
                                                                                             "unknown"),
])
def test_an_engine_fits_its_windows(version: str, number: int, status: str) -> None:
    assert ask("engine-version", SERVER_2022, {**engine(version=version), **build(number)})[0] == status


@pytest.mark.parametrize(("api", "oldest", "status", "words"), [
    ("1.52", "1.44", "pass", "before Docker 25"), ("1.51", "1.24", "pass", "1.24 to 1.51"), ("1.24", "", "warn",
                                                                                             "up to 1.24"),
    ("1.25", "1.12", "pass", "1.12 to 1.25"), ("", "", "unknown", "API"), ("1.52", "1.43", "pass", "1.43 to 1.52"),
])
def test_client_and_engine_must_have_an_api_in_common(api: str, oldest: str, status: str, words: str) -> None:
    answer = ask("engine-api", SERVER_2022, engine(api=api, min_api=oldest))
    assert answer[0] == status
    assert words in answer[1]


@pytest.mark.parametrize(("kind", "version", "store", "number", "status"), [
    ("docker", "29.6.2", "containerd", 26200, "warn"), ("docker", "29.0.0", "containerd", 26200, "warn"),
    ("docker", "29.7.2", "containerd", 28000, "warn"), ("docker", "29.6.2", "containerd", 26100, "pass"),
    ("docker", "29.6.2", "graphdriver", 26200, "pass"), ("docker", "28.5.1", "containerd", 26200, "pass"),
    ("docker", "29.7.3", "containerd", 26200, "unknown"),
    ("docker", "29.7.3", "containerd", 26100, "pass"), ("docker", "29.6.2", "containerd", 17763, "pass"),
    ("containerd", "1.7.0", "containerd", 22621, "warn"), ("containerd", "2.4.0", "containerd", 26200, "unknown"),
    ("docker", "29.6.2", "", 26200, "unknown"),
    ("containerd", "2.1.0", "containerd", 26200, "warn"), ("containerd", "2.0.5", "containerd", 26200, "pass"),
    ("moon", "29.6.2", "containerd", 26200, "pass"),
])
def test_the_containerd_store_misses_older_images_on_new_clients(kind: str, version: str, store: str, number: int,
                                                                 status: str) -> None:
    changes = {**engine(kind=kind, version=version, store=store), **build(number)}
    assert ask("engine-store", WINDOWS_11, changes)[0] == status


@pytest.mark.parametrize(("facts", "changes", "status"), [
    (SERVER_2022, {}, "pass"), (WINDOWS_11, {}, "pass"), (WINDOWS_11, engine(isolation="process"), "pass"),
    (WINDOWS_11, {**engine(isolation="process"), **build(17134)}, "fail"), (SERVER_2022, {**build(14393)}, "pass"),
    (WINDOWS_11, {**engine(isolation="process"), **build(17763)}, "pass"), (SERVER_2022, engine(isolation=""),
                                                                            "unknown"),
])
def test_the_default_isolation_must_be_possible(facts: MachineFacts, changes: dict[str, Any], status: str) -> None:
    assert ask("isolation", facts, changes)[0] == status


def test_docker_desktop_belongs_on_clients() -> None:
    assert ask("desktop", WINDOWS_11)[0] == "pass"
    assert ask("desktop", SERVER_2022, {"daemon.desktop": "4.5"})[0] == "warn"
    assert QUESTIONS["desktop"].ask(SERVER_2022) is None
    assert QUESTIONS["desktop"].ask(GUEST) is None


@pytest.mark.parametrize("name", ["engine-os", "engine-version", "engine-api", "engine-store", "isolation"])
def test_without_an_engine_nothing_more_is_asked_of_it(name: str) -> None:
    assert QUESTIONS[name].ask(HOME) is None
    assert QUESTIONS[name].ask(changed(HOME, {"host.engine": EngineFacts()})) is None
