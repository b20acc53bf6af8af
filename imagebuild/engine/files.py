# SPDX-License-Identifier: Apache-2.0
"""Small documents on disk that are whole or not there: written beside, brought to the disk, renamed into place."""

from __future__ import annotations

import json
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..dockerapi import faults
from ..errors import StoreError

_DRAFT = re.compile(r"\..+\.json\.[0-9a-f]{8}")


def write_document(path: Path, document: Any, *, sync: bool = True) -> None:
    """Put a JSON document in a file's place, atomically. StoreError when the disk is full or the folder gone. Without
    ``sync`` the one before may be there again after a power cut; it costs those who wait some milliseconds less."""
    data = json.dumps(document).encode()  # dump() and an indent are Python's own, six times as slow
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(draft, "xb", opener=_private) as stream:
            stream.write(data)
            if sync:
                stream.flush()
                os.fsync(stream.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise StoreError(f"cannot write {path}", why=error.strerror or str(error)) from error


def sweep(*folders: Path) -> None:
    """Remove the drafts of documents that an engine which was killed left in its folders. For one that starts."""
    for folder in folders:
        for draft in folder.glob(".*"):
            if _DRAFT.fullmatch(draft.name):
                draft.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    """Open a new file that only its owner reads: records hold variables, and those hold passwords."""
    return os.open(path, flags, 0o600)


def read_document(path: Path) -> Any:
    """The document in a file; ``None`` when there is none, or it is no JSON (an engine of another version wrote it)."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def full(error: StoreError) -> faults.Fault:
    """How the engine says that its disk failed."""
    return faults.Internal(str(error))
