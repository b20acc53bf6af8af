# SPDX-License-Identifier: Apache-2.0
"""Files of an image as a tree for people, each with its attributes, owner, links and, if wanted, its ACL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ..layer import Kind
from .listing import Files, Item

Acl = Literal["none", "sddl", "words"]

_SIGNS = {Kind.SYMLINK: "->", Kind.DIRECTORY_SYMLINK: "=>", Kind.JUNCTION: "=>", Kind.HARD_LINK: "is"}


def draw_tree(files: Files, path: str = "", *, acl: Acl = "none", layers: bool = True) -> Iterator[str]:
    """Lines of the tree below ``path``. ``layers`` tells, for each entry, the number of the layer it comes from.

    ``->`` is a file symlink, ``=>`` a directory symlink or junction, ``is`` a hard link, ``(gone)`` a whiteout.
    """
    top = files.get(path)
    layers = layers and files.layer is None
    yield _line(top, top.path, layers)
    yield from _acl(top, "", acl)
    if top.entry.kind is not Kind.DIRECTORY:
        return
    stack: list[tuple[str, list[Item]]] = [("", files.children(top)[::-1])]  # indentation, and what is left there
    while stack:
        indent, items = stack[-1]
        if not items:
            stack.pop()
            continue
        item = items.pop()
        below = indent + ("│   " if items else "    ")
        yield f"{indent}{'├── ' if items else '└── '}{_line(item, item.name, layers)}"
        yield from _acl(item, below, acl)
        if item.entry.kind is Kind.DIRECTORY:
            stack.append((below, files.children(item)[::-1]))


def _line(item: Item, name: str, layers: bool) -> str:
    entry = item.entry
    if entry.kind is Kind.WHITEOUT:
        return f"{shown(name)} (gone)"
    parts = [shown(name) + ("\\" if entry.kind is Kind.DIRECTORY and not name.endswith(("\\", "/")) else "")]
    if entry.target:
        parts[0] += f" {_SIGNS.get(entry.kind, '->')} {shown(entry.target)}"
    if entry.kind is Kind.FILE:
        parts.append(f"{item.size:,} B")
    parts += [text for text in (item.letters, item.owner) if text]
    if layers:
        parts.append(f"layer {item.layer}")
    return "  ".join(parts)


def _acl(item: Item, indent: str, acl: Acl) -> Iterator[str]:
    if acl == "none" or item.entry.security is None:
        return
    for line in [item.sddl()] if acl == "sddl" else item.words():
        yield f"{indent}  {line}"


def shown(text: str) -> str:
    """A name that cannot play tricks on a terminal: control characters are written out, right-to-left marks too."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"
                   for char in text)


__all__ = ["Acl", "draw_tree", "shown"]
