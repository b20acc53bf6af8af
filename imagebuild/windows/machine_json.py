# SPDX-License-Identifier: Apache-2.0
"""The facts of a machine as one JSON document, ``"schema": "wcow.machine/1"``.

Names are those of the fields of :class:`MachineFacts` and what it holds, versions are text (``10.0.20348.2527``). What
is not known is left out or ``null``. A document from a later ``wcow`` may have fields we do not know: they are left
out, with a note each. The form, for others: ``machine.schema.json`` beside this file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..errors import FormatError, quoted
from .facts.host import WindowsVersion
from .facts.machine import MachineFacts

SCHEMA = "wcow.machine/1"
MAX_NOTES = 50
_WHAT = "cannot read the facts of a machine"
_HINT = "'wcow doctor facts' writes such a document, on Windows 'wcow doctor facts --script'"


@dataclass(frozen=True, slots=True)
class Reading:
    """The ``facts`` of a document, and a note for each field that was left out because we do not know it."""

    facts: MachineFacts
    notes: tuple[str, ...] = ()


def to_document(facts: MachineFacts) -> dict[str, Any]:
    """The facts as what ``json.dumps`` takes; unknown ones are left out."""
    return {"schema": SCHEMA, **_plain(facts)}


def write(facts: MachineFacts) -> str:
    """The facts as an indented JSON text, nothing but ASCII, with a newline at its end."""
    return json.dumps(to_document(facts), indent=2) + "\n"


def read(text: str | bytes) -> Reading:
    """The facts that a JSON text holds: UTF-8 or, with a byte order mark, UTF-16, as PowerShell's ``>`` writes it.

    ``FormatError`` names the field that is wrong.
    """
    return from_document(parse(text))


def parse(text: str | bytes) -> Any:
    """Any JSON text as values, in those encodings; ``FormatError`` with the offset where it is none."""
    if isinstance(text, bytes):
        encoding = "utf-16" if text[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        try:
            text = text.decode(encoding)
        except UnicodeDecodeError as error:
            raise FormatError("cannot read this JSON", offset=error.start, why=f"it is not {encoding}") from None
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise FormatError("cannot read this JSON", offset=error.pos, why=error.msg,
                          hint="an empty or cut file: collect it again" if error.pos >= len(text.rstrip()) else "",
                          ) from None
    except (ValueError, RecursionError):
        raise FormatError("cannot read this JSON", why="a number is too long, or it is nested too deeply") from None


def from_document(document: Any) -> Reading:
    """The facts of a document that was parsed already."""
    if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
        raise FormatError(_WHAT, source="schema", why=f'there is no "schema": "{SCHEMA}"', hint=_HINT)
    if document["schema"] != SCHEMA:
        raise FormatError(_WHAT, source="schema", hint=_HINT,
                          why=f"it is of the form {quoted(document['schema'][:60])}, and {SCHEMA} is known here")
    notes: list[str] = []
    facts = _dataclass(MachineFacts, {name: value for name, value in document.items() if name != "schema"}, "", notes)
    if len(notes) > MAX_NOTES:
        notes[MAX_NOTES:] = [f"and {len(notes) - MAX_NOTES} more fields that are not known here"]
    return Reading(facts, tuple(notes))


def schema() -> dict[str, Any]:
    """The form of the document as JSON schema; ``machine.schema.json`` holds it, and a test compares."""
    definitions: dict[str, Any] = {}
    body = _form(MachineFacts, definitions)
    definitions.pop(MachineFacts.__name__)
    top = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Facts of a machine", **body}
    top["properties"] = {"schema": {"const": SCHEMA}, **body["properties"]}
    top["required"] = ["schema"]
    return {**top, "$defs": dict(sorted(definitions.items()))}


# Writing


def _plain(value: Any) -> Any:
    if isinstance(value, WindowsVersion):
        return str(value)
    if is_dataclass(value):
        out = {}
        for field in fields(value):
            item = getattr(value, field.name)
            # What is unknown is left out, but never a value that its absence would not bring back.
            silent = not field.default or is_dataclass(field.default)
            if item is not None and not (silent and item == field.default):
                out[field.name] = _plain(item)
        return out
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


# Reading


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _dataclass(kind: Any, value: Any, path: str, notes: list[str]) -> Any:
    if not isinstance(value, dict):
        raise _wrong(path, value, "an object")
    hints = _hints(kind)
    known: dict[str, Any] = {}
    for name, item in value.items():
        where = f"{path}.{name}" if path else name
        if name not in hints:
            notes.append(f"{where[:120]} is not known here")
            continue
        if item is None and not _optional(hints[name]):
            if name in _needed(kind):
                raise _wrong(where, None, "text")
            if hints[name] is str:  # nobody knows: the empty string says so
                known[name] = ""
            continue
        known[name] = _value(hints[name], item, where, notes)
    missing = [name for name in _needed(kind) if name not in known]
    if missing:
        raise FormatError(_WHAT, source=f"{path}.{missing[0]}", why="it is not there")
    return kind(**known)


def _needed(kind: Any) -> list[str]:
    return [field.name for field in fields(kind) if field.default is MISSING]


def _optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType) and type(None) in get_args(hint)


def _value(hint: Any, value: Any, path: str, notes: list[str]) -> Any:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        if value is None:
            return None
        return _value(next(one for one in get_args(hint) if one is not type(None)), value, path, notes)
    if origin is Literal:
        if value not in get_args(hint) or not isinstance(value, str):
            raise _wrong(path, value, "one of " + ", ".join(quoted(one) for one in get_args(hint)))
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise _wrong(path, value, "a list")
        return tuple(_value(get_args(hint)[0], item, f"{path}[{at}]", notes) for at, item in enumerate(value))
    if hint is WindowsVersion:
        try:
            return WindowsVersion.parse(value)
        except (FormatError, AttributeError, TypeError):
            raise _wrong(path, value, "a version like 10.0.20348.2527") from None
    if is_dataclass(hint):
        return _dataclass(hint, value, path, notes)
    test, words = _SCALARS[hint]
    if not test(value):
        raise _wrong(path, value, words)
    return hint(value)


_SCALARS: dict[Any, tuple[Callable[[Any], bool], str]] = {
    str: (lambda value: isinstance(value, str), "text"),
    bool: (lambda value: isinstance(value, bool), "true or false"),
    int: (lambda value: _number(value) and value == int(value), "a whole number"),
    float: (lambda value: _number(value), "a number"),  # pylint: disable=unnecessary-lambda
}
_LIMIT = (1 << 63) - 1024
"""Past it a double is no exact number any more, and nothing here is so large."""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) \
        and abs(value) <= _LIMIT


def _wrong(path: str, value: Any, wanted: str) -> FormatError:
    found = json.dumps(value)[:60] if not isinstance(value, dict | list) else type(value).__name__
    return FormatError(_WHAT, source=path or "the document", why=f"it is {found}, and not {wanted}")


# The form


def _form(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of a dataclass, which also goes into ``definitions``."""
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # it may hold others
        needed = _needed(kind)
        forms = {name: _type_form(hint, definitions) for name, hint in _hints(kind).items()}
        definitions[kind.__name__] = {
            "type": "object",
            "properties": {name: form if name in needed else {"anyOf": [form, {"type": "null"}]}
                           for name, form in forms.items()},
            "required": needed,
        }
    found: dict[str, Any] = definitions[kind.__name__]
    return found


def _type_form(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _type_form(next(one for one in get_args(hint) if one is not type(None)), definitions)
    if origin is Literal:
        return {"enum": list(get_args(hint))}
    if origin is tuple:
        return {"type": "array", "items": _type_form(get_args(hint)[0], definitions)}
    if hint is WindowsVersion:
        return {"type": "string", "pattern": r"^\s*[0-9]{1,5}\.[0-9]{1,5}\.[0-9]{1,5}(\.[0-9]{1,9})?\s*$"}
    if is_dataclass(hint):
        _form(hint, definitions)
        return {"$ref": f"#/$defs/{hint.__name__}"}  # type: ignore[union-attr]
    limits = {"minimum": -_LIMIT, "maximum": _LIMIT} if hint in (int, float) else {}
    return {"type": {str: "string", bool: "boolean", int: "integer", float: "number"}[hint], **limits}
