# SPDX-License-Identifier: Apache-2.0
"""The environment that a Windows image's registry gives every process, without a process to ask."""

from __future__ import annotations

import re
from mmap import mmap

from ..windows.upcase import fold
from .lookup import Hive
from .tree import REG_EXPAND_SZ, REG_SZ

ENVIRONMENT = r"CurrentControlSet\Control\Session Manager\Environment"
CURRENT_VERSION = r"Microsoft\Windows NT\CurrentVersion"


def machine_environment(system: bytes | mmap, software: bytes | mmap | None = None, *,
                        source: str = "SYSTEM") -> dict[str, str]:
    r"""The machine's variables (``Path``, ``PATHEXT``, ``TEMP`` …) as a process sees them, names in their own casing.

    Read from ``HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment``. ``SystemRoot`` and ``SystemDrive``,
    which Windows adds itself, come from ``software`` (the SOFTWARE hive's ``CurrentVersion\SystemRoot``), else are
    ``C:\Windows`` and ``C:``; ``ProgramFiles`` and its like are the usual folders of that drive. As Windows does, plain
    values are set first, then those of type REG_EXPAND_SZ are expanded; a ``%NAME%`` that nothing defines stays as it
    is. Empty when the hive has no such key.
    """
    hive = Hive(system, source)
    at = hive.find(ENVIRONMENT)
    if at is None:
        return {}
    root = r"C:\Windows"
    if software is not None:
        other = Hive(software, "SOFTWARE")
        place = other.find(CURRENT_VERSION)
        for value in other.values(place) if place is not None else ():
            if fold(value.name) == "SYSTEMROOT":
                root = value.text() or root
    values = [value for value in hive.values(at) if value.name and value.type in (REG_SZ, REG_EXPAND_SZ)]
    known = {"SYSTEMROOT": root, "SYSTEMDRIVE": root[:2], "PROGRAMFILES": root[:2] + r"\Program Files",
             "COMMONPROGRAMFILES": root[:2] + r"\Program Files\Common Files", "PROGRAMDATA": root[:2] + r"\ProgramData"}
    known |= {fold(value.name): value.text() for value in values if value.type == REG_SZ}
    out = {}
    for value in values:
        text = value.text()
        if value.type == REG_EXPAND_SZ:
            text = re.sub("%([^%]+)%", lambda found: known.get(fold(found[1]), found[0]), text)
            known.setdefault(fold(value.name), text)
        out[value.name] = text
    return out
