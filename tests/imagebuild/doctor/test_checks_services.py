# SPDX-License-Identifier: Apache-2.0
"""Services, the pipe, and who may open it."""

from __future__ import annotations

from typing import Any

import pytest
from support.machines import HOME, PIPE_SDDL, SERVER_2022, USER, WINDOWS_11, changed, services

from imagebuild.doctor.examine import QUESTIONS
from imagebuild.windows.facts.machine import MachineFacts, Pipe, Service, TokenFacts


def ask(name: str, facts: MachineFacts, changes: dict[str, Any] | None = None) -> tuple[str, str, str]:
    answer = QUESTIONS[name].ask(changed(facts, changes or {}))
    assert answer is not None
    return answer.status, answer.found, answer.remedy


@pytest.mark.parametrize("name", ["hns", "vmcompute", "vmms"])
@pytest.mark.parametrize(("state", "start", "status", "remedy"), [
    ("running", "auto", "pass", ""), ("stopped", "manual", "pass", ""), ("starting", "manual", "pass", ""),
    ("stopped", "disabled", "fail", "Set-Service"), ("absent", None, "fail", "feature"), ("unknown", None, "unknown",
                                                                                          "run"),
])
def test_a_service_that_windows_starts_must_be_there_and_not_disabled(name: str, state: Any, start: Any, status: str,
                                                                      remedy: str) -> None:
    answer = ask(f"service-{name}", WINDOWS_11, {"services": (Service(name, state, start),)})
    assert answer[0] == status
    assert remedy in answer[2]


def test_hyperv_management_is_asked_for_with_hyperv_only() -> None:
    assert QUESTIONS["service-vmms"].ask(SERVER_2022) is None


@pytest.mark.parametrize(("service", "status"), [
    (Service("SharedAccess", "stopped", "manual"), "pass"), (Service("SharedAccess", "stopped", "disabled"), "warn"),
    (Service("SharedAccess", "absent"), "warn"), (Service("other"), "unknown"),
])
def test_connection_sharing_must_be_possible_on_a_client(service: Service, status: str) -> None:
    assert ask("service-sharedaccess", WINDOWS_11, {"services": (service,)})[0] == status
    assert QUESTIONS["service-sharedaccess"].ask(SERVER_2022) is None


@pytest.mark.parametrize(("changes", "status", "words"), [
    ({}, "pass", "docker: running"), ({"services": services(docker="absent", containerd="running")}, "pass",
                                      "containerd"),
    ({"services": services(docker="running", containerd="running")}, "pass", "docker and containerd"),
    ({"services": services(docker="stopped")}, "fail", "docker: stopped"),
    ({"services": (Service("docker", "stopped", "disabled"),)}, "fail", "docker: stopped, and disabled"),
    ({"services": services(docker="absent")}, "fail", "none is installed"), ({"services": None}, "unknown",
                                                                             "not known"),
    ({"services": services(docker="absent"), "daemon.desktop": "4.5"}, "pass", "Docker Desktop"),
])
def test_an_engine_must_run(changes: dict[str, Any], status: str, words: str) -> None:
    answer = ask("service-engine", SERVER_2022, changes)
    assert answer[0] == status
    assert words in answer[1]


def test_a_disabled_engine_is_enabled_first() -> None:
    answer = ask("service-engine", SERVER_2022, {"services": (Service("docker", "stopped", "disabled"),)})
    assert "StartupType Automatic" in answer[2]
    assert "StartupType" not in ask("service-engine", SERVER_2022, {"services": services(docker="stopped")})[2]


@pytest.mark.parametrize(("changes", "status", "words"), [
    ({}, "pass", "there"), ({"pipes": None}, "unknown", "not known"), ({"pipes": (Pipe("docker_engine"),)}, "unknown",
                                                                       "not"),
    ({"pipes": (Pipe("docker_engine", False),)}, "fail", "though the service runs"),
    ({"pipes": (Pipe("docker_engine", False),), "services": services(docker="stopped")}, "fail", "not there"),
    ({"pipes": (Pipe("DOCKER_ENGINE", True),)}, "pass", "there"),
])
def test_the_pipe_must_be_there(changes: dict[str, Any], status: str, words: str) -> None:
    answer = ask("pipe", SERVER_2022, changes)
    assert answer[0] == status
    assert words in answer[1]


def test_a_host_of_containerd_alone_has_no_pipe_of_docker() -> None:
    assert QUESTIONS["pipe"].ask(changed(SERVER_2022, {"services": services(docker="absent")})) is None
    assert QUESTIONS["pipe"].ask(changed(HOME, {"daemon.desktop": "4.5"})) is not None


def pipe(sddl: str | None) -> dict[str, Any]:
    return {"pipes": (Pipe("docker_engine", True, sddl),)}


@pytest.mark.parametrize(("changes", "status", "words"), [
    ({}, "pass", "this user may open it"), ({"token": USER}, "fail", "this user may not open it; "
                                                                     "BUILTIN\\Administrators"),
    (pipe(None), "unknown", "access control list"), (pipe("nonsense"), "unknown", "cannot be read"),
    ({"token": TokenFacts()}, "unknown", "who asked"), (pipe("D:(A;;GA;;;WD)"), "warn", "open to Everyone"),
    ({"token": USER, **pipe(f"{PIPE_SDDL}(A;;GRGW;;;{USER.user})")}, "pass", "may open it"),
    ({"token": TokenFacts("S-1-5-18")}, "pass", "may open it"), ({**pipe("D:")}, "fail", "nobody may"),
])
def test_the_user_must_be_let_in_and_not_everybody(changes: dict[str, Any], status: str, words: str) -> None:
    answer = ask("pipe-access", SERVER_2022, changes)
    assert answer[0] == status
    assert words in answer[1]


def test_a_pipe_that_is_not_there_lets_nobody_in_and_is_not_asked() -> None:
    assert QUESTIONS["pipe-access"].ask(HOME) is None
