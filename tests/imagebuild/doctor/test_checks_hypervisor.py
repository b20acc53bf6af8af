# SPDX-License-Identifier: Apache-2.0
"""Hyper-V, the processor below it, and virtual machines that are to run virtual machines."""

from __future__ import annotations

from typing import Any

import pytest
from support.machines import GIB, GUEST, HOME, L0, SERVER_2022, WINDOWS_11, changed, feature

from imagebuild.doctor.checks_hypervisor import EXPOSE
from imagebuild.doctor.examine import QUESTIONS
from imagebuild.windows.facts.host import WindowsVersion
from imagebuild.windows.facts.machine import Guest, MachineFacts
from imagebuild.windows.facts.virtual import AZURE_ASSET, NAMES

HYPERV = "Microsoft-Hyper-V"


def ask(name: str, facts: MachineFacts, changes: dict[str, Any] | None = None) -> tuple[str, str, str]:
    answer = QUESTIONS[name].ask(changed(facts, changes or {}))
    assert answer is not None
    return answer.status, answer.found, answer.remedy


def below(**changes: Any) -> dict[str, Any]:
    return {f"hypervisor.{name}": value for name, value in changes.items()}


@pytest.mark.parametrize(("facts", "changes", "status", "words"), [
    (WINDOWS_11, {}, "pass", "enabled"), (WINDOWS_11, {"features": feature(HYPERV, "disabled")}, "fail", "disabled"),
    (HOME, {}, "fail", "absent"), (SERVER_2022, {}, "pass", "process isolation only"),
    (SERVER_2022, {"host.engine.isolation": "hyperv"}, "fail", "disabled"),
    (WINDOWS_11, {"features": None}, "pass", "enabled"), (WINDOWS_11, {"features": None, "host.hyperv": None},
                                                          "unknown",
                                                          "Microsoft-Hyper-V"),
])
def test_clients_need_the_feature_and_servers_do_not(facts: MachineFacts, changes: dict[str, Any], status: str,
                                                     words: str) -> None:
    answer = ask("hyperv-feature", facts, changes)
    assert answer[0] == status
    assert words in answer[1]


@pytest.mark.parametrize(("facts", "changes", "status"), [
    (WINDOWS_11, {}, "pass"), (WINDOWS_11, below(present=False), "fail"),
    (WINDOWS_11, below(present=False, firmware=True), "fail"), (WINDOWS_11, below(present=False, firmware=True,
                                                                                  slat=True),
                                                                "pass"),
    (SERVER_2022, below(firmware=False), "warn"), (SERVER_2022, below(firmware=None, slat=None), "unknown"),
    (SERVER_2022, below(model=None, manufacturer=None, present=True, firmware=None), "unknown"),
])
def test_the_processor_must_virtualise(facts: MachineFacts, changes: dict[str, Any], status: str) -> None:
    assert ask("processor", facts, changes)[0] == status


def test_a_guests_processor_is_a_matter_of_nesting() -> None:
    assert QUESTIONS["processor"].ask(GUEST) is None


@pytest.mark.parametrize(("facts", "changes", "status", "remedy"), [
    (WINDOWS_11, {}, "pass", ""), (WINDOWS_11, below(present=False), "fail", "VT-x"),
    (WINDOWS_11, below(present=False, launch_type="off"), "fail", "bcdedit /set hypervisorlaunchtype auto"),
    (WINDOWS_11, below(present=None), "unknown", "event 2"),
    (WINDOWS_11, below(model=None, manufacturer=None), "unknown", "collector"),
    (GUEST, {"features": feature(HYPERV, "enabled")}, "fail", "Set-VMProcessor"),
    (GUEST, {"features": feature(HYPERV, "enabled"), **below(launched=True)}, "pass", ""),
    (GUEST, {"features": feature(HYPERV, "enabled"), **below(launched=None)}, "unknown", "event 2"),
])
def test_the_hypervisor_must_run(facts: MachineFacts, changes: dict[str, Any], status: str, remedy: str) -> None:
    answer = ask("hypervisor", facts, changes)
    assert answer[0] == status
    assert remedy in answer[2]


def test_without_the_feature_no_hypervisor_is_asked_for() -> None:
    assert QUESTIONS["hypervisor"].ask(SERVER_2022) is None


LARGE = below(memory=8 * GIB, processors=4)


@pytest.mark.parametrize(("facts", "changes", "status", "words"), [
    (GUEST, {}, "fail", "not shown the processor's virtualisation, with 2.0 GiB of memory and 1 processor"),
    (GUEST, LARGE, "fail", "a virtual machine of Hyper-V that is not shown the processor's virtualisation"),
    (GUEST, {**LARGE, **below(firmware=True)}, "pass", "shown the processor's"),
    (GUEST, {**LARGE, **below(monitor=True)}, "pass", "shown the processor's"),
    (GUEST, {**LARGE, **below(launched=True)}, "pass", "shown the processor's"),
    (GUEST, {**LARGE, **below(firmware=True, memory=4 * GIB - 1)}, "fail", "4.0 GiB of memory"),
    (GUEST, {**LARGE, **below(firmware=True, memory=4 * GIB)}, "pass", "shown"),
    (GUEST, {**LARGE, **below(firmware=True, processors=1)}, "fail", "with 1 processor"),
    (GUEST, {**LARGE, **below(firmware=True, processors=2)}, "pass", "shown"),
    (GUEST, {**LARGE, **below(firmware=True, memory=None, processors=None)}, "pass", "shown"),
    (GUEST, {**LARGE, **below(firmware=None, monitor=None)}, "unknown", "not known"),
    (GUEST, {**LARGE, "features": feature(HYPERV, "enabled"), **below(launched=None)}, "unknown", "read false"),
    (SERVER_2022, below(is_vm=True, firmware=False, monitor=False), "pass", "process isolation only"),
    (SERVER_2022, below(is_vm=True, processors=1), "warn", "an unknown hypervisor with 1 processor"),
])
def test_a_guest_must_be_shown_the_processor_and_be_large_enough(facts: MachineFacts, changes: dict[str, Any],
                                                                 status: str,
                                                                 words: str) -> None:
    answer = ask("nesting", facts, changes)
    assert answer[0] == status
    assert words in answer[1]


@pytest.mark.parametrize(("manufacturer", "model", "asset", "words"), [
    ("Microsoft Corporation", "Virtual Machine", None, "9.3"), ("Microsoft Corporation", "Virtual Machine", AZURE_ASSET,
                                                                "security type Standard"),
    ("VMware, Inc.", "VMware7,1", None, "vhv.enable"), ("innotek GmbH", "VirtualBox", None, "--nested-hw-virt"),
    ("QEMU", "Standard PC", None, "nested=1"), ("Amazon EC2", "t3.large", None, "metal"),
])
def test_each_hypervisor_is_told_how_to_show_it(manufacturer: str, model: str, asset: str | None, words: str) -> None:
    answer = ask("nesting", GUEST, below(manufacturer=manufacturer, model=model, asset=asset))
    assert answer[0] == "fail"
    assert words in answer[2]


def test_there_is_a_way_for_every_known_vendor() -> None:
    assert set(EXPOSE) == set(NAMES)


def test_a_real_computer_and_one_of_which_nothing_is_known_are_not_asked() -> None:
    assert QUESTIONS["nesting"].ask(WINDOWS_11) is None
    assert QUESTIONS["nesting"].ask(MachineFacts()) is None


GOOD = Guest("g", "10.0", True, 8 * GIB, False, 4)


def guests(cpu: str, *some: Guest) -> dict[str, Any]:
    return below(guests=some, cpu=cpu)


@pytest.mark.parametrize(("cpu", "changes", "lacks"), [
    ("intel", {}, ""), ("amd", {}, ""), ("intel", {"version": "8.0"}, ""), ("intel", {"version": "7.1"}, "needs 8.0"),
    ("amd", {"version": "9.3"}, ""), ("amd", {"version": "9.2"}, "needs 9.3"), ("amd", {"version": "10.0"}, ""),
    ("intel", {"memory": 4 * GIB - 1}, "4.0 GiB"), ("intel", {"processors": 1}, "one processor"),
    ("intel", {"dynamic": True}, "dynamic memory"), ("arm", {"version": "5.0"}, ""), ("intel", {"version": "x"}, ""),
])
def test_a_guest_here_may_lack_something_for_nesting(cpu: str, changes: dict[str, Any], lacks: str) -> None:
    from dataclasses import replace

    answer = ask("guests", L0, guests(cpu, replace(GOOD, **changes)))
    assert answer[0] == ("warn" if lacks else "pass")
    assert lacks in answer[1]


def test_on_amd_the_host_must_be_new_enough() -> None:
    old = {"host.version": WindowsVersion(10, 0, 17763)}
    assert ask("guests", L0, {**guests("amd", GOOD), **old})[0] == "warn"
    assert ask("guests", L0, {**guests("intel", GOOD), **old})[0] == "pass"


def test_a_guest_that_is_not_to_nest_may_lack_what_it_likes() -> None:
    status, found, _ = ask("guests", L0)
    assert status == "pass"
    assert found == "new: shown the processor; old: not shown the processor (configuration 5.0, needs 8.0, 1.0 GiB, " \
                    "one processor, dynamic memory)"
    assert QUESTIONS["guests"].ask(SERVER_2022) is None
