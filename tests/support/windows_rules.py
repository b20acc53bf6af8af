# SPDX-License-Identifier: Apache-2.0
"""What an engine on Windows refuses, restricts or does in a way of its own: every such rule by a short name, and how a
row of the tables asks an engine about one.

The rules are those of the project's notes on the Engine API on Windows, and what else moby 26.1.5 refuses there. Rows
name moby's files, as ``daemon/export.go:24``; one below ``libcontainerd/local`` has no line, for Debian's sources of
Docker leave that folder out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.plain_http import unix_connection

from .engines import IMAGE, Served

CREATE = "POST /containers/create"

_RULES = """
    isolation-values isolation-default isolation-hyperv isolation-filter
    cpu-precedence cpu-precedence-hyperv cpu-shares-range cpu-percent-range cpu-count-negative cpu-count-clamped
    nanocpus-range nanocpus-percent nanocpus-shares nanocpus-steps memory-limit io-limits storage-size
    security-opt credential-spec devices args-escaped exec-args-escaped user working-dir env-merged exec-inherits
    health-shell

    mount-types tmpfs bind-absolute bind-missing bind-file bind-options target-drive-c target-absolute target-drive
    propagation pipe-ends pipe-writable pipe-start no-copy-up reserved-names read-only-mounts long-prefix unc-source
    binds-lower-case duplicate-mounts anonymous-volumes volume-options volumes-from mount-fields spec-shape

    network-drivers network-default network-predefined network-ipv6 network-ip-range host-address port-range
    network-options port-taken port-protocol host-network container-network container-network-hyperv
    container-network-clashes alias-on-default address-on-default endpoint-settings one-network-of-old-clients links

    privileged readonly-rootfs restart-policy ulimits pids-limit blkio-weight blkio-weight-device blkio-read-bps
    blkio-write-bps blkio-read-iops blkio-write-iops cpuset-cpus cpuset-mems cpu-period cpu-quota memory-reservation
    memory-swap memory-swappiness oom-kill-disable cgroup-parent cpu-realtime kernel-memory capabilities
    update-limits update-restart commit-running diff-running diff-paths export pause unpause checkpoint top-arguments
    top-titles import remove-link

    cp-hyperv cp-mounts cp-owner cp-system-drive from-scratch

    signals unknown-signal harmless-signals stop-signal stop-timeout kill-wait stdin-pipe one-stream-with-tty
    console-size exit-codes exit-unreadable stats-shape engine-restart supported-hosts pull-picks engine-pipe
"""

RULES = frozenset(_RULES.split())
"""The rules, by names of ours: isolation and limits; mounts; networks; what is refused outright; files; processes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One question about a rule, and the answer of a Windows engine.

    ``source`` is moby's file and line. ``host`` is a create request's HostConfig and ``config`` the rest of it;
    ``start`` asks for the start of what was created, and it is that answer which counts. Another ``call`` has the
    placeholders ``{running}``, ``{ended}`` and ``{made}`` for containers, and ``body``. In ``says``, the exact message,
    ``{id}`` and ``{name}`` are the container's. ``warns`` are the warnings of a create that is taken. ``ours`` is why
    this engine answers as it does where Windows answers otherwise, or says more.
    """

    rule: str
    source: str
    status: int
    says: str = ""
    host: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    start: bool = False
    call: str = CREATE
    body: Any = None
    warns: tuple[str, ...] = ()
    version: str = "1.45"
    ours: str = ""

    @property
    def label(self) -> str:
        """For the test's name."""
        return f"{self.rule} {json.dumps(self.host or self.config or self.body or self.call)}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule that a test shows: the file in ``tests`` and the function. ``ours`` as in :class:`Row`."""

    rule: str
    file: str
    test: str
    ours: str = ""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A rule that no client of this engine can see, and why."""

    rule: str
    why: str


def ask(engine: Served, call: str, body: Any = None, version: str = "1.45") -> tuple[int, Any]:
    """One request as any client could write it: the status, and the document of the answer."""
    method, _, path = call.partition(" ")
    connection = unix_connection(str(engine.socket), 30)
    try:
        connection.request(method, f"/v{version}{path}", None if body is None else json.dumps(body),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        return answer.status, json.loads(data) if data.strip() else None
    finally:
        connection.close()


def answer(engine: Served, row: Row, places: Mapping[str, str]) -> tuple[int, str, tuple[str, ...]]:
    """What an engine answers to a row: status, message, warnings. ``places`` are ids by placeholder.

    The message has placeholders again for what is a new id or name each time.
    """
    if row.call != CREATE:
        call = row.call
        for name, identifier in places.items():
            call = call.replace(f"{{{name}}}", identifier)
        status, found = ask(engine, call, row.body, row.version)
        message = str((found or {}).get("message", "")) if isinstance(found, dict) else ""
        for identifier in places.values():
            message = message.replace(identifier, "{id}")
        return status, message, ()
    status, found = ask(engine, CREATE, {"Image": IMAGE, "Cmd": ["sleep", "60"], **row.config,
                                         "HostConfig": dict(row.host)}, row.version)
    if status != 201:
        return status, found["message"], ()
    identifier, warnings = found["Id"], tuple(found["Warnings"])
    name = engine.inspect(identifier).name.removeprefix("/")
    try:
        if row.start:
            status, found = ask(engine, f"POST /containers/{identifier}/start", version=row.version)
            message = "" if found is None else found["message"]
            return status, message.replace(identifier, "{id}").replace(name, "{name}"), warnings if status < 400 else ()
    finally:
        ask(engine, f"DELETE /containers/{identifier}?force=1")
    return status, "", warnings


__all__ = ["CREATE", "RULES", "Row", "Shown", "Unseen", "answer", "ask"]
