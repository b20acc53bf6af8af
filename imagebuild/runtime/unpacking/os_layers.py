# SPDX-License-Identifier: Apache-2.0
"""Which layers of an image are Windows itself, and what of them a program on this machine gets to see.

Wine stands in for them, so their programs are not run and their ``Windows`` folder is not unpacked. What remains is
what makes ``dir C:\\`` look right and what an image that was squashed into one layer has of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...layer import Entry, Index, Kind
from ...windows.upcase import fold

MARKS = ("Files/Windows/System32/ntdll.dll", "Files/Windows/System32/kernel32.dll",
         "Files/Windows/System32/config/SYSTEM", "Files/Windows/System32/config/SOFTWARE")
"""A layer with one of these as a file is an OS layer. Every base has the hives (hcsshim makes them deltas in all layers
above, in ``Hives``), stand-ins and bases from scratch too; an update of Microsoft's has the DLLs anew."""

POWERSHELL = "Files/Windows/System32/WindowsPowerShell/v1.0/powershell.exe"
"""Where Windows PowerShell is, in a Windows that has it; nanoserver has none."""

WINDOWS = "FILES/WINDOWS"
PROGRAMS = ("FILES/PROGRAM FILES", "FILES/PROGRAM FILES (X86)")
OF_WINDOWS = frozenset({
    "COMMON FILES", "INTERNET EXPLORER", "MODIFIABLEWINDOWSAPPS", "MSBUILD", "REFERENCE ASSEMBLIES",
    "WINDOWS DEFENDER", "WINDOWS DEFENDER ADVANCED THREAT PROTECTION", "WINDOWS MAIL", "WINDOWS MEDIA PLAYER",
    "WINDOWS MULTIMEDIA PLATFORM", "WINDOWS NT", "WINDOWS PHOTO VIEWER", "WINDOWS PORTABLE DEVICES", "WINDOWS SECURITY",
    "WINDOWS SIDEBAR", "WINDOWSAPPS", "WINDOWSPOWERSHELL"})
"""Folders of ``Program Files`` that come with Windows [from memory, not read off a base]: of these only the folders
themselves are shown, or programs would believe to be there what cannot run."""


def os_layers(indexes: Sequence[Index]) -> int:
    """How many of the lowest layers of an image are Windows: up to the last in a row that has a mark of it."""
    count = 0
    for index in indexes:
        if not any(_is_file(index, path) for path in MARKS):
            break
        count += 1
    return count


def os_layers_have(indexes: Sequence[Index], path: str) -> bool:
    """Whether one of the layers of Windows has a file."""
    return any(_is_file(index, path) for index in indexes)


def shows(entry: Entry) -> bool:
    """Whether an entry of an OS layer is unpacked.

    Below ``Windows`` nothing is; elsewhere every folder and link, and the files but those of the programs that belong
    to Windows. Whiteouts (of an update) count outside ``Windows``.
    """
    path = fold(entry.path)
    if path == WINDOWS or path.startswith(WINDOWS + "/"):
        return False
    for folder in PROGRAMS:
        if path.startswith(folder + "/"):
            below = path[len(folder) + 1:].split("/")
            return below[0] not in OF_WINDOWS or (entry.kind is Kind.DIRECTORY and len(below) == 1)
    return True


def needs_content(index: Index) -> bool:
    """Whether the blob of an OS layer has to be read for what is shown of it; if not, its index is enough."""
    return any(entry.kind is Kind.FILE and entry.path.partition("/")[2] and shows(entry)
               for entry in _outside_windows(index))


def shown(index: Index) -> list[tuple[Entry, None]]:
    """What is shown of an OS layer that needs no content, for :func:`~imagebuild.runtime.unpacking.unpack.unpack`."""
    return [(entry, None) for entry in _outside_windows(index) if shows(entry)]


def _outside_windows(index: Index) -> list[Entry]:
    """Entries below ``Files``, the thousands of ``Windows`` not even asked for."""
    out, stack = [], ["Files"]
    while stack:
        for entry in index.children(stack.pop()):
            if fold(entry.path) == WINDOWS:
                continue
            out.append(entry)
            if entry.kind is Kind.DIRECTORY:
                stack.append(entry.path)
    return out


def _is_file(index: Index, path: str) -> bool:
    entry = index.get(path)
    return entry is not None and entry.kind in (Kind.FILE, Kind.HARD_LINK)
