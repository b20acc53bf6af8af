# SPDX-License-Identifier: Apache-2.0
"""Our PowerShell, and all that the collection ships, as ``ansible-test`` and PSScriptAnalyzer see it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import ansible_cores, programs, windows_programs

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = sorted([*(REPOSITORY / "plugins").rglob("*.ps*1"), REPOSITORY / "imagebuild/host/collector.ps1"])

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def analyzer() -> Path:
    """The folder of PSScriptAnalyzer, as it lies in ``Modules``."""
    with programs.skipping():
        return windows_programs.analyzer()


@pytest.fixture(scope="module")
def pwsh() -> Path:
    with programs.skipping():
        return windows_programs.linux_powershell()


#: Cmdlets that the table of PowerShell 5.1 does not list, for they come with a role or a product.
RULES = """
param([string]$Analyzer, [string]$Files)
$ErrorActionPreference = 'Stop'
Import-Module (Join-Path $Analyzer 'PSScriptAnalyzer')
$settings = @{
    IncludeRules = @('PSUseCompatibleSyntax', 'PSUseCompatibleCmdlets')
    Rules = @{
        PSUseCompatibleSyntax = @{ Enable = $true; TargetVersions = @('5.1', '7.0') }
        PSUseCompatibleCmdlets = @{ compatibility = @('desktop-5.1.14393.206-windows') }
    }
}
$found = @(foreach ($file in $Files.Split('|')) { Invoke-ScriptAnalyzer -Path $file -Settings $settings })
$lines = @($found | ForEach-Object { '{0}:{1}: {2}: {3}' -f $_.ScriptName, $_.Line, $_.RuleName, $_.Message })
ConvertTo-Json -Depth 2 -InputObject $lines
"""


def analysed(pwsh: Path, analyzer: Path, tmp_path: Path, *files: Path) -> list[str]:
    """What the two rules of compatibility say about files."""
    script = tmp_path / "rules.ps1"
    script.write_text(RULES, encoding="utf-8")
    done = subprocess.run([pwsh, "-NoProfile", "-File", script, analyzer, "|".join(map(str, files))], timeout=600,
                          capture_output=True, text=True, check=False,
                          env={**os.environ, "HOME": str(tmp_path), "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"})
    assert done.returncode == 0, done.stderr
    return [str(one) for one in json.loads(done.stdout)]


def test_our_scripts_have_nothing_that_powershell_51_lacks(pwsh: Path, analyzer: Path, tmp_path: Path) -> None:
    assert analysed(pwsh, analyzer, tmp_path, *SCRIPTS) == []


def test_what_it_lacks_would_be_found(pwsh: Path, analyzer: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer.ps1"
    newer.write_text("$x = $true ? 1 : 2\nGet-Uptime\n", encoding="utf-8")
    found = " ".join(analysed(pwsh, analyzer, tmp_path, newer))
    assert "PSUseCompatibleSyntax" in found and "Get-Uptime" in found


#: The slow ones each in a test of their own: on a busy machine all together take longer than a test may.
ALONE = ("import", "pslint", "pylint", "validate-modules")
GROUPS = [*(["--test", name] for name in ALONE), [word for name in ALONE for word in ("--skip-test", name)]]


@pytest.mark.parametrize("core", ["", "2.19-3.13", "2.21"])
@pytest.mark.parametrize("words", GROUPS, ids=[*ALONE, "the others"])
def test_ansible_test_finds_nothing_in_what_ships(pwsh: Path, analyzer: Path, core: str, words: list[str]) -> None:
    """``core`` is one of ``ansible_cores``, or the one of this environment."""
    with programs.skipping():
        python = ansible_cores.playbook(core)[0].with_name("python") if core else Path(sys.executable)
    home = programs.user_cache() / f"ansible-test{core and '-'}{core}"
    done = subprocess.run([python, REPOSITORY / "scripts/ansible_test.py", "--home", home, "--pwsh", pwsh,
                           "--analyzer", analyzer, "sanity", *words], capture_output=True, text=True, timeout=580,
                          check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, "\n".join(line for line in said.splitlines() if "ERROR" in line or "FATAL" in line)
    assert f'Running sanity test "{words[1] if words[0] == "--test" else "pep8"}"' in said


def test_no_finding_is_ignored() -> None:
    assert not list((REPOSITORY / "tests").rglob("ignore-*.txt"))
