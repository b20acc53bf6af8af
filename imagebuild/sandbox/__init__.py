# SPDX-License-Identifier: Apache-2.0
"""Runs Windows programs on this machine: Wine in a bubblewrap sandbox, over the folders and registry of an image."""

from __future__ import annotations

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
from .wine import WineSandbox

__all__ = [
    "KILLED", "STOPPED", "Box", "BoxSpec", "Command", "Limits", "MemorySandbox", "Mount", "MountedDrive", "Namespace",
    "OpenFolder", "Process", "ProcessRow", "Progress", "Sandbox", "SandboxFacts", "Stdio", "WineSandbox",
]
