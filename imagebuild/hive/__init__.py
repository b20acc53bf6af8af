# SPDX-License-Identifier: Apache-2.0
"""Registry hives: a tree of keys to the bytes of a regf file, and single values looked up in one.

What a layer builder needs and no more: :func:`make_hive` for the five hives of a base layer, :func:`value_of` and
:func:`machine_environment` for what a base's registry says about its environment.
"""

from __future__ import annotations

from .lookup import read_tree, value_of
from .machine import machine_environment
from .tree import (
    REG_BINARY,
    REG_DWORD,
    REG_EXPAND_SZ,
    REG_MULTI_SZ,
    REG_NONE,
    REG_QWORD,
    REG_SZ,
    Key,
    Value,
)
from .write import DEFAULT_SECURITY, make_hive

__all__ = [
    "DEFAULT_SECURITY",
    "REG_BINARY",
    "REG_DWORD",
    "REG_EXPAND_SZ",
    "REG_MULTI_SZ",
    "REG_NONE",
    "REG_QWORD",
    "REG_SZ",
    "Key",
    "Value",
    "machine_environment",
    "make_hive",
    "read_tree",
    "value_of",
]
