# SPDX-License-Identifier: Apache-2.0
r"""The registry: hives as files, deltas as layers have them, and what both come to together.

``read(data)[r"ControlSet001\Services"]`` looks into a hive, ``write(key)`` makes one.
"""

from __future__ import annotations

from .machine import machine_environment, resolve_control_set
from .reader import Hive, HiveKey, read
from .tree import (
    REG_BINARY,
    REG_DWORD,
    REG_EXPAND_SZ,
    REG_LINK,
    REG_MULTI_SZ,
    REG_NONE,
    REG_QWORD,
    REG_SZ,
    Key,
    KeyLike,
    Value,
    Values,
    find,
    freeze,
    walk,
)
from .writer import DEFAULT_SECURITY, write

__all__ = [
    "DEFAULT_SECURITY",
    "REG_BINARY",
    "REG_DWORD",
    "REG_EXPAND_SZ",
    "REG_LINK",
    "REG_MULTI_SZ",
    "REG_NONE",
    "REG_QWORD",
    "REG_SZ",
    "Hive",
    "HiveKey",
    "Key",
    "KeyLike",
    "Value",
    "Values",
    "find",
    "freeze",
    "machine_environment",
    "read",
    "resolve_control_set",
    "walk",
    "write",
]
