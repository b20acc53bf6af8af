# SPDX-License-Identifier: Apache-2.0
"""Remove what test runs left that were killed: what their label says is of this machine, and of a process that is gone.

What has no label of ours is never touched, nor what belongs to a process that lives, to another machine, or was kept on
purpose; :func:`find_leftovers` lists the latter two as well when ``everything`` is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..dockerapi import Client, Filters, faults
from ..errors import DaemonError
from . import labels, lifecycle
from .labels import Owner

Kind = Literal["container", "network", "volume", "image"]


@dataclass(frozen=True, slots=True)
class Found:
    """A thing with our label: what it is, why it may go, and when it has been tried what came of it.

    ``dead`` is whether its process is known to be gone; ``failed`` why it could not be removed.
    """

    kind: Kind
    id: str
    name: str
    dead: bool
    why: str
    created: int
    test: str = ""
    failed: str = ""


def find_leftovers(client: Client, me: Owner, *, everything: bool = False,
                   older_than: float = 0) -> Iterator[Found]:
    """List what may be removed: the leftovers of dead processes of this machine, with ``everything`` also what other
    machines made and what was kept. ``older_than`` is an age in seconds that a thing has at least."""
    now = time.time()
    for kind, identifier, name, marks in _labelled(client):
        created = int(marks.get(labels.CREATED, "0")) if marks.get(labels.CREATED, "").isdigit() else 0
        dead, why = judged(marks, me)
        if (dead or (everything and marks.get(labels.SESSION) != me.session and why)) and now - created >= older_than:
            yield Found(kind, identifier, name, dead, why, created, marks.get(labels.TEST, ""))


def remove_leftovers(client: Client, found: Iterable[Found], *, seconds: float = 20.0) -> Iterator[Found]:
    """Remove things, and give each back with what came of it. Containers go before the networks and volumes that they
    use, and images last."""
    order: dict[Kind, int] = {"container": 0, "network": 1, "volume": 2, "image": 3}
    for one in sorted(found, key=lambda it: order[it.kind]):
        yield replace(one, failed=_removed(client, one, seconds))


def judged(marks: Mapping[str, str], me: Owner) -> tuple[bool, str]:
    """Whether the process that made a thing is gone, and the reason in words; no reason for one that lives."""
    if marks.get(labels.KEEP):
        return False, "it was kept on purpose"
    if marks.get(labels.MACHINE) != me.machine:
        return False, "another machine made it"
    if marks.get(labels.SESSION) == me.session:
        return False, ""
    if marks.get(labels.BOOT) != me.boot:
        return True, "this machine was started again since"
    pid = marks.get(labels.PID, "")
    start = labels.process_start(int(pid)) if pid.isdigit() else None
    if start is None or (start and start != marks.get(labels.STARTED)):
        return True, f"process {pid or '?'} is gone"
    return False, ""


def _labelled(client: Client) -> Iterator[tuple[Kind, str, str, Mapping[str, str]]]:
    ours = Filters.of(label=[labels.SESSION])
    for one in _listed(client, "/containers/json", {"all": True, "filters": ours}):
        yield "container", one["Id"], str((one.get("Names") or ["/?"])[0]).lstrip("/"), one.get("Labels") or {}
    for one in _listed(client, "/networks", {"filters": ours}):
        yield "network", one["Id"], one["Name"], one.get("Labels") or {}
    for one in (_answer(client, "/volumes", {"filters": ours}) or {}).get("Volumes") or []:
        yield "volume", one["Name"], one["Name"], one.get("Labels") or {}
    for one in _listed(client, "/images/json", {"filters": ours}):
        yield "image", one["Id"], (one.get("RepoTags") or [one["Id"]])[0], one.get("Labels") or {}


def _listed(client: Client, path: str, query: Mapping[str, Any]) -> list[Any]:
    return [one for one in _answer(client, path, query) or []
            if labels.SESSION in (one.get("Labels") or {})]  # an engine that knows no such filter lists all


def _answer(client: Client, path: str, query: Mapping[str, Any]) -> Any:
    return client.json("GET", path, query=query)


def _removed(client: Client, one: Found, seconds: float) -> str:
    if one.kind == "container":
        left = lifecycle.remove(client, one.id, seconds=seconds)
        return left.why if left is not None else ""
    path = {"network": "/networks/", "volume": "/volumes/", "image": "/images/"}[one.kind]
    try:
        with client.call("DELETE", path + one.id, query={"force": one.kind == "image"}) as answer:
            answer.read()
    except faults.NotFound:  # gone is what was wanted
        pass
    except DaemonError as error:
        return str(error)
    return ""
