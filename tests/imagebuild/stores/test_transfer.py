# SPDX-License-Identifier: Apache-2.0
"""Small verbs over any store."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import pytest
from support.registry_double import RegistryDouble, answer

from imagebuild.errors import IntegrityError
from imagebuild.oci import Descriptor, Digest, Location
from imagebuild.stores import LayoutStore, MemoryStore, NoCredentials, RegistryClient, copy_blob, put_bytes
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


def test_a_layer_that_is_only_promised_is_mounted_where_its_origin_is_the_same_registry(tmp_path: Path) -> None:
    with RegistryDouble() as double, RegistryClient(credentials=NoCredentials()) as client:
        double.separate = True
        blob = Descriptor("x", Digest(double.put_blob(b"of the base", "team/base")), 11)
        store = LayoutStore(tmp_path / "layout", create=True)
        store.remember_origin(blob.digest, Location.parse(f"docker://{double.host}/elsewhere:1"))
        store.remember_origin(blob.digest, Location.parse(f"docker://{double.host}/team/base@{Digest.of(b'image')}"))
        target = client.repository(f"{double.host}/app")
        assert not target.has_blob(blob)
        assert copy_blob(store, target, blob) == "mounted"
        assert target.has_blob(blob)
        assert copy_blob(store, target, blob) == "present"
    assert not any(line.startswith(("GET", "PATCH", "PUT")) for line in double.lines())
    assert double.uploads == {}


def test_a_layer_that_is_only_promised_by_another_registry_is_read_from_there(tmp_path: Path) -> None:
    with RegistryDouble() as double, RegistryDouble() as other, RegistryClient(credentials=NoCredentials()) as client:
        blob = Descriptor("x", Digest(other.put_blob(b"of the base")), 11)
        store = LayoutStore(tmp_path / "layout", create=True,
                            opener=lambda location: client.repository(location.reference or ""))
        store.remember_origin(blob.digest, Location.parse(f"docker://{other.host}/app:1"))
        assert copy_blob(store, client.repository(f"{double.host}/app"), blob) == "copied"
        assert double.blobs[blob.digest] == b"of the base"
        assert not store.has_blob(blob)


def test_a_registry_that_does_not_let_us_mount_gets_the_bytes(tmp_path: Path) -> None:
    with RegistryDouble() as double, RegistryClient(credentials=NoCredentials()) as client:
        double.separate = True
        source = client.repository(f"{double.host}/team/base")
        blob = Descriptor("x", Digest(double.put_blob(b"of the base", "team/base")), 11)
        double.next("POST", "mount=", answer(403))
        assert copy_blob(source, client.repository(f"{double.host}/app"), blob) == "copied"
