# SPDX-License-Identifier: Apache-2.0
"""Transaction logs: what a hive that was not closed cleanly lacks, and how it is put back.

A hive is dirty when the checksum of its base block is wrong or its two sequence numbers differ. Until Windows 8 a log
(type 1, before Windows XP type 2) holds the pages of one write; of two logs the more recent one counts. Since Windows
8.1 logs (type 6) hold many numbered entries and are read one after the other, see ``log_entries``. Windows puts them
back when it loads the hive; here it is done in memory.

Source: msuhanov/regf, "Format of transaction log files", "Dirty state of a hive", "Multiple transaction log files".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cmp_to_key
from struct import pack_into, unpack_from

from ...errors import FormatError, quoted
from ...windows.upcase import fold
from ..base_block import PRIMARY, BaseBlock, parse_base_block
from ..layout import BIN_SIZE, PAGE, checksum
from .entries import HEAD, Entry, entries
from .pages import SECTOR, dirty_pages

OLD = (1, 2)
NEW = 6
_LOCKED = 1
_MASK = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Applied:
    """What one log gave: its place in the sequence handed in, its kind (1, 2 or 6), the sequence numbers of its
    entries (of an old log, which is one entry, its own), and how many pages of how many bytes together."""

    log: int
    kind: int
    sequences: tuple[int, ...]
    pages: int
    size: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """A hive as Windows would load it: ``data``, the logs that were ``applied`` in their order, and ``notes`` on every
    log that was not, or not to its end. ``data`` is what was given when nothing had to be done."""

    data: bytes
    applied: tuple[Applied, ...] = ()
    notes: tuple[str, ...] = ()


def recover(primary: bytes, logs: Sequence[bytes], *, source: str = "hive", forgiving: bool = False) -> Recovered:
    """A hive with what its transaction logs have put back, closed cleanly.

    ``logs`` are the contents of its .LOG, .LOG1 and .LOG2 files, in any order; empty ones do no harm. A hive that is
    clean is returned as it is. FormatError when a dirty one finds no log of its own, when a log holds pages for places
    outside the hive, or when its bins are not whole afterwards; ``forgiving`` makes notes of these and goes as far as
    it can, at the end to a hive that is only declared clean.
    """
    work = _Work(primary, source, forgiving, len(primary) + sum(map(len, logs)))
    if not work.block.dirty():
        return Recovered(primary, (), ("the hive is clean, its logs are not needed",) if logs else ())
    found = [log for index, data in enumerate(logs) if (log := work.look(index, data)) is not None]
    new = [log for log in found if log.block.kind == NEW]
    old = [log for log in found if log.block.kind != NEW]
    if new:
        work.notes += [f"log {log.index + 1} has the old format, the others have the new one" for log in old]
        work.replay_new(new)
    elif old:
        work.replay_old(old)
    if not work.applied:
        work.fault("it was not closed cleanly, and no log that belongs to it was found", 4)
        work.heal()
    work.check_bins()
    return Recovered(bytes(work.data), tuple(work.applied), tuple(work.notes))


@dataclass(frozen=True, slots=True)
class _Log:
    """A log with a right base block, and its place among those handed in."""

    index: int
    data: bytes
    block: BaseBlock

    def first(self) -> int:
        return self.block.sequences[0]


@dataclass(slots=True)
class _Work:
    """A hive that is being recovered."""

    primary: bytes
    source: str
    forgiving: bool
    limit: int
    block: BaseBlock = field(init=False)
    data: bytearray = field(init=False)
    applied: list[Applied] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.block = parse_base_block(self.primary, self.source)
        if self.block.intact and self.block.kind != PRIMARY:
            raise FormatError("cannot recover a registry hive", offset=28, source=self.source,
                              why=f"it is of type {self.block.kind}: a transaction log, not a hive")
        self.data = bytearray(self.primary)

    def fault(self, why: str, offset: int) -> None:
        """Refuse the hive for a damage, or note it."""
        if not self.forgiving:
            raise FormatError("cannot recover a registry hive", why="; ".join([why, *self.notes]), offset=offset,
                              source=self.source)
        self.notes.append(why)

    def look(self, index: int, data: bytes) -> _Log | None:
        """A log that could be put back by its base block; a note and None for any other."""
        if why := self._unfit(data):
            self._no(index, why)
            return None
        return _Log(index, data, _head(data))

    def _unfit(self, data: bytes) -> str:
        """Why a log cannot be put back, by its base block."""
        if data.count(0) == len(data):
            return "is empty"
        if len(data) <= HEAD or data[:4] != b"regf":
            return "is no transaction log: it has no base block"
        block = _head(data)
        if block.kind not in (*OLD, NEW):
            return f"is no transaction log: its type is {block.kind}"
        if not block.intact:
            return "has a base block with a wrong checksum"
        if block.dirty():
            return "was not written to its end"
        if unpack_from("<I", data, 44)[0] != 1:
            return "is of a disk with sectors of another size than 512 bytes"
        if self.block.intact and not self._ours(data, block):
            return f"belongs to another hive, {quoted(block.name)}"
        return ""

    def _ours(self, log: bytes, block: BaseBlock) -> bool:
        """Whether a log is of this hive: both base blocks name one file, or one resource manager (RmId)."""
        manager = self.primary[112:128]
        one, other = fold(self.block.name), fold(block.name)
        return one == other or not one or not other or (any(manager) and manager == log[112:128])

    def _no(self, index: int, why: str) -> None:
        """Note why a log was not put back, or not to its end."""
        self.notes.append(f"log {index + 1} {why}")

    # -- the new format ------------------------------------------------------------------------------------------

    def replay_new(self, logs: list[_Log]) -> None:
        """Put the entries of all logs back in their order; with a broken base block only those of the latest log."""
        logs = _in_order(logs)
        if not self.block.intact:
            for log in logs[:-1]:
                self._no(log.index, "is not needed: of a hive without a base block only the latest log counts")
            self.take_base_block(logs[-1].data)
            logs = logs[-1:]
        elif old := [log for log in logs if _before(log.first(), self.block.sequences[1])]:
            for log in old:
                self._no(log.index, f"begins at {log.first()}, and the hive has everything before "
                                    f"{self.block.sequences[1]}")
            logs = [log for log in logs if log not in old]
        expected = None
        for log in logs:
            if expected is None and self.block.intact and log.first() != self.block.sequences[1]:
                self._no(log.index, f"begins at {log.first()}, the hive ends before {self.block.sequences[1]}: what is "
                                    "between is lost")
            if expected is not None and log.first() != expected:
                self._no(log.index, f"begins at {log.first()}, {expected} was expected")
            elif not self.replay_entries(log):
                self._no(log.index, "has no whole entry, nothing after it can be used")
                return
            else:
                expected = (self.applied[-1].sequences[-1] + 1) & _MASK

    def replay_entries(self, log: _Log) -> bool:
        """Put the entries of one log back; False when it has none."""
        done: list[Entry] = []
        source = f"{self.source}, log {log.index + 1}"
        try:
            for entry in entries(log.data, log.first(), source):
                if not self.room_for(entry.size):
                    raise FormatError("cannot recover a registry hive", offset=entry.at, source=source,
                                      why=f"a log entry wants {entry.size} bytes of bins, more than there can be")
                for offset, page in entry.pages:
                    self.data[PAGE + offset : PAGE + offset + len(page)] = page
                done.append(entry)
        except FormatError as error:
            if not self.forgiving:
                raise
            self._no(log.index, f"is broken: {error.why}")
        if not done:
            return False
        flags = unpack_from("<I", self.data, 144)[0] & ~_LOCKED | done[-1].flags & _LOCKED
        self.close(done[-1].sequence, done[-1].size, flags)
        pages = [page for entry in done for _unused, page in entry.pages]
        self.applied.append(Applied(log.index, NEW, tuple(entry.sequence for entry in done), len(pages),
                                    sum(map(len, pages))))
        return True

    # -- the old format ------------------------------------------------------------------------------------------

    def replay_old(self, logs: list[_Log]) -> None:
        """Put the pages of the most recent log back that is not older than the hive."""
        written = self.block.last_written if self.block.intact else _first_bin_time(self.primary)
        fit = []
        for log in logs:
            pages = dirty_pages(log.data, log.block.size)
            if log.block.last_written < written:
                self._no(log.index, "is older than the hive")
            elif pages is None or PAGE + log.block.size > self.limit:
                self._no(log.index, "has no list of dirty pages, or not all the pages that it lists")
            else:
                fit.append((log, pages))
        if not fit:
            return
        chosen, pages = max(fit, key=lambda pair: pair[0].block.last_written)
        for log, _unused in fit:
            if log is not chosen:
                self._no(log.index, f"is not needed: log {chosen.index + 1} has all of it")
        if not self.block.intact:
            self.take_base_block(chosen.data)
        self.room_for(chosen.block.size)
        for offset, page in pages:
            self.data[PAGE + offset : PAGE + offset + SECTOR] = page
        pack_into("<Q", self.data, 12, chosen.block.last_written)
        self.close(chosen.first(), chosen.block.size, unpack_from("<I", chosen.data, 144)[0])
        self.applied.append(Applied(chosen.index, chosen.block.kind, (chosen.first(),), len(pages),
                                    len(pages) * SECTOR))

    # -- the base block ------------------------------------------------------------------------------------------

    def take_base_block(self, log: bytes) -> None:
        """The base block of a log in place of the hive's own; the rest of the page says nothing that counts."""
        self.data[:PAGE] = log[:HEAD].ljust(PAGE, b"\0")
        pack_into("<I", self.data, 28, PRIMARY)

    def close(self, last: int, size: int, flags: int) -> None:
        """Write down that everything up to entry ``last`` is there, as Windows does with one write of its own."""
        after = (last + 1) & _MASK
        pack_into("<II", self.data, 4, after, after)
        pack_into("<I", self.data, 40, size)
        pack_into("<I", self.data, 144, flags)
        pack_into("<I", self.data, 508, checksum(self.data))

    def heal(self) -> None:
        """Declare a hive clean that no log helps. What a broken base block cannot say is taken from the bins; its
        sequence numbers then begin anew, as Windows does it."""
        last, size = self.block.sequences[0], self.block.size
        if not self.block.intact:
            last, size = 0, _chain(self.data, len(self.data) - PAGE)
            pack_into("<I", self.data, 28, PRIMARY)
        self.close(last, size, unpack_from("<I", self.data, 144)[0])

    def room_for(self, size: int) -> bool:
        """Make room for that many bytes of bins; False when they are more than the file and all logs hold together,
        for whatever a log adds to a hive it holds."""
        if PAGE + size > self.limit:
            return False
        self.data += bytes(max(PAGE + size - len(self.data), 0))
        return True

    def check_bins(self) -> None:
        """Every bin follows the one before; what is inside them the reader looks at."""
        size, = unpack_from("<I", self.data, 40)
        whole = _chain(self.data, size)
        if whole != size:
            self.fault(f"its bins should have {size} bytes, and at {whole} is no bin of a right size", PAGE + whole)


def _chain(data: bytearray, size: int) -> int:
    """How many bytes the bins have that follow each other from the first one, ``size`` at most."""
    at = 0
    while at < size and PAGE + at + BIN_SIZE <= len(data):
        signature, own, length = unpack_from("<4sII", data, PAGE + at)
        if signature != b"hbin" or own != at or not length or length % PAGE or length > size - at:
            break
        if PAGE + at + length > len(data):
            break
        at += length
    return at


def _first_bin_time(data: bytes) -> int:
    """The backup of the base block's time, 0 when there is no first bin."""
    return int(unpack_from("<Q", data, PAGE + 20)[0]) if data[PAGE : PAGE + 4] == b"hbin" else 0


def _before(one: int, other: int) -> bool:
    """Whether a sequence number comes before another one; after 2**32 - 1 comes 0."""
    return one != other and (other - one) & _MASK < 0x80000000


def _in_order(logs: list[_Log]) -> list[_Log]:
    """Logs by their first sequence number."""

    def compare(one: _Log, other: _Log) -> int:
        return _before(other.first(), one.first()) - _before(one.first(), other.first())

    return sorted(logs, key=cmp_to_key(compare))


def _head(log: bytes) -> BaseBlock:
    """The base block of a log, of which a log has the first sector."""
    return parse_base_block(log[:HEAD].ljust(PAGE, b"\0"))
