# SPDX-License-Identifier: Apache-2.0
"""Folders that root mounts into boxes and that the account of boxes may not enter: pytest's ``tmp_path``, a home.

Neither the folder nor the way to it is opened to that account. In a mount namespace of its own, which only bubblewrap
is started in, the folder is mounted a second time where the account may go, with the folder's owner and the account
exchanged (an idmapped mount, ``mount_setattr(2)``): a box acts there as the owner does, and what it leaves belongs to
the owner. The namespace, and the mounts with it, ends with bubblewrap, however that happens.

The mount is made from the descriptor that was checked, and bubblewrap gets a descriptor of the mount.

Sources: mount_setattr(2), open_tree and move_mount (linux/mount.h), user_namespaces(7).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock

from ...errors import ToolError
from .. import install as wine_install
from ..port import OpenFolder
from .account import Account

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_CLONE = 1  # OPEN_TREE_CLONE
_FROM_EMPTY, _TO_EMPTY = 0x4, 0x40  # MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH
_EMPTY, _RECURSIVE = 0x1000, 0x8000  # AT_EMPTY_PATH, AT_RECURSIVE
_NOSUID, _NODEV, _IDMAP = 0x2, 0x4, 0x100000  # MOUNT_ATTR_*
_NEW_MOUNTS = 0x20000  # CLONE_NEWNS
_SLAVE = 0x80000 | 0x4000  # MS_SLAVE | MS_REC

_IDS = 1 << 32


class Idmaps:
    """The user namespaces that exchange an owner of folders and the account of boxes, one for each owner."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = Lock()
        self._made: dict[tuple[int, int], int] = {}

    def mount(self, folder: OpenFolder) -> OpenFolder:
        """Return a mount of the folder, attached nowhere, in which its owner and the account are exchanged.

        ToolError, with what to do, where the kernel or the file system has no such mounts.
        """
        about = os.fstat(folder.fileno())
        tree = _system(_OPEN_TREE, folder.fileno(), b"", _CLONE | _EMPTY | _RECURSIVE | os.O_CLOEXEC, what=folder)
        mount = OpenFolder(tree)
        owner = about.st_uid, about.st_gid
        flags, space = _NOSUID | _NODEV, 0
        if owner[0] != self._account.uid:
            flags, space = flags | _IDMAP, self._space(owner)
        attributes = struct.pack("=4Q", flags, 0, 0, space)
        _system(_MOUNT_SETATTR, tree, b"", _EMPTY | _RECURSIVE, attributes, len(attributes), what=folder)
        return mount

    def close(self) -> None:
        """Close the namespaces; mounts that use them keep them."""
        with self._lock:
            for descriptor in self._made.values():
                os.close(descriptor)
            self._made.clear()

    def _space(self, owner: tuple[int, int]) -> int:
        with self._lock:
            if owner not in self._made:
                self._made[owner] = _user_namespace(
                    _exchanged(owner[0], self._account.uid, _ours("uid_map")),
                    _exchanged(owner[1], self._account.gid, _ours("gid_map")))
            return self._made[owner]


@contextmanager
def attached(mounts: Sequence[OpenFolder], folder: Path) -> Iterator[None]:
    """Run the block with this thread in a mount namespace of its own, where these mounts are at ``mounts/0``,
    ``mounts/1`` and so on in a folder that the account may pass. Processes begun in the block stay in it. ToolError
    where the machine does not let us."""
    if not mounts:
        yield
        return
    system = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _checked(system.unshare(_NEW_MOUNTS), mounts[0])
        try:
            _checked(system.mount(b"none", b"/", None, _SLAVE, None), mounts[0])
            with ExitStack() as stack:
                above = _below(stack, None, os.fspath(folder), mounts[0])
                place = _below(stack, above, "mounts", mounts[0])
                for number, mount in enumerate(mounts):
                    at = _below(stack, place, str(number), mount)
                    _system(_MOVE_MOUNT, mount.fileno(), b"", at, b"", _FROM_EMPTY | _TO_EMPTY, what=mount)
            yield
        finally:
            if system.setns(before, _NEW_MOUNTS):
                raise OSError(ctypes.get_errno(), "cannot leave a mount namespace")
    finally:
        os.close(before)


def _below(stack: ExitStack, parent: int | None, name: str, what: OpenFolder) -> int:
    """A descriptor of a folder in an open one, made where it is missing; never through a link, for the account may
    own the folder of a box."""
    try:
        if parent is not None:
            with suppress(FileExistsError):
                os.mkdir(name, 0o711, dir_fd=parent)
        opened = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    except OSError as error:
        raise _refused(error, what) from error
    stack.callback(os.close, opened)
    return opened


def _user_namespace(uids: str, gids: str) -> int:
    """A descriptor of a new user namespace with these maps. It holds no process."""
    command = [wine_install.find("unshare"), "--user", "cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          cwd="/", env={}) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(b"x")
            process.stdin.flush()
            if process.stdout.read(1) != b"x":
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            folder = Path(f"/proc/{process.pid}")
            (folder / "uid_map").write_text(uids)
            (folder / "gid_map").write_text(gids)
            return os.open(folder / "ns/user", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ToolError("cannot mount a folder", program="unshare", hint=_HINT,
                            why=f"this machine lets nobody make a user namespace: {error.strerror}") from error
        finally:
            process.kill()


def _exchanged(one: int, other: int, ours: Sequence[tuple[int, int]]) -> str:
    """The lines of an id map that exchanges two ids and leaves all others of ``ours`` (ranges: first, after the last)
    as they are."""
    lines = [f"{one} {other} 1", f"{other} {one} 1"] if one != other else [f"{one} {one} 1"]
    cuts = sorted({one, other})
    for first, after in ours:
        for cut in (*cuts, after):
            until = min(max(cut, first), after)
            if until > first:
                lines.append(f"{first} {first} {until - first}")
            first = max(first, cut + 1)
    return "\n".join(lines)


def _ours(name: str) -> list[tuple[int, int]]:
    """The ranges of ids that this process knows."""
    lines = Path("/proc/self", name).read_text("ascii").splitlines()
    return [(int(first), min(int(first) + int(count), _IDS - 1)) for first, _unused, count in map(str.split, lines)]


def _system(number: int, *arguments: object, what: OpenFolder) -> int:
    """A system call that has no name in every libc. ToolError."""
    return _checked(ctypes.CDLL(None, use_errno=True).syscall(number, *arguments), what)


def _checked(answer: int, what: OpenFolder) -> int:
    if answer < 0:
        code = ctypes.get_errno()
        raise _refused(OSError(code, os.strerror(code)), what)
    return answer


_HINT = "mount a folder that this account may enter"


def _refused(error: OSError, what: OpenFolder) -> ToolError:
    why, hint = f"{what.path}: {error.strerror}", _HINT
    if error.errno in (errno.EINVAL, errno.EOPNOTSUPP):
        why = f"the file system of {what.path} has no idmapped mounts (ext4, xfs, btrfs and tmpfs have them)"
        hint = "put it on one that has (pytest --basetemp=/dev/shm/tests), or let this account enter it"
    elif error.errno in (errno.EPERM, errno.ENOSYS):
        why = f"{what.path} is closed to the account of containers, and root may not mount it for them on this machine"
    return ToolError("cannot mount a folder", why=why, hint=hint)
