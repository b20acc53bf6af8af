# SPDX-License-Identifier: Apache-2.0
"""The system calls that no program of a box may make, as a classic BPF program for x86-64.

Windows programs can make Linux system calls of their own accord, so the kernel is the wall, not Wine. The list takes
away what gives new powers or reaches parts of the kernel that Wine has no use for; Wine runs unchanged under it.
A denied call gives EPERM, and so does one that would make a program setuid; ``clone3`` gives ENOSYS, since its flags
lie in memory where a filter cannot look (glibc then uses ``clone``); a socket of a denied family gives EAFNOSUPPORT.
Not on the list, because wineserver and Windows debuggers need them: ptrace, process_vm_readv and
process_vm_writev, memfd_create, seccomp.

Sources: linux/filter.h, linux/seccomp.h, asm/unistd_64.h; the numbers are the kernel's ABI and never change.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable
from functools import cache

# linux/filter.h, linux/bpf_common.h
_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

# offsets in struct seccomp_data
_NUMBER, _ARCH = 0, 4
_ARGUMENT = 16  # eight bytes each, the low half first

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_X86_64 = 0xC000003E
_X32_BIT = 0x40000000
_CLONE_NEWUSER = 0x10000000

DENIED = {
    "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "swapon": 167, "swapoff": 168,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "mount_setattr": 442, "open_tree_attr": 467,
    "unshare": 272, "setns": 308, "pidfd_getfd": 438,
    "init_module": 175, "delete_module": 176, "finit_module": 313, "kexec_load": 246, "kexec_file_load": 320,
    "reboot": 169, "acct": 163, "quotactl": 179, "quotactl_fd": 443, "syslog": 103,
    "iopl": 172, "ioperm": 173, "sethostname": 170, "setdomainname": 171,
    "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "lookup_dcookie": 212,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "add_key": 248, "request_key": 249, "keyctl": 250,
    "name_to_handle_at": 303, "open_by_handle_at": 304, "personality": 135, "process_madvise": 440,
    "fanotify_init": 300, "settimeofday": 164, "clock_settime": 227, "adjtimex": 159, "clock_adjtime": 305,
    "vhangup": 153, "move_pages": 279, "migrate_pages": 256, "mbind": 237, "set_mempolicy": 238,
}
"""Calls that always fail, with their x86-64 numbers."""

ENTERING = ("setns", "chroot")
"""The denied calls that ``nsenter`` makes. Both need capabilities, which what it starts has no more."""

FAMILIES = {"AF_PACKET": 17, "AF_RDS": 21, "AF_ALG": 38, "AF_VSOCK": 40, "AF_XDP": 44, "AF_TIPC": 30, "AF_CAN": 29,
            "AF_BLUETOOTH": 31, "AF_NFC": 39, "AF_KCM": 41, "AF_QIPCRTR": 42, "AF_SMC": 43}
"""Socket families that cannot be opened."""

TERMINAL_REQUESTS = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C}
"""ioctl requests that put characters into somebody's terminal."""

SET_ID_BITS = 0o6000
"""S_ISUID and S_ISGID: with them a program, which a box may leave in a mount, runs as its owner on this machine."""

MODES = {"chmod": (90, 1), "fchmod": (91, 1), "fchmodat": (268, 2), "fchmodat2": (452, 2)}
"""Calls that give a file another mode: number, and which argument it is. Those that make a file with a mode are not
here: the kernel takes the bits away from a file into which an ordinary process writes."""

_CLONE, _CLONE3, _SOCKET, _SOCKETPAIR, _IOCTL = 56, 435, 41, 53, 16


@cache
def program(*, entering: bool = False) -> bytes:
    """The filter as ``bwrap --seccomp`` and ``setpriv --seccomp-filter`` read it: struct sock_filter, eight bytes each.

    With ``entering`` that of a program on its way into a box, which may make the calls of :data:`ENTERING` still.
    Deterministic. Other calling conventions than x86-64's own (int 0x80, x32) are refused as a whole: their numbers
    differ, and 64-bit Wine makes no use of them.
    """
    refuse = _ERRNO | errno.EPERM
    code = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, _X86_64), (_RETURN, 0, 0, refuse),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32_BIT), (_RETURN, 0, 0, refuse),
    ]
    for number in sorted(number for name, number in DENIED.items() if not (entering and name in ENTERING)):
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, refuse)]
    code += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    code += _when(_CLONE, 0, _ANY_BIT, [_CLONE_NEWUSER], refuse)
    code += _when(_IOCTL, 1, _EQUAL, TERMINAL_REQUESTS.values(), refuse)
    for number, argument in MODES.values():
        code += _when(number, argument, _ANY_BIT, [SET_ID_BITS], refuse)
    for call in (_SOCKET, _SOCKETPAIR):
        code += _when(call, 0, _EQUAL, FAMILIES.values(), _ERRNO | errno.EAFNOSUPPORT)
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *one) for one in code)


def _when(number: int, argument: int, test: int, values: Iterable[int], answer: int) -> list[tuple[int, int, int, int]]:
    """Where call ``number`` has one of ``values`` in an argument, ``answer``; else allow it. Other calls pass by."""
    body = [(_LOAD, 0, 0, _ARGUMENT + 8 * argument)]
    for value in values:
        body += [(test, 0, 1, value), (_RETURN, 0, 0, answer)]
    body.append((_RETURN, 0, 0, _ALLOW))
    return [(_EQUAL, 0, len(body), number), *body]
