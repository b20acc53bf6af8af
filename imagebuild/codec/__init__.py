# SPDX-License-Identifier: Apache-2.0
"""gzip and zstd both ways on threads, with digests, and bounded readers.

Writing: :class:`BlockWriter` takes tar bytes and gives a :class:`Sealed`. Reading: :func:`open_reader` finds out what
a blob is compressed with; :class:`VerifyingReader` and :class:`LimitedReader` hold it to what was promised,
:class:`ReadAhead` does it on a thread.
"""

from .ahead import ReadAhead
from .blocks import BlockWriter, Sealed, Sink
from .compression import BLOCK_SIZE, Compression
from .engines import has_isal
from .readers import LimitedReader, VerifyingReader, open_reader
from .splice import Tail

__all__ = [
    "BLOCK_SIZE",
    "BlockWriter",
    "Compression",
    "LimitedReader",
    "ReadAhead",
    "Sealed",
    "Sink",
    "Tail",
    "VerifyingReader",
    "has_isal",
    "open_reader",
]
