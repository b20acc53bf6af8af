# SPDX-License-Identifier: Apache-2.0
"""A hive without times that are later than a moment, so that the same work makes the same bytes."""

from __future__ import annotations

from ..reader import read
from ..tree import Key, KeyLike
from ..writer import write


def clamped(data: bytes, latest: int, *, source: str = "hive") -> bytes:
    """Return a hive or delta whose keys say that they were last written at ``latest`` (a FILETIME) at the latest.

    Where no key says later, the same bytes are returned. Raises InputError where ``data`` is not a clean hive.
    """
    hive = read(data, source=source)
    if not _has_later(hive.root, latest):
        return data
    return write(_clamped(hive.root, latest), name=hive.block.name, layered=hive.layered, timestamp=latest)


def _has_later(key: KeyLike, latest: int) -> bool:
    return (key.last_write or 0) > latest or any(_has_later(below, latest) for below in key.subkeys)


def _clamped(key: KeyLike, latest: int) -> Key:
    return Key(key.name, key.values, (_clamped(below, latest) for below in key.subkeys), key.security, key.class_name,
               min(key.last_write or 0, latest), key.flags, key.control, key.semantics, key.inherit_class)
