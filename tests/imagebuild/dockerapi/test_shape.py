# SPDX-License-Identifier: Apache-2.0
"""Shapes as JSON and back, by Go's rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.shape_values import all_shapes, filled, instances

from imagebuild.dockerapi import faults, gojson, shapes
from imagebuild.dockerapi.shape import Names, Shape, UInt16, Words, from_json, key, shape, to_json

JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3))


@shape("toy.Wheel")
class Wheel(Shape):
    """One of four."""

    size: UInt16 = key("Size")


@shape("toy.Car")
class Car(Shape):
    """All the kinds of field."""

    name: str = key("Name")
    plate: str = key("Plate", omitempty=True)
    seats: int = key("Seats", 4)
    open: bool = key("Open", omitempty=True)
    wheel: Wheel = key("Wheel", omitempty=True)
    spare: Wheel | None = key("Spare", omitempty=True)
    tags: tuple[str, ...] = key("Tags")
    notes: tuple[str, ...] | None = key("Notes")
    owners: Mapping[str, Wheel | None] | None = key("Owners", omitempty=True)
    pair: tuple[int, int] = key("Pair")
    doors: Names = key("Doors")
    order: Words = key("Order")
    more: Any = key("More", omitempty=True)
    limit: int | None = key("Limit", omitempty=True)


def test_zero_values_and_what_is_left_out_are_gos() -> None:
    assert gojson.dumps(Car()) == (b'{"Name":"","Seats":4,"Wheel":{"Size":0},"Tags":[],"Notes":null,"Pair":[0,0],'
                                   b'"Doors":null,"Order":null}')
    assert to_json(Car(doors=("a", "b"), spare=Wheel(), open=True))["Doors"] == {"a": {}, "b": {}}
    assert "Spare" in to_json(Car(spare=Wheel()))


@pytest.mark.parametrize("cls", all_shapes(), ids=lambda one: one.__name__)
def test_a_shape_is_read_as_it_was_written(cls: type[Shape]) -> None:
    @settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
    @given(instances(cls))
    def holds(value: Any) -> None:
        assert from_json(cls, gojson.loads(gojson.dumps(value))) == emptied(value)
    holds()
    assert from_json(cls, to_json(filled(cls))) == filled(cls)


def emptied(value: Any) -> Any:
    """``value`` with null for what is left out when empty: Go cannot tell those apart either."""
    if isinstance(value, Mapping):
        return {name: emptied(item) for name, item in value.items()}
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(emptied(item) for item in value)
    if not isinstance(value, Shape):
        return value
    from imagebuild.dockerapi.shape import fields_of
    zero = type(value)()
    changes = {}
    for one in fields_of(type(value)):
        item = getattr(value, one.attribute)
        left_out = one.omitempty and not item and not isinstance(item, Shape) and not (
            one.pointer and isinstance(item, int))
        changes[one.attribute] = getattr(zero, one.attribute) if left_out or item is None else emptied(item)
    return dataclasses.replace(value, **changes)


@settings(max_examples=300)
@given(JSON)
def test_any_json_is_a_shape_or_a_bad_request(document: Any) -> None:
    for cls in (Car, shapes.CreateRequest, shapes.ExecCreate):
        try:
            from_json(cls, document)
        except faults.BadRequest as fault:
            assert fault.message.startswith("invalid JSON: json: cannot unmarshal ")


def test_keys_are_read_without_regard_to_case_and_the_exact_one_first() -> None:
    assert from_json(Car, {"NAME": "a", "sEaTs": 2}) == Car(name="a", seats=2)
    assert from_json(Car, {"name": "b", "Name": "a"}).name == "a"


def test_a_pointer_to_nothing_much_is_not_left_out() -> None:
    assert b'"Limit":0' in gojson.dumps(Car(limit=0)) and from_json(Car, {"Limit": 0}).limit == 0
    assert b'"Open"' not in gojson.dumps(Car(open=False))
    assert to_json(shapes.Config(stop_timeout=0))["StopTimeout"] == 0  # docker run --stop-timeout 0


def test_unknown_keys_are_ignored_and_null_leaves_the_zero() -> None:
    assert from_json(Car, {"Colour": 1, "Name": None, "Seats": None, "Wheel": None, "Pair": None}) == Car()
    assert from_json(Car, None) == Car()


def test_a_command_may_be_one_text_and_a_pair_may_be_short() -> None:
    assert from_json(Car, {"Order": "go"}).order == ("go",)
    assert from_json(Car, {"Order": ["a", "b"], "Pair": [7]}) == Car(order=("a", "b"), pair=(7, 0))


@pytest.mark.parametrize(("document", "sentence"), [
    ({"Name": 1}, "number into Go struct field Car.Name of type string"),
    ({"Seats": "2"}, "string into Go struct field Car.Seats of type int64"),
    ({"Seats": 1.5}, "number 1.5 into Go struct field Car.Seats of type int64"),
    ({"Seats": 1 << 63}, "number 9223372036854775808 into Go struct field Car.Seats of type int64"),
    ({"Seats": True}, "bool into Go struct field Car.Seats of type int64"),
    ({"Open": 1}, "number into Go struct field Car.Open of type bool"),
    ({"Wheel": {"Size": 65536}}, "number 65536 into Go struct field Wheel.Wheel.Size of type uint16"),
    ({"Wheel": []}, "array into Go struct field Car.Wheel of type toy.Wheel"),
    ({"Tags": {}}, "object into Go struct field Car.Tags of type []string"),
    ({"Owners": {"a": {"Size": "x"}}}, "string into Go struct field Wheel.Owners.Size of type uint16"),
    ({"Owners": []}, "array into Go struct field Car.Owners of type map[string]toy.Wheel"),
    ({"Pair": "x"}, "string into Go struct field Car.Pair of type [2]int64"),
    ({"Doors": ["a"]}, "array into Go struct field Car.Doors of type map[string]struct {}"),
    ([], "array into Go value of type toy.Car"), ("x", "string into Go value of type toy.Car"),
])
def test_a_wrong_type_is_refused_in_gos_words(document: Any, sentence: str) -> None:
    with pytest.raises(faults.BadRequest) as refused:
        from_json(Car, document)
    assert refused.value.message == f"invalid JSON: json: cannot unmarshal {sentence}"


def test_a_shape_is_frozen_and_shows_only_what_is_set() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Car().name = "x"  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        Car().nmae = "x"  # type: ignore[attr-defined]
    assert repr(Car(name="a", seats=0)) == "Car(name='a', wheel=Wheel(), pair=(0, 0))"
    assert "hunter2" not in repr(shapes.AuthConfig(username="me", password="hunter2"))
