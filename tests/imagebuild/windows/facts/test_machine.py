# SPDX-License-Identifier: Apache-2.0
"""Facts of a machine: what is not known is not 'no'."""

from __future__ import annotations

import pytest
from hypothesis import given
from support.machines import MACHINES

from imagebuild.windows.facts.machine import Feature, MachineFacts, Service, Volume


@given(MACHINES)
def test_every_machine_can_be_asked_for_any_feature_service_or_path(facts: MachineFacts) -> None:
    for name in ("", "docker", "Containers", "C:\\x", "/"):
        facts.feature(name)
        facts.service(name)
        facts.volume(name)


def test_nothing_is_known_of_a_machine_until_somebody_looks() -> None:
    nobody = MachineFacts()
    assert (nobody.host.os, nobody.features, nobody.services, nobody.hypervisor.present) == ("", None, None, None)
    assert nobody.feature("Containers") is None
    assert nobody.service("docker") is None
    assert nobody.volume("C:\\") is None


def test_a_feature_is_found_in_any_case_and_an_unread_one_is_not_known() -> None:
    facts = MachineFacts(features=(Feature("Containers", "disabled"), Feature("Microsoft-Hyper-V")))
    assert facts.feature("containers") == "disabled"
    assert facts.feature("Microsoft-Hyper-V") is None


def test_a_service_is_found_in_any_case_and_an_unread_one_is_not_known() -> None:
    facts = MachineFacts(services=(Service("hns", "absent"), Service("vmms")))
    assert facts.service("HNS") == Service("hns", "absent")
    assert facts.service("vmms") is None


@pytest.mark.parametrize(("path", "drive"), [
    (r"C:\ProgramData\docker", "C:"), (r"c:\x", "C:"), (r"D:\docker\x", r"D:\docker"), (r"D:\dockerx", "D:"),
    ("D:", "D:"), ("E:\\", None), ("", None),
])
def test_a_path_lies_on_the_volume_with_the_longest_fitting_name(path: str, drive: str | None) -> None:
    facts = MachineFacts(volumes=(Volume("C:"), Volume("D:"), Volume("D:\\docker")))
    found = facts.volume(path)
    assert (found.drive if found else None) == drive


def test_on_linux_the_root_holds_what_nothing_else_holds() -> None:
    facts = MachineFacts(volumes=(Volume("/"), Volume("/var/lib")))
    assert facts.volume("/var/lib/docker") == Volume("/var/lib")
    assert facts.volume("/srv") == Volume("/")
