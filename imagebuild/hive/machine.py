# SPDX-License-Identifier: Apache-2.0
"""The environment that a Windows image's registry gives every process, without a process to ask."""

from __future__ import annotations

import re

from ..windows.upcase import fold
from .tree import REG_EXPAND_SZ, REG_SZ, KeyLike, find, split

ENVIRONMENT = r"CurrentControlSet\Control\Session Manager\Environment"
CURRENT_VERSION = r"Microsoft\Windows NT\CurrentVersion"


def resolve_control_set(system: KeyLike, path: str) -> str:
    """A path below ``HKLM\\SYSTEM`` as it is on disk: ``CurrentControlSet``, which only a running Windows has, is the
    set that the value ``Current`` of the key ``Select`` names. Without such a value it is ``ControlSet001``."""
    first, *rest = split(path) or [""]
    if fold(first) != "CURRENTCONTROLSET":
        return path
    select = find(system, "Select")
    current = select.values.get("Current") if select is not None else None
    number = current.number() if current is not None and 0 < len(current.data) <= 4 else 1
    return "\\".join((f"ControlSet{number:03}", *rest))


def machine_environment(system: KeyLike, software: KeyLike | None = None) -> dict[str, str]:
    r"""The machine's variables (``Path``, ``PATHEXT``, ``TEMP`` …) as a process sees them, names in their own casing.

    Read from ``CurrentControlSet\Control\Session Manager\Environment`` below ``system``, the root key of
    ``HKLM\SYSTEM``. ``SystemRoot`` and ``SystemDrive``, which Windows adds itself, come from ``software`` (the root of
    ``HKLM\SOFTWARE``: ``CurrentVersion\SystemRoot``), else are ``C:\Windows`` and ``C:``; ``ProgramFiles`` and its like
    are the usual folders of that drive. As Windows does, plain values are set first, then those of type REG_EXPAND_SZ
    are expanded; a ``%NAME%`` that nothing defines stays as it is. Empty when the hive has no such key.
    """
    key = find(system, resolve_control_set(system, ENVIRONMENT))
    if key is None:
        return {}
    version = find(software, CURRENT_VERSION) if software is not None else None
    placed = version.values.get("SystemRoot") if version is not None else None
    root = (placed.text() if placed is not None else "") or r"C:\Windows"
    values = [value for value in key.values if value.name and value.type in (REG_SZ, REG_EXPAND_SZ)]
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
