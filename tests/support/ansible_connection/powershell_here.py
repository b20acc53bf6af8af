# SPDX-License-Identifier: Apache-2.0
"""A connection of a user's own making: PowerShell 7 of this machine, for modules whose named pipe is a socket here."""

from __future__ import annotations

DOCUMENTATION = r"""
name: powershell_here
author: The wcow authors (@wcow)
short_description: Run modules of PowerShell on this machine
description: Runs modules by the program that the variable of the environment WCOW_TEST_PWSH names.
options: {}
"""

import os
import subprocess
from typing import Any

from ansible.plugins.connection import ConnectionBase


class Connection(ConnectionBase):  # type: ignore[misc]
    """Runs what Ansible's shell plugin makes of a module."""

    transport = "powershell_here"
    module_implementation_preferences = (".ps1", "")
    allow_executable = False
    has_pipelining = True
    always_pipeline_modules = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._shell_type = "powershell"
        super().__init__(*args, **kwargs)

    def _connect(self) -> Connection:
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command of PowerShell."""
        words = str(cmd).split()[1:]
        at = words.index("-ExecutionPolicy")  # PowerShell has none outside of Windows
        done = subprocess.run([os.environ["WCOW_TEST_PWSH"], *words[:at], *words[at + 2:]], input=in_data or b"",
                              capture_output=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        """Modules are handed over by their input."""
        raise NotImplementedError

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Modules are handed over by their input."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""
