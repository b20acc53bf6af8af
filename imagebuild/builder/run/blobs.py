# SPDX-License-Identifier: Apache-2.0
"""Several stores read as one: a stage's own layers are local, its base's are where the base is."""

from __future__ import annotations

from typing import BinaryIO, Protocol

from ...oci import Descriptor
from ...stores import Store


class Blobs(Protocol):
    """Where documents and layers are read from: the part of a :class:`~...stores.Store` that reads by descriptor."""

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See :class:`~...stores.Store`."""

    def has_blob(self, descriptor: Descriptor) -> bool:
        """See :class:`~...stores.Store`."""

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        """See :class:`~...stores.Store`."""


class Stacked:
    """Reads from the first of several stores that has what is asked for; documents are in the first."""

    def __init__(self, stores: tuple[Store, ...]) -> None:
        self._stores = stores

    def manifest(self, descriptor: Descriptor) -> bytes:
        """A document of this machine."""
        return self._stores[0].manifest(descriptor)

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether any store has it."""
        return any(store.has_blob(descriptor) for store in self._stores)

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        """From the first store that has it."""
        for store in self._stores:
            if store.has_blob(descriptor):
                return store.open_blob(descriptor, offset=offset)
        return self._stores[0].open_blob(descriptor, offset=offset)
