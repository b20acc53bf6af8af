# SPDX-License-Identifier: Apache-2.0
"""``wcow doctor examine``, ``wcow doctor facts`` and ``--host`` against hosts that run: each build, and what can be
wrong with one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support import ansible_hosts, machines, programs, windows_programs
from support.ansible_hosts import PASSWORD, Host

from imagebuild.cli.hosts.passwords import PASSWORD as VARIABLE
from imagebuild.windows import machine_json
from imagebuild.windows.facts.machine import MachineFacts

pytestmark = pytest.mark.slow

BUILDS: dict[str, tuple[MachineFacts, tuple[str, ...], set[str]]] = {
    "Windows Server 2016": (machines.SERVER_2016, ("--build", "14393"), {"support", "build"}),
    "Windows Server 2019": (machines.SERVER_2019, ("--build", "17763"), {"update"}),
    "Windows Server 2025": (machines.SERVER_2025, ("--build", "26100"), {"update"}),
    "Windows 11": (machines.WINDOWS_11, ("--build", "26200", "--client"), {"antivirus", "nat-overlap", "update"}),
}
"""By name: the machine, how a host of that build is started, and the checks that warn, but do not fail, there."""
STATES: dict[str, tuple[MachineFacts, dict[str, str]]] = {
    "as it was": (machines.SERVER_2022, {}),
    "no Containers feature": (
        machines.changed(machines.SERVER_2022, machines.CHANGES["no Containers feature"]),
        {"containers-feature": "this Windows does not have it"}),
    "Hyper-V without nesting": (
        machines.changed(machines.SERVER_2022, {
            "features": machines.feature("Microsoft-Hyper-V", "enabled"), "services": machines.services(vmms="running"),
            "hypervisor": machines.GUEST.hypervisor}),
        {"hypervisor": "does not run"}),
    "guests without nesting": (
        machines.changed(machines.SERVER_2022, machines.CHANGES["Hyper-V without nesting"]), {}),
    "engine stopped": (
        machines.changed(machines.SERVER_2022, machines.CHANGES["engine stopped"]),
        {"service-engine": "docker: stopped", "pipe": "not there"}),
    "pending reboot": (
        machines.changed(machines.SERVER_2022, machines.CHANGES["pending reboot"]),
        {"reboot": "component-servicing, windows-update, file-rename, computer-name"}),
}
"""By what a host is given: its facts, and the checks that fail or warn then, with their words."""


def wcow(host: Host, *words: str, code: int = 0, **environment: str) -> str:
    """Run the command where ``host`` is one of ``wcow host``."""
    done = subprocess.run([sys.executable, "-m", "imagebuild", *words], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "WCOW_ENGINE_ROOT": str(host.root / "engine"), **environment}, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def examined(host: Host, address: str, *, failing: bool = False, **environment: str) -> dict[str, dict[str, Any]]:
    """The checks of a host by their ids."""
    said = json.loads(wcow(host, "doctor", "examine", address, "--format", "json", code=int(failing), **environment))
    checks = {check["id"]: check for check in said["machines"][0]["checks"]}
    assert failing == any(check["status"] == "fail" for check in checks.values())
    return checks


def wrong(checks: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What failed or warned."""
    return {key: check["found"] for key, check in checks.items() if check["status"] in ("fail", "warn")}


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with programs.skipping():
        client = windows_programs.docker() / "docker.exe"
        with ansible_hosts.host("--like", "-", docker=client, data=machine_json.write(machines.SERVER_2022)) as started:
            yield started


@pytest.mark.parametrize("name", BUILDS)
def test_a_healthy_host_of_each_build_is_found_healthy(host: Host, name: str) -> None:
    machine, options, warned = BUILDS[name]
    host.wcow("start", "other", *options, "--like", "-", data=machine_json.write(machine))
    try:
        checks = examined(host, "host://other")
    finally:
        host.wcow("remove", "-f", "other")
    assert checks["windows"]["found"].startswith(name)
    assert str(machine.host.version) in checks["windows"]["found"]
    assert set(wrong(checks)) == warned, wrong(checks)


def test_a_virtual_machine_that_is_not_shown_the_processor_is_found(host: Host) -> None:
    host.wcow("start", "guest", "--build", "22631", "--client", "--like", "-", data=machine_json.write(machines.GUEST))
    try:
        checks = examined(host, "host://guest", failing=True)
    finally:
        host.wcow("remove", "-f", "guest")
    assert "a virtual machine of Hyper-V that is not shown the processor" in checks["nesting"]["found"]
    assert checks["nesting"]["status"] == "fail" and "Set-VMProcessor" in checks["nesting"]["remedy"]


@pytest.mark.parametrize("name", STATES)
def test_what_is_wrong_with_a_host_is_found(host: Host, name: str) -> None:
    machine, words = STATES[name]
    host.wcow("state", host.name, "-", data=machine_json.write(machine))
    try:
        failing = bool(words) and name != "pending reboot"
        checks = examined(host, f"host://{host.name}", failing=failing)
    finally:
        host.wcow("state", host.name, "-", data=machine_json.write(machines.SERVER_2022))
    found = wrong(checks)
    assert set(found) == set(words), found
    for key, word in words.items():
        assert word in found[key] and checks[key]["remedy"], checks[key]
    if name == "guests without nesting":
        assert "old" in checks["guests"]["found"], checks["guests"]


def test_facts_and_verdicts_come_over_each_way(host: Host) -> None:
    certificate = host.root / "hosts" / host.name / "winrm.pem"
    ways = {f"host://{host.name}": (), f"winrm+http://Administrator@127.0.0.1:{host.document['winrm_port']}": (),
            f"winrm://Administrator@127.0.0.1:{host.document['winrm_tls_port']}": ("--ca", str(certificate))}
    for address, options in ways.items():
        facts = machine_json.read(wcow(host, "doctor", "facts", address, *options, **{VARIABLE: PASSWORD})).facts
        assert facts.host.version == machines.SERVER_2022.host.version
        assert facts.host.product == "server"
    said = wcow(host, "compat", "check", "10.0.26100.1", "--host", f"host://{host.name}", code=1)
    assert "Windows Server 2022" in said
