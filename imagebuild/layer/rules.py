# SPDX-License-Identifier: Apache-2.0
"""What Windows' importers demand of one entry, checked before a byte of it is written.

Sources: hcsshim ``internal/wclayer/legacy.go``, ``baselayerwriter.go``, ``pkg/ociwclayer/cim/import.go``; go-winio
``backuptar/tar.go``, ``reparse.go``, ``ea.go``.
"""

from __future__ import annotations

import re

from ..errors import InputError, UnsupportedError, quoted
from ..windows.names import MAX_NAME, MAX_PATH, check_name
from .entry import ATTRIBUTE_DIRECTORY, ATTRIBUTE_REPARSE_POINT, Entry, Kind
from .header import WHITEOUT

HIVES = ("DefaultUser_Delta", "Sam_Delta", "Security_Delta", "Software_Delta", "System_Delta")
"""The registry deltas a layer can have, spelt as Windows spells them (containerd ``continuity/fs/fstest``)."""

MAX_SECURITY = 1 << 16
_LARGEST_EA = 0xFFFF

# Anything that may be wrong with a name: looked at closely only when this finds something.
_SUSPICIOUS = re.compile(r'[\x00-\x1f<>:"|?*\\/\ud800-\udfff\U00010000-\U0010ffff]|[. ]$|^$|^\.wh\.'
                         r'|^(?:con|prn|aux|nul|com.|lpt.|conin\$|conout\$) *(?:\.|$)', re.IGNORECASE)


def check_component(name: str, path: str) -> None:
    """Whether ``name``, the last component of ``path``, can be a name in a layer."""
    if len(name) <= MAX_NAME and not _SUSPICIOUS.search(name):
        return
    if ":" in name:
        raise UnsupportedError(f"cannot put {path} into a layer",
                               why="a colon names an alternate stream, and Windows' two importers want it written in "
                               "two forms that exclude each other, so no layer could carry it to both",
                               hint="leave the stream out", path=path)
    if name.startswith(WHITEOUT):
        raise UnsupportedError(f"cannot put {path} into a layer",
                               why=f"a name that begins with {WHITEOUT} means that a file disappears",
                               hint="rename the file", path=path)
    if "/" in name or "\\" in name or not name:
        raise InputError(f"{quoted(path)} is not the path of an entry",
                         why="components are separated by single slashes",
                         path=path)
    check_name(name)


def check_length(path: str) -> None:
    """Whether the whole path stays below what a UNICODE_STRING can hold."""
    if len(path.encode("utf-16-le")) // 2 > MAX_PATH:
        raise UnsupportedError(f"cannot put {path[:60]}... into a layer",
                               why=f"a path has at most {MAX_PATH} UTF-16 units",
                               hint="use shorter or fewer folder names", path=path)


def check_place(entry: Entry, base: bool) -> None:
    """Whether a layer may have such an entry at that place among the top-level names."""
    path = entry.path
    top, _unused, below = path.partition("/")
    if top == "Files":
        if not below and entry.kind is not Kind.DIRECTORY:
            raise _not_allowed(path, "Files is the C: drive and must be a directory")
        return
    if entry.kind is Kind.WHITEOUT and not path.startswith("UtilityVM/Files/"):
        raise _not_allowed(path, "whiteouts can only stand under Files and UtilityVM/Files")
    if top == "Hives":
        if base:
            raise _not_allowed(path, "a base layer has no Hives; Windows makes them from Files/Windows/System32/config")
        if (below and (below not in HIVES or entry.kind is not Kind.FILE)) or \
                (not below and entry.kind is not Kind.DIRECTORY):
            raise _not_allowed(path, f"Hives is a directory that holds only the files {', '.join(HIVES)}")
    elif top == "UtilityVM":
        if below and below != "Files" and not below.startswith("Files/"):
            raise _not_allowed(path, "UtilityVM holds only Files")
        if below in ("", "Files") and entry.kind is not Kind.DIRECTORY:
            raise _not_allowed(path, "it must be a directory")
    else:
        raise _not_allowed(path, "a layer has only Files, Hives and UtilityVM at its top, spelt so")


def check_values(entry: Entry, base: bool) -> None:
    """Whether everything but path, size and target is there and goes together."""
    kind = entry.kind
    if kind is Kind.WHITEOUT:
        if entry.attributes is not None or entry.security is not None or entry.times is not None or entry.eas:
            raise _wrong(entry, "a whiteout is a name and nothing else")
        return
    if entry.times is None:
        raise _wrong(entry, "it has no times, and Windows would show the year 1754")
    attributes = entry.attributes
    if attributes is None or not 0 <= attributes <= 0xFFFFFFFF:
        raise _wrong(entry, "it has no attributes" if attributes is None else f"{attributes:#x} are no attributes")
    if bool(attributes & ATTRIBUTE_DIRECTORY) != entry.is_directory():
        raise _wrong(entry, f"its attributes {attributes:#x} do not go with a {kind.value} (0x10 is a directory)")
    if bool(attributes & ATTRIBUTE_REPARSE_POINT) != entry.is_reparse():
        raise _wrong(entry, f"its attributes {attributes:#x} do not go with a {kind.value} (0x400 is a reparse point)")
    _check_security(entry, base)
    _check_eas(entry)


def check_target(entry: Entry) -> None:
    """Whether size and target go with the kind; a hard link's target is looked up by the writer."""
    kind, target = entry.kind, entry.target
    if entry.size and (kind is not Kind.FILE or entry.size < 0):
        raise _wrong(entry, f"a {kind.value} cannot have the size {entry.size}")
    if kind is Kind.HARD_LINK or entry.is_reparse():
        if not target or "\0" in target:
            raise _wrong(entry, f"a {kind.value} needs a target")
        if entry.is_reparse():
            if "/" in target:
                raise _wrong(entry, f"the target {quoted(target)} is not written with backslashes")
            if len(target.encode("utf-16-le", "surrogatepass")) > 2 * 8000:
                raise UnsupportedError(f"cannot put {entry.path} into a layer",
                                       why="its target is longer than a reparse point can hold", path=entry.path)
        if kind is Kind.JUNCTION and not re.match(r"[A-Za-z]:\\|\\\\\?\\|\\\?\?\\", target):
            raise UnsupportedError(f"cannot put the junction {entry.path} into a layer",
                                   why=f"its target {quoted(target)} is not absolute, and NTFS has no relative "
                                   "junctions",
                                   hint="give a target like C:\\dir, or use a directory symlink", path=entry.path)
        try:
            target.encode()
        except UnicodeEncodeError as error:
            raise _wrong(entry, "its target is not Unicode text") from error
    elif target:
        raise _wrong(entry, f"a {kind.value} has no target")


def _check_security(entry: Entry, base: bool) -> None:
    security, path = entry.security, entry.path
    if security is None:
        if path.startswith(("Files/", "UtilityVM/Files/")) and entry.kind is not Kind.HARD_LINK:
            raise _wrong(entry, "it has no security descriptor; on Windows it could be denied or open to all")
        return
    if path.startswith("Hives") or (path == "Files" and not base):
        raise _wrong(entry, "Windows exports Files and Hives without a security descriptor")
    if len(security) < 20 or security[0] != 1 or len(security) > MAX_SECURITY:
        raise _wrong(entry, "its security descriptor is not one")


def _check_eas(entry: Entry) -> None:
    names = [name for name, _unused in entry.eas]
    if names != sorted(names) or len({name.upper() for name in names}) != len(names):
        raise _wrong(entry, "its extended attributes are not sorted by name, each once")
    for name, value in entry.eas:
        if not name or not name.isascii() or len(name) > 254 or not name.isprintable() or "=" in name:
            raise _wrong(entry, f"{quoted(name)} cannot be the name of an extended attribute")
        if len(value) > _LARGEST_EA:
            raise _wrong(entry, f"its extended attribute {name} has {len(value)} bytes, {_LARGEST_EA} are allowed")


def _wrong(entry: Entry, why: str) -> InputError:
    return InputError(f"cannot put {entry.path} into a layer", why=why, path=entry.path)


def _not_allowed(path: str, why: str) -> UnsupportedError:
    return UnsupportedError(f"cannot put {path} into a layer", why=why, path=path)
