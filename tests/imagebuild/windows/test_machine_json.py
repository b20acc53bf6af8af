# SPDX-License-Identifier: Apache-2.0
"""The facts of a machine as JSON: there and back, and any JSON at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.machines import MACHINES, SAMPLES

from imagebuild.errors import FormatError
from imagebuild.windows import machine_json
from imagebuild.windows.hostfacts import HostFacts
from imagebuild.windows.machine import Feature, MachineFacts

SCHEMA = json.loads((Path(machine_json.__file__).parent / "machine.schema.json").read_text(encoding="utf-8"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.text(max_size=8), inner, max_size=3), max_leaves=8)
NAMES = ["host", "system", "features", "services", "hypervisor", "pipes", "token", "daemon", "network", "volumes",
         "policy", "filters", "antivirus", "proxies", "clock", "notes"]


@given(MACHINES)
def test_facts_come_back_from_their_document(facts: MachineFacts) -> None:
    text = machine_json.write(facts)
    assert machine_json.read(text) == machine_json.Reading(facts)
    assert text.isascii()


@given(MACHINES)
def test_a_document_keeps_to_the_published_form(facts: MachineFacts) -> None:
    Draft202012Validator(SCHEMA).validate(machine_json.to_document(facts))


@given(MACHINES, st.data())
def test_a_document_is_read_exactly_where_the_form_allows_it(facts: MachineFacts, data: st.DataObject) -> None:
    """One value of a document is replaced by any other: the reader and the form agree on what is still right."""
    document = machine_json.to_document(facts)
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from([key for key in keys if key != "schema"] or ["moon"]))
        if not isinstance(place, dict | list) or key == "moon":
            break
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            place[key] = data.draw(VALUES)
            break
        place = place[key]
    try:
        machine_json.from_document(document)
    except FormatError:
        assert not Draft202012Validator(SCHEMA).is_valid(document)
    else:
        assert Draft202012Validator(SCHEMA).is_valid(document)


@given(VALUES)
def test_any_json_gives_facts_or_a_format_error(value: Any) -> None:
    for document in (value, {"schema": machine_json.SCHEMA, "host": value}, {"schema": value}):
        try:
            machine_json.from_document(document)
        except FormatError as error:
            assert error.why


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | st.text(max_size=60).map(
    lambda text: text.encode("utf-16", "surrogatepass")))
def test_any_bytes_give_values_or_a_format_error(data: bytes) -> None:
    try:
        machine_json.parse(data)
    except FormatError as error:
        assert error.why


def test_the_published_form_is_that_of_the_code() -> None:
    assert machine_json.schema() == SCHEMA, "run python scripts/reference_pages.py"
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_powershell_redirect_is_read(name: str) -> None:
    text = machine_json.write(SAMPLES[name])
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "ascii"):
        assert machine_json.read(text.replace("\n", "\r\n").encode(encoding)).facts == SAMPLES[name]
    assert machine_json.read(b"\xfe\xff" + text.encode("utf-16-be")).facts == SAMPLES[name]
    assert machine_json.read("\ufeff" + text).facts == SAMPLES[name]


def read(**sections: Any) -> machine_json.Reading:
    return machine_json.from_document({"schema": machine_json.SCHEMA, **sections})


def test_a_field_of_a_later_version_is_left_out_with_a_note() -> None:
    found = read(moon=1, system={"phase": 2}, features=[{"name": "Containers", "state": "enabled", "since": 3}])
    assert found.facts == MachineFacts(features=(Feature("Containers", "enabled"),))
    assert found.notes == ("moon is not known here", "system.phase is not known here",
                           "features[0].since is not known here")


def test_many_unknown_fields_do_not_fill_the_screen() -> None:
    found = read(**{f"x{number}": 1 for number in range(80)})
    assert len(found.notes) == 51
    assert found.notes[-1] == "and 30 more fields that are not known here"


@pytest.mark.parametrize(("sections", "field"), [
    ({"host": 1}, "host"), ({"host": {"version": "ten"}}, "host.version"), ({"host": {"version": 10}}, "host.version"),
    ({"host": {"hyperv": "yes"}}, "host.hyperv"), ({"host": {"hyperv": 1}}, "host.hyperv"),
    ({"hypervisor": {"memory": True}}, "hypervisor.memory"), ({"hypervisor": {"memory": 1.5}}, "hypervisor.memory"),
    ({"hypervisor": {"memory": 1 << 70}}, "hypervisor.memory"), ({"features": {}}, "features"),
    ({"features": [{"name": "x", "state": "on"}]}, "features[0].state"), ({"features": [{}]}, "features[0].name"),
    ({"features": [{"name": None}]}, "features[0].name"),
    ({"services": [{"name": "x", "start": 2}]}, "services[0].start"),
    ({"clock": {"skew": "1"}}, "clock.skew"), ({"clock": {"skew": float("nan")}}, "clock.skew"),
    ({"volumes": [{"drive": 3}]}, "volumes[0].drive"), ({"notes": [None]}, "notes[0]"),
    ({"host": {"product": "desktop"}}, "host.product"),
    ({"features": [{"name": "x", "state": []}]}, "features[0].state"),
])
def test_a_value_of_the_wrong_kind_is_named(sections: dict[str, Any], field: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(**sections)
    assert caught.value.source == field


def test_null_means_that_nobody_knows() -> None:
    empty = {name: None for name in NAMES if name != "notes"}
    assert read(**empty).facts == MachineFacts()
    facts = read(host={"os": None, "edition": None, "product": None, "version": None}).facts
    assert facts.host == HostFacts(os="")


@pytest.mark.parametrize(("document", "why"), [
    ([], "there is no"), ({}, "there is no"), ({"schema": 1}, "there is no"),
    ({"schema": "wcow.machine/2"}, "of the form 'wcow.machine/2'"),
])
def test_another_document_is_refused(document: Any, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        machine_json.from_document(document)


@pytest.mark.parametrize(("text", "why"), [
    (b"", "cannot read this JSON"), (b"{", "cannot read"), (b"\xff\xfe{", "utf-16"), (b"\x80", "utf-8"),
    ("[" * 100_000, "nested too deeply"), ("1" * 5000, "too long"),
])
def test_what_is_no_json_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        machine_json.parse(text)
