# SPDX-License-Identifier: Apache-2.0
"""JSON as images use it: read with limits and offsets, written in one canonical way.

Reading keeps, for each field nobody asked for, the exact text it had (:meth:`Object.rest`), so a field of a
specification we do not know goes through an edit byte for byte. Writing follows Go's ``encoding/json``, whose
bytes the rest of this world produces: given order, no spaces, ``<``, ``>``, ``&`` and the two line separators
escaped, map keys sorted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, TypeVar

from ..errors import FormatError, quoted

MAX_SIZE = 8 << 20
"""No manifest, index or config may be larger (registries stop at 4 MiB)."""
MAX_DEPTH = 64

Pairs = tuple[tuple[str, str], ...]
"""A string map as a value: sorted by key, each key once."""

Extra = tuple[tuple[str, str], ...]
"""Fields nobody knows: name and the exact JSON text of the value, in document order."""

T = TypeVar("T")

_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")
_ESCAPED = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def pairs(items: Iterable[tuple[str, str]]) -> Pairs:
    """A string map in its one order; the last value of a repeated key wins."""
    return tuple(sorted(dict(items).items()))


class Object:
    """One JSON object of a document: typed access to its fields, FormatError with the byte offset when one is wrong.

    JSON ``null`` reads as absent, as Go reads it.
    """

    __slots__ = ("_fields", "_source", "_taken", "_text", "start")

    def __init__(self, text: str, start: int, source: str) -> None:
        self._text = text
        self._source = source
        self._taken: set[str] = set()
        self._fields: dict[str, tuple[int, int]] = {}
        self.start = start
        for name, begin, end in self._walk(start):
            if name in self._fields:
                # Which of two wins differs between readers, so two programs could see two images.
                self.fail(f"the field {quoted(name[:60])} stands twice in one object", begin)
            self._fields[name] = (begin, end)

    def _walk(self, start: int) -> Iterator[tuple[str, int, int]]:
        if self._text[start:start + 1] != "{":
            self.fail("wanted a JSON object", start)
        at = self._skip(start + 1)
        if self._text[at:at + 1] == "}":
            return
        while True:
            name, at = self._value(at, "a field name")
            if not isinstance(name, str):
                self.fail("wanted a field name in quotes", at)
            at = self._skip(at)
            if self._text[at:at + 1] != ":":
                self.fail("wanted a colon after a field name", at)
            begin = self._skip(at + 1)
            _unused, end = self._value(begin, f"the value of {quoted(name[:60])}")
            yield name, begin, end
            at = self._skip(end)
            mark = self._text[at:at + 1]
            if mark == "}":
                return
            if mark != ",":
                self.fail("wanted a comma or a closing brace", at)
            at = self._skip(at + 1)

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _value(self, at: int, what: str) -> tuple[Any, int]:
        try:
            return _DECODER.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            self.fail(f"not JSON: {error.msg}", error.pos)
        except (ValueError, RecursionError) as error:
            self.fail(f"{what} is not JSON we accept: {error}", at)

    def fail(self, what: str, at: int | None = None) -> NoReturn:
        """Raise FormatError pointing at character ``at`` of the document (this object's start if not given)."""
        position = self.start if at is None else at
        raise FormatError(what, offset=len(self._text[:position].encode("utf-8", "surrogatepass")),
                          source=self._source)

    def _get(self, name: str, kind: type[T], what: str) -> T | None:
        self._taken.add(name)
        span = self._fields.get(name)
        if span is None:
            return None
        value, _unused = self._value(span[0], name)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.fail(f"{name}: wanted {what}", span[0])
        return value

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        span = self._fields.get(name)
        return span is not None and self._text[span[0]:span[1]] != "null"

    def string(self, name: str) -> str:
        """A string; ``""`` when absent."""
        return self._get(name, str, "a string") or ""

    def boolean(self, name: str) -> bool:
        """True or false; false when absent."""
        return bool(self._get(name, bool, "true or false"))

    def integer(self, name: str, *, default: int | None = None) -> int:
        """A whole number; ``default``, or FormatError without one, when absent."""
        value = self._get(name, int, "a whole number")
        if value is None:
            if default is None:
                self.fail(f"the field {quoted(name)} is missing")
            return default
        return value

    def strings(self, name: str) -> tuple[str, ...] | None:
        """A list of strings; None when absent, which is not the same as an empty list."""
        value = self._get(name, list, "a list of strings")
        if value is None:
            return None
        if not all(isinstance(item, str) for item in value):
            self.fail(f"{name}: wanted a list of strings", self._fields[name][0])
        return tuple(value)

    def string_map(self, name: str) -> Pairs:
        """An object whose values are strings; empty when absent."""
        value = self._get(name, dict, "an object of strings")
        if value is None:
            return ()
        if not all(isinstance(item, str) for item in value.values()):
            self.fail(f"{name}: wanted an object of strings", self._fields[name][0])
        return pairs(value.items())

    def names(self, name: str) -> tuple[str, ...]:
        """The keys of an object used as a set (``{"80/tcp": {}}``), sorted; empty when absent."""
        return tuple(sorted(self._get(name, dict, "an object") or ()))

    def object(self, name: str) -> Object | None:
        """The object in a field; None when absent."""
        if self._get(name, dict, "an object") is None:
            return None
        return Object(self._text, self._fields[name][0], self._source)

    def objects(self, name: str) -> tuple[Object, ...] | None:
        """A list of objects; None when absent."""
        if self._get(name, list, "a list of objects") is None:
            return None
        out: list[Object] = []
        at = self._skip(self._fields[name][0] + 1)
        while self._text[at] != "]":
            out.append(Object(self._text, at, self._source))
            _unused, at = self._value(at, name)
            at = self._skip(at)
            if self._text[at] == ",":
                at = self._skip(at + 1)
        return tuple(out)

    def rest(self) -> Extra:
        """Every field that was not asked for, with the text of its value as it stood."""
        return tuple((name, self._text[begin:end]) for name, (begin, end) in self._fields.items()
                     if name not in self._taken)


def read(data: bytes, *, source: str, limit: int = MAX_SIZE) -> Object:
    """The JSON object that is the whole of ``data``. FormatError for anything else, for too much of it, for nesting
    deeper than :data:`MAX_DEPTH`."""
    if len(data) > limit:
        raise FormatError("too large for a JSON document of an image", offset=limit, source=source,
                          why=f"{len(data)} bytes, at most {limit} are read")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("not JSON: not UTF-8", offset=error.start, source=source) from None
    _check_depth(text, source)
    found = _SPACE.match(text)
    start = found.end() if found else 0
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise FormatError(f"not JSON: {error.msg}", offset=len(text[:error.pos].encode("utf-8", "surrogatepass")),
                          source=source) from None
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON we accept: {error}", offset=start, source=source) from None
    if not isinstance(value, dict):
        raise FormatError("wanted a JSON object", offset=start, source=source)
    if text[end:].strip(" \t\r\n"):
        raise FormatError("more text after the JSON object", offset=len(text[:end].encode("utf-8", "surrogatepass")),
                          source=source)
    return Object(text, start, source)


def _check_depth(text: str, source: str) -> None:
    depth = 0
    for token in _TOKENS.finditer(text):
        mark = token[0]
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise FormatError("JSON nested too deeply", offset=len(text[:token.start()].encode("utf-8")),
                                  source=source, why=f"at most {MAX_DEPTH} levels are read")
        elif mark in "]}":
            depth -= 1


# --- writing ------------------------------------------------------------------------------------------------------

def quote(text: str) -> str:
    """``text`` as a JSON string, the way Go writes it."""
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def array(items: Iterable[str]) -> str:
    """A JSON list of texts that are JSON already."""
    return "[" + ",".join(items) + "]"


def string_array(items: Iterable[str]) -> str:
    """A JSON list of strings."""
    return array(quote(item) for item in items)


def string_object(items: Pairs) -> str:
    """A string map as a JSON object."""
    return "{" + ",".join(f"{quote(key)}:{quote(value)}" for key, value in items) + "}"


def name_object(names: Iterable[str]) -> str:
    """A set of names as Go's ``map[string]struct{}``."""
    return "{" + ",".join(f"{quote(name)}:{{}}" for name in sorted(set(names))) + "}"


class Writer:
    """Collects the fields of one object in the order given; an absent one (empty text) leaves no trace."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[str] = []

    def raw(self, name: str, text: str) -> None:
        """A field whose value is JSON text; left out when ``text`` is empty."""
        if text:
            self._parts.append(f"{quote(name)}:{text}")

    def string(self, name: str, value: str, *, always: bool = False) -> None:
        """A string field, left out when empty unless ``always``."""
        if value or always:
            self.raw(name, quote(value))

    def strings(self, name: str, value: tuple[str, ...] | None, *, keep_empty: bool = False) -> None:
        """A list field, left out when None, and when empty unless ``keep_empty``."""
        if value or (keep_empty and value is not None):
            self.raw(name, string_array(value or ()))

    def string_map(self, name: str, value: Pairs) -> None:
        """A string map, left out when empty."""
        if value:
            self.raw(name, string_object(value))

    def names(self, name: str, value: tuple[str, ...]) -> None:
        """A set of names, left out when empty."""
        if value:
            self.raw(name, name_object(value))

    def flag(self, name: str, value: bool) -> None:
        """A boolean, left out when false."""
        if value:
            self.raw(name, "true")

    def objects(self, name: str, items: Iterable[T], write: Callable[[T], str]) -> None:
        """A list of objects, always written."""
        self.raw(name, array(write(item) for item in items))

    def extra(self, extra: Extra) -> None:
        """Fields that were carried through."""
        for name, text in extra:
            self.raw(name, text)

    def text(self) -> str:
        """The finished object."""
        return "{" + ",".join(self._parts) + "}"
