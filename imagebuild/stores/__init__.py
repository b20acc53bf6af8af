# SPDX-License-Identifier: Apache-2.0
"""Images in and out: folders, archives, registries, the docker daemon, memory.

Each adapter keeps the contract of :class:`Store`; :class:`MemoryStore` is the fake.
"""

from __future__ import annotations

from .archive.archive import ArchiveStore
from .credentials import Credentials, DockerConfig, FixedCredentials, Login, NoCredentials
from .daemon.daemon import DaemonStore
from .layout.directory import DirectoryStore
from .layout.layout import LayoutStore, Opener
from .layout.local import local_path, local_store
from .memory import MemoryStore
from .port import BlobWriter, Progress, Store
from .redact import redact
from .registry.client import RegistryClient
from .registry.login import login, logout
from .registry.mirrors import Mirrors
from .registry.registry import RegistryStore
from .registry.wire.endpoint import Retries
from .registry.wire.transport import Timeouts, Tls
from .transfer import copy_blob, put_bytes

__all__ = [
    "ArchiveStore", "BlobWriter", "Credentials", "DaemonStore", "DirectoryStore", "DockerConfig", "FixedCredentials",
    "LayoutStore", "Login", "MemoryStore", "Mirrors", "NoCredentials", "Opener", "Progress", "RegistryClient",
    "RegistryStore", "Retries", "Store", "Timeouts", "Tls", "copy_blob", "local_path", "local_store", "login", "logout",
    "put_bytes", "redact",
]
