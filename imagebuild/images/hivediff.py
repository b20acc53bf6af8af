# SPDX-License-Identifier: Apache-2.0
"""Registry hives of two images: which differ.

This is the place where a comparison of keys and values belongs: :func:`hive_changes` has both sides' hives at hand,
base and deltas, and says of each only *that* it changed. Hives that a base keeps as plain files
(``C:\\Windows\\System32\\config``) are compared as files and marked with :func:`is_hive`.
"""

from __future__ import annotations

from ..layer import Index, Kind
from ..windows.upcase import fold
from .difference import HiveChange

FOLDER = "Hives"
_CONFIG = fold("Windows/System32/config/")
_NAMES = frozenset(map(fold, ("SOFTWARE", "SYSTEM", "SAM", "SECURITY", "DEFAULT", "COMPONENTS", "DRIVERS", "BBI",
                              "ELAM", "BCD-Template")))
_USER = frozenset(map(fold, ("NTUSER.DAT", "UsrClass.dat")))


def hive_changes(before: tuple[Index, ...], after: tuple[Index, ...]) -> tuple[HiveChange, ...]:
    """Hives whose base or deltas differ, by name: ``Software_Base`` and each ``Software_Delta`` are one hive.

    Each side is given by the indexes of its layers, lowest first, without those that both share at the bottom.
    """
    old, new = _hives(before), _hives(after)
    nothing: tuple[str, tuple[str, ...]] = ("", ())
    out = []
    for key in sorted({*old, *new}):
        (old_name, below), (new_name, above) = old.get(key, nothing), new.get(key, nothing)
        if below != above:
            out.append(HiveChange(new_name or old_name, below, above))
    return tuple(out)


def is_hive(path: str) -> bool:
    """Whether a file (a layer path below ``Files``, without it) is a registry hive by its place and name."""
    key = fold(path.replace("\\", "/"))
    name = key.rpartition("/")[2]
    return name in _USER or (key.startswith(_CONFIG) and name in _NAMES)


def _hives(indexes: tuple[Index, ...]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Compared name -> (name as written, digests of base and deltas, lowest first)."""
    out: dict[str, tuple[str, tuple[str, ...]]] = {}
    for index in indexes:
        for entry in index.children(FOLDER):
            if entry.kind is not Kind.FILE:
                continue
            written = entry.path.rpartition("/")[2]
            name = written.partition("_")[0] if fold(written).endswith(("_BASE", "_DELTA")) else written
            shown, digests = out.get(fold(name), (name, ()))
            out[fold(name)] = (shown, (*digests, _digest(index, entry.path, entry.size)))
    return out


def _digest(index: Index, path: str, size: int) -> str:
    import hashlib

    content = index.kept(path)
    return f"sha256:{hashlib.sha256(content).hexdigest()}" if content is not None else f"{size} bytes"


__all__ = ["hive_changes", "is_hive"]
