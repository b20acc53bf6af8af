# SPDX-License-Identifier: Apache-2.0
r"""Links: what Windows keeps in a reparse point, as the text of a Linux link that Wine goes through, and back.

A Linux link has only its text, and Windows wants three things more: whether it is a file's or a folder's, whether it is
a junction, and whether the target was written from the drive's root. The text says them in ways that no kernel minds:

========================================  ====================================================
``mklink a b`` in ``C:\x``                ``b``
``mklink /D a b``                         ``b/``
``mklink /D a C:\y\b``                    ``./../y/b/``: ``./`` in front stands for ``C:\``
``mklink /J a C:\y\b``                    ``./../y/b/.``
``mklink a D:\b``, ``\\server\share\b``   ``/nowhere/D:\b``: leads nowhere, and is not forgotten
========================================  ====================================================

A link never climbs above ``C:\``: it goes up exactly as far as the folder that it stands in is deep.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..layer import Kind
from .snapshots.merged import Parts

NOWHERE = "/nowhere/"
"""Where links lead that do not stay on ``C:``. The sandbox has no such folder, and its root cannot be written to."""
DRIVE = "/prefix/drive_c"
"""Where ``C:\\`` is inside the sandbox, for links that a program made with a Linux path."""
LONGEST = 4000
"""Bytes in the text of a link; Linux takes 4,095."""

_SUFFIX = {Kind.SYMLINK: "", Kind.DIRECTORY_SYMLINK: "/", Kind.JUNCTION: "/."}


@dataclass(frozen=True, slots=True)
class Link:
    """A link as Windows has it: its kind (never HARD_LINK), and its target in its raw form, with backslashes."""

    kind: Kind
    target: str


def destination(target: str, folder: Parts) -> Parts | None:
    """Where a Windows target leads, seen from the folder that the link stands in; ``None`` when not to ``C:``."""
    text = target.replace("/", "\\")
    for prefix in ("\\\\?\\", "\\??\\"):
        text = text.removeprefix(prefix)
    if text[1:2] == ":":
        if text[0] not in "cC":
            return None
        text = "\\" + text[2:].lstrip("\\")
    elif text.startswith("\\\\") or text.lower().startswith(("volume{", "unc\\")):
        return None
    return _walk(text.split("\\"), () if text.startswith("\\") else folder)


def is_absolute(target: str) -> bool:
    """Whether a Windows target begins at a root: ``C:\\x``, ``\\x``, ``\\\\?\\C:\\x``."""
    return target[1:2] == ":" or target[:1] in ("\\", "/")


def to_linux(link: Link, folder: Parts, spelt: Parts | None) -> str:
    """The text of the Linux link; ``spelt`` is :func:`destination` with the names spelt as they are there."""
    if spelt is None:
        return NOWHERE + link.target.replace("/", "\\") + _SUFFIX[link.kind]
    if link.kind is Kind.JUNCTION or is_absolute(link.target):
        return "./" + ("/".join((*[".."] * len(folder), *spelt)) or ".") + _SUFFIX[link.kind]
    shared = 0
    while shared < min(len(folder), len(spelt)) and folder[shared] == spelt[shared]:
        shared += 1
    if shared == len(spelt):  # the link's own folder or one above it: its name has to be in the text
        shared = max(shared - 1, 0)
    text = "/".join((*[".."] * (len(folder) - shared), *spelt[shared:])) or "."
    return text + _SUFFIX[link.kind]


def from_linux(text: str, folder: Parts) -> Link | None:
    """The link that a text stands for; ``None`` for one that a program made to somewhere outside ``C:\\``."""
    kind = Kind.JUNCTION if text.endswith("/.") else Kind.DIRECTORY_SYMLINK if text.endswith("/") else Kind.SYMLINK
    text = text[:len(text) - len(_SUFFIX[kind])]
    if text.startswith(NOWHERE):
        return Link(kind, text[len(NOWHERE):])
    if text.startswith("/"):
        if text != DRIVE and not text.startswith(DRIVE + "/"):
            return None
        return Link(kind, "C:\\" + "\\".join(_walk(text[len(DRIVE):].split("/"), ())))
    if text.startswith("./"):
        return Link(kind, "C:\\" + "\\".join(_walk(text[2:].split("/"), folder)))
    return Link(kind, text.replace("/", "\\"))


def linux_destination(text: str, folder: Parts) -> Parts | None:
    """Where the text of a Linux link leads below ``C:\\``; ``None`` when it leads elsewhere."""
    link = from_linux(text, folder)
    return None if link is None or text.startswith(NOWHERE) else destination(link.target, folder)


def _walk(names: list[str], folder: Parts) -> Parts:
    out = list(folder)
    for name in names:
        if name == "..":
            del out[-1:]
        elif name not in ("", "."):
            out.append(name)
    return tuple(out)
