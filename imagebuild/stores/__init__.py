# SPDX-License-Identifier: Apache-2.0
"""Images in and out: folders, archives, registries, the docker daemon, memory.

Each adapter keeps the contract of :class:`Store`; :class:`MemoryStore` is the fake.
"""

from __future__ import annotations

from .archive import ArchiveStore
from .client import RegistryClient
from .credentials import Credentials, DockerConfig, FixedCredentials, Login, NoCredentials
from .daemon import DaemonStore
from .directory import DirectoryStore
from .endpoint import Retries
from .layout import LayoutStore, Opener
from .local import local_path, local_store
from .login import login, logout
from .memory import MemoryStore
from .mirrors import Mirrors
from .port import BlobWriter, Progress, Store
from .redact import redact
from .registry import RegistryStore
from .transfer import copy_blob, put_bytes
from .transport import Timeouts, Tls

__all__ = [
    "ArchiveStore", "BlobWriter", "Credentials", "DaemonStore", "DirectoryStore", "DockerConfig", "FixedCredentials",
    "LayoutStore", "Login", "MemoryStore", "Mirrors", "NoCredentials", "Opener", "Progress", "RegistryClient",
    "RegistryStore", "Retries", "Store", "Timeouts", "Tls", "copy_blob", "local_path", "local_store", "login", "logout",
    "put_bytes", "redact",
]
