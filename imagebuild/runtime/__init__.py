# SPDX-License-Identifier: Apache-2.0
"""Runs Windows programs on this machine: Wine in a bubblewrap sandbox, over the folders and registry of an image.

The port and its fake load on every system, the adapter for Wine on Linux.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ..errors import ToolError
from .memory import MemorySandbox
from .port import (
    KILLED,
    STOPPED,
    Box,
    BoxSpec,
    Command,
    Limits,
    Mount,
    MountedDrive,
    Namespace,
    OpenFolder,
    Process,
    ProcessRow,
    Progress,
    Sandbox,
    SandboxFacts,
    Stdio,
)

if TYPE_CHECKING:
    from .wine.sandbox import WineSandbox

__all__ = [
    "KILLED", "STOPPED", "Box", "BoxSpec", "Command", "Limits", "MemorySandbox", "Mount", "MountedDrive", "Namespace",
    "OpenFolder", "Process", "ProcessRow", "Progress", "Sandbox", "SandboxFacts", "Stdio", "WineSandbox",
]


def __getattr__(name: str) -> object:
    """Load Wine's adapter when it is asked for: the port and its fake load on every system."""
    if name != "WineSandbox":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if sys.platform != "linux":
        raise ToolError("Windows programs are run on Linux only", program="wine",
                        why="the sandbox is made of Linux's namespaces",
                        hint="use MemorySandbox in tests, and a Linux machine for the rest")
    from .wine.sandbox import WineSandbox

    return WineSandbox
