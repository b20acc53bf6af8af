# SPDX-License-Identifier: Apache-2.0
"""The cmdlets of a host over its state document, in this machine's PowerShell."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import programs, windows_programs

from imagebuild.hostd.state import state

MODULES = Path(state.__file__).parent / "modules"
Script = Callable[[str], tuple[str, dict[str, Any]]]
UPDATES = [{"kb": "KB1", "title": "one", "installed": False, "restart": True},
           {"kb": "KB2", "title": "two", "installed": True, "restart": False}]
GUESTS = [{"name": "new", "version": "10.0", "nested": False, "memory": 1 << 30, "dynamic": False, "processors": 2}]

pytestmark = pytest.mark.slow


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Runs a script with the modules there and a fresh state; returns what it printed, and the document after it."""
    with programs.skipping():
        pwsh = windows_programs.linux_powershell()
    document = tmp_path / "wcow" / "state.json"
    document.parent.mkdir()
    made = json.loads(state.write(state.default(client=False)))
    made |= {"updates": UPDATES, "machine": {"hypervisor": {"guests": GUESTS, "launched": True}, "network": {
        "networks": [{"name": "nat", "type": "nat", "subnets": ["172.20.16.0/20"]}]}}}
    document.write_text(json.dumps(made))

    def run(text: str) -> tuple[str, dict[str, Any]]:
        # Linux' registry of Windows is not there: what the cmdlets write into it is left out.
        whole = "$PSStyle.OutputRendering = 'PlainText'; function global:New-Item { }; " \
            "function global:Test-Path { param($LiteralPath) $true }\n" + text
        environment = {**os.environ, "ProgramData": str(tmp_path), "HOME": str(tmp_path), "PSModulePath": str(MODULES),
                       "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
        done = subprocess.run([pwsh, "-NoProfile", "-NonInteractive", "-Command", whole], check=False, text=True,
                              capture_output=True, env=environment)
        return done.stdout + done.stderr, json.loads(document.read_text())

    return run


def test_every_module_loads_and_has_the_functions_of_its_manifest(script: Script) -> None:
    said, _ = script(f"foreach ($one in Get-ChildItem {MODULES} -Directory) {{ $made = Import-Module $one.Name "
                     "-PassThru -ErrorAction Stop; $data = Import-PowerShellDataFile \"$($one.FullName)/$($one.Name)"
                     ".psd1\"; foreach ($name in $data.FunctionsToExport) { if (-not $made.ExportedFunctions[$name]) "
                     "{ \"$name is missing\" } }; $one.Name }")
    assert said.split() == sorted(one.name for one in MODULES.iterdir())


def test_features_wait_for_a_restart_or_are_there_at_once(script: Script) -> None:
    said, after = script("""
        $x = Install-WindowsFeature hyper-v, Web-Server -WarningAction Ignore; "$($x.Success) $($x.ExitCode)"
        $x = Install-WindowsFeature Hyper-V; "$($x.ExitCode) $($x.RestartNeeded)"
        $x = Uninstall-WindowsFeature Telnet-Client; $x.ExitCode
        $x = Install-WindowsFeature Telnet-Client -WhatIf; $x.ExitCode
        (Get-WindowsFeature Telnet*).InstallState; @(Get-WindowsFeature).Count -gt 15; @(Get-WindowsFeature nope).Count
        (Enable-WindowsOptionalFeature -Online -NoRestart -FeatureName TelnetClient).RestartNeeded
        (Disable-WindowsOptionalFeature -Online -NoRestart -FeatureName Containers).RestartNeeded
        (Get-WindowsOptionalFeature -Online -FeatureName containers).State
        try { Get-WindowsOptionalFeature -Online -FeatureName Nope } catch { "$_" }
        try { Install-WindowsFeature Nope } catch { "$_" }
        Install-WindowsFeature FS-SMB1 -ErrorAction SilentlyContinue | ForEach-Object ExitCode
    """)
    lines = [line for line in said.splitlines() if not line.startswith("What if")]
    assert lines[:9] == ["True SuccessRestartRequired", "NoChangeNeeded No", "NoChangeNeeded", "Success", "Available",
                         "True", "0", "False", "True"]
    assert lines[9:11] == ["DisablePending", "Feature name Nope is unknown."]
    assert "'Nope'. The name was not found." in lines[11] and lines[12] == "Failed"
    assert {name: after["features"][name] for name in ("Hyper-V", "Web-Server", "Containers", "Telnet-Client")} == {
        "Hyper-V": "InstallPending", "Web-Server": "Installed", "Containers": "UninstallPending",
        "Telnet-Client": "Installed"}
    assert after["optional"]["Microsoft-Hyper-V"] == "EnablePending" and after["optional"]["TelnetClient"] == "Enabled"
    assert after["pending_reboot"] == ["component-servicing"]
    assert state.read(json.dumps(after).encode()).features == after["features"]


def test_firewall_rules_are_kept_as_the_real_cmdlets_give_them_back(script: Script) -> None:
    said, after = script("""
        [void](New-NetFirewallRule -Name a -DisplayName 'A b' -Protocol tcp -LocalPort 2376, 8000-8080 `
            -Profile 'domain, private' -RemoteAddress any -Action block)
        try { New-NetFirewallRule -Name A -DisplayName x } catch { "$_" }
        $rule = Get-NetFirewallRule -Name A; "$($rule.Name) $($rule.Profile) $($rule.Action) $($rule.Enabled)"
        $port = $rule | Get-NetFirewallPortFilter; "$($port.Protocol) $($port.LocalPort)"
        ($rule | Get-NetFirewallAddressFilter).RemoteAddress; ($rule | Get-NetFirewallApplicationFilter).Program
        Get-NetFirewallRule -DisplayName 'A*' | Disable-NetFirewallRule; (Get-NetFirewallRule a).Enabled
        Set-NetFirewallRule -Name a -LocalPort 1 -NewDisplayName 'C'; (Get-NetFirewallRule -DisplayName C).Name
        Set-NetFirewallProfile -Profile Public -Enabled False; (Get-NetFirewallProfile -Name Public).Enabled
        Get-NetFirewallRule -Name nope -ErrorVariable missing -ErrorAction SilentlyContinue; "$missing"
        [void](New-NetFirewallRule -DisplayName other)
        Remove-NetFirewallRule -Name a; @(Get-NetFirewallRule).Count
    """)
    lines = said.splitlines()
    assert lines[:5] == ["Cannot create a file when that file already exists.", "a Domain, Private Block True",
                         "TCP 2376 8000-8080", "Any", "Any"]
    assert lines[5:8] == ["False", "a", "False"]
    assert lines[8].startswith("No MSFT_NetFirewallRule objects found with property 'InstanceID' equal to 'nope'.")
    assert lines[9:] == ["1"] and len(after["rules"]) == 1
    state.read(json.dumps(after).encode())


def test_defender_updates_networks_and_guests_answer_from_the_document(script: Script) -> None:
    said, after = script(r"""
        Add-MpPreference -ExclusionPath C:\a, C:\B; Add-MpPreference -ExclusionPath c:\b
        (Get-MpPreference).ExclusionPath -join '|'; Remove-MpPreference -ExclusionPath C:\A
        Set-MpPreference -DisableRealtimeMonitoring $true; (Get-MpPreference).DisableRealtimeMonitoring
        "$(Get-WUIsPendingReboot)"; $x = Install-WUUpdates (Start-WUScan); "$($x.ReturnValue) $($x.RebootRequired)"
        @(Start-WUScan).Count; @(Start-WUScan 'IsInstalled=1').Count
        (Get-HnsNetwork).Subnets.AddressPrefix; Get-HnsNetwork | Remove-HnsNetwork; @(Get-HnsNetwork).Count
        (Get-VMProcessor new).ExposeVirtualizationExtensions
        Set-VMProcessor -VMName new -ExposeVirtualizationExtensions $true
        (Get-VM | Get-VMProcessor).ExposeVirtualizationExtensions; (Get-VMMemory NEW).Startup
        Get-VMProcessor nope -ErrorVariable missing -ErrorAction SilentlyContinue; "$missing"
    """)
    assert said.splitlines() == [
        r"C:\a|C:\B", "True", "False", "0 True", "0", "2", "172.20.16.0/20", "0", "False", "True", str(1 << 30),
        'Hyper-V was unable to find a virtual machine with name "nope".']
    assert after["defender"]["ExclusionPath"] == ["C:\\B"] and after["pending_reboot"] == ["windows-update"]
    state.read(json.dumps(after).encode())


def test_tamper_protection_takes_a_change_and_changes_nothing(script: Script) -> None:
    said, after = script(r"""
        $path = Join-Path $env:ProgramData 'wcow/state.json'
        $state = Get-Content -Raw $path | ConvertFrom-Json -AsHashtable; $state.tamper = $true
        Set-Content $path (ConvertTo-Json $state -Depth 9)
        Add-MpPreference -ExclusionPath C:\a; @((Get-MpPreference).ExclusionPath).Where{$_}.Count
    """)
    assert said.split() == ["0"] and after["defender"]["ExclusionPath"] == []


def test_a_document_that_cannot_be_read_is_said_so(script: Script) -> None:
    said, _ = script(r"""
        $path = Join-Path $env:ProgramData 'wcow/state.json'; $whole = Get-Content -Raw $path; Set-Content $path '{'
        try { Get-WindowsFeature } catch { "$_" }; Set-Content $path $whole
    """)
    assert "The state document of this host cannot be read" in said and "'wcow host state'" in said
