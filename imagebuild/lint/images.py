# SPDX-License-Identifier: Apache-2.0
"""A whole image: manifest and config first, then each layer in turn, each knowing what lies below it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator
from typing import BinaryIO, Protocol

from ..codec.readers import Readable, open_reader
from ..errors import FormatError, IntegrityError, NotFoundError, UsageError
from ..layer import Limits
from ..layer.tarstream import DEFAULT_LIMITS
from ..oci import Descriptor, Digest, Image, Index, media
from .checks.config import check_image, check_index, check_index_entry
from .checks.inside import Depth
from .checks.tree import Below
from .digests import HashedReader
from .layers import DAMAGED, breach, run
from .linter import LayerLinter
from .report import Report
from .rules.finding import IMPORTERS, Finding, Importer


class Blobs(Protocol):
    """What linting needs of a store."""

    def open_blob(self, descriptor: Descriptor, /) -> BinaryIO:
        """A stream of a blob."""


Begin = Callable[[int, Descriptor], None]
"""Called with number and descriptor before a layer is read."""


def image(image: Image, store: Blobs, *, entry: Descriptor | None = None, index: Index | None = None,
          only: Collection[int] | None = None, importers: Collection[Importer] = IMPORTERS,
          ignore: Collection[str] = (), limits: Limits = DEFAULT_LIMITS, begin: Begin | None = None,
          hives: Depth = "quick") -> Iterator[Finding]:
    """Everything that Windows would refuse or misread in an image, the image's own faults first, then layer by layer.

    ``entry`` is the descriptor by which an ``index`` named the image. ``only`` are the numbers of the layers to read, 0
    being the lowest; what they say about each other is then not asked. ``hives`` says how much of them is looked at.
    Each layer is streamed once, to the end of its blob, so that a store can verify that; its diff id is verified on
    the way. A layer that cannot be read is a finding; trouble of the store is raised.
    """
    numbers = range(len(image.layers))
    if missing := sorted(set(only or ()) - set(numbers)):
        raise UsageError(f"there is no layer {missing[0]}",
                         why=f"the image has {len(numbers)} layers, 0 being the lowest")
    report = Report(importers=importers, ignore=ignore, base=False)
    check_image(image, report)
    if entry is not None:
        check_index_entry(image, entry, report)
    if index is not None:
        check_index(index, report)
    yield from report.take()
    below: Below | None = Below() if only is None else None
    for number in numbers:
        if only is not None and number not in only:
            continue
        descriptor = image.layers[number]
        if begin is not None:
            begin(number, descriptor)
        diff_id = image.diff_ids[number] if number < len(image.diff_ids) else None
        linter = LayerLinter(base=number == 0, number=number, digest=str(descriptor.digest), importers=importers,
                             ignore=ignore, below=below, limits=limits, hives=hives)
        whole = yield from _layer(linter, store, descriptor, diff_id, limits)
        if below is not None:
            if whole:
                linter.lay_on(below)
            else:
                below.names, below.deltas = None, None
                below.hives.forget()


def _layer(linter: LayerLinter, store: Blobs, descriptor: Descriptor, diff_id: Digest | None,
           limits: Limits) -> Generator[Finding, None, bool]:
    """One layer; whether it could be read to its end is returned."""
    report, name = linter.report, f"layer {descriptor.digest.hex[:12]}"
    try:
        blob = store.open_blob(descriptor)
    except NotFoundError:
        if not media.is_foreign(descriptor.media_type):
            raise
        return False  # that it is kept elsewhere was said before
    with blob:
        head = blob.read(4)
        said, found = media.compression_of(descriptor.media_type), _compression(head)
        if said is not None and head and said != found:
            report("layer-compression", f"its type says {said}, its bytes {found}")
        try:
            with HashedReader(open_reader(_Rejoined(head, blob)), diff_id) as tar:
                yield from run(linter, tar, limits=limits, source=name)
                digest = tar.digest()
        except (FormatError, IntegrityError) as error:
            offset = error.offset if isinstance(error, FormatError) else None
            rule = breach(error) if isinstance(error, FormatError) else DAMAGED
            report(rule, f"it cannot be read: {error}", "", offset)
            yield from report.take()
            return False
    if digest != diff_id and diff_id is not None:
        report("diff-id-mismatch", f"its tar is {digest}, the config says {diff_id}")
    yield from report.take()
    return True


def _compression(head: bytes) -> str:
    skippable = head[1:] == b"\x2a\x4d\x18" and head[:1] and head[0] & 0xF0 == 0x50
    return "gzip" if head[:2] == b"\x1f\x8b" else "zstd" if head == b"\x28\xb5\x2f\xfd" or skippable else "none"


class _Rejoined:
    """A stream of which the beginning was read before."""

    def __init__(self, head: bytes, stream: Readable) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._stream.read(size)


__all__ = ["Blobs", "image"]
