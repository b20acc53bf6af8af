# SPDX-License-Identifier: Apache-2.0
"""Whole machines, examined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.machines import MACHINES, SAMPLES, SERVER_2022, TOOLBOX

from imagebuild.doctor.examine import QUESTIONS, examine, machines
from imagebuild.errors import FormatError, UsageError
from imagebuild.windows import machine_json
from imagebuild.windows.facts.machine import AntivirusFacts, MachineFacts


@given(MACHINES)
@example(replace(SERVER_2022, antivirus=AntivirusFacts(True, (), ("",))))
def test_every_machine_gets_answers_that_are_whole(facts: MachineFacts) -> None:
    checks = examine(facts)
    assert len({one.id for one in checks}) == len(checks)
    for one in checks:
        assert one.title == QUESTIONS[one.id].title
        assert one.found
        assert bool(one.why) == (one.status in ("warn", "fail"))
        assert bool(one.remedy) == (one.status != "pass")
        assert one.status != "unknown" or one.found.startswith("not known: ")


def test_a_machine_of_which_nothing_is_known_is_not_judged() -> None:
    checks = examine(MachineFacts())
    assert len(checks) > 15
    assert {one.status for one in checks} == {"unknown"}
    assert all("wcow doctor facts" in one.remedy or "docker" in one.remedy or "collector" in one.remedy or
               "Settings" in one.remedy for one in checks)


EXPECTED: dict[str, dict[str, str]] = {
    "server-2022": {},
    "l0": {},
    "windows-11": {"update": "warn", "pipe-access": "fail", "engine-store": "warn", "nat-overlap": "warn",
                   "antivirus": "warn"},
    "home": {"edition": "fail", "support": "warn", "containers-feature": "fail", "hyperv-feature": "fail",
             "service-hns": "fail", "service-vmcompute": "fail", "service-engine": "fail", "engine": "fail",
             "nat-network": "unknown", "daemon-json": "unknown"},
    "guest": {"support": "warn", "hyperv-feature": "fail", "nesting": "fail"},
    "toolbox": {"windows": "fail", "engine-os": "fail", "toolbox": "fail", "proxy": "unknown", "disk-space": "unknown"},
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_machine_that_people_have_gets_these_answers(name: str) -> None:
    found = {one.id: one.status for one in examine(SAMPLES[name]) if one.status != "pass"}
    assert found == EXPECTED[name]


def test_every_question_is_asked_of_some_sample() -> None:
    asked = {one.id for facts in SAMPLES.values() for one in examine(facts)}
    assert set(QUESTIONS) - asked == set()


def test_questions_are_whole() -> None:
    for name, one in QUESTIONS.items():
        assert (one.id, one.about[-1]) == (name, ".")
        assert one.sources, name
        assert one.title
        assert not one.title.endswith(".")


def test_some_checks_can_be_chosen_and_others_left_out() -> None:
    assert [one.id for one in examine(SERVER_2022, only=["reboot", "build"])] == ["build", "reboot"]
    assert [one.id for one in examine(SERVER_2022, only=["reboot", "build"], skip=["build"])] == ["reboot"]
    assert len(examine(SERVER_2022, skip=["build"])) == len(examine(SERVER_2022)) - 1


@pytest.mark.parametrize("names", [{"only": ["moon"]}, {"skip": ["moon"]}])
def test_a_check_that_there_is_not_is_named(names: dict[str, list[str]]) -> None:
    with pytest.raises(UsageError, match="no check 'moon'"):
        examine(SERVER_2022, **names)


# Other people's JSON

INFO: dict[str, Any] = {
    "OSType": "linux", "OperatingSystem": "Boot2Docker 19.03.12 (TCL 10.1)", "KernelVersion": "4.19.130-boot2docker",
    "ServerVersion": "19.03.12", "Driver": "overlay2", "DockerRootDir": "/mnt/sda1/var/lib/docker", "NCPU": 1,
    "MemTotal": 1037533184, "Name": "default", "Architecture": "x86_64"}


def test_docker_info_is_a_machine_as_far_as_it_goes() -> None:
    (found,) = machines(INFO)
    assert (found.system.product_name, found.daemon.data_root) == (TOOLBOX.system.product_name,
                                                                   TOOLBOX.daemon.data_root)
    assert (found.hypervisor.memory, found.hypervisor.processors) == (1037533184, 1)
    assert {one.id for one in examine(found) if one.status == "fail"} == {"windows", "engine-os", "toolbox"}
    assert machines([INFO]) == (found,)


@pytest.mark.parametrize("name", SAMPLES)
def test_our_own_facts_come_back_whole(name: str) -> None:
    assert machines(machine_json.to_document(SAMPLES[name])) == (SAMPLES[name],)


def test_every_node_is_a_machine() -> None:
    node = {"kind": "Node", "metadata": {"name": "n", "labels": {"kubernetes.io/os": "windows"}}, "status": {}}
    assert [one.host.name for one in machines({"kind": "List", "items": [node, node]})] == ["n", "n"]


@given(st.dictionaries(st.sampled_from([*INFO, "DriverStatus"]), st.none() | st.integers() | st.text(max_size=5)
                       | st.lists(st.text(max_size=3), max_size=2) | st.booleans()))
def test_any_docker_info_can_be_examined(info: dict[str, Any]) -> None:
    for facts in machines({"OSType": "windows", **info, "DockerRootDir": info.get("DockerRootDir")}):
        examine(facts)


def test_another_document_is_refused() -> None:
    with pytest.raises(FormatError, match="cannot tell what host"):
        machines({"moon": 1})
