# SPDX-License-Identifier: Apache-2.0
"""Tar bytes in; compressed blob, its digest and the diff id out, in one pass over all cores.

::

    caller            write() fills 1 MiB blocks
      │                                                           ▲ buffers come back, so memory is bounded
      ├ N workers     compress a block, alone                     │
      ├ one hasher    the diff id, in the order of the blocks     │
      └ one writer    checksum, digest and sink.write, in the order of the blocks

Blocks are cut where the bytes say (every 1 MiB, and at :meth:`BlockWriter.cut`), never where time or the number of
cores would: the blob's digest is the same with one worker and with four. Whatever fails, on whichever thread, is
raised once, in the caller; the writer thread goes on draining, so nobody waits for a buffer that never comes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import BinaryIO, Protocol, Self
from zlib import crc32

from ..errors import StoreError, UsageError, WcowError
from .compression import BLOCK_SIZE, Compression
from .engines import Compress, Engine, engine
from .splice import Splice, Tail

MOST_WORKERS = 4


class Sink(Protocol):
    """Where compressed bytes go: a file opened for writing, a socket, anything with ``write``."""

    def write(self, data: bytes, /) -> int | None:
        """Take ``data``; a sink that took only a part returns how much, as raw files do."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What came out: digest and size of the tar (``diff_id``) and of the blob. Digests are ``sha256:<hex>``.

    ``tail`` is there when the blob was cut: a blob that is to end the same way can take it over
    (:meth:`BlockWriter.splice`).
    """

    diff_id: str
    diff_size: int
    digest: str
    size: int
    tail: Tail | None = None


class BlockWriter:
    """Writes one compressed blob to ``sink``, which stays open and belongs to the caller.

    ``workers`` is the number of compressing threads (default: the cores this process may use, at most 4) and has no
    influence on the bytes. End with :meth:`close` or :meth:`abort`; as a context manager it aborts when the block is
    left by an exception, and does nothing else. Errors: ``StoreError`` when the sink raises ``OSError``, any error of
    ours from the sink as it is, ``UsageError`` for calls after the end.
    """

    def __init__(self, sink: Sink, compression: Compression, *, workers: int | None = None) -> None:
        self._workers = workers or min(_cores(), MOST_WORKERS)
        self._pipe = _Pipe(sink, engine(compression), self._workers + 4)
        self._threads: list[threading.Thread] = []
        self._total = 0
        self._open = True
        self._used = 0
        self._fresh = self._spliced = False
        self._view = self._pipe.buffer()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append ``data`` to the tar."""
        end = self._used + len(data)
        if end < BLOCK_SIZE and self._open:
            self._view[self._used:end] = data
            self._used = end
            return
        rest = memoryview(data)
        while rest:
            room = self.reserve(len(rest))
            room[:] = rest[:len(room)]
            rest = rest[len(room):]
            self.advance(len(room))

    def reserve(self, size: int) -> memoryview:
        """A writable view of at most ``size`` and at least one byte, at the place where the next bytes go.

        Fill it and say so with :meth:`advance`; until then nothing is written. It may be shorter than asked, where
        the block ends.
        """
        if not self._open:
            raise UsageError("cannot write to a layer that was ended")
        return self._view[self._used:self._used + size]

    def advance(self, size: int) -> None:
        """The first ``size`` bytes of the last reserved view are now part of the tar."""
        self._used += size
        if self._used >= BLOCK_SIZE:
            self._submit(last=False)

    def zeros(self, size: int) -> None:
        """Append ``size`` zero bytes."""
        while size > 0:
            room = self.reserve(size)
            room[:] = bytes(len(room))
            size -= len(room)
            self.advance(len(room))

    def tell(self) -> int:
        """How many bytes of tar were written so far."""
        return self._total + self._used

    def cut(self) -> None:
        """End the current block here, so that what follows is compressed as if the blob began with it.

        Blocks are counted anew from here. At a block's border there is nothing to end and nothing happens.
        """
        if not self._open:
            raise UsageError("cannot write to a layer that was ended")
        if self._used:
            self._submit(last=False)
        self._fresh = True

    def splice(self, tail: Tail, stream: BinaryIO) -> None:
        """Take the compressed blocks from here on out of another blob, which had the same tar after its last cut.

        Stands where :meth:`cut` would, and cuts. ``stream`` is that blob, positioned at ``tail.offset``, and stays
        the caller's. What is written is hashed and compared, not compressed; if it turns out to differ from what the
        tail was made of, ``close`` raises ``InputError``.
        """
        self.cut()
        self._spliced = True
        self._pipe.spliced = Splice(tail, stream)

    def close(self) -> Sealed:
        """Compress and write what is left, end the threads, and say what came out."""
        if not self._open:
            raise UsageError("cannot close a layer that was ended")
        if self._pipe.engine.needs_last or self._used or not self._total:
            self._submit(last=True)
        self._open = False
        self._end_threads()
        self._pipe.raise_failure()
        tail = self._pipe.tail()
        if self._pipe.spliced is not None:
            self._pipe.spliced.check(tail)
        diff_id = "sha256:" + self._pipe.diff.hexdigest()
        digest = self._pipe.digest
        return Sealed(diff_id, self._total, "sha256:" + digest.hexdigest() if digest else diff_id, self._pipe.size,
                      tail)

    def abort(self) -> None:
        """Stop: end the threads and write nothing more. Safe to call at any time and more than once."""
        self._open = False
        self._pipe.stopped = True
        self._end_threads()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is not None:
            self.abort()

    def __del__(self) -> None:
        if getattr(self, "_threads", None):  # dropped without an end: let the threads go, do not wait for them
            self._pipe.stopped = True
            self._pipe.end(self._workers)

    def _submit(self, *, last: bool) -> None:
        """Hand the current block to the threads and take a fresh one; every wait of the caller happens in here."""
        try:
            if not self._threads:
                self._start_threads()
            job = _Job(self._view, self._used, last, fresh=self._fresh, spliced=self._spliced)
            self._fresh = False
            self._pipe.jobs.put(job)
            self._pipe.hashes.put(job)
            self._pipe.order.put(job)
            self._total += self._used
            self._used = 0
            self._view = self._pipe.buffer()
            if self._pipe.failure is not None:
                self._pipe.raise_failure()
        except BaseException:  # KeyboardInterrupt too: no thread may outlive it
            self.abort()
            raise

    def _start_threads(self) -> None:
        pipe = self._pipe
        makers = [pipe.engine.maker() for _unused in range(self._workers)]
        self._threads = [threading.Thread(target=pipe.work, args=(maker,), daemon=True) for maker in makers]
        self._threads += [threading.Thread(target=role, daemon=True) for role in (pipe.hash, pipe.write)]
        for thread in self._threads:
            thread.start()

    def _end_threads(self) -> None:
        self._pipe.end(self._workers)
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join()
        self._threads = []


class _Job:
    """One block on its way; ``done`` is a lock held until a worker has the result."""

    __slots__ = ("done", "error", "fresh", "hashed", "last", "result", "size", "spliced", "view")

    def __init__(self, view: memoryview, size: int, last: bool, *, fresh: bool, spliced: bool) -> None:
        self.view = view
        self.size = size
        self.last = last
        self.fresh = fresh  # the first block after a cut
        self.spliced = spliced
        self.result = b""
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()
        self.hashed = threading.Lock()
        self.hashed.acquire()


class _Pipe:
    """What the threads share. It never refers to the BlockWriter, so a forgotten writer can be collected."""

    def __init__(self, sink: Sink, engine: Engine, buffers: int) -> None:
        self.sink = sink
        self.engine = engine
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.hashes: SimpleQueue[_Job | None] = SimpleQueue()
        self.order: SimpleQueue[_Job | None] = SimpleQueue()
        self.diff = hashlib.sha256()
        self.failure: BaseException | None = None
        self.stopped = False
        self.digest = hashlib.sha256() if engine.codec_id != "none" else None
        self.size = 0
        self.spliced: Splice | None = None
        self._tail_at: int | None = None
        self._tail_sizes: list[int] = []
        self._tail_crc = 0
        self._free: SimpleQueue[memoryview] = SimpleQueue()
        self._unmade = buffers

    def buffer(self) -> memoryview:
        """An empty block: one that came back, a new one while few exist, else wait for one."""
        try:
            return self._free.get_nowait()
        except Empty:
            if not self._unmade:
                return self._free.get()
            self._unmade -= 1
            return memoryview(bytearray(BLOCK_SIZE))

    def end(self, workers: int) -> None:
        """Tell every thread that nothing more comes."""
        for _unused in range(workers):
            self.jobs.put(None)
        self.hashes.put(None)
        self.order.put(None)

    def raise_failure(self) -> None:
        """Raise what went wrong on another thread, if anything did, in our words."""
        error, self.failure = self.failure, None
        if error is None:
            return
        if isinstance(error, OSError) and not isinstance(error, WcowError):
            hint = "free some space and try again" if error.errno in _FULL else ""
            raise StoreError("cannot write the layer", why=error.strerror or str(error), hint=hint,
                             errno=error.errno) from error
        raise error

    def work(self, compress: Compress) -> None:
        """A worker: compress whatever comes."""
        while (job := self.jobs.get()) is not None:
            try:
                if not self.stopped and not job.spliced:
                    job.result = compress(job.view[:job.size], job.last)
            except BaseException as error:  # handed to the caller by the writer thread
                job.error = error
            finally:
                job.done.release()

    def hash(self) -> None:
        """The hasher: the diff id, in the order of the blocks."""
        while (job := self.hashes.get()) is not None:
            try:
                if not self.stopped:
                    self.diff.update(job.view[:job.size])
            finally:
                job.hashed.release()

    def write(self) -> None:
        """The writer: take blocks in order, write their results, give the buffers back, come what may."""
        crc = total = 0
        checksum = self.engine.crc
        while (job := self.order.get()) is not None:
            job.done.acquire()
            try:
                if job.error is not None:
                    raise job.error
                if self.stopped:
                    continue
                if checksum is not None:
                    crc = checksum(job.view[:job.size], crc)
                    if not total and not self.size:
                        self._emit(self.engine.header)
                total += job.size
                self._follow_tail(job)
                self._emit(job.result)
                if job.last:
                    self._emit(self.engine.trailer(crc, total))
            except BaseException as error:  # told to the caller at its next block
                self.failure = error
                self.stopped = True
            finally:
                job.result = b""
                job.hashed.acquire()
                self._free.put(job.view)

    def _follow_tail(self, job: _Job) -> None:
        """Note where the blocks after a cut stand, or take them from where they stand already."""
        if job.spliced and self.spliced is not None:
            job.result = self.spliced.block()
        if job.fresh:
            self._tail_at, self._tail_sizes, self._tail_crc = self.size, [], 0
        if self._tail_at is None:
            return
        self._tail_sizes.append(len(job.result))
        self._tail_crc = (self.engine.crc or crc32)(job.view[:job.size], self._tail_crc)

    def tail(self) -> Tail | None:
        """The blocks after the last cut, if there was one."""
        return None if self._tail_at is None else Tail(self._tail_at, tuple(self._tail_sizes), self._tail_crc)

    def _emit(self, data: bytes) -> None:
        if not data:
            return
        if self.digest is not None:
            self.digest.update(data)
        self.size += len(data)
        taken = self.sink.write(data)
        while taken is not None and taken < len(data):
            if taken <= 0:
                raise OSError(errno.EIO, "the sink takes no more bytes")
            data = data[taken:]
            taken = self.sink.write(data)


_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
