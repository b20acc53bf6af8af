# SPDX-License-Identifier: Apache-2.0
"""Windows programs that have a head and a version and do nothing: what an installer of programs looks at."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

X64, X86, ARM64 = 0x8664, 0x14C, 0xAA64


def program(version: str = "", machine: int = X64) -> bytes:
    """A PE file of this machine, with a version resource's string where a version is given."""
    head = b"MZ".ljust(0x3C, b"\0") + (0x80).to_bytes(4, "little")
    body = head.ljust(0x80, b"\0") + b"PE\0\0" + machine.to_bytes(2, "little") + bytes(64)
    if version:
        body += "ProductVersion\0\0".encode("utf-16-le") + f"{version}\0".encode("utf-16-le")
    return body


def powershell(version: str = "7.6.9", machine: int = X64) -> dict[str, bytes]:
    """The files of a PowerShell that has the names that count."""
    return {"pwsh.exe": program(machine=machine), "pwsh.dll": program(f"{version} SHA: 00ff"), "pwsh.deps.json": b"{}",
            "coreclr.dll": b"", "System.Management.Automation.dll": b"", "Modules/PSReadLine/PSReadLine.psd1": b"@{}"}


def archive(files: Mapping[str, bytes]) -> bytes:
    """These files as a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
    return out.getvalue()
