# SPDX-License-Identifier: Apache-2.0
r"""The registry: hives as files, deltas as layers have them, and what both come to together.

``read(data)[r"ControlSet001\Services"]`` looks into a hive, ``write(key)`` makes one.
"""

from __future__ import annotations

from .edits.change import Change, edited
from .edits.delta import delta
from .edits.edit import AddKey, DeleteKey, DeleteValue, Edit, SetValue
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
from .union import Union, merge
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
    "AddKey",
    "Change",
    "DeleteKey",
    "DeleteValue",
    "Edit",
    "Hive",
    "HiveKey",
    "Key",
    "KeyLike",
    "SetValue",
    "Union",
    "Value",
    "Values",
    "delta",
    "edited",
    "find",
    "freeze",
    "machine_environment",
    "merge",
    "read",
    "resolve_control_set",
    "walk",
    "write",
]
