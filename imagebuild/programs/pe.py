# SPDX-License-Identifier: Apache-2.0
"""What the head and the version resource of a Windows program say: its processor and its version.

Source: Microsoft, "PE Format" (the signature lies at the offset that stands at 0x3c, then comes the machine), and
VS_VERSIONINFO, whose strings are UTF-16 pairs of a name and a value, each padded to four bytes.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import FormatError

MACHINES = {0x8664: "x64", 0x14C: "x86 (32-bit)", 0xAA64: "arm64", 0x1C4: "arm"}
"""IMAGE_FILE_HEADER.Machine to the name that release archives use."""

_LARGEST = 256 << 20
_LONGEST_VERSION = 200


def machine(path: Path) -> str:
    """Return the processor that a program was made for, as :data:`MACHINES` names it (else ``0x…``).

    Raises FormatError for a file that is not a Windows program, OSError for one that cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(0x40)
        if len(head) == 0x40 and head[:2] == b"MZ":
            file.seek(int.from_bytes(head[0x3C:], "little"))
            mark = file.read(6)
            if mark[:4] == b"PE\0\0" and len(mark) == 6:
                found = int.from_bytes(mark[4:], "little")
                return MACHINES.get(found, f"{found:#06x}")
    raise FormatError(f"{path.name} is not a program of Windows", why="it has no PE header", source=path.name)


def product_version(path: Path) -> str:
    """Return the ``ProductVersion`` of a program's version resource; empty where it has none. Raises OSError."""
    if path.stat().st_size > _LARGEST:
        return ""
    data = path.read_bytes()
    key = "ProductVersion\0".encode("utf-16-le")
    at = data.rfind(key)
    if at < 0:
        return ""
    start = at + len(key)
    start += -start % 2
    text = data[start:start + 2 * _LONGEST_VERSION + 4].decode("utf-16-le", "replace")
    return text.lstrip("\0").partition("\0")[0].strip()
