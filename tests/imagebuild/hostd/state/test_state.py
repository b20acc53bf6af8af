# SPDX-License-Identifier: Apache-2.0
"""The state document of a host: read, written, refused, restarted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import machines

from imagebuild.errors import FormatError
from imagebuild.hostd.state import state
from imagebuild.windows import machine_json


def document(**values: Any) -> bytes:
    return json.dumps({"schema": state.SCHEMA, **values}).encode()


@pytest.mark.parametrize("client", [False, True])
def test_a_new_hosts_state_is_read_as_it_was_written(client: bool) -> None:
    made = state.default(client=client)
    assert state.read(state.write(made), client=client) == made
    assert bool(made.features) is not client and made.optional["Containers"] == "Enabled"


@pytest.mark.parametrize("name", machines.SAMPLES)
def test_a_machines_state_is_read_as_it_was_written(name: str) -> None:
    made = state.of_machine(machines.SAMPLES[name])
    assert state.read(state.write(made)) == made
    assert state.read(machine_json.write(machines.SAMPLES[name]).encode()) == made


def test_what_a_document_leaves_out_is_as_on_a_new_host() -> None:
    got = state.read(b'\xef\xbb\xbf{"tamper": true, "features": {"Containers": "Removed"}, "rules": null}')
    assert got == replace(state.default(client=False), tamper=True, features={"Containers": "Removed"})


def test_a_machines_facts_are_each_in_one_place() -> None:
    facts = machines.changed(machines.L0, {"system.pending_reboot": ("windows-update",)})
    got = state.of_machine(facts)
    assert (got.optional["Microsoft-Hyper-V"], got.features["Hyper-V"]) == ("Enabled", "Installed")
    assert got.pending_reboot == ("windows-update",) and got.machine.system.pending_reboot is None
    assert got.defender["ExclusionPath"] == [r"C:\ProgramData\docker"] and got.machine.antivirus.excluded is None
    assert "Microsoft-Hyper-V" not in state.of_machine(machines.HOME).optional
    assert state.of_machine(machines.HOME).features == {}


def test_a_restart_does_what_waited_for_it() -> None:
    waiting = replace(state.default(client=False), pending_reboot=("windows-update",),
                      features={"A": "InstallPending", "B": "UninstallPending", "C": "Removed"},
                      optional={"a": "EnablePending", "b": "DisablePending", "c": "Enabled"})
    got = state.restarted(waiting)
    assert got.features == {"A": "Installed", "B": "Available", "C": "Removed"}
    assert got.optional == {"a": "Enabled", "b": "Disabled", "c": "Enabled"} and got.pending_reboot == ()
    assert state.restarted(got) == got


@pytest.mark.parametrize(("values", "place"), [
    ({"features": ["Containers"]}, "features"), ({"features": {"Containers": "Perhaps"}}, "features.Containers"),
    ({"optional": {"Containers": "Installed"}}, "optional.Containers"), ({"tamper": 1}, "tamper"),
    ({"rules": {"a": {"LocalPort": 1}}}, "rules.a.LocalPort"), ({"rules": []}, "rules"),
    ({"updates": [{"title": "x"}]}, "updates[0].kb"), ({"updates": [{"kb": "1", "installed": "no"}]}, "updates[0]."),
    ({"pending_reboot": ["because"]}, "pending_reboot"), ({"machine": []}, "machine"),
    ({"machine": {"host": {"product": "toaster"}}}, "machine.host"),
    ({"schema": "wcow.hoststate/2"}, "schema"), ({"schema": 3}, "schema"),
    ({"colour": "blue"}, "colour"),
])
def test_nonsense_is_refused_with_its_place(values: dict[str, Any], place: str) -> None:
    with pytest.raises(FormatError) as refused:
        state.read(document(**values))
    assert str(refused.value.facts["source"]).startswith(place) and refused.value.why


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"3", b"\xff\xfe\x00", b"[" * 100_000, b" " * (state.LARGEST + 1)])
def test_what_is_not_a_document_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        state.read(data)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3))


@given(st.dictionaries(st.sampled_from([*state._FIELDS, "schema", "x"]), JSON))
def test_any_json_is_a_state_that_can_be_written_or_is_refused(values: dict[str, Any]) -> None:
    try:
        got = state.read(json.dumps(values).encode())
    except FormatError:
        return
    assert state.read(state.write(got)) == got


@given(machines.MACHINES)
def test_any_machine_is_a_state(facts: Any) -> None:
    got = state.of_machine(facts)
    assert state.read(state.write(got)) == got
