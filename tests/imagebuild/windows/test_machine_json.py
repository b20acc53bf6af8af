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
from imagebuild.windows.facts.host import HostFacts
from imagebuild.windows.facts.machine import ClockFacts, DaemonFacts, Feature, MachineFacts

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


def test_what_nobody_knows_is_not_written() -> None:
    assert machine_json.write(MachineFacts()) == '{\n  "schema": "wcow.machine/1"\n}\n'
    facts = MachineFacts(features=(), daemon=DaemonFacts(data_root="", arguments=None), clock=ClockFacts(skew=0.0))
    assert machine_json.to_document(facts) == {
        "schema": machine_json.SCHEMA, "features": [], "daemon": {"data_root": ""}, "clock": {"skew": 0.0}}


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
    just = read(**{f"x{number}": 1 for number in range(50)})
    assert just.notes == tuple(f"x{number} is not known here" for number in range(50))
    assert read(**{"x" * 121: 1}).notes == (f"{'x' * 120} is not known here",)


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


@pytest.mark.parametrize(("sections", "why"), [
    ({"host": 1}, "it is 1, and not an object (in host)"),
    ({"host": []}, "it is list, and not an object (in host)"),
    ({"features": "x"}, 'it is "x", and not a list (in features)'),
    ({"features": {}}, "it is dict, and not a list (in features)"),
    ({"features": [{}]}, "it is not there (in features[0].name)"),
    ({"features": [{"name": None}]}, "it is null, and not text (in features[0].name)"),
    ({"features": [{"name": "x", "state": "on"}]},
     "it is \"on\", and not one of 'enabled', 'disabled', 'absent', 'unknown' (in features[0].state)"),
    ({"host": {"version": "ten"}}, 'it is "ten", and not a version like 10.0.20348.2527 (in host.version)'),
    ({"host": {"name": 3}}, "it is 3, and not text (in host.name)"),
    ({"host": {"hyperv": "7" * 80}}, f'it is "{"7" * 59}, and not true or false (in host.hyperv)'),
    ({"clock": {"skew": "1"}}, 'it is "1", and not a number (in clock.skew)'),
    ({"clock": {"skew": []}}, "it is list, and not a number (in clock.skew)"),
    ({"hypervisor": {"memory": 1.5}}, "it is 1.5, and not a whole number (in hypervisor.memory)"),
])
def test_a_wrong_value_is_shown_with_what_it_should_be(sections: dict[str, Any], why: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(**sections)
    assert caught.value.lines() == ["cannot read the facts of a machine", why]


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_number_that_every_reader_keeps_exactly_is_read(sign: int) -> None:
    most = sign * ((1 << 63) - 1024)
    assert read(hypervisor={"memory": most}).facts.hypervisor.memory == most == float(most)
    with pytest.raises(FormatError, match="not a whole number"):
        read(hypervisor={"memory": most + sign})


def test_null_means_that_nobody_knows() -> None:
    empty = {name: None for name in NAMES if name != "notes"}
    assert read(**empty).facts == MachineFacts()
    facts = read(host={"os": None, "edition": None, "product": None, "version": None}).facts
    assert facts.host == HostFacts(os="")
    assert read(host={"edition": None, "name": "srv"}).facts.host.name == "srv"


NO_SCHEMA = 'there is no "schema": "wcow.machine/1" (in schema)'


@pytest.mark.parametrize(("document", "why"), [
    ([], NO_SCHEMA), ({}, NO_SCHEMA), ({"schema": 1}, NO_SCHEMA),
    ({"schema": "wcow.machine/2"}, "it is of the form 'wcow.machine/2', and wcow.machine/1 is known here (in schema)"),
    ({"schema": "x" * 61}, f"it is of the form {'x' * 60!r}, and wcow.machine/1 is known here (in schema)"),
])
def test_another_document_is_refused(document: Any, why: str) -> None:
    with pytest.raises(FormatError) as caught:
        machine_json.from_document(document)
    assert caught.value.lines() == [
        "cannot read the facts of a machine", why,
        "'wcow doctor facts' writes such a document, on Windows 'wcow doctor facts --script'"]


TOO_MUCH = "a number is too long, or it is nested too deeply"


@pytest.mark.parametrize(("text", "offset", "why"), [
    (b"{}\x80", 2, "it is not utf-8"), (b"\xff\xfe{", 2, "it is not utf-16"), (b'{"a": x} ', 6, "Expecting value"),
    ("[" * 100_000, None, TOO_MUCH), ("1" * 5000, None, TOO_MUCH),
])
def test_what_is_no_json_is_refused_with_its_place(text: str | bytes, offset: int | None, why: str) -> None:
    with pytest.raises(FormatError) as caught:
        machine_json.parse(text)
    assert (caught.value.what, caught.value.offset, caught.value.hint) == ("cannot read this JSON", offset, "")
    assert caught.value.why.startswith(why)


@pytest.mark.parametrize("text", [b"", b"{", b" \r\n", b'{"schema" \n', b"\xef\xbb\xbf{", "{".encode("utf-16")])
def test_a_file_that_ends_too_early_is_to_be_collected_again(text: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        machine_json.parse(text)
    assert caught.value.why.startswith("Expecting ")
    assert caught.value.hint == "an empty or cut file: collect it again"
