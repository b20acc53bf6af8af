# SPDX-License-Identifier: Apache-2.0
"""A layer alone: its tar, compressed or not, read once from front to back."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ..codec.readers import Readable, open_reader
from ..errors import FormatError
from ..layer import Limits
from ..layer.tarstream import DEFAULT_LIMITS, TarStream
from .checks.inside import Depth
from .linter import LayerLinter
from .rules.finding import IMPORTERS, Finding, Importer


def layer(stream: Readable, *, base: bool | None = None, position: int | None = None, digest: str = "",
          importers: Collection[Importer] = IMPORTERS, ignore: Collection[str] = (), limits: Limits = DEFAULT_LIMITS,
          source: str = "layer", hives: Depth = "quick") -> Iterator[Finding]:
    """Everything that importers would refuse or misread in one layer, in the order of the tar.

    ``stream`` may be gzip, zstd or plain, and needs no seeking. ``base`` says whether it is the first layer of its
    image; ``None`` leaves that to be found out (:class:`LayerLinter`), and findings then come later. ``hives`` says how
    much of them is looked at. ``FormatError`` when the bytes are no tar, with the offset.
    """
    linter = LayerLinter(base=base, number=position, digest=digest, importers=importers, ignore=ignore, limits=limits,
                         hives=hives)
    return _alone(linter, open_reader(stream), limits, source)


def _alone(linter: LayerLinter, tar: Readable, limits: Limits, source: str) -> Iterator[Finding]:
    try:
        yield from run(linter, tar, limits=limits, source=source)
    except FormatError as error:
        if breach(error) == DAMAGED:
            raise
        linter.report(breach(error), str(error), "", error.offset)
        linter.report.decide(False)
        yield from linter.report.take()


DAMAGED = "layer-damaged"


def breach(error: FormatError) -> str:
    """The rule that a layer which cannot be read breaks: one about just that, or that it is damaged."""
    return "pax-record-length" if error.facts.get("record") == "length" else DAMAGED


def run(linter: LayerLinter, tar: Readable, *, limits: Limits = DEFAULT_LIMITS,
        source: str = "layer") -> Iterator[Finding]:
    """Give every header of a plain tar to a linter; the stream is read to its end."""
    stream = TarStream(tar, limits, source=source, sparse=True)
    told = 0
    while (header := stream.next()) is not None:
        while told < len(stream.globals_at):
            yield from linter.global_header(stream.globals_at[told])
            told += 1
        found = linter.header(header, stream.body())
        if found:
            yield from found
    yield from linter.finish()


__all__ = ["layer", "run"]
