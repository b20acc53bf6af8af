# SPDX-License-Identifier: Apache-2.0
"""Composed entries become a layer in the store: looked up in the caches first, written in one pass otherwise."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ...codec import Compression
from ...errors import Interrupted
from ...events import Advance, Event, Finish, Step
from ...images.inspect.rootfs import Rootfs
from ...images.put import Layer, sealed_layer
from ...layer import Batch, Entry, Kind, LayerWriter, Times
from ...lint import Finding
from ...oci import Digest
from ...stores import Store
from ...windows import attributes as attribute
from ..cache.cache import Cache
from ..cache.key import Memory, Recipes, key_of
from ..compose.compose import Composed
from ..compose.judge import Judge, hive_in
from ..context.changes import Change, Later, Local, Row

REPORT_EVERY = 16 << 20
REPORT_SECONDS = 0.1
Guard = Callable[[], None]
"""Raises Interrupted when the work is to stop."""


@dataclass(frozen=True, slots=True)
class Committer:
    """Makes layers in ``store``. ``scratch`` is a folder for files that are taken out of other images first."""

    store: Store
    cache: Cache
    memory: Memory
    compression: Compression
    scratch: Path
    judge: Judge = field(default_factory=Judge)

    def commit(self, composed: Composed, *, base: bool, epoch: int, title: str,
               step: str) -> Generator[Event, None, Layer]:
        """Find or write the layer, and return it."""
        recipes = Recipes(composed, self.compression, base, epoch, self.judge.mode)
        shape, memory = recipes.shape(), self.memory
        missing = [content for content in recipes.locals() if not memory.knows(content)]
        if not missing or self.cache.knows_shape(shape):
            for content in missing:
                self._look_up(content)
            known = self._known(recipes.layer(memory))
            if known is not None:
                yield Step(step, title)
                yield Finish(step, "cached")
                return known
        fetched = yield from self._fetch(composed)
        yield Step(step, title, composed.size())
        layer = yield from self._write(recipes, fetched, step)
        key = recipes.layer(memory)
        memory.layers[key] = layer
        self.cache.put(key, layer, shape=shape)
        yield Finish(step)
        return layer

    def _look_up(self, content: Local | Row) -> None:
        """Digests of a file or of a row of files, from the context, which may remember them."""
        if isinstance(content, Row):
            tree = content.context.tree
            self.memory.rows[content.key] = tree.digests(content.source, content.names, content.facts)
        else:
            self.memory.digests[key_of(content)] = content.context.digest(content.path)

    def _known(self, key: str) -> Layer | None:
        """A layer made before, in this run or another, whose blob is still there."""
        known = self.memory.layers.get(key) or self.cache.get(key)
        return known if known is not None and self.store.has_blob(known.descriptor) else None

    def _fetch(self, composed: Composed) -> Generator[Event, None, dict[tuple[int, str], Path]]:
        """Take every file that comes out of an image, image by image; the result maps them to local files."""
        wanted: dict[int, tuple[Rootfs, list[str]]] = {}
        for _unused, change in composed.fresh:
            if isinstance(change, Change) and isinstance(change.content, Later):
                later = change.content
                wanted.setdefault(id(later.rootfs), (later.rootfs, []))[1].append(later.path)
        out: dict[tuple[int, str], Path] = {}
        for number, (rootfs, paths) in wanted.items():
            local = yield from rootfs.fetch(paths, self.scratch)
            out.update({(number, path): file for path, file in local.items()})
        return out

    def _write(self, recipes: Recipes, fetched: dict[tuple[int, str], Path],
               step: str) -> Generator[Event, None, Layer]:
        """Write the layer; where another has the same end, that end is not compressed again."""
        composed, memory, reported = recipes.composed, self.memory, 0
        linter, findings = self.judge.linter(base=recipes.base), list[Finding]()
        whole = all(map(memory.knows, recipes.locals())) if memory.tails else False
        shared = memory.tails.get(recipes.tail(memory)) if whole else None
        with ExitStack() as stack:
            blob = stack.enter_context(self.store.new_blob())
            writer = stack.enter_context(LayerWriter(blob, self.compression, base=recipes.base))
            for entry in (composed.root, *composed.parents):
                writer.add(entry)
                findings += linter.entry(entry) if linter is not None else ()
            if shared is not None and self.store.has_blob(shared[0]):
                descriptor, tail = shared  # pylint: disable=unpacking-non-sequence
                writer.splice(tail, stack.enter_context(self.store.open_blob(descriptor, offset=tail.offset)))
            else:
                writer.cut()
            for what, change in composed.fresh:
                if isinstance(what, Batch):
                    assert isinstance(change, Row)
                    yield from self._aside(step, writer, sum(what.sizes), partial(self._add_row, writer, what, change))
                    findings += linter.batch(what) if linter is not None else ()
                else:
                    assert not isinstance(change, Row)
                    yield from self._aside(step, writer, what.size, partial(self._add, writer, what, change, fetched))
                    findings += linter.entry(what, hive_in(what.path, change, fetched)) \
                        if linter is not None else ()
                if writer.tell() - reported >= REPORT_EVERY:
                    reported = writer.tell()
                    yield Advance(step, reported)
            if not recipes.base:
                times = Times.all(recipes.epoch)
                hives = Entry("Hives", Kind.DIRECTORY, attributes=attribute.DIRECTORY, times=times)
                writer.add(hives)
                findings += linter.entry(hives) if linter is not None else ()
            findings += linter.finish() if linter is not None else ()
            yield from self.judge.decide(findings, "the layer")
            sealed = writer.finish()
            blob.commit(Digest(sealed.digest), sealed.size)
        layer = sealed_layer(sealed, self.compression)
        if sealed.tail is not None:
            memory.tails[recipes.tail(memory)] = layer.descriptor, sealed.tail
        return layer

    @staticmethod
    def _aside(step: str, writer: LayerWriter, size: int, add: Callable[[Guard], None]) -> Iterator[Event]:
        """Add content; what is big in a thread, so that the bytes are told of while they move."""
        stop = threading.Event()

        def guard() -> None:
            if stop.is_set():
                raise Interrupted("stopped")

        if size < REPORT_EVERY:
            add(guard)
            return
        with ThreadPoolExecutor(1) as pool:
            adding = pool.submit(add, guard)
            try:
                while not wait((adding,), REPORT_SECONDS).done:
                    yield Advance(step, writer.tell())
            except BaseException:  # Ctrl-C, or no more events are wanted: the thread ends at its next bytes
                stop.set()
                raise
            adding.result()

    def _add_row(self, writer: LayerWriter, batch: Batch, row: Row, guard: Guard) -> None:
        """Add the files of a row. Each is read once, for the layer and, if need be, for its digest."""
        tree, key = row.context.tree, row.key
        known = key in self.memory.rows

        def places() -> Iterator[str]:
            for place in tree.places(row.source, row.names):
                guard()
                yield place

        digests = writer.add_batch(batch, places(), hashed=not known)
        if not known:
            self.memory.rows[key] = digests
            tree.learn_all(row.source, row.names, row.facts, digests)

    def _add(self, writer: LayerWriter, entry: Entry, change: Change | None,
             fetched: dict[tuple[int, str], Path], guard: Guard) -> None:
        """Add one entry. A file of a context is read once, for the layer and, if need be, for its digest."""
        content = change.content if change is not None and entry.kind is Kind.FILE else None
        if isinstance(content, Later):
            writer.add(entry, fetched[(id(content.rootfs), content.path)], heard=lambda data: guard())
            return
        if not isinstance(content, Local):
            writer.add(entry, content)
            return
        place, key, digests = content.context.tree.place(content.path), key_of(content), self.memory.digests
        if key in digests:
            writer.add(entry, place, heard=lambda data: guard())
            return
        digest = hashlib.sha256()

        def heard(data: bytes | bytearray | memoryview) -> None:
            guard()
            digest.update(data)

        writer.add(entry, place, heard=heard)
        digests[key] = f"sha256:{digest.hexdigest()}"
        content.context.learn(content.path, digests[key])
