# SPDX-License-Identifier: Apache-2.0
"""Writes ``plugins/module_utils/_machine.psm1``, the collector of a machine's facts as a function for our modules:
``python scripts/collector_module.py``. ``tests/ansible/hosts/test_collector_module.py`` fails when the file is not what
this makes of ``imagebuild/host/collector.ps1``."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "imagebuild/host/collector.ps1"
TARGET = ROOT / "plugins/module_utils/_machine.psm1"
HEAD = """\
# Copyright: (c) 2026, the wcow authors
# SPDX-License-Identifier: Apache-2.0
# Written by scripts/collector_module.py from imagebuild/host/collector.ps1; do not edit.

Function Get-MachineDocument {
    <#
    .SYNOPSIS
    Returns the facts of this Windows that decide whether containers run on it, as one JSON text (wcow.machine/1).
    #>
    [CmdletBinding()]
    param (
        [switch]$Online
    )

    $Path = ''
"""
FOOT = """\
}

Export-ModuleMember -Function Get-MachineDocument
"""


def module(script: str) -> str:
    """Return the module that a script becomes: its body, from behind its parameters, indented."""
    _, found, body = script.partition("\n)\n")
    if not found:
        raise ValueError("the collector has no parameters any more")
    lines = (f"    {line}" if line.strip() else "" for line in body.splitlines())
    return HEAD + "\n".join(lines) + "\n" + FOOT


if __name__ == "__main__":
    TARGET.write_text(module(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
