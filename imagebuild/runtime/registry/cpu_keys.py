# SPDX-License-Identifier: Apache-2.0
r"""What ``HKLM\HARDWARE\DESCRIPTION\System\CentralProcessor`` says of this machine's processors. A full boot of Wine
writes it; boxes do without one, and node's ``os.cpus()`` asks there."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from .windows_keys import Values

_KEY = r"Hardware\Description\System\CentralProcessor"
_CPUINFO = Path("/proc/cpuinfo")


@cache
def cpu_keys() -> dict[str, Values]:
    """A key for each processor, with its values, for ``system.reg``."""
    try:
        found = cpu_values(_CPUINFO.read_text("ascii", "replace"))
    except OSError:
        found = cpu_values("")
    return {rf"{_KEY}\{number}": found for number in range(os.cpu_count() or 1)}


def cpu_values(text: str) -> Values:
    """The values of a processor, by the first one in Linux' ``/proc/cpuinfo``."""
    lines = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    facts = {name.strip(): value.strip() for name, _unused, value in lines}
    kind = "Intel64" if "Intel" in facts.get("vendor_id", "") else "AMD64"
    speed = facts.get("cpu MHz", "").partition(".")[0]
    return {
        "Identifier": f"{kind} Family {facts.get('cpu family', '6')} Model {facts.get('model', '0')} "
                      f"Stepping {facts.get('stepping', '0')}",
        "ProcessorNameString": facts.get("model name", "Unknown processor"),
        "VendorIdentifier": facts.get("vendor_id", "GenuineIntel"),
        "~MHz": int(speed) if speed.isascii() and speed.isdigit() and len(speed) < 7 else 1000,
    }
