# SPDX-License-Identifier: Apache-2.0
"""Small verbs over any store: put bytes, copy one blob."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

from ..errors import IntegrityError, RegistryError, StoreError
from ..oci import Descriptor, describe
from .pieces import pieces
from .port import Progress, Store

_BEGINNINGS = 3
_T = TypeVar("_T")

Way = Literal["present", "mounted", "copied"]


def put_bytes(store: Store, data: bytes, media_type: str) -> Descriptor:
    """Keep bytes at hand (a config, say) as a blob."""
    descriptor = describe(data, media_type)

    def put() -> None:
        with store.new_blob() as blob:
            blob.write(data)
            blob.commit(descriptor.digest, len(data))

    if not store.has_blob(descriptor):
        _begin(put, None, descriptor)
    return descriptor


def copy_blob(source: Store, target: Store, descriptor: Descriptor, *, progress: Progress | None = None) -> Way:
    """Copy one blob, verified on the way; bytes are moved only when they must be. ``progress`` hears the bytes done.

    A blob the target has is left alone; one in another repository of the same registry is mounted. It is copied from
    its first byte again when the target has lost what it had, or the source gave something else and knows another
    place to ask (a mirror and its registry).
    """
    if target.has_blob(descriptor):
        return "present"
    mount = getattr(target, "mount_from", None)
    if mount is not None and mount(source, descriptor):
        return "mounted"
    take = getattr(target, "take_blob", None)
    if take is not None:
        _begin(lambda: take(source, descriptor, progress or _unheard), source, descriptor)
    else:
        _begin(lambda: copy_bytes(source, target, descriptor, progress or _unheard), source, descriptor)
    return "copied"


def _unheard(done: int) -> None:
    """Nobody listens."""


def _begin(work: Callable[[], _T], source: Store | None, descriptor: Descriptor) -> _T:
    """Do the work, and once or twice more where that may help."""
    for left in range(_BEGINNINGS - 1, -1, -1):
        try:
            return work()
        except RegistryError as error:
            if not left or not getattr(error, "lost", False):
                raise
        except IntegrityError:
            distrust = getattr(source, "distrust", None)
            if not left or distrust is None or not distrust(descriptor):
                raise
    raise AssertionError("unreachable")


def copy_bytes(source: Store, target: Store, descriptor: Descriptor, progress: Progress) -> None:
    """Read a blob from one store and write it to the other, once."""
    done = 0
    with source.open_blob(descriptor) as stream, target.new_blob() as blob:
        for piece in pieces(stream):
            blob.write(piece)
            done += len(piece)
            progress(done)
        if done != descriptor.size:
            raise StoreError(f"blob {descriptor.digest} ended early", why=f"{done} bytes of {descriptor.size}")
        blob.commit(descriptor.digest, descriptor.size)
