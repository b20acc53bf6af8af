# SPDX-License-Identifier: Apache-2.0
"""Images in and out: folders, archives, registries, the docker daemon, memory.

Each adapter keeps the contract of :class:`Store`; :class:`MemoryStore` is the fake.
"""

from __future__ import annotations

from .layout import LayoutStore
from .local import local_path, local_store
from .memory import MemoryStore
from .port import BlobWriter, Progress, Store
from .transfer import copy_blob, put_bytes

__all__ = [
    "BlobWriter", "LayoutStore", "MemoryStore", "Progress", "Store", "copy_blob", "local_path", "local_store",
    "put_bytes",
]
