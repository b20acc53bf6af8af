# SPDX-License-Identifier: Apache-2.0
r"""Edits of a registry, one at a time: what a ``.reg`` file holds, and what a change to an image is made of.

Paths are names between backslashes. Where a whole registry is meant they begin with ``HKEY_LOCAL_MACHINE`` or another
root; for a single hive they are below its root key. Names are compared as Windows compares them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..tree import Value


@dataclass(frozen=True, slots=True)
class AddKey:
    """There is such a key, and there are all above it; nothing changes where it exists."""

    path: str


@dataclass(frozen=True, slots=True)
class DeleteKey:
    """The key is gone, with everything below it; nothing changes where it does not exist."""

    path: str


@dataclass(frozen=True, slots=True)
class SetValue:
    """The key, which is made where it does not exist, has this value."""

    path: str
    value: Value


@dataclass(frozen=True, slots=True)
class DeleteValue:
    """The key has no value of this name (empty: the default value); the key itself is not made."""

    path: str
    name: str


Edit = AddKey | DeleteKey | SetValue | DeleteValue


def moved(edit: Edit, path: str) -> Edit:
    """The same edit of the key at another path."""
    return replace(edit, path=path)
