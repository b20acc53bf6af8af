# SPDX-License-Identifier: Apache-2.0
"""The script that collects the facts of a Windows, and what it prints.

``collector.ps1`` is for Windows PowerShell 5.1, which every supported Windows has, and later ones. It reads CIM and the
registry, matches no words of any language, changes nothing, and prints no secrets.
"""

from __future__ import annotations

from pathlib import Path

from ..windows import machine_json
from ..windows.facts.machine import MachineFacts


def collector_script() -> str:
    """The text of the script, to be carried to a Windows host."""
    return Path(__file__).with_name("collector.ps1").read_text(encoding="ascii")


def collected(text: str | bytes) -> MachineFacts:
    """The facts that the script printed: bytes may be UTF-8 or, as PowerShell's ``>`` writes, UTF-16 with a byte order
    mark. Fields that are not known here are named in ``notes``. FormatError names the field that is wrong."""
    from dataclasses import replace

    reading = machine_json.read(text)
    return replace(reading.facts, notes=reading.facts.notes + reading.notes) if reading.notes else reading.facts
