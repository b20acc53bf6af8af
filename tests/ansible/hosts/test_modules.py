# SPDX-License-Identifier: Apache-2.0
"""Features, services, firewall, Defender and the doctor on a Windows host, over the host's state document."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from support.ansible_hosts import Controller, raw, steady, thrice

pytestmark = pytest.mark.slow

DOCUMENT = r"C:\ProgramData\wcow\state.json"
STATE = {
    "features": {"Containers": "Available", "Hyper-V": "Removed", "Web-Server": "Installed"},
    "optional": {"Containers": "Disabled", "Microsoft-Hyper-V": "Disabled", "TelnetClient": "Disabled"},
    "defender": {"ExclusionPath": ["C:\\theirs"], "ExclusionProcess": [], "ExclusionExtension": None}, "rules": {},
}

OLD = {"schema": "wcow.machine/1", "host": {"os": "windows", "version": "10.0.10240"}}


def put(path: str, data: bytes) -> str:
    return (f"[void](mkdir -Force (Split-Path '{path}')); "
            f"[IO.File]::WriteAllBytes('{path}', [Convert]::FromBase64String('{base64.b64encode(data).decode()}'))")


def state(**changes: Any) -> dict[str, Any]:
    """A task that sets the document of the host's cmdlets."""
    return raw(put(DOCUMENT, json.dumps({**STATE, **changes}).encode()))


READ = raw(f"[IO.File]::ReadAllText('{DOCUMENT}')")


def feature(**options: Any) -> dict[str, Any]:
    return {"wcow.containers.host_feature": options}


def test_features_are_installed_and_a_restart_is_told(controller: Controller) -> None:
    refused = {**feature(name=["Hyper-V"]), "ignore_errors": True}
    got = controller.play(state(), *thrice(feature()), refused, feature(name=["Hyper-V"], source="C:\\Windows"),
                          {**feature(name=["Teleport"]), "ignore_errors": True},
                          feature(name=["Teleport"], state="absent"),
                          {**feature(source="C:\\nowhere"), "ignore_errors": True},
                          *thrice(feature(name=["Web-Server"], state="absent")), READ,
                          state(), *thrice(feature(name=["Containers", "Hyper-V"], method="optional")),
                          *thrice(feature(name=["TelnetClient"], method="optional")))
    real = steady(got[1], got[2], got[3])
    assert got[1]["features"] == {"Containers": "available"} and not got[1]["reboot_required"]
    assert real["features"] == {"Containers": "install_pending"} and real["method"] == "roles"
    assert (real["reboot_required"], real["exit_code"]) == (True, 3010)
    assert got[3]["reboot_required"] and got[3]["exit_code"] == 3010
    assert "did not make Hyper-V present" in got[4].message and "source files could not be found" in got[4].message
    assert got[5].changed and "has no feature Teleport" in got[6].message and not got[7].changed
    assert "this host cannot read it" in got[8].message
    steady(got[9], got[10], got[11])
    assert json.loads(got[12].text)["features"] == {
        "Containers": "InstallPending", "Hyper-V": "InstallPending", "Web-Server": "UninstallPending"}
    optional = steady(got[14], got[15], got[16])
    assert optional["features"] == {"Containers": "install_pending", "Microsoft-Hyper-V": "install_pending"}
    assert (optional["reboot_required"], optional["exit_code"]) == (True, 3010)
    at_once = steady(got[17], got[18], got[19])
    assert at_once["features"] == {"TelnetClient": "installed"} and not at_once["reboot_required"]


def test_defenders_exclusions_are_added_beside_others(controller: Controller) -> None:
    task = {"wcow.containers.defender_exclusion": {"paths": ["C:\\döcker\\", "c:\\THEIRS"], "extensions": [".vhdx"],
                                                   "processes": ["C:\\Program Files\\Docker\\dockerd.exe"]}}
    gone = {"wcow.containers.defender_exclusion": {"paths": ["c:\\theirs"], "state": "absent"}}
    more = {"wcow.containers.defender_exclusion": {"paths": ["D:\\x"]}, "ignore_errors": True}
    got = controller.play(state(), *thrice(task), *thrice(gone), READ, state(tamper=True), more)
    real = steady(got[1], got[2], got[3])
    assert real["exclusions"] == {"paths": ["C:\\döcker", "C:\\theirs"], "extensions": ["vhdx"],
                                  "processes": ["C:\\Program Files\\Docker\\dockerd.exe"]}
    assert steady(got[4], got[5], got[6])["exclusions"]["paths"] == ["C:\\döcker"]
    assert json.loads(got[7].text)["defender"]["ExclusionPath"] == ["C:\\döcker"]
    assert got[9].state == "failed" and "tamper protection" in got[9].message


def test_firewall_rules_are_made_changed_and_removed(controller: Controller) -> None:
    def rule(**options: Any) -> dict[str, Any]:
        return {"wcow.containers.host_firewall": {"name": "docker-tls", **options}}

    made = rule(display_name="Döcker's (TLS)", local_port=["2376", "8000-8080"], profiles=["private", "domain"],
                remote_address=["192.0.2.0/24", "LocalSubnet"], program="C:\\dockerd.exe", description='"%TEMP%"')
    got = controller.play(state(), *thrice(made), *thrice(rule(local_port=["2376"], action="block")), READ,
                          *thrice(rule(state="absent")),
                          {**rule(protocol="icmpv4", local_port=["1"]), "ignore_errors": True},
                          {**rule(direction="up"), "ignore_errors": True}, *thrice(rule(protocol="icmpv4")))
    first = steady(got[1], got[2], got[3])
    assert first["diff"]["before"] == {} and first["rule"]["local_port"] == ["2376", "8000-8080"]
    assert first["rule"]["remote_address"] == ["192.0.2.0/24", "localsubnet"]
    changed = steady(got[4], got[5], got[6])
    assert changed["rule"]["display_name"] == "Döcker's (TLS)" and changed["rule"]["description"] == '"%TEMP%"'
    assert changed["rule"]["remote_address"] == ["any"] and changed["rule"]["program"] == ""
    (kept,) = json.loads(got[7].text)["rules"].values()
    assert kept["Profile"] == "Any" and kept["Action"] == "Block" and kept["DisplayName"] == "Döcker's (TLS)"
    assert steady(got[8], got[9], got[10])["rule"] is None
    assert "local_port has a meaning for tcp and udp alone" in got[11].message
    assert "value of direction must be one of" in got[12].message
    steady(got[13], got[14], got[15])


def test_a_service_is_started_stopped_and_set_up(controller: Controller) -> None:
    def service(**options: Any) -> dict[str, Any]:
        return {"wcow.containers.host_service": {"name": "Spooler", **options}}

    proxy = {"HTTPS_PROXY": "http://me:hunter2@proxy:3128", "ÄÖ": "%PATH% 'x' \"y\"", "EMPTY": ""}
    key = "HKLM:\\SYSTEM\\CurrentControlSet\\Services\\Spooler"
    got = controller.play(
        service(state="stopped", start_mode="manual"), *thrice(service(environment=proxy)),
        raw(f"(Get-ItemProperty '{key}').Environment -join '|'"), *thrice(service(state="started")),
        service(environment={"https_proxy": None}), service(environment={"ÄÖ": None, "EMPTY": None}),
        *thrice(service(state="stopped", start_mode="delayed")),
        raw(f"$x = Get-ItemProperty '{key}'; $x.Start, $x.DelayedAutostart, ($null -eq $x.Environment) -join ' '"),
        service(state="restarted"), service(state="stopped", start_mode="disabled"),
        *({**service(**bad), "ignore_errors": True} for bad in (
            {"state": "started"}, {"name": "nosuch"}, {"environment": {"A=B": "x"}})), arguments=("--diff", "-vvvv"))
    assert "hunter2" not in json.dumps([one.result for one in got.outcomes if one.task != "ansible.builtin.raw"])
    real = steady(got[1], got[2], got[3])
    assert not real["restart_required"] and real["diff"]["after"]["environment"]["EMPTY"] == ""
    assert got[4].text.strip() == "EMPTY=|HTTPS_PROXY=http://me:hunter2@proxy:3128|ÄÖ=%PATH% 'x' \"y\""
    assert steady(got[5], got[6], got[7])["state"] == "running"
    assert got[8].changed and got[8]["restart_required"] and got[9].changed
    steady(got[10], got[11], got[12])
    assert got[13].text.split() == ["2", "1", "True"]
    assert got[14].changed and got[14]["state"] == "running" and got[15]["start_mode"] == "disabled"
    assert "is disabled" in got[16].message
    assert "no service 'nosuch'" in got[17].message and "a name that Windows does not take" in got[18].message


def test_the_doctor_judges_a_host_and_explains_a_text(controller: Controller) -> None:
    def doctor(**options: Any) -> dict[str, Any]:
        return {"wcow.containers.doctor": options, "ignore_errors": True}

    controller.play(state())
    got = controller.play(doctor(), doctor(only=["containers-feature"], fail_on="fail"), doctor(only=["nosuch"]),
                          doctor(text="hcs::CreateComputeSystem: failure in a Windows system call (0xc0370106)"),
                          doctor(facts=OLD), doctor(facts={}, text="x"), arguments=("--check",))
    checks = {check["id"]: check for check in got[0]["checks"]}
    assert not got[0].changed and checks["build"]["status"] == "pass"
    assert got[0]["checks"][0]["status"] == "fail" and sum(got[0]["summary"].values()) == len(checks)
    assert got[1].state == "failed" and "Containers" in got[1].message and len(got[1]["checks"]) == 1
    assert "there is no check nosuch" in got[2].message
    assert got[3]["causes"][0]["remedy"]
    assert {check["id"]: check["status"] for check in got[4]["checks"]}["build"] == "fail"
    assert "mutually exclusive" in got[5].message
