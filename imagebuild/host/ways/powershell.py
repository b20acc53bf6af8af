# SPDX-License-Identifier: Apache-2.0
"""PowerShell with its script on standard input, for ways whose command lines cannot carry any text."""

from __future__ import annotations

import base64

PROGRAM = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
PWSH = "pwsh"

FROM_STDIN = """\
$ErrorActionPreference = 'Stop'
try { [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false } catch { }
$text = [string]($input | Out-String)
$script = [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($text))
$ErrorActionPreference = 'Continue'
& ([scriptblock]::Create($script))
"""
"""Reads base64, which is the same in every code page, and runs what it says."""

_RELAY = """\
$p = New-Object IO.Pipes.NamedPipeClientStream '.', '{pipe}', 'InOut', 'Asynchronous'
try {{ $p.Connect(3000) }} catch [TimeoutException] {{
  [Console]::Error.Write('the pipe {pipe} did not answer within 3 seconds'); exit 2 }}
$i = [Console]::OpenStandardInput(); $o = [Console]::OpenStandardOutput()
$up = $i.CopyToAsync($p)
$b = New-Object byte[] 65536
while (($n = $p.Read($b, 0, $b.Length)) -gt 0) {{ $o.Write($b, 0, $n); $o.Flush() }}
"""
"""Joins a named pipe with stdin and stdout, where no docker.exe does it. It cannot end one direction alone."""


def command(script: str, program: str = PROGRAM) -> list[str]:
    """The command line of a script of ours; nothing in it needs quotes in any shell."""
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    if program == PWSH:  # PowerShell 7 of a Linux, where policies mean nothing
        return [program, "-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-EncodedCommand", encoded]
    return [program, "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-OutputFormat", "Text",
            "-EncodedCommand", encoded]


def stdin(text: str) -> bytes:
    """What :func:`command` wants on its standard input, for this script."""
    return base64.encodebytes(text.encode("utf-8"))


def relay(pipe: str = "docker_engine") -> list[str]:
    """The command line of a relay to a named pipe."""
    return command(_RELAY.format(pipe=pipe))


def quoted(text: str) -> str:
    """The text as a literal of PowerShell. All five of its single quotes end a literal, so each is doubled."""
    return "'" + "".join(char * 2 if char in "'\u2018\u2019\u201a\u201b" else char for char in text) + "'"
