# SPDX-License-Identifier: Apache-2.0
"""Wine's own libraries with a few bytes changed, which boxes have in place of Wine's. Pure: bytes in, bytes out.

What only Wine itself can be told is told by a change of data or of one constant; one test of a number is left out. The
bytes of each change must be there once; a library that is not as we know it is left alone, and :func:`unknown` says
what does not work then.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..install import LOADER, OVERRIDES, Install


@dataclass(frozen=True, slots=True)
class Change:
    """In ``library`` what the pattern ``was`` finds (once) becomes ``now``, of the same length; ``lost`` says in a
    sentence what does not work without it."""

    library: str
    was: bytes
    now: bytes
    lost: str


_VARIABLES = "programs see variables of Wine's, with paths of this machine: its libraries are not as we know them"
_TRUST = ("programs that leave the verdict to Windows (.NET, curl) trust certificates of unknown issuers: this Wine's "
          "crypt32.dll is not as we know it")
_PREFIXES = ("GetAdaptersAddresses fails where prefixes are asked for (Go's net.Interfaces): this Wine's iphlpapi.dll "
             "is not as we know it")
_WINDOW = ("a program that is started with a console of its own (Start-Process) gets none, and \"division by zero\" is "
           "said: this Wine's conhost.exe is not as we know it")
_KEYS = ("Ctrl-C does nothing in a program that reads keys itself (PowerShell's line editor): this Wine's conhost.exe "
         "is not as we know it")
_STACK = "a program that overflows its stack hangs, or ends with 1: this Wine's ntdll.so is not as we know it"
_DETACHED = "services have no console, as they have on Windows: this Wine's services.exe is not as we know it"
_DESKTOP = ("programs that use windows (PowerShell) start a tenth of a second later where none ran in the last second: "
            "this Wine's wineserver64 is not as we know it")

_LINKS = ("programs take links for the folders and files that they lead to (PowerShell, .NET, node): this Wine's "
          "kernelbase.dll is not as we know it")


def _name(library: str, was: str, now: str, encoding: str = "ascii") -> Change:
    """A name in a table of texts becomes another that is no longer."""
    old, new = f"{was}\0".encode(encoding), f"{now}\0".encode(encoding)
    before = b"(?<=\0)" if encoding == "ascii" else b""  # no longer text may end so
    return Change(library, before + re.escape(old), new.ljust(len(old), b"\0"), _VARIABLES)


# ntdll.so tells each program that begins, in its environment, where Wine's parts are (add_dynamic_environment in Wine's
# dlls/ntdll/unix/env.c). SystemDrive and SystemRoot are set last, so what is set under these names before is gone.
# The libraries that would ask for the others do without: every built-in library is in the prefix, too.
_TOLD = {"WINEDATADIR": "SystemDrive", "WINEHOMEDIR": "SystemDrive", "WINECONFIGDIR": "SystemDrive",
         "WINEDLLDIR%u": "SystemDrive", "WINEUSERLOCALE": "SystemDrive",
         "WINELOADER": LOADER, "WINEDLLOVERRIDES": OVERRIDES}
# GetUserName asks the environment. A name that begins with "=" is shown by no program, as those of cmd (=C:) are not.
_USER, _HIDDEN = "WINEUSERNAME", "=USERNAME"

CHANGES = (
    *(_name("ntdll.so", was, now) for was, now in _TOLD.items()),
    _name("ntdll.so", _USER, _HIDDEN),
    _name("advapi32.dll", _USER, _HIDDEN),
    _name("advapi32.dll", _USER, _HIDDEN, "utf-16-le"),
    _name("kernelbase.dll", _USER, _HIDDEN, "utf-16-le"),
    # A chain whose issuer is not there is PARTIAL_CHAIN (0x10000) for Wine, and its policies do not ask for that bit
    # (verify_base_policy and verify_ssl_policy in dlls/crypt32/chain.c): a server that leaves the root out, as all do,
    # is trusted whoever signed. So such a chain gets UNTRUSTED_ROOT (0x20) beside it.
    Change("crypt32.dll", rb"\x81[\x48-\x4b\x4d-\x4f].\x00\x00\x01\x00", b"\x20\x00\x01\x00", _TRUST),
    # Debian's iphlpapi ends with ERROR_INVALID_DATA at a route without a gateway whose prefix has no bits (test r14d,
    # r14d; je), and Linux has one wherever IPv6 is: the one that rejects what no other takes.
    Change("iphlpapi.dll", rb"\x45\x85\xf6\x0f\x84....(?=\xc7\x00\x28\x00\x00\x00)", b"\x66\x0f\x1f\x44\x00\x00",
           _PREFIXES),
    # Without --headless conhost makes a window, measures its letters, and divides by their width, which is 0 where no
    # window is shown. The question is left out (test r14d, r14d; je, after that for the result of create_screen_buffer
    # in wmain, programs/conhost/conhost.c): no console of a box has a window.
    Change("conhost.exe", rb"\x48\x85\xc0\x0f\x84....\x45\x85[\xc0-\xff]\x0f\x84....(?=\x48\x8b)",
           b"\x66\x0f\x1f\x44\x00\x00", _WINDOW),
    # conhost drops Ctrl-C where the mode of its input is without ENABLE_PROCESSED_INPUT, and stops reading (test byte
    # [console+8], 1; je; in tty_input, programs/conhost/conhost.c). There it is a key as others are.
    Change("conhost.exe", rb"\x41\xf6[\x40-\x47]\x08\x01\x0f\x84....(?=\x41\xb9\x08\x00\x00\x00\x41\xb8C\x00\x00\x00)",
           b"\x66\x0f\x1f\x44\x00\x00", _KEYS),
    # services.exe starts a service as DETACHED_PROCESS | CREATE_UNICODE_ENVIRONMENT. CREATE_NO_WINDOW comes in place of
    # the first: a service that is a console program has a console on Windows, and .NET's hosts count on it.
    Change("services.exe", rb"\xc7\x44\x24.\x08\x04\x00\x00", b"\x00\x04\x00\x08", _DETACHED),
    # A second after its last program the process that holds the desktop ends (remove_desktop_user, server/winstation.c:
    # mov rdi, -10,000,000; call add_timeout_user), and the next program starts it anew. One PowerShell comes after
    # another: now it stays a minute.
    Change("wineserver64", rb"\x48\xc7\xc7\x80\x69\x67\xff(?=\xe8)", b"\x00\xba\x3c\xdc", _DESKTOP),
    # A thread's stack ends with a page that raises STATUS_STACK_OVERFLOW and one that ends the thread silently, and the
    # first is all that a handler has: too little for one CONTEXT with AVX-512. So the page that raises is twelve pages
    # above the end (virtual_alloc_thread_stack in dlls/ntdll/unix/virtual.c), and what is below it is the handler's
    # (is_inside_thread_stack). Every stack has a megabyte at least, and Wine clears all above the sixteenth page.
    *(Change("ntdll.so", was, now, _STACK) for was, now in (
        (rb"\xbe\x00\x10\x00\x00\x48\x8d\xb8\x00\x10\x00\x00(?=\xe8)", b"\x00\xc0\x00\x00"),
        (rb"\x31\xc9\x31\xd2\xbe\x00\x20\x00\x00(?=\xe8)", b"\x00\xd0\x00\x00"),
        (rb"\xb9\x00\x20\x00\x00(?=.{12}\x8b\x80\x48\x17\x00\x00)", b"\x00\xc0\x00\x00"),
        (rb"\xbe\x00\x20\x00\x00(?=.{12}\x8b\x80\x48\x17\x00\x00)", b"\x00\xc0\x00\x00"))),
    # CreateFile forgets FILE_FLAG_OPEN_REPARSE_POINT. Now it is among the attributes that it gives NtCreateFile, which
    # is ours (and eax, 0x7fb7: FILE_ATTRIBUTE_VALID_FLAGS).
    Change("kernelbase.dll", rb"\x25\xb7\x7f\x00\x00(?=\x89\x44\x24\x28)", b"\x25\xb7\x7f\x20\x00", _LINKS),
    # FindNextFile clears what says which kind of link a name is (dwReserved0 and 1; mov rax, size; movq 0). It takes
    # it from where NtQueryDirectoryFile has it, EaSize (mov r9d, [rbp+0x40]; mov [r14+0x24], r9d).
    Change("kernelbase.dll", rb"\x48\x8b\x45\x28\x49\xc7\x46\x24\x00\x00\x00\x00",
           b"\x44\x8b\x4d\x40\x45\x89\x4e\x24", _LINKS),
)
"""All that is changed; of a pattern that is longer than what comes in its place, the end is replaced."""

LIBRARIES = tuple(dict.fromkeys(change.library for change in CHANGES))


def altered(install: Install) -> dict[str, bytes]:
    """The libraries with their changes, by name. Of the changes that are for one thing (``lost`` is the same) all are
    made, or none where one does not fit. OSError."""
    out: dict[str, bytes] = {}
    lost = set(unknown(install))
    for library in LIBRARIES:
        changes = [change for change in CHANGES if change.library == library and change.lost not in lost]
        if changes:
            out[library] = _apply((install.library(library)).read_bytes(), changes)
    return out


def unknown(install: Install) -> tuple[str, ...]:
    """What does not work with this Wine, a sentence each."""
    return _lost(install, tuple(_stamp(install.library(library)) for library in LIBRARIES))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:  # a library that is not there has no stamp
        return None
    return found.st_mtime_ns, found.st_size


@functools.lru_cache(maxsize=4)
def _lost(install: Install, stamps: tuple[tuple[int, int] | None, ...]) -> tuple[str, ...]:
    """Search the libraries once for each state of their files: it takes 0.1 s, and `docker version` asks each time."""
    return tuple(dict.fromkeys(_missing(install)))


def _missing(install: Install) -> Iterator[str]:
    for library in LIBRARIES:
        try:
            data = install.library(library).read_bytes()
        except OSError:  # a library that cannot be read lacks every function: told so
            data = b""
        for change in CHANGES:
            if change.library == library and len(re.findall(change.was, data, re.DOTALL)) != 1:
                yield change.lost


def _apply(data: bytes, changes: list[Change]) -> bytes:
    out = bytearray(data)
    for change in changes:
        found = re.search(change.was, data, re.DOTALL)
        assert found is not None
        out[found.end() - len(change.now):found.end()] = change.now
    return bytes(out)
