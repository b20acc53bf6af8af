# SPDX-License-Identifier: Apache-2.0
"""Edition, build, support, update, architecture, the Containers feature."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.machines import SERVER_2022, WINDOWS_11, changed

from imagebuild.doctor.examine import QUESTIONS
from imagebuild.windows.facts.host import WindowsVersion
from imagebuild.windows.facts.machine import Feature, MachineFacts


def ask(name: str, facts: MachineFacts, changes: dict[str, Any] | None = None) -> tuple[str, str, str]:
    """Status, what was found, and the remedy."""
    answer = QUESTIONS[name].ask(changed(facts, changes or {}))
    assert answer is not None
    return answer.status, answer.found, answer.remedy


def version(text: str) -> dict[str, Any]:
    return {"host.version": WindowsVersion.parse(text)}


@given(st.integers(0, 99999))
def test_the_build_is_judged_by_number_alone(build: int) -> None:
    status, _, _ = ask("build", SERVER_2022, {"host.version": WindowsVersion(10, 0, build)})
    assert status == ("fail" if build < 14393 else "warn" if build < 17763 else "pass")


@pytest.mark.parametrize(("changes", "status", "found"), [
    ({}, "pass", "Windows Server 2022 (10.0.20348.4405)"), ({"host.version": None}, "pass", "Windows"),
    ({"host.os": ""}, "unknown", "not known: which system this is"),
    ({"host.os": "linux"}, "fail", "Windows Server 2022 Datacenter: no Windows"),
    ({"host.os": "darwin", "system.product_name": None}, "fail", "darwin: no Windows"),
    (version("10.0.29999.1"), "pass", "Windows (10.0.29999.1)"),
])
def test_windows_is_told_from_others(changes: dict[str, Any], status: str, found: str) -> None:
    assert ask("windows", SERVER_2022, changes)[:2] == (status, found)


@pytest.mark.parametrize(("edition", "status"), [
    ("Core", "fail"), ("CoreN", "fail"), ("CoreSingleLanguage", "fail"), ("CoreCountrySpecific", "fail"), ("Cloud",
                                                                                                           "fail"),
    ("Professional", "pass"), ("ProfessionalWorkstation", "pass"), ("Enterprise", "pass"), ("EnterpriseS", "pass"),
    ("Education", "pass"), ("IoTEnterprise", "pass"), ("ServerStandard", "pass"), ("ServerDatacenterCor", "pass"),
    ("ServerTurbine", "pass"), ("ServerRdsh", "pass"), ("ServerSolution", "warn"), ("PPIPro", "unknown"), ("",
                                                                                                           "unknown"),
])
def test_an_edition_has_containers_or_not(edition: str, status: str) -> None:
    assert ask("edition", WINDOWS_11, {"host.edition": edition})[0] == status


def test_a_server_needs_no_name_of_its_edition() -> None:
    assert ask("edition", SERVER_2022, {"host.edition": ""})[0] == "pass"


@pytest.mark.parametrize(("text", "status", "words"), [
    ("10.0.10586", "fail", "10.0.10586"), ("6.3.9600", "fail", "6.3.9600"), ("6.3.20348", "fail", "6.3.20348"),
    ("10.0.14393.1", "warn", "14393"), ("10.0.17763", "pass", "17763"), ("10.0.29999", "pass", "not in our table"),
])
def test_a_build_may_be_too_old_or_unknown(text: str, status: str, words: str) -> None:
    answer = ask("build", SERVER_2022, version(text))
    assert answer[0] == status
    assert words in answer[1]


@pytest.mark.parametrize(("now", "status"), [
    ("2026-11-24T10:00:00Z", "pass"), ("2031-10-14T23:59:59Z", "pass"), ("2031-10-15T00:00:00Z", "warn"),
    ("yesterday", "unknown"), (None, "unknown"),
])
def test_support_ends_after_its_last_day(now: str | None, status: str) -> None:
    assert ask("support", SERVER_2022, {"clock.now": now})[0] == status


def test_support_of_a_release_without_dates_is_not_asked() -> None:
    assert QUESTIONS["support"].ask(changed(SERVER_2022, version("10.0.29999"))) is None


@pytest.mark.parametrize(("text", "status", "words"), [
    ("10.0.17763.1038", "warn", "February 2020"), ("10.0.17763.1039", "warn", "April 2025"),
    ("10.0.17763.7314", "pass", "7314"), ("10.0.26100.4060", "warn", "May 2025"), ("10.0.26100.4061", "pass", "4061"),
    ("10.0.26200.7171", "warn", "7171"), ("10.0.26200.7170", "pass", "7170"),
    ("10.0.26200.7462", "warn", "from revision 7171"), ("10.0.14393.3503", "warn", "February 2020"), ("10.0.20348",
                                                                                                      "unknown", "UBR"),
])
def test_an_update_may_be_missing(text: str, status: str, words: str) -> None:
    answer = ask("update", SERVER_2022, version(text))
    assert answer[0] == status
    assert words in answer[1]


@pytest.mark.parametrize(("architecture", "text", "status"), [
    ("amd64", "10.0.20348", "pass"), ("arm64", "10.0.26100", "warn"), ("arm64", "10.0.22631", "fail"),
    ("386", "10.0.19045", "fail"), ("", "10.0.20348", "unknown"),
])
def test_an_architecture_has_images_or_not(architecture: str, text: str, status: str) -> None:
    assert ask("architecture", SERVER_2022, {**version(text), "host.architecture": architecture})[0] == status


@pytest.mark.parametrize(("state", "status", "remedy"), [
    ("enabled", "pass", ""), ("disabled", "fail", "Install-WindowsFeature Containers"), ("absent", "fail", "edition"),
    ("unknown", "pass", ""),
])
def test_the_containers_feature_must_be_on(state: str, status: str, remedy: str) -> None:
    answer = ask("containers-feature", SERVER_2022, {"features": (Feature("Containers", state),
                                                                  )})  # type: ignore[arg-type]
    assert answer[0] == status
    assert remedy in answer[2]


def test_what_is_said_of_the_host_stands_in_for_a_feature_that_nobody_read() -> None:
    client = changed(WINDOWS_11, {"features": None, "host.containers": False})
    assert ask("containers-feature", client)[0] == "fail"
    assert "Enable-WindowsOptionalFeature" in ask("containers-feature", client)[2]
    assert ask("containers-feature", changed(client, {"host.containers": None}))[0] == "unknown"


@pytest.mark.parametrize("name", ["edition", "build", "support", "update", "architecture", "containers-feature"])
def test_a_linux_is_asked_none_of_it(name: str) -> None:
    assert QUESTIONS[name].ask(changed(SERVER_2022, {"host.os": "linux"})) is None
