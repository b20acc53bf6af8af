# SPDX-License-Identifier: Apache-2.0
"""Is it an archive? ADD unpacks local tar archives and copies everything else; contents decide, never the name."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ...codec.packed import decompressed
from ...errors import WcowError
from ...layer.tarstream import TarStream


def is_archive(path: Path) -> bool:
    """Whether a file is a tar archive, plain or compressed with gzip, zstd, bzip2 or xz, with at least one entry."""
    try:
        with path.open("rb") as stream:
            return starts_archive(stream)
    except OSError:
        return False


def starts_archive(stream: BinaryIO) -> bool:
    """The same of a stream, which is read from."""
    with suppress(WcowError, EOFError, OSError):
        return TarStream(decompressed(stream, "-"), source="archive").next() is not None
    return False
