# SPDX-License-Identifier: Apache-2.0
r"""The command lines that OpenSSH for Windows makes of what a client asks.

``HKLM\SOFTWARE\OpenSSH`` has the shell: ``DefaultShell``, and ``DefaultShellCommandOption``, which is ``-c`` for any
but cmd (Win32-OpenSSH, ``contrib/win32/win32compat/shell-host.c`` and ``misc.c``: ``get_default_shell``,
``build_exec_command``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CMD = r"C:\windows\system32\cmd.exe"
QUERY = r"reg.exe query HKLM\SOFTWARE\OpenSSH"
SFTP = r"C:\Program Files\OpenSSH\sftp-server.exe"
SUBSYSTEMS = {"powershell": "powershell.exe -sshs -NoLogo", "sftp": f'"{SFTP}"'}
"""Subsystems with their command lines: that of remoting as PowerShell's documentation has it."""
_VALUE = re.compile(r"^ {4}(\w{1,64}) {4}REG_\w{1,32} {4}(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shell:
    """The shell of a host: its path, what precedes a command, and whether quotes in a command are escaped."""

    path: str = CMD
    option: str = "/c"
    escapes: bool = False

    @classmethod
    def parse(cls, text: str) -> Shell:
        """Return the shell that ``reg query`` told of; cmd when it told of none."""
        values = {name.lower(): value.strip() for name, value in _VALUE.findall(text.replace("\r\n", "\n"))}
        path = values.get("defaultshell", "")
        if not path:
            return cls()
        cmd = path.lower().endswith("cmd.exe")
        escapes = values.get("defaultshellescapearguments", "0x1" if not cmd else "0x0") not in ("0x0", "0")
        return cls(path, values.get("defaultshellcommandoption") or ("/c" if cmd else "-c"), escapes)

    @property
    def interactive(self) -> str:
        """The command line of a session without a command."""
        return f'"{self.path}"'

    def line(self, command: str) -> str:
        """Return the command line of a session with a command."""
        words = escaped(command) if self.escapes else command
        return f'"{self.path}" {self.option} "{words}"'


def escaped(command: str) -> str:
    r"""Return a text as the inside of a quoted argument: ``\"`` for a quote, the backslashes before it doubled."""
    parts = (part + "\\" * (len(part) - len(part.rstrip("\\"))) for part in command.split('"'))
    return '\\"'.join(parts)
