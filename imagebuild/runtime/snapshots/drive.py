# SPDX-License-Identifier: Apache-2.0
"""Drive ``C:`` of one container, whether it runs or not: paths looked up, folders opened and made.

Paths are looked up as Windows does, without regard to case, links on the way followed; but they are followed here, name
by name in the container's own view, and never by this machine's kernel. Everything is opened from a folder that no
program of the container can exchange, one name at a time, and never through a link. So what a program exchanges
meanwhile becomes an error, and never another place.
"""

from __future__ import annotations

import errno
import os
import stat
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import InputError, NotFoundError, StoreError, ToolError
from ...windows.names import join
from ...windows.upcase import fold
from .. import links
from ..descent import Descent
from ..port import MountedDrive
from .merged import Merged, Node, Parts
from .overlay import OPEN_FOLDER, Sort, make_opaque, open_folder, opened, remove

MAX_LINKS = 63


class Drive:
    """The drive of one container: ``view`` is what it sees, its topmost folder the one that is written to.

    For a container that does not run these are Wine's drive, the layers and the upper folder, and what is made becomes
    ``owner``'s. For one that runs use :meth:`of_running`. The work on files stands in blocks of :meth:`acting`.
    """

    def __init__(self, view: Merged, owner: int | None = None) -> None:
        self.view = view
        self._upper = view.folders[-1]
        self._owner = owner if owner != os.geteuid() else None
        self._mounted: MountedDrive | None = None
        self._known: Parts = ()  # the folder that was last made or found, spelt as it is; no link leads to it

    @classmethod
    def of_running(cls, mounted: MountedDrive) -> Drive:
        """The drive of a running box. Its descriptor is closed when the last reference to the drive is gone, so that
        no thread is ever left with the number of another file."""
        drive = cls(Merged((Path(f"/proc/self/fd/{mounted.fd}"),)))
        drive._mounted = mounted
        weakref.finalize(drive, os.close, mounted.fd)
        return drive

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Within the block the files of a running box are those of its programs, and the kernel checks its account.
        ToolError when the box has ended: its mounts are gone then, and paths lead elsewhere."""
        if self._mounted is None:
            yield
            return
        self._check_running(self._mounted)
        try:
            with self._mounted.acting():
                yield
        except StoreError as error:
            root = str(self._upper)
            raise StoreError(error.what.replace(root, "C:"), why=error.why, code=error.facts.get("code")) from error
        self._check_running(self._mounted)

    def _check_running(self, mounted: MountedDrive) -> None:
        if mounted.over():
            raise ToolError("cannot copy files", why="the container ended meanwhile", hint="copy again")

    # --- looking up

    def find(self, path: Parts, *, follow: bool = False) -> tuple[Parts, Node]:
        """What is at a path, and the path as it is spelt; NotFoundError. A link at its end is only followed with
        ``follow``."""
        place = self.resolve(path) if follow else (*self.resolve(path[:-1]), path[-1]) if path else ()
        node = self.view.get(place)
        if node is None or node.sort is Sort.OTHER:
            raise missing(path)
        return (*place[:-1], node.name) if place else (), node

    def folder(self, path: Parts) -> Parts:
        """A folder as it is spelt, all links followed. NotFoundError, InputError when it is another thing."""
        place, node = self.find(path, follow=True)
        if node.sort is not Sort.FOLDER:
            raise InputError("extraction point is not a directory", path=join(path))  # moby's words
        return place

    def resolve(self, path: Parts) -> Parts:
        """A path with all links followed, spelt as what is there. NotFoundError for a circle, and for a link that
        leads out of ``C:``."""
        out = self._known if path[:len(self._known)] == self._known else ()
        todo, seen = deque(path[len(out):]), 0
        while todo:
            name = todo.popleft()
            node = self.view.names(out).get(fold(name))
            if node is None or node.sort in (Sort.FILE, Sort.OTHER):
                return (*out, name if node is None else node.name, *todo)
            if node.sort is Sort.LINK:
                seen += 1
                target = links.linux_destination(self.link_text(node, out), out) if seen <= MAX_LINKS else None
                if target is None:
                    raise NotFoundError(f"cannot follow {join(path)}", path=join(path),
                                        why="a link on the way runs in a circle or leads out of C:")
                todo, out = deque((*target, *todo)), ()
                continue
            out = (*out, node.name)
        return out

    def link_text(self, node: Node, folder: Parts) -> str:
        """The text of a link in a folder; :data:`..links.NOWHERE` for one that is gone."""
        with opened(self.view.place(node), folder, self.view.way) as number:
            if number is not None:
                with suppress(OSError):
                    return os.readlink(node.name, dir_fd=number)
        return links.NOWHERE

    def open_above(self, place: Parts, node: Node) -> int:
        """The folder that holds what was found, to be read. The caller closes it. NotFoundError when it is gone."""
        number = open_folder(self.view.place(node), place[:-1], self.view.way)
        if number is None:
            raise missing(place)
        return number

    # --- writing

    def make(self, path: Parts, *, replace: bool) -> Parts:
        """A folder that the container sees, made where it is missing; its path as it is spelt. With ``replace`` it
        comes in place of a file, else InputError."""
        out = self._known if path[:len(self._known)] == self._known else ()
        for name in path[len(out):]:
            node = self.view.names(out).get(fold(name))
            if node is not None and node.sort is Sort.FOLDER:
                out = (*out, node.name)
                continue
            if node is not None and not replace:
                raise overwrites("non-directory", (*out, node.name), "directory")
            self._new_folder(out, name if node is None else node.name)
            self.view.learn(out, name if node is None else node.name, Sort.FOLDER)
            out = (*out, name if node is None else node.name)
        self._known = out
        return out

    def _new_folder(self, above: Parts, name: str) -> None:
        number = self.open_to_write(above)
        try:
            remove(number, name)  # a file, or a whiteout
            os.mkdir(name, 0o755, dir_fd=number)
            made = os.open(name, OPEN_FOLDER, dir_fd=number)
            try:
                if len(self.view.folders) > 1:  # what is below was not to be seen before
                    make_opaque(made)
                self.own(made)
            finally:
                os.close(made)
        finally:
            os.close(number)

    def open_to_write(self, path: Parts) -> int:
        """A folder that the container sees, where it is written to. In an upper folder it may have to be made first:
        there it only adds to the one below. The caller closes it."""
        number, begun = self.view.way.begin(self._upper, path)
        for at, name in enumerate(path[begun:], begun + 1):
            try:
                try:
                    inner = os.open(name, OPEN_FOLDER, dir_fd=number)
                except FileNotFoundError:
                    if self._mounted is not None:
                        raise
                    with suppress(FileExistsError):
                        os.mkdir(name, 0o755, dir_fd=number)
                    inner = os.open(name, OPEN_FOLDER, dir_fd=number)
                    self.own(inner)
            except OSError as error:
                if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENOENT):
                    raise InputError(f"cannot write to {join(path)}", path=join(path),
                                     why="it was a folder, and a program of the container exchanged it") from error
                raise
            finally:
                os.close(number)
            number = inner
            self.view.way.passed(self._upper, path, at, number)
        return number

    def remove(self, folder: int, place: Parts) -> None:
        """Remove what is at a place, with all below it, to put another thing there. InputError where that would empty
        what is mounted in a running box."""
        if self._mounted is not None and _holds_mount(folder, place[-1]):
            raise InputError(f"cannot replace {join(place)}", path=join(place), why="a folder is mounted there")
        if self._known[:len(place)] == place:
            self._known = ()
            self.view.way.forget()
        remove(folder, place[-1])

    def own(self, number: int) -> None:
        """Give what was made to the account of the container's programs."""
        if self._owner is not None:
            os.fchown(number, self._owner, self._owner)

    def own_link(self, folder: int, name: str) -> None:
        """The same for a link."""
        if self._owner is not None:
            os.chown(name, self._owner, self._owner, dir_fd=folder, follow_symlinks=False)


def missing(path: Parts) -> NotFoundError:
    """There is nothing at a path."""
    return NotFoundError(f"there is no {join(path)} in the container", path=join(path))


def overwrites(old: str, place: Parts, new: str) -> InputError:
    """A folder would come in place of a file or the other way round, in moby's words (``pkg/archive`` Unpack)."""
    return InputError(f'cannot overwrite {old} "{join(place)}" with {new}', path=join(place))


def _holds_mount(folder: int, name: str) -> bool:
    try:
        if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            return False
    except FileNotFoundError:  # what has just gone holds none
        return False
    device = os.fstat(folder).st_dev
    top = os.open(name, OPEN_FOLDER, dir_fd=folder)
    with Descent(top) as place:  # with one descriptor, however deep it is
        levels = [_folders(place.here)]
        while levels:
            if os.fstat(place.here).st_dev != device:
                return True
            if levels[-1]:
                with suppress(OSError):  # it is gone, or may not be entered
                    place.down(levels[-1].pop())
                    levels.append(_folders(place.here))
                continue
            levels.pop()
            if levels:
                place.up()
    return False


def _folders(number: int) -> list[str]:
    with os.scandir(number) as found:
        return [one.name for one in found if one.is_dir(follow_symlinks=False)]
