# SPDX-License-Identifier: Apache-2.0
"""What a client is told when a program cannot be started, and the exit code that its container or exec then has.

``docker run`` looks for Windows' sentence to end with 127 (docker CLI ``cli/command/container/run.go``); statuses and
codes are moby's (``daemon/errors.go``, ``translateContainerdStartErr``).
"""

from __future__ import annotations

from ...dockerapi import faults
from ...errors import ToolError

_SENTENCES = {2: "The system cannot find the file specified.", 3: "The system cannot find the path specified.",
              5: "Access is denied.", 267: "The directory name is invalid.",
              1326: "The user name or password is incorrect.", 193: "%1 is not a valid Win32 application.",
              216: "This version of %1 is not compatible with the version of Windows you're running."}
NOT_FOUND = 127
OTHER = 128
"""The exit codes: there is no such program; something else was wrong."""
NOT_INVOKED = 126
"""The exit code of an exec that did not start for any other reason (moby ``daemon/exec.go``)."""


def start_fault(error: BaseException, identifier: str, line: str) -> tuple[faults.Fault, int]:
    """The fault and the exit code. ``line`` is the command line, ``identifier`` the container's."""
    number = getattr(error, "code", 0) if isinstance(error, ToolError) else 0
    if number not in _SENTENCES:
        fault = faults.of_error(error)
        missing = isinstance(fault, faults.BadRequest) and _SENTENCES[2] in fault.message
        return fault, NOT_FOUND if missing else OTHER
    text = f"container {identifier} encountered an error during hcs::System::CreateProcess: {line[:1000]}: failure " \
           f"in a Windows system call: {_SENTENCES[number]} ({number:#x})"
    return (faults.BadRequest(text), NOT_FOUND) if number == 2 else (faults.Internal(text), OTHER)


def exec_fault(error: BaseException, identifier: str, line: str) -> tuple[faults.Fault, int]:
    """The same for an exec. moby 26.1 gives every exec that did not start 126, later ones keep the 127."""
    fault, code = start_fault(error, identifier, line)
    return fault, code if code == NOT_FOUND else NOT_INVOKED
