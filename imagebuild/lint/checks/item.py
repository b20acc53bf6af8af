# SPDX-License-Identifier: Apache-2.0
"""One entry as the checkers see it, whether it comes from a tar's header or from whoever writes a layer.

Unlike :func:`imagebuild.layer.read` nothing is refused here: what is wrong is what we are looking for.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from ...layer import Entry, Kind

Problems = tuple[tuple[str, str], ...]
"""Rules that are broken, each with what is to be said."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an entry carries. ``attributes`` is ``None`` when there are none that can be read, ``security`` when there
    is none that can be; ``secured`` says that there was something. ``untimed`` names the times that are missing."""

    attributes: int | None = None
    security: bytes | None = None
    secured: bool = False
    untimed: str = ""
    junction: bool = False
    sparse: bool = False
    problems: Problems = ()


class Item:
    """An entry under examination.

    ``name`` is the name as written (with ``.wh.`` and slashes), ``path`` the tidied path; for a whiteout the path that
    goes. ``folder`` and ``base`` are the two parts of ``path``, ``key`` its folded form, set when it was placed.
    """

    __slots__ = ("base", "facts", "folder", "key", "kind", "name", "offset", "path", "size", "target", "typeflag")

    def __init__(self, name: str, path: str, kind: Kind, facts: Facts, *, typeflag: bytes = b"", size: int = 0,
                 target: str = "", offset: int | None = None) -> None:
        self.name = name
        self.path = path
        self.folder, _unused, self.base = path.rpartition("/")
        self.key = ""
        self.kind = kind
        self.facts = facts
        self.typeflag = typeflag
        self.size = size
        self.target = target
        self.offset = offset


def kind_of(typeflag: bytes, facts: Facts) -> Kind:
    """What the importer makes of a typeflag; everything it does not know is a file."""
    if typeflag == b"5":
        return Kind.DIRECTORY
    if typeflag == b"1":
        return Kind.HARD_LINK
    if typeflag != b"2":
        return Kind.FILE
    if facts.junction:
        return Kind.JUNCTION
    return Kind.DIRECTORY_SYMLINK if (facts.attributes or 0) & 0x10 else Kind.SYMLINK


TYPEFLAGS = {Kind.FILE: b"0", Kind.DIRECTORY: b"5", Kind.SYMLINK: b"2", Kind.DIRECTORY_SYMLINK: b"2",
             Kind.JUNCTION: b"2", Kind.HARD_LINK: b"1", Kind.WHITEOUT: b"0"}


def records_of(entry: Entry) -> dict[bytes, bytes]:
    """The records an entry would have in a tar, times left out: the checkers of records then look at both alike."""
    pax = {b"MSWINDOWS.xattr." + name.encode("utf-8", "surrogatepass"): b64encode(value) for name, value in entry.eas}
    if entry.attributes is not None:
        pax[b"MSWINDOWS.fileattr"] = b"%d" % entry.attributes
    if entry.security is not None:
        pax[b"MSWINDOWS.rawsd"] = b64encode(entry.security)
    if entry.kind is Kind.JUNCTION:
        pax[b"MSWINDOWS.mountpoint"] = b"1"
    return pax


__all__ = ["TYPEFLAGS", "Facts", "Item", "Problems", "kind_of", "records_of"]
