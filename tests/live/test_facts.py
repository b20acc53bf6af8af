# SPDX-License-Identifier: Apache-2.0
"""Rows of ``docs/unproven.md``, "Facts of a host": what the collector says of a real Windows, beside what Windows' own
commands say."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from imagebuild.doctor.examine import examine
from imagebuild.host import WinrmHost
from imagebuild.host.collector import collected, collector_script
from imagebuild.windows.facts.machine import MachineFacts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def facts(live: WinrmHost) -> MachineFacts:
    found = live.facts()
    print("notes:", *found.notes, sep="\n  ")
    return found


def said(host: WinrmHost, script: str) -> Any:
    """What PowerShell there says, as JSON."""
    done = host.powershell(f"{script} | ConvertTo-Json -Depth 4 -Compress")
    assert done.code == 0, done
    return json.loads(done.out.decode("utf-8") or "null")


def test_the_collector_runs_to_its_end(live: WinrmHost, facts: MachineFacts) -> None:
    """Whether `collector.ps1` runs to its end"""
    version = said(live, "(Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion') | "
                         "Select-Object CurrentBuildNumber, UBR")
    assert facts.host.version is not None
    assert (facts.host.version.build, facts.host.version.revision) == (int(version["CurrentBuildNumber"]),
                                                                      version["UBR"])
    for check in examine(facts):
        print(f"{check.status}: {check.title}: {check.found}")


def test_both_ways_to_a_file_keep_long_lines(live: WinrmHost, facts: MachineFacts) -> None:
    """Whether `powershell -File facts.ps1 > facts.json` keeps long lines whole in every console"""
    there = "$f = Join-Path $env:TEMP 'wcow-facts.ps1'; [IO.File]::WriteAllText($f, @'\n" + collector_script() + "\n'@)"
    done = live.powershell(f"{there}; & powershell.exe -NoProfile -ExecutionPolicy Bypass -File $f > \"$f.json\"; "
                           "[Convert]::ToBase64String([IO.File]::ReadAllBytes(\"$f.json\")); "
                           "Remove-Item $f, \"$f.json\"")
    assert collected(base64.b64decode(done.out)).host.version == facts.host.version


def test_features_are_those_of_the_cmdlet(live: WinrmHost, facts: MachineFacts) -> None:
    """Whether Win32_OptionalFeature lists Containers and Microsoft-Hyper-V"""
    for name in ("Containers", "Microsoft-Hyper-V"):
        state = said(live, f"[string](Get-WindowsOptionalFeature -Online -FeatureName {name}).State")
        assert facts.feature(name) == {"Enabled": "enabled", "Disabled": "disabled"}.get(state, "absent"), (name, state)


def test_the_pipes_access_control_list_is_read(facts: MachineFacts) -> None:
    """The pipe's access control list through `DirectoryInfo.GetAccessControl`"""
    (pipe,) = [one for one in facts.pipes or () if one.name == "docker_engine"]
    if facts.hypervisor.manufacturer == "wcow":
        pytest.skip("Wine keeps no access control list of a pipe")
    assert pipe.exists and pipe.sddl
    print(pipe.sddl)


def test_the_hypervisors_start_type_is_that_of_bcdedit(live: WinrmHost, facts: MachineFacts) -> None:
    """`hypervisorlaunchtype` in the registry"""
    text = live.powershell("bcdedit /enum '{default}'").out.decode("utf-8", "replace").lower()
    line = next((line for line in text.splitlines() if line.startswith("hypervisorlaunchtype")), "")
    print(line or "bcdedit names none", "-", facts.hypervisor)
    if line:
        assert (facts.hypervisor.launch_type or "") == line.split()[-1]


def test_filters_have_the_altitudes_of_fltmc(live: WinrmHost, facts: MachineFacts) -> None:
    """Where filter drivers keep their altitude on Windows 11 24H2 and later"""
    text = live.powershell("fltmc filters").out.decode("utf-8", "replace")
    rows = {words[0].lower(): words[-2] for line in text.splitlines() if len(words := line.split()) >= 4}
    for one in facts.filters or ():
        if one.running and one.altitude and one.name.lower() in rows:
            assert one.altitude == rows[one.name.lower()], one


def test_networks_have_types_that_are_known(facts: MachineFacts) -> None:
    """The types of networks that `Get-HnsNetwork` prints on each build"""
    print(facts.network.networks)
    assert facts.network.networks is None or all(one.type for one in facts.network.networks)


def test_the_firmware_of_a_clouds_machine_is_known(live: WinrmHost, facts: MachineFacts) -> None:
    """Whether the names of firmware by which a virtual machine's owner is told are complete"""
    maker = said(live, "Get-CimInstance Win32_ComputerSystem | Select-Object Manufacturer, Model")
    print(maker, facts.hypervisor.guest)
    assert facts.hypervisor.guest is not None
