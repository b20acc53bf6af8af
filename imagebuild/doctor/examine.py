# SPDX-License-Identifier: Apache-2.0
"""Examines a machine: every question that has a meaning for it, answered from its facts. Pure; nothing is raised."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..compat.hosts import hosts
from ..errors import UsageError, quoted
from ..windows.facts.host import HostFacts
from ..windows.facts.machine import DaemonFacts, HypervisorFacts, MachineFacts, SystemFacts
from . import checks_engine, checks_hypervisor, checks_network, checks_services, checks_system, checks_windows
from .check import Check, Question

QUESTIONS: dict[str, Question] = {one.id: one for theme in (
    checks_windows, checks_hypervisor, checks_services, checks_engine, checks_network, checks_system)
    for one in theme.QUESTIONS}
"""Every question by its id, in the order in which they are answered."""


def examine(facts: MachineFacts, *, only: Collection[str] = (), skip: Collection[str] = ()) -> tuple[Check, ...]:
    """The answers for a machine, in the order of :data:`QUESTIONS`; those without a meaning for it are left out.

    ``only`` and ``skip`` are ids of questions. UsageError names one that there is not.
    """
    for name in (*only, *skip):
        if name not in QUESTIONS:
            raise UsageError(f"there is no check {quoted(name)}", hint="there are " + ", ".join(QUESTIONS))
    answers = (one.ask(facts) for name, one in QUESTIONS.items() if name not in skip and (not only or name in only))
    return tuple(answer for answer in answers if answer is not None)


def machines(document: Any) -> tuple[MachineFacts, ...]:
    """The machines in a parsed JSON document: our own facts, or what :func:`hosts.detect` knows, as far as that goes.
    FormatError when it is none of these."""
    found = hosts.detect(document)
    if found.machine is not None:
        return (found.machine,)
    if found.kind == "docker-info":
        return (_from_info(document[0] if isinstance(document, list) else document, found.hosts[0]),)
    return tuple(MachineFacts(host=host) for host in found.hosts)


def _from_info(info: dict[str, Any], host: HostFacts) -> MachineFacts:
    """``docker info`` says a few things beside those of the host."""
    def said(name: str, kind: type) -> Any:
        value = info.get(name)
        return value if isinstance(value, kind) and not isinstance(value, bool) and value else None

    return MachineFacts(
        host=host, system=SystemFacts(product_name=said("OperatingSystem", str), kernel=said("KernelVersion", str)),
        hypervisor=HypervisorFacts(memory=said("MemTotal", int), processors=said("NCPU", int)),
        daemon=DaemonFacts(data_root=said("DockerRootDir", str), driver=said("Driver", str)))
