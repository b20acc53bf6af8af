# SPDX-License-Identifier: Apache-2.0
"""The content of one file of a layer that is read from front to back, at hand as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from mmap import ACCESS_READ, mmap
from tempfile import SpooledTemporaryFile

from ..codec.readers import Readable
from ..errors import InputError
from .hives import HEAD

MEMORY = 1 << 20
"""Content of at most this many bytes is kept in memory, longer one in a temporary file that has no name."""
SPOOL = 256 << 20
"""Of content that is longer than this, only the beginning is taken."""
_CHUNK = 1 << 18

Content = bytes | mmap


def spool(body: Readable, size: int) -> Content:
    """The ``size`` bytes of ``body``, or its first page when they are more than :data:`SPOOL`."""
    left = size if size <= SPOOL else HEAD
    with ExitStack() as stack:
        with _ours():
            file = stack.enter_context(SpooledTemporaryFile(MEMORY, prefix="wcow-"))
        while left and (data := body.read(min(left, _CHUNK))):  # what fails here is the layer's trouble
            with _ours():
                file.write(data)
            left -= len(data)
        with _ours():
            if file.tell() > MEMORY:
                file.flush()
                return mmap(file.fileno(), 0, access=ACCESS_READ)
            file.seek(0)
            return file.read()


@contextmanager
def _ours() -> Iterator[None]:
    """Say what it means when the temporary file is at fault."""
    try:
        yield
    except OSError as error:
        raise InputError("cannot keep a registry hive while it is examined", why=error.strerror or str(error),
                         hint="make room in the folder for temporary files, or set TMPDIR to another one") from error


__all__ = ["MEMORY", "SPOOL", "Content", "spool"]
