# SPDX-License-Identifier: Apache-2.0
"""A layer becomes a folder that an overlay can be mounted from: made once, then shared by all containers.

The folder has what a running program can see of a layer on this machine: names, content, links, times, and of the
attributes read-only, hidden and system, in the ways in which Wine looks for them, and security descriptors as
:mod:`..snapshots.security` has them. Everything else (other attributes, the spelling that the layer has, reparse data)
stays in the layer's index, which whoever commits asks.

The kernel compares names exactly, so each name is written as what lies below already spells it: ``Windows`` over Wine's
``windows`` is ``windows``. A folder therefore belongs to a layer *and* to what it was unpacked over: name it by
:func:`chain`.

Entries are trusted in nothing. Files and folders are written below descriptors of folders that we made ourselves; links
are made last, when nothing is written through a name any more.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from ...errors import FormatError, StoreError
from ...layer import Entry, Kind
from ...windows.attributes import READONLY
from ...windows.upcase import fold
from .. import links
from ..scratch import made_whole
from ..snapshots.attributes import OF_A_FOLDER, text_of, write_attributes
from ..snapshots.file import SECURITY, Facts, write_file
from ..snapshots.merged import Merged, Node, Parts
from ..snapshots.overlay import OPEN_FILE, OPEN_FOLDER, Sort, make_opaque, make_whiteout, open_folder
from ..snapshots.security import Inheritance, root_security
from .small import SMALL, SmallFiles
from .tree import Folder, moment, unmasked

MOST_TOLD = 1000
"""So many things that were left out are named; more are only counted."""

_PIECE = 1 << 18
_OPEN_FOLDERS = 64


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of a layer that this machine cannot show to a program, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What was made. ``made`` is false where the folder was there already, and then nothing else is known."""

    folder: Path
    made: bool
    files: int = 0
    size: int = 0
    left_out: tuple[LeftOut, ...] = ()
    left_out_count: int = 0


def chain(below: str, diff_id: str) -> str:
    """What to call the folder of a layer: a name for it and all it was unpacked over, 64 hexadecimal digits.

    ``below`` is the name of the folder under it, and for the lowest something that names Wine's drive (the version of
    its template). The idea is that of the chain id of the OCI image-spec (``config.md``).
    """
    return hashlib.sha256(f"{below} {diff_id}".encode()).hexdigest()


def unpack(entries: Iterable[tuple[Entry, BinaryIO | None]], folder: Path, *, lower: Merged, owner: int | None = None,
           keep: Callable[[Entry], bool] = lambda entry: True) -> Unpacked:
    """Write what a layer holds below ``Files`` to ``folder``, over ``lower``; nothing happens where it is there.

    ``entries`` are those of :func:`imagebuild.layer.read` (of an index's ``walk`` with ``None`` each, for a layer of
    which ``keep`` takes no file). Everything belongs to the user ``owner``, to the caller when that is ``None``.
    Files are 0644, folders 0755.

    The folder appears when it is whole. Two processes may make it at once: one wins, both return. What a process that
    was killed left behind is removed by the next. FormatError for a layer that contradicts itself or is damaged,
    StoreError when the machine does not let us write; then there is no folder.
    """
    if folder.is_dir():
        return Unpacked(folder, made=False)
    with made_whole(folder, owner) as place:
        work = _Unpacker(place.path, lower, owner if owner != os.geteuid() else None)
        try:
            for entry, content in entries:
                if keep(entry):
                    work.add(entry, content)
            work.finish()
        except OSError as error:
            raise StoreError(f"cannot unpack a layer to {folder}", why=error.strerror or str(error), code=error.errno,
                             path=str(folder)) from error
        finally:
            work.close()
        made = place.keep()
    return Unpacked(folder, made, work.files, work.size, tuple(work.left_out), work.left_out_count)


class _Unpacker:
    """Writes the entries of one layer below ``root``."""

    def __init__(self, root: Path, lower: Merged, owner: int | None) -> None:
        self.files = self.size = self.left_out_count = 0
        self.left_out: list[LeftOut] = []
        self._lower = lower
        self._owner = owner
        self._root = root
        self._masked = not unmasked(root)
        self._top = Folder((), None, there=True)
        self._top.security = root_security()
        self._inheritance = Inheritance()
        self._folders: dict[str, Folder | None] = {"Files": self._top}  # by the path as the layer writes it
        self._open: dict[Parts, int] = {}
        self._whiteouts: list[tuple[Folder, str]] = []
        self._later: list[tuple[Folder, str, Entry]] = []
        self._small = SmallFiles(self._top, self._fd)

    def add(self, entry: Entry, content: BinaryIO | None) -> None:
        """One entry of the layer, in its order."""
        path = entry.path
        above, _unused, name = path.rpartition("/")
        if not above:
            if fold(name) == "FILES" and entry.kind is not Kind.DIRECTORY:
                raise FormatError("cannot unpack a layer", why=f"it has a {entry.kind.value} in place of Files")
            if fold(name) == "FILES" and entry.security is not None:
                self._top.security = entry.security
            return  # Hives and UtilityVM are not files of a container; C:\ itself is there
        folder = self._folders.get(above)
        if folder is None:
            folder = self._find(above)
            if folder is None:
                return
        key = fold(name)
        if entry.kind is Kind.WHITEOUT:
            self._whiteouts.append((folder, key))
            return
        if entry.kind is Kind.DIRECTORY:
            made = self._folder(folder, name, path)
            if made is not None:
                made.times = moment(entry)
                made.security = entry.security
                if kept := self._inheritance.to_keep(entry.security, folder.security, directory=True):
                    os.setxattr(self._fd(made), SECURITY, kept)
                if entry.attributes is not None and entry.attributes & OF_A_FOLDER:
                    write_attributes(self._fd(made), entry.attributes, folder=True)
            return
        known = folder.own.get(key)
        if known is not None:
            self._replace(folder, key, known, path)
        elif not self._possible(name, path):
            return
        if entry.kind is Kind.FILE:
            folder.own[key] = spelt = self._spelt(folder, key, name)
            self._file(folder, spelt, entry, content)
        else:
            folder.own[key] = entry
            self._later.append((folder, key, entry))

    def finish(self) -> None:
        """What could not be done before all names were known: hard links, links, whiteouts, times of folders."""
        self._small.drain()
        pending = [one for one in self._later if one[0].own.get(one[1]) is one[2]]
        for folder, key, entry in pending:
            if entry.kind is Kind.HARD_LINK:
                self._hard_link(folder, key, entry)
        for folder, key, entry in pending:
            if entry.kind is not Kind.HARD_LINK:
                self._link(folder, key, entry)
        self._hide()
        for made in self._top.all():
            if made.times is not None:
                os.utime(self._fd(made), ns=(made.times, made.times))

    def close(self) -> None:
        """Let go of all descriptors."""
        self._small.close()
        for number in self._open.values():
            os.close(number)
        self._open.clear()

    def _find(self, path: str) -> Folder | None:
        """The folder that a path of the layer names, made where an entry for it has not come (yet)."""
        if path in self._folders:
            return self._folders[path]
        above, _unused, name = path.rpartition("/")
        if not above:
            found = self._top if fold(name) == "FILES" else None
        else:
            folder = self._find(above)
            found = None if folder is None else self._folder(folder, name, path)
        self._folders[path] = found
        return found

    def _folder(self, folder: Folder, name: str, path: str) -> Folder | None:
        """The folder with this name in another, made where it is missing; ``None`` when it cannot be made here."""
        key = fold(name)
        known = folder.own.get(key)
        if isinstance(known, Folder):
            return known
        if known is not None:
            raise _contradiction(path)
        if not self._possible(name, path):
            return None
        spelt = self._spelt(folder, key, name)
        node = self._below(folder).get(key)
        made = Folder((*folder.parts, spelt), folder, there=node is not None and node.sort is Sort.FOLDER)
        above = self._fd(folder)
        os.mkdir(spelt, 0o755, dir_fd=above)
        number = self._fd(made)
        os.fchmod(number, 0o755)
        if self._owner is not None:
            os.fchown(number, self._owner, self._owner)
        folder.own[key] = made
        return made

    def _possible(self, name: str, path: str) -> bool:
        """Whether this machine can have such a name; what it cannot have is told."""
        if name.isascii() and len(name) < 256 and ":" not in name and "\0" not in name:
            return True
        why = ""
        if ":" in name:
            why = "it is an alternate stream, which Wine does not have"
        elif "\0" in name:
            why = "no system takes a NUL in a name"
        elif len(name.encode("utf-8", "surrogateescape")) > 255:
            why = "the name has more than 255 bytes in UTF-8"
        if why:
            self._leave_out(path, why)
        return not why

    def _leave_out(self, path: str, why: str) -> None:
        self.left_out_count += 1
        if len(self.left_out) < MOST_TOLD:
            self.left_out.append(LeftOut(path, why))

    def _replace(self, folder: Folder, key: str, known: Folder | str | Entry, path: str) -> None:
        """A name comes again: the later entry counts, as in a tar. The two must be of one sort."""
        if isinstance(known, Folder):
            raise _contradiction(path)
        if isinstance(known, str):
            self._small.drain()
            os.unlink(known, dir_fd=self._fd(folder))
        del folder.own[key]

    def _below(self, folder: Folder) -> Mapping[str, Node]:
        if folder.lower is None:
            folder.lower = self._lower.names(folder.parts) if folder.there else {}
        return folder.lower

    def _spelt(self, folder: Folder, key: str, name: str) -> str:
        if folder.there:
            node = self._below(folder).get(key)
            if node is not None:
                return node.name
        return name

    def _fd(self, folder: Folder) -> int:
        """The folder's descriptor; some are kept open."""
        number = self._open.get(folder.parts)
        if number is None:
            if len(self._open) >= _OPEN_FOLDERS:
                for parts in list(self._open)[:_OPEN_FOLDERS // 2]:
                    os.close(self._open.pop(parts))
            above = None if folder.above is None else self._open.get(folder.above.parts)
            if above is not None:
                number = os.open(folder.parts[-1], OPEN_FOLDER, dir_fd=above)
            else:
                number = open_folder(self._root, folder.parts)
                if number is None:
                    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            self._open[folder.parts] = number
        return number

    def _file(self, folder: Folder, name: str, entry: Entry, content: BinaryIO | None) -> None:
        """Write a file, now or with others of its size."""
        if content is None or entry.size > SMALL:
            self._write(folder, name, entry, content)
        else:
            self._small.add(folder, name, content.read(), self._facts(folder, entry))
            self._count(entry)

    def _facts(self, folder: Folder, entry: Entry) -> Facts:
        attributes = entry.attributes or 0
        mode = 0o444 if attributes & READONLY else 0o644 if self._masked else None  # the umask cannot be asked for
        security = self._inheritance.to_keep(entry.security, folder.security, directory=False)
        return mode, self._owner, text_of(attributes), moment(entry), security

    def _count(self, entry: Entry) -> None:
        self.files += 1
        self.size += entry.size

    def _write(self, folder: Folder, name: str, entry: Entry, content: BinaryIO | None) -> None:
        read: Callable[[], bytes] = partial(getattr(content, "read1", content.read), _PIECE) if content else bytes
        write_file(self._fd(folder), name, read, self._facts(folder, entry))
        self._count(entry)

    def _hard_link(self, folder: Folder, key: str, entry: Entry) -> None:
        """One more name for a file of this layer, or of one below."""
        source = self._source(entry)
        name = self._spelt(folder, key, entry.path.rpartition("/")[2])
        if source is None:
            self._leave_out(entry.path, f"it is a hard link to {entry.target}, which is no file here")
            del folder.own[key]
            if key in self._below(folder):
                self._whiteouts.append((folder, key))
            return
        number, place = source
        try:
            try:
                os.link(place, name, src_dir_fd=number, dst_dir_fd=self._fd(folder), follow_symlinks=False)
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
                    raise
                with os.fdopen(os.open(place, OPEN_FILE, dir_fd=number), "rb") as file:
                    size = os.fstat(file.fileno()).st_size
                    self._write(folder, name, replace(entry, size=size), file)
        finally:
            os.close(number)
        folder.own[key] = name

    def _source(self, entry: Entry) -> tuple[int, str] | None:
        """An open folder and the name in it of the file that a hard link means."""
        target = entry.target
        for _unused in range(40):
            top, *parts = target.split("/")
            if fold(top) != "FILES" or not parts:
                return None
            found = self._top.find(tuple(parts))
            if isinstance(found, Entry):
                if found.kind is not Kind.HARD_LINK:
                    return None
                target = found.target
                continue
            if isinstance(found, tuple):
                return os.dup(self._fd(found[0])), found[1]
            node = self._lower.get(tuple(parts)) if found is None else None
            if node is None or node.sort is not Sort.FILE:
                return None
            number = open_folder(self._lower.place(node), self._lower.spelt(tuple(parts))[:-1])
            return None if number is None else (number, node.name)
        return None

    def _link(self, folder: Folder, key: str, entry: Entry) -> None:
        target = links.destination(entry.target, folder.parts)
        text = links.to_linux(links.Link(entry.kind, entry.target), folder.parts,
                              None if target is None else self._spelt_path(target))
        name = self._spelt(folder, key, entry.path.rpartition("/")[2])
        if "\0" in text or len(text.encode("utf-8", "surrogateescape")) > links.LONGEST:
            text = links.NOWHERE + "too-long"
        above = self._fd(folder)
        os.symlink(text, name, dir_fd=above)
        if self._owner is not None:
            os.chown(name, self._owner, self._owner, dir_fd=above, follow_symlinks=False)
        changed = moment(entry)
        if changed is not None:
            os.utime(name, ns=(changed, changed), dir_fd=above, follow_symlinks=False)

    def _spelt_path(self, path: Parts) -> Parts:
        """A path as this layer and those below spell it: the kernel goes through links by exact names."""
        here, at = self._top, 0
        while at < len(path):
            found = here.own.get(fold(path[at]))
            if not isinstance(found, Folder):
                break
            here, at = found, at + 1
        if at == len(path):
            return here.parts
        key = fold(path[at])
        known = here.own.get(key)
        if isinstance(known, str):
            return (*here.parts, known, *path[at + 1:])
        if isinstance(known, Entry):
            return (*here.parts, self._spelt(here, key, known.path.rpartition("/")[2]), *path[at + 1:])
        return self._lower.spelt((*here.parts, *path[at:])) if here.there else (*here.parts, *path[at:])

    def _hide(self) -> None:
        """Whiteouts, where there is something to hide: one over nothing would show up as a file."""
        for folder, key in sorted(self._whiteouts, key=lambda one: len(one[0].parts)):
            above: Folder | None = folder
            while above is not None and above.there and not above.opaque:
                above = above.above
            if above is not None:
                continue  # what is below does not count there
            node = self._below(folder).get(key)
            own = folder.own.get(key)
            if node is None:
                continue
            if own is None:
                with suppress(FileExistsError):  # twice in the layer
                    make_whiteout(self._fd(folder), node.name, self._owner)
            elif isinstance(own, Folder) and node.sort is Sort.FOLDER:
                make_opaque(self._fd(own))
                own.opaque = True


def _contradiction(path: str) -> FormatError:
    return FormatError("cannot unpack a layer", why=f"it has {path[:200]} both as a folder and as something else, or "
                       "something below what is no folder", path=path)
