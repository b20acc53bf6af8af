# SPDX-License-Identifier: Apache-2.0
"""Files of an image as a tree for people, each with its attributes, owner, links and, if wanted, its ACL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ...layer import Kind
from .listing import Files, Item

Acl = Literal["none", "sddl", "words"]

_SIGNS = {Kind.SYMLINK: "->", Kind.DIRECTORY_SYMLINK: "=>", Kind.JUNCTION: "=>", Kind.HARD_LINK: "="}


def draw_tree(files: Files, path: str = "", *, acl: Acl = "none", layers: bool = True) -> Iterator[str]:
    """Lines of the tree below ``path``. ``layers`` tells, for each entry, the number of the layer it comes from.

    ``->`` is a file symlink, ``=>`` a directory symlink or junction, ``=`` a hard link, ``(gone)`` a whiteout. Most
    files of an image share a few ACLs, so an entry shows the number of its ACL, and each ACL stands once below
    the tree.
    """
    drawing = _Drawing(acl, layers and files.layer is None)
    top = files.get(path)
    yield drawing.line(top, top.path)
    # Indentation, and what is left to draw there, the next one last.
    stack: list[tuple[str, list[Item]]] = [("", _below(files, top))]
    while stack:
        indent, items = stack[-1]
        if not items:
            stack.pop()
            continue
        item = items.pop()
        yield f"{indent}{'├── ' if items else '└── '}{drawing.line(item, item.name)}"
        stack.append((indent + ("│   " if items else "    "), _below(files, item)))
    yield from drawing.legend()


def _below(files: Files, folder: Item) -> list[Item]:
    return files.children(folder)[::-1] if folder.entry.kind is Kind.DIRECTORY else []


class _Drawing:
    """Writes one entry as a line, and remembers the ACLs it came across."""

    def __init__(self, acl: Acl, layers: bool) -> None:
        self._acl = acl
        self._layers = layers
        self._numbers: dict[bytes, int] = {}
        self._examples: list[Item] = []

    def line(self, item: Item, name: str) -> str:
        entry = item.entry
        text = shown(name)
        if entry.kind is Kind.WHITEOUT:
            return f"{text} (gone)"
        if entry.kind is Kind.DIRECTORY and not name.endswith(("\\", "/")):
            text += "\\"
        if entry.target:
            text += f" {_SIGNS.get(entry.kind, '->')} {shown(entry.target)}"
        parts = [text]
        if entry.kind is Kind.FILE:
            parts.append(f"{item.size:,} B")
        parts += [fact for fact in (item.letters, item.owner) if fact]
        if self._layers:
            parts.append(f"layer {item.layer}")
        if self._acl != "none" and entry.security is not None:
            parts.append(f"[acl {self._number(item, entry.security)}]")
        return "  ".join(parts)

    def legend(self) -> Iterator[str]:
        """Each ACL once, in the order in which the tree came across them."""
        for number, item in enumerate(self._examples, 1):
            if self._acl == "sddl":
                yield f"[acl {number}] {item.sddl()}"
            else:
                yield f"[acl {number}]"
                yield from (f"    {line}" for line in item.words())

    def _number(self, item: Item, security: bytes) -> int:
        if security not in self._numbers:
            self._numbers[security] = len(self._numbers) + 1
            self._examples.append(item)
        return self._numbers[security]


def shown(text: str) -> str:
    """A name that cannot play tricks on a terminal: control characters are written out, right-to-left marks too."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"
                   for char in text)


__all__ = ["Acl", "draw_tree", "shown"]
