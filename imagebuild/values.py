# SPDX-License-Identifier: Apache-2.0
"""``dataclass`` as the standard library has it, in a sixth of the time that it takes to define a class.

The library is made of small values, and a command defines some 160 of them before it does anything. The standard
decorator compiles six methods for each; here comparing, hashing, printing and refusing to change are closures over the
names of the fields, and the one method that has to be compiled, ``__init__``, is compiled when somebody first asks for
it: for most classes never. Everything else (fields, slots, ``replace``, ``match``) is the standard library's own work.

Type checkers are told that it *is* the standard one. ``__dataclass_params__`` is the only thing that differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from dataclasses import MISSING, FrozenInstanceError, fields
    from dataclasses import dataclass as _standard
    from operator import attrgetter

    def dataclass(*, frozen=False, slots=False, kw_only=False):
        """A decorator for a class whose annotations are its fields; see :func:`dataclasses.dataclass`."""

        def decorate(cls):
            own = frozenset(cls.__dict__)
            if cls.__doc__ is None:
                cls.__doc__ = cls.__name__  # the standard library would compile __init__ to show its signature
            cls = _standard(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)(cls)
            every = fields(cls)
            methods = {
                "__init__": _Init(cls, frozen),
                "__repr__": _repr(tuple(one.name for one in every if one.repr)),
                "__eq__": _eq(_getter([one.name for one in every if one.compare])),
            }
            if frozen:
                hashed = [one.name for one in every if (one.compare if one.hash is None else one.hash)]
                methods["__hash__"] = _hash(_getter(hashed))
                methods["__setattr__"], methods["__delattr__"] = _set, _delete
                if slots:
                    names = tuple(one.name for one in every)
                    methods["__getstate__"], methods["__setstate__"] = _state(names)
            elif "__hash__" not in own:
                cls.__hash__ = None
            explicit = own - {"__hash__"} if "__eq__" in own and cls.__dict__.get("__hash__") is None else own
            for name, method in methods.items():
                if name not in explicit:
                    setattr(cls, name, method)
            return cls

        return decorate

    class _Init:
        """Stands for the ``__init__`` of a class until somebody wants it."""

        def __init__(self, cls, frozen):
            self._cls, self._frozen = cls, frozen

        def __get__(self, instance, owner=None):
            made = _make_init(self._cls, self._frozen)
            self._cls.__init__ = made
            return made if instance is None else made.__get__(instance, owner)

    def _make_init(cls, frozen):
        known = {"_set": object.__setattr__, "_missing": _Missing()}
        positional, keyword, body = [], [], []
        for one in fields(cls):
            name, value = one.name, one.name
            if one.default_factory is not MISSING:
                known[f"_make_{name}"] = one.default_factory
                value = f"_make_{name}() if {name} is _missing else {name}" if one.init else f"_make_{name}()"
            elif one.default is not MISSING:
                known[f"_default_{name}"] = one.default
                value = name if one.init else f"_default_{name}"
            elif not one.init:
                continue
            if one.init:
                default = "=_missing" if one.default_factory is not MISSING else \
                    f"=_default_{name}" if one.default is not MISSING else ""
                (keyword if one.kw_only else positional).append(name + default)
            body.append(f" _set(self, {name!r}, {value})" if frozen else f" self.{name} = {value}")
        if hasattr(cls, "__post_init__"):
            body.append(" self.__post_init__()")
        arguments = ", ".join(["self", *positional, *(["*", *keyword] if keyword else [])])
        exec(f"def __init__({arguments}):\n" + ("\n".join(body) or " pass"), known)
        made = known["__init__"]
        made.__qualname__, made.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
        made.__annotations__ = {one.name: one.type for one in fields(cls) if one.init} | {"return": None}
        return made

    class _Missing:
        """The default of a field with a factory."""

        def __repr__(self):
            return "<factory>"

    def _getter(names):
        """What gives all fields at once, comparable with that of another instance."""
        return attrgetter(*names) if names else lambda _: ()

    def _eq(get):
        def __eq__(self, other):
            if other.__class__ is not self.__class__:
                return NotImplemented
            return get(self) == get(other)

        return __eq__

    def _hash(get):
        def __hash__(self):
            return hash(get(self))

        return __hash__

    def _repr(names):
        def __repr__(self):
            shown = ", ".join([f"{name}={getattr(self, name)!r}" for name in names])
            return f"{self.__class__.__qualname__}({shown})"

        return __repr__

    def _set(self, name, value):
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _delete(self, name):
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _state(names):
        def __getstate__(self):
            return [getattr(self, name) for name in names]

        def __setstate__(self, state):
            for name, value in zip(names, state, strict=True):
                object.__setattr__(self, name, value)

        return __getstate__, __setstate__


__all__ = ["dataclass"]
