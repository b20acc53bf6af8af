# SPDX-License-Identifier: Apache-2.0
"""How a shape is declared, written as JSON, and read back with Go's rules.

A shape is a frozen dataclass below :class:`Shape`; each field names its key with :func:`key`::

    @shape()
    class Port(Shape):
        ip: str = key("IP", omitempty=True)
        private_port: UInt16 = key("PrivatePort")

The annotation decides the JSON type and the zero value: a text ``""``, a number 0, a flag ``False``, a tuple ``[]``, a
mapping ``{}``, a shape its own zero, and ``… | None`` is ``null`` (Go's nil slices, maps and pointers). Reading follows
``encoding/json``: keys without regard to case, unknown ones ignored, ``null`` leaves the zero, and a value of the wrong
type is a BadRequest in Go's words.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar, dataclass_transform

from . import faults

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Width:
    """The Go type of a number, and its range."""

    go: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class As:
    """A JSON form that is not the Python one: ``set`` (a map to empty objects), ``words`` (a text or a list)."""

    form: str


#: Go's ``int``; a bare ``int`` is its ``int64``. Only messages tell them apart.
Int = Annotated[int, Width("int", -(1 << 63), (1 << 63) - 1)]
Nanoseconds = Annotated[int, Width("time.Duration", -(1 << 63), (1 << 63) - 1)]
UInt64 = Annotated[int, Width("uint64", 0, (1 << 64) - 1)]
UInt32 = Annotated[int, Width("uint32", 0, (1 << 32) - 1)]
UInt16 = Annotated[int, Width("uint16", 0, (1 << 16) - 1)]
#: A set of texts, written as Go writes ``map[string]struct{}``.
Names = Annotated[tuple[str, ...] | None, As("set")]
#: A command: Go's ``strslice.StrSlice``, which clients may send as one text.
Words = Annotated[tuple[str, ...] | None, As("words")]
#: Any JSON value.
Anything = Any

_INT64 = Width("int64", -(1 << 63), (1 << 63) - 1)
_UNSET: Any = object()


def key(name: str, default: Any = _UNSET, *, omitempty: bool = False) -> Any:
    """A field: its key in JSON, whether Go leaves it out when it is zero, and a default other than the zero."""
    meta = {"key": name, "omitempty": omitempty}
    return dataclasses.field(default=default, metadata=meta)  # pylint: disable=invalid-field-call


class Shape:
    """A JSON object, declared with :func:`shape`; ``go_name`` is Go's name of the type."""

    __slots__ = ()
    go_name: ClassVar[str] = ""

    def __repr__(self) -> str:
        # What is zero is left out: a HostConfig has 64 fields, and mostly three that matter.
        values = [(one.attribute, getattr(self, one.attribute)) for one in fields_of(type(self))]
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in values if value)})"


@dataclass_transform(frozen_default=True, kw_only_default=True)
def shape(go_name: str = "") -> Callable[[type[S]], type[S]]:
    """Make a class a frozen dataclass with slots whose fields begin at Go's zero values."""
    def make(cls: type[S]) -> type[S]:
        hints = typing.get_type_hints(cls, include_extras=True)
        for name in inspect.get_annotations(cls):
            one = cls.__dict__.get(name)
            if isinstance(one, dataclasses.Field) and one.default is _UNSET:
                zero = zero_of(hints[name])
                if isinstance(zero, dict):
                    one.default, one.default_factory = dataclasses.MISSING, dict
                else:
                    one.default = zero
        made = dataclass(frozen=True, slots=True, kw_only=True, repr=False)(cls)
        made.go_name = go_name or cls.__name__  # type: ignore[attr-defined]
        return made
    return make


@dataclass(frozen=True, slots=True)
class Field:
    """What is known of a field after its annotation was read."""

    attribute: str
    key: str
    omitempty: bool
    type: Any

    @property
    def pointer(self) -> bool:
        """Whether Go has a pointer here: the annotation has ``None``."""
        return _optional(_bare(self.type)[0]) is not None


class Mismatch(Exception):
    """A JSON value that does not fit a Go type."""

    def __init__(self, found: str, wanted: str) -> None:
        super().__init__(found)
        self.found = found
        self.wanted = wanted
        self.path: tuple[str, ...] = ()
        self.struct = ""

    def sentence(self) -> str:
        """In the words of Go's UnmarshalTypeError."""
        if self.path:
            return (f"json: cannot unmarshal {self.found} into Go struct field {self.struct}.{'.'.join(self.path)} of "
                    f"type {self.wanted}")
        return f"json: cannot unmarshal {self.found} into Go value of type {self.wanted}"


def fields_of(cls: Any) -> tuple[Field, ...]:
    """The fields of a shape, inherited ones first."""
    return _fields_of(cls)


@cache
def _fields_of(cls: Any) -> tuple[Field, ...]:
    hints = typing.get_type_hints(cls, include_extras=True)
    return tuple(Field(one.name, one.metadata["key"], one.metadata["omitempty"], hints[one.name])
                 for one in dataclasses.fields(cls))


def zero_of(kind: Any) -> Any:
    """Go's zero of an annotation."""
    kind, _unused = _bare(kind)
    if _optional(kind) is not None or kind is Any or kind is type(None):
        return None
    origin = typing.get_origin(kind) or kind
    if origin is tuple:
        arguments = typing.get_args(kind)
        return () if arguments[-1] is Ellipsis else tuple(zero_of(argument) for argument in arguments)
    if origin in (dict, Mapping):
        return {}
    return origin()


# --- writing

_PLAIN = frozenset((str, int, float, bool, type(None)))


@cache
def _written_of(cls: Any) -> tuple[tuple[str, str, bool, bool, bool], ...]:
    """Of each field what writing needs: attribute, key, whether its zero is left out, whether it is a pointer, whether
    it is written as a set. A record is written four times in a container's life."""
    return tuple((one.attribute, one.key, one.omitempty, one.pointer, As("set") in _bare(one.type)[1])
                 for one in fields_of(cls))


def to_json(value: Any) -> dict[str, Any]:
    """A shape as plain JSON values, keys in the order of declaration."""
    out: dict[str, Any] = {}
    kind: Any = type(value)
    for attribute, name, omitempty, pointer, as_set in _written_of(kind):
        item = getattr(value, attribute)
        if omitempty and not item and not (pointer and isinstance(item, int)):
            continue  # a shape is never empty, as a Go struct is not; nor is a pointer to 0
        out[name] = item if type(item) in _PLAIN else _write(item, as_set=as_set)
    return out


def _write(item: Any, *, as_set: bool = False) -> Any:
    if item is None or isinstance(item, str | bool | int | float):
        return item
    if isinstance(item, Shape):
        return to_json(item)
    if as_set:
        return {name: {} for name in item}
    if isinstance(item, Mapping):
        if _all_texts(item.values()):
            return dict(item)
        return {str(name): _write(entry) for name, entry in item.items()}
    if _all_texts(item):
        return list(item)
    return [_write(entry) for entry in item]


# --- reading

def from_json(cls: type[S], value: Any) -> S:
    """A shape from plain JSON values; ``null`` is its zero. BadRequest for a value of the wrong type."""
    try:
        return _read_shape(cls, value)
    except Mismatch as trouble:
        raise faults.bad_json(trouble.sentence()) from None


def _read_shape(cls: type[S], value: Any) -> S:
    if value is None:
        return cls()
    if not isinstance(value, dict):
        raise Mismatch(_kind(value), _go_type(cls))
    folded: dict[str, Any] | None = None
    given = {}
    for one in fields_of(cls):
        item = value.get(one.key, _UNSET)
        if item is _UNSET:
            if folded is None:
                folded = {name.lower(): entry for name, entry in value.items()}
            item = folded.get(one.key.lower(), _UNSET)
        if item is _UNSET or item is None:
            continue
        try:
            given[one.attribute] = _read(one.type, item)
        except Mismatch as trouble:
            trouble.path = (one.key, *trouble.path)
            trouble.struct = trouble.struct or _go_name(cls)
            raise
    return cls(**given)


def _read(kind: Any, value: Any) -> Any:
    kind, notes = _bare(kind)
    inner = _optional(kind)
    if inner is not None:
        if value is None:
            return None
        kind, more = _bare(inner)
        notes = (*notes, *more)
    if kind is Any:
        return value
    if value is None:
        return zero_of(kind)
    if As("words") in notes:
        return (value,) if isinstance(value, str) else _read_list(tuple[str, ...], value)
    if As("set") in notes:
        if not isinstance(value, dict):
            raise Mismatch(_kind(value), "map[string]struct {}")
        return tuple(value)
    if isinstance(kind, type) and issubclass(kind, Shape):
        return _read_shape(kind, value)
    origin = typing.get_origin(kind) or kind
    if origin is tuple:
        return _read_list(kind, value)
    if origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise Mismatch(_kind(value), _go_type(kind))
        entry = typing.get_args(kind)[1]
        if entry is str and _all_texts(value.values()):
            return dict(value)
        return {name: _read(entry, item) for name, item in value.items()}
    return _read_scalar(origin, notes, value)


def _read_list(kind: Any, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise Mismatch(_kind(value), _go_type(kind))
    arguments = typing.get_args(kind)
    if arguments[-1] is Ellipsis:
        if arguments[0] is str and _all_texts(value):
            return tuple(value)
        return tuple([_read(arguments[0], item) for item in value])
    padded = [*value, *[None] * len(arguments)]  # a Go array takes what fits and zeroes the rest
    return tuple(_read(argument, item) for argument, item in zip(arguments, padded, strict=False))


def _all_texts(values: Iterable[Any]) -> bool:
    """Whether they are read as they are: a list may have a hundred thousand."""
    return set(map(type, values)) <= {str}


def _read_scalar(kind: Any, notes: tuple[Any, ...], value: Any) -> Any:
    if kind is int:
        width = next((note for note in notes if isinstance(note, Width)), _INT64)
        if isinstance(value, int) and not isinstance(value, bool):
            if not width.low <= value <= width.high:
                raise Mismatch(f"number {value}", width.go)
            return value
        raise Mismatch(f"number {value}" if isinstance(value, float) else _kind(value), width.go)
    if kind is float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        raise Mismatch(_kind(value), "float64")
    if not isinstance(value, kind):
        raise Mismatch(_kind(value), {str: "string", bool: "bool"}.get(kind, kind.__name__))
    return value


def _bare(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    if typing.get_origin(kind) is Annotated:
        base, *notes = typing.get_args(kind)
        return base, tuple(notes)
    return kind, ()


def _optional(kind: Any) -> Any:
    """``X`` of ``X | None``, else None."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return next(one for one in typing.get_args(kind) if one is not type(None))
    return None


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object"


def _go_name(cls: Any) -> str:
    return str(cls.go_name).rpartition(".")[2]  # the type's own name, without its package


def _go_type(kind: Any) -> str:
    """The Go name of an annotation, for messages."""
    kind, notes = _bare(kind)
    inner = _optional(kind)
    if inner is not None:
        return _go_type(inner)
    for note in notes:
        if isinstance(note, Width):
            return note.go
    if isinstance(kind, type) and issubclass(kind, Shape):
        return kind.go_name
    origin = typing.get_origin(kind) or kind
    if origin is tuple:
        arguments = typing.get_args(kind)
        size = "" if arguments[-1] is Ellipsis else str(len(arguments))
        return f"[{size}]{_go_type(arguments[0])}"
    if origin in (dict, Mapping):
        return f"map[string]{_go_type(typing.get_args(kind)[1])}"
    return {str: "string", bool: "bool", int: "int64", float: "float64"}.get(kind, "interface {}")
