# SPDX-License-Identifier: Apache-2.0
"""XML as WS-Management needs it: a strict reader with bounds, and elements that write themselves.

The reader refuses document types, and with them entities of the sender's making, comments aside everything that SOAP
forbids (SOAP 1.2 part 1, section 5), and whatever passes its bounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from ....errors import FormatError

DEPTH = 32
"""How deep elements may lie in each other; a SOAP envelope of any client needs twelve."""
ELEMENTS = 20_000
ATTRIBUTES = 64


@dataclass(slots=True, eq=False)
class Element:
    """An element: ``name`` is (namespace, local name), text is what stands directly in it."""

    name: tuple[str, str]
    attributes: dict[tuple[str, str], str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def find(self, namespace: str, local: str) -> Element | None:
        """Return the first child of that name, or none."""
        return next(self.all(namespace, local), None)

    def all(self, namespace: str, local: str) -> Iterator[Element]:
        """Yield the children of that name."""
        return (child for child in self.children if child.name == (namespace, local))

    def value(self, namespace: str, local: str, default: str = "") -> str:
        """Return the text of the first child of that name, without blanks at its ends."""
        found = self.find(namespace, local)
        return default if found is None else found.text.strip()


def parse(data: bytes) -> Element:
    """Return the root element of a document in UTF-8 or UTF-16; FormatError for everything that is refused."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.ProcessingInstructionHandler = _refuse
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise FormatError("the request is not XML", why=str(error)) from None
    assert reader.root is not None
    return reader.root


class _Reader:
    """Builds the tree while the parser calls."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS or len(self._open) >= DEPTH or len(attributes) > ATTRIBUTES:
            raise FormatError("the request is refused", why=f"its XML is too large or too deep (at most {ELEMENTS} "
                              f"elements, {DEPTH} in each other, {ATTRIBUTES} attributes)")
        element = Element(_split(name), {_split(key): value for key, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, name: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        self._open[-1].text += text


def _split(name: str) -> tuple[str, str]:
    namespace, _unused, local = name.rpartition(" ")
    return namespace, local


def _refuse(*ignored: object) -> None:
    raise FormatError("the request is refused", why="SOAP has no document type, no entities and no processing "
                                                    "instructions")


def element(name: str, *content: str, **attributes: str) -> str:
    """Return an element as text: ``name`` with its prefix, ``content`` is XML already, attributes are escaped here. A
    colon in an attribute's name is written ``__``."""
    written = "".join(f" {key.replace('__', ':')}={quoteattr(value)}" for key, value in attributes.items())
    return f"<{name}{written}>{''.join(content)}</{name}>" if content else f"<{name}{written}/>"


def text(value: str) -> str:
    """Return text escaped for an element; what XML cannot hold becomes a question mark."""
    return escape("".join(char if _may_stand(char) else "?" for char in value))


def _may_stand(char: str) -> bool:
    return char in "\t\n\r" or (char >= " " and not "\ud800" <= char <= "\udfff" and char not in "\ufffe\uffff")
