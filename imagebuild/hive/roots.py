# SPDX-License-Identifier: Apache-2.0
r"""The names above all hives: ``HKEY_LOCAL_MACHINE`` and its like, and the short forms that people type.

``.reg`` files carry the long names; ``reg.exe`` and people say ``HKLM`` too. Source: the root keys that regedit
offers for export, and the abbreviations of ``reg query /?``.
"""

from __future__ import annotations

ROOTS = {
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKCU": "HKEY_CURRENT_USER",
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKU": "HKEY_USERS",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
"""Short name to long name."""

_LONG = {name: long for short, long in ROOTS.items() for name in (short, long)}


def long_path(path: str) -> str | None:
    r"""The same path under its root's long name in capitals: ``hklm\Software`` is ``HKEY_LOCAL_MACHINE\Software``.

    A backslash at the end and doubled ones, which do not count, are dropped. None where the path begins with no root.
    """
    root, slash, rest = path.partition("\\")
    long = _LONG.get(root) or _LONG.get(root.upper())
    if long is None:
        return None
    if "\\\\" in path or path[-1] == "\\":
        rest = "\\".join(part for part in rest.split("\\") if part)
        return f"{long}\\{rest}" if rest else long
    return f"{long}{slash}{rest}"
