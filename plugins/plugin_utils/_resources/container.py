# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Containers: there as they shall be, running or not, or gone."""

from __future__ import annotations

import time
from typing import Any

from ....imagebuild.containers import (
    Difference,
    Spec,
    create_request,
    differences,
    endpoint,
    remove,
    restart_policy,
    start_container,
)
from ....imagebuild.dockerapi import Client, faults, shapes
from .. import _secret
from .._task import Plan, Task, TaskError, filters_of
from . import image as _image
from .wanted import spec_of

#: What an engine changes in a container that is there (``POST /containers/{id}/update``); a Windows engine takes no
#: other field of it (moby ``daemon/daemon_windows.go``: verifyPlatformContainerResources).
UPDATED = "restart"


def find(client: Client, name: str) -> shapes.Inspect | None:
    """A container of the engine, ``None`` when there is none of that name or id."""
    try:
        return client.json("GET", f"/containers/{name}/json", shape=shapes.Inspect)
    except faults.NotFound:
        return None


def container(task: Task) -> dict[str, Any]:
    """``wcow.containers.container``."""
    name, state = task.text("name"), task.args["state"]
    found = find(task.client, name)
    plan = Plan()
    if state == "absent":
        if found is not None:
            plan.differs("state", found.state.status, "absent")
            plan.add(f"remove {name}", lambda: _remove(task, found.id))
        return {**plan.run(task), "container": {}}
    spec = spec_of(task)
    if not spec.image and found is None:
        raise TaskError(f"the container {name} is not there, and without image it cannot be made")
    wanted_image = _image_for(task, plan, spec) if spec.image else ""
    different = list(differences(spec, found, wanted_image)) if found is not None and spec.image else []
    if spec.image and wanted_image == "":
        different = [one for one in different if one.field != "image"] + _other_image(found)
    if not spec.image and found is not None:
        different = [one for one in differences(spec, found, found.image) if one.field != "image"]
    again = found is not None and (task.args["recreate"] or any(_needs_new(one) for one in different))
    if again and not spec.image:
        said = "; ".join(_sentences(different)) or "recreate is true"
        raise TaskError(f"the container {name} has to be made anew ({said}), and that takes image")
    for one in map(_secret.difference, different):
        plan.differs(one.field, _shown(one.found), _shown(one.wanted))
    _arrange(task, plan, spec, found, different, again=bool(again))
    result = plan.run(task)
    if state == "healthy" and not task.check:
        _await_health(task, name)
    there = find(task.client, name) if plan.changed or state == "healthy" else found
    return {**result, "container": _secret.document(there), "differences": _sentences(different)}


def container_info(task: Task) -> dict[str, Any]:
    """``wcow.containers.container_info``."""
    name = task.text("name")
    if name:
        one = find(task.client, name)
        found = [one] if one is not None else []
    else:
        rows = task.client.json("GET", "/containers/json", query={
            "all": bool(task.args["all"]), "filters": filters_of(task.args.get("filters"))}) or []
        inspected = (find(task.client, str(row["Id"])) for row in rows)
        found = [one for one in inspected if one is not None]
    return {"changed": False, "exists": bool(found),
            "containers": [_secret.document(one, shown=bool(task.args["show_env"])) for one in found]}


def _arrange(task: Task, plan: Plan, spec: Spec, found: shapes.Inspect | None, different: list[Difference], *,
             again: bool) -> None:
    """Put the steps together that lead from what is there to what shall be."""
    client, name, state = task.client, spec.name, task.args["state"]
    runs = found is not None and found.state.running and not again
    if found is not None and again:
        plan.add(f"remove {name}", lambda: _remove(task, found.id))
    if found is None or again:
        if found is None:
            plan.differs("state", "absent", "running" if state in ("started", "healthy") else "created")
        plan.add(f"create {name}", lambda: _create(client, spec))
    else:
        _adjust(task, plan, spec, different)
    if state in ("started", "healthy") and not runs:
        if found is not None and not again:
            plan.differs("state", found.state.status, "running")
        plan.add(f"start {name}", lambda: start_container(client, name))
    elif state in ("started", "healthy") and task.args["restart"]:
        plan.add(f"restart {name}", lambda: _stop_and_start(task, name))
    elif state == "stopped" and runs:
        plan.differs("state", "running", "exited")
        plan.add(f"stop {name}", lambda: _stop(task, name))


def _adjust(task: Task, plan: Plan, spec: Spec, different: list[Difference]) -> None:
    client, name = task.client, spec.name
    for one in different:
        if one.field == UPDATED:
            body = shapes.UpdateRequest(restart_policy=restart_policy(spec.restart))
            plan.add("update the restart policy", lambda body=body: client.json(  # type: ignore[misc]
                "POST", f"/containers/{name}/update", body=body))
        elif one.field.startswith("network "):
            network = one.field.partition(" ")[2]
            plan.add(f"join {network}", lambda network=network, there=one.found is not None: _join(  # type: ignore[misc]
                client, spec, network, there=there))


def _create(client: Client, spec: Spec) -> None:
    client.json("POST", "/containers/create", query={"name": spec.name}, body=create_request(spec))
    for one in spec.attachments:
        if one.network != spec.network:
            _join(client, spec, one.network, there=False)


def _join(client: Client, spec: Spec, network: str, *, there: bool) -> None:
    wanted = next(one for one in spec.attachments if one.network == network)
    if there:
        client.call("POST", f"/networks/{network}/disconnect",
                    body=shapes.NetworkDisconnect(container=spec.name, force=True)).close()
    client.call("POST", f"/networks/{network}/connect",
                body=shapes.NetworkConnect(container=spec.name, endpoint_config=endpoint(wanted))).close()


def _image_for(task: Task, plan: Plan, spec: Spec) -> str:
    """The id of the wanted image at the engine; empty, and a step that pulls it, when it is not there yet."""
    found = _image.find(task, spec.image)
    policy = task.args["pull"]
    if found is None and policy == "never":
        raise TaskError(f"the image {spec.image} is not there, and pull is never")
    if found is None or (policy == "always" and _image.registry_has_other(task, spec.image, found)):
        plan.add(f"pull {spec.image}", lambda: _image.pull(task, spec.image))
        return ""
    return found.id


def _other_image(found: shapes.Inspect | None) -> list[Difference]:
    """A container is made anew of an image that has to be pulled first."""
    return [Difference("image", "the image that is pulled", found.image)] if found is not None else []


def _needs_new(one: Difference) -> bool:
    return one.field != UPDATED and not one.field.startswith("network ")


def _sentences(different: list[Difference]) -> list[str]:
    return [str(_secret.difference(one)) for one in different]


def _shown(value: object) -> object:
    """A value as results may hold it."""
    if isinstance(value, tuple):
        return [_shown(one) for one in value]
    if hasattr(type(value), "__dataclass_fields__"):
        return shapes.to_json(value)
    return value


def _remove(task: Task, container: str) -> None:
    left = remove(task.client, container, stop_seconds=0 if task.args["force_kill"] else _grace(task))
    if left is not None:
        raise TaskError(f"the container {task.text('name')} could not be removed: {left.why}")


def _grace(task: Task) -> int:
    given = task.args.get("stop_timeout")
    return 10 if given is None else int(given)


def _stop(task: Task, name: str) -> None:
    task.client.call("POST", f"/containers/{name}/stop", query={"t": _grace(task)}).close()


def _stop_and_start(task: Task, name: str) -> None:
    _stop(task, name)
    start_container(task.client, name)


def _await_health(task: Task, name: str) -> None:
    until = time.monotonic() + float(task.args["healthy_wait_timeout"])
    while True:
        there = find(task.client, name)
        if there is None or not there.state.running:
            raise TaskError(f"the container {name} does not run any more, so it will not be healthy",
                            container=_secret.document(there))
        health = there.state.health
        if health is None or health.status in ("", "none"):
            raise TaskError(f"the container {name} has no health check: give healthcheck, or state: started")
        if health.status == "healthy":
            return
        if time.monotonic() > until:
            last = health.log[-1].output.strip() if health.log else ""
            raise TaskError(f"the container {name} is {health.status} after {task.args['healthy_wait_timeout']} s"
                            + (f"; its last probe said: {last[-500:]}" if last else ""))
        time.sleep(0.25)
