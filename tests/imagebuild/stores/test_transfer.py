# SPDX-License-Identifier: Apache-2.0
"""Small verbs over any store."""

from __future__ import annotations

import io
from typing import BinaryIO

import pytest

from imagebuild.errors import IntegrityError
from imagebuild.oci import Descriptor
from imagebuild.stores import MemoryStore, copy_blob, put_bytes
from imagebuild.stores.verify import verified


def test_bytes_are_put_once() -> None:
    store = MemoryStore()
    assert put_bytes(store, b"data", "x") == put_bytes(store, b"data", "x")
    assert len(store.blobs) == 1


def test_progress_counts_to_the_size() -> None:
    source, target = MemoryStore(), MemoryStore()
    blob = put_bytes(source, bytes(3 << 20), "x")
    seen: list[int] = []
    assert copy_blob(source, target, blob, progress=seen.append) == "copied"
    assert seen == sorted(set(seen)) and len(seen) > 1
    assert seen[-1] == 3 << 20


def test_a_blob_that_is_there_is_not_read() -> None:
    target = MemoryStore()
    blob = put_bytes(target, b"data", "x")
    assert copy_blob(MemoryStore(), target, blob) == "present"


def test_a_source_that_lies_leaves_nothing() -> None:
    class Liar(MemoryStore):
        def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
            return verified(io.BytesIO(b"atad"), descriptor)

    target = MemoryStore()
    with pytest.raises(IntegrityError):
        copy_blob(Liar(), target, put_bytes(MemoryStore(), b"data", "x"))
    assert target.blobs == {}
