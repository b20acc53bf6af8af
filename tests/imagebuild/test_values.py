# SPDX-License-Identifier: Apache-2.0
"""Our dataclass beside the standard one: the same in everything that code can see."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import pkgutil
import typing
from dataclasses import field
from typing import Any, ClassVar

import pytest

import imagebuild
from imagebuild import values


def make(decorator: Any, **options: Any) -> Any:
    """A class with every sort of field, and one below it."""

    class Base:
        """Text."""

        a: int
        b: str = "b"
        c: list[int] = field(default_factory=list, repr=False)
        d: int = field(default=3, compare=False)
        e: int = field(default=4, init=False)
        f: list[int] = field(default_factory=lambda: [5], init=False, compare=False)
        g: ClassVar[int] = 7

    made = decorator(**options)(Base)

    class Below(made):  # type: ignore[misc, valid-type]
        h: int = 8
        b: str = "below"

        def __post_init__(self) -> None:
            object.__setattr__(self, "h", self.h + 1)

    return made, decorator(**options)(Below)


OPTIONS = [{"frozen": True, "slots": True}, {"slots": True}, {"frozen": True, "slots": True, "kw_only": True}, {}]


def parameters(kind: Any) -> list[Any]:
    return [(one.name, one.kind, one.default is one.empty) for one in inspect.signature(kind).parameters.values()]


def told(function: Any) -> Any:
    """What came out, or which error."""
    try:
        return function()
    except Exception as error:
        return type(error)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_it_is_the_standard_dataclass_in_everything_but_the_time_it_takes(options: dict[str, bool]) -> None:
    for ours, theirs in zip(make(values.dataclass, **options), make(dataclasses.dataclass, **options), strict=True):
        assert [(one.name, one.type) for one in dataclasses.fields(ours)] == \
            [(one.name, one.type) for one in dataclasses.fields(theirs)]
        assert ours.__match_args__ == theirs.__match_args__
        assert getattr(ours, "__slots__", None) == getattr(theirs, "__slots__", None)
        assert parameters(ours) == parameters(theirs)
        assert ours.__init__.__annotations__ == theirs.__init__.__annotations__
        made: list[list[Any]] = []
        for kind in (ours, theirs):
            one, same, other = kind(a=1), kind(a=1, d=9), kind(a=1, c=[2])
            short = repr(one).replace(kind.__qualname__, "")
            made.append([
                short, repr(same).replace(kind.__qualname__, ""), one == same, one == other, one != same, one == 1,
                told(lambda one=one, same=same: hash(one) == hash(same)), told(lambda one=one: setattr(one, "a", 2)),
                # With slots the standard one stumbles here, over the class that it had before it added them.
                isinstance(told(lambda one=one: setattr(one, "new", 2)), type),
                told(kind), told(lambda kind=kind: kind(1)), told(lambda kind=kind: kind(1, "x", [3], 4)),
                told(lambda kind=kind: kind(a=1, e=2)), one.f, one.c is other.c, one.f is other.f, kind.g,
                dataclasses.asdict(one), dataclasses.replace(other, b="z").c,
                copy.copy(other) == other, copy.deepcopy(other) == other, copy.deepcopy(other).c is other.c,
                told(lambda one=one: delattr(one, "a")), hasattr(one, "a")])
        first, second = ([repr(item).replace("make.<locals>.", "") for item in one] for one in made)
        assert first == second


@values.dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0

    def __repr__(self) -> str:
        return f"<{self.x}, {self.y}>"


@values.dataclass(frozen=True, slots=True)
class Loose:
    """Equal to whatever has its ``x``, in any case."""

    x: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loose) and self.x.lower() == other.x.lower()

    def __hash__(self) -> int:
        return hash(self.x.lower())


@values.dataclass(frozen=True, slots=True)
class Empty:
    pass


def test_what_a_class_defines_itself_stays() -> None:
    assert repr(Point(1)) == "<1, 0>"
    assert Loose("A") == Loose("a")
    assert len({Loose("A"), Loose("a")}) == 1
    assert Empty() == Empty()
    assert len({Empty(), Empty(), Point(1), Point(1, 0), Point(1, 1)}) == 3


def test_values_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Point(1, 2))) == Point(1, 2)


def test_a_class_below_that_is_not_decorated_is_made_as_well() -> None:
    class Below(Point):
        pass

    assert (Below(1, y=2).x, Below(1, y=2).y) == (1, 2)
    assert Below(1) != Point(1)


def test_every_value_of_the_library_can_be_asked_how_it_is_made() -> None:
    """``__init__`` is compiled when it is first wanted: here for all of them, as the standard library would."""
    seen = 0
    for module in pkgutil.walk_packages(imagebuild.__path__, "imagebuild."):
        if module.name.endswith("__main__"):
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(kind) and kind.__module__ == module.name and dataclasses.is_dataclass(kind):
                wanted = [one.name for one in dataclasses.fields(kind) if one.init]
                assert set(inspect.signature(kind).parameters) == set(wanted), kind
                assert set(typing.cast(Any, kind).__init__.__annotations__) == {*wanted, "return"}
                seen += 1
    assert seen > 150
