# SPDX-License-Identifier: Apache-2.0
"""Create, start, stop and remove a container, as a Windows engine needs it done.

A Windows container is stopped, waited for and then removed: a forced removal of one that runs fails at times with "did
not receive an exit event" (dotnet/dotnet-docker#5127), and a removal right after the end with "Access is denied".
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from ..dockerapi import Client, faults, shapes
from ..errors import DaemonError
from .deadline import Deadline
from .spec import Spec, create_request
from .trouble import trouble_of

STOP_SECONDS = 10
END_SECONDS = 120.0
"""What an engine has for an end beyond the time that a program has: Windows kills for 75 seconds."""
REMOVE_SECONDS = 60.0
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that could not be removed, and why."""

    kind: str
    name: str
    why: str


def create(client: Client, spec: Spec) -> shapes.Created:
    """Create a container; it does not run yet."""
    return client.json("POST", "/containers/create", shape=shapes.Created, body=create_request(spec),
                       query={"name": spec.name or None})


def inspect(client: Client, container: str) -> shapes.Inspect:
    """What the engine knows of a container."""
    return client.json("GET", f"/containers/{container}/json", shape=shapes.Inspect)


def stop(client: Client, container: str, *, seconds: int = STOP_SECONDS) -> None:
    """Stop a container; one that is not there or does not run is left as it is."""
    with suppress(faults.NotModified, faults.NotFound), \
            client.call("POST", f"/containers/{container}/stop", query={"t": seconds},
                        deadline=seconds + END_SECONDS) as answer:
        answer.read()


def remove(client: Client, container: str, *, stop_seconds: int = 0, seconds: float = REMOVE_SECONDS,
           pauses: tuple[float, ...] = PAUSES) -> Leftover | None:
    """Stop a container, wait for its end and remove it with its anonymous volumes, again and again until ``seconds``
    are over. Returns what is left and why, ``None`` when nothing is."""
    deadline = Deadline(seconds)
    why = hint = ""
    for pause in (*pauses, None):
        try:
            _remove_once(client, container, stop_seconds)
            return None
        except faults.NotFound:
            return None
        except DaemonError as error:
            why = str(error)
            found = trouble_of(why, "remove")
            hint = found.hint if found is not None else ""
        if pause is None or deadline.left <= pause:
            break
        time.sleep(pause)
    return Leftover("container", container, f"{why}; {hint}" if hint else why)


def _remove_once(client: Client, container: str, stop_seconds: int) -> None:
    state = inspect(client, container).state
    if state.running or state.paused:
        try:
            stop(client, container, seconds=stop_seconds)
        except faults.Fault:  # the way that is left
            with client.call("POST", f"/containers/{container}/kill") as answer:
                answer.read()
        _await_end(client, container)
    with client.call("DELETE", f"/containers/{container}", query={"v": True, "force": True}) as answer:
        answer.read()


def _await_end(client: Client, container: str) -> None:
    with client.call("POST", f"/containers/{container}/wait", query={"condition": "not-running"},
                     deadline=END_SECONDS) as answer:
        answer.read()
