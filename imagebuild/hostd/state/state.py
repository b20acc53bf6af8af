# SPDX-License-Identifier: Apache-2.0
"""The state document of a host: features, firewall, Defender, updates, and what else it says of the machine.

The cmdlets of ``modules/`` read and change it on the host; its user reads and writes it with ``wcow host state``. What
it says of the machine (``machine``) has the form of ``wcow doctor facts``. A fact is in one place: the optional
features, the reasons for a restart and Defender's exclusions are not in ``machine``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...errors import FormatError
from ...windows import machine_json
from ...windows.facts.machine import ClockFacts, MachineFacts, NetworkFacts, TokenFacts

SCHEMA = "wcow.hoststate/1"
LARGEST = 1 << 20
"""Bytes of a document."""
FEATURE_STATES = ("Available", "Installed", "Removed", "InstallPending", "UninstallPending")
OPTIONAL_STATES = ("Disabled", "Enabled", "DisabledWithPayloadRemoved", "EnablePending", "DisablePending")
_OPTIONAL = dict(zip(FEATURE_STATES, OPTIONAL_STATES, strict=True))
_FEATURE = dict(zip(OPTIONAL_STATES, FEATURE_STATES, strict=True))
REASONS = ("component-servicing", "component-servicing-running", "windows-update", "file-rename", "computer-name")
"""Why a restart may be due, in the collector's words."""
_AFTER_RESTART = {"InstallPending": "Installed", "UninstallPending": "Available", "EnablePending": "Enabled",
                  "DisablePending": "Disabled"}
_CATALOGUE = Path(__file__).parent / "modules" / "WcowHost" / "features.json"
_WHAT = "cannot use this state of a host"


@dataclass(frozen=True, slots=True)
class HostState:
    """What a document says. ``features`` are a server's roles by name, ``optional`` the optional features; the rest
    has the names of the cmdlets' properties. ``tamper``: Defender takes no change."""

    features: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    defender: Mapping[str, Any] = field(default_factory=dict)
    tamper: bool = False
    updates: tuple[Mapping[str, Any], ...] = ()
    pending_reboot: tuple[str, ...] = ()
    machine: MachineFacts = field(default_factory=MachineFacts)


def default(*, client: bool) -> HostState:
    """Return the state of a new host."""
    rows = json.loads(_CATALOGUE.read_bytes())
    features = {row["name"]: row["state"] for row in rows if row["name"]}
    optional = {row["optional"]: _OPTIONAL[row["state"]] for row in rows}
    return HostState({} if client else features, optional,
                     defender={name: [] for name in ("ExclusionPath", "ExclusionProcess", "ExclusionExtension")},
                     machine=MachineFacts(network=NetworkFacts(networks=())))


def of_machine(facts: MachineFacts, *, client: bool = False) -> HostState:
    """Return the state of a host that is to be like a machine, whose facts ``wcow doctor facts`` collected. Pipes, who
    asked and the time are the host's own."""
    state = default(client=_client(facts, client))
    optional, features = dict(state.optional), dict(state.features)
    roles = {row["optional"]: row["name"] for row in json.loads(_CATALOGUE.read_bytes()) if row["name"]}
    for feature in facts.features or ():
        role = roles.get(feature.name, "")
        if feature.state == "absent":
            optional.pop(feature.name, None)
            features.pop(role, None)
            continue
        if feature.state in ("enabled", "disabled"):
            optional[feature.name] = "Enabled" if feature.state == "enabled" else "Disabled"
        if role in features:
            features[role] = _FEATURE[optional[feature.name]]
    defender = {**state.defender, "ExclusionPath": list(facts.antivirus.excluded or ())}
    return replace(state, optional=optional, features=features, defender=defender,
                   pending_reboot=tuple(one for one in facts.system.pending_reboot or () if one in REASONS),
                   machine=replace(facts, features=None, pipes=None, token=TokenFacts(), notes=(),
                                   clock=ClockFacts(synchronised=facts.clock.synchronised),
                                   system=replace(facts.system, pending_reboot=None),
                                   antivirus=replace(facts.antivirus, excluded=None)))


def restarted(state: HostState) -> HostState:
    """Return what a restart makes of a state: what waited for it is done, and no restart is due."""
    return replace(state, pending_reboot=(),
                   features={key: _AFTER_RESTART.get(value, value) for key, value in state.features.items()},
                   optional={key: _AFTER_RESTART.get(value, value) for key, value in state.optional.items()})


def read(data: bytes, *, client: bool = False) -> HostState:
    """Return the state that a document holds: one of a host (``wcow.hoststate/1``, where what is left out is as on a
    new host), or the facts of a machine (``wcow.machine/1``). FormatError names what is wrong in it."""
    if len(data) > LARGEST:
        raise FormatError(_WHAT, why=f"it has {len(data)} bytes, and {LARGEST} are the most")
    document = machine_json.parse(data)
    if not isinstance(document, dict):
        raise _wrong("the document", "an object")
    schema = document.get("schema", SCHEMA)
    if schema == machine_json.SCHEMA:
        return of_machine(machine_json.from_document(document).facts, client=client)
    if schema != SCHEMA:
        raise FormatError(_WHAT, source="schema", why=f"it is {json.dumps(schema)[:60]}",
                          hint=f"{SCHEMA}, or {machine_json.SCHEMA} of 'wcow doctor facts'")
    known: dict[str, Any] = {}
    for key, value in document.items():
        if key == "schema":
            continue
        check = _FIELDS.get(key)
        if check is None:
            raise FormatError(_WHAT, source=key[:60], why="no state has this",
                              hint=f"it has {', '.join(_FIELDS)}")
        if value is not None:
            known[key] = check(key, value)
    return replace(default(client=_client(known.get("machine", MachineFacts()), client)), **known)


def _client(facts: MachineFacts, otherwise: bool) -> bool:
    return facts.host.product == "client" if facts.host.product else otherwise


def write(state: HostState) -> bytes:
    """Return the document of a state."""
    machine = machine_json.to_document(state.machine)
    if state.machine.network.networks == ():
        machine.setdefault("network", {})["networks"] = []
    return (json.dumps({
        "schema": SCHEMA, "features": state.features, "optional": state.optional, "rules": state.rules,
        "profiles": state.profiles, "defender": state.defender, "tamper": state.tamper,
        "updates": list(state.updates), "pending_reboot": list(state.pending_reboot), "machine": machine},
        indent=1) + "\n").encode()


def _wrong(path: str, wanted: str) -> FormatError:
    return FormatError(_WHAT, source=path, why=f"it is not {wanted}",
                       hint="'wcow host state NAME' prints the present one")


def _table(states: tuple[str, ...]) -> Callable[[str, Any], dict[str, str]]:
    def check(path: str, value: Any) -> dict[str, str]:
        if not isinstance(value, dict):
            raise _wrong(path, "an object")
        for key, one in value.items():
            if one not in states:
                raise _wrong(f"{path}.{key[:60]}", f"one of {', '.join(states)}")
        return value
    return check


def _flag(path: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(path, "true or false")
    return value


def _properties(path: str, value: Any) -> dict[str, Any]:
    """An object of texts, flags and lists of texts, as cmdlets take them."""
    if not isinstance(value, dict):
        raise _wrong(path, "an object")
    for key, one in value.items():
        texts = isinstance(one, list) and all(isinstance(item, str) for item in one)
        if not (texts or one is None or isinstance(one, str | bool)):
            raise _wrong(f"{path}.{key[:60]}", "a text, true, false or a list of texts")
    return value


def _objects(path: str, value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict):
        raise _wrong(path, "an object")
    return {key: _properties(f"{path}.{key[:60]}", one) for key, one in value.items()}


def _updates(path: str, value: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(value, list):
        raise _wrong(path, "a list")
    for at, one in enumerate(value):
        _properties(f"{path}[{at}]", one)
        if not isinstance(one.get("kb"), str):
            raise _wrong(f"{path}[{at}].kb", "a text")
        for name in ("installed", "restart"):
            _flag(f"{path}[{at}].{name}", one.get(name, False))
    return tuple(value)


def _reasons(path: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or any(one not in REASONS for one in value):
        raise _wrong(path, f"a list of {', '.join(REASONS)}")
    return tuple(value)


def _machine(path: str, value: Any) -> MachineFacts:
    if not isinstance(value, dict):
        raise _wrong(path, "an object")
    try:
        return machine_json.from_document({"schema": machine_json.SCHEMA, **value}).facts
    except FormatError as error:
        raise FormatError(_WHAT, source=f"{path}.{error.source}", why=error.why) from None


_FIELDS: dict[str, Callable[[str, Any], Any]] = {
    "features": _table(FEATURE_STATES), "optional": _table(OPTIONAL_STATES), "rules": _objects, "profiles": _objects,
    "defender": _properties, "tamper": _flag, "updates": _updates, "pending_reboot": _reasons, "machine": _machine}
