# SPDX-License-Identifier: Apache-2.0
"""Streams of files: listed, read and removed, and a script that came from the internet."""

from __future__ import annotations

import pytest
from support import programs, windows_programs
from support.sandboxes import Boxes, run

from imagebuild.runtime import Mount

pytestmark = pytest.mark.slow

PWSH = r"C:\pwsh\pwsh.exe -NoProfile"


@pytest.fixture
def powershell() -> tuple[Mount, ...]:
    with programs.skipping():
        return (Mount(windows_programs.powershell(), r"C:\pwsh", read_only=True),)


def test_streams_are_listed_with_their_sizes_in_any_case(boxes: Boxes, powershell: tuple[Mount, ...]) -> None:
    (boxes.layer / "test.ps1").write_text(r"""
        mkdir C:\s\folder, C:\s\none | Out-Null
        Set-Location C:\s
        Set-Content file.txt 'own'
        Set-Content FILE.TXT -Stream first 'longer text'
        Add-Content file.txt -Stream second 2
        Set-Content file.txt.other x
        Set-Content folder -Stream of.folder x
        foreach ($name in 'file.txt', 'folder', 'none') {
            Get-Item $name -Stream * | Sort-Object Stream | ForEach-Object { "$name $($_.Stream) $($_.Length)" }
        }
        try { Get-Item missing.txt -Stream * -ErrorAction Stop } catch { $_.FullyQualifiedErrorId }
        1..40 | ForEach-Object { Set-Content none -Stream "s$_" x }
        @(Get-Item none -Stream *).Count
        Remove-Item file.txt -Stream first
        (Get-Item file.txt -Stream *).Stream -join ' '
    """)
    done = run(boxes.open(mounts=powershell), rf"{PWSH} -ExecutionPolicy Bypass -File C:\test.ps1")
    assert (done.err, done.out.splitlines()) == ("", [
        "file.txt :$DATA 5", "file.txt first 13", "file.txt second 3", "folder of.folder 3",
        "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand", "40", ":$DATA second"])


def test_a_script_from_the_internet_runs_once_it_is_unblocked(boxes: Boxes, powershell: tuple[Mount, ...]) -> None:
    (boxes.layer / "make.ps1").write_text(r"""
        Set-Content C:\got.ps1 "'ran'; exit 5"
        Set-Content C:\got.ps1 -Stream Zone.Identifier "[ZoneTransfer]`r`nZoneId=3"
    """)
    box = boxes.open(mounts=powershell)
    signed = rf"{PWSH} -ExecutionPolicy RemoteSigned -File C:\got.ps1"
    done = run(box, rf"cmd /c {PWSH} -ExecutionPolicy Bypass -File C:\make.ps1 & {signed} & call echo %^ERRORLEVEL%"
               rf" & {PWSH} -Command Unblock-File C:\got.ps1 & {signed} & call echo %^ERRORLEVEL%")
    assert done.out.split() == ["1", "ran", "5"]
    assert "File C:\\got.ps1 cannot be loaded." in done.err
