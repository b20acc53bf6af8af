# SPDX-License-Identifier: Apache-2.0
"""Shapes with values in them, made from their declarations: random ones, and one with every field set."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Annotated, Any

from hypothesis import strategies as st

from imagebuild.dockerapi import shapes
from imagebuild.dockerapi.shape import As, Shape, Width, fields_of

#: A text that every field takes, also those that Go parses as a time.
TEXT = "2024-05-01T10:00:00.5Z"
#: Fields that Go parses as something else.
SPECIAL: dict[str, Any] = {"InsecureRegistryCIDRs": ("127.0.0.0/8",),
                           "AllowNondistributableArtifactsCIDRs": ("10.0.0.0/8",), "DetachKeys": "EBE="}


def all_shapes() -> list[type[Shape]]:
    """Every shape of the room."""
    modules = (shapes.config, shapes.container, shapes.execution, shapes.image, shapes.network, shapes.stats,
               shapes.system, shapes.volume)
    found = {one for module in modules for one in vars(module).values()
             if isinstance(one, type) and issubclass(one, Shape) and one is not Shape}
    return sorted(found, key=lambda one: one.__name__)


def taken_apart(kind: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """The bare annotation, its notes, and whether it may be null."""
    notes: tuple[Any, ...] = ()
    optional = False
    while True:
        if typing.get_origin(kind) is Annotated:
            kind, *more = typing.get_args(kind)
            notes = (*notes, *more)
        elif type(None) in typing.get_args(kind):
            kind, optional = typing.get_args(kind)[0], True
        else:
            return kind, notes, optional


def strategy(kind: Any) -> st.SearchStrategy[Any]:
    """Values of an annotation."""
    kind, notes, optional = taken_apart(kind)
    if optional:
        return st.none() | strategy(Annotated[(kind, *notes)] if notes else kind)
    if kind is Any:
        return st.none()
    if isinstance(kind, type) and issubclass(kind, Shape):
        return instances(kind)
    origin = typing.get_origin(kind) or kind
    if As("set") in notes:
        return st.lists(st.text(max_size=4), max_size=3, unique=True).map(tuple)
    if origin is tuple:
        arguments = typing.get_args(kind)
        if arguments[-1] is not Ellipsis:
            return st.tuples(*(strategy(argument) for argument in arguments))
        return st.lists(strategy(arguments[0]), max_size=2).map(tuple)
    if origin is Mapping:
        return st.dictionaries(st.text(max_size=4), strategy(typing.get_args(kind)[1]), max_size=2)
    if kind in (str, bool):
        return st.text(max_size=6) if kind is str else st.booleans()
    assert kind is int, kind
    low, high = _range(notes)
    return st.integers(low, high)


def instances(cls: type[Shape]) -> st.SearchStrategy[Any]:
    """Random shapes."""
    return st.builds(cls, **{one.attribute: strategy(one.type) for one in fields_of(cls)})


def filled(kind: Any, key: str = "") -> Any:
    """A value of an annotation in which nothing is zero, empty or left out (but what is any JSON)."""
    kind = taken_apart(kind)[0]
    if key in SPECIAL:
        return SPECIAL[key]
    if isinstance(kind, type) and issubclass(kind, Shape):
        return kind(**{one.attribute: filled(one.type, one.key) for one in fields_of(kind)})
    origin = typing.get_origin(kind) or kind
    if kind is Any:
        return None
    if origin is tuple:
        arguments = typing.get_args(kind)
        if arguments[-1] is not Ellipsis:
            return tuple(filled(argument) for argument in arguments)
        return () if arguments[0] is Any else (filled(arguments[0]),)
    if origin is Mapping:
        entry = typing.get_args(kind)[1]
        return {TEXT: {} if entry is Any else filled(entry)}
    if kind is int:
        return 100
    return TEXT if kind is str else True


def _range(notes: tuple[Any, ...]) -> tuple[int, int]:
    width = next((note for note in notes if isinstance(note, Width)), None)
    return (int(width.low), int(width.high)) if width else (-(1 << 63), (1 << 63) - 1)
