# SPDX-License-Identifier: Apache-2.0
"""Layers of Windows images: tar entries with NTFS metadata, written, read, indexed and laid over one another.

An :class:`Entry` is what one tar header says, a :class:`Batch` many files of one folder that differ in name and size
only. :class:`LayerWriter` writes entries as Windows imports them, :func:`order` sorts them first; :func:`read` gives
them back from any layer, :func:`read_file` gives one file. An :class:`Index` of a layer answers questions about it
without reading it again, a :class:`Union` of indexes shows what a container would see.
"""

from .batch import Batch
from .entry import Entry, Kind, Times
from .index import Index
from .order import order
from .reader import read, read_file
from .tarstream import Limits
from .union import Found, Union
from .writer import LayerWriter

__all__ = [
    "Batch",
    "Entry",
    "Found",
    "Index",
    "Kind",
    "LayerWriter",
    "Limits",
    "Times",
    "Union",
    "order",
    "read",
    "read_file",
]
