# SPDX-License-Identifier: Apache-2.0
"""Filters and tests of the collection, as a playbook uses them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import programs
from support.ansible_hosts import Controller, collections

FACTS = {"ansible_os_family": "Windows", "ansible_kernel": "10.0.20348.0", "ansible_os_product_type": "server",
         "ansible_architecture2": "x86_64"}
IMAGE = {"Os": "windows", "Architecture": "amd64", "OsVersion": "10.0.26100.1", "RepoTags": ["app:1"]}

#: An expression, and what it is.
KNOWN = [
    ("'ltsc2022' | wcow.containers.os_version", "10.0.20348"),
    ("'mcr.microsoft.com/windows/nanoserver:ltsc2025' | wcow.containers.os_version", "10.0.26100"),
    ("'10.0.17763.5' | wcow.containers.os_version", "10.0.17763.5"),
    ("image | wcow.containers.os_version", "10.0.26100.1"),
    ("'1809' | wcow.containers.windows_build", 17763),
    ("facts | wcow.containers.windows_build", 20348),
    ("(3224830214 | wcow.containers.ntstatus).code", "0x80370106"),
    ("('0xc0000135' | wcow.containers.ntstatus).name", "STATUS_DLL_NOT_FOUND"),
    ("('O:BAG:SYD:(A;OICI;FA;;;BA)' | wcow.containers.sddl) | length", 3),
    ("'ltsc2022' is wcow.containers.compatible_with(facts, isolation='process')", True),
    ("image is wcow.containers.compatible_with(facts, isolation='process')", False),
    ("'ltsc2019' is wcow.containers.compatible_with('10.0.17763')", True),
]
WRONG = ["'nonsense' | wcow.containers.os_version", "{} | wcow.containers.windows_build",
         "'x' | wcow.containers.ntstatus", "'O:ZZ' | wcow.containers.sddl",
         "'ltsc2022' is wcow.containers.compatible_with('20348', isolation='both')"]


@pytest.mark.slow
def test_expressions_give_what_they_say(tmp_path: Path) -> None:
    controller = Controller(collections(tmp_path / "c"), {"ansible_connection": "local"})
    tasks = [{"ansible.builtin.debug": {"msg": "{{ [" + ", ".join(one for one, _ in KNOWN) + "] }}"}}]
    tasks += [{"ansible.builtin.debug": {"msg": "{{ " + one + " }}"}, "ignore_errors": True} for one in WRONG]
    with programs.skipping():
        played = controller.play(*tasks, vars={"facts": FACTS, "image": IMAGE})
    assert played[0].state == "ok", played.printed
    assert dict(zip((one for one, _ in KNOWN), played[0]["msg"], strict=True)) == dict(KNOWN)
    assert [one.state for one in played.outcomes[1:]] == ["failed"] * len(WRONG)
    assert "Traceback" not in played.printed
