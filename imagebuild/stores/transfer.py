# SPDX-License-Identifier: Apache-2.0
"""Small verbs over any store: put bytes, copy one blob."""

from __future__ import annotations

from typing import Literal

from ..errors import StoreError
from ..oci import Descriptor, describe
from .port import Progress, Store

_CHUNK = 1 << 20

Way = Literal["present", "mounted", "copied"]


def put_bytes(store: Store, data: bytes, media_type: str) -> Descriptor:
    """Keep bytes at hand (a config, say) as a blob."""
    descriptor = describe(data, media_type)
    if not store.has_blob(descriptor):
        with store.new_blob() as blob:
            blob.write(data)
            blob.commit(descriptor.digest, len(data))
    return descriptor


def copy_blob(source: Store, target: Store, descriptor: Descriptor, *, progress: Progress | None = None) -> Way:
    """Copy one blob, verified on the way; bytes are moved only when they must be. ``progress`` hears the bytes done.

    A blob the target has is left alone; one in another repository of the same registry is mounted.
    """
    if target.has_blob(descriptor):
        return "present"
    mount = getattr(target, "mount_from", None)
    if mount is not None and mount(source, descriptor):
        return "mounted"
    done = 0
    buffer = memoryview(bytearray(_CHUNK))
    with source.open_blob(descriptor) as stream, target.new_blob() as blob:
        while count := stream.readinto(buffer):  # type: ignore[attr-defined]
            blob.write(buffer[:count])
            done += count
            if progress is not None:
                progress(done)
        if done != descriptor.size:
            raise StoreError(f"blob {descriptor.digest} ended early", why=f"{done} bytes of {descriptor.size}")
        blob.commit(descriptor.digest, descriptor.size)
    return "copied"
